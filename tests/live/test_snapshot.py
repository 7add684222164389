"""Five replies to one snapshot: what is there, what is absent, what is not known."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.live.slices import Slices
from reconciler.live.survey import IN_FLUX, Bulk, snapshot
from reconciler.model.live import Absent, LiveSnapshot, Present, TaskStatus, Unknown
from reconciler.model.update import UpdateStatus
from reconciler.thrift import calls, tjson
from reconciler.thrift.structs import (
    AssignedTask,
    CronCollisionPolicy,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    JobUpdateState,
    JobUpdateStatus,
    JobUpdateSummary,
    ScheduledTask,
    ScheduleStatus,
    TaskConfig,
)
from tests.support.builders import CLUSTER, a_key
from tests.support.recordings import NAMES, rpcs

WEB = a_key("web")
NOTHING = Bulk((), (), (), (), ())


def told(bulk: Bulk) -> LiveSnapshot:
    return snapshot(CLUSTER, bulk, Slices(CLUSTER))


def a_wire_key(name: str = "web") -> JobKey:
    return JobKey(role="shop", environment="prod", name=name)


def a_slice(name: str = "web", **differs: Any) -> bytes:
    plain: dict[str, Any] = {
        "key": a_wire_key(name),
        "taskConfig": TaskConfig(job=a_wire_key(name), isService=True),
        "instanceCount": 3,
    }
    return tjson.encode(JobConfiguration(**{**plain, **differs}))


def a_scheduled(
    instance: int, status: ScheduleStatus, name: str = "web", task: str | None = None
) -> ScheduledTask:
    assigned = AssignedTask(
        taskId=task or f"{name}-{instance}",
        instanceId=instance,
        task=TaskConfig(job=a_wire_key(name)),
    )
    return ScheduledTask(assignedTask=assigned, status=status)


def a_summary(
    update_id: str,
    status: JobUpdateStatus,
    modified_ms: int = 5,
    name: str = "web",
) -> JobUpdateSummary:
    state = JobUpdateState(
        status=status, createdTimestampMs=modified_ms - 1, lastModifiedTimestampMs=modified_ms
    )
    return JobUpdateSummary(
        key=JobUpdateKey(job=a_wire_key(name), id=update_id), user="root", state=state
    )


ROLLING = a_summary("u1", JobUpdateStatus.ROLLING_FORWARD)


def test_what_is_not_told_is_absent() -> None:
    assert told(NOTHING).of(WEB) == Absent()


def test_service_is_told_with_the_config_that_was_shown() -> None:
    found = told(replace(NOTHING, jobs=(a_slice(),))).jobs[WEB]
    assert (found.is_service, found.count, found.groups, found.cron) == (True, 3, None, None)
    assert found.seen is not None


def test_template_says_nothing_of_a_run() -> None:
    config = TaskConfig(job=a_wire_key(), isService=False)
    slice_ = a_slice(
        cronSchedule="0 3 * * *",
        cronCollisionPolicy=CronCollisionPolicy.CANCEL_NEW,
        taskConfig=config,
        instanceCount=2,
    )
    found = told(replace(NOTHING, jobs=(slice_,))).jobs[WEB]
    assert (found.count, found.seen, found.is_service) == (0, None, False)
    assert found.cron is not None
    assert (found.cron.schedule, found.cron.instances) == ("0 3 * * *", 2)


def test_tasks_that_do_not_run_are_told_in_order_beside_their_job() -> None:
    unsettled = (
        a_scheduled(2, ScheduleStatus.KILLING),
        a_scheduled(0, ScheduleStatus.PARTITIONED),
        a_scheduled(1, ScheduleStatus.THROTTLED),
        a_scheduled(0, ScheduleStatus.PENDING, name="other"),
    )
    bulk = replace(NOTHING, jobs=(a_slice(), a_slice("other")), unsettled=unsettled)
    found = told(bulk)
    assert [(t.instance, t.status) for t in found.jobs[WEB].unsettled] == [
        (0, TaskStatus.PARTITIONED),
        (1, TaskStatus.THROTTLED),
        (2, TaskStatus.KILLING),
    ]
    assert [t.instance for t in found.jobs[a_key("other")].unsettled] == [0]


def test_task_that_has_ended_meanwhile_is_none() -> None:
    bulk = replace(NOTHING, unsettled=(a_scheduled(0, ScheduleStatus.KILLED),))
    assert told(bulk).of(WEB) == Absent()


def test_job_that_is_only_an_update_is_there() -> None:
    """A blocked update's job is not in getJobs (pulses@5828)."""
    found = told(replace(NOTHING, before=(ROLLING,), after=(ROLLING,))).of(WEB)
    assert isinstance(found, Present)
    assert found.job.count == 0
    assert found.job.update is not None
    assert found.job.update.status is UpdateStatus.ROLLING_FORWARD


def test_job_that_is_only_tasks_is_there() -> None:
    found = told(replace(NOTHING, unsettled=(a_scheduled(0, ScheduleStatus.PENDING),))).of(WEB)
    assert isinstance(found, Present)
    assert found.job.count == 1


def test_ended_updates_are_told_newest_first_and_of_absent_jobs_too() -> None:
    ended = (
        a_summary("old", JobUpdateStatus.ROLLED_BACK, 10),
        a_summary("new", JobUpdateStatus.ROLLED_FORWARD, 20),
        a_summary("gone", JobUpdateStatus.ABORTED, 15, name="gone"),
    )
    found = told(replace(NOTHING, jobs=(a_slice(),), ended=ended))
    assert [u.id for u in found.jobs[WEB].ended] == ["new", "old"]
    gone = found.of(a_key("gone"))
    assert isinstance(gone, Absent)
    assert [u.id for u in gone.ended] == ["gone"]


def test_update_that_moved_while_reading_makes_the_job_unclear() -> None:
    jobs = (a_slice(), a_slice("other"))
    for before, after in (((ROLLING,), ()), ((), (ROLLING,))):
        found = told(replace(NOTHING, jobs=jobs, before=before, after=after))
        assert found.of(WEB) == Unknown(IN_FLUX)
        assert isinstance(found.of(a_key("other")), Present)


def test_update_that_only_changed_its_status_is_told_as_it_was_last() -> None:
    paused = a_summary("u1", JobUpdateStatus.ROLL_FORWARD_PAUSED)
    found = told(replace(NOTHING, jobs=(a_slice(),), before=(ROLLING,), after=(paused,))).of(WEB)
    assert isinstance(found, Present)
    assert found.job.update is not None
    assert found.job.update.status.paused


SPOILED: dict[str, Bulk] = {
    "job that is no struct": replace(NOTHING, jobs=(b"[]",)),
    "job without a key": replace(NOTHING, jobs=(a_slice(key=None),)),
    "job without a config": replace(NOTHING, jobs=(a_slice(taskConfig=None),)),
    "job of an impossible name": replace(
        NOTHING, jobs=(a_slice(key=JobKey(role="a/b", environment="prod", name="x")),)
    ),
    "task without a job": replace(
        NOTHING,
        unsettled=(
            ScheduledTask(
                assignedTask=AssignedTask(taskId="t", instanceId=0), status=ScheduleStatus.PENDING
            ),
        ),
    ),
    "task without a status": replace(
        NOTHING, unsettled=(ScheduledTask(assignedTask=AssignedTask(taskId="t")),)
    ),
    "update without an id": replace(NOTHING, after=(JobUpdateSummary(user="root"),)),
    "ended update without a state": replace(
        NOTHING, ended=(JobUpdateSummary(key=JobUpdateKey(job=a_wire_key(), id="u")),)
    ),
}


@pytest.mark.parametrize("bulk", SPOILED.values(), ids=SPOILED)
def test_what_cannot_be_told_is_not_left_out(bulk: Bulk) -> None:
    with pytest.raises(tjson.ProtocolError):
        told(bulk)


SLICES = [
    bytes(slice_)
    for name in NAMES
    for rpc in rpcs(name)
    if rpc.call == "getJobs"
    for slice_ in calls.decode_get_jobs(rpc.reply).configs or ()
]


def test_every_recorded_job_can_be_told() -> None:
    assert len(SLICES) > 50
    for slice_ in SLICES:
        assert len(told(replace(NOTHING, jobs=(slice_,))).jobs) == 1


@given(st.sampled_from(SLICES[:20]), st.data())
def test_garbled_job_is_told_or_refused_and_never_crashes(slice_: bytes, data: Any) -> None:
    at = data.draw(st.integers(0, len(slice_) - 1))
    garbled = slice_[:at] + data.draw(st.binary(max_size=3)) + slice_[at + 1 :]
    try:
        found = told(replace(NOTHING, jobs=(garbled,)))
    except tjson.ProtocolError:
        return
    assert len(found.jobs) == 1
