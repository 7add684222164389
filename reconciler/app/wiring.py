"""From local choices to something that does rounds. The only place that knows every layer."""

import contextlib
import logging
import ssl
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import httpx

from reconciler.app.packaged import schemas
from reconciler.loop.clock import Clock
from reconciler.loop.desired import Declared, Reader
from reconciler.loop.failing import of_source
from reconciler.loop.observe import Seat
from reconciler.loop.round import Rounds, Work
from reconciler.model.left import Left, forever
from reconciler.model.policy import Cluster, Embedded, Scheduler
from reconciler.model.problem import suggestion
from reconciler.plan.inputs import Orders
from reconciler.record.fault import RecordError
from reconciler.record.store import Record
from reconciler.scheduler.aurora import Aurora
from reconciler.scheduler.client import Client
from reconciler.scheduler.connections import connections
from reconciler.scheduler.http import Credentials, Deadlines, HttpDoor
from reconciler.sources.contents import standing
from reconciler.sources.open import open_source
from reconciler.sources.port import Source, SourceError

USER_AGENT = "aurora-reconciler"

log = logging.getLogger(__name__)


class Local(Protocol):
    """What this machine decides: where things lie, and what it alone knows."""

    @property
    def desired(self) -> str: ...

    @property
    def state(self) -> Path | None: ...

    @property
    def platform_dir(self) -> str: ...

    @property
    def credentials(self) -> Mapping[str, Credentials]: ...

    @property
    def deadlines(self) -> Deadlines: ...


class OptionError(Exception):
    """An option that cannot be meant, as things are."""


class NoPlatformError(Exception):
    """No Platform can be read, so that nobody knows where its record lies."""

    def __init__(self, declared: Declared) -> None:
        why = "; ".join(map(str, declared.problems)) or declared.tree.incomplete
        super().__init__(f"which platform this is cannot be read: {why}")
        self.declared = declared


@dataclass(frozen=True, slots=True)
class Wired:
    """What a command works with. `haste` is the fastest cluster's time against ours.

    `unborn` are the embedded clusters that nothing ever ran on, with the files of their worlds.
    """

    rounds: Rounds
    record: Record
    source: Source
    haste: float
    unborn: Mapping[str, Path]


def reader(
    local: Local, left: Left = forever, monotonic: Callable[[], float] = standing
) -> tuple[Source, Reader]:
    """Return the source and what reads it; OptionError for a place that cannot be meant."""
    try:
        source = open_source(local.desired, left, monotonic)
    except ValueError as fault:
        raise OptionError(f"--desired: {fault}") from None
    return source, Reader(source, schemas(), local.platform_dir)


def state_directory(local: Local, declared: Declared, environment: Mapping[str, str]) -> Path:
    """Return where state is kept; NoPlatformError when nobody knows.

    OptionError for a place within the tree: what is recorded would be read as declared.
    """
    policies = declared.tree.policies
    if local.state is None and policies is None:
        raise NoPlatformError(declared)
    platform = policies.platform.name if policies is not None else ""
    found = local.state or default_state(platform, environment)
    tree = Path(local.desired)
    if tree.is_dir() and found.resolve().is_relative_to(tree.resolve()):
        raise OptionError(f"--state: {found} lies within the desired state")
    return found


def default_state(platform: str, environment: Mapping[str, str]) -> Path:
    """Return where state is kept when nobody says so: one directory per platform."""
    base = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "reconcile" / platform


@dataclass(frozen=True, slots=True)
class Terms:
    """How a command may work: writing needs the lock; credentials go out only then.

    `only` is the name of the one cluster that is not left alone. `left` bounds all waiting for
    answers.
    """

    orders: Orders
    writing: bool
    only: str | None = None
    left: Left = forever


@contextlib.contextmanager
def wired(
    local: Local, terms: Terms, clock: Clock, environment: Mapping[str, str]
) -> Iterator[Wired]:
    """Wire everything, and close it again.

    SourceError, RecordError, OptionError and NoPlatformError pass through.
    """
    source, reading = reader(local, terms.left, clock.monotonic)
    try:
        declared = reading.read({})
        check_known(terms.only, declared)
        directory = state_directory(local, declared, environment)
        _check_logins(local, declared)
    except (SourceError, NoPlatformError) as fault:
        if terms.writing and local.state is not None:
            _remember(local.state, str(fault), clock.now())
        raise
    with contextlib.ExitStack() as stack:
        record = stack.enter_context(Record(directory, clock.now(), writing=terms.writing))
        seats = stack.enter_context(Seats(local, directory, clock, terms))
        work = Work(
            reader=reading,
            record=record,
            seat=seats.of,
            orders=terms.orders,
            clock=clock,
            mint=lambda: str(uuid.uuid4()),
            only=terms.only,
        )
        yield Wired(Rounds(work), record, source, _haste(declared), _unborn(declared, directory))


def _check_logins(local: Local, declared: Declared) -> None:
    """Warn of credentials that are for no cluster here: under a mistyped name none are sent."""
    policies = declared.tree.policies
    known = policies.clusters.keys() if policies is not None else local.credentials.keys()
    for name in sorted(local.credentials.keys() - known):
        words = "[clusters.%s] of the configuration is of no cluster here, so nobody gets it: %s"
        log.warning(words, name, suggestion(name, known))


def _remember(directory: Path, why: str, now: datetime) -> None:
    """Write down, where there is a record already, that no round came about."""
    if not (directory / "record.sqlite").exists():
        return
    # The first fault is what is told; whoever holds the record tells of its own.
    with contextlib.suppress(RecordError), Record(directory, now, writing=True) as record:
        record.keep_failing(of_source(record.failing(), why, now))


class Seats:
    """One seat per cluster, kept as long as its document says the same."""

    def __init__(self, local: Local, state: Path, clock: Clock, terms: Terms) -> None:
        self._local = local
        self._state = state
        self._clock = clock
        self._writing = terms.writing
        self._left = terms.left
        self._seats: dict[str, tuple[Cluster, Seat, httpx.Client]] = {}

    def __enter__(self) -> "Seats":
        return self

    def __exit__(self, *error: object) -> None:
        for _, _, http in self._seats.values():
            http.close()

    def of(self, cluster: Cluster) -> Seat:
        """Return the cluster's seat; another address makes another one.

        RecordError or OSError when this machine lacks what the seat needs.
        """
        known = self._seats.get(cluster.name)
        if known is not None and known[0].scheduler == cluster.scheduler:
            return known[1]
        if known is not None:
            known[2].close()
        seat, http = self._made(cluster)
        self._seats[cluster.name] = (cluster, seat, http)
        return seat

    def _made(self, cluster: Cluster) -> tuple[Seat, httpx.Client]:
        place, deadlines = cluster.scheduler, self._local.deadlines
        if isinstance(place, Embedded):
            # Imported here, so that what reaches a real cluster needs no stand-in.
            from reconciler.app.embedded import URL, World

            path = world_of(self._state, cluster.name)
            world = World(cluster, place, path, self._clock.now, writing=self._writing)
            http = httpx.Client(transport=world.transport())
            door = HttpDoor(http, (URL,), None, deadlines, self._left)
            return Seat(_port(cluster, door), world.time, place.clock), http
        http = _http(place)
        secret = self._credentials(cluster.name)
        door = HttpDoor(http, place.urls, secret, deadlines, self._left)
        return Seat(_port(cluster, door), _own_time), http

    def _credentials(self, cluster: str) -> Credentials | None:
        """Reading needs none, so that a preview of a pull request sends none."""
        return self._local.credentials.get(cluster) if self._writing else None


def _port(cluster: Cluster, door: HttpDoor) -> Aurora:
    return Aurora(cluster.name, Client(door, cluster.server_name))


def _http(place: Scheduler) -> httpx.Client:
    verify: ssl.SSLContext | bool = True
    if place.ca_file is not None:
        try:
            verify = ssl.create_default_context(cafile=place.ca_file)
        except OSError as fault:
            raise OSError(f"{place.ca_file} cannot be used: {fault.strerror or fault}") from None
    return connections(verify, USER_AGENT)


def check_known(only: str | None, declared: Declared) -> None:
    """A mistyped name must not look like a cluster on which nothing is to do: OptionError."""
    policies = declared.tree.policies
    if only is None or policies is None or only in policies.clusters:
        return
    listed = ", ".join(sorted(policies.clusters)) or "none"
    raise OptionError(f"--cluster: there is no cluster {only!r}; write {listed}")


def _own_time(now: datetime) -> datetime:
    return now


def world_of(state: Path, cluster: str) -> Path:
    """Return the file in which an embedded cluster is kept."""
    return state / f"embedded-{cluster}.json"


def _unborn(declared: Declared, state: Path) -> dict[str, Path]:
    policies = declared.tree.policies
    clusters = policies.clusters.items() if policies is not None else ()
    embedded = sorted(name for name, c in clusters if isinstance(c.scheduler, Embedded))
    worlds = {name: world_of(state, name) for name in embedded}
    return {name: path for name, path in worlds.items() if not path.exists()}


def _haste(declared: Declared) -> float:
    policies = declared.tree.policies
    clusters = policies.clusters.values() if policies is not None else ()
    return max((cluster.clock for cluster in clusters), default=1.0)
