"""Doors and replies written by hand, for what no scheduler would say on request."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from reconciler.scheduler.aurora import Aurora
from reconciler.scheduler.client import Client
from reconciler.scheduler.http import Silence
from reconciler.thrift import calls
from reconciler.thrift.calls import Call
from reconciler.thrift.structs import (
    ConfigSummaryResult,
    GetJobsResult,
    GetJobUpdateSummariesResult,
    JobKey,
    JobUpdateKey,
    JobUpdateSummary,
    Response,
    ResponseCode,
    ResponseDetail,
    Result,
    ScheduleStatusResult,
    ServerInfo,
    StartJobUpdateResult,
)
from tests.support.builders import CLUSTER
from tests.support.recordings import rpcs

HERE = ServerInfo(clusterName=CLUSTER, statsUrlPrefix="")
Answer = Response | Silence | bytes | Callable[[Call], Response | Silence | bytes]

TIMEOUT = Silence("did not answer within 20 s", sent=True, mute=True)
REFUSED_CONNECTION = Silence("cannot be reached", sent=False, mute=True)

# An Aurora that is up and empty.
EMPTY: Mapping[str, Result] = {
    "getJobs": Result(getJobsResult=GetJobsResult(configs=())),
    "getJobUpdateSummaries": Result(
        getJobUpdateSummariesResult=GetJobUpdateSummariesResult(updateSummaries=())
    ),
    "getTasksWithoutConfigs": Result(scheduleStatusResult=ScheduleStatusResult(tasks=())),
    "getTasksStatus": Result(scheduleStatusResult=ScheduleStatusResult(tasks=())),
    "getConfigSummary": Result(configSummaryResult=ConfigSummaryResult()),
}


class ScriptedDoor:
    """Answers each method as told; a list is used up one by one, its last one stays.

    What is not told is answered as by an empty cluster, or with a plain OK.
    """

    def __init__(self, **told: Answer | list[Any]) -> None:
        self._told = told
        self.leader = "http://scripted"
        self.calls: list[Call] = []
        self.writes: list[bool] = []

    @property
    def methods(self) -> list[str]:
        return [call.method for call in self.calls]

    def exchange(self, body: bytes, *, write: bool) -> bytes | Silence:
        call = calls.decode_call(body)
        self.calls.append(call)
        self.writes.append(write)
        answer = self._told.get(call.method, ok(EMPTY.get(call.method)))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if not isinstance(answer, Response | Silence | bytes):
            answer = answer(call)
        if isinstance(answer, Response):
            return calls.encode_reply(call.method, call.seqid, answer)
        return answer


def a_port(door: ScriptedDoor) -> Aurora:
    return Aurora(CLUSTER, Client(door, CLUSTER))


def ok(result: Result | None = None, *words: str, server: ServerInfo | None = HERE) -> Response:
    return coded(ResponseCode.OK, *words, result=result, server=server)


def coded(
    code: ResponseCode | None,
    *words: str,
    result: Result | None = None,
    server: ServerInfo | None = HERE,
) -> Response:
    details = tuple(ResponseDetail(message=word) for word in words)
    return Response(responseCode=code, result=result, serverInfo=server, details=details)


def started(update_id: str, **summary: Any) -> Result:
    key = JobUpdateKey(job=JobKey(role="shop", environment="prod", name="web"), id=update_id)
    return Result(
        startJobUpdateResult=StartJobUpdateResult(
            key=key, updateSummary=JobUpdateSummary(key=key, user="root", **summary)
        )
    )


def recorded(name: str, at_ms: int) -> Response:
    """Return what the recorded scheduler answered at that moment, as if said by our cluster."""
    (found,) = [
        calls.decode_reply(rpc.reply, rpc.call)
        for rpc in rpcs(name)
        if rpc.at_ms == at_ms and rpc.call in calls.READ_ONLY_METHODS
    ]
    return replace(found, serverInfo=HERE)
