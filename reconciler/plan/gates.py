"""What an act must pass beyond its own row: its master, newer revisions, the role's quota.

Each gate turns an act into a hold that remembers the act; none makes an act.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.model.keys import JobKey, workers_of
from reconciler.model.live import LiveJob, LiveSnapshot
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
    ScheduleCron,
    Standing,
    StartUpdate,
)
from reconciler.model.rendered import RenderedJob
from reconciler.model.task import CanonicalTask
from reconciler.model.update import REVISION
from reconciler.plan.facts import Facts


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
    if not isinstance(decision.action, StartUpdate):
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


@dataclass(frozen=True, slots=True)
class Need:
    """Cores, MiB of RAM and MiB of disk."""

    cpu: float = 0.0
    ram_mb: float = 0.0
    disk_mb: float = 0.0

    def __add__(self, other: "Need") -> "Need":
        return Need(self.cpu + other.cpu, self.ram_mb + other.ram_mb, self.disk_mb + other.disk_mb)

    def times(self, count: int) -> "Need":
        return Need(self.cpu * count, self.ram_mb * count, self.disk_mb * count)

    def beyond(self, other: "Need") -> "Need":
        """Return how much more than `other` this is, per resource, never negative."""
        return Need(
            max(self.cpu - other.cpu, 0.0),
            max(self.ram_mb - other.ram_mb, 0.0),
            max(self.disk_mb - other.disk_mb, 0.0),
        )


def within_quota(
    acts: Iterable[Act], wanted: Mapping[JobKey, RenderedJob], snapshot: LiveSnapshot
) -> tuple[Decision, ...]:
    """Check the acts against the roles' quotas in the order in which they will be sent.

    Each alone may fit and all together not: an update is charged max(old, new) per resource
    (QuotaManager), and what an earlier act takes is gone for a later one.
    """
    taken: dict[str, Need] = {}
    found: list[Decision] = []
    for act in acts:
        more = _more(act, wanted.get(act.key), snapshot)
        quota = snapshot.quotas.get(act.key.role)
        if more is None or quota is None:
            found.append(act)
            continue
        used = Need(quota.cpu_used, quota.ram_mb_used, quota.disk_mb_used)
        total = used + taken.get(act.key.role, Need()) + more
        lack = total.beyond(Need(quota.cpu, quota.ram_mb, quota.disk_mb))
        if lack == Need():
            taken[act.key.role] = taken.get(act.key.role, Need()) + more
            found.append(act)
        else:
            found.append(_over(act, lack))
    return tuple(found)


def charged(act: Act, wanted: RenderedJob | None) -> bool:
    """Return whether Aurora checks this act against the role's quota: production, not dedicated."""
    if wanted is None or not wanted.production or _is_dedicated(wanted.config.task.value()):
        return False
    return isinstance(act.action, StartUpdate | ScheduleCron)


def _is_dedicated(task: Mapping[str, object]) -> bool:
    """Return whether a task asks for dedicated hosts: no quota limits these (QuotaManager)."""
    constraints = task.get("constraints")
    return isinstance(constraints, dict) and "dedicated" in constraints


def _more(act: Act, wanted: RenderedJob | None, snapshot: LiveSnapshot) -> Need | None:
    if wanted is None or not charged(act, wanted):
        return None
    each, live = _each(wanted), snapshot.jobs.get(act.key)
    match act.action:
        case StartUpdate(only=only):
            rising = each.times(len(set(only) & set(range(act.action.instances))))
            return rising.beyond(_falling(live, frozenset(only)))
        case ScheduleCron(instances=instances):
            template = live.cron if live is not None else None
            before = _production(template.config.task, template.instances) if template else Need()
            return each.times(instances).beyond(before)
        case _:
            return None


def _each(wanted: RenderedJob) -> Need:
    r = wanted.desired.spec.resources
    return Need(r.cpu, r.ram_mb, r.disk_mb)


def _falling(live: LiveJob | None, scope: frozenset[int]) -> Need:
    """Return what the instances within the scope are charged now."""
    total = Need()
    for group in (live.groups if live is not None else None) or ():
        total += _production(group.config.task, len(scope & set(group.instances)))
    return total


def _production(task: CanonicalTask, count: int) -> Need:
    value = task.value()
    resources = value.get("resources")
    is_shared = value.get("production") and not _is_dedicated(value)
    if not is_shared or not isinstance(resources, dict):
        return Need()
    return Need(
        float(resources.get("cpu", 0)),
        float(resources.get("ram_mb", 0)),
        float(resources.get("disk_mb", 0)),
    ).times(count)


def _over(act: Act, lack: Need) -> Hold:
    parts = [
        f"{amount:g} {unit}"
        for amount, unit in (
            (lack.cpu, "cores"),
            (lack.ram_mb, "MiB RAM"),
            (lack.disk_mb, "MiB disk"),
        )
        if amount
    ]
    detail = f"role {act.key.role} lacks {', '.join(parts)}"
    return held(act, Reason.OVER_QUOTA, detail, "a larger quota (aurora_admin set_quota), or less")
