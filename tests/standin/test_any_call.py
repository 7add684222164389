"""Whatever is asked is answered, and what goes wrong is Aurora's fault and not ours."""

import re
from operator import attrgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.standin.aurora import Aurora
from reconciler.standin.door import Door
from reconciler.thrift.calls import METHODS, decode_reply, encode_call
from reconciler.thrift.structs import (
    I32,
    I64,
    ExecutorConfig,
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    JobUpdateRequest,
    JobUpdateSettings,
    Resource,
    Response,
    ResponseCode,
    ScheduleStatus,
    Set,
    TaskConfig,
)
from tests.standin.trees import recorded_hosts
from tests.standin.users import EXAMPLE_USERS
from tests.support.structs import a

pytestmark = pytest.mark.slow

NOW_MS = 1_795_000_000_000

# How Python names what went wrong in our own code.
OURS = re.compile(r"^[A-Za-z]*(Error|Exception|Interrupt|Exit|Iteration)\b")

KEY = JobKey(role="www", environment="prod", name="web")
RESOURCES = (Resource(numCpus=0.1), Resource(ramMb=16), Resource(diskMb=16))
# In the place of the id of an update: the one that was begun last.
LAST = "last"


def part(cls: Any, name: str) -> st.SearchStrategy[Any]:
    """Return what a field of any struct may hold, unset included."""
    return a(cls).map(attrgetter(name))


def mostly(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 9 + [rare]).flatmap(lambda chosen: chosen)


def any_but_rarely(usual: Any, *, strange: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return mostly(st.just(usual), strange)


def tasks(is_service: bool) -> st.SearchStrategy[TaskConfig]:
    """Return tasks of which most are taken, and the others have one thing wrong with them."""
    usual = st.builds(
        TaskConfig,
        job=st.just(KEY),
        isService=st.just(is_service),
        tier=st.sampled_from([None, "preemptible"]),
        resources=st.just(RESOURCES),
        executorConfig=st.just(ExecutorConfig(name="AuroraExecutor", data="{}")),
        priority=st.integers(0, 2),
        maxTaskFailures=st.integers(-1, 3),
    )
    strange = st.sampled_from(TaskConfig.__struct_fields__).flatmap(
        lambda name: st.builds(
            lambda task, value: replace(task, **{name: value}), usual, part(TaskConfig, name)
        )
    )
    return mostly(usual, strange)


counts = mostly(st.integers(1, 5), st.integers(-1, 4001))
jobs = st.builds(
    JobConfiguration,
    key=any_but_rarely(KEY, strange=a(JobKey)),
    taskConfig=tasks(is_service=False),
    instanceCount=counts,
    cronSchedule=st.sampled_from([None, "* * * * *", "x"]),
    cronCollisionPolicy=part(JobConfiguration, "cronCollisionPolicy"),
)
rollouts = st.builds(
    JobUpdateSettings,
    updateGroupSize=st.integers(1, 3),
    maxFailedInstances=st.integers(0, 1),
    minWaitInInstanceRunningMs=st.sampled_from([0, 1000]),
    rollbackOnFailure=st.booleans(),
    waitForBatchCompletion=st.booleans(),
    blockIfNoPulsesAfterMs=st.sampled_from([None, None, 5000]),
    slaAware=any_but_rarely(None, strange=st.booleans()),
    updateOnlyTheseInstances=any_but_rarely(
        None, strange=part(JobUpdateSettings, "updateOnlyTheseInstances")
    ),
    updateStrategy=any_but_rarely(None, strange=part(JobUpdateSettings, "updateStrategy")),
)
requests = mostly(
    st.builds(
        JobUpdateRequest,
        taskConfig=tasks(is_service=True),
        instanceCount=counts,
        settings=rollouts,
    ),
    a(JobUpdateRequest),
)

ARGUMENTS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(["www", "", " ", "x"]),
    I32: st.integers(-1, 3),
    I64: st.integers(-1, 2**40),
    Set[I32]: st.just((0,)) | st.lists(st.integers(0, 5), max_size=3).map(tuple),
    ScheduleStatus: st.sampled_from(list(ScheduleStatus)),
    JobKey: any_but_rarely(KEY, strange=a(JobKey)),
    JobConfiguration: jobs,
    JobUpdateRequest: requests,
    InstanceKey: st.builds(InstanceKey, jobKey=st.just(KEY), instanceId=st.integers(0, 3)),
    JobUpdateKey: any_but_rarely(JobUpdateKey(job=KEY, id=LAST), strange=a(JobUpdateKey)),
}
# Asked for more often: these bring a cluster into motion.
MOVING = (
    *("startJobUpdate",) * 4,
    *("pauseJobUpdate", "resumeJobUpdate", "rollbackJobUpdate", "abortJobUpdate"),
    *("pulseJobUpdate", "killTasks", "restartShards", "createJob"),
    # These need what another call has made, with no update in their way.
    *("addInstances", "scheduleCronJob", "startCronJob") * 3,
)

Asked = tuple[str, dict[str, Any], int]


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """Return any call, and how long to wait before it."""
    method = draw(st.sampled_from(MOVING) | st.sampled_from(sorted(METHODS)))
    args = {
        param.name: draw(mostly(_argument(param.type), st.none()))
        for param in METHODS[method].params
    }
    return method, args, draw(st.sampled_from([0, 1, 400, 2000, 70_000]))


def _argument(kind: Any) -> st.SearchStrategy[Any]:
    return ARGUMENTS[kind] if kind in ARGUMENTS else a(kind)


def answered(door: Door, method: str, args: dict[str, Any]) -> Response | None:
    """Return the response; None where there is none, since Thrift could not write it."""
    answer = door.answer("POST", "/api", {}, encode_call(method, 1, **args))
    if answer.status == 200:
        return decode_reply(answer.body, method)
    assert answer.status == 500
    assert b"TProtocolException" in answer.body
    return None


def started(response: Response | None) -> str | None:
    """Return the id of the update that a response tells of."""
    result = None if response is None else response.result
    told = None if result is None else result.startJobUpdateResult
    return None if told is None or told.key is None else told.key.id


def hold(conversation: list[Asked]) -> list[tuple[str, Response | None]]:
    """Return the answers of a fresh cluster."""
    aurora = Aurora("local", recorded_hosts(), NOW_MS)
    door = Door(aurora, None)
    last, found = "", []
    for method, args, wait_ms in conversation:
        aurora.advance(aurora.now_ms + wait_ms)
        if args.get("key") == JobUpdateKey(job=KEY, id=LAST):
            args = {**args, "key": JobUpdateKey(job=KEY, id=last)}
        response = answered(door, method, args)
        last = started(response) or last
        found.append((method, response))
    aurora.advance(aurora.now_ms + 600_000)
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(asked(), min_size=1, max_size=15))
def test_any_call_at_any_time_has_an_answer(conversation: list[Asked]) -> None:
    for method, response in hold(conversation):
        for detail in (response.details if response is not None else ()) or ():
            assert not OURS.search(detail.message or ""), (method, detail.message)


def test_calls_are_often_enough_taken_to_tell_anything() -> None:
    taken: set[str] = set()

    @settings(max_examples=600, deadline=None, database=None, derandomize=True)
    @given(st.lists(asked(), min_size=5, max_size=15))
    def run(conversation: list[Asked]) -> None:
        for method, response in hold(conversation):
            if response is not None and response.responseCode is ResponseCode.OK:
                taken.add(method)

    run()
    assert taken >= set(MOVING)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_have_an_answer(body: bytes) -> None:
    door = Door(Aurora("local", (), NOW_MS), EXAMPLE_USERS)
    assert door.answer("POST", "/api", {}, body).status in (200, 401, 500)
