"""The first line of a preview, category by category."""

import pytest

from reconciler.model.keys import JobKey
from reconciler.model.plan import Decision, Impact, Reason
from reconciler.model.round import Fault, FaultKind
from reconciler.report.counts import counts, summary
from tests.report.reports import (
    aborts,
    creates,
    deschedules,
    first,
    holds,
    ids,
    keeps,
    kills,
    many_keeps,
    prunes,
    schedules,
    shrinks,
    updates,
)
from tests.support.plans import a_plan, a_report

NOTHING = "0 to create, 0 to update, 0 to prune, 0 kept"

CASES: dict[str, tuple[list[Decision], str]] = {
    "nothing at all": ([], NOTHING),
    "all of it": (
        [
            *(creates(f"new-{i}") for i in range(3)),
            updates("api", 40),
            updates("web", 4),
            prunes("old"),
            *many_keeps(41),
            holds("stuck", Reason.NOT_ADOPTED),
            *many_keeps(12, Reason.UNMANAGED),
        ],
        "3 to create, 2 to update (44 restarts), 1 to prune, 41 kept, 1 held, 12 unmanaged",
    ),
    "one restart is singular": (
        [updates("web", 1)],
        "0 to create, 1 to update (1 restart), 0 to prune, 0 kept",
    ),
    "an update that restarts nothing says nothing of restarts": (
        [updates("web", impact=Impact(adds=first(2)))],
        "0 to create, 1 to update, 0 to prune, 0 kept",
    ),
    "a scale-down is an update that kills": (
        [shrinks("web", 2, ids(2, 3)), updates("api", 3)],
        "0 to create, 2 to update (3 restarts, 2 kills), 0 to prune, 0 kept",
    ),
    "a new cron job is a creation": (
        [schedules("nightly", Reason.CRON_ABSENT)],
        "1 to create, 0 to update, 0 to prune, 0 kept",
    ),
    "a changed template is an update": (
        [schedules("nightly")],
        "0 to create, 1 to update, 0 to prune, 0 kept",
    ),
    "a removed template is a prune": (
        [deschedules("nightly")],
        "0 to create, 0 to update, 1 to prune, 0 kept",
    ),
    "a disabled template is an update": (
        [deschedules("nightly", reason=Reason.CRON_DISABLED, prune=False)],
        "0 to create, 1 to update, 0 to prune, 0 kept",
    ),
    "zero instances are a kill, not a prune": (
        [kills("web")],
        "0 to create, 0 to update, 1 to kill, 0 to prune, 0 kept",
    ),
    "an abort that makes way is the update that follows": (
        [aborts("web", impact=Impact(restarts=first(4)))],
        "0 to create, 1 to update (4 restarts), 0 to prune, 0 kept",
    ),
    "a job of another kind is one to replace, though that takes two rounds": (
        [
            kills("web", reason=Reason.KIND_CHANGED, then=schedules("web", Reason.CRON_ABSENT)),
            deschedules("api", reason=Reason.KIND_CHANGED, prune=False, then=creates("api")),
        ],
        "0 to create, 0 to update, 2 to replace, 0 to prune, 0 kept",
    ),
    "an abort is whatever it makes way for": (
        [
            aborts("web", then=kills("web", reason=Reason.KIND_CHANGED)),
            aborts("api", then=kills("api"), impact=kills("api").impact),
        ],
        "0 to create, 0 to update, 1 to replace, 1 to kill, 0 to prune, 0 kept",
    ),
    "an abort before a prune is the prune": (
        [aborts("web", Reason.REMOVED)],
        "0 to create, 0 to update, 1 to prune, 0 kept",
    ),
    "a prune that waits for its second look will be done by the same run": (
        [holds("old", Reason.SECOND_LOOK, wanted=prunes("old"))],
        "0 to create, 0 to update, 1 to prune, 0 kept",
    ),
    "workers behind their master will be created by the same run": (
        [
            creates("b-master", 1),
            holds("b-workers", Reason.MASTER_NOT_SETTLED, wanted=creates("b-workers")),
        ],
        "2 to create, 0 to update, 0 to prune, 0 kept",
    ),
    "what only a person releases is held, whatever it would do": (
        [holds("web", Reason.GUARDED, wanted=updates("web"))],
        "0 to create, 0 to update, 0 to prune, 0 kept, 1 held",
    ),
    "a suspended job is held": (
        [holds("web", Reason.SUSPENDED)],
        "0 to create, 0 to update, 0 to prune, 0 kept, 1 held",
    ),
    "an adopted job is kept, an unmanaged one is not": (
        [keeps("a", Reason.ADOPTED), keeps("b", Reason.UNMANAGED)],
        "0 to create, 0 to update, 0 to prune, 1 kept, 1 unmanaged",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_line_counts_every_job_once(name: str) -> None:
    decisions, line = CASES[name]
    assert counts(a_report(*decisions)).line() == line


def test_clusters_are_counted_together() -> None:
    far = updates("web", key=JobKey("far", "shop", "prod", "web"))
    report = a_report(plans=(a_plan(updates("web")), a_plan(far, cluster="far")))
    assert counts(report).line() == "0 to create, 2 to update (8 restarts), 0 to prune, 0 kept"


DISTURBING: dict[str, tuple[Decision, bool]] = {
    "a creation disturbs nobody": (creates("web"), False),
    "a restart does": (updates("web"), True),
    "a scale-down does": (shrinks("web", 1, ids(1)), True),
    "a kill does": (kills("web"), True),
    "a change of kind does": (kills("web", reason=Reason.KIND_CHANGED), True),
    "a prune does": (prunes("web"), True),
    "a prune after a second look does": (
        holds("old", Reason.SECOND_LOOK, wanted=prunes("old")),
        True,
    ),
    "a schedule does not": (schedules("nightly"), False),
    "a held restart does not": (holds("web", Reason.GUARDED, wanted=updates("web")), False),
}


@pytest.mark.parametrize("name", DISTURBING)
def test_what_restarts_or_dies_is_known_before_asking(name: str) -> None:
    decision, disturbs = DISTURBING[name]
    assert counts(a_report(decision)).disturbs is disturbs


def test_the_first_line_says_what_it_knows_nothing_of() -> None:
    unread = a_plan(cluster="far", unread="connection refused")
    fault = Fault(FaultKind.SCHEDULER, "eu1", "no CA file")
    report = a_report(plans=(a_plan(keeps("web")), unread), faults=(fault,))
    assert summary(report) == "0 to create, 0 to update, 0 to prune, 1 kept; not read: eu1, far"
    nothing = a_report(faults=(Fault(FaultKind.SOURCE, "", "gone"),))
    assert summary(nothing) == f"{NOTHING}; not read: desired state"
    assert summary(a_report()) == NOTHING
