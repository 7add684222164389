"""What to do about a declared service when no update is in the way. Rows 6, 7, 11, 12, 14-16, 18.

A service is created by an update, too, so that its first version is watched like any other.
"""

import zlib
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from reconciler.model import basis
from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.live import (
    DiffAnswer,
    LiveGroup,
    LiveJob,
    RefusedAnswer,
)
from reconciler.model.marks import INSTALLATION, REVISION, SPEC
from reconciler.model.memory import Owned
from reconciler.model.plan import (
    Act,
    FieldChange,
    Hold,
    Keep,
    Reason,
    StartUpdate,
)
from reconciler.model.questions import Questions
from reconciler.model.rendered import RenderedJob
from reconciler.model.task import CanonicalTask, Config
from reconciler.model.update import LiveUpdate, UpdateStatus
from reconciler.plan import diff, impact
from reconciler.plan.endings import in_place_of, kill
from reconciler.plan.facts import Facts
from reconciler.plan.holds import (
    dying,
    if_accepted,
    infeasible,
    not_adopted,
    quarantined,
    unanswered,
)
from reconciler.plan.impact import Touched
from reconciler.plan.updates import Step, failed_before
from reconciler.translate.owner import with_owner_of

# A job that looks converged is looked at exactly once in so many minutes all the same: getJobs
# shows neither a hole nor a second config. A prime: where rounds are five minutes apart, each job
# has its turn once in so many rounds; of sixty, most would have none for ever.
ROTATION_MIN = 61


def service(f: Facts, wanted: RenderedJob) -> Step:
    """Decide about a declared service as if no update of it were active."""
    live = f.live
    if live is None or (live.count == 0 and live.cron is None and not live.unsettled):
        return _absent(f, wanted, live, "" if f.owned is None else removed_outside(f.owned))
    if held := dying(f, live):
        return held
    if live.cron is not None or not live.is_service:
        return _other_kind(f, wanted, live)
    if live.groups is None:
        return Questions(groups=frozenset({f.key})) if _look_closer(f, wanted, live) else _kept(f)
    if live.count and not live.groups:
        return _vanished(f, live)
    return _exact(f, wanted, live, live.groups)


def removed_outside(owned: Owned) -> str:
    """Say that a job of ours is gone, and that we did not do it."""
    return f"was ours since {owned.since:%Y-%m-%d}: removed outside"


def _absent(f: Facts, wanted: RenderedJob, live: LiveJob | None, detail: str) -> Step:
    count = wanted.desired.spec.instances
    if count == 0:
        return Keep(f.key, f.project_name, Reason.CONVERGED, detail="0 instances", origin=f.origin)
    if why := failed_before(f):
        return quarantined(f, why)
    assert wanted.creation is not None, "a service can be created"
    start = StartUpdate(
        wanted.config, count, InstanceIds.first(count), wanted.creation, metadata(f)
    )
    act = _start(f, wanted, live, start, Touched(adds=frozenset(range(count))))
    return if_accepted(f, replace(act, detail=detail))


def _other_kind(f: Facts, wanted: RenderedJob, live: LiveJob) -> Step:
    if not (f.is_ours or f.adopt):
        return not_adopted(f, diff.one("kind", "cron" if live.cron else "ad-hoc", "service"))
    return in_place_of(f, live, _absent(f, wanted, None, ""))


def _vanished(f: Facts, live: LiveJob) -> Hold:
    """Wait for a reading that agrees with itself: started anew now, the job would pass by the guard
    against a scheduler that looks emptied."""
    detail = f"{live.count} instances in bulk, and none when looked at closely"
    return Hold(f.key, f.project_name, Reason.STALE_BASIS, detail=detail, origin=f.origin)


def _look_closer(f: Facts, wanted: RenderedJob, live: LiveJob) -> bool:
    """Return whether the bulk reading is not enough to call this job converged."""
    spec = wanted.desired.spec
    if not f.is_ours or f.fresh or live.update or live.unsettled:
        return True
    if live.ended and not _carried_through(f, live.ended):
        return True
    if live.seen is None or live.count != spec.instances:
        return True
    if not wanted.config.task.satisfied_by(live.seen) or failed_before(f):
        return True
    return is_due(f.key, f.now)


def is_due(key: JobKey, now: datetime) -> bool:
    """Return whether it is this job's turn to be looked at exactly, whatever the bulk shows."""
    return (_turn(key) + int(now.timestamp() // 60)) % ROTATION_MIN == 0


@lru_cache(maxsize=1 << 17)
def _turn(key: JobKey) -> int:
    return zlib.crc32(str(key).encode())


def _carried_through(f: Facts, ended: tuple[LiveUpdate, ...]) -> bool:
    """Return whether what ended lately are updates of ours that came through, the last to this.

    Aurora has then looked at every instance. Others may have acted on any job since.
    """
    came_through = (f.ours(u) and u.status is UpdateStatus.ROLLED_FORWARD for u in ended)
    return ended[0].metadata.get(SPEC) == f.spec and all(came_through)


def _kept(f: Facts) -> Keep:
    return Keep(f.key, f.project_name, Reason.CONVERGED, detail=_unsettled(f), origin=f.origin)


def _exact(f: Facts, wanted: RenderedJob, live: LiveJob, groups: tuple[LiveGroup, ...]) -> Step:
    """Decide with every instance's config known."""
    count = wanted.desired.spec.instances
    declared, there = frozenset(range(count)), live.ids()
    wrong = frozenset(
        i for g in groups if not wanted.config.task.satisfied_by(g.config.task) for i in g.instances
    )
    ids = Touched(declared - there, wrong & declared, there - declared)
    equal = not ids.all
    if not f.is_ours:
        if equal:
            return Keep(f.key, f.project_name, Reason.ADOPTED, origin=f.origin)
        if not f.adopt:
            return not_adopted(f, _change(f, wanted, live, groups, ids))
    if why := failed_before(f):
        change = None if equal else _change(f, wanted, live, groups, ids)
        return quarantined(f, why, change, _named(f, ids))
    if equal:
        return _kept(f)
    if count == 0:
        return kill(f, live, Reason.SCALED_TO_ZERO)
    return _as_compared(f, wanted, groups, ids) or _change(f, wanted, live, groups, ids)


def _as_compared(
    f: Facts, wanted: RenderedJob, groups: tuple[LiveGroup, ...], ids: Touched
) -> Step | None:
    """Return None if the scheduler would touch these very instances; else what is to be done."""
    match f.answer:
        case None if not f.final:
            return Questions(diffs=((f.key, _request(f, wanted, groups, ids)),))
        case RefusedAnswer(message):
            return infeasible(f, message)
        case DiffAnswer() as said:
            return None if _touched(said) == ids else _stale(f, said)
        case _:
            return unanswered(f)


def _change(
    f: Facts, wanted: RenderedJob, live: LiveJob, groups: tuple[LiveGroup, ...], ids: Touched
) -> Act:
    act = _start(f, wanted, live, _request(f, wanted, groups, ids), ids)
    changes = _changes(f, wanted, live, groups)
    return replace(act, changes=changes, detail=_drift_detail(f, ids.adds))


def _request(
    f: Facts, wanted: RenderedJob, groups: tuple[LiveGroup, ...], ids: Touched
) -> StartUpdate:
    assert wanted.change is not None, "a service can be updated"
    only = InstanceIds.of(ids.all)
    assert only is not None, "something differs"
    count, config = wanted.desired.spec.instances, _config_to_send(wanted, groups)
    return StartUpdate(config, count, only, wanted.change, metadata(f))


def _touched(said: DiffAnswer) -> Touched:
    return Touched(frozenset(said.add), frozenset(said.update), frozenset(said.remove))


def _start(
    f: Facts, wanted: RenderedJob, live: LiveJob | None, start: StartUpdate, ids: Touched
) -> Act:
    assert f.platform is not None, "a rendered job has a platform"
    return Act(
        key=f.key,
        project=f.project_name,
        reason=Reason.ABSENT if not live or not live.count else Reason.DRIFTED,
        action=start,
        basis=basis.of_job(live),
        impact=impact.of_update(start, wanted, ids, f.platform),
        origin=f.origin,
        spec=f.spec,
    )


def _config_to_send(wanted: RenderedJob, groups: tuple[LiveGroup, ...]) -> Config:
    """Return the live bytes where their meaning is what is wanted; else ours, with their owner.

    Aurora compares bytes, and the owner, too: ours would restart what need not be.
    """
    for group in groups:
        if wanted.config.task.satisfied_by(group.config.task):
            return group.config
    return with_owner_of(wanted.config, groups[0].config) if groups else wanted.config


def _changes(
    f: Facts, wanted: RenderedJob, live: LiveJob, groups: tuple[LiveGroup, ...]
) -> tuple[FieldChange, ...]:
    """Return what differs, and in which instances where they are not all of one config."""
    count, everything = wanted.desired.spec.instances, live.ids()
    found: dict[FieldChange, frozenset[int]] = {}
    for group in groups:
        for change in explained(f, wanted, group.config.task):
            found[change] = found.get(change, frozenset()) | frozenset(group.instances)
    told = (
        change if ids == everything else replace(change, instances=str(InstanceIds.of(ids)))
        for change, ids in found.items()
    )
    return (*diff.one("instances", len(everything), count), *told)


def explained(f: Facts, wanted: RenderedJob, live: CanonicalTask) -> tuple[FieldChange, ...]:
    """Return what differs in one config."""
    assert f.platform is not None, "a rendered job has a platform"
    assert f.project is not None, "a rendered job has a project"
    return diff.explained(live, wanted, f.platform, f.project)


def _drift_detail(f: Facts, adds: frozenset[int]) -> str:
    ended = f.last_ended
    if ended is None or not f.ours(ended) or ended.metadata.get(SPEC) != f.spec:
        return ""
    if ended.status is not UpdateStatus.ROLLED_FORWARD:
        return ""
    named = InstanceIds.of(adds)
    return "this very spec was applied before: live was changed outside" + (
        f"; instances {named} are gone" if named else ""
    )


def _named(f: Facts, ids: Touched) -> str:
    """Say which instances a failed update left behind dead, and which run what is not declared."""
    ended = f.last_ended
    back = ended is not None and ended.status is UpdateStatus.ROLLED_BACK and f.ours(ended)
    config = "the former config" if back else "another config than declared"
    words = ""
    if dead := InstanceIds.of(ids.adds):
        words += f"; instance {dead} is dead" if len(dead) == 1 else f"; instances {dead} are dead"
    if mixed := InstanceIds.of(ids.updates):
        run = f"instance {mixed} runs" if len(mixed) == 1 else f"instances {mixed} run"
        words += f"; {run} {config}"
    return words


def _unsettled(f: Facts) -> str:
    if f.live is None or not f.live.unsettled:
        return ""
    counts: dict[str, int] = {}
    for task in f.live.unsettled:
        counts[task.status.value] = counts.get(task.status.value, 0) + 1
    words = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
    return f"{len(f.live.unsettled)} of {f.live.count} not running: {words}"


def _stale(f: Facts, said: DiffAnswer) -> Hold:
    detail = (
        f"the scheduler would add {list(said.add)}, replace {list(said.update)},"
        f" remove {list(said.remove)}"
    )
    return Hold(f.key, f.project_name, Reason.STALE_BASIS, detail=detail, origin=f.origin)


def metadata(f: Facts) -> tuple[tuple[str, str], ...]:
    """Return what makes an update known as ours; the token is added when it is sent."""
    assert f.platform is not None, "a rendered job has a platform"
    return (
        (INSTALLATION, f.platform.name),
        (REVISION, f.revision.id),
        (SPEC, f.spec),
    )
