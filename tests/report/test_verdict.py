"""Exit codes: what yields which, and which goes before which. They are an interface."""

from itertools import combinations
from typing import Any

import pytest

from reconciler.model.outcome import Applied, Deferred, Indeterminate, Refused
from reconciler.model.plan import Reason
from reconciler.model.problem import Origin, Problem
from reconciler.model.round import Fault, FaultKind, JobStatus, RoundReport, StatusReport
from reconciler.report.verdict import (
    PRECEDENCE,
    ExitCode,
    exit_code,
    first_of,
    reason_code,
    status_code,
)
from tests.report.reports import creates, holds, keeps, updates
from tests.support.builders import NOW, a_key
from tests.support.plans import a_plan, a_report

PROBLEM = Problem(Origin("shop/web.yaml", 3, 5), 'unknown field "instnaces"', "did you mean it?")


def code(report: RoundReport, **differs: Any) -> int:
    plain: dict[str, Any] = {"detailed": False, "converged": None, "timed_out": False}
    return exit_code(report, **{**plain, **differs})


def a_fault(kind: FaultKind) -> Fault:
    return Fault(kind, "", "gone")


REASONS = {
    Reason.INVALID: 3,
    Reason.LIVE_UNKNOWN: 6,
    Reason.STALE_BASIS: 7,
    Reason.QUARANTINED: 5,
    Reason.ABSENT: 2,
    Reason.DRIFTED: 2,
    Reason.SCALED_TO_ZERO: 2,
    Reason.CRON_ABSENT: 2,
    Reason.CRON_DRIFTED: 2,
    Reason.CRON_DISABLED: 2,
    Reason.KIND_CHANGED: 2,
    Reason.SUPERSEDED: 2,
    Reason.AUTO_PAUSED: 2,
    Reason.STALLED: 2,
    Reason.REMOVED: 2,
    Reason.UPDATE_IN_FLIGHT: 2,
    Reason.TASKS_DYING: 2,
    Reason.MASTER_NOT_SETTLED: 2,
    Reason.WORKERS_FIRST: 2,
    Reason.RUN_IN_PROGRESS: 2,
    Reason.SECOND_LOOK: 2,
    Reason.QUOTA_TAKEN: 2,
    Reason.OUTCOME_UNKNOWN: 2,
    Reason.INFEASIBLE: 4,
    Reason.OVER_QUOTA: 4,
    Reason.FOREIGN_UPDATE: 4,
    Reason.PAUSED: 4,
    Reason.BATCH_DONE: 4,
    Reason.ABORTED: 4,
    Reason.NOT_ADOPTED: 4,
    Reason.MASTER_HELD: 4,
    Reason.WORKERS_HELD: 4,
    Reason.NO_ROOM: 4,
    Reason.NOT_ROLLED_BACK: 4,
    Reason.NEWER_APPLIED: 4,
    Reason.GUARDED: 4,
    Reason.CLUSTER_LOOKS_EMPTIED: 4,
    Reason.TREE_INCOMPLETE: 4,
    Reason.PRUNE_OFF: 4,
    Reason.RECORD_LOST: 4,
    Reason.NO_CLUSTER: 4,
    Reason.SUSPENDED: 0,
    Reason.LAST_RUN: 0,
    Reason.CONVERGED: 0,
    Reason.ADOPTED: 0,
    Reason.UNMANAGED: 0,
    Reason.GONE: 0,
    Reason.DISABLED: 0,
}


@pytest.mark.parametrize("reason", Reason, ids=lambda r: r.label)
def test_every_reason_has_a_code(reason: Reason) -> None:
    assert reason_code(reason) == REASONS[reason]


CASES: dict[str, tuple[RoundReport, dict[str, Any], int]] = {
    "all kept": (a_report(keeps("web")), {}, 0),
    "nothing that was sent was taken": (
        a_report(creates("web")),
        {"converged": False, "in_vain": True},
        5,
    ),
    "changes pending are success": (a_report(creates("web")), {}, 0),
    "changes pending, asked for in detail": (a_report(creates("web")), {"detailed": True}, 2),
    "nothing pending, asked for in detail": (a_report(keeps("web")), {"detailed": True}, 0),
    "suspended is not pending": (
        a_report(holds("web", Reason.SUSPENDED)),
        {"detailed": True},
        0,
    ),
    "waiting is pending": (
        a_report(holds("web", Reason.UPDATE_IN_FLIGHT)),
        {"detailed": True},
        2,
    ),
    "a problem anywhere": (a_report(keeps("web"), problems=[PROBLEM]), {}, 3),
    "a problem of the plan": (
        a_report(plans=(a_plan(keeps("web"), problems=(PROBLEM,)),)),
        {},
        3,
    ),
    "a blocked job": (a_report(holds("web", Reason.NOT_ADOPTED)), {}, 4),
    "a quarantined job": (a_report(holds("web", Reason.QUARANTINED)), {}, 5),
    "workers of a master that is quarantined": (
        a_report(holds("x-master", Reason.QUARANTINED), holds("x-workers", Reason.MASTER_HELD)),
        {},
        5,
    ),
    "workers of a master that was not looked at": (
        a_report(holds("x-workers", Reason.MASTER_HELD)),
        {},
        4,
    ),
    "workers of a master that is suspended": (
        a_report(holds("x-master", Reason.SUSPENDED), holds("x-workers", Reason.MASTER_HELD)),
        {},
        4,
    ),
    "a master of workers that are quarantined, and another job that is blocked": (
        a_report(
            holds("x-master", Reason.WORKERS_HELD),
            holds("x-workers", Reason.QUARANTINED),
            holds("web", Reason.PAUSED),
        ),
        {},
        4,
    ),
    "a master of workers that are quarantined": (
        a_report(holds("x-master", Reason.WORKERS_HELD), holds("x-workers", Reason.QUARANTINED)),
        {},
        5,
    ),
    "a refused act": (
        a_report(creates("web"), outcomes=(Refused(creates("web"), "no"),)),
        {"converged": False},
        5,
    ),
    "an applied act": (
        a_report(creates("web"), outcomes=(Applied(creates("web"), "u1"),)),
        {"converged": True},
        0,
    ),
    "a deferred act is looked at again": (
        a_report(creates("web"), outcomes=(Deferred(creates("web"), "moved"),)),
        {"converged": False},
        0,
    ),
    "a lost reply is looked at again": (
        a_report(creates("web"), outcomes=(Indeterminate(creates("web"), "timeout"),)),
        {"converged": False, "detailed": True},
        2,
    ),
    "a job that could not be read": (a_report(holds("web", Reason.LIVE_UNKNOWN)), {}, 6),
    "a cluster that could not be read": (
        a_report(plans=(a_plan(unread="connection refused"),)),
        {},
        6,
    ),
    "no scheduler": (a_report(faults=(a_fault(FaultKind.SCHEDULER),)), {}, 6),
    "no desired state": (a_report(faults=(a_fault(FaultKind.SOURCE),)), {}, 6),
    "no record": (a_report(faults=(a_fault(FaultKind.RECORD),)), {}, 9),
    "live moved under the plan": (a_report(holds("web", Reason.STALE_BASIS)), {}, 7),
    "another plan was approved": (
        a_report(holds("web", Reason.GUARDED, wanted=updates("web"))),
        {"approve": frozenset({"fedcba9876543210"})},
        7,
    ),
    "this plan was approved, and something else is blocked": (
        a_report(
            plans=(
                a_plan(
                    holds("web", Reason.GUARDED, wanted=updates("web")),
                    approved=frozenset({"an act"}),
                ),
            )
        ),
        {"approve": frozenset({"fedcba9876543210"})},
        4,
    ),
    "an approval that was used up": (
        a_report(keeps("web")),
        {"approve": frozenset({"fedcba9876543210"})},
        0,
    ),
    "out of time": (
        a_report(holds("web", Reason.UPDATE_IN_FLIGHT)),
        {"converged": False, "timed_out": True},
        8,
    ),
    "out of time, and blocked": (
        a_report(holds("web", Reason.PAUSED)),
        {"converged": False, "timed_out": True},
        4,
    ),
    "asked, and declined": (a_report(creates("web")), {"converged": False}, 0),
    "invalid goes before unreachable": (
        a_report(problems=[PROBLEM], faults=(a_fault(FaultKind.SCHEDULER),)),
        {},
        3,
    ),
    "no record goes before no scheduler": (
        a_report(faults=(a_fault(FaultKind.SCHEDULER), a_fault(FaultKind.RECORD))),
        {},
        9,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_round_yields_its_code(name: str) -> None:
    report, told, expected = CASES[name]
    assert code(report, **told) == expected


ORDER = (1, 3, 9, 6, 7, 4, 5, 8, 2, 0)


def test_precedence_is_the_documented_one() -> None:
    assert tuple(int(c) for c in PRECEDENCE) == ORDER


@pytest.mark.parametrize("pair", list(combinations(ORDER, 2)), ids=str)
def test_of_two_codes_the_one_with_precedence_is_returned(pair: tuple[int, int]) -> None:
    found = [ExitCode(pair[1]), ExitCode(pair[0])]
    assert first_of(found, detailed=True) == pair[0]


STATUS: dict[str, tuple[Reason | None, FaultKind | None, int]] = {
    "nothing recorded": (None, None, 0),
    "all well": (Reason.CONVERGED, None, 0),
    "one blocked": (Reason.PAUSED, None, 4),
    "one quarantined": (Reason.QUARANTINED, None, 5),
    "the record is locked": (None, FaultKind.RECORD, 9),
}


def test_status_of_a_framework_whose_master_failed_is_that_of_the_failure() -> None:
    held = {"x-master": Reason.QUARANTINED, "x-workers": Reason.MASTER_HELD}
    jobs = tuple(JobStatus(a_key(name), "shop", reason) for name, reason in held.items())
    assert status_code(StatusReport(NOW, (), jobs), detailed=False) == 5


@pytest.mark.parametrize("name", STATUS)
def test_status_ends_with_the_same_codes(name: str) -> None:
    reason, fault, expected = STATUS[name]
    jobs = (JobStatus(a_key(), "shop", reason),) if reason else ()
    faults = (a_fault(fault),) if fault else ()
    report = StatusReport(NOW, (), jobs, faults=faults)
    assert status_code(report, detailed=False) == expected
