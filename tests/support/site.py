"""The real rounds against stand-ins: one reconciler's world, for the tests of whatever drives it.

A `Site` has the desired state as files in memory, a state directory, a clock, and clusters. Each
call of `step`, `preview`, `converge` or `watch` is a process of its own: it opens the record anew
and remembers nothing else.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import httpx

from reconciler.app.packaged import schemas
from reconciler.desired.schemas import Schemas
from reconciler.loop.converge import Converged, Limits, converge
from reconciler.loop.desired import Reader
from reconciler.loop.observe import Seat
from reconciler.loop.patience import Patience
from reconciler.loop.round import Consent, Rounds, Work, always
from reconciler.loop.supervisor import Supervisor
from reconciler.loop.watch import Rhythm, watch
from reconciler.model.keys import JobKey
from reconciler.model.left import Left, forever
from reconciler.model.memory import Memory
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Decision
from reconciler.model.policy import Cluster as ClusterPolicy
from reconciler.model.round import Event, JobStatus, PastAct, RoundReport
from reconciler.model.tree import FileAt, Files, Revision
from reconciler.plan.inputs import Orders
from reconciler.record.store import Record
from reconciler.scheduler.aurora import Aurora
from reconciler.scheduler.client import Client
from reconciler.scheduler.http import HttpDoor
from reconciler.sources.port import SourceError
from tests.support.cluster import DEADLINES, Cluster, Crash, VirtualClock, hosts

NAME = "dev"
NO_ORDERS = Orders()

# --- the desired state

PLATFORM = """
apiVersion: reconciler/v1
kind: Platform
metadata: {name: acme}
spec:
  contact: ops@acme.example
  environments:
    - {match: prod, tier: preferred}
  recipes:
    wheel: {run: "{package}=={version} {run}"}
  rollouts:
    standard: {batch: 25%, watch: 2s}
  rollout: standard
  logs: {destination: file, rotate: 100MiB, backups: 5}
  start: 5s
"""

CLUSTER = """
apiVersion: reconciler/v1
kind: Cluster
metadata: {{name: {name}}}
spec:
  timeZone: UTC
  scheduler: {{urls: ["http://{name}"]}}
"""

PROJECT = """
apiVersion: reconciler/v1
kind: Project
metadata: {{name: {name}}}
spec:
  sources: ["{name}/**"]
  environments:
    prod: {{cluster: {cluster}}}
  allow: {{aurora: [metadata]}}
{more}
"""


def service(
    name: str, project: str = "shop", *, sim: dict[str, int] | None = None, **spec: Any
) -> str:
    """Return a Service document; `sim` scripts its tasks (recordings/README.md)."""
    told = {"package": name, "version": '"1"', "run": "serve", "instances": 3, **spec}
    lines = "".join(f"  {key}: {value}\n" for key, value in told.items())
    pairs = ", ".join(f'{{key: sim.{k}, value: "{v}"}}' for k, v in (sim or {}).items())
    raw = f"  aurora: {{metadata: [{pairs}]}}\n" if sim else ""
    return (
        "apiVersion: reconciler/v1\nkind: Service\n"
        f"metadata: {{project: {project}, name: {name}}}\nspec:\n{lines}{raw}"
        "  resources: {cpu: 1, ram: 128MiB, disk: 128MiB}\n  environments: {prod: {}}\n"
    )


def cron(name: str, project: str = "shop", **spec: Any) -> str:
    """Return a CronJob document."""
    told = {"package": name, "version": '"1"', "run": "work", "schedule": '"0 4 * * *"', **spec}
    lines = "".join(f"  {key}: {value}\n" for key, value in told.items())
    return (
        "apiVersion: reconciler/v1\nkind: CronJob\n"
        f"metadata: {{project: {project}, name: {name}}}\nspec:\n{lines}"
        "  resources: {cpu: 1, ram: 128MiB, disk: 128MiB}\n  environments: {prod: {}}\n"
    )


class Tree:
    """The desired state as files in memory. Each content is a revision; `go_back` to an old one."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.incomplete: str | None = None
        self.error: str | None = None
        self._known: list[tuple[str, dict[str, str]]] = []

    def read(self) -> Files:
        if self.error is not None:
            raise SourceError(self.error)
        told = repr(sorted(self.files.items())).encode()
        name = hashlib.sha1(told).hexdigest()
        if name not in self._names():
            self._known.append((name, dict(self.files)))
        files = tuple(
            FileAt(path, hashlib.sha1(text.encode()).hexdigest(), text.encode())
            for path, text in sorted(self.files.items())
        )
        return Files(Revision(name), files, self.incomplete)

    def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
        if self.error is not None:
            raise SourceError(self.error)
        names = self._names()
        older = frozenset(names[: names.index(revision.id)])
        return Revision(revision.id, older & asked, asked)

    def _names(self) -> list[str]:
        return [known for known, _ in self._known]

    def watched(self) -> tuple[Path, ...]:
        return ()

    def go_back(self, revisions: int) -> None:
        """Have the content of so many revisions before the newest."""
        self.files = dict(self._known[-1 - revisions][1])


@cache
def _schemas() -> Schemas:
    return schemas()


# --- all of it


class _Record(Record):
    """A record that a crash may befall before and after each thing it writes."""

    crash: Crash

    def keep(
        self,
        cluster: str,
        before: Memory,
        after: Memory,
        found: Iterable[tuple[JobKey, PastAct]] = (),
        of: JobKey | None = None,
    ) -> None:
        self.crash.point()
        self.crash.disk()
        super().keep(cluster, before, after, found, of)
        self.crash.point()

    def settle(
        self, before: Memory, after: Memory, at: datetime, outcome: Outcome, revision: str
    ) -> None:
        self.crash.point()
        self.crash.disk()
        super().settle(before, after, at, outcome, revision)
        self.crash.point()

    def keep_round(
        self,
        cluster: str,
        at: datetime,
        revision: str,
        unmanaged: int | None,
        jobs: Iterable[JobStatus],
    ) -> None:
        self.crash.point()
        self.crash.disk()
        super().keep_round(cluster, at, revision, unmanaged, jobs)
        self.crash.point()


class HostClock:
    """The clock of the reconciler's host: it may be wrong, and waiting does not go by it."""

    def __init__(self, site: "Site") -> None:
        self._site = site

    def now(self) -> datetime:
        return self._site.clock.now() + timedelta(seconds=self._site.ahead_s)

    def monotonic(self) -> float:
        return self._site.clock.monotonic()

    def wait(self, seconds: float) -> None:
        self._site.clock.wait(seconds)


class Site:
    """One reconciler and its clusters. `events` holds what was told during the runs.

    `clock` tells the true time, by which the clusters live; the host's is `ahead_s` of it.
    """

    def __init__(self, state: Path, *names: str, agents: int = 4, more: str = "") -> None:
        self.state = state
        self.clock = VirtualClock()
        self.ahead_s = 0.0
        self.host = HostClock(self)
        self.tree = Tree()
        self.events: list[Event] = []
        self.crash = Crash()
        self._tokens = itertools.count(1)
        self.tree.files["platform/platform.yaml"] = PLATFORM
        self.clusters: dict[str, Cluster] = {}
        for name in names or (NAME,):
            project = "shop" if name == NAME else f"shop-{name}"
            told = PROJECT.format(name=project, cluster=name, more=more)
            self.tree.files[f"platform/projects/{project}.yaml"] = told
            self.tree.files[f"platform/clusters/{name}.yaml"] = CLUSTER.format(name=name)
            self.clusters[name] = Cluster(name, self.clock, hosts(agents), (project,))

    @property
    def cluster(self) -> Cluster:
        """Return the first cluster, for a site that has one."""
        return next(iter(self.clusters.values()))

    def declare(self, *documents: str, project: str = "shop") -> None:
        """Have exactly these documents declared, each in a file of its own."""
        kept = {p: t for p, t in self.tree.files.items() if not p.startswith(f"{project}/")}
        named = {f"{project}/doc-{n}.yaml": text for n, text in enumerate(documents)}
        self.tree.files = {**kept, **named}

    @contextmanager
    def rounds(
        self, orders: Orders = NO_ORDERS, *, writing: bool = True, left: Left = forever
    ) -> Iterator[Rounds]:
        """Return the rounds of one process."""
        with self.work(orders, writing=writing, left=left) as work:
            yield Rounds(work)

    @contextmanager
    def work(
        self, orders: Orders = NO_ORDERS, *, writing: bool = True, left: Left = forever
    ) -> Iterator[Work]:
        """Return what the rounds of one process work with."""
        record = _Record(self.state, self.host.now(), writing=writing)
        record.crash = self.crash
        for cluster in self.clusters.values():
            cluster.crash = self.crash
        with record:
            yield Work(
                reader=Reader(self.tree, _schemas()),
                record=record,
                seat=cache(lambda cluster: self._seat(cluster, left)),
                orders=orders,
                clock=self.host,
                mint=lambda: f"token-{next(self._tokens)}",
            )

    def step(self, orders: Orders = NO_ORDERS, consent: Consent = always) -> RoundReport:
        """Do one round."""
        with self.rounds(orders) as rounds:
            return rounds.step(self.host.now(), consent, self.events.append, lambda: False)

    def preview(self, orders: Orders = NO_ORDERS) -> RoundReport:
        with self.rounds(orders, writing=False) as rounds:
            return rounds.preview(self.host.now())

    def converge(
        self,
        orders: Orders = NO_ORDERS,
        timeout_s: float = 1800,
        consent: Consent = always,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Converged:
        """Do rounds until nothing is left to do, as `reconcile` does."""
        patience = Patience(self.host, timeout_s)
        with self.rounds(orders, left=patience.to_answer) as rounds:
            limits = Limits(patience.left)
            return converge(rounds, self.host, limits, self.events.append, consent, stopping)

    def watch(self, seconds: float, interval_s: float = 30, orders: Orders = NO_ORDERS) -> None:
        """Do rounds for so long, as `reconcile watch` does."""
        until = self.clock.monotonic() + seconds
        with self.rounds(orders) as rounds:
            watch(
                rounds,
                self.host,
                Rhythm(interval_s, Random(0)),
                self.events.append,
                Supervisor(self.state / "heartbeat.json"),
                lambda: self.clock.monotonic() >= until,
            )

    def memory(self, cluster: str = NAME) -> Memory:
        with Record(self.state, self.host.now(), writing=False) as record:
            return record.memory(cluster)

    def history(self, name: str) -> list[tuple[str, str]]:
        """Return action and outcome of each act on a job, oldest first."""
        with Record(self.state, self.host.now(), writing=False) as record:
            told = record.acts(100).get(JobKey(NAME, "shop", "prod", name), ())
        return [(a.action, a.outcome) for a in reversed(told) for _ in range(a.times)]

    def _seat(self, cluster: ClusterPolicy, left: Left) -> Seat:
        http = httpx.Client(transport=self.clusters[cluster.name].transport())
        door = HttpDoor(http, (f"http://{cluster.name}",), None, DEADLINES, left)
        return Seat(Aurora(cluster.name, Client(door, cluster.server_name)), lambda now: now)


def decisions(report: RoundReport) -> dict[str, Decision]:
    """Return what was decided about each job, by its name."""
    return {d.key.name: d for r in report.rounds for d in r.plan.decisions}


def reasons(report: RoundReport) -> dict[str, str]:
    """Return why, by the job's name."""
    return {name: decision.reason.label for name, decision in decisions(report).items()}
