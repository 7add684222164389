"""Where HTTP comes in: what reaches the RPCs, and what is turned away before.

Speaks TJSON on /api; Aurora's binary protocol and its pages for people are not imitated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.standin.auth import ADMIN, JOBS, BadCredentials, Users
from reconciler.standin.configs import is_job_key
from reconciler.standin.struct_text import wrapper_text
from reconciler.thrift.calls import (
    ADMIN_METHODS,
    READ_ONLY_METHODS,
    UNKNOWN_METHOD,
    Call,
    UnknownMethod,
    decode_call,
    encode_exception,
    encode_reply,
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

TJSON = "application/vnd.apache.thrift.json"
HTML = "text/html;charset=iso-8859-1"
TEXT = "text/plain;charset=utf-8"

# With these parameters and no others; absent, it is TJSON.
CONTENT_TYPES = frozenset(
    {
        ("application/x-thrift",),
        ("application/json",),
        (TJSON,),
        (TJSON, "charset=utf-8"),
    }
)

UNSECURE = "UNSECURE"
CHALLENGE = {"WWW-Authenticate": 'BASIC realm="Apache Aurora Scheduler"'}

LEADING = """Current status: This is the leading scheduler.

This endpoint can indicate to a load balancer which among a group of schedulers is leading.

The response codes are:
200: This is the leading scheduler.
503: Another instance is the leading scheduler.
502: There is no leading scheduler, or it is not known.
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Scheduler(Protocol):
    """What is behind the door."""

    def call(self, method: str, args: Mapping[str, Any], user: str) -> Response: ...


class Door:
    """The door of one scheduler; without users, whoever comes is let in as `UNSECURE`."""

    def __init__(self, aurora: Scheduler, users: Users | None = None) -> None:
        self._aurora = aurora
        self._users = users

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer to one request; `path` is without its query."""
        if path == "/health":
            return Answer(200, {"Content-Type": TEXT}, b"OK\n")
        if path == "/leaderhealth":
            return Answer(200, {"Content-Type": TEXT}, LEADING.encode())
        if path != "/api":
            return Answer(404)
        told = {name.lower(): value for name, value in headers.items()}
        try:
            user = self._user(told.get("authorization"))
        except BadCredentials:
            return Answer(401, dict(CHALLENGE))
        match method:
            case "POST":
                return self._post(told.get("content-type"), user, body)
            case "OPTIONS":
                return Answer(200, {"Allow": "GET, HEAD, POST, TRACE, OPTIONS"})
            case "GET" | "HEAD":
                # Handled as a POST with nothing in it, which cannot be read.
                return _page(500, "org.apache.thrift.transport.TTransportException")
            case _:
                return _page(405, f"HTTP method {method} is not supported by this URL")

    def _user(self, authorization: str | None) -> str | None:
        return UNSECURE if self._users is None else self._users.user(authorization)

    def _post(self, content_type: str | None, user: str | None, body: bytes) -> Answer:
        if content_type is not None and _parsed(content_type) not in CONTENT_TYPES:
            return Answer(415, {}, f"Unsupported Content-Type: {content_type}".encode())
        try:
            call = decode_call(body)
        except UnknownMethod as fault:
            told = encode_exception(fault.method, fault.seqid, str(fault), UNKNOWN_METHOD)
            return Answer(200, {"Content-Type": TJSON}, told)
        except ProtocolError as fault:
            return _page(500, f"org.apache.thrift.protocol.TProtocolException: {fault}")
        return self._called(call, user)

    def _called(self, call: Call, user: str | None) -> Answer:
        if self._users is not None and call.method not in READ_ONLY_METHODS:
            if user is None:
                return Answer(401, {"Content-Type": TJSON, **CHALLENGE})
            refused = _refused(self._users, user, call)
            if refused is not None:
                return _reply(call, refused)
        # A reader need not say who he is.
        return _reply(call, self._aurora.call(call.method, call.args, user or UNSECURE))


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


def _reply(call: Call, response: Response) -> Answer:
    try:
        told = encode_reply(call.method, call.seqid, response)
    except ProtocolError as fault:
        # Thrift cannot write, say, a union of which nothing is set.
        return _page(500, f"org.apache.thrift.protocol.TProtocolException: {fault}")
    return Answer(200, {"Content-Type": TJSON}, told)


def _parsed(content_type: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in content_type.split(";"))


def _page(status: int, reason: str) -> Answer:
    """Return an error page; its text is for people and is not that of Jetty."""
    told = reason.replace("&", "&amp;").replace("<", "&lt;")
    page = f"<html>\n<head>\n<title>Error {status} </title>\n</head>\n<body>\n<pre>{told}</pre>\n"
    return Answer(status, {"Content-Type": HTML}, f"{page}</body>\n</html>\n".encode())
