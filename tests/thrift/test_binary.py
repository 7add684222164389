"""The binary protocol: what was recorded, what comes back, and what wrong bytes are read as."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.thrift import binary, binary_calls, calls
from reconciler.thrift.binary import Reader
from reconciler.thrift.structs import (
    JobKey,
    JobUpdateSettings,
    Resource,
    Response,
    ScheduleStatus,
    TaskQuery,
)
from reconciler.thrift.tjson import ProtocolError
from tests.support import structs
from tests.support.recordings import Http, https

SENT = {
    e.http_call: e
    for e in https("doors")
    if e.sent.get("ctype") == "application/vnd.apache.thrift.binary"
}
ACCEPTED = [
    e for e in https("doors") if e.sent.get("accept") == "application/vnd.apache.thrift.binary"
]


def without_unset(args: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in args.items() if value is not None}


RECORDED: dict[str, tuple[str, dict[str, Any]]] = {
    "binary protocol": ("getTierConfigs", {}),
    "binary request, JSON accepted": ("getTierConfigs", {}),
    "binary getJobs": ("getJobs", {"ownerRole": "r24"}),
    "binary write": (
        "killTasks",
        {
            "job": JobKey(role="r24", environment="prod", name="web"),
            "instances": (0,),
            "message": "x",
        },
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_call_is_read_and_written(name: str) -> None:
    method, args = RECORDED[name]
    call = binary_calls.decode_call(SENT[name].body)
    assert (call.method, call.message_type, call.seqid) == (method, calls.CALL, 0)
    assert without_unset(dict(call.args)) == args
    assert binary_calls.encode_call(method, 0, **args) == SENT[name].body


def test_all_that_was_recorded_is_here() -> None:
    assert RECORDED.keys() == SENT.keys()
    assert len(ACCEPTED) == 1


@pytest.mark.parametrize("exchange", ACCEPTED, ids=lambda e: e.http_call)
def test_a_recorded_reply_is_read_and_written(exchange: Http) -> None:
    response = binary_calls.decode_reply(exchange.reply, "getJobs")
    assert binary_calls.encode_reply("getJobs", 0, response) == exchange.reply
    # The same as JSON, asked for at about the same time.
    asked = next(e for e in https("doors") if e.http_call == "accept anything")
    assert calls.decode_reply(asked.reply, "getJobs") == response


@pytest.mark.parametrize("cls", structs.STRUCTS, ids=lambda cls: str(cls.__name__))
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_any_value_of_a_struct_comes_back(cls: Any, data: st.DataObject) -> None:
    value = data.draw(structs.a(cls))
    assert binary.decode(cls, Reader(binary.encode(value))) == value


@settings(max_examples=50, deadline=None)
@given(structs.a(Response))
def test_any_reply_comes_back(response: Response) -> None:
    data = binary_calls.encode_reply("getQuota", 7, response)
    assert binary_calls.decode_reply(data, "getQuota") == response


def test_an_exception_comes_back() -> None:
    data = binary_calls.encode_exception("getJobs", 3, "no", 7)
    with pytest.raises(calls.ApplicationError) as raised:
        binary_calls.decode_reply(data, "getJobs")
    assert (raised.value.message, raised.value.type) == ("no", 7)


def test_a_reply_to_something_else_is_none() -> None:
    response = Response(responseCode=None)
    data = binary_calls.encode_reply("getJobs", 0, response)
    with pytest.raises(ProtocolError, match="asked getQuota, answered 'getJobs'"):
        binary_calls.decode_reply(data, "getQuota")


def test_a_call_without_a_version_is_read_too() -> None:
    loose = b"\0\0\0\7getJobs" + b"\1" + b"\0\0\0\5" + b"\0"
    call = binary_calls.decode_call(loose)
    assert (call.method, call.message_type, call.seqid) == ("getJobs", 1, 5)


# --- wrong bytes


def field(kind: int, number: int, value: bytes) -> bytes:
    return bytes([kind]) + number.to_bytes(2) + value


def text(told: bytes) -> bytes:
    return len(told).to_bytes(4) + told


READ_AS: dict[str, tuple[Any, bytes, Any]] = {
    "a field of an unknown id is skipped": (
        JobKey,
        field(binary.STRING, 9, text(b"x")) + field(binary.STRING, 1, text(b"www")) + b"\0",
        JobKey(role="www"),
    ),
    "a field of another type is skipped": (
        JobKey,
        field(binary.I32, 1, b"\0\0\0\5") + field(binary.STRING, 3, text(b"web")) + b"\0",
        JobKey(name="web"),
    ),
    "a set of maps of structs is skipped": (
        JobKey,
        field(
            binary.SET,
            8,
            bytes([binary.MAP])
            + (1).to_bytes(4)
            + bytes([binary.STRING, binary.STRUCT])
            + (1).to_bytes(4)
            + text(b"k")
            + field(binary.DOUBLE, 1, b"\0" * 8)
            + b"\0",
        )
        + field(binary.STRING, 1, text(b"www"))
        + b"\0",
        JobKey(role="www"),
    ),
    "a skipped list of a type that there is not has no length": (
        JobKey,
        field(binary.LIST, 8, bytes([99]) + b"\x7f\xff\xff\xff") + b"\0",
        JobKey(),
    ),
    "a skipped field of a type that there is not has none either": (
        JobKey,
        field(99, 8, b"") + field(binary.STRING, 1, text(b"www")) + b"\0",
        JobKey(role="www"),
    ),
    "bytes that are no text": (
        JobKey,
        field(binary.STRING, 1, text(b"a\xffb")) + b"\0",
        JobKey(role="a\ufffdb"),
    ),
    "a flag that is neither 0 nor 1 is false": (
        JobUpdateSettings,
        field(binary.BOOL, 6, b"\2") + b"\0",
        JobUpdateSettings(rollbackOnFailure=False),
    ),
    "an element is what it should be, whatever the set says": (
        TaskQuery,
        field(binary.SET, 7, bytes([binary.STRING]) + (2).to_bytes(4) + b"\0\0\0\3\0\0\0\4")
        + b"\0",
        TaskQuery(instanceIds=(3, 4)),
    ),
    "a member of a union that nobody knows": (
        Resource,
        field(binary.I32, 44, b"\0\0\0\1") + b"\0",
        Resource(),
    ),
    "of a union with two members the second begins where the end should be": (
        # Type and id are taken for the end; the value is what comes after the union.
        Resource,
        field(binary.I64, 2, (5).to_bytes(8)) + field(binary.I64, 3, (6).to_bytes(8)) + b"\0",
        Resource(ramMb=5),
    ),
    "what follows is not looked at": (JobKey, b"\0hello", JobKey()),
}


@pytest.mark.parametrize("name", READ_AS)
def test_wrong_bytes_are_read_as_libthrift_reads_them(name: str) -> None:
    cls, data, want = READ_AS[name]
    assert binary.decode(cls, Reader(data)) == want


REFUSED: dict[str, tuple[Any, bytes]] = {
    "nothing": (JobKey, b""),
    "no end": (JobKey, field(binary.STRING, 1, text(b"www"))),
    "a text that is cut": (JobKey, field(binary.STRING, 1, (9).to_bytes(4) + b"www")),
    "a set that is cut": (
        TaskQuery,
        field(binary.SET, 7, bytes([binary.I32]) + b"\x7f\xff\xff\xff"),
    ),
    "a number among states that is none of one": (
        TaskQuery,
        field(binary.SET, 5, bytes([binary.I32]) + (1).to_bytes(4) + (99).to_bytes(4)) + b"\0",
    ),
    "structs in structs without an end": (JobKey, field(binary.STRUCT, 9, b"") * 100_000),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bytes_that_cannot_be_read_are_refused(name: str) -> None:
    cls, data = REFUSED[name]
    with pytest.raises(ProtocolError):
        binary.decode(cls, Reader(data))


def test_an_unknown_state_is_unset() -> None:
    data = binary_calls.encode_call("forceTaskState", 0, status=ScheduleStatus.RUNNING)
    known = binary_calls.decode_call(data)
    assert known.args["status"] is ScheduleStatus.RUNNING
    other = data.replace((2).to_bytes(4) + b"\0", (99).to_bytes(4) + b"\0")
    assert other != data
    assert binary_calls.decode_call(other).args["status"] is None


def test_a_negative_length_is_told_to_the_caller() -> None:
    data = binary_calls.encode_call("getJobs", 8, ownerRole="www")
    cut = data.replace(text(b"www"), b"\xff\xff\xff\xff")
    with pytest.raises(calls.UnreadableArguments) as raised:
        binary_calls.decode_call(cut)
    assert (raised.value.method, raised.value.seqid) == ("getJobs", 8)
    assert str(raised.value) == "Negative length: -1"


def test_an_unknown_method_is_told_once_its_arguments_are_passed() -> None:
    data = binary_calls.encode_call("getJobs", 8, ownerRole="www")
    other = data.replace(b"getJobs", b"getNuts")
    with pytest.raises(calls.UnknownMethod, match="Invalid method name: 'getNuts'"):
        binary_calls.decode_call(other)
    with pytest.raises(ProtocolError, match="more bytes"):
        binary_calls.decode_call(other[:-2])


def test_an_unknown_method_of_which_nothing_ends_is_refused() -> None:
    deep = field(binary.STRUCT, 1, b"") * 5_000 + b"\0" * 5_001
    with pytest.raises(ProtocolError, match="nested too deeply"):
        binary_calls.decode_call(b"\0\0\0\7getNuts" + b"\1" + b"\0\0\0\5" + deep)


def test_another_version_is_refused() -> None:
    data = binary_calls.encode_call("getJobs", 8)
    with pytest.raises(ProtocolError, match="version 0x80020000"):
        binary_calls.decode_call(b"\x80\x02" + data[2:])


def test_a_union_of_which_nothing_is_set_cannot_be_written() -> None:
    with pytest.raises(ProtocolError, match="Resource: a union with 0 members set"):
        binary.encode(Resource())


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted(RECORDED)), st.data())
def test_any_change_of_a_call_gives_a_call_or_a_refusal(name: str, data: st.DataObject) -> None:
    told = bytearray(SENT[name].body)
    for _ in range(data.draw(st.integers(1, 4))):
        told[data.draw(st.integers(0, len(told) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(told)))
    for sent in (bytes(told), bytes(told[:cut]), base64.b64encode(told)):
        try:
            binary_calls.decode_call(sent)
        except ProtocolError:
            continue
