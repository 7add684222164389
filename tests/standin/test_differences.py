"""Where the stand-in is not Aurora: what its page says of that, held to be so."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import reconciler.standin
from reconciler.standin.door import Door
from reconciler.standin.quota import Usage
from reconciler.standin.web import TJSON, Answer
from reconciler.thrift.calls import decode_reply
from reconciler.thrift.structs import (
    CoordinatorSlaPolicy,
    ExecutorConfig,
    JobConfiguration,
    JobKey,
    ResponseCode,
    ScheduleStatus,
    SlaPolicy,
)
from tests.standin.scene import KEY, Scene, a_config, hosts, some_resources

PAGE = (Path(__file__).parents[2] / "docs/standin.md").read_text(encoding="utf-8")
ROWS = {
    name: (there, here)
    for name, there, here in re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.partition("What it does otherwise")[2], re.M
    )
    if name != "---"
}
HOUR = 3_600_000


def got(scene: Scene, path: str, method: str = "GET", **headers: str) -> Answer:
    return Door(scene.aurora).answer(method, path, headers, b"")


def said(body: bytes) -> Answer:
    return Door(Scene().aurora).answer("POST", "/api", {"Content-Type": TJSON}, body)


def executors() -> None:
    scene = Scene()
    data = '{"health_check_config": {"health_checker": {"http": {"endpoint": "/health"}}}}'
    executor = ExecutorConfig(name="AuroraExecutor", data=data)
    scene.create(a_config(executorConfig=executor, resources=some_resources(ports=("health",))))
    assert scene.at(HOUR).now_is() == {0: "RUNNING"}


def a_new_leader() -> None:
    scene = Scene()
    failing = a_config(sim={"run_ms": -1, "fail_ms": 5000})
    key = scene.update(failing, 1, maxPerInstanceFailures=1, rollbackOnFailure=False)
    scene.at(7000).reopen()
    assert [life.split()[-1] for life in scene.states(0)] == ["FAILED", "STARTING"]
    assert scene.statuses(key) == ["ROLLING_FORWARD"]
    # It counted both; a new leader would have taken the second one for the first.
    assert scene.at(12_000).statuses(key) == ["ROLLING_FORWARD", "FAILED"]


def backups() -> None:
    scene = Scene()
    scene.do("performBackup")
    assert scene.do("listBackups").backups == ()


def flags() -> None:
    told = got(Scene(), "/api", "OPTIONS", Origin="http://elsewhere").headers
    assert not [name for name in told if name.startswith("Access-Control")]


def pages() -> None:
    there = re.findall(r"`(/\w+)`", ROWS["pages"][0])
    assert len(there) == 13
    assert {got(Scene(), path).status for path in there} == {404}


def figures() -> None:
    told = got(Scene().at(1000), "/vars").body.decode()
    assert re.search("^task_store_RUNNING 0$", told, re.M)
    assert re.search("^outstanding_offers 4$", told, re.M)
    assert not re.search("jvm_|sla_|storage_|resources_", told)


def coordinators() -> None:
    scene = Scene()
    scene.do("setQuota", ownerRole="www", quota=Usage(1000, 10_000, 10_000).aggregate())
    asks = SlaPolicy(coordinatorSlaPolicy=CoordinatorSlaPolicy(coordinatorUrl="http://x/"))
    scene.create(a_config(tier="preferred"), 20)
    new = a_config("2", tier="preferred", slaPolicy=asks)
    key = scene.at(2000).update(new, 20, updateGroupSize=20, slaAware=True)
    scene.at(HOUR)
    assert scene.statuses(key) == ["ROLLING_FORWARD"]
    assert [len(scene.states(i)) for i in range(20)] == [1] * 20


def what_hosts_offer() -> None:
    scene = Scene()
    scene.create(a_config(tier="revocable"))
    assert scene.at(HOUR).now_is() == {0: "PENDING"}
    assert set(scene.reasons().values()) == {"Insufficient: CPU"}


def races() -> None:
    scene = Scene(*hosts(20, cpu=100.0))
    scene.create(a_config(), 500)
    scene.at(600_000)
    lives = [life for i in range(500) for life in scene.states(i)]
    assert lives == ["PENDING ASSIGNED STARTING RUNNING"] * 500


def order() -> None:
    def lived() -> Scene:
        scene = Scene()
        scene.create(a_config(sim={"fail_ms": 700}), 8)
        return scene.at(HOUR)

    assert lived().aurora.dump() == lived().aurora.dump()


def mixed_jobs() -> None:
    scene = Scene()
    scene.create(a_config("1"))
    scene.at(2000).update(a_config("2"), 2, only=((1, 1),), updateGroupSize=2)

    def shown() -> tuple[str, ...]:
        (job,) = scene.do("getJobs").configs
        (summary,) = scene.do("getJobSummary").summaries
        return tuple(told.taskConfig.executorConfig.data for told in (job, summary.job))

    assert scene.at(2500).now_is()[1] != "RUNNING"
    assert shown() == ("version 1",) * 2
    assert scene.at(8000).now_is() == {0: "RUNNING", 1: "RUNNING"}
    assert shown() == ("version 2",) * 2


def downfalls() -> None:
    cron = JobKey(role="www", environment="prod", name="cron")
    config = a_config(key=cron, isService=False, sim={"finish_ms": 600_000, "kill_ms": 30_000})
    job = JobConfiguration(key=cron, cronSchedule="0 0 1 1 *", taskConfig=config, instanceCount=1)
    scene = Scene()
    scene.do("scheduleCronJob", description=job)
    # The second waits until the first is killed; then the third is faster.
    for ms in (0, 2000, 33_000):
        scene.at(ms).do("startCronJob", job=cron)
    lives = [
        "PENDING ASSIGNED STARTING RUNNING KILLING KILLED",
        "PENDING ASSIGNED STARTING RUNNING",
    ]
    assert scene.at(90_000).states(0, cron) == lives

    nowhere = a_config(resources=some_resources(cpu=99.0))
    scene.create(nowhere)
    (waiting,) = scene.tasks(jobKeys=(KEY,))
    assert waiting.assignedTask is not None
    for status in (ScheduleStatus.ASSIGNED, ScheduleStatus.FAILED):
        scene.do("forceTaskState", taskId=waiting.assignedTask.taskId, status=status)
    assert sorted(scene.at(91_000).states(0)) == ["PENDING", "PENDING ASSIGNED FAILED"]


def java() -> None:
    assert (Scene().refused("pruneTasks", query=None) or "").startswith("Cannot invoke ")


def the_first_page() -> None:
    assert got(Scene(), "/tiers").status == 200


def http() -> None:
    scene = Scene()
    assert got(scene, "/tiers", Accept="text/html") == got(scene, "/tiers")
    assert got(scene, "/api", "TRACE").status == 405
    assert "Set-Cookie" not in got(scene, "/tiers").headers


def garbage() -> None:
    unread = said(b'[1,"getTierConfigs",1,1,{"99":{"str":[1,{"x":2}]}}]')
    assert decode_reply(unread.body, "getTierConfigs").responseCode == ResponseCode.OK
    large = b'[1,"getTasksStatus",1,1,{"1":{"rec":{"13":{"i32":4294967297}}}}]'
    assert said(large).status == 500


HERE: dict[str, Callable[[], None]] = {
    "executors": executors,
    "a new leader": a_new_leader,
    "backups": backups,
    "flags": flags,
    "pages": pages,
    "figures": figures,
    "coordinators": coordinators,
    "hosts": what_hosts_offer,
    "races": races,
    "order": order,
    "mixed jobs": mixed_jobs,
    "downfalls": downfalls,
    "Java": java,
    "the first page": the_first_page,
    "HTTP": http,
    "garbage": garbage,
}


@pytest.mark.parametrize("name", HERE)
def test_it_does_otherwise_as_is_told(name: str) -> None:
    HERE[name]()


def test_every_difference_is_told_and_held() -> None:
    assert list(ROWS) == list(HERE)
    told = " ".join((reconciler.standin.__doc__ or "").split())
    assert told.endswith(f": {', '.join(HERE)}.")
