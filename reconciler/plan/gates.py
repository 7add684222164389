"""What an act must pass beyond its own row: its master, newer revisions, a lost record.

Each gate turns an act into a hold that remembers the act; none makes an act.
"""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.keys import JobKey, workers_of
from reconciler.model.marks import REVISION
from reconciler.model.plan import (
    APPROVAL,
    CREATIONS,
    AbortUpdate,
    Act,
    Decision,
    Hold,
    Keep,
    PulseUpdate,
    Reason,
    ResumeUpdate,
    RollbackUpdate,
    Standing,
    StartUpdate,
)
from reconciler.plan.facts import Facts


def judged(act: Act) -> Act:
    """Return what an act is judged by: an abort, by what it makes way for. Sent alone, it would
    leave the job between two versions."""
    return act.then if isinstance(act.action, AbortUpdate) and act.then is not None else act


def held(act: Act, reason: Reason, detail: str, release: str) -> Hold:
    """Return the hold that stands for an act which must not be done now."""
    return Hold(
        act.key,
        act.project,
        reason,
        detail=detail,
        release=release,
        changes=act.changes,
        origin=act.origin,
        wanted=act,
    )


def behind_master(decision: Decision, f: Facts, decided: Mapping[JobKey, Decision]) -> Decision:
    """Row 13: workers start and change only when their master is settled."""
    master = f.wanted.desired.spec.master if f.wanted is not None else None
    if master is None or not isinstance(decision, Act):
        return decision
    if not isinstance(judged(decision).action, StartUpdate):
        return decision
    match decided.get(master):
        case Keep(detail="") | None:
            return decision
        case Keep(detail=detail):
            return held(decision, Reason.MASTER_NOT_SETTLED, f"{master}: {detail}", "")
        case Hold(reason=reason) as other if reason.standing in (Standing.BLOCKED, Standing.MEANT):
            detail = f"{master}: {reason.label}"
            return held(decision, Reason.MASTER_HELD, detail, _release_of(other))
        case Act() | Hold() as other:
            detail = f"{master}: {other.reason.label}"
            return held(decision, Reason.MASTER_NOT_SETTLED, detail, "")


def behind_workers(decision: Decision, decided: Mapping[JobKey, Decision]) -> Decision:
    """A removed master waits for its workers, but not for ever when these are held."""
    if not isinstance(decision, Hold) or decision.reason is not Reason.WORKERS_FIRST:
        return decision
    workers = workers_of(decision.key)
    other = decided.get(workers) if workers is not None else None
    if not isinstance(other, Hold) or other.reason.standing is Standing.WAITING:
        return decision
    detail, release = f"{workers}: {other.reason.label}", _release_of(other)
    return replace(decision, reason=Reason.WORKERS_HELD, detail=detail, release=release)


def _release_of(other: Hold) -> str:
    """Return what releases a job, for whatever waits for it: one command must do for both."""
    if other.reason is Reason.SUSPENDED:
        return f"end the suspension of {other.key}"
    return other.release


def not_older(decision: Decision, f: Facts, *, allow_older: bool) -> Decision:
    """An old checkout must not downgrade production."""
    if allow_older or not isinstance(decision, Act) or not _changes_things(decision):
        return decision
    for revision in _applied(f, decision):
        contains = f.revision.descends_from(revision)
        if contains is False:
            detail = f"{revision[:12]} was applied, and is not in the history of this revision"
            return held(decision, Reason.NEWER_APPLIED, detail, "--allow-older")
        if contains is None and f.revision.is_commit(revision):
            detail = f"{revision[:12]} was applied, and no history tells whether it came before"
            release = "fetch the whole history (no shallow clone), or --allow-older"
            return held(decision, Reason.NEWER_APPLIED, detail, release)
    return decision


def confirmed(decision: Decision, f: Facts) -> Decision:
    """What changes or ends a job that only its mark says is ours is a person's to begin.

    A mark can be copied, and what a lost record knew of the job is forgotten. A preview beside no
    record shows what would come: it is asked elsewhere than where the record is.
    """
    if not (f.by_mark and f.recorded) or f.adopt:
        return decision
    if not isinstance(decision, Act) or not _changes_things(decision):
        return decision
    return held(decision, Reason.RECORD_LOST, "", APPROVAL)


def _changes_things(act: Act) -> bool:
    return not isinstance(act.action, ResumeUpdate | PulseUpdate | RollbackUpdate) and not (
        isinstance(act.action, AbortUpdate) and act.reason is Reason.STALLED
    )


def _applied(f: Facts, act: Act) -> tuple[str, ...]:
    """Return the revisions of our last update and of our last recorded act, newest known; for what
    is not on record, of the last tree, which may have removed it."""
    newest = f.live.update if f.live is not None and f.live.update is not None else f.last_ended
    found = []
    if newest is not None and f.ours(newest) and REVISION in newest.metadata:
        found.append(newest.metadata[REVISION])
    if f.owned is not None:
        found.append(f.owned.revision)
    elif act.reason in CREATIONS and f.newest:
        found.append(f.newest)
    return tuple(found)
