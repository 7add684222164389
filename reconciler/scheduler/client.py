"""Calls of one cluster's scheduler: bytes out, a response or `Unknown` back.

Every reply must come from the cluster that we mean: a wrong address must not make one cluster look
like another one that was emptied.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from reconciler.model.live import Unknown
from reconciler.model.outcome import Deferred, Indeterminate, Outcome
from reconciler.model.plan import Act
from reconciler.scheduler import replies
from reconciler.scheduler.http import Door, Silence
from reconciler.scheduler.port import Silent
from reconciler.thrift import calls
from reconciler.thrift.calls import JobsReply
from reconciler.thrift.structs import Response, ResponseCode
from reconciler.thrift.tjson import ProtocolError

# A read may be asked again at once: elections and restarts end single connections.
ATTEMPTS = 2

R = TypeVar("R", Response, JobsReply)
T = TypeVar("T")


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

    def ask(self, method: str, kind: type[T], **args: object) -> T | Invalid | Unknown:
        """Return the result of a read, which is of this kind, or it is no answer."""
        found = self._read(method, args, lambda data: calls.decode_reply(data, method))
        if isinstance(found, Unknown):
            return found
        if fault := self._fault(method, found):
            return fault
        told = getattr(found.result, calls.METHODS[method].result or "", None)
        return told if isinstance(told, kind) else Unknown(f"{method}: OK, but without a result")

    def jobs(self, role: str | None = None) -> JobsReply | Unknown:
        """Return all jobs and templates, or those of a role, each still as bytes."""
        found = self._read("getJobs", {"ownerRole": role}, calls.decode_get_jobs)
        if isinstance(found, Unknown):
            return found
        fault = self._fault("getJobs", found.response)
        if fault is not None:
            return Unknown(fault.message) if isinstance(fault, Invalid) else fault
        if found.configs is None:
            return Unknown("getJobs: OK, but without jobs to tell")
        return found

    def tell(self, act: Act, token: str, method: str, **args: object) -> Outcome:
        """Send one write, once, and return what became of it."""
        data = self._exchange(method, args, write=True)
        if isinstance(data, Silence):
            return Indeterminate(act, data.why) if data.sent else Deferred(act, data.why)
        try:
            response = calls.decode_reply(data, method)
        except ProtocolError as fault:
            return Indeterminate(act, self._garbage(method, fault))
        if self._foreign(response):
            return Indeterminate(act, self._foreign(response))
        return replies.outcome(act, response, token)

    def _read(
        self, method: str, args: dict[str, object], decode: Callable[[bytes], R]
    ) -> R | Unknown:
        """Return the decoded reply to a read, asked again at once when there was none."""
        found: R | Unknown = Unknown("not asked")
        for attempt in range(ATTEMPTS):
            data = self._exchange(method, args, write=False)
            if isinstance(data, Silence):
                # Who waited twice as long as is told should know why.
                why = data.why + (", asked twice" if attempt and data.sent else "")
                found = Silent(why) if data.mute else Unknown(why)
                if data.denied:
                    break
                continue
            try:
                found = decode(data)
            except ProtocolError as fault:
                found = Unknown(self._garbage(method, fault))
                continue
            if _code(found) is not ResponseCode.ERROR_TRANSIENT:
                break
        return found

    def _exchange(self, method: str, args: dict[str, object], *, write: bool) -> bytes | Silence:
        self.calls[method] = self.calls.get(method, 0) + 1
        return self._door.exchange(
            calls.encode_call(method, next(self._seqid), **args), write=write
        )

    def _garbage(self, method: str, fault: ProtocolError) -> str:
        return f"{self._door.leader} sent a reply to {method} that cannot be read: {fault}"

    def _fault(self, method: str, response: Response) -> Invalid | Unknown | None:
        """Return what keeps a reply from being an answer; None when nothing does."""
        words = replies.message(response)
        if response.responseCode is ResponseCode.AUTH_FAILED:
            return Unknown(f"{method}: not permitted: {words}")
        if foreign := self._foreign(response, told=True):
            return Unknown(foreign)
        if response.responseCode is ResponseCode.INVALID_REQUEST:
            return Invalid(words)
        if response.responseCode is not ResponseCode.OK:
            return Unknown(f"{method}: {words}")
        return None

    def _foreign(self, response: Response, *, told: bool = False) -> str:
        """Return whose reply it is, if not our cluster's; `told` when it has to say so.

        What is refused before it is looked at carries no name (recordings, doors).
        """
        unnamed = (ResponseCode.AUTH_FAILED, ResponseCode.INVALID_REQUEST)
        name = response.serverInfo.clusterName if response.serverInfo is not None else None
        if name == self._server_name:
            return ""
        if name is None and not told and response.responseCode in unnamed:
            return ""
        return f"the scheduler is of cluster {name!r}, not of {self._server_name!r}"


def _code(found: Response | JobsReply) -> ResponseCode | None:
    return (found.response if isinstance(found, JobsReply) else found).responseCode
