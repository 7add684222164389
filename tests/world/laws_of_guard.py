"""Laws about the guard: how much one reconciler may do before a person must say yes."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from tests.world.cases import KILLS, STARTS, Case, Name
from tests.world.intent import Policy

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def kill_no_more_than_the_guard_allows(case: Case) -> Iterator[str]:
    """A confident wrong deletion is the disaster: a project loses only so many jobs in a day before
    a person must say yes."""
    if case.method not in KILLS or not case.asked.taken or case.process.released.approve:
        return
    begun = _within(case, case.known.killed, DAY)
    limit = _in_force(case, lambda policy: policy.prunes_max)
    if _one(case.name) not in begun and len(begun) >= limit:
        yield f"{len(begun) + 1} jobs of {case.name[0]} in a day, {limit} are allowed: {begun}"


def _in_force(case: Case, limit: Callable[[Policy], int]) -> int:
    """Return a limit as it may be at most: one commit can loosen it for the next, and not for
    itself. What a lost record knew of earlier ones is lost."""
    world, here = case.world, case.reading
    lost = max(world.lost_records, default=datetime.min.replace(tzinfo=here.at.tzinfo))
    earlier = [
        limit(r.commit.content.policy)
        for r in world.repository.readings[: here.number]
        if not r.forgotten and r.at >= lost and r.commit.number != here.commit.number
    ]
    return min(limit(case.content.policy), max(earlier)) if earlier else limit(case.content.policy)


def _within(case: Case, found: list[tuple[datetime, Name]], window: timedelta) -> set[Name]:
    """Return the jobs of this project within the window, by the host's clock: a lost record loses
    its window, too."""
    now = case.asked.host_at
    since = max(case.world.lost_records, default=datetime.min.replace(tzinfo=now.tzinfo))
    return {
        _one(name)
        for at, name in found
        if name[0] == case.name[0] and now - at < window and at >= since
    }


def _one(name: Name) -> Name:
    """A framework's two jobs count as one."""
    return name[0], name[1].removesuffix("-master").removesuffix("-workers")


def restart_no_more_than_the_guard_allows(case: Case) -> Iterator[str]:
    """One edit of the platform restarts the fleet: more than so many jobs in an hour need a
    person. A single job's rollout passes always."""
    if case.method != "startJobUpdate" or not case.asked.taken or not case.replaced:
        return
    if case.process.released.approve:
        return
    now = case.asked.host_at
    since = max(case.world.lost_records, default=datetime.min.replace(tzinfo=now.tzinfo))
    found = [r for r in case.known.restarted if now - r[0] < HOUR and r[0] >= since]
    before = {name for _, name, reading in found if reading != case.reading.number}
    at_once = {name for _, name, reading in found if reading == case.reading.number} - before
    fresh = {case.name, *at_once} - before
    limit = _in_force(case, lambda policy: policy.restarts_max)
    if len(fresh) > 1 and len(fresh | before) > limit:
        yield f"{len(fresh | before)} jobs restart within an hour, {limit} are allowed"


def keep_half_of_a_job(case: Case) -> Iterator[str]:
    """A count with a digit too few takes a service down: no job loses more than half at once."""
    if case.method != "startJobUpdate" or not case.asked.taken:
        return
    if case.process.released.approve or _new_to_us(case):
        return
    count = case.request.instanceCount or 0
    removed = [i for i in case.asked.before.ids() & case.scope if i >= count]
    if len(removed) > (count + len(removed)) / 2:
        yield f"{len(removed)} of {count + len(removed)} instances are removed"


def _new_to_us(case: Case) -> bool:
    return case.name not in case.known.ours


def never_refill_a_cluster_that_looks_emptied(case: Case) -> Iterator[str]:
    """A scheduler restored from a backup of nothing answers OK: whoever believes it starts the
    whole fleet a second time. More than so many jobs gone at once need a person."""
    if not case.asked.taken or case.method not in STARTS or case.process.released.approve:
        return
    refilled = {name for name, reading in case.known.refilled if reading == case.reading.number}
    limit = _in_force(case, lambda policy: policy.vanished_max)
    if case.missed and len(refilled) >= limit:
        yield f"{len(refilled) + 1} jobs that had gone are started at once, {limit} is normal"
