"""In which order acts are carried out, and the digest that names what a plan would do."""

import hashlib
import json
from collections.abc import Iterable

from reconciler.model.keys import workers_of
from reconciler.model.plan import (
    APPROVABLE,
    Act,
    Action,
    Decision,
    DescheduleCron,
    Hold,
    KillTasks,
    Reason,
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
    """Return what names the acts, those included that an approval or a second look releases.

    Independent of time, revision and order: the same deeds have the same digest, so that what was
    approved in a preview is what may be done.
    """
    told = [
        (str(act.key), act.reason.label, _told(act.action))
        for act in (_would(d) for d in decisions)
        if act is not None
    ]
    text = json.dumps(sorted(told), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _would(decision: Decision) -> Act | None:
    if isinstance(decision, Act):
        return decision
    if isinstance(decision, Hold) and decision.reason in (*APPROVABLE, Reason.SECOND_LOOK):
        return decision.wanted
    return None


def _told(action: Action) -> list[object]:
    name = type(action).__name__
    match action:
        case StartUpdate(config=config, instances=instances, only=only):
            return [name, config.task.digest, instances, str(only)]
        case KillTasks(only=only):
            return [name, str(only)]
        case ScheduleCron(config=config, schedule=schedule, instances=instances):
            return [name, config.task.digest, schedule, action.collision.value, instances]
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
