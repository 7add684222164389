"""Tasks that make room for others that matter more."""

from typing import Any

import pytest

from reconciler.standin.quota import Usage
from reconciler.thrift.structs import JobKey
from tests.standin.scene import KEY, Scene, a_config, a_host, some_resources, value

MINUTE = 60_000
OTHER = JobKey(role="www", environment="prod", name="urgent")
ELSEWHERE = JobKey(role="db", environment="prod", name="urgent")

BIG = some_resources(cpu=3.5)

# What runs, what waits, and whether what runs has to go.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "preferred before preemptible": ({}, {"key": OTHER, "tier": "preferred"}, True),
    "whoever's it is": ({}, {"key": ELSEWHERE, "tier": "preferred"}, True),
    "preemptible before preferred": ({"tier": "preferred"}, {"key": OTHER}, False),
    "higher priority": ({"priority": 1}, {"key": OTHER, "priority": 2}, True),
    "equal priority": ({"priority": 2}, {"key": OTHER, "priority": 2}, False),
    "higher priority of another role": ({}, {"key": ELSEWHERE, "priority": 9}, False),
    "what would not fit anyhow": (
        {},
        {"key": OTHER, "tier": "preferred", "constraints": (value("rack", "z"),)},
        False,
    ),
}


def full(running: dict[str, Any], waiting: dict[str, Any]) -> Scene:
    """One host that is full, and somebody who waits for it."""
    scene = Scene(a_host("host-1", cpu=4.0))
    for role in ("www", "db"):
        scene.do("setQuota", ownerRole=role, quota=Usage(100, 10_000, 10_000).aggregate())
    scene.create(a_config(**{"resources": BIG, **running}))
    scene.at(2000).create(a_config(**{"resources": BIG, **waiting}))
    return scene


@pytest.mark.parametrize("case", CASES)
def test_who_goes_for_whom(case: str) -> None:
    running, waiting, goes = CASES[case]
    scene = full(running, waiting)
    scene.at(8 * MINUTE)
    assert scene.now_is(waiting["key"]) == {0: "RUNNING" if goes else "PENDING"}
    assert scene.now_is() == {0: "PENDING" if goes else "RUNNING"}


def test_nobody_goes_before_somebody_has_waited_for_three_minutes() -> None:
    scene = full({}, {"key": OTHER, "tier": "preferred"})
    assert scene.at(2000 + 3 * MINUTE - 100).now_is() == {0: "RUNNING"}
    scene.at(8 * MINUTE)
    (life, _) = scene.states(0)
    assert life == "PENDING ASSIGNED STARTING RUNNING PREEMPTING KILLED"
    urgent = scene.tasks(jobKeys=(OTHER,))[0].assignedTask
    assert urgent is not None
    words = {e.message for t in scene.tasks(jobKeys=(KEY,)) for e in t.taskEvents or ()}
    assert f"Preempting in favor of {urgent.taskId}" in words


def test_no_more_go_than_are_needed() -> None:
    scene = Scene(a_host("host-1", cpu=4.0))
    scene.do("setQuota", ownerRole="www", quota=Usage(100, 10_000, 10_000).aggregate())
    scene.create(a_config(resources=some_resources(cpu=0.5)), 5)
    scene.at(5000).create(a_config(key=OTHER, tier="preferred", resources=some_resources(cpu=1.0)))
    scene.at(9 * MINUTE)
    assert scene.now_is(OTHER) == {0: "RUNNING"}
    assert list(scene.now_is().values()).count("RUNNING") == 3


def test_looking_for_room_shows_what_would_still_be_missing() -> None:
    scene = Scene(a_host("host-1", cpu=4.0))
    scene.do("setQuota", ownerRole="www", quota=Usage(100, 100_000, 100_000).aggregate())
    scene.create(a_config(resources=some_resources(cpu=3.0, ram_mb=8000)))
    greedy = some_resources(cpu=8.0, ram_mb=10_000)
    scene.at(2000).create(a_config(key=OTHER, tier="preferred", resources=greedy))
    (reason,) = scene.at(2 * MINUTE).reasons(OTHER).values()
    assert set(reason.split(",")) == {"Insufficient: CPU", "Insufficient: RAM"}
    assert list(scene.at(5 * MINUTE).reasons(OTHER).values()) == ["Insufficient: CPU"]
    assert scene.now_is() == {0: "RUNNING"}
