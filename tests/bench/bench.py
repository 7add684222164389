"""One reconciler over a generated tree and canned replies, wired as the program is, and counted."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from reconciler.app.packaged import schemas
from reconciler.loop.clock import Clock
from reconciler.loop.converge import Converged, Limits, converge
from reconciler.loop.desired import Reader
from reconciler.loop.garbage import uncollected
from reconciler.loop.observe import Seat
from reconciler.loop.patience import Patience
from reconciler.loop.round import Rounds, Work, always
from reconciler.model.policy import Cluster
from reconciler.model.round import Event, RoundReport
from reconciler.plan.inputs import Orders
from reconciler.record.store import Record
from reconciler.scheduler.aurora import Aurora
from reconciler.scheduler.client import Client
from reconciler.scheduler.connections import connections
from reconciler.scheduler.http import Deadlines, Door, HttpDoor
from reconciler.sources.open import open_source
from tests.bench.canned import CannedDoor
from tests.bench.trees import CLUSTER

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Done:
    """Work that was done: YAML files parsed, values checked against a schema, RPCs sent."""

    parses: int
    schema_calls: int
    rpcs: int

    def __sub__(self, before: "Done") -> "Done":
        return Done(
            self.parses - before.parses,
            self.schema_calls - before.schema_calls,
            self.rpcs - before.rpcs,
        )


class Still:
    """A clock that stands still: which jobs are looked at more closely depends on the minute."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        raise AssertionError(f"a benchmark does not wait {seconds} s")


class Bench:
    """A reconciler whose cluster is a door, and what it has done so far."""

    def __init__(self, tree: Path, record: Record, door: Door, clock: Clock) -> None:
        self._clock = clock
        self._reader = reader_of(tree)
        # As the program does, to learn of which platform this is.
        self._reader.read({})
        self._client = Client(door, CLUSTER)
        self._seats: dict[str, Seat] = {}
        tokens = map(str, itertools.count())
        self._rounds = Rounds(
            Work(
                reader=self._reader,
                record=record,
                seat=self._seat,
                orders=Orders(),
                clock=self._clock,
                mint=lambda: next(tokens),
            )
        )

    def _seat(self, cluster: Cluster) -> Seat:
        if cluster.name not in self._seats:
            self._seats[cluster.name] = Seat(Aurora(cluster.name, self._client), _own_time)
        return self._seats[cluster.name]

    def step(self) -> RoundReport:
        """Do a round, with all that it remembers."""
        return self._rounds.step(self._clock.now(), always, _deaf, lambda: False)

    def preview(self) -> RoundReport:
        """Plan a round, and remember nothing of it."""
        return self._rounds.preview(self._clock.now())

    def converge(self, timeout_s: float, listen: Callable[[Event], None]) -> Converged:
        """Do rounds until nothing is left to do."""
        limits = Limits(Patience(self._clock, timeout_s).left)
        return converge(self._rounds, self._clock, limits, listen, always, lambda: False)

    @property
    def calls(self) -> dict[str, int]:
        """Return how often each method was called."""
        return dict(self._client.calls)

    @property
    def done(self) -> Done:
        reader = self._reader
        return Done(reader.parses, reader.schemas.calls, sum(self._client.calls.values()))


@contextmanager
def bench(
    tree: Path, state: Path, door: Door, *, writing: bool = True, clock: Clock | None = None
) -> Iterator[Bench]:
    """Yield a reconciler with its record in `state`, in a process that is as the program's."""
    with uncollected(), Record(state, NOW, writing=writing) as record:
        yield Bench(tree, record, door, clock or Still())


def reader_of(tree: Path) -> Reader:
    return Reader(open_source(str(tree), monotonic=monotonic), schemas())


@contextmanager
def door_to(url: str) -> Iterator[Door]:
    """Yield a door to whoever answers at this URL."""
    with connections(True, "bench") as http:
        yield HttpDoor(http, (url,), None, Deadlines())


def door_of(tree: Path) -> CannedDoor:
    """Return a door to a cluster that runs what the tree declares."""
    declared = reader_of(tree).read({})
    assert not declared.problems, declared.problems
    return CannedDoor(CLUSTER, declared.rendered.values())


def _own_time(now: datetime) -> datetime:
    return now


def _deaf(event: Event) -> None:
    del event
