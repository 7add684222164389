"""The bulk reading: five questions, and what a failure of any one of them leaves."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.live import Absent, Present, TaskStatus, Unknown
from reconciler.scheduler.http import Silence
from reconciler.thrift.calls import Call
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    GetJobUpdateSummariesResult,
    JobKey,
    JobUpdateKey,
    JobUpdateState,
    JobUpdateStatus,
    JobUpdateSummary,
    Response,
    Result,
    ScheduleStatus,
    ServerInfo,
)
from tests.scheduler.doors import EMPTY, TIMEOUT, ScriptedDoor, a_port, ok, recorded
from tests.support.builders import a_key

WEB = a_key("web", role="r01")


def summaries(*updates: JobUpdateSummary) -> Response:
    return ok(
        Result(
            getJobUpdateSummariesResult=GetJobUpdateSummariesResult(updateSummaries=tuple(updates))
        )
    )


def an_ended(number: int, at_ms: int) -> JobUpdateSummary:
    job = JobKey(role="r01", environment="prod", name=f"job-{number}")
    state = JobUpdateState(
        status=JobUpdateStatus.ROLLED_FORWARD,
        createdTimestampMs=at_ms,
        lastModifiedTimestampMs=at_ms,
    )
    return JobUpdateSummary(
        key=JobUpdateKey(job=job, id=f"u{number}"), user="root", state=state, metadata=()
    )


def test_cluster_is_read_with_five_calls() -> None:
    door = ScriptedDoor()
    found = a_port(door).survey(0)
    assert found.unread is None
    assert door.methods == [
        "getJobUpdateSummaries",
        "getJobs",
        "getTasksWithoutConfigs",
        "getJobUpdateSummaries",
        "getJobUpdateSummaries",
    ]
    assert isinstance(found.of(WEB), Absent)


def test_tasks_in_every_active_state_but_running_are_read() -> None:
    door = ScriptedDoor()
    a_port(door).survey(0)
    (query,) = [c.args["query"] for c in door.calls if c.method == "getTasksWithoutConfigs"]
    assert set(query.statuses) == ACTIVE_STATES - {ScheduleStatus.RUNNING}
    assert query.role is None


SEEN_BESIDE: dict[str, tuple[str, int, int, str, TaskStatus, int]] = {
    "dying": ("kills", 1736, 1740, "slow", TaskStatus.KILLING, 2),
    "waiting for room": ("lost_hosts", 799, 794, "web", TaskStatus.PENDING, 2),
    "penalised": ("flapping", 98995, 98998, "web", TaskStatus.THROTTLED, 1),
    "out of reach": ("lost_hosts", 2811, 2808, "part", TaskStatus.PARTITIONED, 2),
    "not up": ("stuck", 8974, 3659, "web", TaskStatus.STARTING, 1),
}


@pytest.mark.parametrize("case", SEEN_BESIDE.values(), ids=SEEN_BESIDE)
def test_what_get_jobs_does_not_show_is_seen_beside_it(case: Any) -> None:
    name, jobs_at, tasks_at, job, status, count = case
    tasks = recorded(name, tasks_at)
    door = ScriptedDoor(getJobs=recorded(name, jobs_at), getTasksWithoutConfigs=tasks)
    found = {k.name: j for k, j in a_port(door).survey(0).jobs.items()}[job]
    assert [t.status for t in found.unsettled if t.status is not TaskStatus.RUNNING] == (
        [status] * count
    )
    assert found.seen is not None
    assert found.groups is None


def test_of_a_mixed_job_one_config_is_seen_and_nothing_is_said_of_its_groups() -> None:
    """Both configs are there (failing_stays@1565); only getConfigSummary tells."""
    door = ScriptedDoor(getJobs=recorded("failing_stays", 1563))
    (job,) = a_port(door).survey(0).jobs.values()
    assert (job.count, job.groups) == (3, None)
    assert job.seen is not None


def test_hole_shows_in_the_count_only() -> None:
    door = ScriptedDoor(getJobs=recorded("canary", 5202))
    (job,) = a_port(door).survey(0).jobs.values()
    assert job.count == 4


def test_aurora_that_cannot_leave_out_configs_is_asked_for_all() -> None:
    door = ScriptedDoor(
        getTasksWithoutConfigs=Silence("HTTP 500", sent=True),
        getTasksStatus=recorded("kills", 1740),
        getJobs=recorded("kills", 1736),
    )
    found = a_port(door).survey(0)
    assert found.unread is None
    (job,) = found.jobs.values()
    assert len(job.unsettled) == 2


FAILURES: dict[str, Any] = {
    "no answer": TIMEOUT,
    "garbage": b"<html>nginx</html>",
    "a truncated reply": b'[1,"getJobs",2,1,{"0":{"rec":{"1":{"i32":1},"3":{"re',
    "an HTTP error": Silence("HTTP 500", sent=True),
    "OK, and nothing": ok(),
    "another cluster": ok(EMPTY["getJobs"], server=ServerInfo(clusterName="eu1")),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("position", range(5))
def test_one_reply_that_fails_leaves_all_of_the_cluster_unknown(
    failure: Any, position: int
) -> None:
    method = ScriptedDoor()
    a_port(method).survey(0)
    failing = method.methods[position]
    good = ok(EMPTY[failing])
    nth = method.methods[:position].count(failing)
    door = ScriptedDoor(**{failing: [*[good] * nth, failure], "getTasksStatus": failure})
    found = a_port(door).survey(0)
    assert found.unread
    assert isinstance(found.of(WEB), Unknown)


NONSENSE: dict[str, Callable[[JobUpdateSummary], JobUpdateSummary]] = {
    "without a key": lambda _: JobUpdateSummary(user="root"),
    "without a state": lambda s: JobUpdateSummary(key=s.key, user="root"),
    "of no job": lambda s: JobUpdateSummary(key=JobUpdateKey(id="u"), state=s.state),
}


@pytest.mark.parametrize("spoil", NONSENSE.values(), ids=NONSENSE)
def test_update_that_cannot_be_told_leaves_all_unknown(spoil: Any) -> None:
    door = ScriptedDoor(getJobUpdateSummaries=summaries(spoil(an_ended(1, 1))))
    assert a_port(door).survey(0).unread


class Paged:
    """Ended updates, newest first, given out as asked; `ignores` the offset if told so."""

    def __init__(self, count: int, *, ignores: bool = False) -> None:
        self.ended = [an_ended(n, 1_000_000 - n) for n in range(count)]
        self._ignores = ignores
        self.pages: list[tuple[int, int]] = []

    def __call__(self, call: Call) -> Response:
        query = call.args["jobUpdateQuery"]
        if JobUpdateStatus.ROLLED_FORWARD not in query.updateStatuses:
            return summaries()
        offset, limit = query.offset or 0, query.limit or 0
        self.pages.append((offset, limit))
        first = 0 if self._ignores else offset
        return summaries(*self.ended[first : first + limit])


PAGES: dict[str, tuple[int, int, int, int]] = {
    "none": (0, 0, 1, 0),
    "fewer than a page": (3, 0, 1, 3),
    "all of them, when nothing is remembered": (1200, 0, 3, 1200),
    "a full page, and then none": (500, 0, 2, 500),
    "only down to the watermark": (5000, 1_000_000 - 700, 2, 701),
    "the newest only": (5000, 1_000_000, 1, 1),
}


@pytest.mark.parametrize("case", PAGES.values(), ids=PAGES)
def test_ended_updates_are_paged_down_to_the_watermark(case: Any) -> None:
    count, since, pages, found = case
    told = Paged(count)
    snapshot = a_port(ScriptedDoor(getJobUpdateSummaries=told)).survey(since)
    assert len(told.pages) == pages
    assert len(snapshot.ended) == found


def test_scheduler_that_pages_for_ever_is_not_followed_for_ever() -> None:
    told = Paged(600, ignores=True)
    snapshot = a_port(ScriptedDoor(getJobUpdateSummaries=told)).survey(0)
    assert len(told.pages) == 2
    assert len(snapshot.ended) == 500


def rolling(update_id: str) -> Response:
    job = JobKey(role="r01", environment="prod", name="web")
    state = JobUpdateState(status=JobUpdateStatus.ROLLING_FORWARD, createdTimestampMs=1)
    return summaries(
        JobUpdateSummary(key=JobUpdateKey(job=job, id=update_id), user="root", state=state)
    )


MEANWHILE: dict[str, tuple[Response, Response, bool]] = {
    "ended": (rolling("u"), summaries(), True),
    "began": (summaries(), rolling("u"), True),
    "ended, and another began": (rolling("u"), rolling("v"), True),
    "went on": (rolling("u"), rolling("u"), False),
}


@pytest.mark.parametrize("case", MEANWHILE.values(), ids=MEANWHILE)
def test_update_that_moved_while_reading_makes_its_job_unclear_and_no_other(case: Any) -> None:
    before, after, unclear = case
    door = ScriptedDoor(getJobUpdateSummaries=[before, summaries(), after])
    found = a_port(door).survey(0)
    assert found.unread is None
    assert isinstance(found.of(WEB), Unknown if unclear else Present)
    assert isinstance(found.of(a_key("other")), Absent)
