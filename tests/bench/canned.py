"""A door to a cluster that runs exactly what is rendered: no scheduler's work is measured.

Replies in bulk are made once and are bytes from then on. What depends on a call's arguments (one
job's groups, its diff) is made when it is asked.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.model.rendered import RenderedJob
from reconciler.scheduler.http import Silence
from reconciler.thrift import structs as aurora
from reconciler.thrift.calls import CALL, Call, decode_call, encode_reply
from reconciler.translate import requests

PLENTY = aurora.ResourceAggregate(
    resources=(
        aurora.Resource(numCpus=1e6),
        aurora.Resource(ramMb=1 << 40),
        aurora.Resource(diskMb=1 << 40),
    )
)
NO_UPDATES = aurora.GetJobUpdateSummariesResult(updateSummaries=())
NO_TASKS = aurora.ScheduleStatusResult(tasks=())


def whole_job(job: RenderedJob) -> aurora.JobConfiguration:
    """Return the job as getJobs tells it when it runs as declared."""
    config = requests.task_config(job.config)
    return aurora.JobConfiguration(
        key=requests.job_key(job.desired.key),
        owner=config.owner,
        taskConfig=config,
        instanceCount=job.desired.spec.instances,
    )


class CannedDoor:
    """Answers for a cluster named `name` in which `jobs` run as declared."""

    def __init__(self, name: str, jobs: Iterable[RenderedJob]) -> None:
        self._name = name
        self.leader = "http://canned"
        self.jobs = {str(requests.job_key(j.desired.key)): whole_job(j) for j in jobs}
        self.replies = {
            method: encode_reply(method, 1, self.respond(Call(method, 1, CALL, {})))
            for method in ("getJobs", "getJobUpdateSummaries", "getTasksWithoutConfigs")
        }

    def exchange(self, body: bytes, *, write: bool) -> bytes | Silence:
        """Return the reply to a read; a benchmark writes nothing."""
        assert not write, "nothing is sent in a benchmark"
        # The head of a message: [1,"getJobs",...
        method = body[4 : body.index(b'"', 4)].decode()
        known = self.replies.get(method)
        return known if known is not None else self._asked(decode_call(body))

    def respond(self, call: Call) -> aurora.Response:
        """Return the response to a read."""
        made: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "getJobs": self._some,
            "getJobUpdateSummaries": lambda _: {"getJobUpdateSummariesResult": NO_UPDATES},
            "getTasksWithoutConfigs": lambda _: {"scheduleStatusResult": NO_TASKS},
            "getTasksStatus": self._first_task,
            "getConfigSummary": self._groups,
            "getJobUpdateDiff": self._diff,
            "getQuota": lambda _: {"getQuotaResult": aurora.GetQuotaResult(quota=PLENTY)},
        }
        return aurora.Response(
            responseCode=aurora.ResponseCode.OK,
            serverInfo=aurora.ServerInfo(clusterName=self._name),
            result=aurora.Result(**made[call.method](call.args)),
            details=(),
        )

    def _asked(self, call: Call) -> bytes:
        return encode_reply(call.method, 1, self.respond(call))

    def _some(self, args: Mapping[str, Any]) -> dict[str, Any]:
        role = args.get("ownerRole")
        found = (j for j in self.jobs.values() if not role or (j.key and j.key.role == role))
        return {"getJobsResult": aurora.GetJobsResult(configs=tuple(found))}

    def _first_task(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the first instance of the job that a query names."""
        query: aurora.TaskQuery = args["query"]
        key = aurora.JobKey(role=query.role, environment=query.environment, name=query.jobName)
        config = self.jobs[str(key)].taskConfig
        task = aurora.AssignedTask(
            taskId=f"{query.jobName}-0", slaveHost="agent-1", task=config, instanceId=0
        )
        running = aurora.ScheduledTask(assignedTask=task, status=aurora.ScheduleStatus.RUNNING)
        return {"scheduleStatusResult": aurora.ScheduleStatusResult(tasks=(running,))}

    def _groups(self, args: Mapping[str, Any]) -> dict[str, Any]:
        job = self.jobs[str(args["job"])]
        groups = (_group(job.taskConfig, job.instanceCount or 0),)
        summary = aurora.ConfigSummary(key=job.key, groups=groups)
        return {"configSummaryResult": aurora.ConfigSummaryResult(summary=summary)}

    def _diff(self, args: Mapping[str, Any]) -> dict[str, Any]:
        request: aurora.JobUpdateRequest = args["request"]
        changed = (_group(request.taskConfig, request.instanceCount or 0),)
        found = aurora.GetJobUpdateDiffResult(add=(), remove=(), update=changed, unchanged=())
        return {"getJobUpdateDiffResult": found}


def _group(config: aurora.TaskConfig | None, instances: int) -> aurora.ConfigGroup:
    return aurora.ConfigGroup(config=config, instances=(aurora.Range(first=0, last=instances - 1),))
