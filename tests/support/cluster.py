"""A stand-in behind an in-memory transport, in virtual time, with faults and crashes."""

import itertools
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

import httpx

from reconciler.record.fault import RecordError
from reconciler.scheduler.http import Deadlines
from reconciler.standin.aurora import Aurora
from reconciler.standin.door import Door
from reconciler.standin.hosts import Host
from reconciler.standin.web import Answer
from reconciler.thrift import calls
from reconciler.thrift.calls import READ_ONLY_METHODS, Call
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    JobKey,
    Resource,
    ResourceAggregate,
    Response,
    ResponseCode,
    ScheduledTask,
    ServerInfo,
    TaskQuery,
)
from tests.support.builders import NOW

DEADLINES = Deadlines()
QUOTA = ResourceAggregate(
    resources=(Resource(numCpus=400.0), Resource(ramMb=1_000_000), Resource(diskMb=1_000_000))
)

# --- time


class VirtualClock:
    """A clock that only waiting moves. `later` lets something happen while somebody waits."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._due: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._owed_s = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        self._pay()
        return self._now

    def monotonic(self) -> float:
        return self.now().timestamp()

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and what is due then happen in its order."""
        until = self._now + timedelta(seconds=seconds)
        while self._due and min(self._due)[0] <= until:
            self._due.sort()
            at, _, deed = self._due.pop(0)
            self._now = max(at, self._now)
            deed()
        self._now = until

    def lapse(self, seconds: float) -> None:
        """Let time pass while a call waits. Calls that wait side by side wait together: only who
        comes alone finds that it is later, whatever order threads have."""
        if _alone():
            self.pass_by(seconds)
        else:
            self._owed_s = max(self._owed_s, seconds)

    def _pay(self) -> None:
        if self._owed_s and _alone():
            owed, self._owed_s = self._owed_s, 0.0
            self.pass_by(owed)

    def later(self, seconds: float, deed: Callable[[], object]) -> None:
        at = self._now + timedelta(seconds=seconds)
        self._due.append((at, next(self._order), deed))


def _alone() -> bool:
    return threading.current_thread() is threading.main_thread()


# --- faults


class Fault(Enum):
    """What may befall one call. The first three never reach the scheduler; of the others, all but
    the last two are carried out, `TWICE` once more than was asked."""

    UNREACHABLE = auto()
    DENIED = auto()
    LOST_REQUEST = auto()
    LOST_REPLY = auto()
    SLOW = auto()
    ERROR_500 = auto()
    GARBAGE = auto()
    HOLLOW = auto()  # OK, and no result
    TWICE = auto()  # delivered again by something on the way; the second answer is the one told
    OTHER_CLUSTER = auto()  # answered by another cluster, which is empty
    EMPTIED = auto()  # answered as after a restore of nothing


Befall = Callable[[Call], Fault | None]


def never(call: Call) -> None:
    """No fault at all."""
    del call


def always_on(fault: Fault, *methods: str) -> Befall:
    """This fault, for these methods; for all of them when none is named."""
    return lambda call: fault if not methods or call.method in methods else None


class Once:
    """This fault, for the first call of one of these methods only; then it `happened`."""

    def __init__(self, fault: Fault, *methods: str) -> None:
        self._fault = fault
        self._methods = methods
        self.happened = False

    def __call__(self, call: Call) -> Fault | None:
        if self.happened or call.method not in self._methods:
            return None
        self.happened = True
        return self._fault


class Died(BaseException):
    """As of a kill: nothing that a program may catch."""


class Crash:
    """Dies at the n-th point where something reaches a disk or a scheduler; counts them.

    `full` are the writes of the record, counted from 1, that find no room on the disk.
    """

    def __init__(self, at: int | None = None, full: Iterable[int] = ()) -> None:
        self.points = 0
        self._at = at
        self._full = frozenset(full)
        self._writes = 0

    def disk(self) -> None:
        """Come before each write of the record."""
        self._writes += 1
        if self._writes in self._full:
            raise RecordError("the record cannot be used: database or disk is full")

    def point(self) -> None:
        self.points += 1
        if self.points == self._at:
            raise Died


# --- one cluster


class Cluster:
    """A stand-in behind an in-memory transport. `befall` says what goes wrong with each call."""

    def __init__(
        self, name: str, clock: VirtualClock, hosts: Iterable[Host], roles: Iterable[str]
    ) -> None:
        self.name = name
        self.calls: list[Call] = []
        self.befall: Befall = never
        self.crash = Crash()
        self._clock = clock
        self._roles = tuple(roles)
        self._lock = threading.Lock()
        self.aurora = self._empty(name, hosts)
        self._door = Door(self.aurora)

    @property
    def writes(self) -> list[Call]:
        """Return the calls that would change something, whether or not they arrived."""
        return [call for call in self.calls if call.method not in READ_ONLY_METHODS]

    def transport(self) -> httpx.BaseTransport:
        return httpx.MockTransport(self._answer)

    def by_hand(self, method: str, user: str = "bob", **args: Any) -> Response:
        """Do what a person does beside us; the call must succeed."""
        self.aurora.advance(self._ms())
        args = dict.fromkeys((p.name for p in calls.METHODS[method].params), None) | args
        found = self.aurora.call(method, args, user)
        assert found.responseCode is ResponseCode.OK, found.details
        return found

    def tasks(self, name: str | None = None) -> tuple[ScheduledTask, ...]:
        """Return the active tasks, of one job if named, by instance."""
        query = TaskQuery(statuses=tuple(ACTIVE_STATES), jobName=name)
        found = self.by_hand("getTasksStatus", query=query).result
        assert found is not None
        assert found.scheduleStatusResult is not None
        told = found.scheduleStatusResult.tasks or ()
        return tuple(sorted(told, key=lambda t: (_job(t).name or "", _instance(t))))

    def _ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _empty(self, name: str, hosts: Iterable[Host]) -> Aurora:
        aurora = Aurora(name, hosts, self._ms())
        for role in self._roles:
            aurora.set_quota(role, QUOTA)
        return aurora

    def _answer(self, request: httpx.Request) -> httpx.Response:
        call = calls.decode_call(request.read())
        self.calls.append(call)
        fault = self.befall(call)
        match fault:
            case Fault.UNREACHABLE:
                raise httpx.ConnectError("connection refused")
            case Fault.DENIED:
                return httpx.Response(401)
            case Fault.LOST_REQUEST:
                self._clock.lapse(_patience(request))
                raise httpx.ReadTimeout("lost on the way there")
        writes = call.method not in READ_ONLY_METHODS
        if writes:
            self.crash.point()
        found = self._carried_out(request, call, fault)
        if writes:
            self.crash.point()
        return found

    def _carried_out(
        self, request: httpx.Request, call: Call, fault: Fault | None
    ) -> httpx.Response:
        if fault in (Fault.OTHER_CLUSTER, Fault.EMPTIED):
            name = "elsewhere" if fault is Fault.OTHER_CLUSTER else self.name
            return _response(_asked(Door(self._empty(name, ())), request))
        told = self.deliver(call, request)
        match fault:
            case Fault.TWICE:
                told = self.deliver(call, request)
            case Fault.LOST_REPLY:
                raise httpx.ReadError("lost on the way back")
            case Fault.SLOW:
                self._clock.lapse(_patience(request))
                raise httpx.ReadTimeout("too late")
            case Fault.ERROR_500:
                return httpx.Response(500, content=b"<html>Problem accessing /api</html>")
            case Fault.GARBAGE:
                return httpx.Response(200, content=told.body[: len(told.body) // 2])
            case Fault.HOLLOW:
                info = ServerInfo(clusterName=self.name)
                empty = Response(responseCode=ResponseCode.OK, serverInfo=info, details=())
                content = calls.encode_reply(call.method, call.seqid, empty)
                return httpx.Response(200, content=content)
        return _response(told)

    def deliver(self, call: Call, request: httpx.Request) -> Answer:
        """Have the scheduler answer a call that arrived; questions arrive side by side."""
        del call
        with self._lock:
            self.aurora.advance(self._ms())
            return _asked(self._door, request)


def _asked(door: Door, request: httpx.Request) -> Answer:
    return door.answer("POST", request.url.path, dict(request.headers), request.read())


def _response(told: Answer) -> httpx.Response:
    return httpx.Response(told.status, headers=told.headers, content=told.body)


def _patience(request: httpx.Request) -> float:
    """Return how long the caller waits for this answer."""
    return float(request.extensions["timeout"]["read"])


def hosts(count: int) -> tuple[Host, ...]:
    return tuple(
        Host(
            name=f"agent-{n}",
            cpu=32.0,
            ram_mb=65_536,
            disk_mb=500_000,
            ports=(31_000, 32_000),
            attributes={"host": f"agent-{n}", "rack": "ab"[n % 2]},
        )
        for n in range(count)
    )


def _job(task: ScheduledTask) -> JobKey:
    assert task.assignedTask is not None
    assert task.assignedTask.task is not None
    assert task.assignedTask.task.job is not None
    return task.assignedTask.task.job


def _instance(task: ScheduledTask) -> int:
    assert task.assignedTask is not None
    return task.assignedTask.instanceId or 0
