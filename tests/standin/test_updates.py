"""Job updates from start to end, and all the ways to get from one to the other."""

import pytest

from reconciler.standin.quota import Usage
from reconciler.standin.update_calls import IN_PROGRESS
from reconciler.thrift.structs import (
    BatchJobUpdateStrategy,
    JobInstanceUpdateEvent,
    JobUpdateKey,
    JobUpdateQuery,
    JobUpdateRequest,
    JobUpdateStrategy,
    PercentageSlaPolicy,
    ResponseCode,
    SlaPolicy,
    TaskQuery,
)
from tests.standin.scene import KEY, Scene, a_config, hosts, settings, some_resources

MINUTE = 60_000
BAD = {"fail_ms": 700}


def deployed(count: int = 3) -> Scene:
    """A job that runs, all of it, at 1000."""
    scene = Scene(*hosts(8))
    scene.update(a_config(), count, updateGroupSize=count)
    assert scene.at(1000).now_is() == dict.fromkeys(range(count), "RUNNING")
    return scene


# --- forward


def test_a_new_job_is_an_update_that_adds() -> None:
    scene = Scene()
    key = scene.update(a_config(), 3, updateGroupSize=2)
    assert scene.now_is() == {0: "PENDING", 1: "PENDING"}
    assert scene.at(1500).statuses(key) == ["ROLLING_FORWARD", "ROLLED_FORWARD"]
    assert scene.actions(key, 2) == ["UPDATING", "UPDATED"]


def test_old_and_new_never_overlap() -> None:
    scene = deployed()
    key = scene.update(a_config("2"))
    assert scene.now_is() == {0: "KILLING", 1: "RUNNING", 2: "RUNNING"}
    assert scene.at(1250).now_is()[0] in ("PENDING", "ASSIGNED")
    assert scene.at(1500).now_is()[1] == "RUNNING"
    scene.at(6000)
    assert scene.statuses(key) == ["ROLLING_FORWARD", "ROLLED_FORWARD"]
    assert scene.states(1) == [
        "PENDING ASSIGNED STARTING RUNNING KILLING KILLED",
        "PENDING ASSIGNED STARTING RUNNING",
    ]
    killed = scene.tasks(taskIds=(task_ids(scene, 1)[0],))[0]
    assert [e.message for e in killed.taskEvents or ()][4] == f"Killed for job update {key.id}"


def test_an_instance_is_watched_before_it_counts() -> None:
    scene = deployed(1)
    key = scene.update(a_config("2"), 1, minWaitInInstanceRunningMs=5000)
    assert scene.at(1810).now_is() == {0: "RUNNING"}
    assert scene.at(6700).actions(key, 0) == ["UPDATING"]
    assert scene.at(6900).actions(key, 0) == ["UPDATING", "UPDATED"]


def test_instances_are_added_before_others_are_changed_and_removed_last() -> None:
    scene = deployed(2)
    key = scene.update(a_config("2"), 3)
    assert scene.at(1300).actions(key, 2) == ["UPDATING"]
    assert scene.actions(key, 0) == []
    assert scene.at(6000).statuses(key)[-1] == "ROLLED_FORWARD"
    key = scene.update(a_config("2"), 1)
    assert scene.actions(key, 1) == ["UPDATING"]
    assert scene.at(8000).statuses(key)[-1] == "ROLLED_FORWARD"
    assert scene.now_is() == {0: "RUNNING"}
    told = scene.details(key).update
    assert told is not None
    assert told.instructions is not None
    assert told.instructions.desiredState is None


def test_part_of_a_job_can_be_updated_and_the_rest_is_left_alone() -> None:
    scene = deployed(4)
    key = scene.update(a_config("2"), 4, only=((1, 2),), updateGroupSize=4)
    assert scene.now_is() == {0: "RUNNING", 1: "KILLING", 2: "KILLING", 3: "RUNNING"}
    assert scene.at(3000).statuses(key)[-1] == "ROLLED_FORWARD"
    groups = scene.do("getConfigSummary", job=KEY).summary.groups
    found = {
        (g.config.executorConfig.data, tuple((r.first, r.last) for r in g.instances))
        for g in groups
    }
    assert found == {("version 1", ((0, 0), (3, 3))), ("version 2", ((1, 2),))}


def test_what_fits_nowhere_blocks_for_ever_and_goes_without_a_trace() -> None:
    scene = Scene(*hosts(1))
    key = scene.update(a_config("2", resources=some_resources(cpu=20)), 1)
    assert scene.at(60 * MINUTE).statuses(key) == ["ROLLING_FORWARD"]
    scene.do("abortJobUpdate", key=key)
    again = scene.update(a_config("3"), 1)
    assert scene.at(60 * MINUTE + 2000).statuses(again)[-1] == "ROLLED_FORWARD"
    assert scene.states(0) == ["PENDING ASSIGNED STARTING RUNNING"]


def test_failures_of_the_old_version_are_not_failures_of_the_update() -> None:
    scene = Scene()
    scene.create(a_config("1", sim={"fail_ms": 900}), 1)
    key = scene.at(500).update(a_config("2"), 1)
    assert scene.at(3000).statuses(key) == ["ROLLING_FORWARD", "ROLLED_FORWARD"]


# --- failing


def test_a_failed_instance_turns_the_update() -> None:
    scene = deployed()
    key = scene.update(a_config("2", sim=BAD), minWaitInInstanceRunningMs=1500)
    scene.at(10_000)
    assert scene.statuses(key) == ["ROLLING_FORWARD", "ROLLING_BACK", "ROLLED_BACK"]
    messages = [e.message for e in scene.details(key).updateEvents or ()]
    assert messages[1] == "Latest failure: instance 0 exited."
    assert scene.actions(key, 0) == ["UPDATING", "UPDATE_FAILED", "ROLLING_BACK", "ROLLED_BACK"]
    assert scene.actions(key, 1) == []
    assert scene.now_is() == dict.fromkeys(range(3), "RUNNING")
    assert versions(scene) == {"version 1"}


def test_without_rollback_it_stays_where_it_failed() -> None:
    scene = deployed()
    key = scene.update(
        a_config("2", sim=BAD), rollbackOnFailure=False, minWaitInInstanceRunningMs=1500
    )
    scene.at(10_000)
    assert scene.statuses(key) == ["ROLLING_FORWARD", "FAILED"]
    assert versions(scene) == {"version 1", "version 2"}


TOLERANCES = {
    "none": (0, 0, "FAILED", 1),
    "one failure of each": (1, 0, "FAILED", 1),
    "one instance": (0, 1, "FAILED", 2),
    "all instances": (0, 3, "ROLLED_FORWARD", 3),
}


@pytest.mark.parametrize("case", TOLERANCES)
def test_so_much_failing_is_borne(case: str) -> None:
    per_instance, instances, ends, failed = TOLERANCES[case]
    scene = deployed()
    key = scene.update(
        a_config("2", sim=BAD),
        rollbackOnFailure=False,
        maxPerInstanceFailures=per_instance,
        maxFailedInstances=instances,
        minWaitInInstanceRunningMs=1500,
    )
    assert scene.at(200_000).statuses(key)[-1] == ends
    assert sum("UPDATE_FAILED" in scene.actions(key, i) for i in range(3)) == failed


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_an_instance_may_fail_so_often_before_it_counts(failures: int) -> None:
    scene = deployed(1)
    key = scene.update(
        a_config("2", sim=BAD),
        1,
        rollbackOnFailure=False,
        maxPerInstanceFailures=failures,
        minWaitInInstanceRunningMs=1500,
    )
    while scene.statuses(key)[-1] != "FAILED":
        scene.at(scene.now + 100)
    assert sum(life.endswith("FAILED") for life in scene.states(0)) == failures + 1


def test_what_failed_is_not_tried_again_after_a_pause() -> None:
    scene = deployed(2)
    key = scene.update(
        a_config("2", sim=BAD), 2, maxFailedInstances=2, minWaitInInstanceRunningMs=1500
    )
    scene.at(2000).do("pauseJobUpdate", key=key)
    assert scene.actions(key, 0) == ["UPDATING", "UPDATE_FAILED"]
    assert scene.actions(key, 1) == ["UPDATING"]
    scene.at(2100).do("resumeJobUpdate", key=key)
    # Were the first one tried again, it would be in the way of the second.
    scene.at(3200)
    assert scene.actions(key, 1) == ["UPDATING", "UPDATE_FAILED"]
    assert scene.statuses(key)[-1] == "ROLLED_FORWARD"


def test_a_first_deploy_that_fails_rolls_back_to_nothing() -> None:
    scene = Scene()
    key = scene.update(a_config(sim=BAD), 2, updateGroupSize=2, minWaitInInstanceRunningMs=1500)
    assert scene.at(5000).statuses(key)[-1] == "ROLLED_BACK"
    assert scene.now_is() == {}
    assert scene.do("getJobs", ownerRole="www").configs == ()


def test_a_rollback_that_fails_ends_it() -> None:
    scene = deployed()
    key = scene.update(a_config("2", sim=BAD), minWaitInInstanceRunningMs=1500)
    assert scene.at(4500).now_is()[0] == "RUNNING"
    assert scene.statuses(key)[-1] == "ROLLING_BACK"
    scene.aurora.fail_task(task_ids(scene, 0)[-1], "gone")
    assert scene.statuses(key) == ["ROLLING_FORWARD", "ROLLING_BACK", "FAILED"]
    assert scene.actions(key, 0)[-1] == "ROLLBACK_FAILED"


# --- leading


def test_a_paused_update_does_nothing_and_goes_on_when_resumed() -> None:
    scene = deployed()
    key = scene.update(a_config("2"))
    scene.at(1100).do("pauseJobUpdate", key=key, message="wait")
    assert scene.at(5000).now_is() == {1: "RUNNING", 2: "RUNNING"}
    scene.do("resumeJobUpdate", key=key, message="on")
    assert scene.at(10_000).statuses(key) == [
        "ROLLING_FORWARD",
        "ROLL_FORWARD_PAUSED",
        "ROLLING_FORWARD",
        "ROLLED_FORWARD",
    ]
    # Each thing is told once, however often it was begun.
    assert scene.actions(key, 0) == ["UPDATING", "UPDATED"]


def test_a_rollback_undoes_what_was_done_and_adds_what_was_removed() -> None:
    scene = deployed(4)
    key = scene.update(a_config("2"), 2, updateGroupSize=2)
    scene.at(1900).do("rollbackJobUpdate", key=key, message="no")
    assert scene.at(20_000).statuses(key)[-1] == "ROLLED_BACK"
    assert scene.now_is() == dict.fromkeys(range(4), "RUNNING")
    assert versions(scene) == {"version 1"}


def test_an_abort_leaves_holes() -> None:
    scene = deployed()
    key = scene.update(a_config("2"))
    scene.at(1100).do("abortJobUpdate", key=key)
    assert scene.at(5000).now_is() == {1: "RUNNING", 2: "RUNNING"}
    scene.update(a_config("1"))
    assert scene.at(8000).now_is() == dict.fromkeys(range(3), "RUNNING")


LED = {
    "pause when paused": (("pause",), "pause", None),
    "resume when rolling": ((), "resume", None),
    "abort when aborted": (("abort",), "abort", None),
    "rollback when rolling back": (("rollback",), "rollback", None),
    "pause when aborted": (("abort",), "pause", "from ABORTED to null"),
    "resume when aborted": (("abort",), "resume", "from ABORTED to null"),
    "rollback when aborted": (("abort",), "rollback", "from ABORTED to ROLLING_BACK"),
    "rollback when paused": (("pause",), "rollback", None),
    "rollback when the rollback is paused": (("rollback", "pause"), "rollback", None),
    "abort when the rollback is paused": (("rollback", "pause"), "abort", None),
}


@pytest.mark.parametrize("case", LED)
def test_an_update_is_led(case: str) -> None:
    before, call, words = LED[case]
    scene = deployed()
    key = scene.update(a_config("2"))
    for earlier in before:
        scene.do(f"{earlier}JobUpdate", key=key)
    response = scene.ask(f"{call}JobUpdate", key=key)
    told = [d.message for d in response.details or ()]
    if words is None:
        assert (response.responseCode, told) == (ResponseCode.OK, [])
    else:
        assert response.responseCode is ResponseCode.INVALID_REQUEST
        assert told == [f"Cannot transition update {words}"]


def test_an_update_that_is_not_there_is_told_so() -> None:
    scene = Scene()
    key = JobUpdateKey(job=KEY, id="none")
    printed = "IJobUpdateKey{job=IJobKey{role=www, environment=prod, name=web}, id=none}"
    assert scene.refused("pauseJobUpdate", key=key) == f"Update does not exist {printed}"
    assert scene.refused("resumeJobUpdate", key=key) == f"Update does not exist: {printed}"
    assert scene.do("pulseJobUpdate", key=key).status.name == "FINISHED"


def test_a_long_message_fails_without_a_word() -> None:
    scene = deployed()
    key = scene.update(a_config("2"))
    scene.do("pauseJobUpdate", key=key, message="x" * 1024)
    response = scene.ask("resumeJobUpdate", key=key, message="x" * 1025)
    assert response.responseCode is ResponseCode.ERROR
    assert [d.message for d in response.details or ()] == [None]


def test_batches_may_pause_by_themselves() -> None:
    batch = BatchJobUpdateStrategy(groupSize=2, autopauseAfterBatch=True)
    scene = Scene(*hosts(8))
    key = scene.update(a_config(), 4, updateStrategy=JobUpdateStrategy(batchStrategy=batch))
    scene.at(3000)
    assert scene.statuses(key) == ["ROLLING_FORWARD", "ROLL_FORWARD_PAUSED"]
    assert (scene.details(key).updateEvents or ())[-1].message == "Update auto paused"
    assert scene.now_is() == {0: "RUNNING", 1: "RUNNING"}
    assert scene.actions(key, 1) == ["UPDATING", "UPDATED"]
    scene.do("resumeJobUpdate", key=key)
    assert scene.at(6000).statuses(key)[-2:] == ["ROLLING_FORWARD", "ROLLED_FORWARD"]


# --- pulses


def test_without_a_pulse_nothing_moves_and_a_late_one_is_noticed_when_something_does() -> None:
    scene = Scene()
    key = scene.update(a_config(), 2, blockIfNoPulsesAfterMs=1000)
    assert scene.at(5000).now_is() == {}
    assert scene.do("pulseJobUpdate", key=key).status.name == "OK"
    assert scene.now_is() == {0: "PENDING"}
    scene.at(20_000)
    assert scene.statuses(key)[:3] == [
        "ROLL_FORWARD_AWAITING_PULSE",
        "ROLLING_FORWARD",
        "ROLL_FORWARD_AWAITING_PULSE",
    ]
    words = (scene.details(key).updateEvents or ())[2].message
    assert words == "Pulses from external service have timed out."
    scene.do("pulseJobUpdate", key=key)
    assert scene.at(21_000).statuses(key)[-1] == "ROLLED_FORWARD"
    assert scene.do("pulseJobUpdate", key=key).status.name == "FINISHED"


def test_a_rollback_without_a_pulse_waits_for_one() -> None:
    scene = deployed()
    key = scene.update(a_config("2"), blockIfNoPulsesAfterMs=1000)
    scene.do("rollbackJobUpdate", key=key)
    assert scene.statuses(key)[1:] == ["ROLLING_BACK", "ROLL_BACK_AWAITING_PULSE"]
    scene.do("pulseJobUpdate", key=key)
    assert scene.at(2000).statuses(key)[-1] == "ROLLED_BACK"


# --- what else is going on


def test_an_update_blocks_other_calls_and_tells_the_next_one_about_itself() -> None:
    scene = deployed()
    key = scene.update(a_config("2"))
    for paused in (False, True):
        if paused:
            scene.do("pauseJobUpdate", key=key)
        response = scene.ask("killTasks", job=KEY)
        assert response.responseCode is ResponseCode.JOB_UPDATING_ERROR
        request = JobUpdateRequest(taskConfig=a_config("3"), instanceCount=3, settings=settings())
        response = scene.ask("startJobUpdate", request=request)
        assert response.responseCode is ResponseCode.INVALID_REQUEST
        assert (response.details or ())[0].message == IN_PROGRESS.format(
            "ROLLING_FORWARD, ROLLING_BACK, ROLL_FORWARD_PAUSED, ROLL_BACK_PAUSED, "
            "ROLL_FORWARD_AWAITING_PULSE, ROLL_BACK_AWAITING_PULSE"
        )
        assert response.result is not None
        assert response.result.startJobUpdateResult is not None
        assert response.result.startJobUpdateResult.key == key


def test_what_is_dying_still_counts_as_what_it_was() -> None:
    scene = deployed()
    scene.do("killTasks", job=KEY)
    request = JobUpdateRequest(taskConfig=a_config("1"), instanceCount=3, settings=settings())
    response = scene.ask("startJobUpdate", request=request)
    assert [d.message for d in response.details or ()] == ["Job is unchanged by proposed update."]
    assert scene.at(2000).now_is() == {}


def test_an_sla_holds_an_update_back() -> None:
    policy = SlaPolicy(percentageSlaPolicy=PercentageSlaPolicy(percentage=90.0, durationSecs=60))
    scene = Scene(*hosts(20))
    scene.do("setQuota", ownerRole="www", quota=Usage(100, 10_000, 10_000).aggregate())
    scene.update(a_config(tier="preferred"), 20, updateGroupSize=20)
    scene.at(30_000)
    new = a_config("2", tier="preferred", slaPolicy=policy)
    key = scene.update(new, 20, updateGroupSize=4, slaAware=True)
    # Nobody has been up for a minute, so nobody may go yet.
    assert scene.at(31_000).now_is() == dict.fromkeys(range(20), "RUNNING")
    scene.do("pauseJobUpdate", key=key)
    scene.do("resumeJobUpdate", key=key)
    messages = [e.message for e in scene.details(key).instanceEvents or () if e.instanceId == 0]
    assert messages == [None, "Checking SLA before continuing."]
    scene.at(160_000)
    down = 20 - list(scene.now_is().values()).count("RUNNING")
    assert down <= 2
    messages = [e.message for e in scene.details(key).instanceEvents or ()]
    assert "SLA check passed, continuing." in messages
    # What is said of a check is no move of the instance.
    page = scene.aurora.page("/vars", {})
    assert page is not None
    begun = sum(e.action.name == "INSTANCE_UPDATING" for e in moves(scene, key) if e.action)
    assert f"update_instance_transition_INSTANCE_UPDATING {20 + begun}\n" in page.body.decode()
    assert scene.at(120 * MINUTE).statuses(key)[-1] == "ROLLED_FORWARD"


def test_no_sla_holds_back_what_does_not_run_anyhow() -> None:
    policy = SlaPolicy(percentageSlaPolicy=PercentageSlaPolicy(percentage=90.0, durationSecs=60))
    scene = Scene(*hosts(20))
    scene.do("setQuota", ownerRole="www", quota=Usage(1000, 10_000, 10_000).aggregate())
    huge = a_config(tier="preferred", resources=some_resources(cpu=20))
    scene.create(huge, 20)
    new = a_config("2", tier="preferred", slaPolicy=policy)
    key = scene.at(1000).update(new, 20, updateGroupSize=20, slaAware=True)
    assert scene.at(3000).statuses(key)[-1] == "ROLLED_FORWARD"


def test_pruning_what_ended_before_says_nothing_about_what_is_on_its_way_out() -> None:
    scene = Scene()
    dying = a_config("1", sim={"kill_ms": 2000, "fail_ms": 60_000})
    scene.update(dying, 2, updateGroupSize=2)
    key = scene.at(62_000).update(dying, 1)
    scene.at(63_000).do("pruneTasks", query=TaskQuery(jobKeys=(KEY,)))
    assert scene.now_is() == {0: "RUNNING", 1: "KILLING"}
    assert scene.actions(key, 1) == ["UPDATING"]
    assert scene.at(65_000).statuses(key) == ["ROLLING_FORWARD", "ROLLED_FORWARD"]


# --- history


def test_ten_updates_of_a_job_are_kept_and_none_of_a_job_that_is_forgotten() -> None:
    scene = deployed(1)
    for version in range(2, 15):
        scene.update(a_config(str(version)), 1)
        scene.at(scene.now + 2000)
    assert len(updates(scene)) == 14
    assert len(updates(scene.at(15 * MINUTE + 100))) == 10
    scene.do("killTasks", job=KEY)
    assert len(updates(scene.at(3 * 24 * 60 * MINUTE))) == 0


# --- support


def updates(scene: Scene) -> list[str]:
    query = JobUpdateQuery(jobKey=KEY)
    found = scene.do("getJobUpdateSummaries", jobUpdateQuery=query).updateSummaries
    return [summary.key.id for summary in found]


def moves(scene: Scene, key: JobUpdateKey) -> list[JobInstanceUpdateEvent]:
    """Return what became of instances, without what was said of checks."""
    return [e for e in scene.details(key).instanceEvents or () if e.message is None]


def versions(scene: Scene) -> set[str]:
    groups = scene.do("getConfigSummary", job=KEY).summary.groups
    return {group.config.executorConfig.data for group in groups}


def task_ids(scene: Scene, instance: int) -> list[str]:
    """Return the ids of the tasks of an instance, the oldest first."""
    found = [
        ((t.taskEvents or ())[0].timestamp or 0, t.assignedTask.taskId or "")
        for t in scene.tasks()
        if t.assignedTask is not None and t.assignedTask.instanceId == instance
    ]
    return [task_id for _, task_id in sorted(found)]
