"""The embedded cluster: the stand-in behind an in-memory transport, its world kept in a file.

Two commands see the same world, and time passes there between them. A command that only looks
moves time on in memory and writes nothing.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from reconciler.model.policy import Cluster, Embedded
from reconciler.record.fault import RecordError
from reconciler.standin.aurora import Aurora
from reconciler.standin.configs import Rules
from reconciler.standin.hosts import Host
from reconciler.standin.journal import Journal, Kept, Moment, StateError
from reconciler.standin.running import Running, resumed
from reconciler.thrift.structs import Resource, ResourceAggregate

URL = "http://embedded"
PORTS = (31_000, 32_000)


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
        self._path = path
        journal = Journal(path)

        def now_s() -> float:
            return now().timestamp()

        try:
            found = opened(cluster, told, now_s(), journal)
        except StateError as fault:
            raise RecordError(f"{path}: {fault}; move it away for a new embedded cluster") from None
        kept_in = journal if writing else None
        self._running = Running(found.aurora, now_s, found.moment, kept_in, kept=found.kept)

    def time(self, now: datetime) -> datetime:
        """Return what time it is there when it is `now` here."""
        there_ms = self._running.moment.there(now.timestamp())
        return datetime.fromtimestamp(there_ms / 1000, UTC)

    def transport(self) -> httpx.BaseTransport:
        """Return a transport of httpx that ends in this world."""
        return _Transport(self)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Return the answer of this world, once what it did is kept."""
        path = request.url.raw_path.decode("ascii")
        try:
            found = self._running.answer(request.method, path, request.headers, request.read())
        except OSError as fault:
            raise self._unwritable(fault) from None
        return httpx.Response(found.status, headers=dict(found.headers), content=found.body)

    def close(self) -> None:
        """Keep what became of the world meanwhile."""
        try:
            self._running.close()
        except OSError as fault:
            raise self._unwritable(fault) from None

    def _unwritable(self, fault: OSError) -> RecordError:
        return RecordError(f"{self._path} cannot be written: {fault.strerror}")


class _Transport(httpx.BaseTransport):
    def __init__(self, world: World) -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._world.answer(request)

    def close(self) -> None:
        self._world.close()


@dataclass(frozen=True, slots=True)
class Opened:
    """A cluster before its time passes; `kept` is what is in the file, if it is just as it says."""

    aurora: Aurora
    moment: Moment
    kept: Kept | None


def opened(cluster: Cluster, told: Embedded, here_s: float, journal: Journal | None) -> Opened:
    """Return the cluster as it is in the file, or a new one, with what its document declares.

    StateError when what is in the file is no world of this stand-in.
    """
    kept = journal.load() if journal is not None else None
    if kept is None:
        moment = Moment(here_s, int(here_s * 1000), told.clock)
        rules = rules_of(cluster)
        aurora = Aurora(cluster.server_name, (), moment.there_ms, random.Random(), rules)
    else:
        moment = resumed(kept, here_s, told.clock)
        aurora = kept.aurora()
    aurora, is_other = _as_declared(aurora, cluster, told)
    return Opened(aurora, moment, None if is_other else kept)


def _as_declared(aurora: Aurora, cluster: Cluster, told: Embedded) -> tuple[Aurora, bool]:
    """Return the cluster with what its document declares, and whether it had anything else."""
    rules, hosts = rules_of(cluster), hosts_of(told)
    quotas = {role: _quota(quota.cpu, quota.ram_mb, quota.disk_mb) for role, quota in told.quotas}
    was = aurora.rules, sorted(aurora.hosts, key=_name), {r: aurora.quota(r) for r in quotas}
    if was == (rules, sorted(hosts, key=_name), quotas):
        return aurora, False
    if aurora.rules != rules:
        state = json.loads(json.dumps(aurora.dump()))
        aurora = Aurora.restore(state, aurora.now_ms, rules)
    aurora.set_hosts(hosts)
    for role, quota in quotas.items():
        aurora.set_quota(role, quota)
    return aurora, True


def rules_of(cluster: Cluster) -> Rules:
    """Return the flags of the scheduler that a document states."""
    return Rules(
        tasks_per_job_max=cluster.tasks_per_job_max,
        update_failures_max=cluster.update_failures_max,
        sla_instances_min=cluster.sla_instances_min,
        sla_duration_max_s=cluster.sla_duration_max_s,
        cron_timezone=cluster.time_zone,
    )


def _name(host: Host) -> str:
    return host.name


def hosts_of(told: Embedded) -> tuple[Host, ...]:
    """Return the agents that a document declares."""
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
