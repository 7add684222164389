"""What becomes of tasks: script, successors, flapping, timeouts, partitions, history."""

from typing import Any

import pytest

from reconciler.thrift.structs import (
    ExplicitReconciliationSettings,
    InstanceKey,
    JobKey,
    PartitionPolicy,
    ScheduledTask,
    ScheduleStatus,
    TaskQuery,
)
from tests.standin.scene import KEY, Scene, a_config, hosts, some_resources, value

S = ScheduleStatus
MINUTE = 60_000
HOUR = 60 * MINUTE

LIVES: dict[str, tuple[dict[str, object], dict[str, Any], list[str]]] = {
    "runs for ever": ({}, {}, ["PENDING ASSIGNED STARTING RUNNING"]),
    "never starts": ({"start_ms": -1, "run_ms": -1}, {}, ["PENDING ASSIGNED"]),
    "finishes and is done": (
        {"finish_ms": 800},
        {"isService": False},
        ["PENDING ASSIGNED STARTING RUNNING FINISHED"],
    ),
    "fails before it runs": (
        {"fail_ms": 500},
        {"isService": False},
        ["PENDING ASSIGNED STARTING FAILED"],
    ),
    "may fail twice": (
        {"fail_ms": 500},
        {"isService": False, "maxTaskFailures": 2},
        ["PENDING ASSIGNED STARTING FAILED", "PENDING ASSIGNED STARTING FAILED"],
    ),
    "is lost, and that is nobody's fault": (
        {"lost_ms": 700},
        {"isService": False},
        ["PENDING ASSIGNED STARTING RUNNING LOST", "PENDING ASSIGNED STARTING RUNNING"],
    ),
}


@pytest.mark.parametrize("case", LIVES)
def test_a_task_does_what_its_metadata_says(case: str) -> None:
    sim, differs, lives = LIVES[case]
    scene = Scene()
    scene.create(a_config(sim=sim, **differs))
    assert scene.at(1350).states(0) == lives


def test_a_service_that_finishes_begins_anew() -> None:
    scene = Scene()
    scene.create(a_config(sim={"finish_ms": 700}))
    first, second = by_age(scene.at(900))
    assert (second.taskEvents or ())[0].message == "Rescheduled"
    assert second.ancestorId == id_of(first)
    assert (first.failureCount, second.failureCount) == (0, 0)


def test_times_are_those_of_the_script() -> None:
    scene = Scene()
    scene.create(a_config(sim={"start_ms": 1000, "run_ms": 5000}))
    assert scene.at(900).now_is() == {0: "ASSIGNED"}
    assert scene.at(1100).now_is() == {0: "STARTING"}
    assert scene.at(4900).now_is() == {0: "STARTING"}
    assert scene.at(5100).now_is() == {0: "RUNNING"}


# --- flapping


def test_the_first_crash_costs_nothing_and_the_second_is_throttled() -> None:
    scene = Scene()
    scene.create(a_config(sim={"fail_ms": 700}))
    scene.at(2000)
    first, second, third = by_age(scene)
    assert [t.status for t in (first, second, third)] == [S.FAILED, S.FAILED, S.THROTTLED]
    assert [t.failureCount for t in (first, second, third)] == [1, 2, 2]
    words = (third.taskEvents or ())[0].message or ""
    penalty_ms = int(words.split()[3])
    assert words == f"Rescheduled, penalized for {penalty_ms} ms for flapping"
    assert 30_000 <= penalty_ms <= 60_000
    # The wait itself is drawn anew, and counts one crash more.
    assert scene.at(1400 + 30_000 - 1).now_is() == {0: "THROTTLED"}
    assert scene.at(1500 + 121_000).states(0)[2].startswith("THROTTLED PENDING ASSIGNED")


def test_a_task_that_ran_for_long_does_not_flap() -> None:
    scene = Scene()
    scene.create(a_config(sim={"fail_ms": 6 * MINUTE}))
    scene.at(12 * MINUTE + 10_000)
    assert scene.now_is() == {0: "RUNNING"}
    assert not any("THROTTLED" in life for life in scene.states(0))


def test_a_restart_ends_a_row_of_crashes() -> None:
    scene = Scene()
    scene.create(a_config(sim={"fail_ms": 2000}))
    scene.at(3000).do("restartShards", job=KEY, shardIds=(0,))
    # Its successor is penalised for the crash before; but the wait is drawn from what counts then,
    # and what was restarted counts for nothing.
    assert scene.at(3500).states(0)[2] == "THROTTLED PENDING ASSIGNED"


# --- orders


def test_a_killed_task_dies_when_its_script_says() -> None:
    scene = Scene()
    scene.create(a_config(sim={"kill_ms": 3000}), 2)
    scene.at(1000).do("killTasks", job=KEY, message="enough")
    assert scene.now_is() == {0: "KILLING", 1: "KILLING"}
    assert scene.at(3900).now_is() == {0: "KILLING", 1: "KILLING"}
    assert scene.at(4100).now_is() == {}
    (task, _) = scene.tasks(jobKeys=(KEY,))
    assert [e.message for e in task.taskEvents or ()][-2:] == [
        "Killed by root.\nenough",
        "Instructed to kill task.",
    ]


def test_a_task_that_was_told_to_die_does_nothing_else() -> None:
    scene = Scene()
    scene.create(a_config(sim={"kill_ms": 3000, "fail_ms": 1500}))
    scene.at(1000).do("killTasks", job=KEY)
    assert scene.at(5000).states(0) == ["PENDING ASSIGNED STARTING RUNNING KILLING KILLED"]


def test_what_never_dies_is_given_up_after_five_minutes() -> None:
    scene = Scene()
    scene.create(a_config(sim={"kill_ms": -1}))
    scene.at(1000).do("killTasks", job=KEY)
    assert scene.at(1000 + 5 * MINUTE - 10).now_is() == {0: "KILLING"}
    scene.at(1000 + 5 * MINUTE + 10)
    (task,) = scene.tasks(jobKeys=(KEY,))
    assert task.status is S.LOST
    assert last_words(task) == "Task timed out"


def test_a_task_that_never_starts_is_lost_after_five_minutes() -> None:
    scene = Scene()
    scene.create(a_config(sim={"start_ms": -1, "run_ms": -1}))
    assert scene.at(5 * MINUTE + 1000).states(0)[0] == "PENDING ASSIGNED LOST"
    assert scene.now_is() == {0: "ASSIGNED"}


def test_starting_has_no_timeout() -> None:
    scene = Scene()
    scene.create(a_config(sim={"run_ms": -1}))
    assert scene.at(HOUR).now_is() == {0: "STARTING"}


def test_killing_a_task_twice_is_nothing_to_kill() -> None:
    scene = Scene()
    scene.create(a_config())
    scene.at(1000).do("killTasks", job=KEY)
    response = scene.ask("killTasks", job=KEY)
    assert [d.message for d in response.details or ()] == ["No tasks to kill."]


def test_an_order_to_die_that_was_lost_is_given_again() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(sim={"start_ms": -1, "run_ms": -1}))
    scene.at(1000).aurora.partition_host("host-1")
    scene.do("killTasks", job=KEY)
    scene.aurora.heal_host("host-1")
    assert scene.at(10_000).now_is() == {0: "KILLING"}
    assert scene.at(33_000).states(0) == ["PENDING ASSIGNED KILLING KILLED"]


UNKNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "when it is told to die": ("killTasks", {"job": KEY}),
    "when Mesos is asked": (
        "triggerExplicitTaskReconciliation",
        {"settings": ExplicitReconciliationSettings()},
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_task_that_no_agent_knows_is_found_to_be_lost(case: str) -> None:
    method, args = UNKNOWN[case]
    scene = Scene()
    scene.create(a_config(resources=some_resources(cpu=20)))
    (task,) = scene.at(1000).tasks(jobKeys=(KEY,))
    scene.do("forceTaskState", taskId=id_of(task), status=S.ASSIGNED)
    scene.do(method, **args)
    assert scene.at(1100).states(0)[0].endswith("LOST")


def test_a_forced_move_is_told_by_whom() -> None:
    scene = Scene()
    scene.create(a_config())
    (task,) = scene.at(1000).tasks(jobKeys=(KEY,))
    scene.do("forceTaskState", taskId=id_of(task), status=S.LOST)
    first, second = by_age(scene)
    assert last_words(first) == "Transition forced by root"
    assert second.status is S.PENDING


def test_a_task_that_lives_on_after_it_was_given_up_is_found_and_killed() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(isService=False))
    (task,) = scene.at(1000).tasks(jobKeys=(KEY,))
    scene.do("forceTaskState", taskId=id_of(task), status=S.FINISHED)
    scene.at(2000).do("triggerImplicitTaskReconciliation")
    scene.at(3000)
    assert scene.now_is() == {}
    assert room_is_whole(scene)


# --- hosts


def test_a_lost_host_loses_its_tasks_and_they_start_elsewhere() -> None:
    scene = Scene(*hosts(2))
    scene.create(a_config())
    (task,) = scene.at(1000).tasks(jobKeys=(KEY,))
    host = host_of(task)
    scene.aurora.lose_host(host)
    first, second = by_age(scene.at(3000))
    assert last_words(first) == "Agent removed"
    assert first.status is S.LOST
    assert (second.status, host_of(second) != host) == (S.RUNNING, True)


PARTITIONS: dict[str, tuple[PartitionPolicy | None, int, str]] = {
    "without a policy it is replaced at once": (None, 100, "PARTITIONED LOST"),
    "with a delay it is waited for": (
        PartitionPolicy(reschedule=True, delaySecs=60),
        100,
        "PARTITIONED",
    ),
    "after the delay it is replaced": (
        PartitionPolicy(reschedule=True, delaySecs=60),
        61_000,
        "PARTITIONED LOST",
    ),
    "without rescheduling it is waited for for ever": (
        PartitionPolicy(reschedule=False),
        2 * HOUR,
        "PARTITIONED",
    ),
}


@pytest.mark.parametrize("case", PARTITIONS)
def test_a_task_out_of_sight(case: str) -> None:
    policy, after_ms, ends = PARTITIONS[case]
    scene = Scene()
    scene.create(a_config(partitionPolicy=policy))
    (task,) = scene.at(1000).tasks(jobKeys=(KEY,))
    scene.aurora.partition_host(host_of(task))
    assert scene.at(1000 + after_ms).states(0)[0].endswith(f"RUNNING {ends}")


def test_a_task_comes_back_into_sight_and_repeated_partitions_are_told_once() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(partitionPolicy=PartitionPolicy(reschedule=False)))
    scene.at(1000)
    for _ in range(3):
        scene.aurora.partition_host("host-1")
        scene.aurora.heal_host("host-1")
    (task,) = scene.tasks(jobKeys=(KEY,))
    assert scene.states(0) == ["PENDING ASSIGNED STARTING RUNNING PARTITIONED RUNNING"]
    assert task.timesPartitioned == 3


def test_what_ended_out_of_sight_is_told_when_it_is_seen_again() -> None:
    scene = Scene(*hosts(1))
    policy = PartitionPolicy(reschedule=False)
    scene.create(a_config(sim={"fail_ms": 2000}, isService=False, partitionPolicy=policy))
    scene.at(1000).aurora.partition_host("host-1")
    assert scene.at(3000).now_is() == {0: "PARTITIONED"}
    scene.aurora.heal_host("host-1")
    assert scene.states(0)[0].endswith("RUNNING PARTITIONED FAILED")


def test_killing_a_task_out_of_sight_loses_it_and_it_does_not_come_back() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(partitionPolicy=PartitionPolicy(reschedule=False)))
    scene.at(1000).aurora.partition_host("host-1")
    scene.do("killTasks", job=KEY)
    (task,) = scene.tasks(jobKeys=(KEY,))
    assert scene.states(0)[0].endswith("PARTITIONED KILLING LOST")
    assert last_words(task) == ("Action performed on partitioned task, marking as LOST.")
    # Its process is told to end as soon as it is seen again.
    scene.aurora.heal_host("host-1")
    scene.at(2000)
    assert room_is_whole(scene)


def test_a_dying_task_that_gets_out_of_sight_is_lost_and_does_not_come_back() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(sim={"kill_ms": 5000}))
    scene.at(1000).do("killTasks", job=KEY)
    scene.aurora.partition_host("host-1")
    assert scene.states(0) == ["PENDING ASSIGNED STARTING RUNNING KILLING PARTITIONED LOST"]
    assert scene.now_is() == {}


# --- history


def test_ended_tasks_are_forgotten_after_two_days() -> None:
    scene = Scene()
    scene.create(a_config(isService=False, sim={"finish_ms": 700}))
    assert len(scene.at(48 * HOUR).tasks(jobKeys=(KEY,))) == 1
    assert scene.at(48 * HOUR + 2000).tasks(jobKeys=(KEY,)) == ()


def test_of_a_job_a_hundred_ended_tasks_are_kept_and_those_of_the_last_hour() -> None:
    scene = Scene()
    scene.create(a_config(isService=False, sim={"finish_ms": 700}), 120)
    scene.at(30_000)
    assert len(scene.tasks(jobKeys=(KEY,))) == 120
    scene.at(2 * HOUR).create(a_config(isService=False, sim={"finish_ms": 700}), 1)
    assert len(scene.at(2 * HOUR + 5000).tasks(jobKeys=(KEY,))) == 100


def test_only_ended_tasks_can_be_pruned() -> None:
    scene = Scene()
    scene.create(a_config())
    scene.at(1000)
    query = TaskQuery(jobKeys=(KEY,), statuses=(S.RUNNING,))
    words = scene.refused("pruneTasks", query=query)
    assert words == "Tasks in non-terminal state cannot be pruned."
    assert scene.now_is() == {0: "RUNNING"}
    scene.do("killTasks", job=KEY)
    scene.at(2000).create(a_config())
    scene.at(3000).do("pruneTasks", query=TaskQuery(jobKeys=(KEY,)))
    assert [task.status for task in scene.tasks()] == [S.RUNNING]


# Seen in a running 0.27.0: what it found to prune, it looks up again by ids, and none means any.
NOTHING_TO_PRUNE: dict[str, TaskQuery] = {
    "no task has ended": TaskQuery(jobKeys=(KEY,)),
    "there is no such task": TaskQuery(taskIds=("ghost",), statuses=()),
    "none is asked for": TaskQuery(limit=0),
}


@pytest.mark.parametrize("name", NOTHING_TO_PRUNE)
def test_where_there_is_nothing_to_prune_all_tasks_are_forgotten(name: str) -> None:
    other = JobKey(role="ads", environment="prod", name="other")
    scene = Scene()
    scene.create(a_config(), 2)
    scene.create(a_config(key=other, resources=some_resources(cpu=100.0)))
    scene.at(2000).do("pruneTasks", query=NOTHING_TO_PRUNE[name])
    assert scene.tasks() == ()
    assert scene.reasons(other) == {}
    assert scene.refused("addInstances", key=InstanceKey(jobKey=KEY, instanceId=0), count=1) == (
        "No active task found for a given instance ID."
    )


def test_an_update_makes_the_forgotten_tasks_of_its_instances_anew() -> None:
    scene = Scene()
    scene.create(a_config("1"), 3)
    key = scene.at(2000).update(a_config("2"), 2, only=((0, 1),), minWaitInInstanceRunningMs=2000)
    scene.at(3500).do("pruneTasks", query=TaskQuery(taskIds=("ghost",)))
    assert scene.at(10_000).now_is() == {0: "RUNNING", 1: "RUNNING"}
    assert scene.actions(key, 0) == ["UPDATING", "UPDATED"]
    assert scene.statuses(key) == ["ROLLING_FORWARD", "ROLLED_FORWARD"]


# --- support


def by_age(scene: Scene) -> list[ScheduledTask]:
    """Return the tasks of the job, the oldest first."""

    def begun(task: ScheduledTask) -> int:
        return min(event.timestamp or 0 for event in task.taskEvents or ())

    return sorted(scene.tasks(jobKeys=(KEY,)), key=begun)


def last_words(task: ScheduledTask) -> str | None:
    events = list(task.taskEvents or ())
    return events[-1].message


def id_of(task: ScheduledTask) -> Any:
    assert task.assignedTask is not None
    return task.assignedTask.taskId


def host_of(task: ScheduledTask) -> str:
    assert task.assignedTask is not None
    assert task.assignedTask.slaveHost is not None
    return task.assignedTask.slaveHost


def room_is_whole(scene: Scene) -> bool:
    """Tell whether a task that needs all of the first host finds it free."""
    key = JobKey(role="www", environment="prod", name="whole")
    everything = some_resources(cpu=15.75, ram_mb=16_256, disk_mb=102_400)
    scene.create(a_config(key=key, resources=everything, constraints=(value("host", "host-1"),)))
    scene.at(scene.now + 3000)
    return scene.now_is(key) == {0: "RUNNING"}
