"""The decision table, row by row: what is declared, live and remembered; what is decided."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.keys import JobPattern
from reconciler.model.live import (
    DiffAnswer,
    LiveGroup,
    LiveJob,
    LiveTask,
    RefusedAnswer,
    TaskStatus,
)
from reconciler.model.memory import Absence, Intent, Memory, Quarantine
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    Action,
    Decision,
    DescheduleCron,
    Hold,
    Keep,
    KillTasks,
    PulseUpdate,
    Reason,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
    StartUpdate,
)
from reconciler.model.policy import OnRemove, Prune
from reconciler.model.problem import Origin, Problem
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import Collision, JobKind, Schedule, Suspension
from reconciler.model.tree import BrokenJob, DesiredTree, Revision
from reconciler.model.update import UpdateEvent, UpdateStatus
from reconciler.plan.facts import spec_of, trouble_of
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.plan.planner import plan, questions
from reconciler.plan.updates import OUR_WORDS
from tests.support.builders import (
    NOW,
    NOW_MS,
    PROJECT,
    REVISION_NOW,
    a_cluster,
    a_config,
    a_group,
    a_job,
    a_key,
    a_live_cron,
    a_live_job,
    a_project,
    a_round,
    a_snapshot,
    a_task,
    a_tree,
    an_owned,
    an_update,
    owning,
)

KEY = a_key()
SPEC = spec_of(a_job())
NOBODYS = Memory("i")


def decision(given: PlanInput, key: Any = KEY) -> Decision:
    assert not questions(given), f"the case leaves something unasked: {questions(given)}"
    (found,) = [d for d in plan(given).decisions if d.key == key]
    return found


OTHER = "0" * 64 + "/3"
OTHERS = replace(
    a_config(), task=replace(a_config().task, marks=(("reconciler.owner", "somebody"),))
)


def paused(
    *,
    by: str | None,
    status: UpdateStatus = UpdateStatus.ROLL_FORWARD_PAUSED,
    spec: str = SPEC,
    ours: bool = True,
) -> LiveJob:
    event = UpdateEvent(status, NOW_MS, by, None if by else "Update auto paused")
    return a_live_job(update=an_update(status, spec=spec, events=(event,), ours=ours))


def pausing(job: RenderedJob) -> RenderedJob:
    """The same job, with a rollout that waits for a person after each batch."""
    assert job.change is not None, "a service can be updated"
    return replace(job, change=replace(job.change, pause_between=True))


def rolling(
    spec: str = SPEC, status: UpdateStatus = UpdateStatus.ROLLING_FORWARD, **differs: Any
) -> LiveJob:
    job = {k: differs.pop(k) for k in ("version", "ids", "groups", "unsettled") if k in differs}
    return a_live_job(update=an_update(status, spec=spec, **differs), **job)


def ended(status: UpdateStatus, *, spec: str = SPEC, by: str = OUR_WORDS, **job: Any) -> LiveJob:
    event = UpdateEvent(status, NOW_MS, "root", by)
    return a_live_job(ended=(an_update(status, spec=spec, events=(event,)),), **job)


def rolled_back(*, by: str | None, message: str) -> LiveJob:
    """A job whose update to version 2 went back, at somebody's word or by itself."""
    back, end = UpdateStatus.ROLLING_BACK, UpdateStatus.ROLLED_BACK
    events = (UpdateEvent(back, NOW_MS, by, message), UpdateEvent(end, NOW_MS, None, None))
    spec = spec_of(a_job(version="2"))
    return a_live_job(ended=(an_update(end, spec=spec, events=events),))


def undeclared(live: LiveJob, **differs: Any) -> PlanInput:
    """A job of ours that nothing declares, seen missing for long; another one remains."""
    other = a_key("other")
    seen = Absence(NOW - timedelta(seconds=31), REVISION_NOW)
    memory = owning(live.key, other, absences={live.key: seen})
    tree = differs.pop("tree", a_tree())
    memory = replace(memory, **differs.pop("memory", {}))
    return a_round([a_job(other)], [live, a_live_job(other)], memory=memory, tree=tree, **differs)


def by_mark_only(tree: DesiredTree | None = None) -> PlanInput:
    """A job of ours that nothing declares, after the record was lost; another one remains."""
    other = a_key("x")
    live = [a_live_job(), a_live_job(other)]
    return a_round([a_job(other)], live, memory=Memory("i", fresh=True), tree=tree or a_tree())


SERVICES: dict[str, tuple[RenderedJob, LiveJob | None, Memory | None, type[Decision], Reason]] = {
    "not live: created": (a_job(), None, NOBODYS, Act, Reason.ABSENT),
    "equal and settled": (a_job(), a_live_job(), None, Keep, Reason.CONVERGED),
    "another version": (a_job(version="2"), a_live_job(), None, Act, Reason.DRIFTED),
    "too few": (a_job(instances=5), a_live_job(), None, Act, Reason.DRIFTED),
    "a hole": (a_job(), a_live_job(ids=(0, 2)), None, Act, Reason.DRIFTED),
    "too many": (a_job(instances=2), a_live_job(), None, Act, Reason.DRIFTED),
    "none wanted, none there": (a_job(instances=0), None, None, Keep, Reason.CONVERGED),
    "none wanted": (a_job(instances=0), a_live_job(), None, Act, Reason.SCALED_TO_ZERO),
    "not ours, equal: adopted": (a_job(), a_live_job(), NOBODYS, Keep, Reason.ADOPTED),
    "not ours, other version": (
        a_job(version="2"),
        a_live_job(),
        NOBODYS,
        Hold,
        Reason.NOT_ADOPTED,
    ),
    "a task dies that is no service's": (
        a_job(),
        a_live_job(is_service=False, unsettled=(a_task(1, TaskStatus.KILLING),)),
        None,
        Hold,
        Reason.TASKS_DYING,
    ),
    "recorded, with another platform's mark by now": (
        a_job(version="2"),
        a_live_job(groups=(a_group(OTHERS, (0, 1, 2)),)),
        None,
        Hold,
        Reason.NOT_ADOPTED,
    ),
    "a task dies": (
        a_job(),
        a_live_job(unsettled=(a_task(1, TaskStatus.KILLING),)),
        None,
        Hold,
        Reason.TASKS_DYING,
    ),
    "all die, wanted config too": (
        a_job(),
        a_live_job(unsettled=tuple(a_task(i, TaskStatus.KILLING) for i in range(3))),
        None,
        Hold,
        Reason.TASKS_DYING,
    ),
    "a task waits: equal all the same": (
        a_job(),
        a_live_job(unsettled=(a_task(1, TaskStatus.PENDING),)),
        None,
        Keep,
        Reason.CONVERGED,
    ),
    "cron template where a service is wanted": (
        a_job(),
        a_live_cron(),
        None,
        Act,
        Reason.KIND_CHANGED,
    ),
    "ad-hoc tasks where a service is wanted": (
        a_job(),
        a_live_job(is_service=False),
        None,
        Act,
        Reason.KIND_CHANGED,
    ),
    "cron template that is not ours": (a_job(), a_live_cron(), NOBODYS, Hold, Reason.NOT_ADOPTED),
}


@pytest.mark.parametrize("case", SERVICES.values(), ids=SERVICES)
def test_the_first_row_that_applies_decides_about_a_service(
    case: tuple[RenderedJob, LiveJob | None, Memory | None, type[Decision], Reason],
) -> None:
    job, live, memory, kind, reason = case
    found = decision(a_round([job], [live] if live else [], memory=memory))
    assert (type(found), found.reason) == (kind, reason)


CRON = a_job(kind=JobKind.CRON)
DISABLED = a_job(schedule=Schedule("0 3 * * *", Collision.CANCEL_NEW, enabled=False))

CRONS: dict[str, tuple[RenderedJob, LiveJob | None, Memory | None, type[Decision], Reason]] = {
    "not there": (CRON, None, None, Act, Reason.CRON_ABSENT),
    "equal": (CRON, a_live_cron(), None, Keep, Reason.CONVERGED),
    "another schedule": (CRON, a_live_cron(schedule="5 3 * * *"), None, Act, Reason.CRON_DRIFTED),
    "another collision policy": (
        CRON,
        a_live_cron(collision=Collision.KILL_EXISTING),
        None,
        Act,
        Reason.CRON_DRIFTED,
    ),
    "no policy is kill-existing": (
        a_job(schedule=Schedule("0 3 * * *", Collision.KILL_EXISTING)),
        a_live_cron(collision=None),
        None,
        Keep,
        Reason.CONVERGED,
    ),
    "another count": (CRON, a_live_cron(instances=2), None, Act, Reason.CRON_DRIFTED),
    "another version": (CRON, a_live_cron(version="0"), None, Act, Reason.CRON_DRIFTED),
    "equal, not ours": (CRON, a_live_cron(), NOBODYS, Keep, Reason.ADOPTED),
    "differs, not ours": (CRON, a_live_cron(version="0"), NOBODYS, Hold, Reason.NOT_ADOPTED),
    "disabled and scheduled": (DISABLED, a_live_cron(), None, Act, Reason.CRON_DISABLED),
    "disabled and not there": (DISABLED, None, None, Keep, Reason.DISABLED),
    "a service in its place": (CRON, a_live_job(), None, Act, Reason.KIND_CHANGED),
    "a service in its place, whose tasks die": (
        CRON,
        a_live_job(unsettled=(a_task(0, TaskStatus.KILLING),)),
        None,
        Hold,
        Reason.TASKS_DYING,
    ),
    "a run of a former template": (
        CRON,
        a_live_job(is_service=False, ids=(0,)),
        None,
        Hold,
        Reason.RUN_IN_PROGRESS,
    ),
}


@pytest.mark.parametrize("case", CRONS.values(), ids=CRONS)
def test_the_first_row_that_applies_decides_about_a_cron_job(
    case: tuple[RenderedJob, LiveJob | None, Memory | None, type[Decision], Reason],
) -> None:
    job, live, memory, kind, reason = case
    found = decision(a_round([job], [live] if live else [], memory=memory))
    assert (type(found), found.reason) == (kind, reason)


KINDS: dict[str, tuple[RenderedJob, LiveJob, type[Action], type[Action]]] = {
    "a template, for a service": (a_job(), a_live_cron(), DescheduleCron, StartUpdate),
    "a service, for a template": (CRON, a_live_job(), KillTasks, ScheduleCron),
    "ad-hoc tasks, for a service": (
        a_job(),
        a_live_job(is_service=False),
        KillTasks,
        StartUpdate,
    ),
}


@pytest.mark.parametrize("case", KINDS.values(), ids=KINDS)
def test_a_change_of_kind_tells_both_its_halves(
    case: tuple[RenderedJob, LiveJob, type[Action], type[Action]],
) -> None:
    wanted, live, now, then = case
    found = decision(a_round([wanted], [live]))
    assert isinstance(found, Act)
    assert isinstance(found.action, now)
    assert found.then is not None
    assert isinstance(found.then.action, then)
    assert "removed outside" not in found.then.detail, "it is we who remove it"


@pytest.mark.parametrize("case", KINDS.values(), ids=KINDS)
def test_nothing_is_removed_for_what_could_not_be_created(
    case: tuple[RenderedJob, LiveJob, type[Action], type[Action]],
) -> None:
    wanted, live, _, _ = case
    given = a_round([wanted], [live])
    failed = Quarantine(trouble_of(spec_of(wanted)), "it crashed", NOW)
    memory = replace(given.memory, quarantined={wanted.desired.key: failed})
    assert decision(replace(given, memory=memory)).reason is Reason.QUARANTINED


NEXT_RUN: dict[str, tuple[LiveJob | None, str]] = {
    "to be created": (None, "next run Tue 2026-11-24 09:00 Asia/Tokyo"),
    "to be replaced": (a_live_cron(version="0"), "next run Tue 2026-11-24 09:00 Asia/Tokyo"),
}


@pytest.mark.parametrize(("live", "told"), NEXT_RUN.values(), ids=NEXT_RUN)
def test_next_run_is_told_by_the_clock_of_the_scheduler(live: LiveJob | None, told: str) -> None:
    night = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # half past eight over there
    job = a_job(schedule=Schedule("0 9 * * *", Collision.CANCEL_NEW))
    given = a_round([job], [live] if live else [], now=night)
    there = replace(given, cluster=a_cluster(time_zone="Asia/Tokyo"))
    found = decision(there)
    assert isinstance(found, Act)
    assert found.detail.split(";")[0] == told


UPDATES: dict[str, tuple[RenderedJob, LiveJob, type[Decision], Reason, type[Action] | None]] = {
    "foreign": (
        a_job(),
        a_live_job(update=an_update(ours=False)),
        Hold,
        Reason.FOREIGN_UPDATE,
        None,
    ),
    "ours, paused by a person": (a_job(), paused(by="dave"), Hold, Reason.PAUSED, None),
    "ours, auto-paused": (a_job(), paused(by=None), Act, Reason.AUTO_PAUSED, ResumeUpdate),
    "ours, awaiting a pulse": (
        a_job(),
        rolling(status=UpdateStatus.ROLL_FORWARD_AWAITING_PULSE),
        Act,
        Reason.AUTO_PAUSED,
        PulseUpdate,
    ),
    "ours, auto-paused, to another spec": (
        a_job(version="2"),
        paused(by=None, spec=OTHER),
        Act,
        Reason.SUPERSEDED,
        AbortUpdate,
    ),
    "ours, awaiting a pulse, to another spec": (
        a_job(version="2"),
        rolling(spec=OTHER, status=UpdateStatus.ROLL_FORWARD_AWAITING_PULSE),
        Act,
        Reason.SUPERSEDED,
        AbortUpdate,
    ),
    "ours, paused after a batch, as its rollout wants": (
        pausing(a_job()),
        paused(by=None),
        Hold,
        Reason.BATCH_DONE,
        None,
    ),
    "ours, to this spec": (a_job(), rolling(), Hold, Reason.UPDATE_IN_FLIGHT, None),
    "ours, to this spec, rolling back": (
        a_job(),
        rolling(status=UpdateStatus.ROLLING_BACK),
        Hold,
        Reason.UPDATE_IN_FLIGHT,
        None,
    ),
    "ours, to this spec, never healthy": (
        a_job(version="2"),
        rolling(spec=spec_of(a_job(version="2")), age_s=86_400),
        Act,
        Reason.STALLED,
        RollbackUpdate,
    ),
    "ours, a first version that is never healthy": (
        a_job(),
        rolling(age_s=86_400),
        Act,
        Reason.STALLED,
        AbortUpdate,
    ),
    "ours, to another spec; this one would start": (
        a_job(version="2"),
        rolling(spec=OTHER),
        Act,
        Reason.SUPERSEDED,
        AbortUpdate,
    ),
    "ours, away from what is wanted": (
        a_job(),
        rolling(spec=OTHER),
        Act,
        Reason.SUPERSEDED,
        AbortUpdate,
    ),
    "ours, going back to what is wanted": (
        a_job(),
        rolling(spec=OTHER, status=UpdateStatus.ROLLING_BACK),
        Hold,
        Reason.UPDATE_IN_FLIGHT,
        None,
    ),
    "rolled back before": (
        a_job(version="2"),
        ended(UpdateStatus.ROLLED_BACK, spec=spec_of(a_job(version="2"))),
        Hold,
        Reason.QUARANTINED,
        None,
    ),
    "failed before, with another count": (
        a_job(version="2", instances=4),
        ended(UpdateStatus.FAILED, spec=spec_of(a_job(version="2"))),
        Hold,
        Reason.QUARANTINED,
        None,
    ),
    "another spec failed before": (
        a_job(version="2"),
        ended(UpdateStatus.FAILED, spec=OTHER),
        Act,
        Reason.DRIFTED,
        StartUpdate,
    ),
    "aborted by a person": (
        a_job(version="2"),
        ended(UpdateStatus.ABORTED, spec=spec_of(a_job(version="2")), by="stop that"),
        Hold,
        Reason.ABORTED,
        None,
    ),
    "rolled back by a person": (
        a_job(version="2"),
        rolled_back(by="bob", message="too slow"),
        Hold,
        Reason.ABORTED,
        None,
    ),
    "rolled back since it failed": (
        a_job(version="2"),
        rolled_back(by=None, message="Latest failure: instance 0 exited."),
        Hold,
        Reason.QUARANTINED,
        None,
    ),
    "rolled back by us": (
        a_job(version="2"),
        rolled_back(by="reconciler", message=f"{OUR_WORDS} Stalled"),
        Hold,
        Reason.QUARANTINED,
        None,
    ),
    "aborted by us": (
        a_job(version="2"),
        ended(UpdateStatus.ABORTED, spec=spec_of(a_job(version="2"))),
        Act,
        Reason.DRIFTED,
        StartUpdate,
    ),
}


@pytest.mark.parametrize("case", UPDATES.values(), ids=UPDATES)
def test_an_update_in_flight_decides_before_what_differs(
    case: tuple[RenderedJob, LiveJob, type[Decision], Reason, type[Action] | None],
) -> None:
    job, live, kind, reason, action = case
    found = decision(a_round([job], [live]))
    assert (type(found), found.reason) == (kind, reason)
    if isinstance(found, Act):
        assert type(found.action) is action


def test_update_that_stands_is_held_by_what_holds_the_next_step() -> None:
    """Nobody would ever move it: to say that it rolls would have everybody wait for nothing."""
    wanted = a_job(version="2")
    tree = a_tree(a_project(supersede_foreign_updates=True))
    given = a_round([wanted], [paused(by="bob", spec=OTHER, ours=False)], tree=tree)
    failed = Quarantine(trouble_of(spec_of(wanted)), "it crashed", NOW)
    memory = replace(given.memory, quarantined={wanted.desired.key: failed})
    found = decision(replace(given, memory=memory))
    assert isinstance(found, Hold)
    assert (found.reason, found.release) == (
        Reason.QUARANTINED,
        f"declare another spec, or --retry {wanted.desired.key}",
    )


def test_what_could_be_adopted_or_tried_again_says_what_that_would_do() -> None:
    wanted, live = a_job(version="2"), a_live_job()
    strange = decision(a_round([wanted], [live], memory=Memory("i")))
    assert isinstance(strange, Hold)
    given = a_round([wanted], [live])
    failed = Quarantine(trouble_of(spec_of(wanted)), "it crashed", NOW)
    memory = replace(given.memory, quarantined={wanted.desired.key: failed})
    again = decision(replace(given, memory=memory))
    assert isinstance(again, Hold)
    would = decision(given)
    assert isinstance(would, Act)
    assert strange.wanted == again.wanted == would


def test_own_rollback_is_no_change_from_outside() -> None:
    wanted = a_job(version="2")
    retry = Orders(retry=(JobPattern.parse("web"),))
    for status, told in ((UpdateStatus.ROLLED_BACK, ""), (UpdateStatus.ROLLED_FORWARD, "outside")):
        live = ended(status, spec=spec_of(wanted))
        found = decision(a_round([wanted], [live], orders=retry))
        assert found.detail.endswith(told)
        assert bool(found.detail) == bool(told)


V2 = spec_of(a_job(version="2"))
HALF = (a_group(a_config("2"), (0,)), a_group(a_config("1"), (1,)))
BACK, LEFT = UpdateStatus.ROLLED_BACK, UpdateStatus.FAILED

LEFT_BEHIND: dict[str, tuple[LiveJob, str]] = {
    "went back, and what ran before runs again": (
        rolled_back(by=None, message="Latest failure: instance 0 exited."),
        "update u1 ended ROLLED_BACK at 2026-11-24 02:59:55Z, latest failure: instance 0 exited;"
        " instances 0-2 run the former config",
    ),
    "went back in one instance, and lost another": (
        ended(BACK, spec=V2, groups=HALF),
        "update u1 ended ROLLED_BACK at 2026-11-24 02:59:55Z;"
        " instance 2 is dead; instance 1 runs the former config",
    ),
    "stayed where it failed": (
        ended(LEFT, spec=V2, groups=(a_group(a_config("1"), (0,)),), by="Latest failure: no"),
        "update u1 ended FAILED at 2026-11-24 02:59:55Z, latest failure: no;"
        " instances 1-2 are dead; instance 0 runs another config than declared",
    ),
}


@pytest.mark.parametrize("case", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_quarantine_says_what_failed_and_what_runs_now(case: tuple[LiveJob, str]) -> None:
    live, words = case
    found = decision(a_round([a_job(version="2")], [live]))
    assert (found.reason, found.detail) == (Reason.QUARANTINED, words)


@pytest.mark.parametrize("status", [BACK, LEFT])
def test_what_failed_is_asked_before_it_is_told(status: UpdateStatus) -> None:
    live = a_live_job(ended=(an_update(status, spec=V2),))
    assert questions(a_round([a_job(version="2")], [live])).details == {(KEY, "u1")}


PROGRESS: dict[str, tuple[tuple[LiveGroup, ...] | None, str]] = {
    "which config runs where was not asked": (None, "2 of 3 tasks running, rolling since "),
    "it was asked": (
        (a_group(a_config("1"), (0,)), a_group(a_config("0"), (1, 2))),
        "1 of 3 instances as declared, 2 of 3 tasks running, rolling since ",
    ),
}


@pytest.mark.parametrize("case", PROGRESS.values(), ids=PROGRESS)
def test_update_that_rolls_says_what_it_counts(
    case: tuple[tuple[LiveGroup, ...] | None, str],
) -> None:
    groups, words = case
    live = rolling(unsettled=(LiveTask("t1", 1, TaskStatus.STARTING),))
    found = decision(a_round([a_job()], [replace(live, groups=groups)]))
    assert found.reason is Reason.UPDATE_IN_FLIGHT
    assert found.detail.startswith(words)


def test_change_says_which_instances_it_is_of_where_they_differ() -> None:
    old, newer = a_group(a_config("1"), (0, 1)), a_group(a_config("0"), (2,))
    found = decision(a_round([a_job(version="2")], [a_live_job(groups=(old, newer))]))
    assert isinstance(found, Act)
    assert {(c.live, c.instances) for c in found.changes} == {('"1"', "0-1"), ('"0"', "2")}
    alike = decision(a_round([a_job(version="2")], [a_live_job()]))
    assert isinstance(alike, Act)
    assert {(c.live, c.instances) for c in alike.changes} == {('"1"', "")}


def test_job_that_vanished_while_it_was_read_waits_for_a_reading_that_agrees() -> None:
    """Started anew, it would not be counted among the jobs that are gone."""
    live = a_live_job(groups=(), count=3, version="2")
    found = decision(a_round([a_job()], [live]))
    assert (type(found), found.reason) == (Hold, Reason.STALE_BASIS)


def test_update_that_goes_back_for_ever_is_a_persons_to_end() -> None:
    """What was before does not get up either: nothing is left that we could try."""
    back = UpdateStatus.ROLLING_BACK
    found = decision(a_round([a_job()], [rolling(status=back, age_s=86_400)]))
    assert isinstance(found, Hold)
    assert found.reason is Reason.NOT_ROLLED_BACK
    assert found.release == f"declare another spec, or aurora update abort {KEY}"


def test_update_that_goes_back_has_its_time_since_it_moved_last() -> None:
    live = rolling(status=UpdateStatus.ROLLING_BACK, age_s=86_400)
    assert live.update is not None
    moving = replace(live, update=replace(live.update, modified_ms=NOW_MS - 60_000))
    assert decision(a_round([a_job()], [moving])).reason is Reason.UPDATE_IN_FLIGHT


def test_update_without_room_says_why() -> None:
    waiting = LiveTask("t1", 1, TaskStatus.PENDING)
    live = rolling(age_s=86_400, unsettled=(waiting,))
    snapshot = a_snapshot(live, pending={"t1": "Insufficient: CPU"})
    found = decision(a_round([a_job()], [live], snapshot=snapshot))
    assert isinstance(found, Hold)
    assert found.reason is Reason.NO_ROOM
    assert "Insufficient: CPU" in found.detail


def test_foreign_update_is_superseded_only_by_policy() -> None:
    live = a_live_job(update=an_update(ours=False))
    tree = a_tree(a_project(supersede_foreign_updates=True))
    found = decision(a_round([a_job(version="2")], [live], tree=tree))
    assert isinstance(found, Act)
    assert (found.reason, found.foreign) == (Reason.SUPERSEDED, True)


def test_superseding_waits_when_the_new_spec_would_be_held() -> None:
    """Aborting for a spec that is quarantined would leave the job between two versions."""
    wanted = a_job(version="2")
    memory = owning(KEY, quarantined={KEY: Quarantine(trouble_of(spec_of(wanted)), "bad", NOW)})
    found = decision(a_round([wanted], [rolling(spec=OTHER)], memory=memory))
    assert (type(found), found.reason) == (Hold, Reason.UPDATE_IN_FLIGHT)


REMOVALS: dict[str, tuple[PlanInput, type[Decision], Reason]] = {
    "not ours": (a_round([], [a_live_job()], memory=NOBODYS), Keep, Reason.UNMANAGED),
    "gone already": (
        a_round([a_job(a_key("x"))], [a_live_job(a_key("x"))], memory=owning(KEY, a_key("x"))),
        Keep,
        Reason.GONE,
    ),
    "seen missing twice": (undeclared(a_live_job()), Act, Reason.REMOVED),
    "seen missing once": (
        undeclared(a_live_job(), memory={"absences": {}}),
        Hold,
        Reason.SECOND_LOOK,
    ),
    "seen missing 29 s ago": (
        undeclared(
            a_live_job(),
            memory={"absences": {KEY: Absence(NOW - timedelta(seconds=29), REVISION_NOW)}},
        ),
        Hold,
        Reason.SECOND_LOOK,
    ),
    "missing at a revision that is not before ours": (
        undeclared(
            a_live_job(),
            memory={"absences": {KEY: Absence(NOW - timedelta(days=1), "b" * 40)}},
            tree=a_tree(revision=Revision(REVISION_NOW, asked=frozenset({"b" * 40}))),
        ),
        Hold,
        Reason.SECOND_LOOK,
    ),
    "--prune-now": (
        undeclared(a_live_job(), memory={"absences": {}}, orders=Orders(prune_now=True)),
        Act,
        Reason.REMOVED,
    ),
    "incomplete tree": (
        undeclared(a_live_job(), tree=a_tree(incomplete="a pull is under way")),
        Hold,
        Reason.TREE_INCOMPLETE,
    ),
    "unreadable file in the project": (
        undeclared(a_live_job(), tree=a_tree(unpruned={PROJECT: "shop/x.yaml is broken"})),
        Hold,
        Reason.TREE_INCOMPLETE,
    ),
    "project does not prune": (
        undeclared(a_live_job(), tree=a_tree(a_project(prune=Prune.OFF))),
        Hold,
        Reason.PRUNE_OFF,
    ),
    "tasks die": (
        undeclared(a_live_job(unsettled=(a_task(0, TaskStatus.KILLING),))),
        Hold,
        Reason.TASKS_DYING,
    ),
    "our update in flight": (undeclared(a_live_job(update=an_update())), Act, Reason.REMOVED),
    "foreign update in flight": (
        undeclared(a_live_job(update=an_update(ours=False))),
        Hold,
        Reason.FOREIGN_UPDATE,
    ),
    "cron template": (undeclared(a_live_cron()), Act, Reason.REMOVED),
    "last run of a cron job": (
        undeclared(a_live_job(is_service=False)),
        Hold,
        Reason.LAST_RUN,
    ),
    "last run, to be killed": (
        undeclared(
            a_live_job(is_service=False),
            memory={
                "owned": {
                    KEY: an_owned(on_remove=OnRemove.KILL),
                    a_key("other"): an_owned(),
                }
            },
        ),
        Act,
        Reason.REMOVED,
    ),
    "ours by its mark only": (by_mark_only(), Hold, Reason.RECORD_LOST),
    "by its mark only, with an unreadable file in the project of its role": (
        by_mark_only(a_tree(unpruned={PROJECT: "shop/x.yaml is broken"})),
        Hold,
        Reason.TREE_INCOMPLETE,
    ),
    "by its mark only, with one in another project": (
        by_mark_only(a_tree(unpruned={"another": "another/x.yaml is broken"})),
        Hold,
        Reason.RECORD_LOST,
    ),
    "by its mark only, of a role that no project has, with one in any project": (
        by_mark_only(a_tree(a_project(role="shop2"), unpruned={PROJECT: "shop/x.yaml is broken"})),
        Hold,
        Reason.TREE_INCOMPLETE,
    ),
    "by its mark only, and its project does not prune": (
        by_mark_only(a_tree(a_project(prune=Prune.OFF))),
        Hold,
        Reason.PRUNE_OFF,
    ),
}


@pytest.mark.parametrize("case", REMOVALS.values(), ids=REMOVALS)
def test_a_job_that_is_no_longer_declared_is_pruned_or_held_with_a_reason(
    case: tuple[PlanInput, type[Decision], Reason],
) -> None:
    given, kind, reason = case
    found = decision(given)
    assert (type(found), found.reason) == (kind, reason)


def test_a_project_that_does_not_prune_is_told_how_it_would() -> None:
    found = decision(undeclared(a_live_job(), tree=a_tree(a_project(prune=Prune.OFF))))
    assert isinstance(found, Hold)
    assert found.release == "declare it again, or set `prune: true` in its project"


def test_master_is_removed_after_its_workers() -> None:
    master, workers, other = a_key("b-master"), a_key("b-workers"), a_key("other")
    seen = Absence(NOW - timedelta(seconds=31), REVISION_NOW)
    memory = owning(master, workers, other, absences={master: seen, workers: seen})
    live = [a_live_job(k) for k in (master, workers, other)]
    given = a_round([a_job(other)], live, memory=memory)
    assert decision(given, workers).reason is Reason.REMOVED
    assert decision(given, master).reason is Reason.WORKERS_FIRST
    given = a_round([a_job(other)], [live[0], live[2]], memory=memory)
    assert decision(given, master).reason is Reason.REMOVED
    # Nobody knows whether they are still there.
    silent = replace(given, snapshot=replace(given.snapshot, unclear={workers: "timeout"}))
    assert decision(silent, master).reason is Reason.WORKERS_FIRST


def test_live_unknown_is_held_whatever_is_declared() -> None:
    silent = a_snapshot(unread="no answer within 10 s")
    gone = a_key("gone")
    given = a_round([a_job()], memory=owning(KEY, gone), snapshot=silent)
    assert {d.reason for d in plan(given).decisions} == {Reason.LIVE_UNKNOWN}
    assert {type(d) for d in plan(given).decisions} == {Hold}


def test_one_unclear_job_holds_alone() -> None:
    other = a_key("other")
    snapshot = a_snapshot(a_live_job(), unclear={other: "getConfigSummary timed out"})
    given = a_round([a_job(), a_job(other)], [a_live_job()], snapshot=snapshot)
    assert decision(given).reason is Reason.CONVERGED
    assert decision(given, other).reason is Reason.LIVE_UNKNOWN


def test_broken_document_holds_its_job_and_names_the_line() -> None:
    problem = Problem(
        Origin("shop/web.yaml", 12, 3), 'unknown field "instnaces"', "did you mean it?"
    )
    tree = a_tree(broken={KEY: BrokenJob(KEY, (problem,))})
    found = decision(a_round([], [a_live_job()], memory=owning(KEY), tree=tree))
    assert isinstance(found, Hold)
    assert found.reason is Reason.INVALID
    assert "shop/web.yaml:12:3" in found.release


def test_suspended_job_is_left_alone_until_its_time() -> None:
    meant = a_job(version="2", suspended=Suspension("ann", "migration", NOW + timedelta(hours=1)))
    assert decision(a_round([meant], [a_live_job()])).reason is Reason.SUSPENDED
    over = a_job(version="2", suspended=Suspension("ann", "migration", NOW))
    assert decision(a_round([over], [a_live_job()])).reason is Reason.DRIFTED


def test_adopt_takes_over_a_job_that_differs() -> None:
    orders = Orders(adopt=(JobPattern.parse("prod/*"),))
    given = a_round([a_job(version="2")], [a_live_job()], memory=NOBODYS, orders=orders)
    assert decision(given).reason is Reason.DRIFTED


def test_retry_releases_quarantine() -> None:
    wanted = a_job(version="2")
    memory = owning(KEY, quarantined={KEY: Quarantine(trouble_of(spec_of(wanted)), "bad", NOW)})
    assert decision(a_round([wanted], [a_live_job()], memory=memory)).reason is Reason.QUARANTINED
    orders = Orders(retry=(JobPattern.parse("web"),))
    given = a_round([wanted], [a_live_job()], memory=memory, orders=orders)
    assert decision(given).reason is Reason.DRIFTED


def test_retry_is_remembered_against_older_failures() -> None:
    wanted = a_job(version="2")
    live = ended(UpdateStatus.ROLLED_BACK, spec=spec_of(wanted))
    memory = owning(KEY, retried={KEY: live.ended[0].id})
    assert decision(a_round([wanted], [live], memory=memory)).reason is Reason.DRIFTED
    # Whatever the clocks say: only that very update is forgiven.
    later = owning(KEY, retried={KEY: "another"})
    assert decision(a_round([wanted], [live], memory=later)).reason is Reason.QUARANTINED


def test_refusal_of_the_scheduler_is_told_in_its_words() -> None:
    refused = RefusedAnswer("Invalid tier 'x' in TaskConfig.")
    given = a_round([a_job()], memory=NOBODYS, snapshot=a_snapshot(answers={KEY: refused}))
    found = decision(given)
    assert isinstance(found, Hold)
    assert (found.reason, "Invalid tier" in found.detail) == (Reason.INFEASIBLE, True)


def test_scheduler_that_sees_another_difference_is_believed() -> None:
    """Our reading is older than its answer: what we would restart may not be what we mean."""
    said = DiffAnswer((), (), (0,), (1, 2))
    live = a_live_job()
    snapshot = a_snapshot(live, answers={KEY: said})
    found = decision(a_round([a_job(version="2")], [live], snapshot=snapshot))
    assert found.reason is Reason.STALE_BASIS


def test_act_with_a_lost_reply_waits_for_its_outcome() -> None:
    intent = Intent("t", "StartUpdate", SPEC, NOW)
    memory = Memory("i", intents={KEY: intent})
    assert decision(a_round([a_job()], memory=memory)).reason is Reason.OUTCOME_UNKNOWN


LOST = Memory("i", fresh=True)
NOWHERE = Memory("", fresh=True)
UNMARKED = replace(a_config(), task=replace(a_config().task, marks=()))

BY_MARK: dict[str, tuple[RenderedJob, LiveJob, Memory, type[Decision], Reason]] = {
    "equal: kept": (a_job(), a_live_job(), LOST, Keep, Reason.CONVERGED),
    "another version": (a_job(version="2"), a_live_job(), LOST, Hold, Reason.RECORD_LOST),
    "too few": (a_job(instances=5), a_live_job(), LOST, Hold, Reason.RECORD_LOST),
    "none wanted": (a_job(instances=0), a_live_job(), LOST, Hold, Reason.RECORD_LOST),
    "no mark either": (
        a_job(version="2"),
        a_live_job(groups=(a_group(UNMARKED, (0, 1, 2)),)),
        LOST,
        Hold,
        Reason.NOT_ADOPTED,
    ),
    "a preview where no record is": (
        a_job(version="2"),
        a_live_job(),
        NOWHERE,
        Act,
        Reason.DRIFTED,
    ),
    "sent by us a moment ago": (
        a_job(version="2"),
        a_live_job(),
        replace(LOST, owned={KEY: an_owned()}),
        Act,
        Reason.DRIFTED,
    ),
    "an auto-paused update of ours goes on": (
        a_job(),
        paused(by=None),
        LOST,
        Act,
        Reason.AUTO_PAUSED,
    ),
    "an update of ours to another spec": (
        a_job(),
        rolling(spec=OTHER, version="2"),
        LOST,
        Hold,
        Reason.RECORD_LOST,
    ),
}


@pytest.mark.parametrize("case", BY_MARK.values(), ids=BY_MARK)
def test_job_that_is_ours_by_its_mark(
    case: tuple[RenderedJob, LiveJob, Memory, type[Decision], Reason],
) -> None:
    wanted, live, memory, kind, reason = case
    found = decision(a_round([wanted], [live], memory=memory))
    assert (type(found), found.reason) == (kind, reason)


def test_word_of_a_person_lets_a_job_change_that_is_ours_by_its_mark() -> None:
    for orders in (
        Orders(adopt=(JobPattern.parse("web"),)),
        Orders(
            approve=frozenset(
                {plan(a_round([a_job(version="2")], [a_live_job()], memory=LOST)).digest}
            )
        ),
    ):
        given = a_round([a_job(version="2")], [a_live_job()], memory=LOST, orders=orders)
        assert decision(given).reason is Reason.DRIFTED


SCOPES: dict[str, tuple[RenderedJob, LiveJob, str, str | None, str | None, str | None]] = {
    "all replaced": (a_job(version="2"), a_live_job(), "0-2", "0-2", None, None),
    "only the wrong ones": (
        a_job(version="2", instances=4),
        a_live_job(groups=(a_group(a_config("1"), (1,)), a_group(a_config("2"), (0, 2, 3)))),
        "1",
        "1",
        None,
        None,
    ),
    "scale up restarts nothing": (a_job(instances=5), a_live_job(), "3-4", None, "3-4", None),
    "scale down": (a_job(instances=2), a_live_job(), "2", None, None, "2"),
    "holes are filled, strays removed": (
        a_job(),
        a_live_job(ids=(0, 2, 5)),
        "1, 5",
        None,
        "1",
        "5",
    ),
}


@pytest.mark.parametrize("case", SCOPES.values(), ids=SCOPES)
def test_update_is_scoped_to_exactly_what_differs(
    case: tuple[RenderedJob, LiveJob, str, str | None, str | None, str | None],
) -> None:
    job, live, only, restarts, adds, kills = case
    found = decision(a_round([job], [live]))
    assert isinstance(found, Act)
    assert isinstance(found.action, StartUpdate)
    told = [
        str(ids) if ids else None
        for ids in (found.action.only, found.impact.restarts, found.impact.adds, found.impact.kills)
    ]
    assert told == [only, restarts, adds, kills]


def test_scaling_sends_the_live_bytes_again() -> None:
    """Equal meaning, other bytes: sending ours would restart instances later on."""
    theirs = a_config("1", owner="somebody")
    live = a_live_job(groups=(a_group(theirs, (0, 1, 2)),))
    found = decision(a_round([a_job(instances=4)], [live]))
    assert isinstance(found, Act)
    assert isinstance(found.action, StartUpdate)
    assert found.action.config.wire == theirs.wire


def test_changing_keeps_the_live_owner() -> None:
    theirs = a_config("1", owner="somebody")
    live = a_live_job(groups=(a_group(theirs, (0, 1, 2)),))
    found = decision(a_round([a_job(version="2")], [live]))
    assert isinstance(found, Act)
    assert isinstance(found.action, StartUpdate)
    assert found.action.config.wire == a_config("2", owner="somebody").wire


def test_kill_names_exactly_the_live_instances() -> None:
    found = decision(a_round([a_job(instances=0)], [a_live_job(ids=(0, 4))]))
    assert isinstance(found, Act)
    assert isinstance(found.action, KillTasks)
    assert str(found.action.only) == "0, 4"


ACTIONS: dict[str, tuple[PlanInput, type[Action]]] = {
    "creation": (a_round([a_job()], memory=NOBODYS), StartUpdate),
    "template": (a_round([CRON]), ScheduleCron),
    "removed template": (undeclared(a_live_cron()), DescheduleCron),
    "template in the way": (a_round([a_job()], [a_live_cron()]), DescheduleCron),
    "service in the way": (a_round([CRON], [a_live_job()]), KillTasks),
    "removed service": (undeclared(a_live_job()), KillTasks),
    "removed in mid-update": (undeclared(a_live_job(update=an_update())), AbortUpdate),
}


@pytest.mark.parametrize("case", ACTIONS.values(), ids=ACTIONS)
def test_each_act_is_one_call_of_aurora(case: tuple[PlanInput, type[Action]]) -> None:
    given, action = case
    found = decision(given)
    assert isinstance(found, Act)
    assert type(found.action) is action
