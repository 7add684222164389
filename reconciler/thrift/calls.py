"""Thrift messages: one call or one reply per HTTP body, and the table of Aurora's RPCs.

Parameter ids are irregular (killTasks counts 4, 5, 6), and a wrong id is no argument at all: a kill
without instances is of the whole job. So they stand here once, as data, and callers use names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, Raw, UnsetType

from reconciler.thrift import tjson
from reconciler.thrift.structs import (
    I32,
    I64,
    ExplicitReconciliationSettings,
    Hosts,
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    JobUpdateQuery,
    JobUpdateRequest,
    ResourceAggregate,
    Response,
    ScheduleStatus,
    Set,
    SlaPolicy,
    TaskQuery,
    ThriftStruct,
    Union,
)
from reconciler.thrift.tjson import ProtocolError

VERSION = 1
CALL, REPLY, EXCEPTION = 1, 2, 3

# Of TApplicationException.
UNKNOWN_METHOD, INTERNAL_ERROR, PROTOCOL_ERROR = 1, 6, 7


class UnknownMethod(ProtocolError):  # noqa: N818 - as TApplicationException names it
    """A call of a method that Aurora does not have."""

    def __init__(self, method: str, seqid: int) -> None:
        super().__init__(f"Invalid method name: '{method}'")
        self.method = method
        self.seqid = seqid


class UnreadableArguments(ProtocolError):  # noqa: N818 - the caller is told so
    """A call whose arguments cannot be read, in a way that the caller is told of."""

    def __init__(self, method: str, seqid: int, why: str) -> None:
        super().__init__(why)
        self.method = method
        self.seqid = seqid


class ApplicationError(ProtocolError):
    """The server answered with a TApplicationException instead of a reply."""

    def __init__(self, message: str, type: int) -> None:
        super().__init__(f"the scheduler answered with exception {type}: {message}")
        self.message = message
        self.type = type


# --- the table


@dataclass(frozen=True, slots=True)
class Param:
    """One argument of an RPC; its type is written as in the annotations of `structs`."""

    name: str
    field_id: int
    type: Any


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC; `result` is the member of Response.result that an OK carries, if any."""

    name: str
    params: tuple[Param, ...]
    result: str | None


_Row = tuple[str, tuple[tuple[str, int, Any], ...], str | None]

_DESCRIPTION, _JOB = ("description", 1, JobConfiguration), ("job", 4, JobKey)
_KEY, _MESSAGE = ("key", 1, JobUpdateKey), ("message", 3, str)
_QUERY, _HOSTS, _ROLE = ("query", 1, TaskQuery), ("hosts", 1, Hosts), ("ownerRole", 1, str)
_UPDATE_QUERY, _REQUEST = ("jobUpdateQuery", 1, JobUpdateQuery), ("request", 1, JobUpdateRequest)
_SLA_DRAIN = (_HOSTS, ("defaultSlaPolicy", 2, SlaPolicy), ("timeoutSecs", 3, I64))
_EXPLICIT = ("settings", 1, ExplicitReconciliationSettings)

_READ_ONLY: tuple[_Row, ...] = (
    ("getRoleSummary", (), "roleSummaryResult"),
    ("getJobSummary", (("role", 1, str),), "jobSummaryResult"),
    ("getTasksStatus", (_QUERY,), "scheduleStatusResult"),
    ("getTasksWithoutConfigs", (_QUERY,), "scheduleStatusResult"),
    ("getPendingReason", (_QUERY,), "getPendingReasonResult"),
    ("getConfigSummary", (("job", 1, JobKey),), "configSummaryResult"),
    ("getJobs", (_ROLE,), "getJobsResult"),
    ("getQuota", (_ROLE,), "getQuotaResult"),
    ("populateJobConfig", (_DESCRIPTION,), "populateJobResult"),
    ("getJobUpdateSummaries", (_UPDATE_QUERY,), "getJobUpdateSummariesResult"),
    ("getJobUpdateDetails", (_KEY, ("query", 2, JobUpdateQuery)), "getJobUpdateDetailsResult"),
    ("getJobUpdateDiff", (_REQUEST,), "getJobUpdateDiffResult"),
    ("getTierConfigs", (), "getTierConfigResult"),
)
_SCHEDULER_MANAGER: tuple[_Row, ...] = (
    ("createJob", (_DESCRIPTION,), None),
    ("scheduleCronJob", (_DESCRIPTION,), None),
    ("descheduleCronJob", (_JOB,), None),
    ("startCronJob", (_JOB,), None),
    ("restartShards", (("job", 5, JobKey), ("shardIds", 3, Set[I32])), None),
    ("killTasks", (_JOB, ("instances", 5, Set[I32]), ("message", 6, str)), None),
    ("addInstances", (("key", 3, InstanceKey), ("count", 4, I32)), None),
    ("replaceCronTemplate", (("config", 1, JobConfiguration),), None),
    ("startJobUpdate", (_REQUEST, _MESSAGE), "startJobUpdateResult"),
    ("pauseJobUpdate", (_KEY, _MESSAGE), None),
    ("resumeJobUpdate", (_KEY, _MESSAGE), None),
    ("abortJobUpdate", (_KEY, _MESSAGE), None),
    ("rollbackJobUpdate", (_KEY, ("message", 2, str)), None),
    ("pulseJobUpdate", (_KEY,), "pulseJobUpdateResult"),
)
_ADMIN: tuple[_Row, ...] = (
    ("setQuota", (_ROLE, ("quota", 2, ResourceAggregate)), None),
    ("forceTaskState", (("taskId", 1, str), ("status", 2, ScheduleStatus)), None),
    ("performBackup", (), None),
    ("listBackups", (), "listBackupsResult"),
    ("stageRecovery", (("backupId", 1, str),), None),
    ("queryRecovery", (_QUERY,), "queryRecoveryResult"),
    ("deleteRecoveryTasks", (_QUERY,), None),
    ("commitRecovery", (), None),
    ("unloadRecovery", (), None),
    ("startMaintenance", (_HOSTS,), "startMaintenanceResult"),
    ("drainHosts", (_HOSTS,), "drainHostsResult"),
    ("maintenanceStatus", (_HOSTS,), "maintenanceStatusResult"),
    ("endMaintenance", (_HOSTS,), "endMaintenanceResult"),
    ("slaDrainHosts", _SLA_DRAIN, "drainHostsResult"),
    ("snapshot", (), None),
    ("triggerExplicitTaskReconciliation", (_EXPLICIT,), None),
    ("triggerImplicitTaskReconciliation", (), None),
    ("pruneTasks", (_QUERY,), None),
)


def _methods() -> Iterator[tuple[str, Method]]:
    for name, params, result in (*_READ_ONLY, *_SCHEDULER_MANAGER, *_ADMIN):
        yield name, Method(name, tuple(Param(*param) for param in params), result)


METHODS: Mapping[str, Method] = MappingProxyType(dict(_methods()))
READ_ONLY_METHODS = frozenset(name for name, _, _ in _READ_ONLY)
ADMIN_METHODS = frozenset(name for name, _, _ in _ADMIN)


# --- messages

# Version, method, message type, seqid, body.
_WIRE: Any = tuple[tjson.INT32, str, tjson.INT32, tjson.INT32, Raw]


@dataclass(frozen=True, slots=True)
class Call:
    """A decoded call: every argument of the method by name, None where it was not sent."""

    method: str
    seqid: int
    message_type: int
    args: Mapping[str, Any]


class Reply(ThriftStruct, frozen=True, kw_only=True):
    """What a reply consists of; no method of Aurora's declares an exception."""

    success: Annotated[Response | None, 0] = None


class ApplicationException(ThriftStruct, frozen=True, kw_only=True):
    """What an exception of the protocol itself consists of."""

    message: Annotated[str | None, 1] = None
    type: Annotated[I32 | None, 2] = None


def arguments(method: str, args: Mapping[str, object]) -> ThriftStruct:
    """Return the arguments of a method as the struct as which they travel."""
    cls = args_struct(method)
    unknown = args.keys() - set(cls.__struct_fields__)
    assert not unknown, f"{method} has no argument {sorted(unknown)}"
    return cls(**args)


def encode_call(method: str, seqid: int, **args: object) -> bytes:
    """Return the call as bytes; an argument that is None is not sent."""
    return _message(method, CALL, seqid, arguments(method, args))


def decode_call(data: bytes) -> Call:
    """Return the call that the bytes hold, read as leniently, and as strictly, as a server does.

    Raises UnknownMethod if Aurora has no such method, and ProtocolError for anything else.
    """
    method, message_type, seqid, body = _parts(data)
    _check_readable(data)
    if method not in METHODS:
        raise UnknownMethod(method, seqid)
    found = tjson.decode(args_struct(method), body, lenient=True)
    return Call(method, seqid, message_type, msgspec.structs.asdict(found))


def encode_reply(method: str, seqid: int, response: Response) -> bytes:
    """Return the reply of a server as bytes."""
    return _message(method, REPLY, seqid, Reply(success=response))


def encode_exception(method: str, seqid: int, message: str, type: int) -> bytes:
    """Return a TApplicationException as bytes."""
    return _message(method, EXCEPTION, seqid, ApplicationException(message=message, type=type))


def decode_reply(data: bytes, method: str) -> Response:
    """Return the response to a call of `method`; ApplicationError if the server raised one."""
    response = tjson.decode(Reply, _reply_body(data, method)).success
    if response is None:
        raise ProtocolError(f"{method}: a reply without a response")
    return response


@cache
def args_struct(method: str) -> type[ThriftStruct]:
    """Return a struct of the arguments of a method: that is how they travel."""
    cls: Any = msgspec.defstruct(
        f"{method}_args",
        [(p.name, Annotated[p.type | None, p.field_id], None) for p in METHODS[method].params],
        bases=(ThriftStruct,),
        frozen=True,
        kw_only=True,
    )
    return cast(type[ThriftStruct], cls)


def _message(method: str, message_type: int, seqid: int, body: ThriftStruct) -> bytes:
    return msgspec.json.encode([VERSION, method, message_type, seqid, Raw(tjson.encode(body))])


def _parts(data: bytes) -> tuple[str, int, int, Raw]:
    """Return method, message type, seqid and body of a message."""
    version, method, message_type, seqid, body = tjson.parse(_WIRE, data)
    if version != VERSION:
        raise ProtocolError(f"a message of version {version}")
    return method, message_type, seqid, body


def _reply_body(data: bytes, method: str) -> Raw:
    """Return the body of a reply to `method`, once its head is seen to be one."""
    name, message_type, _, body = _parts(data)
    if name != method:
        raise ProtocolError(f"asked {method}, answered {name[:80]!r}")
    if message_type == EXCEPTION:
        fault = tjson.decode(ApplicationException, body)
        raise ApplicationError(fault.message or "", fault.type or 0)
    if message_type != REPLY:
        raise ProtocolError(f"{method}: an answer of message type {message_type}")
    return body


def _check_readable(data: bytes) -> None:
    """Raise ProtocolError for the JSON that Aurora's parser, which is its own, does not take."""
    if _SPACE.search(_STRING.sub(b"", data.rstrip())):
        raise ProtocolError("white space between the parts of a message")
    for escape in _ESCAPE.finditer(data):
        code = int(escape[1] or b"0", 16)
        if code >= 0x8000 and code not in _SURROGATES:
            raise ProtocolError(f"{escape[0].decode()} is escaped: Aurora reads it only as UTF-8")


_SPACE = re.compile(rb"\s")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)")
_SURROGATES = range(0xD800, 0xE000)


# --- getJobs, without building its jobs


@dataclass(frozen=True, slots=True)
class JobsReply:
    """A getJobs reply whose jobs are still bytes, one TJSON JobConfiguration each: parts of the
    bytes that came, and no copies.

    `response` has no result; `configs` is None where the reply had no jobs to say, which is not
    the same as no jobs.
    """

    response: Response
    configs: tuple[Raw, ...] | None


class _JobSet(msgspec.Struct, gc=False):
    set: list[Raw] | UnsetType = UNSET


class _JobsResult(msgspec.Struct, rename={"configs": "1"}, gc=False):
    configs: _JobSet | UnsetType = UNSET


class _Result(msgspec.Struct, gc=False):
    rec: _JobsResult | UnsetType = UNSET


class _ResultBox(msgspec.Struct, gc=False):
    rec: dict[str, _Result] | UnsetType = UNSET


class _Response(
    msgspec.Struct, rename={"code": "1", "result": "3", "server": "5", "details": "6"}, gc=False
):
    code: Raw | UnsetType = UNSET
    result: _ResultBox | UnsetType = UNSET
    server: Raw | UnsetType = UNSET
    details: Raw | UnsetType = UNSET


class _ResponseBox(msgspec.Struct, gc=False):
    rec: _Response | UnsetType = UNSET


class _Body(msgspec.Struct, rename={"success": "0"}, gc=False):
    success: _ResponseBox | UnsetType = UNSET


def decode_get_jobs(data: bytes) -> JobsReply:
    """Return the reply to getJobs with its jobs as slices of the bytes that came.

    Most jobs of a large cluster are byte for byte those of the round before: who keeps what a
    slice decoded to need not build thousands of objects again.
    """
    body: _Body = tjson.parse(_Body, _reply_body(data, "getJobs"))
    if body.success is UNSET or body.success.rec is UNSET:
        raise ProtocolError("getJobs: a reply without a response")
    found = body.success.rec
    rest = _Response(code=found.code, server=found.server, details=found.details)
    response = tjson.decode(Response, msgspec.json.encode(rest))
    return JobsReply(response, _job_slices(found.result))


class _Keyed(ThriftStruct, frozen=True, kw_only=True):
    """What of a JobConfiguration says which job it is."""

    key: Annotated[JobKey | None, 9] = None


def job_of(slice_: bytes) -> JobKey | None:
    """Return which job a slice is of, without building the rest of it."""
    return tjson.decode(_Keyed, slice_).key


def _job_slices(result: _ResultBox | UnsetType) -> tuple[Raw, ...] | None:
    if result is UNSET or result.rec is UNSET:
        return None
    if len(result.rec) != 1:
        raise ProtocolError(f"getJobs: a result with {len(result.rec)} members")
    jobs = result.rec.get("4", _Result()).rec
    if jobs is UNSET or jobs.configs is UNSET or jobs.configs.set is UNSET:
        return None
    head, slices = jobs.configs.set[:2], jobs.configs.set[2:]
    tjson.check_head([tjson.parse(str | tjson.INT32, h) for h in head], ("rec",), len(slices))
    return tuple(slices)


# --- what is made once


def _prepare() -> None:
    """Make every decoder now, by one thread: it takes 12 ms.

    msgspec (0.22) crashes the interpreter when two threads need what it knows of a struct at once
    and for the first time, and questions travel side by side.
    """
    for cls in (*ThriftStruct.__subclasses__(), *Union.__subclasses__()):
        tjson.prepare(cls)
    for method in METHODS:
        tjson.prepare(args_struct(method), lenient=True)
    for wire in (_WIRE, _Body, str | tjson.INT32):
        tjson.prepare_wire(wire)


_prepare()
