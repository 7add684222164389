"""Round reports for the tests of what is said: each decision complete, a case says what differs."""

import json
from dataclasses import replace
from typing import Any

from reconciler.model.keys import InstanceIds
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    CronBasis,
    DescheduleCron,
    FieldChange,
    Hold,
    Impact,
    InstancesBasis,
    Keep,
    KillTasks,
    Reason,
    ScheduleCron,
    StartUpdate,
    TasksBasis,
    UpdateBasis,
)
from reconciler.model.problem import Origin
from reconciler.model.spec import Collision
from tests.support.builders import PROJECT, a_config, a_key, settings
from tests.support.plans import an_act


def ids(*numbers: int) -> InstanceIds:
    found = InstanceIds.of(numbers)
    assert found is not None, "name some instances"
    return found


def first(count: int) -> InstanceIds:
    return InstanceIds.first(count)


def change(path: str, live: object, desired: object, *, raw: bool = False) -> FieldChange:
    """Return a change in an author's words; None stands for a field that is not there."""
    old, new = (None if v is None else json.dumps(v, ensure_ascii=False) for v in (live, desired))
    return FieldChange(path, old, new, authored=not raw)


def at(name: str, line: int = 1) -> Origin:
    return Origin(f"{PROJECT}/{name}.yaml", line)


def of_kind(name: str, fields: dict[str, Any], differs: dict[str, Any]) -> Act:
    """Return an act with a kind's `fields`, and what the case `differs` in."""
    plain: dict[str, Any] = {
        "key": a_key(name),
        "basis": InstancesBasis("g"),
        "origin": at(name),
        "spec": "s/3",
    }
    return an_act(**{**plain, **fields, **differs})


def creates(name: str, count: int = 3, **differs: Any) -> Act:
    fields = {
        "reason": Reason.ABSENT,
        "action": StartUpdate(a_config(), count, first(count), settings(), ()),
        "impact": Impact(adds=first(count), batches=1, batch=f"batches of {count}", shortest_s=25),
    }
    return of_kind(name, fields, differs)


def updates(name: str, restarts: int = 4, **differs: Any) -> Act:
    fields = {
        "action": StartUpdate(a_config("2"), restarts, first(restarts), settings(), ()),
        "impact": Impact(
            restarts=first(restarts),
            batches=restarts,
            batch="batches of 1",
            shortest_s=70 * restarts,
            rollback=True,
        ),
        "changes": (change("version", "1", "2"),),
    }
    return of_kind(name, fields, differs)


def shrinks(name: str, to: int, gone: InstanceIds, **differs: Any) -> Act:
    fields = {
        "action": StartUpdate(a_config(), to, gone, settings(), ()),
        "impact": Impact(kills=gone, batches=1, batch="batches of 1", rollback=True),
        "changes": (change("instances", to + len(gone), to),),
    }
    return of_kind(name, fields, differs)


def prunes(name: str, count: int = 3, **differs: Any) -> Act:
    fields = {
        "reason": Reason.REMOVED,
        "action": KillTasks(first(count)),
        "basis": TasksBasis(frozenset(f"task-{i}" for i in range(count))),
        "impact": Impact(kills=first(count)),
        "origin": None,
        "prune": True,
    }
    return of_kind(name, fields, differs)


def kills(name: str, count: int = 3, **differs: Any) -> Act:
    fields = {"reason": Reason.SCALED_TO_ZERO, "prune": False, "origin": at(name)}
    return prunes(name, count, **{**fields, **differs})


def schedules(name: str, reason: Reason = Reason.CRON_DRIFTED, **differs: Any) -> Act:
    drifted = (change("schedule", "0 2 * * *", "30 3 * * *"),)
    fields = {
        "reason": reason,
        "action": ScheduleCron(a_config(), "30 3 * * *", Collision.CANCEL_NEW, 1),
        "basis": CronBasis("t"),
        "changes": () if reason is Reason.CRON_ABSENT else drifted,
    }
    return of_kind(name, fields, differs)


def deschedules(name: str, **differs: Any) -> Act:
    fields = {
        "reason": Reason.REMOVED,
        "action": DescheduleCron(),
        "basis": CronBasis("t"),
        "origin": None,
        "prune": True,
    }
    return of_kind(name, fields, differs)


def aborts(name: str, reason: Reason = Reason.SUPERSEDED, **differs: Any) -> Act:
    fields = {
        "reason": reason,
        "action": AbortUpdate("u1"),
        "basis": UpdateBasis("u1", "ROLLING_FORWARD"),
        "detail": "update u1 started by root is ROLLING_FORWARD",
    }
    return of_kind(name, fields, differs)


def holds(name: str, reason: Reason, **differs: Any) -> Hold:
    key = differs.pop("key", None) or a_key(name)
    return replace(Hold(key, PROJECT, reason, origin=at(name)), **differs)


def keeps(name: str, reason: Reason = Reason.CONVERGED, **differs: Any) -> Keep:
    return replace(Keep(a_key(name), PROJECT, reason), **differs)


def many_keeps(count: int, reason: Reason = Reason.CONVERGED) -> list[Keep]:
    return [keeps(f"{reason.label.lower()}-{i:02}", reason) for i in range(count)]
