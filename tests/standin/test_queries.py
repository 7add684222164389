"""Asking for tasks, jobs and updates."""

from typing import Any

import pytest

from reconciler.thrift.structs import (
    ACTIVE_UPDATE_STATES,
    JobKey,
    JobUpdateQuery,
    JobUpdateStatus,
    ScheduleStatus,
    TaskQuery,
)
from tests.standin.scene import KEY, Scene, a_config, hosts

S = ScheduleStatus
DEVEL = JobKey(role="www", environment="devel", name="web")
DB = JobKey(role="db", environment="prod", name="main")


def three_jobs() -> Scene:
    """Two jobs of one role, one of another; an instance of the first has ended."""
    scene = Scene(*hosts(8))
    for key, count in ((KEY, 3), (DEVEL, 1), (DB, 2)):
        scene.update(a_config(key=key), count, updateGroupSize=count)
    scene.at(2000).do("killTasks", job=KEY, instances=(1,))
    scene.at(3000)
    return scene


# What is asked, and how many tasks of each job are found.
QUERIES: dict[str, tuple[dict[str, Any], dict[JobKey, int]]] = {
    "everything": ({}, {KEY: 3, DEVEL: 1, DB: 2}),
    "a role": ({"role": "www"}, {KEY: 3, DEVEL: 1}),
    "a blank role is none": ({"role": " "}, {KEY: 3, DEVEL: 1, DB: 2}),
    "a blank environment is one": ({"environment": ""}, {}),
    "an environment": ({"environment": "prod"}, {KEY: 3, DB: 2}),
    "a name": ({"jobName": "web"}, {KEY: 3, DEVEL: 1}),
    "a job": ({"jobKeys": (KEY,)}, {KEY: 3}),
    "two jobs": ({"jobKeys": (KEY, DB)}, {KEY: 3, DB: 2}),
    "a job and another role": ({"jobKeys": (KEY,), "role": "db"}, {}),
    "a job in parts": ({"role": "www", "environment": "prod", "jobName": "web"}, {KEY: 3}),
    "what runs": ({"statuses": (S.RUNNING,)}, {KEY: 2, DEVEL: 1, DB: 2}),
    "what has ended": ({"statuses": (S.KILLED, S.FAILED)}, {KEY: 1}),
    "an instance": ({"instanceIds": (1,)}, {KEY: 1, DB: 1}),
    "a host that is not": ({"slaveHosts": ("ghost",)}, {}),
    "empty sets are not set": (
        {"jobKeys": (), "statuses": (), "taskIds": ()},
        {KEY: 3, DEVEL: 1, DB: 2},
    ),
    "a ghost": ({"taskIds": ("ghost",)}, {}),
}


@pytest.mark.parametrize("case", QUERIES)
def test_which_tasks_a_query_means(case: str) -> None:
    query, expected = QUERIES[case]
    scene = three_jobs()
    found: dict[JobKey, int] = {}
    for task in scene.tasks(**query):
        assert task.assignedTask is not None
        assert task.assignedTask.task is not None
        key = task.assignedTask.task.job or KEY
        found[key] = found.get(key, 0) + 1
    assert found == expected


def test_pages_do_not_overlap_and_miss_nothing() -> None:
    scene = three_jobs()
    pages = [scene.tasks(offset=start, limit=2) for start in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 2, 0]
    assert len({t.assignedTask.taskId for p in pages for t in p if t.assignedTask}) == 6
    assert len(scene.tasks(offset=-1, limit=-1)) == 6


def test_a_key_that_is_none_is_an_error() -> None:
    bad = JobKey(role="www", environment="prod", name="a b")
    words = Scene().refused("getTasksStatus", query=TaskQuery(jobKeys=(bad,)))
    assert words == "Invalid job key format: IJobKey{role=www, environment=prod, name=a b}"


def test_without_configs_only_the_executor_data_is_missing() -> None:
    scene = three_jobs()
    query = TaskQuery(jobKeys=(DB,))
    bare = scene.do("getTasksWithoutConfigs", query=query).tasks
    whole = scene.do("getTasksStatus", query=query).tasks
    assert [t.assignedTask.task.executorConfig.data for t in bare] == [None, None]
    assert [t.assignedTask.task.executorConfig.data for t in whole] == ["version 1"] * 2
    assert {t.assignedTask.task.executorConfig.name for t in bare} == {"AuroraExecutor"}


def test_a_summary_counts_what_has_ended_and_a_list_does_not() -> None:
    scene = three_jobs()
    counts = {job.key: job.instanceCount for job in scene.do("getJobs").configs}
    assert counts == {KEY: 2, DEVEL: 1, DB: 2}
    summaries = {s.job.key: s for s in scene.do("getJobSummary", role="www").summaries}
    assert summaries.keys() == {KEY, DEVEL}
    assert summaries[KEY].job.instanceCount == 3
    stats = summaries[KEY].stats
    assert (stats.activeTaskCount, stats.finishedTaskCount) == (2, 1)
    roles = {r.role: r.jobCount for r in scene.do("getRoleSummary").summaries}
    assert roles == {"www": 2, "db": 1}


def test_updates_are_found_by_what_is_asked_the_newest_change_first() -> None:
    scene = three_jobs()
    running = scene.update(a_config("2", key=DB), 2)

    def ids(**query: Any) -> list[JobKey]:
        asked = JobUpdateQuery(**query)
        found = scene.do("getJobUpdateSummaries", jobUpdateQuery=asked).updateSummaries
        details = scene.do("getJobUpdateDetails", query=asked).detailsList
        assert [d.update.summary for d in details] == list(found)
        return [summary.key.job for summary in found]

    assert ids()[0] == DB
    assert sorted(map(repr, ids())) == sorted(map(repr, (DB, DB, DEVEL, KEY)))
    assert ids(role="www").count(DB) == 0
    assert ids(jobKey=DB) == [DB, DB]
    assert ids(key=running) == [DB]
    assert ids(updateStatuses=tuple(ACTIVE_UPDATE_STATES)) == [DB]
    assert len(ids(updateStatuses=(JobUpdateStatus.ROLLED_FORWARD,))) == 3
    assert len(ids(limit=2)) == 2
    assert len(ids(offset=3)) == 1
    assert ids(user="nobody") == []
    words = scene.refused("getJobUpdateSummaries", jobUpdateQuery=JobUpdateQuery(offset=-1))
    assert words == "-1"


def test_one_update_can_be_asked_for_in_the_old_way() -> None:
    scene = Scene()
    key = scene.update(a_config(), 1)
    response = scene.ask("getJobUpdateDetails", key=key)
    assert response.result is not None
    assert response.result.getJobUpdateDetailsResult is not None
    assert response.result.getJobUpdateDetailsResult.details == scene.details(key)
    assert [d.message for d in response.details or ()] == [
        "The key argument is deprecated, use the query argument instead"
    ]
    assert scene.refused("getJobUpdateDetails") == "Either key or query must be set."


def test_a_job_of_two_configs_is_shown_by_what_runs() -> None:
    scene = Scene(*hosts(8))
    scene.update(a_config("1"), 2, updateGroupSize=2)
    scene.at(1000).update(a_config("2"), 2)
    (job,) = scene.at(1300).do("getJobs").configs
    assert job.taskConfig.executorConfig.data == "version 1"
    assert job.instanceCount == 2
