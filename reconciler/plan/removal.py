"""What to do about a job that nothing declares. Rows 2, 5, 11, 19 and 20 of the decision table.

Absence is not deletion: a prune needs a complete tree, a complete reading, two looks at least 30
seconds apart, a project that prunes, and a job that is ours beyond doubt.
"""

from collections.abc import Mapping

from reconciler.model.keys import JobKey, workers_of
from reconciler.model.live import LiveJob, TaskStatus
from reconciler.model.memory import Limits
from reconciler.model.plan import APPROVAL, AbortUpdate, Act, Hold, Keep, Reason
from reconciler.model.policy import OnRemove, Prune
from reconciler.model.questions import Questions
from reconciler.plan.endings import deschedule, kill
from reconciler.plan.facts import Facts
from reconciler.plan.inputs import PlanInput
from reconciler.plan.updates import Step, act_on, end_of_foreign, paused_by_person

SECOND_LOOK_S = 30


def removal(f: Facts, given: PlanInput, limits: Limits | None, others: frozenset[JobKey]) -> Step:
    """Decide about an undeclared job; `others` are the undeclared jobs of ours that are live."""
    live = f.live
    if not f.is_ours:
        return Keep(f.key, f.project_name, Reason.UNMANAGED)
    if live is None:
        return Keep(f.key, f.project_name, Reason.GONE)
    if live.update is not None:
        if not f.ours(live.update):
            return _hold(f, Reason.FOREIGN_UPDATE, live.update.id, end_of_foreign(f))
        if held := paused_by_person(f, live.update):
            return held
        return _gated(
            f, given, limits, others, act_on(f, live.update, Reason.REMOVED, _abort(live))
        )
    if any(t.status is TaskStatus.KILLING for t in live.unsettled):
        return Hold(f.key, f.project_name, Reason.TASKS_DYING)
    return _gated(f, given, limits, others, _end(f, live))


def _abort(live: LiveJob) -> AbortUpdate:
    assert live.update is not None, "an abort needs an update"
    return AbortUpdate(live.update.id)


def _end(f: Facts, live: LiveJob) -> Step:
    if live.cron is not None:
        return deschedule(f, live, Reason.REMOVED, prune=True)
    kept_run = f.owned is not None and f.owned.on_remove is OnRemove.FINISH
    if not live.is_service and kept_run:
        return Hold(f.key, f.project_name, Reason.LAST_RUN, detail=f"{live.count} tasks")
    return kill(f, live, Reason.REMOVED, prune=True)


def _gated(
    f: Facts, given: PlanInput, limits: Limits | None, others: frozenset[JobKey], step: Step
) -> Step:
    """Let the step pass only if this may be a removal at all."""
    tree = given.tree
    unpruned = _unpruned(f, tree.unpruned or {})
    if tree.incomplete or tree.policies is None or unpruned:
        why = tree.incomplete or unpruned or "the platform's documents are broken"
        return _hold(f, Reason.TREE_INCOMPLETE, why, "mend the desired state", step)
    if limits is not None and limits.prune_in_force is Prune.OFF:
        release = "declare it again, or set `prune: true` in its project"
        return _hold(f, Reason.PRUNE_OFF, "", release, step)
    if f.owned is None and f.recorded:
        # A preview beside no record shows what would come: it is asked elsewhere.
        return _hold(f, Reason.RECORD_LOST, "", APPROVAL, step)
    workers = workers_of(f.key)
    if workers in others:
        return _hold(f, Reason.WORKERS_FIRST, str(workers), "", step)
    if not (given.orders.prune_now or _seen_twice(f)):
        return _hold(f, Reason.SECOND_LOOK, "", "", step)
    return step


def _unpruned(f: Facts, told: Mapping[str, str]) -> str | None:
    """Return why prunes of the job's project must wait; of one that nobody knows, if any must."""
    return told.get(f.project_name) if f.project_name else next(iter(sorted(told.values())), None)


def _seen_twice(f: Facts) -> bool:
    if f.absence is None or f.revision.descends_from(f.absence.revision) is False:
        return False
    return f.older_than(f.absence.at, SECOND_LOOK_S)


def _hold(f: Facts, reason: Reason, detail: str, release: str, step: Step | None = None) -> Step:
    if isinstance(step, Questions):
        return step
    wanted = step if isinstance(step, Act) else None
    return Hold(f.key, f.project_name, reason, detail=detail, release=release, wanted=wanted)
