"""One world: a repository, a reconciler, a cluster, and all that has been seen of them.

What happens in it are the deeds (`deeds.py`); what must hold of it are the laws (`laws.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from reconciler.model.round import RoundEnded, RoundReport
from reconciler.standin.aurora import Aurora
from reconciler.standin.hosts import Host
from reconciler.thrift.structs import ACTIVE_UPDATE_STATES, Resource, ResourceAggregate
from tests.support.site import Site
from tests.world import sight
from tests.world.events import Event
from tests.world.intent import Content, Policy
from tests.world.repository import Reading, Repository
from tests.world.wire import Asked, Weather, Wire

ROLES = ("shop", "lab")
HOSTS = tuple(
    Host(
        name=f"agent-{n}",
        cpu=9.0,
        ram_mb=16_384,
        disk_mb=100_000,
        ports=(31_000, 31_100),
        attributes={"host": f"agent-{n}", "rack": "ab"[n % 2]},
    )
    for n in range(5)
)


@dataclass(slots=True)
class Released:
    """What a person allowed the process that runs, beyond the desired state."""

    adopt: bool = False
    retry: bool = False
    approve: bool = False
    older: bool = False


@dataclass(slots=True)
class Process:
    """One run of the reconciler. `broke` is what it died of, if it should not have."""

    number: int
    command: str
    began: datetime
    host_began: datetime
    interval_s: float = 0.0
    released: Released = field(default_factory=Released)
    broke: str = ""
    ended: datetime | None = None
    killed: bool = False
    reports: list[tuple[datetime, RoundReport]] = field(default_factory=list)


class World:
    """Everything there is, and what was seen. `deed` is how an event is done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._states = 0
        self.site = Site(path / "state-0", agents=0)
        clock, host_now = self.site.clock, self.site.host.now
        self.repository = Repository(Content(policy=Policy()), host_now)
        self.site.tree = self.repository
        self.wire = Wire(clock, HOSTS, ROLES, host_now)
        self.site.clusters = {"dev": self.wire}
        self.repository.previewing = self._previewing
        self.repository.seen = self._seen
        self.wire.disturbances = lambda: len(self.causes)
        self.wire.readings = lambda: len(self.repository.readings)
        self.processes: list[Process] = []
        self.running: Process | None = None
        self.armed: list[Event] = []
        self.deed: Callable[[World, Event], None] = _undone
        # What happened beside the reconciler; each cause after how many of its calls.
        self.causes: list[tuple[int, str]] = []
        self.retried: list[datetime] = []
        self.lost_records: list[datetime] = []
        self.vanished: set[tuple[str, str]] = set()
        # Names under which others created jobs: nobody can say for sure whose these are.
        self.contested: set[tuple[str, str]] = set()
        self.clock_was_wrong = False
        self.broken: list[str] = []

    @property
    def asked(self) -> list[Asked]:
        return self.wire.asked

    @property
    def reading(self) -> Reading | None:
        """Return what the reconciler read last of the tree."""
        return self.repository.readings[-1] if self.repository.readings else None

    def happen(self, event: Event) -> None:
        """Let an event happen now, or arm it for the next process."""
        if event.at and self.running is None:
            self.armed.append(event)
        else:
            self._do(event)

    def cause(self, what: str) -> None:
        """Note that something happened that may be answered by acts."""
        self.causes.append((len(self.asked), what))

    def weather(self) -> Weather:
        """Return what will befall the next process, to be added to."""
        return self.wire.weather

    def _previewing(self) -> bool:
        return self.running is not None and self.running.command == "preview"

    def _seen(self, reading: Reading) -> None:
        """What the newest commit does not declare is missed no more: declared again, it is new."""
        content = reading.commit.content
        newest = reading.commit is self.repository.commits[-1]
        if newest and reading.whole and not (reading.forgotten or content.broken):
            self.vanished &= self.vanished if content.platform_broken else content.wishes().keys()

    def lose_record(self) -> None:
        """Have an empty state directory from now on. Our marks tell what is ours; of what carries
        none, since somebody put a config of his in its place, nobody can say so any more."""
        self.contested |= _unmarked(self.wire.aurora) - self.repository.head.wishes().keys()
        self._states += 1
        self.site.state = self._path / f"state-{self._states}"
        self.lost_records.append(self.site.host.now())
        self.vanished.clear()

    def meanwhile(self, number: int) -> None:
        """Let happen what was armed for this call of the process."""
        due = [event for event in self.armed if event.at == number]
        self.armed = [event for event in self.armed if event.at != number]
        for event in due:
            self._do(event)

    def hear(self, process: Process) -> None:
        """Keep what a process told of its rounds."""
        told = self.site.events
        process.reports = [(e.at, e.report) for e in told if isinstance(e, RoundEnded)]
        told.clear()

    def _do(self, event: Event) -> None:
        self.wire.aurora.advance(int(self.site.clock.now().timestamp() * 1000))
        self.deed(self, event)


def _unmarked(aurora: Aurora) -> set[tuple[str, str]]:
    """Return the jobs that run something which does not carry our mark, or are about to."""
    held = sight.tasks(aurora)
    theirs = [
        k for k, t in held.items() if any(sight.OWNER not in sight.marks(h.config) for h in t)
    ]
    for update in sight.updates(aurora):
        status = update.state.status if update.state is not None else None
        if status in ACTIVE_UPDATE_STATES and sight.INSTALLATION not in sight.metadata(update):
            theirs += [update.key.job] if update.key is not None and update.key.job else []
    return sight.by_key(dict.fromkeys(theirs, None))


def quota(share: int) -> ResourceAggregate:
    """Return a share, in percent, of what roles have at first."""
    return ResourceAggregate(
        resources=(
            Resource(numCpus=4.0 * share),
            Resource(ramMb=10_000 * share),
            Resource(diskMb=10_000 * share),
        )
    )


def _undone(world: World, event: Event) -> None:
    raise AssertionError(f"nobody does {event} in {world}")
