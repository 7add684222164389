"""The bare run on a stand-in: from whatever is live to what is declared, and then still."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.loop.converge import ATTEMPTS_IN_VAIN, ATTEMPTS_SEEN, ATTEMPTS_UNSEEN
from reconciler.loop.patience import LAST_LOOK_S, Patience
from reconciler.model.outcome import Applied
from reconciler.model.plan import Act
from reconciler.model.round import ActEnded, FaultKind, RoundReport, Waiting
from reconciler.thrift.structs import JobUpdateQuery, ScheduleStatus
from reconciler.translate.requests import job_key
from tests.support.cluster import Fault, Once, always_on, never
from tests.support.site import Site, cron, decisions, reasons, service


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state")


@pytest.fixture
def running(site: Site) -> Site:
    """A site that has converged on a service of three and a cron job."""
    site.declare(service("web"), cron("nightly"))
    assert site.converge().converged
    site.cluster.calls.clear()
    site.clock.waits.clear()
    return site


def ids(site: Site, name: str = "web") -> list[int | None]:
    return [t.assignedTask.instanceId for t in site.cluster.tasks(name) if t.assignedTask]


def versions(site: Site, name: str = "web") -> set[str | None]:
    found = [t.assignedTask.task for t in site.cluster.tasks(name) if t.assignedTask]
    marks = [m for c in found if c is not None for m in c.metadata or ()]
    return {m.value for m in marks if m.key == "reconciler.version"}


def test_empty_cluster_becomes_what_is_declared_and_then_nothing_moves(site: Site) -> None:
    site.declare(service("web"), service("api", instances=1), cron("nightly"))
    ended = site.converge()
    assert ended.converged
    assert set(reasons(ended.report).values()) == {"Converged"}
    assert (len(ids(site)), len(ids(site, "api"))) == (3, 1)
    written = len(site.cluster.writes)
    again = site.converge()
    assert again.converged
    assert set(reasons(again.report).values()) == {"Converged"}
    assert len(site.cluster.writes) == written


CHANGES: dict[str, tuple[str, list[int], str]] = {
    "another version": (service("web", version='"2"'), [0, 1, 2], "2"),
    "more instances": (service("web", instances=5), [0, 1, 2, 3, 4], "1"),
    "fewer instances": (service("web", instances=2), [0, 1], "1"),
    "both": (service("web", instances=4, version='"2"'), [0, 1, 2, 3], "2"),
    "none": (service("web", instances=0), [], ""),
}


@pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES)
def test_changed_service_is_brought_to_what_is_declared(running: Site, case: Any) -> None:
    document, instances, version = case
    running.declare(document, cron("nightly"))
    ended = running.converge()
    assert ended.converged
    assert ids(running) == instances
    assert versions(running) == ({version} if version else set())
    assert len(running.cluster.writes) == 1


def test_scale_restarts_nothing(running: Site) -> None:
    before = {t.assignedTask.taskId for t in running.cluster.tasks("web") if t.assignedTask}
    running.declare(service("web", instances=4), cron("nightly"))
    running.converge()
    after = {t.assignedTask.taskId for t in running.cluster.tasks("web") if t.assignedTask}
    assert before < after


def test_changed_schedule_is_scheduled_anew(running: Site) -> None:
    running.declare(service("web"), cron("nightly", schedule='"30 5 * * *"'))
    assert running.converge().converged
    assert [call.method for call in running.cluster.writes] == ["scheduleCronJob"]
    assert reasons(running.step())["nightly"] == "Converged"


# --- removal


def test_removal_takes_two_looks_thirty_seconds_apart(running: Site) -> None:
    """A second job stays, so that the project keeps one."""
    running.declare(service("api"), service("web"))
    running.converge()
    running.declare(service("api"))
    began = running.clock.now()
    first = running.step()
    assert reasons(first)["web"] == "SecondLook"
    running.clock.pass_by(29)
    assert reasons(running.step())["web"] == "SecondLook"
    assert ids(running) == [0, 1, 2]
    running.clock.pass_by(1)
    report = running.step()
    assert reasons(report)["web"] == "Removed"
    assert (running.clock.now() - began).total_seconds() == 30
    running.clock.pass_by(5)
    assert ids(running) == []


def test_bare_run_takes_the_second_look_itself(running: Site) -> None:
    running.declare(service("web"))
    began = running.clock.now()
    ended = running.converge()
    assert ended.converged
    took = (running.clock.now() - began).total_seconds()
    assert 30 <= took <= 45
    assert [call.method for call in running.cluster.writes] == ["descheduleCronJob"]


def test_job_that_comes_back_between_two_looks_is_not_pruned(running: Site) -> None:
    running.declare(service("web"))
    running.step()
    running.declare(service("web"), cron("nightly"))
    running.clock.pass_by(60)
    assert reasons(running.step())["nightly"] == "Converged"
    running.declare(service("web"))
    assert reasons(running.step())["nightly"] == "SecondLook"


def test_tree_that_is_not_whole_prunes_nothing(running: Site) -> None:
    running.declare(service("web"))
    running.tree.incomplete = "files change while they are read"
    for _ in range(3):
        report = running.step()
        assert reasons(report)["nightly"] == "TreeIncomplete"
        running.clock.pass_by(60)
    assert running.cluster.writes == []


def test_file_that_does_not_parse_holds_its_jobs(running: Site) -> None:
    path = next(p for p, text in running.tree.files.items() if "nightly" in text)
    running.tree.files[path] = "kind: [unclosed"
    for _ in range(2):
        report = running.step()
        assert decisions(report)["nightly"].reason.standing.value == "blocked"
        assert report.problems
        running.clock.pass_by(60)
    assert running.cluster.writes == []


# --- what others did


def test_job_killed_by_hand_is_recreated_and_said_so(running: Site) -> None:
    key = decisions(running.step())["web"].key
    running.cluster.by_hand("killTasks", job=job_key(key), instances=None, message="oops")
    dying = running.step()
    assert reasons(dying)["web"] == "TasksDying"
    running.clock.pass_by(5)
    report = running.step()
    act = decisions(report)["web"]
    assert isinstance(act, Act)
    assert "live was changed outside" in act.detail or "was ours since" in act.detail
    running.converge()
    assert ids(running) == [0, 1, 2]


def test_one_instance_killed_by_hand_is_added_again(running: Site) -> None:
    key = decisions(running.step())["web"].key
    running.cluster.by_hand("killTasks", job=job_key(key), instances=(1,), message=None)
    running.clock.pass_by(5)
    assert ids(running) == [0, 2]
    ended = running.converge()
    assert ended.converged
    assert ids(running) == [0, 1, 2]
    said = [e.outcome.act.detail for e in running.events if isinstance(e, ActEnded)]
    assert any("instances 1 are gone" in words for words in said)


# --- looks and patience


def test_looks_grow_apart_while_an_update_rolls(site: Site) -> None:
    slow = service("web", sim={"run_ms": 60_000})
    site.declare(slow)
    began = site.clock.now()
    assert site.converge().converged
    waits = site.clock.waits
    assert waits[0] == 1.0
    assert waits == sorted(waits)
    assert waits[-1] == 5.0
    told = [event for event in site.events if isinstance(event, Waiting) and event.holds]
    # So long after the run began, whenever it is asked.
    assert {event.until for event in told} == {began + timedelta(seconds=1800)}


def test_run_ends_when_its_time_is_over(site: Site) -> None:
    site.declare(service("web", sim={"run_ms": 600_000}))
    began = site.clock.monotonic()
    ended = site.converge(timeout_s=60)
    assert (ended.converged, ended.timed_out) == (False, True)
    assert site.clock.monotonic() - began == pytest.approx(60)
    assert reasons(ended.report) == {"web": "UpdateInFlight"}


def test_wish_to_stop_ends_the_run_after_its_round(site: Site) -> None:
    site.declare(service("web"))
    ended = site.converge(stopping=lambda: bool(site.cluster.writes))
    assert (ended.converged, ended.timed_out) == (False, False)
    assert len(site.cluster.writes) == 1


def rounds_until_the_end(site: Site) -> int:
    waits = len(site.clock.waits)
    ended = site.converge()
    assert not ended.converged
    assert not ended.timed_out
    return len(site.clock.waits) - waits + 1


def test_scheduler_that_never_answered_is_given_up_soon(site: Site) -> None:
    site.declare(service("web"))
    site.cluster.befall = always_on(Fault.UNREACHABLE)
    assert rounds_until_the_end(site) == ATTEMPTS_UNSEEN


def test_scheduler_that_did_answer_gets_as_long_as_an_election_takes(site: Site) -> None:
    site.declare(service("web"))
    befall = {"now": always_on(Fault.HOLLOW, "nothing")}
    site.cluster.befall = lambda call: befall["now"](call)
    site.clock.later(2, lambda: befall.update(now=always_on(Fault.UNREACHABLE)))
    assert rounds_until_the_end(site) > ATTEMPTS_SEEN


def test_scheduler_that_comes_back_in_time_makes_the_run_good(site: Site) -> None:
    site.declare(service("web"))
    befall = {"now": always_on(Fault.UNREACHABLE)}
    site.cluster.befall = lambda call: befall["now"](call)
    site.clock.later(2, lambda: befall.update(now=always_on(Fault.HOLLOW, "nothing")))
    assert site.converge().converged


def test_acts_that_are_never_taken_end_the_run(site: Site) -> None:
    site.declare(service("web"))
    site.cluster.befall = always_on(Fault.DENIED, "startJobUpdate")
    assert rounds_until_the_end(site) == ATTEMPTS_IN_VAIN
    assert site.history("web") == [("StartUpdate", "Deferred")] * ATTEMPTS_IN_VAIN


def test_source_that_cannot_be_read_is_a_fault_and_touches_nothing(running: Site) -> None:
    running.tree.error = "no such ref"
    ended = running.converge()
    assert not ended.converged
    assert [f.kind for f in ended.report.faults] == [FaultKind.SOURCE]
    assert running.cluster.calls == []


def test_person_is_asked_once_for_a_revision_and_only_if_something_restarts(site: Site) -> None:
    asked: list[RoundReport] = []

    def consent(report: RoundReport) -> bool:
        asked.append(report)
        return True

    site.declare(service("web"))
    site.converge(consent=consent)
    assert asked == []
    site.declare(service("web", version='"2"'))
    # The first start does not arrive: the second round has the same to ask.
    site.cluster.befall = Once(Fault.UNREACHABLE, "startJobUpdate")
    assert site.converge(consent=consent).converged
    assert len(asked) == 1


def test_person_who_declines_ends_the_run_and_nothing_was_sent(running: Site) -> None:
    running.declare(service("web", version='"2"'), cron("nightly"))
    ended = running.converge(consent=lambda _: False)
    assert (ended.converged, ended.declined) == (False, True)
    assert running.cluster.writes == []


# --- faults on the wire

FAULTS = [fault for fault in Fault if fault is not Fault.EMPTIED]
WRITES = ("startJobUpdate", "scheduleCronJob", "descheduleCronJob", "killTasks")
READS = (
    "getJobs",
    "getJobUpdateSummaries",
    "getTasksWithoutConfigs",
    "getConfigSummary",
    "getJobUpdateDiff",
    "populateJobConfig",
    "getQuota",
)


def _started(site: Site) -> int:
    found = site.cluster.by_hand("getJobUpdateSummaries", jobUpdateQuery=JobUpdateQuery()).result
    assert found is not None
    assert found.getJobUpdateSummariesResult is not None
    return len(found.getJobUpdateSummariesResult.updateSummaries or ())


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("method", [*WRITES, *READS])
def test_one_fault_on_any_call_changes_nothing_but_the_time_it_takes(
    running: Site, method: str, fault: Fault
) -> None:
    """There is one service to update, one to create, one to remove, and a template of each."""
    running.declare(service("web"), service("old"), cron("nightly"))
    assert running.converge().converged
    running.declare(service("web", version='"2"'), service("api"), cron("hourly"))
    running.cluster.befall = befall = Once(fault, method)
    ended = running.converge()
    assert befall.happened
    assert ended.converged
    assert ids(running) == [0, 1, 2]
    assert versions(running) == {"2"}
    assert (ids(running, "api"), ids(running, "old")) == ([0, 1, 2], [])
    assert set(reasons(running.step()).values()) == {"Converged"}
    # One update for each start that was meant: no reply that was lost led to a second one.
    assert _started(running) == 4
    assert not running.memory().intents
    assert not running.memory().quarantined


@pytest.mark.parametrize("fault", [Fault.LOST_REPLY, Fault.SLOW, Fault.GARBAGE, Fault.ERROR_500])
def test_update_whose_reply_was_lost_is_known_by_its_token(site: Site, fault: Fault) -> None:
    site.declare(service("web"))
    site.cluster.befall = Once(fault, "startJobUpdate")
    report = site.step()
    assert not any(isinstance(o, Applied) for r in report.rounds for o in r.outcomes)
    assert site.memory().intents
    # Time enough went by, where the reply was only slow, for the update to be over.
    assert reasons(site.step())["web"] in ("UpdateInFlight", "Converged")
    assert not site.memory().intents
    assert [k.name for k in site.memory().owned] == ["web"]
    assert site.converge().converged
    assert _started(site) == 1


def test_cluster_that_answers_and_is_empty_is_not_filled_again(site: Site) -> None:
    site.declare(*(service(f"job-{n}", instances=1) for n in range(8)))
    assert site.converge().converged
    site.cluster.befall = always_on(Fault.EMPTIED)
    report = site.step()
    assert set(reasons(report).values()) == {"ClusterLooksEmptied"}
    site.cluster.befall = always_on(Fault.OTHER_CLUSTER)
    assert set(reasons(site.step()).values()) == {"LiveUnknown"}
    site.cluster.befall = always_on(Fault.HOLLOW)
    assert set(reasons(site.step()).values()) == {"LiveUnknown"}


# --- several clusters


def test_cluster_that_is_down_does_not_delay_the_other(tmp_path: Path) -> None:
    site = Site(tmp_path / "state", "dev", "eu1")
    site.declare(service("web"))
    site.declare(service("api", project="shop-eu1"), project="shop-eu1")
    site.clusters["eu1"].befall = always_on(Fault.UNREACHABLE)
    ended = site.converge()
    assert not ended.converged
    assert len(site.clusters["dev"].tasks("web")) == 3
    assert reasons(ended.report) == {"web": "Converged", "api": "LiveUnknown"}
    site.clusters["eu1"].befall = always_on(Fault.HOLLOW, "nothing")
    assert site.converge().converged
    assert len(site.clusters["eu1"].tasks("api")) == 3


def test_agent_that_is_lost_heals_by_itself_and_is_left_to_it(running: Site) -> None:
    host = running.cluster.tasks("web")[0].assignedTask
    assert host is not None
    assert host.slaveHost is not None
    running.cluster.aurora.lose_host(host.slaveHost)
    ended = running.converge()
    assert ended.converged
    assert running.cluster.writes == []
    running.clock.pass_by(60)
    assert [t.status for t in running.cluster.tasks("web")] == [ScheduleStatus.RUNNING] * 3


SLOW: dict[str, tuple[str, ...]] = {
    "all that it is asked": (),
    "tasks": ("getTasksWithoutConfigs", "getTasksStatus"),
    "questions in depth": ("getJobUpdateDiff", "populateJobConfig"),
}


@pytest.mark.parametrize("name", SLOW)
def test_scheduler_that_is_slow_cannot_stretch_the_run(name: str, site: Site) -> None:
    site.declare(service("web"))
    site.cluster.befall = always_on(Fault.SLOW, *SLOW[name])
    began = site.clock.monotonic()
    ended = site.converge(timeout_s=20)
    assert (ended.converged, ended.timed_out) == (False, True)
    assert site.clock.monotonic() - began <= 20 + LAST_LOOK_S
    assert site.cluster.writes == []


def test_act_under_way_when_time_is_over_is_finished_and_no_other_is_begun(site: Site) -> None:
    site.declare(service("api"), service("web"))
    site.cluster.befall = always_on(Fault.SLOW, "startJobUpdate")
    began = site.clock.monotonic()
    ended = site.converge(timeout_s=1)
    assert ended.timed_out
    assert len(site.cluster.writes) == 1
    assert site.clock.monotonic() - began == pytest.approx(20)
    assert site.history("api") == [("StartUpdate", "Indeterminate")]
    assert site.history("web") == []
    site.cluster.befall = never
    assert site.converge().converged
    assert len(site.cluster.writes) == 2
    assert site.history("api") == [
        ("StartUpdate", "Indeterminate"),
        ("StartUpdate", "found carried out"),
    ]


def test_last_look_that_is_cut_short_does_not_hide_what_was_seen_before(site: Site) -> None:
    site.declare(service("web", sim={"run_ms": 600_000}))
    site.clock.later(30, lambda: setattr(site.cluster, "befall", always_on(Fault.SLOW)))
    ended = site.converge(timeout_s=32)
    assert ended.timed_out
    assert reasons(ended.report) == {"web": "UpdateInFlight"}


def test_time_that_a_person_takes_to_answer_does_not_count(site: Site) -> None:
    patience = Patience(site.clock, 60)
    with patience.asking():
        site.clock.wait(600)
    assert patience.left() == 60
