"""Where tasks go, and why they do not go anywhere."""

import json
from typing import Any

import pytest

from reconciler.standin.configs import Rules
from reconciler.standin.hosts import Host
from reconciler.thrift.structs import (
    Constraint,
    Hosts,
    JobKey,
    Metadata,
    ScheduleStatus,
    TaskQuery,
)
from tests.standin.scene import KEY, Scene, a_config, a_host, hosts, limit, some_resources, value

MINUTE = 60_000

WHY: dict[str, tuple[dict[str, Any], set[str]]] = {
    "too much CPU": ({"resources": some_resources(cpu=17)}, {"Insufficient: CPU"}),
    "the executor counts, too": ({"resources": some_resources(cpu=15.8)}, {"Insufficient: CPU"}),
    "too much RAM": ({"resources": some_resources(ram_mb=16_300)}, {"Insufficient: RAM"}),
    "too much of everything": (
        {"resources": some_resources(cpu=20, ram_mb=20_000, disk_mb=200_000)},
        {"Insufficient: CPU", "Insufficient: RAM", "Insufficient: disk"},
    ),
    "no such rack": ({"constraints": (value("rack", "z"),)}, {"Constraint not satisfied: rack"}),
    "no such attribute": ({"constraints": (value("gpu", "y"),)}, {"Constraint not satisfied: gpu"}),
    "none of the racks": (
        {"constraints": (value("rack", "a", "b", negated=True),)},
        {"Constraint not satisfied: rack"},
    ),
    "a limit on what no host has": (
        {"constraints": (limit("gpu", 1),)},
        {"Constraint not satisfied: gpu"},
    ),
    "a limit of nothing": ({"constraints": (limit("host", 0),)}, {"Limit not satisfied: host"}),
    "values are tested before limits": (
        {"constraints": (limit("host", 0), value("rack", "z"))},
        {"Constraint not satisfied: rack"},
    ),
    "dedicated where nothing is": (
        {"constraints": (value("dedicated", "www/db"),)},
        {"Constraint not satisfied: dedicated"},
    ),
    "revocable, where nothing is offered to be revoked": (
        {"tier": "revocable"},
        {"Insufficient: CPU"},
    ),
    "a constraint that says nothing": ({"constraints": (Constraint(name="rack"),)}, {""}),
    "a constraint that says nothing beside one that does": (
        {"constraints": (value("rack", "z"), Constraint(name="host"))},
        {""},
    ),
}


def racks() -> tuple[Host, ...]:
    return (a_host("host-1", rack="a"), a_host("host-2", rack="b"))


@pytest.mark.parametrize("case", WHY)
def test_why_a_task_is_pending(case: str) -> None:
    differs, reasons = WHY[case]
    scene = Scene(*racks())
    scene.create(a_config(**differs))
    assert scene.at(1000).now_is() == {0: "PENDING"}
    (reason,) = scene.reasons().values()
    assert set(reason.split(",")) == reasons


def test_the_lightest_reason_of_all_hosts_is_told() -> None:
    scene = Scene(a_host("host-1", cpu=2.0, rack="a"), a_host("host-2", cpu=4.0, dedicated="db"))
    scene.create(a_config(resources=some_resources(cpu=8)))
    assert list(scene.at(1000).reasons().values()) == ["Insufficient: CPU"]


def test_a_dedicated_host_is_for_those_who_ask_for_it() -> None:
    scene = Scene(a_host("host-1", dedicated="www/db"))
    scene.create(a_config())
    assert list(scene.at(1000).reasons().values()) == ["Host is dedicated"]
    key = JobKey(role="www", environment="prod", name="db")
    scene.create(a_config(key=key, constraints=(value("dedicated", "www/db"),)))
    assert scene.at(3000).now_is(key) == {0: "RUNNING"}


def test_a_limit_is_per_host_and_counts_the_whole_job() -> None:
    scene = Scene(*hosts(3))
    scene.create(a_config(constraints=(limit("host", 1),)), 4)
    scene.at(10_000)
    assert sorted(scene.now_is().values()) == ["PENDING", "RUNNING", "RUNNING", "RUNNING"]
    places = [t.assignedTask.slaveHost for t in scene.tasks() if t.assignedTask]
    assert sorted(p for p in places if p) == ["host-1", "host-2", "host-3"]
    assert list(scene.reasons().values()) == ["Limit not satisfied: host"]


def test_an_offer_takes_one_task_and_comes_back_with_the_rest() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(), 3)
    assert sorted(scene.at(10).now_is().values()) == ["ASSIGNED", "PENDING", "PENDING"]
    assert sorted(scene.at(3000).now_is().values()) == ["RUNNING"] * 3


def test_a_task_that_mesos_does_not_take_stays_where_it_was_put_until_it_is_given_up() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(metadata=(Metadata(key="release"),)))
    assert scene.at(50_000).states(0) == ["PENDING ASSIGNED"]
    # Mesos is asked for it after a minute.
    assert scene.at(70_000).states(0) == ["PENDING ASSIGNED LOST", "PENDING ASSIGNED"]
    # The offer is still there for others.
    key = JobKey(role="www", environment="prod", name="other")
    scene.create(a_config(key=key))
    assert scene.at(75_000).now_is(key) == {0: "RUNNING"}


def test_a_task_that_went_elsewhere_lets_its_group_be_tried_soon_again() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(resources=some_resources(cpu=20)), 2)

    def penalty() -> int:
        page = scene.aurora.page("/pendingtasks", {})
        assert page is not None
        return int(json.loads(page.body)[0]["penaltyMs"])

    assert scene.at(10 * MINUTE).now_is() == {0: "PENDING", 1: "PENDING"}
    assert penalty() > 10_000
    task = scene.tasks()[0].assignedTask
    assert task is not None
    scene.do("forceTaskState", taskId=task.taskId, status=ScheduleStatus.ASSIGNED)
    seen = []
    for ms in range(0, MINUTE, 10):
        scene.at(10 * MINUTE + ms)
        seen.append(penalty())
    assert min(seen) < 100


def test_five_of_a_kind_are_placed_at_a_time() -> None:
    scene = Scene(*hosts(10))
    scene.create(a_config(), 8)
    assert sorted(scene.at(1).now_is().values()) == ["ASSIGNED"] * 5 + ["PENDING"] * 3
    assert sorted(scene.at(2).now_is().values()) == ["ASSIGNED"] * 8


def test_two_offers_of_a_host_are_declined_and_come_back_as_one() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config())
    scene.at(1000).do("killTasks", job=KEY)
    # Rounds of offers are at 1250 and 1500; what was held until the first of them is gone then.
    scene.at(1260).create(a_config())
    assert scene.at(1490).now_is() == {0: "PENDING"}
    assert scene.at(1900).now_is()[0] != "PENDING"


def test_an_offer_that_did_not_suit_is_not_looked_at_again_until_it_is_renewed() -> None:
    scene = Scene(*hosts(1))
    scene.do("drainHosts", hosts=Hosts(hostNames=("host-1",)))
    scene.create(a_config())
    scene.at(1000).do("endMaintenance", hosts=Hosts(hostNames=("host-1",)))
    assert scene.at(4 * MINUTE).now_is() == {0: "PENDING"}
    assert scene.at(8 * MINUTE).now_is() == {0: "RUNNING"}


def test_an_offer_is_renewed_as_soon_as_the_scheduler_does_not_hold_it_any_longer() -> None:
    scene = Scene(*hosts(1), rules=Rules(offer_hold_ms=3000, offer_hold_jitter_ms=1000))
    scene.do("drainHosts", hosts=Hosts(hostNames=("host-1",)))
    scene.create(a_config())
    scene.at(1000).do("endMaintenance", hosts=Hosts(hostNames=("host-1",)))
    assert scene.at(2900).now_is() == {0: "PENDING"}
    assert scene.at(15_000).now_is() == {0: "RUNNING"}


def test_a_host_never_holds_more_than_it_has() -> None:
    scene = Scene(a_host("host-1", cpu=4.0))
    scene.create(a_config(resources=some_resources(cpu=1.0)), 5)
    assert sorted(scene.at(20_000).now_is().values()) == ["PENDING", "PENDING", *["RUNNING"] * 3]
    scene.do("killTasks", job=KEY, instances=tuple(running(scene)[:1]))
    scene.at(200_000)
    assert sorted(scene.now_is().values()) == ["PENDING", *["RUNNING"] * 3]


def test_ports_are_distinct_on_a_host_and_named() -> None:
    scene = Scene(Host("host-1", 16.0, 16_384.0, 102_400.0, (40_000, 40_003)))
    scene.create(a_config(resources=some_resources(ports=("http", "health"))), 3)
    scene.at(20_000)
    taken = [t.assignedTask.assignedPorts or {} for t in scene.tasks() if t.assignedTask]
    assert sorted(sorted(p) for p in taken) == [[], ["health", "http"], ["health", "http"]]
    assert sorted(n for p in taken for n in p.values()) == [40_000, 40_001, 40_002, 40_003]
    assert list(scene.reasons().values()) == ["Insufficient: ports"]


def test_a_new_host_is_found_by_what_waits() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(resources=some_resources(cpu=20)))
    assert scene.at(1000).now_is() == {0: "PENDING"}
    scene.aurora.set_hosts((*hosts(1), a_host("big", cpu=32.0)))
    assert scene.at(5000).now_is() == {0: "RUNNING"}


def test_a_host_that_is_taken_away_loses_its_tasks() -> None:
    scene = Scene(*hosts(2))
    scene.create(a_config(constraints=(limit("host", 1),)), 2)
    scene.at(1000).aurora.set_hosts(hosts(1))
    assert sorted(scene.at(5000).now_is().values()) == ["PENDING", "RUNNING"]


def test_an_unknown_reason_is_empty_and_only_pending_tasks_are_told() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(), 2)
    assert len(scene.reasons()) == 2
    assert set(scene.reasons().values()) == {""}
    assert scene.at(5000).reasons() == {}


def test_a_reason_is_forgotten_when_a_task_of_its_kind_is_deleted() -> None:
    scene = Scene(*hosts(1))
    scene.create(a_config(resources=some_resources(cpu=20)), 2)
    scene.at(5000).do("killTasks", job=KEY, instances=(0,))
    assert list(scene.reasons().values()) == [""]


def test_hosts_and_states_cannot_be_asked_for() -> None:
    scene = Scene()
    words = scene.refused("getPendingReason", query=TaskQuery(slaveHosts=("host-1",)))
    assert words == "SlaveHosts are not supported in TaskQuery(slaveHosts:[host-1])"


def test_attempts_are_limited_over_all_groups() -> None:
    scene = Scene(*hosts(100))
    keys = [JobKey(role="www", environment="prod", name=f"job{n}") for n in range(100)]
    for key in keys:
        scene.create(a_config(key=key))
    placed = sum(scene.at(50).now_is(key) == {0: "ASSIGNED"} for key in keys)
    assert 40 <= placed <= 45
    placed = sum(scene.at(1050).now_is(key) != {0: "PENDING"} for key in keys)
    assert 78 <= placed <= 85


def test_a_host_in_maintenance_is_the_last_choice_and_a_draining_one_none() -> None:
    scene = Scene(*hosts(2))
    scene.do("startMaintenance", hosts=Hosts(hostNames=("host-1",)))
    scene.create(a_config())
    (task,) = scene.at(1000).tasks()
    assert task.assignedTask is not None
    assert task.assignedTask.slaveHost == "host-2"
    scene.do("drainHosts", hosts=Hosts(hostNames=("host-1", "host-2")))
    (reason,) = scene.at(2000).reasons().values()
    assert reason in ("Host draining for maintenance", "Host drained for maintenance")


def running(scene: Scene) -> list[int]:
    return [i for i, status in scene.now_is().items() if status == "RUNNING"]
