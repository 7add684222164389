"""How what is live is ended: tasks killed, a template removed, room made for another kind."""

from dataclasses import replace

from reconciler.model import basis
from reconciler.model.keys import InstanceIds
from reconciler.model.live import LiveJob
from reconciler.model.plan import Act, DescheduleCron, Hold, Impact, Keep, KillTasks, Reason
from reconciler.model.questions import Questions
from reconciler.plan.facts import Facts
from reconciler.plan.updates import Step


def kill(f: Facts, live: LiveJob, reason: Reason, *, prune: bool = False) -> Step:
    """Return the kill of everything active, or the question for the task ids it rests on."""
    if live.tasks is None or live.groups is None:
        return Questions(tasks=frozenset({f.key}), groups=frozenset({f.key}))
    ids = InstanceIds.of(t.instance for t in live.tasks)
    if ids is None:
        return Keep(f.key, f.project_name, Reason.GONE, origin=f.origin)
    return Act(
        key=f.key,
        project=f.project_name,
        reason=reason,
        action=KillTasks(ids),
        basis=basis.tasks_basis(live.tasks),
        impact=Impact(kills=ids),
        origin=f.origin,
        spec=f.spec,
        prune=prune,
    )


def deschedule(f: Facts, live: LiveJob, reason: Reason, *, prune: bool = False) -> Act:
    """Return the removal of a cron template; its run goes on."""
    detail = f"{_running(live)} left to finish" if live.count else ""
    return Act(
        key=f.key,
        project=f.project_name,
        reason=reason,
        action=DescheduleCron(),
        basis=basis.cron_basis(live),
        detail=detail,
        origin=f.origin,
        spec=f.spec,
        prune=prune,
    )


def in_place_of(f: Facts, live: LiveJob, creation: Step) -> Step:
    """Return the removal of what is of another kind, if what takes its place could be created."""
    if isinstance(creation, Questions | Hold):
        return creation
    removal = _removal(f, live)
    if not isinstance(removal, Act):
        return removal
    return replace(removal, then=creation if isinstance(creation, Act) else None)


def _removal(f: Facts, live: LiveJob) -> Step:
    if live.cron is None:
        return kill(f, live, Reason.KIND_CHANGED)
    detail = f"{_running(live)} killed after it" if live.count else ""
    return replace(deschedule(f, live, Reason.KIND_CHANGED), detail=detail)


def _running(live: LiveJob) -> str:
    return "1 running task is" if live.count == 1 else f"{live.count} running tasks are"
