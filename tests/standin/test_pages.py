"""The pages beside the RPCs, as tools read them."""

import json
from typing import Any

from reconciler.standin.aurora import Aurora
from reconciler.thrift.structs import Hosts, JobConfiguration, JobKey, Resource, ResourceAggregate
from tests.standin.scene import T0_MS, Scene, a_config, a_host, hosts, some_resources, value

QUOTA = ResourceAggregate(
    resources=(Resource(numCpus=1.5), Resource(ramMb=2048), Resource(diskMb=4096))
)
CRON = JobKey(role="www", environment="prod", name="cron")


def page(scene: Scene, path: str, **query: str) -> Any:
    """Return what a page says; JSON as values, text as text."""
    found = scene.aurora.page(path, query)
    assert found is not None, path
    assert found.status == 200
    told = found.body.decode()
    return json.loads(told) if found.headers["Content-Type"] == "application/json" else told


def test_quotas_are_those_that_were_set() -> None:
    scene = Scene()
    assert page(scene, "/quotas") == {}
    for role in ("www", "ads"):
        scene.do("setQuota", ownerRole=role, quota=QUOTA)
    www = {"cpu_cores": 1.5, "ram_mb": 2048, "disk_mb": 4096}
    assert page(scene, "/quotas") == {"www": www, "ads": www}
    assert page(scene, "/quotas", role="www") == {"www": www}
    assert page(scene, "/quotas", role="nobody") == {}


def test_the_cron_page_has_what_will_ever_run() -> None:
    scene = Scene()
    config = a_config(key=CRON, isService=False)
    job = JobConfiguration(key=CRON, cronSchedule="0 3 * * *", taskConfig=config, instanceCount=1)
    scene.do("scheduleCronJob", description=job)
    never = JobKey(role="www", environment="prod", name="never")
    scene.refused(
        "scheduleCronJob",
        description=JobConfiguration(
            key=never,
            cronSchedule="0 3 31 2 *",
            taskConfig=a_config(key=never, isService=False),
            instanceCount=1,
        ),
    )
    assert page(scene, "/cron") == {"scheduled": {"www/prod/cron": "0 3 * * *"}}


def test_offers_are_what_is_left_of_the_hosts() -> None:
    scene = Scene(a_host("host-1", rack="a"))
    resources = some_resources(ports=("http", "admin"))
    scene.create(a_config(resources=resources))
    scene.at(2000)
    (offer,) = page(scene, "/offers")
    (task,) = scene.tasks()
    assert task.assignedTask is not None
    taken = set((task.assignedTask.assignedPorts or {}).values())
    assert len(taken) == 2
    amounts = {r["name"]: r.get("scalar", {}).get("value") for r in offer["resources"]}
    assert amounts == {
        "cpus": 16.0 - 1 - 0.25,
        "mem": 16_384.0 - 128 - 128,
        "disk": 102_400.0 - 128,
        "ports": None,
    }
    (ports,) = (r["ranges"]["range"] for r in offer["resources"] if r["name"] == "ports")
    offered = {p for r in ports for p in range(r["begin"], r["end"] + 1)}
    assert offered == set(range(40_000, 41_001)) - taken
    assert offer["hostname"] == "host-1"
    assert {a["name"]: a["text"]["value"] for a in offer["attributes"]} == {
        "host": "host-1",
        "rack": "a",
    }


def test_tasks_that_wait_are_told_with_their_reason() -> None:
    scene = Scene()
    scene.create(a_config(resources=some_resources(cpu=100.0)), 2)
    scene.at(1000)
    (group,) = page(scene, "/pendingtasks")
    ids = {t.assignedTask.taskId for t in scene.tasks() if t.assignedTask is not None}
    assert set(group["taskIds"]) == ids
    assert group["name"] == "www/prod/web"
    assert group["reason"] == "[Insufficient: CPU]"
    assert group["penaltyMs"] > 0


def test_figures_tell_states_and_what_happened() -> None:
    scene = Scene(*hosts(2, rack="a"))
    scene.create(a_config(), 2)
    scene.at(2000)
    scene.aurora.lose_host("host-1")
    scene.at(4000)
    key = scene.update(a_config("2"), 2)
    scene.at(8000)
    assert scene.statuses(key) == ["ROLLING_FORWARD", "ROLLED_FORWARD"]
    told = page(scene, "/vars.json")
    lost = told["tasks_LOST_www/prod/web"]
    assert lost in (1, 2)
    want = {
        "task_store_RUNNING": 2,
        "task_store_PENDING": 0,
        "task_store_LOST": lost,
        "task_store_KILLED": 2,
        "tasks_lost_rack_a": lost,
        "update_transition_ROLLED_FORWARD": 1,
        "update_transition_ABORTED": 0,
        "update_instance_transition_INSTANCE_UPDATED": 2,
        "framework_registered": 1,
        "scheduler_lifecycle_ACTIVE": 1,
        "scheduler_lifecycle_DEAD": 0,
        "outstanding_offers": 1,
    }
    assert {name: told[name] for name in want} == want
    lines = page(scene, "/vars").splitlines()
    assert lines == sorted(f"{name} {figure}" for name, figure in told.items())
    scene.reopen()
    assert page(scene, "/vars.json") == told


def test_hosts_are_on_a_page_for_people() -> None:
    scene = Scene(a_host("a&b", rack="x"), a_host("other"))
    scene.do("drainHosts", hosts=Hosts(hostNames=("other",)))
    told = page(scene, "/agents")
    assert "a&amp;b<td>NONE<td>host=[a&amp;b], rack=[x]" in told
    assert "other<td>DRAINED<td>host=[other]" in told
    assert page(scene, "/slaves") == told


def test_tiers_are_those_of_the_rules() -> None:
    assert page(Scene(), "/tiers")["tiers"]["preferred"] == {
        "preemptible": False,
        "revocable": False,
    }


def test_hosts_in_maintenance_are_told_by_how_far_they_are() -> None:
    scene = Scene()
    nothing: dict[str, Any] = {"DRAINED": [], "SCHEDULED": [], "DRAINING": {}}
    assert page(scene, "/maintenance") == nothing
    scene.create(a_config(sim={"kill_ms": 3000}, constraints=(value("host", "host-1"),)), 2)
    scene.at(3000).do("startMaintenance", hosts=Hosts(hostNames=("host-1", "host-3")))
    assert page(scene, "/maintenance") == {**nothing, "SCHEDULED": ["host-1", "host-3"]}
    scene.do("drainHosts", hosts=Hosts(hostNames=("host-1", "host-2")))
    ids = {t.assignedTask.taskId for t in scene.tasks() if t.assignedTask is not None}
    for ms in (3000, 4000):
        told = page(scene.at(ms), "/maintenance")
        assert set(told["DRAINING"].pop("host-1")) == ids
        assert told == {"DRAINED": ["host-2"], "SCHEDULED": ["host-3"], "DRAINING": {}}
    told = page(scene.at(7000), "/maintenance")
    assert told == {"DRAINED": ["host-1", "host-2"], "SCHEDULED": ["host-3"], "DRAINING": {}}


def test_there_are_no_other_pages() -> None:
    assert Aurora("here", (), T0_MS).page("/utilization", {}) is None
