"""Acts, plans and reports of rounds: each complete, and a case says what differs."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.model.keys import InstanceIds
from reconciler.model.outcome import Outcome
from reconciler.model.plan import (
    Act,
    Action,
    Decision,
    KillTasks,
    Plan,
    Reason,
    StartUpdate,
    TasksBasis,
)
from reconciler.model.problem import Problem
from reconciler.model.round import ClusterRound, RoundReport
from reconciler.model.tree import Revision
from reconciler.plan.inputs import PlanInput
from reconciler.plan.planner import plan
from tests.support.builders import CLUSTER, NOW, PROJECT, REVISION_NOW, a_config, a_key, settings

DIGEST = "0123456789abcdef"


def an_act(action: Action | None = None, **differs: Any) -> Act:
    plain: dict[str, Any] = {
        "key": a_key(),
        "project": PROJECT,
        "reason": Reason.DRIFTED,
        "action": action or a_start(),
        "basis": TasksBasis(frozenset()),
    }
    return Act(**{**plain, **differs})


def a_start() -> StartUpdate:
    return StartUpdate(
        config=a_config(),
        instances=3,
        only=InstanceIds.first(3),
        settings=settings(),
        metadata=(("reconciler.spec", "s"),),
    )


def a_kill(*ids: int) -> KillTasks:
    return KillTasks(InstanceIds(ids or (0,)))


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


def reasons(given: PlanInput) -> dict[str, Reason]:
    """Return why each job is decided about as it is, by its name."""
    return {d.key.name: d.reason for d in plan(given).decisions}
