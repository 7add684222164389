"""Why a declared job of any kind is left alone: whose it is, what failed, what Aurora says."""

from reconciler.model.live import RefusedAnswer, Unknown
from reconciler.model.plan import Act, FieldChange, Hold, Reason, ScheduleCron, StartUpdate
from reconciler.model.questions import Questions
from reconciler.plan.facts import Facts
from reconciler.plan.updates import Step


def not_adopted(f: Facts, changes: tuple[FieldChange, ...]) -> Hold:
    return Hold(
        f.key,
        f.project_name,
        Reason.NOT_ADOPTED,
        release=f"--adopt {f.key}",
        changes=changes,
        origin=f.origin,
    )


def quarantined(f: Facts, why: str, changes: tuple[FieldChange, ...] = (), ids: str = "") -> Hold:
    return Hold(
        f.key,
        f.project_name,
        Reason.QUARANTINED,
        detail=f"{why}{ids}",
        release=f"declare another spec, or --retry {f.key}",
        changes=changes,
        origin=f.origin,
    )


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
    return Hold(
        f.key,
        f.project_name,
        Reason.INFEASIBLE,
        detail=f"Aurora: {message}",
        release=f"mend {f.origin}",
        origin=f.origin,
    )


def unanswered(f: Facts) -> Hold:
    why = f.answer.why if isinstance(f.answer, Unknown) else "it was not asked"
    return Hold(f.key, f.project_name, Reason.LIVE_UNKNOWN, detail=why, origin=f.origin)
