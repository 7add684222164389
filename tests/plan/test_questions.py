"""What is asked beyond the bulk reading: no more than needed, never nothing where it matters."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.live import LiveJob, TaskStatus
from reconciler.model.memory import Memory
from reconciler.model.plan import Reason
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import JobKind
from reconciler.model.update import LiveUpdate, UpdateStatus
from reconciler.plan.facts import spec_of
from reconciler.plan.planner import (
    asked_by,
    concluded,
    drafted,
    plan,
    questions,
    redrafted,
)
from tests.support.builders import (
    NOW,
    a_job,
    a_key,
    a_live_cron,
    a_live_job,
    a_round,
    a_task,
    an_update,
    owning,
)

KEY = a_key()


def bulk(live: LiveJob) -> LiveJob:
    """The job as the bulk reading alone shows it."""
    return replace(live, groups=None, tasks=None)


THROUGH = UpdateStatus.ROLLED_FORWARD
SPEC = spec_of(a_job())


def came_through(*ended: LiveUpdate) -> LiveJob:
    """The job as the bulk reading shows it, after these updates, newest first."""
    return bulk(a_live_job(ended=ended))


def asked(job: RenderedJob, live: LiveJob | None, **round_: Any) -> set[str]:
    given = a_round([job], [live] if live else [], **round_)
    given = replace(given, snapshot=replace(given.snapshot, answers={}, quotas={}))
    found = questions(given)
    return {name for name in found.__dataclass_fields__ if getattr(found, name)}


CASES: dict[str, tuple[RenderedJob, LiveJob | None, set[str]]] = {
    "converged": (a_job(), bulk(a_live_job()), set()),
    "another config": (a_job(version="2"), bulk(a_live_job()), {"groups"}),
    "another count": (a_job(instances=2), bulk(a_live_job()), {"groups"}),
    "a task that does not run": (
        a_job(),
        bulk(a_live_job(unsettled=(a_task(0, TaskStatus.PENDING),))),
        {"groups"},
    ),
    "an update ended": (
        a_job(),
        bulk(a_live_job(ended=(an_update(UpdateStatus.ROLLED_FORWARD, ours=False),))),
        {"groups"},
    ),
    "our update to just this came through": (
        a_job(),
        came_through(an_update(THROUGH, spec=SPEC)),
        set(),
    ),
    "one of ours came through, to another count": (
        a_job(),
        came_through(an_update(THROUGH, spec=spec_of(a_job(instances=2)))),
        {"groups"},
    ),
    "ours to just this failed": (
        a_job(),
        came_through(an_update(UpdateStatus.ERROR, spec=SPEC)),
        {"groups"},
    ),
    "ours came through, after somebody else's": (
        a_job(),
        came_through(an_update(THROUGH, spec=SPEC), an_update(THROUGH, ours=False)),
        {"groups"},
    ),
    "exact, and differs": (a_job(version="2"), a_live_job(), {"diffs"}),
    "absent": (a_job(), None, {"accepted"}),
    "template differs": (a_job(kind=JobKind.CRON), a_live_cron(version="0"), {"accepted"}),
    "to be killed": (a_job(instances=0), replace(a_live_job(), tasks=None), {"tasks", "groups"}),
    "paused, by whom": (
        a_job(),
        a_live_job(update=an_update(UpdateStatus.ROLL_FORWARD_PAUSED, spec=spec_of(a_job()))),
        {"details"},
    ),
    "waits for room past its deadline": (
        a_job(),
        a_live_job(
            update=an_update(spec=spec_of(a_job()), age_s=86_400),
            unsettled=(a_task(0, TaskStatus.PENDING),),
        ),
        {"pending"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_only_what_the_plan_needs_is_asked(
    case: tuple[RenderedJob, LiveJob | None, set[str]],
) -> None:
    job, live, wanted = case
    assert asked(job, live) == wanted


def test_everything_is_looked_at_closely_without_a_record() -> None:
    assert asked(a_job(), bulk(a_live_job()), memory=Memory("i", fresh=True)) == {"groups"}


def test_quota_is_asked_of_roles_with_production_starts() -> None:
    given = a_round([a_job(version="2")], [a_live_job()])
    given = replace(given, snapshot=replace(given.snapshot, quotas={}))
    assert questions(given).quotas == frozenset({KEY.role})
    given = a_round([a_job(version="2", production=False)], [a_live_job()])
    given = replace(given, snapshot=replace(given.snapshot, quotas={}))
    assert not questions(given)


def test_question_without_an_answer_is_a_hold() -> None:
    """What was not answered is unknown, and nothing is done about the unknown."""
    given = a_round([a_job(version="2")], [bulk(a_live_job())], memory=owning(KEY))
    (decision,) = plan(given).decisions
    assert decision.reason is Reason.LIVE_UNKNOWN


@pytest.mark.parametrize("interval_min", [1, 2, 5, 7, 10, 15, 30, 60])
@pytest.mark.parametrize("name", ["web", "api", "nightly"])
def test_rotation_looks_at_every_job_once_in_so_many_rounds(name: str, interval_min: int) -> None:
    key = a_key(name)
    given = a_round([a_job(key)], [bulk(a_live_job(key))], memory=owning(key))
    rounds = [replace(given, now=NOW + timedelta(minutes=m * interval_min)) for m in range(61)]
    assert [bool(questions(round_).groups) for round_ in rounds].count(True) == 1


def test_answer_is_heard_and_comes_to_what_is_decided_with_it_at_once() -> None:
    other, gone, workers = a_key("other"), a_key("b-master"), a_key("b-workers")
    drifted, kept, master = a_live_job(), a_live_job(other), a_live_job(gone)
    given = a_round(
        [a_job(version="2"), a_job(other)],
        [bulk(drifted), bulk(kept), master, bulk(a_live_job(workers))],
        memory=owning(KEY, other, gone, workers),
    )
    draft = drafted(given)
    assert asked_by(draft, given).groups == {KEY, workers}
    told = {**given.snapshot.jobs, KEY: drifted}
    # Of the workers nobody answered: they are unknown, and not gone.
    unclear = {workers: "timeout"}
    answered = replace(given, snapshot=replace(given.snapshot, jobs=told, unclear=unclear))
    again = redrafted(draft, answered)
    assert again.steps == drafted(answered).steps
    assert again.steps[other] is draft.steps[other], "about which nothing was asked"
    assert concluded(redrafted(again, answered, final=True), answered) == plan(answered)
    assert again.going == {gone, workers}


def test_master_that_no_longer_waits_is_decided_anew() -> None:
    master, workers = a_key("b-master"), a_key("b-workers")
    given = a_round(
        [], [a_live_job(master), bulk(a_live_job(workers))], memory=owning(master, workers)
    )
    draft = drafted(given)
    assert asked_by(draft, given).groups == {workers}
    left = {master: given.snapshot.jobs[master]}
    answered = replace(given, snapshot=replace(given.snapshot, jobs=left))
    again = redrafted(draft, answered)
    assert again.going == {master}
    assert again.steps == drafted(answered).steps
    assert concluded(redrafted(again, answered, final=True), answered) == plan(answered)
