"""What an author declares: WHAT should run. HOW it runs is the platform's business (`policy`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from reconciler.model.keys import JobKey
from reconciler.model.problem import Origin


class JobKind(Enum):
    """What Aurora will hold: a service, or a cron template. A BatchFramework is two services."""

    SERVICE = "service"
    CRON = "cron"


class Collision(Enum):
    """What happens when a cron run is due while the last one still runs."""

    CANCEL_NEW = "cancel-new"
    KILL_EXISTING = "kill-existing"


class Layer(Enum):
    """Who decided a field, nearest to the author first."""

    AUTHOR = "author"
    ENVIRONMENT = "environment"
    PROJECT = "project"
    PLATFORM = "platform"
    BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True)
class Resources:
    """Of one instance. Aurora counts in whole MiB."""

    cpu: float
    ram_mb: int
    disk_mb: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a cron job runs: five fields in Aurora's dialect, in the cluster's time zone."""

    cron: str
    collision: Collision
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Suspension:
    """Declared, and deliberately left alone: by whom, why, and until when (None: until removed)."""

    by: str
    why: str
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Return whether the job is still left alone."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job as its author means it, for one environment, overrides already merged.

    `env`, `secrets` (variable → name of a secret file on the agent) and `aurora` (TaskConfig
    field → canonical JSON text) are sorted by key. `master` names the framework's master job
    when this job is its workers.
    """

    kind: JobKind
    run: str
    version: str
    resources: Resources
    package: str | None = None
    image: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    health: str | None = None
    instances: int = 1
    rollout: str | None = None
    sla: str | None = None
    schedule: Schedule | None = None
    aurora: tuple[tuple[str, str], ...] = ()
    master: JobKey | None = None

    def __post_init__(self) -> None:
        assert (self.package is None) != (self.image is None), "a package or an image, not both"
        assert (self.schedule is not None) == (self.kind is JobKind.CRON), "cron needs a schedule"


@dataclass(frozen=True, slots=True)
class Authored:
    """Where one authored field stands, and in which layer."""

    layer: Layer
    origin: Origin


@dataclass(frozen=True, slots=True)
class DesiredJob:
    """One job that the desired state declares.

    `authored` tells for each field of the spec (dotted path, as in `resources.ram`) where it was
    written. `digest` identifies the documents that this job was made from (blob ids).
    """

    key: JobKey
    project: str
    spec: JobSpec
    origin: Origin
    digest: str
    authored: Mapping[str, Authored]
    suspended: Suspension | None = None
