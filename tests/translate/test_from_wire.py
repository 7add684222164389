"""Replies of a scheduler as our nouns; what is not whole is a ProtocolError, never a guess."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.live import DiffAnswer, LiveTask, Quota, TaskStatus
from reconciler.model.spec import Collision
from reconciler.model.update import UpdateEvent, UpdateStatus
from reconciler.thrift import structs as aurora
from reconciler.thrift.structs import ACTIVE_STATES, TERMINAL_STATES, ScheduleStatus
from reconciler.thrift.tjson import ProtocolError
from reconciler.translate import from_wire
from reconciler.translate.canonical import config_of
from tests.support import recordings, structs
from tests.support.recordings import recorded

KEY = aurora.JobKey(role="www", environment="prod", name="web")
CONFIG = aurora.TaskConfig(job=KEY, isService=True)


def ranges(*pairs: tuple[int | None, int | None]) -> tuple[aurora.Range, ...]:
    return tuple(aurora.Range(first=a, last=b) for a, b in pairs)


def group(*pairs: tuple[int | None, int | None], tier: str | None = None) -> aurora.ConfigGroup:
    config = aurora.TaskConfig(job=KEY, tier=tier)
    return aurora.ConfigGroup(config=config, instances=ranges(*pairs))


def a_task(status: ScheduleStatus | None, **differs: Any) -> aurora.ScheduledTask:
    plain: dict[str, Any] = {
        "assignedTask": aurora.AssignedTask(taskId="t", instanceId=3, task=CONFIG),
        "status": status,
    }
    return aurora.ScheduledTask(**(plain | differs))


# --- keys


def test_a_key_gets_the_cluster_that_was_asked() -> None:
    assert from_wire.job_key(KEY, "eu1") == JobKey("eu1", "www", "prod", "web")


BROKEN_KEYS: dict[str, aurora.JobKey | None] = {
    "none": None,
    "empty": aurora.JobKey(),
    "without a role": aurora.JobKey(environment="prod", name="web"),
    "an empty environment": aurora.JobKey(role="www", environment="", name="web"),
    "a slash in a name": aurora.JobKey(role="www", environment="prod", name="a/b"),
    "a newline": aurora.JobKey(role="www", environment="prod", name="a\n"),
    "a letter that is not ASCII": aurora.JobKey(role="www", environment="prod", name="\u00fc"),
    "too long": aurora.JobKey(role="www", environment="prod", name="a" * 256),
}


@pytest.mark.parametrize("name", BROKEN_KEYS)
def test_what_is_no_key_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        from_wire.job_key(BROKEN_KEYS[name], "eu1")


# --- updates


def test_an_update_is_read_from_its_summary() -> None:
    found = from_wire.update(
        aurora.JobUpdateSummary(
            key=aurora.JobUpdateKey(job=KEY, id="u1"),
            user="ann",
            state=aurora.JobUpdateState(
                status=aurora.JobUpdateStatus.ROLLING_FORWARD,
                createdTimestampMs=1,
                lastModifiedTimestampMs=2,
            ),
            metadata=(aurora.Metadata(key="reconciler.spec", value="s"),),
        )
    )
    assert (found.id, found.user, found.status) == ("u1", "ann", UpdateStatus.ROLLING_FORWARD)
    assert (found.created_ms, found.modified_ms) == (1, 2)
    assert found.metadata == {"reconciler.spec": "s"}
    assert found.events is None


def test_every_status_of_an_update_has_a_name_of_ours() -> None:
    for status in aurora.JobUpdateStatus:
        summary = aurora.JobUpdateSummary(
            key=aurora.JobUpdateKey(id="u"), state=aurora.JobUpdateState(status=status)
        )
        assert from_wire.update(summary).status.name == status.name
    assert len(UpdateStatus) == len(aurora.JobUpdateStatus)


BROKEN_UPDATES: dict[str, aurora.JobUpdateSummary] = {
    "nothing": aurora.JobUpdateSummary(),
    "no id": aurora.JobUpdateSummary(key=aurora.JobUpdateKey(job=KEY)),
    "no state": aurora.JobUpdateSummary(key=aurora.JobUpdateKey(id="u")),
    "no status": aurora.JobUpdateSummary(
        key=aurora.JobUpdateKey(id="u"), state=aurora.JobUpdateState()
    ),
}


@pytest.mark.parametrize("name", BROKEN_UPDATES)
def test_an_update_without_id_or_status_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        from_wire.update(BROKEN_UPDATES[name])


def test_events_come_oldest_first_and_one_without_a_status_says_nothing() -> None:
    status = aurora.JobUpdateStatus
    details = aurora.JobUpdateDetails(
        updateEvents=(
            aurora.JobUpdateEvent(status=status.ROLLING_FORWARD, timestampMs=1, user="ann"),
            aurora.JobUpdateEvent(timestampMs=2),
            aurora.JobUpdateEvent(status=status.ABORTED, timestampMs=3, message="no"),
        )
    )
    assert from_wire.events(details) == (
        UpdateEvent(UpdateStatus.ROLLING_FORWARD, 1, "ann", None),
        UpdateEvent(UpdateStatus.ABORTED, 3, None, "no"),
    )
    assert from_wire.events(aurora.JobUpdateDetails()) == ()


# --- tasks


def test_a_task_tells_since_when_it_is_what_it_is() -> None:
    events = (
        aurora.TaskEvent(timestamp=1, status=ScheduleStatus.PENDING),
        aurora.TaskEvent(timestamp=2, status=ScheduleStatus.THROTTLED, message="penalized"),
    )
    found = from_wire.task(a_task(ScheduleStatus.THROTTLED, taskEvents=events, failureCount=4))
    assert found == LiveTask("t", 3, TaskStatus.THROTTLED)


def test_every_active_state_has_a_name_of_ours_and_an_ended_task_is_none() -> None:
    for status in ACTIVE_STATES:
        found = from_wire.task(a_task(status))
        assert found is not None
        assert found.status.name == status.name
    for status in (*TERMINAL_STATES, ScheduleStatus.INIT):
        assert from_wire.task(a_task(status)) is None
    assert {s.name for s in ACTIVE_STATES} == {s.name for s in TaskStatus}


BROKEN_TASKS: dict[str, aurora.ScheduledTask] = {
    "nothing": aurora.ScheduledTask(),
    "no status": a_task(None),
    "no assignment": a_task(ScheduleStatus.RUNNING, assignedTask=None),
    "no id": a_task(ScheduleStatus.RUNNING, assignedTask=aurora.AssignedTask(instanceId=1)),
}


@pytest.mark.parametrize("name", BROKEN_TASKS)
def test_a_task_without_id_or_status_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        from_wire.task(BROKEN_TASKS[name])


def test_the_job_of_a_task_is_in_its_config() -> None:
    assert from_wire.task_job(a_task(ScheduleStatus.RUNNING)) == KEY
    assert from_wire.task_job(aurora.ScheduledTask()) is None
    assert from_wire.task_job(a_task(None, assignedTask=aurora.AssignedTask())) is None


# --- groups and templates


def test_groups_have_exact_instances_and_come_by_their_lowest() -> None:
    summary = aurora.ConfigSummary(
        groups=(group((5, 5), (7, 8), tier="b"), group((0, 2), (6, 6), tier="a"))
    )
    found = from_wire.groups(summary)
    assert [g.instances for g in found] == [InstanceIds((0, 1, 2, 6)), InstanceIds((5, 7, 8))]
    assert found[0].config == config_of(aurora.TaskConfig(job=KEY, tier="a"))


def test_no_summary_and_no_groups_are_no_instances() -> None:
    assert from_wire.groups(None) == ()
    assert from_wire.groups(aurora.ConfigSummary(groups=())) == ()


BROKEN_GROUPS: dict[str, aurora.ConfigGroup] = {
    "no config": aurora.ConfigGroup(instances=ranges((0, 1))),
    "no instances": aurora.ConfigGroup(config=CONFIG),
    "an empty set of instances": aurora.ConfigGroup(config=CONFIG, instances=()),
    "a range that runs backwards": group((3, 1)),
    "a negative range": group((-2, 1)),
    "a range beyond all jobs": group((0, 2**31 - 1)),
    "an sla that we do not know, which could not be sent again": aurora.ConfigGroup(
        config=aurora.TaskConfig(slaPolicy=aurora.SlaPolicy()), instances=ranges((0, 1))
    ),
}


@pytest.mark.parametrize("name", BROKEN_GROUPS)
def test_a_group_that_is_not_whole_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        from_wire.groups(aurora.ConfigSummary(groups=(BROKEN_GROUPS[name],)))


COLLISIONS: dict[str, tuple[aurora.CronCollisionPolicy | None, Collision | None]] = {
    "killing": (aurora.CronCollisionPolicy.KILL_EXISTING, Collision.KILL_EXISTING),
    "cancelling": (aurora.CronCollisionPolicy.CANCEL_NEW, Collision.CANCEL_NEW),
    "overlapping, which was removed": (
        aurora.CronCollisionPolicy.RUN_OVERLAP,
        Collision.CANCEL_NEW,
    ),
    "unset": (None, None),
}


@pytest.mark.parametrize("name", COLLISIONS)
def test_a_template_has_its_collision(name: str) -> None:
    policy, expected = COLLISIONS[name]
    found = from_wire.cron(
        aurora.JobConfiguration(
            cronSchedule="0 3 * * *", cronCollisionPolicy=policy, taskConfig=CONFIG, instanceCount=2
        )
    )
    assert found is not None
    assert (found.schedule, found.collision, found.instances) == ("0 3 * * *", expected, 2)
    assert found.config == config_of(CONFIG)


def test_a_job_without_a_schedule_is_no_template() -> None:
    assert from_wire.cron(aurora.JobConfiguration(taskConfig=CONFIG)) is None


# --- answers


def test_a_diff_is_four_sets_of_instances() -> None:
    found = from_wire.diff(
        aurora.GetJobUpdateDiffResult(
            add=(group((8, 9)),),
            remove=(),
            update=(group((4, 4)), group((0, 1))),
            unchanged=(group((2, 3)),),
        )
    )
    assert found == DiffAnswer(add=(8, 9), remove=(), update=(0, 1, 4), unchanged=(2, 3))
    assert from_wire.diff(aurora.GetJobUpdateDiffResult()) == DiffAnswer((), (), (), ())


def amounts(cpu: float, ram: int, disk: int) -> aurora.ResourceAggregate:
    return aurora.ResourceAggregate(
        resources=(
            aurora.Resource(diskMb=disk),
            aurora.Resource(numCpus=cpu),
            aurora.Resource(ramMb=ram),
        )
    )


def test_quota_is_what_is_granted_and_what_shared_production_uses() -> None:
    result = aurora.GetQuotaResult(
        quota=amounts(10, 1000, 2000),
        prodSharedConsumption=amounts(1.5, 100, 200),
        nonProdSharedConsumption=amounts(7, 7, 7),
        prodDedicatedConsumption=amounts(8, 8, 8),
    )
    assert from_wire.quota(result) == Quota(10, 1000, 2000, 1.5, 100, 200)
    assert from_wire.quota(aurora.GetQuotaResult()) == Quota(0, 0, 0, 0, 0, 0)


# --- what a scheduler really said


def test_everything_that_was_recorded_can_be_read() -> None:
    seen = dict.fromkeys(("groups", "tasks", "updates", "events", "diffs", "quotas"), 0)
    for _, _, response in recorded("getConfigSummary"):
        if response.result is not None and response.result.configSummaryResult is not None:
            seen["groups"] += len(from_wire.groups(response.result.configSummaryResult.summary))
    for method in ("getTasksStatus", "getTasksWithoutConfigs"):
        for _, _, response in recorded(method):
            if response.result is not None and response.result.scheduleStatusResult is not None:
                for scheduled in response.result.scheduleStatusResult.tasks or ():
                    from_wire.task(scheduled)
                    from_wire.job_key(from_wire.task_job(scheduled), "local")
                    seen["tasks"] += 1
    for _, _, response in recorded("getJobUpdateSummaries"):
        result = response.result.getJobUpdateSummariesResult if response.result else None
        for summary in (result.updateSummaries if result is not None else None) or ():
            from_wire.update(summary)
            seen["updates"] += 1
    for _, _, response in recorded("getJobUpdateDetails"):
        found = response.result.getJobUpdateDetailsResult if response.result else None
        for details in (found.detailsList if found is not None else None) or ():
            seen["events"] += len(from_wire.events(details))
    for _, _, response in recorded("getJobUpdateDiff"):
        if response.result is not None and response.result.getJobUpdateDiffResult is not None:
            from_wire.diff(response.result.getJobUpdateDiffResult)
            seen["diffs"] += 1
    for _, _, response in recorded("getQuota"):
        if response.result is not None and response.result.getQuotaResult is not None:
            from_wire.quota(response.result.getQuotaResult)
            seen["quotas"] += 1
    assert all(count > 5 for count in seen.values()), seen
    assert recordings.NAMES


READERS: dict[Any, Callable[[Any], object]] = {
    aurora.JobKey: lambda value: from_wire.job_key(value, "eu1"),
    aurora.JobUpdateSummary: from_wire.update,
    aurora.JobUpdateDetails: from_wire.events,
    aurora.ScheduledTask: from_wire.task,
    aurora.ConfigSummary: from_wire.groups,
    aurora.JobConfiguration: from_wire.cron,
    aurora.GetJobUpdateDiffResult: from_wire.diff,
    aurora.GetQuotaResult: from_wire.quota,
}


@pytest.mark.parametrize("cls", READERS, ids=lambda cls: str(cls.__name__))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_struct_is_read_or_refused(cls: Any, data: st.DataObject) -> None:
    value = data.draw(structs.a(cls))
    try:
        READERS[cls](value)
    except ProtocolError:
        return
