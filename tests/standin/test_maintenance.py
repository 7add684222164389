"""Hosts in maintenance, and what becomes of the tasks there."""

from typing import Any

from reconciler.standin.quota import Usage
from reconciler.thrift.structs import Hosts, PercentageSlaPolicy, ScheduleStatus, SlaPolicy
from tests.standin.scene import KEY, Scene, a_config, hosts

MINUTE = 60_000
ONE = Hosts(hostNames=("host-1",))


def modes(scene: Scene) -> dict[str, str]:
    every = Hosts(hostNames=tuple(f"host-{n}" for n in range(1, 9)))
    found = scene.do("maintenanceStatus", hosts=every).statuses
    return {status.host: status.mode.name for status in found}


def running(count: int, on: int = 2, **differs: Any) -> Scene:
    scene = Scene(*hosts(on))
    scene.do("setQuota", ownerRole="www", quota=Usage(100, 50_000, 50_000).aggregate())
    scene.create(a_config(**differs), count)
    assert set(scene.at(30_000).now_is().values()) == {"RUNNING"}
    return scene


def places(scene: Scene) -> set[str | None]:
    """Return the hosts on which anything runs."""
    found = scene.tasks(jobKeys=(KEY,), statuses=(ScheduleStatus.RUNNING,))
    return {t.assignedTask.slaveHost for t in found if t.assignedTask is not None}


def test_what_is_not_known_is_left_out() -> None:
    scene = Scene(*hosts(1))
    ghosts = Hosts(hostNames=("ghost", "host-1"))
    for method in ("startMaintenance", "endMaintenance", "maintenanceStatus"):
        found = scene.do(method, hosts=ghosts).statuses
        assert [status.host for status in found] == ["host-1"], method


def test_an_idle_host_is_drained_at_once_and_comes_back() -> None:
    scene = Scene(*hosts(1))
    (status,) = scene.do("drainHosts", hosts=ONE).statuses
    assert status.mode.name == "DRAINED"
    scene.do("endMaintenance", hosts=ONE)
    assert modes(scene) == {"host-1": "NONE"}


def test_the_tasks_of_a_drained_host_start_elsewhere() -> None:
    scene = running(4)
    (status,) = scene.do("drainHosts", hosts=ONE).statuses
    assert status.mode.name == "DRAINING"
    assert scene.at(31_000).now_is().keys() == {0, 1, 2, 3}
    assert modes(scene) == {"host-1": "DRAINED", "host-2": "NONE"}
    assert set(scene.at(40_000).now_is().values()) == {"RUNNING"}
    assert places(scene) == {"host-2"}
    messages = {e.message for t in scene.tasks() for e in t.taskEvents or ()}
    assert "Draining machine for maintenance." in messages


def test_an_sla_is_kept_until_the_timeout() -> None:
    policy = SlaPolicy(percentageSlaPolicy=PercentageSlaPolicy(percentage=90.0, durationSecs=5))
    scene = running(20, tier="preferred")
    scene.do("slaDrainHosts", hosts=ONE, defaultSlaPolicy=policy, timeoutSecs=600)
    assert set(scene.now_is().values()) == {"RUNNING"}
    # One look a minute, and two of twenty may go at a time.
    scene.at(30_000 + 61_000)
    assert 18 <= list(scene.now_is().values()).count("RUNNING") <= 20
    assert modes(scene)["host-1"] == "DRAINING"
    scene.at(30_000 + 16 * MINUTE)
    assert modes(scene)["host-1"] == "DRAINED"
    assert places(scene) == {"host-2"}


def test_after_the_timeout_nobody_is_asked() -> None:
    policy = SlaPolicy(percentageSlaPolicy=PercentageSlaPolicy(percentage=100.0, durationSecs=7000))
    scene = running(20, tier="preferred")
    scene.do("slaDrainHosts", hosts=ONE, defaultSlaPolicy=policy, timeoutSecs=200)
    assert modes(scene.at(30_000 + 180_000))["host-1"] == "DRAINING"
    assert places(scene) == {"host-1", "host-2"}
    scene.at(30_000 + 320_000)
    assert modes(scene)["host-1"] == "DRAINED"
