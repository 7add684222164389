"""Cron templates and their runs."""

from typing import Any

import pytest

from reconciler.thrift.structs import CronCollisionPolicy, JobConfiguration
from tests.standin.scene import KEY, T0_MS, Scene, a_config

MINUTE = 60_000
Policy = CronCollisionPolicy


def a_cron(schedule: str | None = "*/10 * * * *", **differs: Any) -> JobConfiguration:
    told: dict[str, Any] = {
        "key": KEY,
        "cronSchedule": schedule,
        "taskConfig": a_config(isService=False, sim={"finish_ms": 5000}),
        "instanceCount": 2,
    }
    return JobConfiguration(**{**told, **differs})


def scheduled(**differs: Any) -> Scene:
    scene = Scene()
    scene.do("scheduleCronJob", description=a_cron(**differs))
    return scene


def next_run(scene: Scene) -> int:
    (summary,) = scene.do("getJobSummary", role="www").summaries
    return int(summary.nextCronRunMs) - T0_MS


def test_a_job_runs_when_it_is_due_and_again() -> None:
    scene = scheduled()
    due = next_run(scene)
    assert 0 < due <= 10 * MINUTE
    assert (T0_MS + due) % (10 * MINUTE) == 0
    assert scene.at(due - 1).now_is() == {}
    assert scene.at(due + 1000).now_is() == {0: "RUNNING", 1: "RUNNING"}
    assert scene.at(due + 6000).now_is() == {}
    scene.at(due + 10 * MINUTE + 1000)
    assert len(scene.states(0)) == 2


def test_a_template_is_listed_without_a_run_and_in_place_of_one() -> None:
    scene = scheduled()
    (job,) = scene.do("getJobs", ownerRole="www").configs
    assert (job.cronSchedule, job.instanceCount) == ("*/10 * * * *", 2)
    scene.do("startCronJob", job=KEY)
    (job,) = scene.at(1000).do("getJobs", ownerRole="www").configs
    assert job.cronSchedule == "*/10 * * * *"
    assert len(scene.do("getConfigSummary", job=KEY).summary.groups) == 1


COLLISIONS = {
    "by default the one before is killed": (None, "KILLING"),
    "the one before is killed": (Policy.KILL_EXISTING, "KILLING"),
    "the new one is cancelled": (Policy.CANCEL_NEW, "RUNNING"),
}


@pytest.mark.parametrize("case", COLLISIONS)
def test_a_run_that_meets_another(case: str) -> None:
    policy, becomes = COLLISIONS[case]
    scene = scheduled(cronCollisionPolicy=policy)
    scene.do("startCronJob", job=KEY)
    scene.at(1000).do("startCronJob", job=KEY)
    assert set(scene.now_is().values()) == {becomes}


def test_a_killed_run_is_followed_by_one_of_the_template_of_then() -> None:
    scene = scheduled()
    scene.do("startCronJob", job=KEY)
    scene.at(1000).do("startCronJob", job=KEY)
    scene.do("scheduleCronJob", description=a_cron("0 0 1 1 *", instanceCount=1))
    # Asked again after five to ten seconds.
    assert scene.at(5900).now_is() == {}
    assert set(scene.at(11_100).now_is()) == {0, 1}
    assert len(scene.states(1)) == 2


def test_while_a_run_waits_others_are_ignored() -> None:
    scene = scheduled(taskConfig=a_config(isService=False, sim={"kill_ms": 4000}))
    scene.do("startCronJob", job=KEY)
    for ms in (1000, 2000, 3000):
        scene.at(ms).do("startCronJob", job=KEY)
    scene.at(60_000)
    assert len(scene.states(0)) == 2


def test_replacing_a_template_leaves_its_run_alone() -> None:
    scene = scheduled()
    scene.do("startCronJob", job=KEY)
    scene.at(1000)
    new = a_config("2", isService=False)
    scene.do("replaceCronTemplate", config=a_cron(taskConfig=new))
    assert scene.now_is() == {0: "RUNNING", 1: "RUNNING"}
    (group,) = scene.do("getConfigSummary", job=KEY).summary.groups
    assert group.config.executorConfig.data == "version 1"


def test_without_a_template_nothing_runs_and_what_runs_goes_on() -> None:
    scene = scheduled()
    scene.do("startCronJob", job=KEY)
    scene.at(1000).do("descheduleCronJob", job=KEY)
    assert scene.now_is() == {0: "RUNNING", 1: "RUNNING"}
    (job,) = scene.do("getJobs", ownerRole="www").configs
    assert job.cronSchedule is None
    assert scene.at(30 * MINUTE).now_is() == {}
    assert len(scene.states(0)) == 1
    told = scene.ask("descheduleCronJob", job=KEY).details or ()
    assert [d.message for d in told] == ["Job www/prod/web is not scheduled with cron"]


REFUSED: dict[str, tuple[JobConfiguration, str]] = {
    "no schedule": (a_cron(None), "Job www/prod/web has no cron schedule"),
    "an empty one": (a_cron(""), "Job has an empty cron schedule."),
    "a bad one": (a_cron("61 * * * *"), "Invalid cron schedule: 61 * * * *"),
    "overlapping": (
        a_cron(cronCollisionPolicy=Policy.RUN_OVERLAP),
        "The RUN_OVERLAP collision policy has been removed (AURORA-38).",
    ),
    "too many instances": (
        a_cron(instanceCount=4001),
        "Instance count must be between 1 and 4000 inclusive.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_cron_job_is_refused(case: str) -> None:
    job, words = REFUSED[case]
    assert Scene().refused("scheduleCronJob", description=job) == words


def test_a_schedule_that_never_comes_is_refused_but_the_template_stays() -> None:
    scene = Scene()
    words = scene.refused("scheduleCronJob", description=a_cron("0 3 31 2 *")) or ""
    assert words.startswith("org.quartz.SchedulerException: Based on configured schedule")
    assert words.endswith("will never fire.")
    assert len(scene.do("getJobs", ownerRole="www").configs) == 1
    assert (scene.refused("startCronJob", job=KEY) or "").startswith("Failed to start cron job - ")


def test_a_cron_job_is_not_an_ordinary_one() -> None:
    scene = scheduled()
    ordinary = JobConfiguration(key=KEY, taskConfig=a_config(), instanceCount=1)
    assert scene.refused("createJob", description=ordinary) == "Job www/prod/web already exists"
    scene.do("descheduleCronJob", job=KEY)
    scene.do("createJob", description=ordinary)
    words = scene.refused("scheduleCronJob", description=a_cron())
    assert words == "Job www/prod/web already exists"
    words = scene.refused("replaceCronTemplate", config=a_cron())
    assert words == "No cron job found for www/prod/web."
    words = scene.refused("startCronJob", job=KEY)
    assert words == "Failed to start cron job - No cron job found for www/prod/web."
