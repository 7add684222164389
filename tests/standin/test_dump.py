"""An Aurora that is put away and taken out again at any moment goes on as if it had not been."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.standin.aurora import Aurora
from reconciler.standin.saved import UnreadableStateError
from reconciler.thrift.structs import (
    Hosts,
    JobConfiguration,
    JobKey,
    JobUpdateQuery,
    PartitionPolicy,
    TaskQuery,
)
from tests.standin.scene import KEY, T0_MS, Scene, a_config, hosts, limit, some_resources

MINUTE = 60_000
CRON = JobKey(role="www", environment="prod", name="cron")
OTHER = JobKey(role="www", environment="prod", name="other")


def a_busy_life(step: Callable[[Scene], None]) -> Scene:
    """Do a little of everything, and let `step` look in between."""
    scene = Scene(*hosts(3), seed=5)

    def at(ms: int) -> Scene:
        while scene.now < ms:
            scene.at(min(ms, scene.now + 293))
            step(scene)
        return scene

    crash = a_config(key=OTHER, sim={"fail_ms": 900})
    scene.create(crash, 2)
    template = a_config(key=CRON, isService=False, sim={"kill_ms": 3000})
    told = JobConfiguration(
        key=CRON, cronSchedule="* * * * *", taskConfig=template, instanceCount=2
    )
    scene.do("scheduleCronJob", description=told)
    policy = PartitionPolicy(reschedule=True, delaySecs=30)
    scene.update(a_config(partitionPolicy=policy, constraints=(limit("host", 2),)), 5)
    at(4000).do("startCronJob", job=CRON)
    key = at(7000).update(
        a_config("2", resources=some_resources(ports=("http",)), sim={"fail_ms": 1500}),
        4,
        blockIfNoPulsesAfterMs=20_000,
        minWaitInInstanceRunningMs=2000,
        maxPerInstanceFailures=1,
    )
    scene.do("pulseJobUpdate", key=key)
    at(9000).do("startCronJob", job=CRON)
    at(10_500).aurora.partition_host("host-2")
    at(11_000).do("pauseJobUpdate", key=key)
    scene.do("resumeJobUpdate", key=key)
    at(12_000).aurora.heal_host("host-2")
    scene.do("drainHosts", hosts=Hosts(hostNames=("host-3",)))
    at(40_000)
    return scene


def told(scene: Scene) -> Any:
    """Return everything that can be asked."""
    return (
        sorted(scene.tasks(), key=lambda t: repr(t.assignedTask)),
        scene.do("getJobUpdateDetails", query=JobUpdateQuery()),
        scene.do("getJobSummary"),
        scene.do("getPendingReason", query=TaskQuery()),
        scene.do("getQuota", ownerRole="www"),
    )


def test_reopening_it_all_the_time_changes_nothing() -> None:
    straight = a_busy_life(lambda _: None)
    kept = a_busy_life(Scene.reopen)
    assert told(kept) == told(straight)
    assert kept.aurora.dump() == straight.aurora.dump()


def test_what_is_taken_out_is_what_was_put_away() -> None:
    def same(scene: Scene) -> None:
        state = json.loads(json.dumps(scene.aurora.dump()))
        again = Aurora.restore(state, scene.aurora.now_ms).dump()
        assert json.loads(json.dumps(again)) == state

    a_busy_life(same)


def test_what_was_due_meanwhile_has_happened() -> None:
    scene = Scene()
    scene.update(a_config(), 2)
    state = json.loads(json.dumps(scene.aurora.dump()))
    scene.aurora = Aurora.restore(state, T0_MS + 10 * MINUTE)
    assert scene.now == 10 * MINUTE
    assert scene.now_is() == {0: "RUNNING", 1: "RUNNING"}


def test_configs_are_kept_once() -> None:
    scene = Scene(*hosts(8))
    scene.create(a_config(sim={"note": "x" * 1000}), 20)
    scene.at(20_000)
    assert json.dumps(scene.aurora.dump()).count("x" * 1000) <= 2


def test_a_state_of_another_version_is_not_read() -> None:
    state = Scene().aurora.dump()
    with pytest.raises(UnreadableStateError):
        Aurora.restore({**state, "version": 0}, T0_MS)


def test_writes_are_counted_and_looks_and_refusals_are_not() -> None:
    scene = Scene()
    scene.create(a_config())
    assert scene.aurora.writes == 1
    scene.tasks()
    scene.refused("startCronJob", job=KEY)
    assert scene.aurora.writes == 1
    scene.reopen()
    assert scene.aurora.writes == 1
