"""In which order acts are carried out, and the digest that names what a person must approve."""

import hashlib
import json
from collections.abc import Iterable

from reconciler.model.keys import workers_of
from reconciler.model.plan import (
    APPROVABLE,
    AbortUpdate,
    Act,
    Action,
    Decision,
    DescheduleCron,
    Hold,
    KillTasks,
    ScheduleCron,
    StartUpdate,
)


def ordered(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return acts first, in the order in which they are sent, then holds and keeps by key.

    Words to updates come first (they make way), then creations and changes, then kills, and prunes
    last of all. Masters and workers wait for each other by holds; only a removal of both that a
    person approved goes by order.
    """
    return tuple(sorted(decisions, key=_rank))


def digest(decisions: Iterable[Decision]) -> str:
    """Return what names the acts that a person must approve, or nothing where there are none.

    Independent of time, revision, order and of what else is done, so that what was approved in a
    preview is what may be done, in whichever round of the run.
    """
    text = "\n".join(sorted(deeds(decisions)))
    if not text:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def deeds(decisions: Iterable[Decision]) -> frozenset[str]:
    """Return the name of each act that is held for approval."""
    return frozenset(deed for d in decisions if (deed := deed_of(d)) is not None)


def deed_of(decision: Decision) -> str | None:
    """Return the name of the act that is held for approval, if one is."""
    if not isinstance(decision, Hold) or decision.reason not in APPROVABLE:
        return None
    act = decision.wanted
    if act is None:
        # Ours by its mark only, and gone when it was looked at closely.
        return None
    told = (str(act.key), act.reason.label, _told(act.action, act.then))
    return json.dumps(told, separators=(",", ":"))


def _told(action: Action, then: Act | None) -> list[object]:
    name = type(action).__name__
    match action:
        case StartUpdate(config=config, instances=instances, only=only, settings=how):
            return [name, config.task.digest, instances, str(only), repr(how)]
        case KillTasks(only=only):
            return [name, str(only)]
        case ScheduleCron(config=config, schedule=schedule, instances=instances):
            return [name, config.task.digest, schedule, action.collision.value, instances]
        case AbortUpdate():
            return [name, _told(then.action, then.then) if then is not None else None]
        case _:
            return [name]


def _rank(decision: Decision) -> tuple[int, str, str, str, str]:
    key = decision.key
    return (_turn(decision), key.cluster, key.role, key.environment, key.name)


def _turn(decision: Decision) -> int:
    if not isinstance(decision, Act):
        return 5
    if decision.prune:
        return 3 if workers_of(decision.key) is None else 4
    if isinstance(decision.action, KillTasks | DescheduleCron):
        return 2
    return 1 if isinstance(decision.action, StartUpdate | ScheduleCron) else 0
