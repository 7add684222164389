"""Every struct that can travel comes back as it left, and bytes are a function of the value."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.thrift import calls, tjson
from reconciler.thrift.structs import (
    AssignedTask,
    JobKey,
    Metadata,
    PercentageSlaPolicy,
    Resource,
    Response,
    Result,
    ScheduledTask,
    ScheduleStatusResult,
    SlaPolicy,
    TaskConfig,
)
from tests.support import structs


@pytest.mark.parametrize("cls", structs.STRUCTS, ids=lambda cls: str(cls.__name__))
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_value_of_a_struct_comes_back(cls: Any, data: st.DataObject) -> None:
    value = data.draw(structs.a(cls))
    sent = tjson.encode(value)
    assert tjson.decode(cls, sent) == value
    assert tjson.decode(cls, sent, lenient=True) == value
    assert tjson.encode(tjson.decode(cls, sent)) == sent


def test_config_that_is_in_a_message_more_than_once_travels_alike_each_time() -> None:
    """It is encoded once; another one that is equal, and one that is not, are encoded beside it."""
    first, equal, other = (TaskConfig(priority=n) for n in (1, 1, 2))
    tasks = tuple(AssignedTask(task=config) for config in (first, other, first, equal))
    sent = tjson.encode(
        ScheduleStatusResult(tasks=tuple(ScheduledTask(assignedTask=task) for task in tasks))
    )
    found = tjson.decode(ScheduleStatusResult, sent).tasks
    assert found == tuple(ScheduledTask(assignedTask=task) for task in tasks)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(structs.STRUCTS).flatmap(lambda cls: structs.a(cls)))
def test_many_values_of_structs_come_back(value: Any) -> None:
    assert tjson.decode(type(value), tjson.encode(value)) == value


@pytest.mark.parametrize("method", sorted(calls.METHODS))
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_any_call_comes_back(method: str, data: st.DataObject) -> None:
    cls = calls.args_struct(method)
    args = msgspec.structs.asdict(data.draw(structs.a(cls)))
    seqid = data.draw(st.integers(-(2**31), 2**31 - 1))
    call = calls.decode_call(calls.encode_call(method, seqid, **args))
    assert (call.method, call.seqid, call.message_type) == (method, seqid, calls.CALL)
    assert call.args == args


@settings(max_examples=50, deadline=None)
@given(structs.a(Response))
def test_any_reply_comes_back(response: Response) -> None:
    data = calls.encode_reply("getQuota", 7, response)
    assert calls.decode_reply(data, "getQuota") == response


@given(st.text(max_size=40), st.integers(0, 10))
def test_any_exception_comes_back(message: str, type_: int) -> None:
    data = calls.encode_exception("getJobs", 3, message, type_)
    with pytest.raises(calls.ApplicationError) as raised:
        calls.decode_reply(data, "getJobs")
    assert (raised.value.message, raised.value.type) == (message, type_)


DOUBLES = {
    "not a number": (math.nan, '"NaN"'),
    "infinite": (math.inf, '"Infinity"'),
    "infinitely negative": (-math.inf, '"-Infinity"'),
    "whole": (1.0, "1.0"),
    "a share": (0.1, "0.1"),
    "very large": (1e300, "1e300"),
}


@pytest.mark.parametrize("name", DOUBLES)
def test_doubles_travel_as_java_writes_and_reads_them(name: str) -> None:
    value, text = DOUBLES[name]
    sent = tjson.encode(Resource(numCpus=value))
    assert sent.decode() == f'{{"1":{{"dbl":{text}}}}}'
    [back] = [tjson.decode(Resource, sent).numCpus]
    assert back == value or (back is not None and math.isnan(back) and math.isnan(value))


def test_nothing_and_zero_and_empty_are_three_things() -> None:
    for value in (
        TaskConfig(),
        TaskConfig(priority=0),
        TaskConfig(contactEmail=""),
        TaskConfig(metadata=()),
        TaskConfig(slaPolicy=SlaPolicy(percentageSlaPolicy=PercentageSlaPolicy())),
    ):
        assert tjson.decode(TaskConfig, tjson.encode(value)) == value
    assert tjson.encode(TaskConfig()) == b"{}"


def test_sets_keep_the_order_in_which_they_came() -> None:
    for order in (("b", "a"), ("a", "b")):
        value = TaskConfig(metadata=tuple(Metadata(key=k) for k in order))
        assert tjson.decode(TaskConfig, tjson.encode(value)) == value


def test_text_beyond_ascii_is_sent_as_it_is_for_aurora_reads_no_high_escapes() -> None:
    sent = calls.encode_call("getJobs", 0, ownerRole="\u9999 \U0001f600 \x01 \u2028")
    assert "\u9999 \U0001f600 \\u0001 \u2028".encode() in sent
    assert calls.decode_call(sent).args["ownerRole"] == "\u9999 \U0001f600 \x01 \u2028"


def test_messages_are_compact_for_aurora_reads_no_blanks() -> None:
    sent = calls.encode_call("killTasks", 1, job=JobKey(role="a b"), instances=(1, 2))
    assert sent == (
        b'[1,"killTasks",1,1,{"4":{"rec":{"1":{"str":"a b"}}},"5":{"set":["i32",2,1,2]}}]'
    )


def test_a_union_that_has_not_one_member_is_never_sent() -> None:
    for union in (Resource(), Resource(numCpus=1.0, ramMb=1), Result(), SlaPolicy()):
        with pytest.raises(tjson.ProtocolError, match="a union with"):
            tjson.encode(union)


def test_fields_are_written_in_the_order_of_their_ids() -> None:
    value = TaskConfig(isService=True, job=JobKey(name="n", role="r"), tier="t", priority=1)
    assert list(json.loads(tjson.encode(value))) == ["7", "11", "28", "30"]
