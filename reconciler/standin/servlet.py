"""The RPCs over HTTP: in which protocol they come and go, who may call them, what is turned away.

A request says with its Content-Type how it is written, and with its Accept how the answer should
be; one has nothing to do with the other (TContentAwareServlet).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.standin.auth import ADMIN, JOBS, Users
from reconciler.standin.configs import is_job_key
from reconciler.standin.refusal import Unwritable
from reconciler.standin.struct_text import wrapper_text
from reconciler.standin.web import (
    BINARY,
    JSON,
    TJSON,
    Answer,
    MediaType,
    UnreadableTypeError,
    error_page,
    media_type,
)
from reconciler.thrift import binary_calls, calls
from reconciler.thrift.calls import (
    ADMIN_METHODS,
    PROTOCOL_ERROR,
    READ_ONLY_METHODS,
    UNKNOWN_METHOD,
    Call,
    UnknownMethod,
    UnreadableArguments,
)
from reconciler.thrift.structs import (
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    JobUpdateRequest,
    Response,
    ResponseCode,
    ResponseDetail,
)
from reconciler.thrift.tjson import ProtocolError


@dataclass(frozen=True, slots=True)
class Wire:
    """One way of writing messages down."""

    media_type: str
    decode_call: Callable[[bytes], Call]
    encode_reply: Callable[[str, int, Response], bytes]
    encode_exception: Callable[[str, int, str, int], bytes]


AS_TJSON = Wire(TJSON, calls.decode_call, calls.encode_reply, calls.encode_exception)
AS_BINARY = Wire(
    BINARY, binary_calls.decode_call, binary_calls.encode_reply, binary_calls.encode_exception
)

# With these parameters and no others.
WIRES: Mapping[MediaType, Wire] = {
    ("application/x-thrift", ()): AS_TJSON,
    (JSON, ()): AS_TJSON,
    (TJSON, ()): AS_TJSON,
    (TJSON, (("charset", "utf-8"),)): AS_TJSON,
    (BINARY, ()): AS_BINARY,
}

UNSECURE = "UNSECURE"
CHALLENGE = {"WWW-Authenticate": 'BASIC realm="Apache Aurora Scheduler"'}


class Caller(Protocol):
    """Who carries a call out."""

    def call(self, method: str, args: Mapping[str, Any], user: str) -> Response: ...


@dataclass(frozen=True, slots=True)
class Servlet:
    """The RPCs of one scheduler; without users, whoever comes is let in as `UNSECURE`."""

    scheduler: Caller
    users: Users | None

    def user(self, headers: Mapping[str, str]) -> str | None:
        """Return who asks; None if he does not say so. BadCredentials if he says it wrongly."""
        if self.users is None:
            return UNSECURE
        return self.users.user(headers.get("authorization"))

    def answer(
        self, method: str, headers: Mapping[str, str], user: str | None, body: bytes
    ) -> Answer:
        """Return the answer to one request; the names of its headers are in lower case."""
        match method:
            case "POST" | "GET" | "HEAD":
                # All alike; what comes without a body cannot be read.
                return self._post(headers, user, body)
            case "OPTIONS":
                return Answer(200, {"Allow": "GET, HEAD, POST, TRACE, OPTIONS"})
            case _:
                return error_page(405, f"HTTP method {method} is not supported by this URL")

    def _post(self, headers: Mapping[str, str], user: str | None, body: bytes) -> Answer:
        told = headers.get("content-type")
        try:
            wire = AS_TJSON if told is None else WIRES.get(media_type(told))
        except UnreadableTypeError:
            return error_page(500, "java.lang.IllegalArgumentException: Could not parse")
        if wire is None:
            return Answer(415, {}, f"Unsupported Content-Type: {told}".encode())
        back = accepted(headers.get("accept"))
        try:
            call = wire.decode_call(body)
        except UnknownMethod as fault:
            return _exception(back, fault, UNKNOWN_METHOD)
        except UnreadableArguments as fault:
            return _exception(back, fault, PROTOCOL_ERROR)
        except ProtocolError as fault:
            return error_page(500, f"org.apache.thrift.protocol.TProtocolException: {fault}")
        return self._called(call, user, back)

    def _called(self, call: Call, user: str | None, back: Wire) -> Answer:
        if self.users is not None and call.method not in READ_ONLY_METHODS:
            if user is None:
                return Answer(401, {"Content-Type": back.media_type, **CHALLENGE})
            refused = _refused(self.users, user, call)
            if refused is not None:
                return _reply(back, call, refused)
        # A reader need not say who he is.
        caller = user or UNSECURE
        try:
            return _reply(back, call, self.scheduler.call(call.method, call.args, caller))
        except Unwritable as fault:
            return error_page(500, f"java.lang.NullPointerException: {fault}")


def accepted(told: str | None) -> Wire:
    """Return how to write the answer: TJSON unless just the other one is asked for."""
    try:
        wire = None if told is None else WIRES.get(media_type(told))
    except UnreadableTypeError:
        return AS_TJSON
    return wire or AS_TJSON


def _exception(back: Wire, fault: UnknownMethod | UnreadableArguments, type: int) -> Answer:
    told = back.encode_exception(fault.method, fault.seqid, str(fault), type)
    return Answer(200, {"Content-Type": back.media_type}, told)


def _refused(users: Users, user: str, call: Call) -> Response | None:
    """Return the answer to a caller who may not, or who does not say to what; None if he may."""
    if call.method in ADMIN_METHODS:
        if users.may(user, f"{ADMIN}:{call.method}"):
            return None
        return _turned_away(
            ResponseCode.AUTH_FAILED,
            f"Subject {user} lacks permission "
            f"UnscopedRpcPermission{{domain={ADMIN}, rpc={call.method}}}",
        )
    key = job_of(call.args)
    if key is None or not is_job_key(key):
        return _turned_away(
            ResponseCode.INVALID_REQUEST, "Missing or invalid job key from request."
        )
    if users.may(user, f"{JOBS}:{call.method}:{key.role}:{key.environment}:{key.name}"):
        return None
    return _turned_away(
        ResponseCode.AUTH_FAILED,
        f"Subject {user} is not permitted to JobScopedRpcPermission"
        f"{{rpc={call.method}, permittedJob={wrapper_text(key)}}}.",
    )


def job_of(args: Mapping[str, Any]) -> JobKey | None:
    """Return the job that a call is about, by which it is allowed or not."""
    for value in args.values():
        match value:
            case JobKey():
                return value
            case JobConfiguration():
                return value.key
            case JobUpdateRequest():
                return None if value.taskConfig is None else value.taskConfig.job
            case JobUpdateKey():
                return value.job
            case InstanceKey():
                return value.jobKey
    return None


def _turned_away(code: ResponseCode, message: str) -> Response:
    # From outside of what adds the server's name: there is none here.
    return Response(responseCode=code, details=(ResponseDetail(message=message),))


def _reply(back: Wire, call: Call, response: Response) -> Answer:
    try:
        told = back.encode_reply(call.method, call.seqid, response)
    except ProtocolError as fault:
        # Thrift cannot write, say, a union of which nothing is set.
        return error_page(500, f"org.apache.thrift.protocol.TProtocolException: {fault}")
    return Answer(200, {"Content-Type": back.media_type}, told)
