"""Any bytes give a value or a ProtocolError: never another exception, and never half a value."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.thrift import calls, tjson
from reconciler.thrift.structs import (
    GetJobsResult,
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateState,
    JobUpdateStatus,
    MesosContainer,
    Resource,
    ScheduledTask,
    ScheduleStatus,
    TaskConfig,
    TaskQuery,
    ValueConstraint,
    Volume,
)
from reconciler.thrift.tjson import ProtocolError
from tests.support import recordings

METHODS = ("getJobs", "getTasksStatus", "getConfigSummary", "startJobUpdate", "getJobUpdateDetails")


def samples() -> dict[str, tuple[bytes, bytes]]:
    """Return the smallest recorded exchange that has a result, for each of some methods."""
    found: dict[str, tuple[bytes, bytes]] = {}
    for name in recordings.NAMES:
        for _, request, reply in recordings.tjson_pairs(name):
            method = str(json.loads(request)[1])
            if method in METHODS and b'"3":{"rec"' in reply:
                known = found.get(method)
                if known is None or len(reply) < len(known[1]):
                    found[method] = request, reply
    assert set(found) == set(METHODS)
    return found


SAMPLES = samples()


def is_value_or_refusal(decode: Callable[[], object]) -> bool:
    """Return whether a value came out; anything but a ProtocolError gets away."""
    try:
        decode()
    except ProtocolError:
        return False
    return True


@pytest.mark.parametrize("method", METHODS)
def test_a_message_cut_anywhere_is_refused(method: str) -> None:
    request, reply = SAMPLES[method]
    for end in range(len(request)):
        with pytest.raises(ProtocolError):
            calls.decode_call(request[:end])
    for end in range(len(reply)):
        with pytest.raises(ProtocolError):
            calls.decode_reply(reply[:end], method)


def test_a_jobs_reply_cut_anywhere_is_refused_by_slices_too() -> None:
    _, reply = SAMPLES["getJobs"]
    for end in range(len(reply)):
        with pytest.raises(ProtocolError):
            calls.decode_get_jobs(reply[:end])


BYTES = {
    "nothing": b"",
    "a word": b"hello",
    "a page of a proxy": b"<html><body>502 Bad Gateway</body></html>",
    "null": b"null",
    "an object": b"{}",
    "an empty array": b"[]",
    "a number": b"1",
    "too few parts": b'[1,"getJobs",2,0]',
    "too many parts": b'[1,"getJobs",2,0,{},{}]',
    "two messages": b'[1,"getJobs",2,0,{}][1,"getJobs",2,0,{}]',
    "binary Thrift": b"\x80\x01\x00\x02\x00\x00\x00\x07getJobs\x00\x00\x00\x00\x00",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "UTF-16": '[1,"getJobs",2,0,{}]'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + b'[1,"getJobs",2,0,{}]',
    "a NUL": b"\x00",
    "NaN, bare": b'[NaN,"getJobs",2,0,{}]',
    "a version as text": b'["1","getJobs",2,0,{}]',
    "a version that is true": b'[true,"getJobs",2,0,{}]',
    "a version with a fraction": b'[1.5,"getJobs",2,0,{}]',
    "version 2": b'[2,"getJobs",2,0,{}]',
    "a name that is a number": b"[1,7,2,0,{}]",
    "a name that is no UTF-8": b'[1,"get\xffJobs",2,0,{}]',
    "an enormous sequence number": b'[1,"getJobs",2,99999999999999999999999,{}]',
    "a body that is null": b'[1,"getJobs",2,0,null]',
    "a body that is an array": b'[1,"getJobs",2,0,[]]',
    "a body that is text": b'[1,"getJobs",2,0,"x"]',
    "deep arrays": b'[1,"getJobs",2,0,' + b"[" * 200_000 + b"]" * 200_000 + b"]",
    "deep objects": b'[1,"getJobs",2,0,' + b'{"0":' * 200_000 + b"1" + b"}" * 200_000 + b"]",
    "deep, never closed": b"[" * 1_000_000,
    "a huge number": b"9" * 1_000_000,
}


@pytest.mark.parametrize("name", BYTES)
def test_what_is_no_message_is_refused(name: str) -> None:
    for decode in (
        lambda: calls.decode_call(BYTES[name]),
        lambda: calls.decode_reply(BYTES[name], "getJobs"),
        lambda: calls.decode_get_jobs(BYTES[name]),
        lambda: tjson.decode(JobKey, BYTES[name]) if name != "an object" else raise_refusal(),
    ):
        with pytest.raises(ProtocolError):
            decode()


def raise_refusal() -> None:
    """`{}` is a struct in which nothing is set."""
    assert tjson.decode(JobKey, b"{}") == JobKey()
    raise ProtocolError


STRUCTS: dict[str, tuple[Any, bytes]] = {
    "text for a number": (InstanceKey, b'{"2":{"i32":"7"}}'),
    "a fraction for a number": (InstanceKey, b'{"2":{"i32":7.5}}'),
    "a whole float for a number": (InstanceKey, b'{"2":{"i32":7.0}}'),
    "true for a number": (InstanceKey, b'{"2":{"i32":true}}'),
    "null for a number": (InstanceKey, b'{"2":{"i32":null}}'),
    "one over the greatest i32": (InstanceKey, b'{"2":{"i32":2147483648}}'),
    "one under the least i32": (InstanceKey, b'{"2":{"i32":-2147483649}}'),
    "one over the greatest i64": (Resource, b'{"2":{"i64":9223372036854775808}}'),
    "a number of a hundred thousand digits": (Resource, b'{"2":{"i64":' + b"9" * 100_000 + b"}}"),
    "a double beyond all doubles": (Resource, b'{"1":{"dbl":1e999}}'),
    "NaN without quotes": (Resource, b'{"1":{"dbl":NaN}}'),
    "a quoted number for a double": (Resource, b'{"1":{"dbl":"1.5"}}'),
    "another word for a double": (Resource, b'{"1":{"dbl":"nan"}}'),
    "true for a bool": (ValueConstraint, b'{"1":{"tf":true}}'),
    "2 for a bool": (ValueConstraint, b'{"1":{"tf":2}}'),
    "a number for text": (JobKey, b'{"1":{"str":7}}'),
    "an object for text": (JobKey, b'{"1":{"str":{}}}'),
    "text that is no UTF-8": (JobKey, b'{"1":{"str":"\xff\xfe"}}'),
    "text cut in a character": (JobKey, b'{"1":{"str":"\xc3"}}'),
    "half a surrogate pair": (JobKey, b'{"1":{"str":"\\ud83d"}}'),
    "surrogates as UTF-8": (JobKey, b'{"1":{"str":"\xed\xa0\xbd"}}'),
    "a box that is no object": (JobKey, b'{"1":"www"}'),
    "a struct that is text": (InstanceKey, b'{"1":{"rec":"www"}}'),
    "a struct that is an array": (InstanceKey, b'{"1":{"rec":[]}}'),
    "a set that is an object": (ValueConstraint, b'{"2":{"set":{}}}'),
    "a set without a head": (ValueConstraint, b'{"2":{"set":[]}}'),
    "a set without a count": (ValueConstraint, b'{"2":{"set":["str"]}}'),
    "a set with too few": (ValueConstraint, b'{"2":{"set":["str",2,"a"]}}'),
    "a set with too many": (ValueConstraint, b'{"2":{"set":["str",1,"a","b"]}}'),
    "a set with a negative count": (ValueConstraint, b'{"2":{"set":["str",-1]}}'),
    "a set with a count as text": (ValueConstraint, b'{"2":{"set":["str","1","a"]}}'),
    "a set with a struct for its type": (TaskConfig, b'{"32":{"set":[{},0]}}'),
    "a set with another type": (ValueConstraint, b'{"2":{"set":["i32",1,7]}}'),
    "a set of text with a number in it": (ValueConstraint, b'{"2":{"set":["str",2,"a",7]}}'),
    "a set of structs with text in it": (GetJobsResult, b'{"1":{"set":["rec",1,"a"]}}'),
    "a set of numbers with text in it": (TaskQuery, b'{"7":{"set":["i32",1,"a"]}}'),
    "a set of numbers with a huge one": (TaskQuery, b'{"7":{"set":["i32",1,2147483648]}}'),
    "an empty set of an unknown type": (ValueConstraint, b'{"2":{"set":["void",0]}}'),
    "a map that is an object": (TaskConfig, b'{"22":{"map":{}}}'),
    "a map without a head": (TaskConfig, b'{"22":{"map":[]}}'),
    "a map without members": (TaskConfig, b'{"22":{"map":["str","str",0]}}'),
    "a map with too few": (TaskConfig, b'{"22":{"map":["str","str",2,{"a":"b"}]}}'),
    "a map with a key twice": (TaskConfig, b'{"22":{"map":["str","str",2,{"a":"b","a":"c"}]}}'),
    "a map with a struct for its type": (TaskConfig, b'{"22":{"map":[{},"str",0,{}]}}'),
    "a map of another type": (TaskConfig, b'{"22":{"map":["str","i32",1,{"a":1}]}}'),
    "a map with one type": (TaskConfig, b'{"22":{"map":["str",1,{"a":"b"}]}}'),
    "a union with no member": (TaskConfig, b'{"29":{"rec":{}}}'),
    "a union with two members": (Resource, b'{"1":{"dbl":1},"2":{"i64":1}}'),
    "an unknown enum number, of a task": (ScheduledTask, b'{"2":{"i32":8}}'),
    "an unknown enum number, in a set": (TaskQuery, b'{"5":{"set":["i32",1,8]}}'),
    "white space for a struct": (JobKey, b" "),
    "bytes after a struct": (JobKey, b"{}{}"),
}


@pytest.mark.parametrize("name", STRUCTS)
def test_a_value_of_the_wrong_form_is_refused(name: str) -> None:
    cls, data = STRUCTS[name]
    with pytest.raises(ProtocolError):
        tjson.decode(cls, data)


SKIPPED: dict[str, tuple[Any, bytes, Any]] = {
    "an unknown field": (JobKey, b'{"1":{"str":"a"},"99":{"i32":1}}', JobKey(role="a")),
    "an unknown field with deep contents": (
        JobKey,
        b'{"99":{"rec":{"1":{"map":["str","rec",1,{"k":{"9":{"tf":1}}}]}}},"1":{"str":"a"}}',
        JobKey(role="a"),
    ),
    "a known field of another type": (
        JobKey,
        b'{"1":{"i32":5},"2":{"str":"prod"}}',
        JobKey(environment="prod"),
    ),
    "a field that is no number": (JobKey, b'{"role":{"str":"a"}}', JobKey()),
    "an empty set of any known type": (
        ValueConstraint,
        b'{"2":{"set":["i32",0]}}',
        ValueConstraint(values=()),
    ),
    "an unknown member of a union": (
        TaskConfig,
        b'{"32":{"set":["rec",1,{"9":{"i64":1}}]}}',
        TaskConfig(resources=(Resource(),)),
    ),
    "a member of a union of another type": (Resource, b'{"2":{"dbl":1.5}}', Resource()),
    "a field that comes twice, but for the last": (
        JobKey,
        b'{"1":{"str":"a"},"1":{"str":"b"}}',
        JobKey(role="b"),
    ),
    "a whole number for a double": (Resource, b'{"1":{"dbl":2}}', Resource(numCpus=2.0)),
    "blanks between parts, from a server": (JobKey, b'{ "1" : {"str":"a"} }', JobKey(role="a")),
}


@pytest.mark.parametrize("name", SKIPPED)
def test_what_thrift_skips_is_skipped(name: str) -> None:
    cls, data, expected = SKIPPED[name]
    assert tjson.decode(cls, data) == expected


def test_an_unknown_state_is_an_error_to_a_client_and_unset_to_a_server() -> None:
    data = b'{"1":{"i32":77}}'
    with pytest.raises(ProtocolError, match="77"):
        tjson.decode(JobUpdateState, data)
    assert tjson.decode(JobUpdateState, data, lenient=True) == JobUpdateState()


def test_lenience_reaches_structs_within_structs_and_sets_but_no_set_of_enums() -> None:
    call = calls.decode_call(b'[1,"createJob",1,0,{"1":{"rec":{"5":{"i32":77},"8":{"i32":1}}}}]')
    assert call.args["description"] == JobConfiguration(instanceCount=1)
    volumes = b'{"2":{"lst":["rec",1,{"1":{"str":"/x"},"3":{"i32":77}}]}}'
    found = tjson.decode(MesosContainer, volumes, lenient=True)
    assert found == MesosContainer(volumes=(Volume(containerPath="/x"),))
    with pytest.raises(ProtocolError):
        tjson.decode(TaskQuery, b'{"5":{"set":["i32",1,77]}}', lenient=True)


def test_zero_is_a_state_and_not_the_absence_of_one() -> None:
    assert (
        tjson.decode(JobUpdateState, b'{"1":{"i32":0}}').status is JobUpdateStatus.ROLLING_FORWARD
    )
    assert tjson.decode(ScheduledTask, b'{"2":{"i32":0}}').status is ScheduleStatus.PENDING


REPLIES = {
    "a call for a reply": (b'[1,"getJobs",1,0,{"0":{"rec":{"1":{"i32":1}}}}]', "type 1"),
    "a oneway call for a reply": (b'[1,"getJobs",4,0,{"0":{"rec":{}}}]', "type 4"),
    "another method": (b'[1,"getQuota",2,0,{"0":{"rec":{"1":{"i32":1}}}}]', "answered 'getQuota'"),
    "another version": (b'[2,"getJobs",2,0,{"0":{"rec":{"1":{"i32":1}}}}]', "version 2"),
    "no response in it": (b'[1,"getJobs",2,0,{}]', "without a response"),
    "a response of another type": (b'[1,"getJobs",2,0,{"0":{"str":"OK"}}]', "without a response"),
    "an unknown code": (b'[1,"getJobs",2,0,{"0":{"rec":{"1":{"i32":9}}}}]', "ResponseCode"),
    "two results": (
        b'[1,"getJobs",2,0,{"0":{"rec":{"3":{"rec":{"4":{"rec":{}},"3":{"rec":{}}}}}}}]',
        "2 members",
    ),
    "an empty result": (b'[1,"getJobs",2,0,{"0":{"rec":{"3":{"rec":{}}}}}]', "0 members"),
    "jobs of another type": (
        b'[1,"getJobs",2,0,{"0":{"rec":{"3":{"rec":{"4":{"rec":{"1":{"set":["str",1,"x"]}}}}}}}}]',
        "a container of|another type",
    ),
    "jobs that are fewer than said": (
        b'[1,"getJobs",2,0,{"0":{"rec":{"3":{"rec":{"4":{"rec":{"1":{"set":["rec",2,{}]}}}}}}}}]',
        "a container of 1",
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_that_is_none_to_our_call_is_refused_and_says_why(name: str) -> None:
    data, why = REPLIES[name]
    with pytest.raises(ProtocolError, match=why):
        calls.decode_reply(data, "getJobs")
    with pytest.raises(ProtocolError, match=why):
        calls.decode_get_jobs(data)


def test_a_result_of_another_method_is_no_jobs_and_not_an_empty_set() -> None:
    data = b'[1,"getJobs",2,0,{"0":{"rec":{"1":{"i32":1},"3":{"rec":{"5":{"rec":{}}}}}}}]'
    assert calls.decode_get_jobs(data).configs is None
    none = b'[1,"getJobs",2,0,{"0":{"rec":{"3":{"rec":{"4":{"rec":{"1":{"set":["rec",0]}}}}}}}}]'
    assert calls.decode_get_jobs(none).configs == ()


def test_a_message_of_an_exception_is_told_whole() -> None:
    data = b'[1,"getJobs",3,0,{"1":{"str":"out of memory"},"2":{"i32":6}}]'
    with pytest.raises(calls.ApplicationError) as raised:
        calls.decode_reply(data, "getJobs")
    assert (raised.value.message, raised.value.type) == ("out of memory", calls.INTERNAL_ERROR)
    with pytest.raises(calls.ApplicationError):
        calls.decode_reply(b'[1,"getJobs",3,0,{}]', "getJobs")
    with pytest.raises(ProtocolError):
        calls.decode_reply(b'[1,"getJobs",3,0,7]', "getJobs")


CALLS = {
    "a blank between parts": b'[1, "getJobs",1,0,{}]',
    "a blank before all": b' [1,"getJobs",1,0,{}]',
    "a tab in the arguments": b'[1,"getJobs",1,0,{\t}]',
    "a newline in the arguments": b'[1,"getJobs",1,0,{\n}]',
    "an escape of U+8000": b'[1,"getJobs",1,0,{"1":{"str":"\\u8000"}}]',
    "the same in a field that is skipped": b'[1,"getJobs",1,0,{"9":{"str":"\\uFFFD"}}]',
    "an argument that is no box": b'[1,"getJobs",1,0,{"1":"www"}]',
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_aurora_cannot_read_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        calls.decode_call(CALLS[name])


READ = {
    "blanks within text": (b'[1,"getJobs",1,0,{"1":{"str":"a b\\tc"}}]', "a b\tc"),
    "a quote in text, then blanks": (b'[1,"getJobs",1,0,{"1":{"str":"\\" , \\\\"}}]', '" , \\'),
    "a newline at the end": (b'[1,"getJobs",1,0,{"1":{"str":"a"}}]\n', "a"),
    "an escape below U+8000": (b'[1,"getJobs",1,0,{"1":{"str":"\\u7fff"}}]', "\u7fff"),
    "an escaped pair": (b'[1,"getJobs",1,0,{"1":{"str":"\\ud83d\\ude00"}}]', "\U0001f600"),
    "a backslash before u": (b'[1,"getJobs",1,0,{"1":{"str":"\\\\u9999"}}]', "\\u9999"),
    "UTF-8": ('[1,"getJobs",1,0,{"1":{"str":"\u9999"}}]'.encode(), "\u9999"),
}


@pytest.mark.parametrize("name", READ)
def test_a_call_that_aurora_can_read_is_read(name: str) -> None:
    data, role = READ[name]
    assert calls.decode_call(data).args == {"ownerRole": role}


# --- mutations of what was recorded

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.sampled_from(["rec", "str", "set", "i32"])
)
json_values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("01234"), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a value with each of its keys."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in list(members):
        yield value, key
        if isinstance(member, dict | list):
            yield from places(member)


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    value = json.loads(data)
    found = list(places(value))
    for _ in range(draw(st.integers(1, 2))):
        holder, key = found[draw(st.integers(0, len(found) - 1))]
        if isinstance(holder, dict) or draw(st.booleans()):
            holder[key] = draw(json_values)
        else:
            holder.insert(key, draw(json_values))
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def check_reply(method: str, data: bytes) -> None:
    full = is_value_or_refusal(lambda: calls.decode_reply(data, method))
    if method == "getJobs" and full:
        # Slices are checked where they are decoded, so they may only be more tolerant.
        assert is_value_or_refusal(lambda: calls.decode_get_jobs(data))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(METHODS).flatmap(lambda m: st.tuples(st.just(m), mutated(SAMPLES[m][1]))))
def test_a_reply_with_anything_in_any_place_is_read_or_refused(case: tuple[str, bytes]) -> None:
    check_reply(*case)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(METHODS).flatmap(lambda m: mutated(SAMPLES[m][0])))
def test_a_call_with_anything_in_any_place_is_read_or_refused(data: bytes) -> None:
    is_value_or_refusal(lambda: calls.decode_call(data))


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(METHODS).flatmap(lambda m: st.tuples(st.just(m), mutated(SAMPLES[m][1]))))
def test_many_replies_with_anything_in_any_place(case: tuple[str, bytes]) -> None:
    check_reply(*case)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(METHODS).flatmap(lambda m: mutated(SAMPLES[m][0])))
def test_many_calls_with_anything_in_any_place(data: bytes) -> None:
    is_value_or_refusal(lambda: calls.decode_call(data))


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    is_value_or_refusal(lambda: calls.decode_call(data))
    is_value_or_refusal(lambda: calls.decode_reply(data, "getJobs"))
    is_value_or_refusal(lambda: tjson.decode(TaskConfig, data))
