"""What a role's quota allows of a plan, taken as a whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.live import LiveJob, Quota, Unknown
from reconciler.model.memory import Absence, Memory
from reconciler.model.plan import Reason
from reconciler.model.policy import Guard
from reconciler.model.rendered import RenderedJob
from reconciler.plan.inputs import PlanInput
from reconciler.plan.planner import plan
from tests.support.builders import (
    NOW,
    PROJECT,
    REVISION_NOW,
    a_config,
    a_group,
    a_job,
    a_key,
    a_live_job,
    a_project,
    a_round,
    a_snapshot,
    a_tree,
    an_update,
    framework,
    owning,
)
from tests.support.plans import reasons

DEDICATED = a_config(constraints={"dedicated": "www/db"})
QUOTAS: dict[str, tuple[Quota, list[RenderedJob], list[LiveJob], list[Reason]]] = {
    "room for all": (
        Quota(6, 1e6, 1e6, 0, 0, 0),
        [a_job(a_key("a")), a_job(a_key("b"))],
        [],
        [Reason.ABSENT, Reason.ABSENT],
    ),
    "each fits, both do not": (
        Quota(5, 1e6, 1e6, 0, 0, 0),
        [a_job(a_key("a")), a_job(a_key("b"))],
        [],
        [Reason.ABSENT, Reason.OVER_QUOTA],
    ),
    "not production: not charged": (
        Quota(0, 0, 0, 0, 0, 0),
        [a_job(a_key("a"), production=False)],
        [],
        [Reason.ABSENT],
    ),
    "dedicated hosts: not charged": (
        Quota(0, 0, 0, 0, 0, 0),
        [replace(a_job(a_key("a")), config=DEDICATED)],
        [],
        [Reason.ABSENT],
    ),
    "leaving dedicated hosts costs the whole": (
        Quota(2, 1e6, 1e6, 0, 0, 0),
        [a_job(a_key("a"), version="2")],
        [a_live_job(a_key("a"), groups=(a_group(DEDICATED, range(3)),))],
        [Reason.OVER_QUOTA],
    ),
    "replacing costs the larger of old and new": (
        Quota(3, 1e6, 1e6, 3, 384, 384),
        [a_job(a_key("a"), version="2")],
        [a_live_job(a_key("a"))],
        [Reason.DRIFTED],
    ),
    "one more does not fit": (
        Quota(3, 1e6, 1e6, 3, 384, 384),
        [a_job(a_key("a"), instances=4)],
        [a_live_job(a_key("a"))],
        [Reason.OVER_QUOTA],
    ),
}


@pytest.mark.parametrize("case", QUOTAS.values(), ids=QUOTAS)
def test_quota_is_checked_over_the_whole_plan(
    case: tuple[Quota, list[RenderedJob], list[LiveJob], list[Reason]],
) -> None:
    quota, declared, live, wanted = case
    snapshot = a_snapshot(*live, quotas={PROJECT: quota})
    found = reasons(a_round(declared, live, snapshot=snapshot))
    assert [found[job.desired.key.name] for job in declared] == wanted


def test_quota_that_nobody_told_holds_what_would_be_charged() -> None:
    unknown = a_snapshot(quotas={PROJECT: Unknown("timeout")})
    given = a_round([a_job()], snapshot=unknown, memory=Memory("i"))
    (found,) = plan(given).decisions
    assert (found.reason, found.detail) == (
        Reason.LIVE_UNKNOWN,
        f"the quota of role {PROJECT}: timeout",
    )
    free = a_round([a_job(production=False)], snapshot=unknown, memory=Memory("i"))
    assert reasons(free) == {"web": Reason.ABSENT}


def test_framework_whose_workers_do_not_fit_is_not_begun() -> None:
    """A master alone, or a new one before old workers, helps nobody."""
    narrow = a_snapshot(quotas={PROJECT: Quota(3, 1e6, 1e6, 0, 0, 0)})
    given = a_round(framework(), snapshot=narrow, memory=Memory("i"))
    assert reasons(given) == {"b-master": Reason.OVER_QUOTA, "b-workers": Reason.OVER_QUOTA}
    wide = a_snapshot(quotas={PROJECT: Quota(4, 1e6, 1e6, 0, 0, 0)})
    assert reasons(replace(given, snapshot=replace(wide, answers=given.snapshot.answers))) == {
        "b-master": Reason.ABSENT,
        "b-workers": Reason.MASTER_NOT_SETTLED,
    }


def renamed(**differs: Any) -> PlanInput:
    """A job that has another name now, in a role whose quota does not hold both."""
    kept = a_key("kept")
    live = (a_live_job(a_key("old")), a_live_job(kept))
    tight = a_snapshot(*live, quotas={PROJECT: Quota(4, 1e6, 1e6, 3, 384, 384)})
    seen = Absence(NOW - timedelta(minutes=1), REVISION_NOW)
    memory = owning(a_key("old"), kept, absences={a_key("old"): seen})
    jobs = [a_job(a_key("new")), a_job(kept)]
    return a_round(jobs, live, snapshot=tight, memory=memory, **differs)


def test_what_waits_for_quota_that_a_kill_gives_back_says_so() -> None:
    found = {d.key.name: d for d in plan(renamed()).decisions}
    assert found["old"].reason is Reason.REMOVED
    assert found["new"].reason is Reason.QUOTA_TAKEN
    assert "lacks 2 cores until" in found["new"].detail
    tight = a_project(guard=Guard(prunes_max=0, prunes_share=0.0))
    held = {d.key.name: d.reason for d in plan(renamed(tree=a_tree(tight))).decisions}
    assert (held["old"], held["new"]) == (Reason.GUARDED, Reason.OVER_QUOTA)


def test_abort_that_makes_way_for_what_does_not_fit_is_held() -> None:
    rolling = a_live_job(update=an_update(spec="0/3"))
    full = a_snapshot(rolling, quotas={PROJECT: Quota(3, 1e6, 1e6, 3, 384, 384)})
    given = a_round([a_job(instances=9)], [rolling], snapshot=full)
    assert reasons(given) == {"web": Reason.OVER_QUOTA}
