"""Why a declared job of any kind is left alone: whose it is, what failed, what Aurora says."""

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.live import LiveJob, RefusedAnswer, TaskStatus, Unknown
from reconciler.model.plan import Act, FieldChange, Hold, Reason, ScheduleCron, StartUpdate
from reconciler.model.problem import Problem
from reconciler.model.questions import Questions
from reconciler.plan.facts import Facts
from reconciler.plan.updates import Step


def invalid(key: JobKey, project: str, problems: tuple[Problem, ...]) -> Hold:
    """Return the hold of a job whose document is wrong; what was wrong first, and how much more."""
    first, more = problems[0], len(problems) - 1
    return Hold(
        key,
        project,
        Reason.INVALID,
        detail=f"{first}" + (f" (and {more} more)" if more else ""),
        release=f"mend {first.origin}",
        origin=first.origin,
    )


def not_adopted(f: Facts, would: Act | tuple[FieldChange, ...]) -> Hold:
    """Return the hold of a job that is not ours, with what an adoption would do or change."""
    act = would if isinstance(would, Act) else None
    return Hold(
        f.key,
        f.project_name,
        Reason.NOT_ADOPTED,
        detail=f"its mark says {f.mark}" if f.mark and not f.marked else "",
        release=f"--adopt {f.key}",
        changes=would.changes if isinstance(would, Act) else would,
        origin=f.origin,
        wanted=act,
    )


def quarantined(f: Facts, why: str, would: Act | None = None, ids: str = "") -> Hold:
    """Return the hold of a config that failed, with what another try would do; `ids` tells what
    instances it left behind, in words."""
    return Hold(
        f.key,
        f.project_name,
        Reason.QUARANTINED,
        detail=f"{why}{ids}",
        release=f"declare another spec, or --retry {f.key}",
        changes=would.changes if would is not None else (),
        origin=f.origin,
        wanted=would,
    )


def dying(f: Facts, live: LiveJob) -> Hold | None:
    """Return a hold while tasks are being killed that no template has and no update replaces.

    Aurora compares with tasks that die, too: asked now it says "unchanged", and the job dies.
    """
    if live.cron is not None or live.update is not None:
        return None
    ids = InstanceIds.of(t.instance for t in live.unsettled if t.status is TaskStatus.KILLING)
    if ids is None:
        return None
    detail = f"instances {ids}"
    return Hold(f.key, f.project_name, Reason.TASKS_DYING, detail=detail, origin=f.origin)


def if_accepted(f: Facts, act: Act) -> Step:
    """Return the act if the scheduler would take its config, or the question whether it would."""
    assert isinstance(act.action, StartUpdate | ScheduleCron), "only a config can be refused"
    match f.answer:
        case None if not f.final:
            return Questions(accepted=((f.key, act.action),))
        case RefusedAnswer(message):
            return infeasible(f, message)
        case None | Unknown():
            return unanswered(f)
    return act


def infeasible(f: Facts, message: str) -> Hold:
    """Return that the scheduler would refuse it, in the scheduler's words."""
    return Hold(
        f.key,
        f.project_name,
        Reason.INFEASIBLE,
        detail=f"Aurora: {message}",
        release=f"mend {f.origin}",
        origin=f.origin,
    )


def unanswered(f: Facts) -> Hold:
    """Return that what had to be asked about it was not answered."""
    why = f.answer.why if isinstance(f.answer, Unknown) else "it was not asked"
    return Hold(f.key, f.project_name, Reason.LIVE_UNKNOWN, detail=why, origin=f.origin)
