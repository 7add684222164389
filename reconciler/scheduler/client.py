"""Calls of one cluster's scheduler: bytes out, a response or `Unknown` back.

Every reply must come from the cluster that we mean: a wrong address must not make one cluster look
like another one that was emptied.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from reconciler.model.live import Unknown
from reconciler.model.outcome import Deferred, Indeterminate, Outcome
from reconciler.model.plan import Act
from reconciler.scheduler import replies
from reconciler.scheduler.http import Door, Silence
from reconciler.thrift import calls
from reconciler.thrift.calls import JobsReply
from reconciler.thrift.structs import Response, ResponseCode
from reconciler.thrift.tjson import ProtocolError

# A read may be asked again at once: elections and restarts end single connections.
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Invalid:
    """A read that the scheduler answered with INVALID_REQUEST, in its own words."""

    message: str


class Client:
    """Thrift calls through a door. `calls` counts them by method, for benchmark and tests."""

    def __init__(self, door: Door, server_name: str) -> None:
        self._door = door
        self._server_name = server_name
        self._seqid = itertools.count(1)
        self.calls: dict[str, int] = {}

    def ask(self, method: str, **args: Any) -> Response | Invalid | Unknown:
        """Return the reply to a read; it carries what it should, or it is no reply."""
        found: Response | Unknown = Unknown("not asked")
        for _ in range(ATTEMPTS):
            data = self._exchange(method, args, write=False)
            found = self._decoded(method, data) if isinstance(data, bytes) else Unknown(data.why)
            if not _worth_again(found):
                break
        return found if isinstance(found, Unknown) else self._checked(method, found)

    def jobs(self) -> JobsReply | Unknown:
        """Return all jobs and templates, each still as bytes."""
        found: JobsReply | Unknown = Unknown("not asked")
        for _ in range(ATTEMPTS):
            data = self._exchange("getJobs", {}, write=False)
            if isinstance(data, Silence):
                found = Unknown(data.why)
                continue
            try:
                found = calls.decode_get_jobs(data)
            except ProtocolError as fault:
                found = Unknown(f"getJobs: {fault}")
                continue
            break
        if isinstance(found, Unknown):
            return found
        checked = self._checked("getJobs", found.response, needs_result=False)
        if isinstance(checked, Unknown):
            return checked
        if isinstance(checked, Invalid):
            return Unknown(checked.message)
        if found.configs is None:
            return Unknown("getJobs: OK, but without jobs to tell")
        return found

    def tell(self, act: Act, token: str, method: str, **args: Any) -> Outcome:
        """Send one write, once, and return what became of it."""
        data = self._exchange(method, args, write=True)
        if isinstance(data, Silence):
            return Indeterminate(act, data.why) if data.sent else Deferred(act, data.why)
        try:
            response = calls.decode_reply(data, method)
        except ProtocolError as fault:
            return Indeterminate(act, f"{method}: a reply that cannot be read: {fault}")
        return replies.outcome(act, response, token)

    def _exchange(self, method: str, args: dict[str, Any], *, write: bool) -> bytes | Silence:
        self.calls[method] = self.calls.get(method, 0) + 1
        return self._door.exchange(
            calls.encode_call(method, next(self._seqid), **args), write=write
        )

    def _decoded(self, method: str, data: bytes) -> Response | Unknown:
        try:
            return calls.decode_reply(data, method)
        except ProtocolError as fault:
            return Unknown(f"{method}: {fault}")

    def _checked(
        self, method: str, response: Response, *, needs_result: bool = True
    ) -> Response | Invalid | Unknown:
        words = replies.message(response)
        if response.responseCode is ResponseCode.AUTH_FAILED:
            return Unknown(f"{method}: not permitted: {words}")
        name = response.serverInfo.clusterName if response.serverInfo is not None else None
        if name != self._server_name:
            return Unknown(f"the scheduler is of cluster {name!r}, not of {self._server_name!r}")
        if response.responseCode is ResponseCode.INVALID_REQUEST:
            return Invalid(words)
        if response.responseCode is not ResponseCode.OK:
            return Unknown(f"{method}: {words}")
        wanted = calls.METHODS[method].result
        if needs_result and wanted is not None:
            held = getattr(response.result, wanted) if response.result is not None else None
            if held is None:
                return Unknown(f"{method}: OK, but without a result")
        return response


def _worth_again(found: Response | Unknown) -> bool:
    if isinstance(found, Unknown):
        return True
    return found.responseCode is ResponseCode.ERROR_TRANSIENT
