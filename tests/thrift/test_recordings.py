"""The wire code is held to what a real scheduler sent and understood, in both directions."""

import json
from collections import defaultdict
from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, Any, get_args, get_origin

import pytest

from reconciler.thrift import calls, tjson
from reconciler.thrift.structs import JobConfiguration, Response
from tests.support import recordings

# Raw exchanges whose request says more than we keep of it: an unknown field, a known one of
# another type, a message type that a server does not look at.
MORE_THAN_KEPT = {"unknown field", "wrong field type", "oneway type", "reply type"}
UNKNOWN_METHOD = "unknown method"

# No recording has these: they back up, recover and reconcile the scheduler itself.
NOT_RECORDED = {
    "commitRecovery",
    "deleteRecoveryTasks",
    "listBackups",
    "performBackup",
    "queryRecovery",
    "snapshot",
    "stageRecovery",
    "triggerExplicitTaskReconciliation",
    "triggerImplicitTaskReconciliation",
    "unloadRecovery",
}


def pairs() -> Iterator[tuple[str, bytes, bytes]]:
    for name in recordings.NAMES:
        for label, request, reply in recordings.tjson_pairs(name):
            if label != UNKNOWN_METHOD:
                yield label, request, reply


def method_of(request: bytes) -> str:
    found = json.loads(request)[1]
    assert isinstance(found, str)
    return found


def recorded_args() -> dict[str, dict[str, set[str]]]:
    """Return, for each recorded method, the ids of its arguments and the types they came with."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for label, request, _ in pairs():
        if label in MORE_THAN_KEPT:
            continue
        args: dict[str, dict[str, Any]] = json.loads(request)[4]
        for field_id, box in args.items():
            found[method_of(request)][field_id] |= set(box)
    return found


def test_there_is_something_to_hold_the_code_to() -> None:
    assert len(list(pairs())) > 800


def test_every_reply_survives_a_round_trip_byte_for_byte() -> None:
    wrong = []
    for label, request, reply in pairs():
        method, seqid = method_of(request), json.loads(reply)[3]
        again = calls.encode_reply(method, seqid, calls.decode_reply(reply, method))
        if again != reply:
            wrong.append(label)
    assert wrong == []


def test_every_request_survives_a_round_trip_in_meaning() -> None:
    wrong = []
    for label, request, _ in pairs():
        call = calls.decode_call(request)
        again = calls.encode_call(call.method, call.seqid, **call.args)
        # Numbers of the recorded client are written in other ways; their order is the same.
        if (json.loads(again) != json.loads(request)) != (label in MORE_THAN_KEPT):
            wrong.append(label)
    assert wrong == []


def test_every_request_has_its_fields_in_the_order_in_which_we_write_them() -> None:
    wrong = []
    for label, request, _ in pairs():
        if label in MORE_THAN_KEPT:
            continue
        call = calls.decode_call(request)
        again = calls.encode_call(call.method, call.seqid, **call.args)
        if json.dumps(_plain(json.loads(again))) != json.dumps(_plain(json.loads(request))):
            wrong.append(label)
    assert wrong == []


def _plain(value: Any) -> Any:
    """Return the value with every number a float, its order untouched."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return float(value) if isinstance(value, int) else value


def test_every_argument_has_the_id_and_the_type_that_was_recorded() -> None:
    wrong = {}
    for method, args in recorded_args().items():
        ids = {str(p.field_id): _tag(p.type) for p in calls.METHODS[method].params}
        for field_id, tags in args.items():
            if tags != {ids.get(field_id)}:
                wrong[method, field_id] = tags, ids.get(field_id)
    assert wrong == {}


def test_every_argument_of_the_table_was_recorded() -> None:
    recorded = recorded_args()
    missing = {
        (name, p.name)
        for name, method in calls.METHODS.items()
        for p in method.params
        if name not in NOT_RECORDED and str(p.field_id) not in recorded[name]
    }
    assert missing == set()


def _tag(hint: Any) -> str:
    """Return the wire type of an argument, as its annotation tells it."""
    if get_origin(hint) is Annotated:
        return str(get_args(hint)[1])
    return {str: "str", bool: "tf", float: "dbl"}.get(hint, "i32" if _is_enum(hint) else "rec")


def _is_enum(hint: Any) -> bool:
    return issubclass(hint, IntEnum)


def test_every_method_but_those_of_backup_and_recovery_was_recorded() -> None:
    recorded = {method_of(request) for _, request, _ in pairs()}
    assert calls.METHODS.keys() - recorded == NOT_RECORDED


def test_a_success_carries_the_result_that_the_table_names_and_no_other() -> None:
    wrong = []
    for label, request, reply in pairs():
        method = calls.METHODS[method_of(request)]
        result = calls.decode_reply(reply, method.name).result
        if result is None:
            continue
        held = [m for m in result.__struct_fields__ if getattr(result, m) is not None]
        if held != [method.result]:
            wrong.append((label, held))
    assert wrong == []


def test_jobs_by_slices_are_the_jobs_of_the_full_reply() -> None:
    seen = 0
    for label, request, reply in pairs():
        if method_of(request) != "getJobs":
            continue
        full, sliced = calls.decode_reply(reply, "getJobs"), calls.decode_get_jobs(reply)
        rest = Response(
            responseCode=full.responseCode, serverInfo=full.serverInfo, details=full.details
        )
        assert sliced.response == rest, label
        if full.result is None:
            assert sliced.configs is None, label
            continue
        assert full.result.getJobsResult is not None
        assert sliced.configs is not None, label
        jobs = tuple(tjson.decode(JobConfiguration, slice_) for slice_ in sliced.configs)
        assert jobs == full.result.getJobsResult.configs, label
        assert all(bytes(slice_) in reply for slice_ in sliced.configs), label
        seen += len(jobs)
    assert seen > 50


def test_an_unknown_method_of_the_recording_is_told_by_name_and_number() -> None:
    [(request, reply)] = [
        (request, reply)
        for label, request, reply in recordings.tjson_pairs("doors")
        if label == UNKNOWN_METHOD
    ]
    with pytest.raises(calls.UnknownMethod) as asked:
        calls.decode_call(request)
    with pytest.raises(calls.ApplicationError) as answered:
        calls.decode_reply(reply, asked.value.method)
    assert answered.value.type == calls.UNKNOWN_METHOD
    assert answered.value.message == str(asked.value)
    told = calls.encode_exception(
        asked.value.method, asked.value.seqid, str(asked.value), calls.UNKNOWN_METHOD
    )
    assert told == reply


def test_what_the_recorded_server_could_not_read_is_refused() -> None:
    """HTTP 500 is its answer to a body that is no message."""
    refused = [
        exchange
        for exchange in recordings.https("doors")
        if exchange.http == 500 and not {"method", "path"} & exchange.sent.keys()
    ]
    assert {exchange.http_call for exchange in refused} == {
        "JSON with a space",
        "cut short",
        "empty body",
        "not JSON",
        "wrong version",
    }
    for exchange in refused:
        with pytest.raises(tjson.ProtocolError):
            calls.decode_call(exchange.body)
