"""How far one reconciler may go before a person must approve.

The disaster in Aurora is not a crash but a confident wrong act: a platform-wide edit that restarts
the fleet, a half-read tree that prunes it. Limits count over a sliding window that the record
keeps, so that many small rounds cannot do what one large one may not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.keys import JobKey, workers_of
from reconciler.model.memory import FLEET, Deed, Limits, Memory, Spent
from reconciler.model.plan import (
    APPROVAL,
    CREATIONS,
    AbortUpdate,
    Act,
    Decision,
    DescheduleCron,
    KillTasks,
    Reason,
    StartUpdate,
    coming,
)
from reconciler.model.policy import Guard, Policies, Prune
from reconciler.plan.gates import held, judged

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the guard looks at beside the decisions. `ours` are the jobs of ours, by the record
    or, where none is kept, by their marks; `live` are the keys that were seen."""

    memory: Memory
    limits: Mapping[str, Limits]
    ours: frozenset[JobKey]
    live: frozenset[JobKey]
    now: datetime

    @property
    def fleet(self) -> Guard:
        """Return the limits on all jobs together."""
        limits = self.limits.get(FLEET)
        return limits.guard_in_force if limits is not None else Guard()

    def of(self, role: str) -> Guard:
        """Return the limits of the project that has a role; the fleet's, if nobody knows them."""
        limits = self.limits.get(role)
        return limits.guard_in_force if limits is not None else self.fleet


def spent_by(act: Act, now: datetime) -> tuple[Spent, ...]:
    """Return what the guard counts of this act, once it was sent."""
    match act.action:
        case KillTasks() | DescheduleCron():
            deeds = [(Deed.PRUNE if act.prune else Deed.KILL, 0)]
        case StartUpdate(instances=left):
            kills = act.impact.kills or ()
            deeds = [(Deed.RESTART, 0)] if act.impact.restarts is not None else []
            deeds += [(Deed.SCALE_DOWN, left + len(kills))] if kills else []
        case _:
            deeds = []
    return tuple(Spent(now, act.project, act.key, deed, before) for deed, before in deeds)


def limits_of(policies: Policies, memory: Memory, revision: str) -> dict[str, Limits]:
    """Return the limits of the fleet and of every project at this revision, to be used now and
    recorded. They go by the role: a project that is renamed is still held to what it was, and one
    that cannot be read keeps its own for as long as it has a job."""
    recorded = memory.limits
    found = {
        project.role: _limits(project.guard, project.prune, recorded.get(project.role), revision)
        for project in policies.projects.values()
    }
    found[FLEET] = _limits(policies.platform.guard, Prune.ON, recorded.get(FLEET), revision)
    if unread := recorded.keys() - found.keys():
        roles = {key.role for key in memory.owned}
        found |= {role: recorded[role] for role in unread & roles}
    return found


def guarded(decisions: Sequence[Decision], watched: Watched) -> tuple[Decision, ...]:
    """Return the decisions with every act beyond a limit held.

    What only waits for a second look, or for its master, is judged with the rest: nobody should be
    told that it will come, and half a minute later that it will not. A master that waits for its
    workers is held by these.
    """
    found = {d.key: act for d in decisions if (act := coming(d)) is not None}
    acts = [judged(act) for act in found.values()]
    why: dict[JobKey, tuple[Reason, str]] = {}
    why.update(_restarts(acts, watched))
    why.update(_scale_downs(acts, watched))
    why.update(_kills(acts, watched))
    why.update(_vanished(acts, watched))
    stopped = {d.key for d in decisions if d.reason is not Reason.WORKERS_FIRST} & why.keys()
    return tuple(
        held(found[d.key], *why[d.key], APPROVAL) if d.key in stopped else d for d in decisions
    )


def _limits(guard: Guard, prune: Prune, recorded: Limits | None, revision: str) -> Limits:
    if recorded is None:
        return Limits(revision, guard, guard, prune, prune)
    if recorded.revision == revision:
        return recorded
    return Limits(
        revision=revision,
        guard=guard,
        guard_in_force=guard.stricter(recorded.guard),
        prune=prune,
        prune_in_force=Prune.OFF if Prune.OFF in (prune, recorded.prune) else Prune.ON,
    )


def _allowed(count: int, share: float, total: int) -> int:
    return max(count, int(share * total))


def _kills(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """Prunes and kills of a project in a day; and never its last job."""
    by_role: dict[str, list[Act]] = {}
    for act in acts:
        if _kills_job(act):
            by_role.setdefault(act.key.role, []).append(act)
    found: dict[JobKey, tuple[Reason, str]] = {}
    for role, mine in by_role.items():
        begun = _begun(role, watched)
        why = _too_many_kills(role, mine, begun, watched) or _last_job(role, mine, begun, watched)
        if why:
            found.update((act.key, (Reason.GUARDED, why)) for act in mine)
    return found


def _kills_job(act: Act) -> bool:
    """Return whether nothing of a job is left; an abort before a prune is the first half of it."""
    if isinstance(act.action, AbortUpdate):
        return act.reason is Reason.REMOVED
    return isinstance(act.action, KillTasks | DescheduleCron)


def _begun(role: str, watched: Watched) -> frozenset[JobKey]:
    """Return what was killed or pruned within a day.

    A job may need several acts (abort, deschedule, kill), and a master goes after its workers:
    what was begun may be brought to its end.
    """
    return frozenset(
        s.key
        for s in watched.memory.spent
        if s.key.role == role and s.deed in (Deed.PRUNE, Deed.KILL) and watched.now - s.at < DAY
    )


def _counted(keys: Iterable[JobKey], known: Set[JobKey]) -> frozenset[JobKey]:
    """Return what jobs count as: a master as its workers, so that a framework is one."""
    pairs = ((key, workers_of(key)) for key in keys)
    return frozenset(w if w is not None and w in known else key for key, w in pairs)


def _too_many_kills(
    role: str, mine: Sequence[Act], begun: frozenset[JobKey], watched: Watched
) -> str:
    keys = {act.key for act in mine}
    spent = _counted(begun, begun | keys)
    fresh = _counted(keys, begun | keys) - spent
    guard = watched.of(role)
    allowed = _allowed(guard.prunes_max, guard.prunes_share, len(_jobs(role, watched)) + len(spent))
    if not fresh or len(fresh | spent) <= allowed:
        return ""
    once = _once(fresh, keys - begun)
    done = f", {len(spent)} done already" if spent else ""
    return (
        f"{len(fresh)} jobs of project {mine[0].project} would be killed{once}{done};"
        f" {allowed} allowed in a day"
    )


def _once(counted: Set[JobKey], named: Set[JobKey]) -> str:
    """Who reads a number counts the jobs below it, and must come to the same."""
    return " (a framework counts as one)" if len(counted) < len(named) else ""


def _last_job(role: str, mine: Sequence[Act], begun: frozenset[JobKey], watched: Watched) -> str:
    jobs = _jobs(role, watched)
    known = begun | jobs
    ended = _counted((act.key for act in mine if act.reason is not Reason.KIND_CHANGED), known)
    left = _counted(jobs & watched.live, known) - ended
    if ended <= _counted(begun, known) or left:
        return ""
    if len(ended) == 1 and mine[0].reason in (Reason.SCALED_TO_ZERO, Reason.CRON_DISABLED):
        # Its only job is still declared: it was switched off on purpose.
        return ""
    return f"project {mine[0].project} would have no job left"


def _jobs(role: str, watched: Watched) -> frozenset[JobKey]:
    return frozenset(key for key in watched.ours if key.role == role)


def _scale_downs(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """One job may lose at most a share of its instances by scale-downs, within a day."""
    found = {}
    for act in acts:
        kills = act.impact.kills
        if not isinstance(act.action, StartUpdate) or kills is None:
            continue
        left = act.action.instances
        before = max((left + len(kills), *_before(act.key, watched)))
        share = watched.of(act.key.role).scale_down_share
        if before - left > share * before:
            detail = f"from {before} to {left} instances in a day, more than {share:.0%} down"
            found[act.key] = (Reason.GUARDED, detail)
    return found


def _before(key: JobKey, watched: Watched) -> Iterator[int]:
    """Yield of how many instances a job had within a day when it was scaled down."""
    for s in watched.memory.spent:
        if s.key == key and s.deed is Deed.SCALE_DOWN and watched.now - s.at < DAY:
            yield s.before


def _restarts(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """Jobs that restart, over the fleet, in an hour. One job's normal rollout never trips."""
    mine = [act for act in acts if act.impact.restarts is not None]
    done = {
        s.key for s in watched.memory.spent if s.deed is Deed.RESTART and watched.now - s.at < HOUR
    }
    keys = {act.key for act in mine}
    spent = _counted(done, done | keys)
    fresh = _counted(keys, done | keys) - spent
    allowed = _allowed(watched.fleet.restarts_max, watched.fleet.restarts_share, len(watched.ours))
    if len(fresh) <= 1 or len(fresh | spent) <= allowed:
        return {}
    once = _once(fresh, keys - done)
    already = f", {len(spent)} did already" if spent else ""
    detail = f"{len(fresh)} jobs would restart{once}{already}; {allowed} allowed in an hour"
    begun = {key for key in keys if _counted((key,), done | keys) <= spent}
    return {act.key: (Reason.GUARDED, detail) for act in mine if act.key not in begun}


def _vanished(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """A scheduler restored from a backup answers OK, and is empty."""
    owned = watched.memory.owned
    gone = [a for a in acts if a.reason in CREATIONS and a.key in owned and not owned[a.key].idle]
    before = watched.memory.running_jobs
    recorded = len(owned) if before is None else before
    allowed = _allowed(watched.fleet.vanished_max, watched.fleet.vanished_share, recorded)
    if len(gone) <= allowed:
        return {}
    detail = f"{len(gone)} of {recorded} recorded jobs are gone at once; {allowed} would be normal"
    return {act.key: (Reason.CLUSTER_LOOKS_EMPTIED, detail) for act in gone}
