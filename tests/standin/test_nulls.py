"""Calls that lack an argument, or have nothing in one, are answered in the words of a real one.

They were heard from an Aurora 0.27.0 on Java 17 that asks nobody who he is.
"""

from typing import Any

import pytest

from reconciler.thrift.structs import (
    Hosts,
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    JobUpdateRequest,
    JobUpdateSettings,
    JobUpdateStrategy,
    Range,
    Resource,
    ResourceAggregate,
    ResponseCode,
    SlaPolicy,
)
from tests.standin.scene import Scene, a_config, hosts, settings

GEN = "org.apache.aurora.gen"
ENTITIES = "org.apache.aurora.scheduler.storage.entities"


def unset(kind: str) -> str:
    """Return what is said of a union of which nothing is set."""
    return (
        f'Cannot invoke "{GEN}.{kind}$_Fields.ordinal()" because the return value of '
        f'"{ENTITIES}.I{kind}.getSetField()" is null'
    )


def argument(call: str, number: int = 1) -> str:
    return f'Cannot invoke "{call}" because "<parameter{number}>" is null'


REQUEST = JobUpdateRequest(taskConfig=a_config(), instanceCount=1, settings=settings())
STRANGE = JobUpdateSettings(updateStrategy=JobUpdateStrategy())
EACH = "java.util.Set.forEach(java.util.function.Consumer)"
BACKWARDS = JobUpdateSettings(updateOnlyTheseInstances=(Range(first=3, last=1),))

CASES: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "killTasks": ("killTasks", {}, argument(f"{GEN}.JobKey.getRole()")),
    "restartShards": ("restartShards", {}, argument(f"{GEN}.JobKey.getRole()")),
    "descheduleCronJob": ("descheduleCronJob", {}, argument(f"{GEN}.JobKey.getRole()")),
    "startCronJob": ("startCronJob", {}, argument(f"{GEN}.JobKey.getRole()")),
    "getConfigSummary": ("getConfigSummary", {}, argument(f"{GEN}.JobKey.getRole()")),
    "getConfigSummary of a bad key": ("getConfigSummary", {"job": JobKey()}, None),
    "addInstances": ("addInstances", {}, argument(f"{GEN}.InstanceKey.getJobKey()")),
    "addInstances of no job": (
        "addInstances",
        {"key": InstanceKey(), "count": 1},
        argument(f"{GEN}.JobKey.getRole()"),
    ),
    **{
        f"{lead}JobUpdate": (f"{lead}JobUpdate", {}, argument(f"{GEN}.JobUpdateKey.isSetJob()"))
        for lead in ("pause", "resume", "abort", "rollback", "pulse")
    },
    "pauseJobUpdate of no job": ("pauseJobUpdate", {"key": JobUpdateKey(id="1")}, None),
    "createJob": ("createJob", {}, argument(f"{GEN}.JobConfiguration.isSetKey()")),
    "scheduleCronJob": ("scheduleCronJob", {}, argument(f"{GEN}.JobConfiguration.isSetKey()")),
    "replaceCronTemplate": (
        "replaceCronTemplate",
        {},
        argument(f"{GEN}.JobConfiguration.isSetKey()"),
    ),
    "scheduleCronJob of no job": ("scheduleCronJob", {"description": JobConfiguration()}, None),
    "a union before the key": (
        "scheduleCronJob",
        {"description": JobConfiguration(taskConfig=a_config(slaPolicy=SlaPolicy()))},
        unset("SlaPolicy"),
    ),
    "populateJobConfig": ("populateJobConfig", {}, None),
    "startJobUpdate": ("startJobUpdate", {}, None),
    "startJobUpdate of no task": (
        "startJobUpdate",
        {"request": JobUpdateRequest()},
        f'Cannot invoke "{GEN}.TaskConfig.isIsService()" because the return value of '
        f'"{GEN}.JobUpdateRequest.getTaskConfig()" is null',
    ),
    "startJobUpdate without settings": (
        "startJobUpdate",
        {"request": JobUpdateRequest(taskConfig=a_config())},
        None,
    ),
    "a strategy of an unknown kind": (
        "startJobUpdate",
        {"request": JobUpdateRequest(taskConfig=a_config(tier="a b"), settings=STRANGE)},
        unset("JobUpdateStrategy"),
    ),
    "getJobUpdateDiff": (
        "getJobUpdateDiff",
        {},
        'Cannot read field "__isset_bitfield" because "<parameter1>" is null',
    ),
    "getJobUpdateDiff of no task": (
        "getJobUpdateDiff",
        {"request": JobUpdateRequest()},
        argument(f"{GEN}.TaskConfig.isSetJob()"),
    ),
    "getJobUpdateDiff of a strategy of an unknown kind": (
        "getJobUpdateDiff",
        {"request": JobUpdateRequest(taskConfig=a_config(), settings=STRANGE)},
        unset("JobUpdateStrategy"),
    ),
    "getJobUpdateDiff without settings": (
        "getJobUpdateDiff",
        {"request": JobUpdateRequest(taskConfig=a_config(), instanceCount=1)},
        f'Cannot invoke "{ENTITIES}.IJobUpdateSettings.getUpdateOnlyTheseInstances()" because the '
        f'return value of "{ENTITIES}.IJobUpdateRequest.getSettings()" is null',
    ),
    "a bad count before no settings": (
        "getJobUpdateDiff",
        {"request": JobUpdateRequest(taskConfig=a_config(), instanceCount=-4)},
        "Invalid range: [0..-4)",
    ),
    "a bad count before a bad scope": (
        "getJobUpdateDiff",
        {"request": JobUpdateRequest(taskConfig=a_config(), instanceCount=-4, settings=BACKWARDS)},
        "Invalid range: [0..-4)",
    ),
    "getTasksStatus": ("getTasksStatus", {}, None),
    "getPendingReason": ("getPendingReason", {}, None),
    "getJobUpdateSummaries": ("getJobUpdateSummaries", {}, None),
    "pruneTasks": ("pruneTasks", {}, argument(f"{GEN}.TaskQuery.isSetStatuses()")),
    "setQuota": ("setQuota", {"ownerRole": "www"}, None),
    "setQuota of nothing": (
        "setQuota",
        {"ownerRole": "www", "quota": ResourceAggregate()},
        f'Cannot invoke "java.util.Set.size()" because the return value of '
        f'"{GEN}.ResourceAggregate.getResources()" is null',
    ),
    "setQuota of an unknown kind": (
        "setQuota",
        {
            "ownerRole": "www",
            "quota": ResourceAggregate(resources=(Resource(), Resource(ramMb=1))),
        },
        unset("Resource"),
    ),
    **{
        method: (method, {}, argument(f"{GEN}.Hosts.getHostNamesSize()"))
        for method in ("startMaintenance", "drainHosts", "slaDrainHosts", "endMaintenance")
    },
    "maintenanceStatus": (
        "maintenanceStatus",
        {},
        argument(f"{GEN}.Hosts.getHostNamesSize()"),
    ),
    "startMaintenance of none": (
        "startMaintenance",
        {"hosts": Hosts()},
        argument("java.util.Set.iterator()", 2),
    ),
    "drainHosts of none": ("drainHosts", {"hosts": Hosts()}, argument(EACH, 2)),
    "slaDrainHosts of none": ("slaDrainHosts", {"hosts": Hosts()}, argument(EACH, 2)),
    "endMaintenance of none": ("endMaintenance", {"hosts": Hosts()}, argument(EACH)),
    "maintenanceStatus of none": ("maintenanceStatus", {"hosts": Hosts()}, None),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_an_error_in_these_words(case: str) -> None:
    method, args, words = CASES[case]
    response = Scene().ask(method, **args)
    assert response.responseCode is ResponseCode.ERROR
    assert [detail.message for detail in response.details or ()] == [words]


def test_a_default_policy_is_looked_at_only_if_hosts_are_named() -> None:
    scene = Scene(*hosts(1))
    for names, code in (((), ResponseCode.OK), (("host-1",), ResponseCode.ERROR)):
        response = scene.ask(
            "slaDrainHosts",
            hosts=Hosts(hostNames=names),
            defaultSlaPolicy=SlaPolicy(),
            timeoutSecs=60,
        )
        assert response.responseCode is code


def test_a_range_that_is_sent_twice_is_one() -> None:
    scope = JobUpdateSettings(updateOnlyTheseInstances=(Range(last=1), Range(first=0, last=1)))
    request = JobUpdateRequest(taskConfig=a_config(), instanceCount=3, settings=scope)
    found = Scene().do("getJobUpdateDiff", request=request)
    assert [(r.first, r.last) for group in found.add for r in group.instances] == [(0, 1)]


def test_a_message_is_as_long_as_java_counts() -> None:
    scene = Scene()
    key = scene.update(a_config(), 1)
    scene.do("pauseJobUpdate", key=key, message="\N{SNOWMAN}" * 1024)
    scene.do("resumeJobUpdate", key=key, message="\N{HATCHING CHICK}" * 512)
    assert scene.refused("pauseJobUpdate", key=key, message="\N{HATCHING CHICK}" * 513) is None


def test_an_update_key_without_anything_names_no_update() -> None:
    words = Scene().refused("getJobUpdateDetails", key=JobUpdateKey())
    assert words == "Invalid update: IJobUpdateKey{job=null, id=null}"
