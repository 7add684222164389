"""An approval of another plan is answered with a sentence, not with a number alone."""

import pytest

from reconciler.model.plan import Reason
from reconciler.model.round import RoundReport
from reconciler.report.approval import unapproved
from tests.report.reports import holds, keeps, updates
from tests.support.plans import DIGEST, a_plan, a_report

OTHER = "fedcba9876543210"
GUARDED = holds("web", Reason.GUARDED, wanted=updates("web"))
SILENT: dict[str, tuple[RoundReport, set[str]]] = {
    "nothing was approved": (a_report(GUARDED), set()),
    "what is held now came after": (
        a_report(plans=(a_plan(GUARDED, approved=frozenset({"an act"})),)),
        {OTHER},
    ),
    "the approval is used up": (a_report(keeps("web")), {OTHER}),
    "what is held takes no approval": (a_report(holds("web", Reason.PAUSED)), {OTHER}),
}


@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said_where_the_approval_is_not_at_fault(name: str) -> None:
    report, approve = SILENT[name]
    assert unapproved(report, approve, "look") == ""


def test_an_approval_of_another_plan_says_what_it_is_now_and_where_to_look() -> None:
    two = a_report(plans=(a_plan(GUARDED), a_plan(cluster="far", digest="0" * 16)))
    assert unapproved(two, {OTHER}, "reconcile --only 'prod/*' --dry-run") == (
        f"--approve {OTHER} is not the digest of this plan, which changed since or was narrowed"
        f" otherwise: it is {DIGEST} of dev, {'0' * 16} of far now. Nothing that is held was done."
        " Look again: reconcile --only 'prod/*' --dry-run"
    )
