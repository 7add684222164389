"""Replies are decoded side by side from the first on; msgspec must not learn of types meanwhile."""

import subprocess
import sys

import pytest

from reconciler.thrift.calls import encode_call, encode_reply
from reconciler.thrift.structs import (
    ConfigGroup,
    ConfigSummary,
    ConfigSummaryResult,
    ExecutorConfig,
    GetPendingReasonResult,
    GetQuotaResult,
    JobKey,
    PendingReason,
    PopulateJobResult,
    Range,
    Resource,
    ResourceAggregate,
    Response,
    ResponseCode,
    Result,
    TaskConfig,
)

KEY = JobKey(role="www", environment="prod", name="web")
RESOURCES = (Resource(numCpus=1.0), Resource(ramMb=128))
CONFIG = TaskConfig(
    job=KEY, resources=RESOURCES, executorConfig=ExecutorConfig(name="a", data="{}")
)
RESULTS = {
    "getQuota": Result(getQuotaResult=GetQuotaResult(quota=ResourceAggregate(resources=RESOURCES))),
    "populateJobConfig": Result(populateJobResult=PopulateJobResult(taskConfig=CONFIG)),
    "getConfigSummary": Result(
        configSummaryResult=ConfigSummaryResult(
            summary=ConfigSummary(
                key=KEY,
                groups=(ConfigGroup(config=CONFIG, instances=(Range(first=0, last=1),)),),
            )
        )
    ),
    "getPendingReason": Result(
        getPendingReasonResult=GetPendingReasonResult(
            reasons=(PendingReason(taskId="t", reason="no room"),)
        )
    ),
}
SIDE_BY_SIDE = """
import sys, threading
sys.setswitchinterval(1e-6)
from reconciler.thrift.calls import decode_call, decode_reply
replies, calls = eval(sys.stdin.read())
start, done = threading.Barrier(2 * len(replies) + len(calls)), []
def read(decode, *args):
    start.wait()
    done.append(decode(*args))
threads = [threading.Thread(target=read, args=(decode_reply, d, m)) for m, d in replies * 2]
threads += [threading.Thread(target=read, args=(decode_call, d)) for d in calls]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(done))
"""


@pytest.mark.slow
def test_first_replies_and_calls_are_read_by_many_threads_at_once() -> None:
    ok = ResponseCode.OK
    replies = [
        (method, encode_reply(method, 1, Response(responseCode=ok, result=result)))
        for method, result in RESULTS.items()
    ]
    calls = [encode_call("getQuota", 1, ownerRole="www"), encode_call("killTasks", 2, job=KEY)]
    for _ in range(10):
        ended = subprocess.run(
            [sys.executable, "-c", SIDE_BY_SIDE],
            input=repr((replies, calls)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stdout) == (0, f"{2 * len(replies) + len(calls)}\n")
