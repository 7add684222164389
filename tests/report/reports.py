"""Round reports for the tests of what is said: each decision complete, a case says what differs."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.model.keys import InstanceIds
from reconciler.model.outcome import Outcome
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    CronBasis,
    Decision,
    DescheduleCron,
    FieldChange,
    Hold,
    Impact,
    InstancesBasis,
    Keep,
    KillTasks,
    Plan,
    Reason,
    ScheduleCron,
    StartUpdate,
    TasksBasis,
    UpdateBasis,
)
from reconciler.model.problem import Origin, Problem
from reconciler.model.round import ClusterRound, RoundReport
from reconciler.model.spec import Collision
from reconciler.model.tree import Revision
from tests.support.builders import CLUSTER, NOW, PROJECT, REVISION_NOW, a_config, a_key, settings

DIGEST = "0123456789abcdef"


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


def an_act(name: str, fields: dict[str, Any], differs: dict[str, Any]) -> Act:
    """Return an act with a kind's `fields`, and what the case `differs` in."""
    plain = Act(
        key=a_key(name),
        project=PROJECT,
        reason=Reason.DRIFTED,
        action=StartUpdate(a_config(), 3, first(3), settings(), (("reconciler.spec", "s"),)),
        basis=InstancesBasis("g"),
        origin=at(name),
        spec="s/3",
    )
    return replace(plain, **{**fields, **differs})


def creates(name: str, count: int = 3, **differs: Any) -> Act:
    fields = {
        "reason": Reason.ABSENT,
        "action": StartUpdate(a_config(), count, first(count), settings(), ()),
        "impact": Impact(adds=first(count), batches=1, batch=f"batches of {count}", shortest_s=25),
    }
    return an_act(name, fields, differs)


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
    return an_act(name, fields, differs)


def shrinks(name: str, to: int, gone: InstanceIds, **differs: Any) -> Act:
    fields = {
        "action": StartUpdate(a_config(), to, gone, settings(), ()),
        "impact": Impact(kills=gone, batches=1, batch="batches of 1", rollback=True),
        "changes": (change("instances", to + len(gone), to),),
    }
    return an_act(name, fields, differs)


def prunes(name: str, count: int = 3, **differs: Any) -> Act:
    fields = {
        "reason": Reason.REMOVED,
        "action": KillTasks(first(count)),
        "basis": TasksBasis(frozenset(f"task-{i}" for i in range(count))),
        "impact": Impact(kills=first(count)),
        "origin": None,
        "prune": True,
    }
    return an_act(name, fields, differs)


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
    return an_act(name, fields, differs)


def deschedules(name: str, **differs: Any) -> Act:
    fields = {
        "reason": Reason.REMOVED,
        "action": DescheduleCron(),
        "basis": CronBasis("t"),
        "origin": None,
        "prune": True,
    }
    return an_act(name, fields, differs)


def aborts(name: str, reason: Reason = Reason.SUPERSEDED, **differs: Any) -> Act:
    fields = {
        "reason": reason,
        "action": AbortUpdate("u1"),
        "basis": UpdateBasis("u1", "ROLLING_FORWARD"),
        "detail": "update u1 started by root is ROLLING_FORWARD",
    }
    return an_act(name, fields, differs)


def holds(name: str, reason: Reason, **differs: Any) -> Hold:
    key = differs.pop("key", None) or a_key(name)
    return replace(Hold(key, PROJECT, reason, origin=at(name)), **differs)


def keeps(name: str, reason: Reason = Reason.CONVERGED, **differs: Any) -> Keep:
    return replace(Keep(a_key(name), PROJECT, reason), **differs)


def many_keeps(count: int, reason: Reason = Reason.CONVERGED) -> list[Keep]:
    return [keeps(f"{reason.label.lower()}-{i:02}", reason) for i in range(count)]


def a_plan(*decisions: Decision, cluster: str = CLUSTER, **differs: Any) -> Plan:
    plain = Plan(
        cluster=cluster,
        revision=Revision(REVISION_NOW),
        made_at=NOW,
        decisions=decisions,
        problems=(),
        unmanaged=sum(d.reason is Reason.UNMANAGED for d in decisions),
        digest=DIGEST,
    )
    return replace(plain, **differs)


def a_report(
    *decisions: Decision,
    outcomes: tuple[Outcome, ...] = (),
    problems: Iterable[Problem] = (),
    plans: tuple[Plan, ...] = (),
    **differs: Any,
) -> RoundReport:
    """A preview of one cluster, or of those whose plans are given."""
    told = plans or (a_plan(*decisions),)
    plain = RoundReport(
        at=NOW,
        revision=Revision(REVISION_NOW),
        problems=tuple(problems),
        rounds=tuple(ClusterRound(plan, outcomes) for plan in told),
        preview=True,
    )
    return replace(plain, **differs)
