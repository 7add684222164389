"""How far one reconciler may go before a person must approve.

The disaster in Aurora is not a crash but a confident wrong act: a platform-wide edit that restarts
the fleet, a half-read tree that prunes it. Limits count over a sliding window that the record
keeps, so that many small rounds cannot do what one large one may not.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.keys import JobKey, workers_of
from reconciler.model.memory import Deed, Limits, Memory, Owned
from reconciler.model.plan import (
    APPROVAL,
    CREATIONS,
    AbortUpdate,
    Act,
    Decision,
    DescheduleCron,
    Hold,
    KillTasks,
    Reason,
    StartUpdate,
)
from reconciler.model.policy import Guard, Policies, Project, Prune
from reconciler.plan.gates import held

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the guard looks at beside the decisions. `live` are the keys that were seen."""

    memory: Memory
    limits: Mapping[str, Limits]
    fleet: Guard
    live: frozenset[JobKey]
    now: datetime


def deed_of(act: Act) -> Deed | None:
    """Return what the guard counts this act as, once it was sent; None when it counts nothing."""
    match act.action:
        case KillTasks() | DescheduleCron():
            return Deed.PRUNE if act.prune else Deed.KILL
        case StartUpdate() if act.impact.restarts is not None:
            return Deed.RESTART
        case _:
            return None


def limits_of(
    policies: Policies, recorded: Mapping[str, Limits], revision: str
) -> dict[str, Limits]:
    """Return every project's limits at this revision, to be used now and recorded."""
    return {
        name: _limits(project, recorded.get(name), revision)
        for name, project in policies.projects.items()
    }


def guarded(decisions: Sequence[Decision], watched: Watched) -> tuple[Decision, ...]:
    """Return the decisions with every act beyond a limit held.

    A prune that only waits for its second look is judged with the rest: nobody should be told that
    it will come, and half a minute later that it will not.
    """
    coming = {d.key: act for d in decisions if (act := _coming(d)) is not None}
    acts = list(coming.values())
    why: dict[JobKey, tuple[Reason, str]] = {}
    why.update(_restarts(acts, watched))
    why.update(_scale_downs(acts, watched))
    why.update(_kills(acts, watched))
    why.update(_vanished(acts, watched))
    return tuple(
        held(coming[d.key], *why[d.key], APPROVAL) if d.key in why else d for d in decisions
    )


def _coming(decision: Decision) -> Act | None:
    if isinstance(decision, Hold) and decision.reason is Reason.SECOND_LOOK:
        return decision.wanted
    return decision if isinstance(decision, Act) else None


def _limits(project: Project, recorded: Limits | None, revision: str) -> Limits:
    if recorded is None:
        return Limits(revision, project.guard, project.guard, project.prune, project.prune)
    if recorded.revision == revision:
        return recorded
    off = Prune.OFF in (project.prune, recorded.prune)
    return Limits(
        revision=revision,
        guard=project.guard,
        guard_in_force=project.guard.stricter(recorded.guard),
        prune=project.prune,
        prune_in_force=Prune.OFF if off else Prune.ON,
    )


def _guard(watched: Watched, project: str) -> Guard:
    limits = watched.limits.get(project) or watched.memory.limits.get(project)
    return limits.guard_in_force if limits is not None else watched.fleet


def _allowed(count: int, share: float, total: int) -> int:
    return max(count, int(share * total))


def _kills(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """Prunes and kills of a project in a day; and never its last job."""
    by_project: dict[str, list[Act]] = {}
    for act in acts:
        if deed_of(act) in (Deed.PRUNE, Deed.KILL) or _ends_job(act):
            by_project.setdefault(act.project, []).append(act)
    found: dict[JobKey, tuple[Reason, str]] = {}
    for project, mine in by_project.items():
        begun = _begun(project, watched)
        why = _too_many_kills(project, mine, begun, watched) or _last_job(
            project, mine, begun, watched
        )
        if why:
            found.update((act.key, (Reason.GUARDED, why)) for act in mine)
    return found


def _ends_job(act: Act) -> bool:
    """An abort that only makes way for a prune is the first half of it."""
    return isinstance(act.action, AbortUpdate) and act.reason is Reason.REMOVED


def _begun(project: str, watched: Watched) -> frozenset[JobKey]:
    """Return what was killed or pruned within a day.

    A job may need several acts (abort, deschedule, kill), and a master goes after its workers:
    what was begun may be brought to its end.
    """
    return frozenset(
        s.key
        for s in watched.memory.spent
        if s.project == project and s.deed in (Deed.PRUNE, Deed.KILL) and watched.now - s.at < DAY
    )


def _counted(keys: Iterable[JobKey], known: Set[JobKey]) -> frozenset[JobKey]:
    """Return what jobs count as: a master as its workers, so that a framework is one."""
    pairs = ((key, workers_of(key)) for key in keys)
    return frozenset(w if w is not None and w in known else key for key, w in pairs)


def _too_many_kills(
    project: str, mine: Sequence[Act], begun: frozenset[JobKey], watched: Watched
) -> str:
    keys = {act.key for act in mine}
    spent = _counted(begun, begun | keys)
    fresh = _counted(keys, begun | keys) - spent
    guard = _guard(watched, project)
    allowed = _allowed(
        guard.prunes_max, guard.prunes_share, len(_jobs(project, watched)) + len(spent)
    )
    if not fresh or len(fresh | spent) <= allowed:
        return ""
    # Who reads this counts the jobs below it, and must come to the same number.
    once = " (a framework counts as one)" if len(fresh) < len(keys - begun) else ""
    done = f", {len(spent)} done already" if spent else ""
    return (
        f"{len(fresh)} jobs of project {project} would be killed{once}{done};"
        f" {allowed} allowed in a day"
    )


def _last_job(project: str, mine: Sequence[Act], begun: frozenset[JobKey], watched: Watched) -> str:
    jobs = _jobs(project, watched).keys()
    known = begun | jobs
    pruned = _counted((act.key for act in mine if act.prune or _ends_job(act)), known)
    left = _counted(jobs & watched.live, known) - pruned
    if pruned <= _counted(begun, known) or left:
        return ""
    return f"project {project} would have no job left"


def _jobs(project: str, watched: Watched) -> dict[JobKey, Owned]:
    return {k: o for k, o in watched.memory.owned.items() if o.project == project}


def _scale_downs(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """One job may lose at most a share of its instances by a scale-down."""
    found = {}
    for act in acts:
        kills = act.impact.kills
        if not isinstance(act.action, StartUpdate) or kills is None:
            continue
        before = act.action.instances + len(kills)
        share = _guard(watched, act.project).scale_down_share
        if len(kills) > share * before:
            detail = (
                f"from {before} to {act.action.instances} instances, more than {share:.0%} down"
            )
            found[act.key] = (Reason.GUARDED, detail)
    return found


def _restarts(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """Jobs that restart, over the fleet, in an hour. One job's normal rollout never trips."""
    mine = [act for act in acts if act.impact.restarts is not None]
    spent = {
        s.key for s in watched.memory.spent if s.deed is Deed.RESTART and watched.now - s.at < HOUR
    }
    fresh = {act.key for act in mine} - spent
    allowed = _allowed(
        watched.fleet.restarts_max, watched.fleet.restarts_share, len(watched.memory.owned)
    )
    if len(fresh) <= 1 or len(fresh | spent) <= allowed:
        return {}
    done = f", {len(spent)} did already" if spent else ""
    detail = f"{len(fresh)} jobs would restart{done}; {allowed} allowed in an hour"
    return {act.key: (Reason.GUARDED, detail) for act in mine if act.key in fresh}


def _vanished(acts: Iterable[Act], watched: Watched) -> dict[JobKey, tuple[Reason, str]]:
    """A scheduler restored from a backup answers OK, and is empty."""
    gone = [act for act in acts if act.reason in CREATIONS and act.key in watched.memory.owned]
    before = watched.memory.running_jobs
    recorded = len(watched.memory.owned) if before is None else before
    allowed = _allowed(watched.fleet.vanished_max, watched.fleet.vanished_share, recorded)
    if len(gone) <= allowed:
        return {}
    detail = f"{len(gone)} of {recorded} recorded jobs are gone at once; {allowed} would be normal"
    return {act.key: (Reason.CLUSTER_LOOKS_EMPTIED, detail) for act in gone}
