"""What an act must pass beyond its own row: master, newer revisions."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.live import LiveJob, TaskStatus
from reconciler.model.memory import Memory
from reconciler.model.plan import Hold, Reason
from reconciler.model.spec import Suspension
from reconciler.model.tree import Revision
from reconciler.model.update import UpdateStatus
from reconciler.plan.facts import spec_of
from reconciler.plan.inputs import Orders
from reconciler.plan.planner import plan
from tests.support.builders import (
    MASTER,
    WORKERS,
    a_job,
    a_key,
    a_live_job,
    a_round,
    a_task,
    a_tree,
    an_owned,
    an_update,
    framework,
)
from tests.support.plans import reasons

OLD = "a" * 40


def master(**differs: Any) -> LiveJob:
    return a_live_job(MASTER, ids=(0,), **differs)


SETTLING: dict[str, tuple[list[LiveJob], dict[str, Any], Reason]] = {
    "no master yet": ([], {}, Reason.MASTER_NOT_SETTLED),
    "master is updated": (
        [master(update=an_update(spec=spec_of(a_job(MASTER, instances=1))))],
        {},
        Reason.MASTER_NOT_SETTLED,
    ),
    "master does not run yet": (
        [master(unsettled=(a_task(0, TaskStatus.STARTING),))],
        {},
        Reason.MASTER_NOT_SETTLED,
    ),
    "master failed": (
        [
            master(
                version="0",
                ended=(an_update(UpdateStatus.FAILED, spec=spec_of(a_job(MASTER, instances=1))),),
            )
        ],
        {},
        Reason.MASTER_HELD,
    ),
    "master runs": ([master()], {}, Reason.ABSENT),
}


@pytest.mark.parametrize("case", SETTLING.values(), ids=SETTLING)
def test_workers_follow_their_master(case: tuple[list[LiveJob], dict[str, Any], Reason]) -> None:
    live, differs, reason = case
    assert reasons(a_round(framework(**differs), live))["b-workers"] is reason


def test_workers_that_run_are_kept_whatever_the_master_does() -> None:
    live = [master(version="0"), a_live_job(WORKERS)]
    found = reasons(a_round(framework(), live))
    assert found == {"b-master": Reason.DRIFTED, "b-workers": Reason.CONVERGED}


NEWER: dict[str, tuple[Revision, bool, Reason]] = {
    "same": (Revision(OLD), False, Reason.DRIFTED),
    "came before": (
        Revision("c", frozenset({OLD}), frozenset({OLD})),
        False,
        Reason.DRIFTED,
    ),
    "not in our history": (Revision("c", asked=frozenset({OLD})), False, Reason.NEWER_APPLIED),
    "nobody can tell": (Revision("c"), False, Reason.NEWER_APPLIED),
    "nobody can tell, --allow-older": (Revision("c"), True, Reason.DRIFTED),
    "--allow-older": (Revision("c", asked=frozenset({OLD})), True, Reason.DRIFTED),
}


@pytest.mark.parametrize("case", NEWER.values(), ids=NEWER)
@pytest.mark.parametrize("told_by", ["record", "update"])
def test_old_checkout_downgrades_nothing(case: tuple[Revision, bool, Reason], told_by: str) -> None:
    revision, allowed, reason = case
    key = a_key()
    recorded = an_owned(revision=OLD if told_by == "record" else revision.id)
    update = an_update(UpdateStatus.ROLLED_FORWARD, revision=OLD)
    live = a_live_job(ended=(update,) if told_by == "update" else ())
    given = a_round(
        [a_job(version="2")],
        [live],
        memory=Memory("i", owned={key: recorded}),
        tree=a_tree(revision=revision),
        orders=Orders(allow_older=allowed),
    )
    assert reasons(given) == {"web": reason}


@pytest.mark.parametrize("case", NEWER.values(), ids=NEWER)
def test_old_checkout_brings_nothing_back_that_was_removed(
    case: tuple[Revision, bool, Reason],
) -> None:
    """What was removed is on no record, so the last tree stands for it."""
    revision, allowed, reason = case
    given = a_round(
        [a_job()],
        memory=Memory("i", newest=OLD),
        tree=a_tree(revision=revision),
        orders=Orders(allow_older=allowed),
    )
    assert reasons(given) == {"web": Reason.ABSENT if reason is Reason.DRIFTED else reason}


def test_job_of_ours_that_is_gone_comes_back_by_the_revision_it_had() -> None:
    """Whatever the last tree was: this job was never newer than ours."""
    given = a_round(
        [a_job()],
        memory=Memory("i", owned={a_key(): an_owned(revision=OLD)}, newest="d"),
        tree=a_tree(revision=Revision("c", frozenset({OLD}), frozenset({OLD, "d"}))),
    )
    assert reasons(given) == {"web": Reason.ABSENT}


def test_what_waits_for_a_held_master_names_the_same_release() -> None:
    live, _, _ = SETTLING["master failed"]
    held = {d.key: d for d in plan(a_round(framework(), live)).decisions if isinstance(d, Hold)}
    assert held[WORKERS].reason is Reason.MASTER_HELD
    assert held[WORKERS].release == f"declare another spec, or --retry {MASTER}"


def test_what_waits_for_a_suspended_master_says_what_ends_it() -> None:
    leave = a_job(MASTER, instances=1)
    suspended = replace(leave, desired=replace(leave.desired, suspended=Suspension("erin", "why")))
    given = a_round([suspended, a_job(WORKERS, master=MASTER)])
    found = {d.key: d for d in plan(given).decisions if isinstance(d, Hold)}
    assert found[WORKERS].release == f"end the suspension of {MASTER}"
