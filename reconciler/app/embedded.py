"""The embedded cluster: the stand-in behind an in-memory transport, its world kept in a file.

Two commands see the same world, and time passes there between them. A command that only looks
moves time on in memory and writes nothing.
"""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from reconciler.model.policy import Cluster, Embedded
from reconciler.record.fault import RecordError
from reconciler.standin.aurora import Aurora
from reconciler.standin.configs import Rules
from reconciler.standin.door import Door
from reconciler.standin.hosts import Host
from reconciler.standin.server import Saved, StateError
from reconciler.thrift.structs import Resource, ResourceAggregate

URL = "http://embedded"
PORTS = (31_000, 32_000)

# A world that nobody looked at for a month need not live through all of it.
IDLE_MAX = timedelta(days=1)


class World:
    """One embedded cluster. Its time is `clock` times as fast as ours, from when it was made."""

    def __init__(
        self,
        cluster: Cluster,
        told: Embedded,
        path: Path,
        now: Callable[[], datetime],
        *,
        writing: bool,
    ) -> None:
        self._clock = told.clock
        self._path = path
        self._now = now
        self._writing = writing
        self._lock = threading.Lock()
        saved = self._load()
        self._started = now()
        self._there_ms = int(self._started.timestamp() * 1000)
        try:
            self._aurora = made(cluster, told, saved, self._there_ms)
        except StateError as fault:
            raise self._unusable(f"{path}: {fault}") from None
        if saved is not None:
            here = datetime.fromtimestamp(saved.here_s, UTC)
            here = max(here, self._started - IDLE_MAX / told.clock)
            self._started, self._there_ms = min(here, self._started), saved.there_ms
        self._door = Door(self._aurora, None)

    def time(self, now: datetime) -> datetime:
        """Return what time it is there when it is `now` here."""
        passed = (now - self._started) * self._clock
        return datetime.fromtimestamp(self._there_ms / 1000, UTC) + passed

    def transport(self) -> httpx.BaseTransport:
        """Return a transport of httpx that ends in this world."""
        return _Transport(self)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of this world, once what it did is kept."""
        body = request.read()
        with self._lock:
            self._pass_time()
            written = self._aurora.writes
            found = self._door.answer(request.method, request.url.path, request.headers, body)
            # What was answered must not be lost with this process.
            if self._writing and self._aurora.writes != written:
                self._save()
        return httpx.Response(found.status, headers=dict(found.headers), content=found.body)

    def close(self) -> None:
        """Keep what became of the world meanwhile."""
        if self._writing:
            with self._lock:
                self._pass_time()
                self._save()

    def _pass_time(self) -> None:
        now_ms = int(self.time(self._now()).timestamp() * 1000)
        # The clock of a machine may be set back; time there does not follow.
        if now_ms > self._aurora.now_ms:
            self._aurora.advance(now_ms)

    def _load(self) -> Saved | None:
        try:
            return Saved.load(self._path)
        except StateError as fault:
            raise self._unusable(str(fault)) from None

    def _unusable(self, why: str) -> RecordError:
        return RecordError(f"{why}; move it away for a new embedded cluster")

    def _save(self) -> None:
        here_s = self._now().timestamp()
        try:
            Saved(here_s, self._aurora.now_ms, self._aurora.dump()).store(self._path)
        except OSError as fault:
            raise RecordError(f"{self._path} cannot be written: {fault.strerror}") from None


class _Transport(httpx.BaseTransport):
    def __init__(self, world: World) -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._world.answer(request)

    def close(self) -> None:
        self._world.close()


def made(cluster: Cluster, told: Embedded, saved: Saved | None, now_ms: int) -> Aurora:
    """Return the cluster as it was saved, or a new one, with what its document declares.

    StateError when what was saved is none of this stand-in.
    """
    rules = Rules(
        tasks_per_job_max=cluster.tasks_per_job_max,
        update_failures_max=cluster.update_failures_max,
        sla_instances_min=cluster.sla_instances_min,
        sla_duration_max_s=cluster.sla_duration_max_s,
        cron_timezone=cluster.time_zone,
    )
    if saved is None:
        aurora = Aurora(cluster.server_name, (), now_ms, random.Random(), rules)
    else:
        try:
            aurora = Aurora.restore(saved.world, saved.there_ms, rules)
        except (LookupError, TypeError, ValueError) as fault:
            raise StateError(f"it is no world of this stand-in ({fault})") from None
    aurora.set_hosts(_hosts(told))
    for role, quota in told.quotas:
        aurora.set_quota(role, _quota(quota.cpu, quota.ram_mb, quota.disk_mb))
    return aurora


def _hosts(told: Embedded) -> tuple[Host, ...]:
    return tuple(
        Host(
            name=host.name,
            cpu=host.cpu,
            ram_mb=host.ram_mb,
            disk_mb=host.disk_mb,
            ports=PORTS,
            attributes=dict(host.attributes),
        )
        for host in told.hosts
    )


def _quota(cpu: float, ram_mb: int, disk_mb: int) -> ResourceAggregate:
    return ResourceAggregate(
        resources=(Resource(numCpus=cpu), Resource(ramMb=ram_mb), Resource(diskMb=disk_mb))
    )
