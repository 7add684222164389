"""What holds of the engine whatever is asked of it, in whatever order and at whatever moment.

Each life is made by chance under a seed; a failing one names it.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.standin.quota import Usage
from reconciler.standin.updates import BLOCK
from reconciler.thrift.structs import (
    BatchJobUpdateStrategy,
    CronCollisionPolicy,
    Hosts,
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    JobUpdateRequest,
    JobUpdateStatus,
    JobUpdateStrategy,
    PartitionPolicy,
    Range,
    ScheduleStatus,
    TaskConfig,
    TaskQuery,
    VariableBatchJobUpdateStrategy,
)
from tests.standin.scene import Scene, a_config, hosts, limit, settings, some_resources, value

pytestmark = pytest.mark.slow

STEPS = 100
KEYS = tuple(
    JobKey(role=role, environment="prod", name=name) for role in ("www", "db") for name in "abc"
)
LEADING = ("pause", "resume", "abort", "rollback", "pulse")
BEFALLING = ("lose_host", "return_host", "partition_host", "heal_host")
PAUSES_MS = (0, 1, 50, 300, 1000, 5000, 61_000, 200_000)


class Life:
    """One stand-in to which things are done by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.scene = Scene(*hosts(5), seed=seed)
        self.updates: list[JobUpdateKey] = []
        for role in ("www", "db"):
            self.scene.do("setQuota", ownerRole=role, quota=Usage(50, 50_000, 500_000).aggregate())

    def step(self) -> None:
        deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (30, self.update),
            (25, self.lead),
            (15, self.act_on_tasks),
            (10, self.schedule),
            (10, self.befall),
            (10, self.maintain),
        )
        weights, choices = zip(*deeds, strict=True)
        (deed,) = self.chance.choices(choices, weights)
        deed()
        self.scene.at(self.scene.now + self.chance.choice(PAUSES_MS))

    def one(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def config(self, key: JobKey) -> TaskConfig:
        sim = {
            name: when
            for name, when in (
                ("fail_ms", self.one(300, 700, 2000, 60_000)),
                ("kill_ms", self.one(-1, 0, 5000)),
                ("lost_ms", self.one(900, 30_000)),
                ("finish_ms", 1500),
            )
            if self.chance.random() < 0.2
        }
        return a_config(
            str(self.chance.randint(1, 4)),
            key=key,
            sim=sim,
            isService=self.chance.random() < 0.85,
            priority=self.chance.randint(0, 3),
            tier=self.one(None, "preferred", "preemptible", "revocable"),
            constraints=self.one(
                (), (limit("host", 2),), (value("host", "host-1", negated=self.one(True, False)),)
            ),
            partitionPolicy=self.one(
                None,
                PartitionPolicy(reschedule=False),
                PartitionPolicy(reschedule=True, delaySecs=20),
            ),
            resources=some_resources(self.one(0.5, 1.0, 3.0, 20.0), ports=self.one((), ("http",))),
        )

    def strategy(self) -> JobUpdateStrategy | None:
        pausing = self.chance.random() < 0.3
        batch = BatchJobUpdateStrategy(groupSize=2, autopauseAfterBatch=pausing)
        steps = VariableBatchJobUpdateStrategy(groupSizes=(1, 2, 3), autopauseAfterBatch=pausing)
        return self.one(  # type: ignore[no-any-return]
            None, JobUpdateStrategy(batchStrategy=batch), JobUpdateStrategy(varBatchStrategy=steps)
        )

    def update(self) -> None:
        told = settings(
            updateStrategy=self.strategy(),
            updateGroupSize=self.chance.randint(1, 4),
            maxPerInstanceFailures=self.chance.randint(0, 2),
            maxFailedInstances=self.chance.randint(0, 2),
            rollbackOnFailure=self.chance.random() < 0.6,
            minWaitInInstanceRunningMs=self.one(0, 500, 3000),
            blockIfNoPulsesAfterMs=self.one(0, 0, 0, 2000, 60_000),
            updateOnlyTheseInstances=self.one((), (), (Range(first=0, last=2),)),
        )
        request = JobUpdateRequest(
            taskConfig=self.config(self.one(*KEYS)),
            instanceCount=self.chance.randint(0, 6),
            settings=told,
        )
        result = self.scene.ask("startJobUpdate", request=request).result
        if result is not None and result.startJobUpdateResult is not None:
            assert result.startJobUpdateResult.key is not None
            self.updates.append(result.startJobUpdateResult.key)

    def lead(self) -> None:
        if self.updates:
            method = f"{self.one(*LEADING)}JobUpdate"
            self.scene.ask(method, key=self.one(*self.updates[-6:]))

    def act_on_tasks(self) -> None:
        key = self.one(*KEYS)
        tasks = self.scene.tasks()
        ids = [t.assignedTask.taskId for t in tasks if t.assignedTask] or ["ghost"]
        method, args = self.one(
            ("killTasks", {"job": key, "instances": self.one((), (0,), (1, 2))}),
            ("restartShards", {"job": key, "shardIds": (0,)}),
            ("addInstances", {"key": InstanceKey(jobKey=key, instanceId=0), "count": 2}),
            ("forceTaskState", {"taskId": self.one(*ids), "status": self.one(*ScheduleStatus)}),
            ("pruneTasks", {"query": TaskQuery(role="www")}),
        )
        self.scene.ask(method, **args)

    def schedule(self) -> None:
        key = self.one(*KEYS)
        job = JobConfiguration(
            key=key,
            cronSchedule=self.one("* * * * *", "*/2 * * * *"),
            cronCollisionPolicy=self.one(None, CronCollisionPolicy.CANCEL_NEW),
            taskConfig=self.config(key),
            instanceCount=2,
        )
        method, args = self.one(
            ("scheduleCronJob", {"description": job}),
            ("startCronJob", {"job": key}),
            ("descheduleCronJob", {"job": key}),
        )
        self.scene.ask(method, **args)

    def befall(self) -> None:
        getattr(self.scene.aurora, self.one(*BEFALLING))(f"host-{self.chance.randint(1, 5)}")

    def maintain(self) -> None:
        method = self.one("drainHosts", "startMaintenance", "endMaintenance", "endMaintenance")
        self.scene.ask(method, hosts=Hosts(hostNames=(f"host-{self.chance.randint(1, 5)}",)))


def check(scene: Scene) -> None:
    """What holds at every moment."""
    parts = scene.aurora.parts
    for agent in parts.agents.all.values():
        free = agent.free()
        assert min(free.cpu, free.ram_mb, free.disk_mb) > -1e-6, "a host holds more than it has"
        taken = [port for process in agent.processes.values() for port in process.ports]
        assert len(taken) == len(set(taken)), "two tasks have one port"
    for task in parts.tasks:
        found = parts.tasks.instance(task.job, task.instance)
        assert task.ended or found is task, "an instance has two active tasks"
        assert [e.timestamp for e in task.events] == sorted(e.timestamp or 0 for e in task.events)
    for update in parts.updates:
        assert (update.run is not None) == (update.status in BLOCK), "who rolls works"
        if update.active:
            assert parts.updates.active(update.job) is update, "a job has two active updates"


@pytest.mark.parametrize("seed", range(20))
def test_the_engine_stays_in_order(seed: int) -> None:
    life = Life(seed)
    for _ in range(STEPS):
        life.step()
        check(life.scene)


@pytest.mark.parametrize("seed", range(6))
def test_a_life_that_is_reopened_at_every_step_is_the_same(seed: int) -> None:
    straight, kept = Life(seed), Life(seed)
    for _ in range(STEPS):
        straight.step()
        kept.step()
        kept.scene.reopen()
        assert kept.scene.aurora.dump() == straight.scene.aurora.dump()


@pytest.mark.parametrize("seed", range(20))
def test_left_alone_an_update_brings_what_it_promised(seed: int) -> None:
    """Once all is well, an update that ends well has changed its job.

    That is: every host is there, and nobody waits who may go for the tasks of others.
    """
    life = Life(seed)
    for _ in range(STEPS // 4):
        life.step()
    scene, key = life.scene, life.one(*KEYS)
    for number in range(1, 6):
        scene.aurora.return_host(f"host-{number}")
        scene.aurora.heal_host(f"host-{number}")
        scene.do("endMaintenance", hosts=Hosts(hostNames=(f"host-{number}",)))
    for update in life.updates:
        scene.ask("abortJobUpdate", key=update)
    scene.ask("descheduleCronJob", job=key)
    for other in KEYS:
        if other != key:
            scene.ask("killTasks", job=other)
    wanted = a_config("9", key=key)
    started = scene.update(wanted, 3, updateGroupSize=life.one(1, 2, 3))
    scene.at(scene.now + 3_600_000)
    assert scene.statuses(started)[-1] == JobUpdateStatus.ROLLED_FORWARD.name
    assert scene.now_is(key) == dict.fromkeys(range(3), "RUNNING")
    (group,) = scene.do("getConfigSummary", job=key).summary.groups
    assert group.config.executorConfig.data == "version 9"
