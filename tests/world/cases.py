"""One call before the laws: what was asked, what was known then, and what follows from it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.thrift.structs import (
    JobConfiguration,
    JobUpdateRequest,
    JobUpdateSummary,
    TaskConfig,
)
from tests.world import sight
from tests.world.intent import PLATFORM_NAME, Content, Wish
from tests.world.repository import Reading
from tests.world.wire import Asked
from tests.world.world import Process, World

Name = tuple[str, str]
OUR_USER = "UNSECURE"
KILLS = ("killTasks", "descheduleCronJob")
STARTS = ("startJobUpdate", "scheduleCronJob")
TO_UPDATES = (
    "abortJobUpdate",
    "pauseJobUpdate",
    "resumeJobUpdate",
    "rollbackJobUpdate",
    "pulseJobUpdate",
)


@dataclass(slots=True)
class Known:
    """What follows from all calls so far: which jobs are ours, what the guard's window holds."""

    ours: dict[Name, datetime] = field(default_factory=dict)
    killed: list[tuple[datetime, Name]] = field(default_factory=list)
    restarted: list[tuple[datetime, Name, int]] = field(default_factory=list)
    refilled: list[tuple[Name, int]] = field(default_factory=list)
    configs: dict[tuple[Name, Any], tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One call before the laws, with what was known when it was made."""

    world: World
    known: Known
    asked: Asked
    process: Process
    reading: Reading

    @property
    def name(self) -> Name:
        return self.asked.key.role or "", self.asked.key.name or ""

    @property
    def method(self) -> str:
        return self.asked.call.method

    @property
    def content(self) -> Content:
        return self.reading.commit.content

    @property
    def wish(self) -> Wish | None:
        """Return what the tree said of this job, as it was read last."""
        return self.content.wishes().get(self.name)

    @property
    def request(self) -> JobUpdateRequest:
        found = self.asked.call.args["request"]
        assert isinstance(found, JobUpdateRequest)
        return found

    @property
    def config(self) -> TaskConfig | None:
        """Return the config that is sent, if one is."""
        match self.asked.call.args:
            case {"request": JobUpdateRequest() as request}:
                return request.taskConfig
            case {"description": JobConfiguration() as job}:
                return job.taskConfig
        return None

    @property
    def scope(self) -> frozenset[int]:
        """Return the instances that the update may touch."""
        settings = self.request.settings
        assert settings is not None
        return sight.instances(settings.updateOnlyTheseInstances or ())

    @property
    def updates(self) -> list[JobUpdateSummary]:
        """Return the job's updates, the newest first; two of one moment are told apart by nobody,
        so whoever looks for the one that just began asks `began`."""

        def created_ms(update: JobUpdateSummary) -> int:
            return (update.state.createdTimestampMs or 0) if update.state is not None else 0

        found = sight.updates(self.world.wire.aurora, self.asked.key)
        return sorted(found, key=created_ms, reverse=True)

    @property
    def missed(self) -> bool:
        """Return whether this job of ours had gone, and nobody knows why; one of a name under
        which somebody else created another may have been no longer ours."""
        ours = self.known.ours.keys() - self.world.contested
        return self.name in self.world.vanished & ours

    def began(self, update: JobUpdateSummary) -> bool:
        """Return whether this very call started it: our updates carry a token each."""
        return set(update.metadata or ()) == set(self.request.metadata or ())

    @property
    def replaced(self) -> frozenset[int]:
        """Return the live instances that the update which just began replaces, as Aurora says."""
        if not self.asked.taken:
            return frozenset()
        begun = [u for u in self.updates if self.began(u)]
        if not begun:
            return frozenset()  # "unchanged"
        update = sight.details(self.world.wire.aurora, begun[0]).update
        assert update is not None
        assert update.instructions is not None
        groups = update.instructions.initialState or ()
        found = (sight.instances(group.instances or ()) for group in groups)
        return frozenset[int]().union(*found) & set(range(self.request.instanceCount or 0))


Law = Callable[[Case], Iterator[str]]


def is_ours(update: JobUpdateSummary) -> bool:
    return sight.metadata(update).get(sight.INSTALLATION) == PLATFORM_NAME


def wish_of(case: Case, update: JobUpdateSummary) -> Wish | None:
    commit = case.world.repository.of(sight.metadata(update).get(sight.REVISION, ""))
    return commit.content.wishes().get(case.name) if commit is not None else None


def learn(case: Case) -> None:
    """Keep what one call tells about those to come."""
    known, at = case.known, case.asked.host_at
    if not case.asked.taken:
        return
    if case.method in STARTS:
        if case.missed:
            known.refilled.append((case.name, case.reading.number))
        known.ours.setdefault(case.name, at)
        case.world.vanished.discard(case.name)
    if case.method in KILLS:
        known.killed.append((at, case.name))
    if case.method == "startJobUpdate" and case.replaced:
        known.restarted.append((at, case.name, case.reading.number))
