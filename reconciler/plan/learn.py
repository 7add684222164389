"""What is remembered next, from what was remembered, planned and done. State in, state out.

Every step of a round that must survive a crash is one of these functions; the record stores the
difference between two memories in one transaction.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import TypeVar, assert_never

from reconciler.model.keys import JobKey
from reconciler.model.live import LiveSnapshot, Unknown
from reconciler.model.marks import TOKEN
from reconciler.model.memory import Absence, Intent, Memory, Owned, Quarantine
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import Act, Decision, Keep, Plan, Reason, ScheduleCron, StartUpdate
from reconciler.model.policy import OnRemove
from reconciler.model.spec import DesiredJob
from reconciler.model.update import LiveUpdate
from reconciler.plan.facts import facts, spec_of, trouble_of, troubles_in
from reconciler.plan.guard import DAY, spent_by
from reconciler.plan.inputs import PlanInput
from reconciler.plan.planner import limits

V = TypeVar("V")

_AS_DECLARED = (Reason.ADOPTED, Reason.CONVERGED, Reason.DISABLED)


def intended(given: PlanInput, memory: Memory, act: Act, token: str) -> Memory:
    """Return the memory just before an act is sent: without it, a lost reply would be forgotten.

    What the guard counts is counted here, so that neither a crash nor a lost reply can hide it.
    """
    intent = Intent(
        token=token,
        action=type(act.action).__name__,
        spec=act.spec,
        at=given.now,
        project=act.project,
        path=act.origin.path if act.origin is not None else "",
        revision=given.tree.revision.id,
    )
    spent = (*memory.spent, *spent_by(act, given.now))
    return replace(memory, intents={**memory.intents, act.key: intent}, spent=spent)


def carried_out(given: PlanInput, memory: Memory, outcome: Outcome) -> Memory:
    """Return the memory after one act. An unknown outcome keeps its intent."""
    key = outcome.act.key
    match outcome:
        case Applied(act=act):
            return _applied(given, _without_intent(memory, key), act)
        case Refused(act=act, message=message):
            why = f"Aurora refused it: {message}"
            cleared = _never_done(given, memory, act)
            if not isinstance(act.action, StartUpdate | ScheduleCron):
                # A word to an update, or a kill: the declared spec was not even looked at.
                return cleared
            found = Quarantine(trouble_of(act.spec), why, given.now)
            return replace(cleared, quarantined={**memory.quarantined, key: found})
        case Deferred(act=act):
            return _never_done(given, memory, act)
        case Indeterminate():
            return memory
        case _:
            assert_never(outcome)


def looked_again(memory: Memory, snapshot: LiveSnapshot) -> Memory:
    """Return the memory with every intent resolved whose outcome the snapshot shows.

    Every act is idempotent or carries its basis, so a fresh reading of its job is enough: what is
    still to be done will be decided anew. Only whether it made the job ours must be found out.
    """
    left, owned = dict(memory.intents), dict(memory.owned)
    for key, intent in memory.intents.items():
        seen = snapshot.of(key)
        if key.cluster != snapshot.cluster or isinstance(seen, Unknown):
            continue
        del left[key]
        if key not in owned and _happened(snapshot, key, intent):
            owned[key] = Owned(intent.project, intent.at, intent.path, intent.revision)
    return replace(memory, intents=left, owned=owned)


def declared_again(memory: Memory, declared: Set[JobKey]) -> Memory:
    """Return the memory in which no job is missing that is declared now.

    Known before anything is done: a round that does not come to its end must not leave a look that
    a later deletion would count as its first.
    """
    if memory.absences.keys().isdisjoint(declared):
        return memory
    missing = {k: a for k, a in memory.absences.items() if k not in declared}
    return replace(memory, absences=missing)


def given_up(memory: Memory) -> Memory:
    """Return what is remembered of a cluster that is gone for good."""
    return Memory(memory.installation, limits=memory.limits, newest=memory.newest)


def _happened(snapshot: LiveSnapshot, key: JobKey, intent: Intent) -> bool:
    """Return whether an act of ours made this job what it is.

    An update of ours is known by its token. A template has none, and an update may be forgotten by
    now: then live is what we sent, our marks included, or it is not.
    """
    if any(u.metadata.get(TOKEN) == intent.token for u in _updates(snapshot, key)):
        return True
    live = snapshot.jobs.get(key)
    return live is not None and trouble_of(intent.spec) in troubles_in(live)


def effect(snapshot: LiveSnapshot, key: JobKey, intent: Intent) -> bool | None:
    """Return whether live shows that an act was carried out; None where it cannot tell."""
    live = snapshot.jobs.get(key)
    match intent.action:
        case "StartUpdate" | "ScheduleCron":
            return _happened(snapshot, key, intent)
        case "DescheduleCron":
            return live is None or live.cron is None
        case "KillTasks" if live is None or not live.count:
            return True
        case _:
            # Which tasks were killed, or whether an update stood still, is not known any more.
            return None


def news(memory: Memory, snapshot: LiveSnapshot) -> LiveSnapshot:
    """Return the snapshot without the ended updates that are already known.

    What is new makes a job be looked at closely; what is known must not do so for ever.
    """

    def fresh(key: JobKey, ended: tuple[LiveUpdate, ...]) -> tuple[LiveUpdate, ...]:
        known = memory.ended.get(key)
        if known is None:
            return ended
        return tuple(u for u in ended if u.modified_ms > known.modified_ms)

    jobs = {
        key: replace(job, ended=fresh(key, job.ended)) if job.ended else job
        for key, job in snapshot.jobs.items()
    }
    ended = {key: fresh(key, told) for key, told in snapshot.ended.items()}
    return replace(snapshot, jobs=jobs, ended={k: v for k, v in ended.items() if v})


def rounded(given: PlanInput, memory: Memory, plan: Plan) -> Memory:
    """Return the memory at the end of a round: what was adopted, is gone, is missing."""
    if plan.unread is not None:
        return memory
    seen = {d.key: d for d in plan.decisions}
    ended = _ended(given, memory, seen)
    return replace(
        memory,
        fresh=memory.fresh and _needs_marks(given, seen),
        owned=_owned(given, memory, seen),
        quarantined={
            k: q
            for k, q in memory.quarantined.items()
            if _matters(given, memory, k) and not _mended(given, k, q)
        },
        absences=_absences(given, memory, seen),
        spent=tuple(s for s in memory.spent if given.now - s.at < DAY),
        limits=limits(given),
        running_jobs=_running(given, memory, seen),
        retried={
            **{k: u for k, u in memory.retried.items() if _matters(given, memory, k)},
            **{k: u.id for k, u in ended.items() if k in seen and _retried(given, k)},
        },
        ended=ended,
        watermark_ms=_watermark(given, memory, seen),
        newest=_newest(given, memory),
    )


def _running(given: PlanInput, memory: Memory, seen: Mapping[JobKey, Decision]) -> int | None:
    """Return how many jobs of ours are live. A cluster that looks emptied tells nothing of it."""
    if any(d.reason is Reason.CLUSTER_LOOKS_EMPTIED for d in seen.values()):
        return memory.running_jobs
    return sum(key in given.snapshot.jobs for key in memory.owned)


def _matters(given: PlanInput, memory: Memory, key: JobKey) -> bool:
    """Return whether a job is on record or may be declared; others are forgotten."""
    tree = given.tree
    declared = key in given.rendered or key in given.unrendered or key in tree.broken
    return key in memory.owned or declared or tree.incomplete is not None or tree.policies is None


def _applied(given: PlanInput, memory: Memory, act: Act) -> Memory:
    quarantined = dict(memory.quarantined)
    if act.reason is Reason.STALLED:
        why = "it never got up before its deadline"
        quarantined[act.key] = Quarantine(trouble_of(act.spec), why, given.now)
    elif isinstance(act.action, StartUpdate):
        quarantined.pop(act.key, None)
    owned = dict(memory.owned)
    if act.key in given.rendered:
        owned[act.key] = _ownership(given, memory, act.key)
    return replace(memory, quarantined=quarantined, owned=owned)


def _never_done(given: PlanInput, memory: Memory, act: Act) -> Memory:
    """Return the memory after an act that is known not to have been carried out."""
    undone = spent_by(act, given.now)
    spent = tuple(s for s in memory.spent if s not in undone)
    return replace(_without_intent(memory, act.key), spent=spent)


def _ownership(given: PlanInput, memory: Memory, key: JobKey) -> Owned:
    desired = given.rendered[key].desired
    before = memory.owned.get(key)
    policies = given.tree.policies
    project = policies.projects.get(desired.project) if policies is not None else None
    return Owned(
        project=desired.project,
        since=before.since if before is not None else given.now,
        path=desired.origin.path,
        revision=given.tree.revision.id,
        on_remove=project.on_remove if project is not None else OnRemove.FINISH,
        idle=_is_idle(desired),
    )


def _is_idle(desired: DesiredJob) -> bool:
    """Return whether nothing of it is live when all is as declared."""
    schedule = desired.spec.schedule
    return desired.spec.instances == 0 if schedule is None else not schedule.enabled


def _owned(
    given: PlanInput, memory: Memory, seen: Mapping[JobKey, Decision]
) -> dict[JobKey, Owned]:
    owned = {**memory.owned, **_restored(given, memory, seen)}
    for key, decision in seen.items():
        if not isinstance(decision, Keep):
            continue
        if decision.reason is Reason.GONE:
            if key in owned and _tells_of(given, owned[key]):
                del owned[key]
        elif decision.reason is Reason.UNMANAGED:
            # Another platform's mark is on it by now.
            owned.pop(key, None)
        elif decision.reason in _AS_DECLARED and key in given.rendered:
            before = memory.owned.get(key)
            owned[key] = (
                before
                if before is not None and _as_told(given, key, before)
                # A file that moved, a project that was renamed: the same job, told anew.
                else replace(
                    _ownership(given, memory, key),
                    revision=_revision(before, given.tree.revision.id),
                )
            )
    return owned


def _as_told(given: PlanInput, key: JobKey, owned: Owned) -> bool:
    """Return whether all that is on record of a job is as its document tells it now."""
    desired, policies = given.rendered[key].desired, given.tree.policies
    project = policies.projects.get(desired.project) if policies is not None else None
    return (
        project is not None
        and bool(owned.revision)
        and (owned.project, owned.path, owned.on_remove, owned.idle)
        == (desired.project, desired.origin.path, project.on_remove, _is_idle(desired))
    )


def _tells_of(given: PlanInput, owned: Owned) -> bool:
    """Return whether this tree may say that a job is no longer declared: one that is not whole may
    not, nor an older one, which never knew it."""
    older = given.tree.revision.descends_from(owned.revision) is False
    return _trusted(given, owned) and not older


def _trusted(given: PlanInput, owned: Owned) -> bool:
    """Return whether what this tree lacks of a job's project is not declared."""
    tree = given.tree
    whole = tree.incomplete is None and tree.policies is not None
    return whole and owned.project not in (tree.unpruned or {})


def _needs_marks(given: PlanInput, seen: Mapping[JobKey, Decision]) -> bool:
    """Return whether only its mark says that some job is ours: nobody has confirmed or declared it
    yet, whatever keeps it from being judged, or it was not looked at."""
    unowned = {k: f for k, f in facts(given, final=True).items() if f.owned is None}
    return any(
        isinstance(f.seen, Unknown)
        or (f.live is not None and f.is_ours and (f.wanted is None or not _judged(key, seen)))
        for key, f in unowned.items()
    )


def _judged(key: JobKey, seen: Mapping[JobKey, Decision]) -> bool:
    """Return whether a declared job was looked at, and does not wait for a person to confirm it."""
    return key in seen and seen[key].reason is not Reason.RECORD_LOST


def _restored(
    given: PlanInput, memory: Memory, seen: Mapping[JobKey, Decision]
) -> dict[JobKey, Owned]:
    """Return the declared jobs that a mark says are ours, but for those that a person must confirm.

    Which revision was applied to them last, nobody knows.
    """
    if not memory.fresh:
        return {}
    known = facts(given, final=True)
    return {
        key: replace(_ownership(given, memory, key), revision="")
        for key in seen.keys() & given.rendered.keys() - memory.owned.keys()
        if seen[key].reason is not Reason.RECORD_LOST
        and known[key].is_ours
        and known[key].live is not None
    }


def _revision(before: Owned | None, now: str) -> str:
    """A job that is kept was last applied at the revision that is already recorded."""
    return before.revision if before is not None and before.revision else now


def _retried(given: PlanInput, key: JobKey) -> bool:
    return any(p.matches(key) for p in given.orders.retry)


def _mended(given: PlanInput, key: JobKey, quarantine: Quarantine) -> bool:
    if _retried(given, key):
        return True
    wanted = given.rendered.get(key)
    if wanted is None:
        return False
    return trouble_of(spec_of(wanted)) != quarantine.spec


def _absences(
    given: PlanInput, memory: Memory, seen: Mapping[JobKey, Decision]
) -> dict[JobKey, Absence]:
    """A job is missing when a tree that can be trusted does not declare it."""
    missing: dict[JobKey, Absence] = {}
    for key, owned in memory.owned.items():
        declared = key in given.rendered or key in given.unrendered or key in given.tree.broken
        if declared or key not in seen or not _trusted(given, owned):
            continue
        before = memory.absences.get(key)
        fresh = Absence(given.now, given.tree.revision.id)
        missing[key] = fresh if before is None or _is_void(given, before) else before
    return missing


def _is_void(given: PlanInput, before: Absence) -> bool:
    """Return whether a first look counts no more: an older tree's, or one that is yet to come by a
    clock that was set back since."""
    older = given.tree.revision.descends_from(before.revision) is False
    return older or before.at > given.now


def _ended(
    given: PlanInput, memory: Memory, seen: Mapping[JobKey, Decision]
) -> dict[JobKey, LiveUpdate]:
    """Remember how the last update of each job ended that we decide about."""
    told = {k: u for k, u in memory.ended.items() if k in memory.owned or k in given.rendered}
    for key, found in _ended_lately(given.snapshot):
        if key not in memory.owned and key not in given.rendered:
            continue
        if key in seen and seen[key].reason is not Reason.LIVE_UNKNOWN:
            told[key] = found[0]
    return told


def _ended_lately(snapshot: LiveSnapshot) -> Iterator[tuple[JobKey, tuple[LiveUpdate, ...]]]:
    """Yield the jobs of which an update ended, which in most rounds are few, and those updates."""
    yield from ((key, job.ended) for key, job in snapshot.jobs.items() if job.ended)
    gone = snapshot.ended.keys() - snapshot.jobs.keys()
    yield from ((key, snapshot.ended[key]) for key in sorted(gone) if snapshot.ended[key])


def _watermark(given: PlanInput, memory: Memory, seen: Mapping[JobKey, Decision]) -> int:
    """Return up to when ended updates need not be read again: those of jobs that were not judged
    must be."""
    snapshot = given.snapshot
    told = {**snapshot.ended, **{key: job.ended for key, job in snapshot.jobs.items() if job.ended}}
    judged = {k for k in told if k in seen and seen[k].reason is not Reason.LIVE_UNKNOWN}
    read = (u.modified_ms for k in judged for u in told[k])
    unread = (u.modified_ms - 1 for k in told.keys() - judged for u in told[k])
    upto = max((memory.watermark_ms, *read))
    return max(memory.watermark_ms, min((upto, *unread)))


def _newest(given: PlanInput, memory: Memory) -> str:
    tree = given.tree
    if tree.incomplete is not None or tree.policies is None:
        return memory.newest
    older = tree.revision.descends_from(memory.newest) is False
    return memory.newest if older and not given.orders.allow_older else tree.revision.id


def _without_intent(memory: Memory, key: JobKey) -> Memory:
    return replace(memory, intents=_without(memory.intents, key))


def _without(found: Mapping[JobKey, V], key: JobKey) -> dict[JobKey, V]:
    return {k: v for k, v in found.items() if k != key}


def _updates(snapshot: LiveSnapshot, key: JobKey) -> tuple[LiveUpdate, ...]:
    live = snapshot.jobs.get(key)
    if live is None:
        return tuple(snapshot.ended.get(key, ()))
    return (*((live.update,) if live.update else ()), *live.ended)
