"""What the scheduler runs, as far as it was seen. Unknown is not absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.spec import Collision
from reconciler.model.task import CanonicalTask, Config
from reconciler.model.update import LiveUpdate, UpdateEvent


class TaskStatus(Enum):
    """Aurora's ScheduleStatus of an active task, by name."""

    PENDING = "PENDING"
    THROTTLED = "THROTTLED"
    ASSIGNED = "ASSIGNED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    KILLING = "KILLING"
    RESTARTING = "RESTARTING"
    DRAINING = "DRAINING"
    PREEMPTING = "PREEMPTING"
    PARTITIONED = "PARTITIONED"


@dataclass(frozen=True, slots=True)
class LiveTask:
    """One active task."""

    task_id: str
    instance: int
    status: TaskStatus


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """Instances that run one config (ConfigGroup of getConfigSummary)."""

    config: Config
    instances: InstanceIds


@dataclass(frozen=True, slots=True)
class LiveCron:
    """A cron template. Tasks of a run, if any, are in `LiveJob.unsettled` and in its groups."""

    config: Config
    schedule: str
    collision: Collision | None
    instances: int


@dataclass(frozen=True, slots=True)
class LiveJob:
    """One job as read.

    `seen` is the meaning of the one config that getJobs shows of the active tasks and `count` their
    number (None and 0 for a template without a run). Only `groups` is exact, and has the bytes that
    must be sent again: None means it was not asked.
    `unsettled` holds every active task that is not RUNNING, `tasks` all active ones where they
    were asked for. `update` is the active update, `ended` those that ended, newest first.
    """

    key: JobKey
    is_service: bool
    seen: CanonicalTask | None
    count: int
    cron: LiveCron | None = None
    groups: tuple[LiveGroup, ...] | None = None
    unsettled: tuple[LiveTask, ...] = ()
    tasks: tuple[LiveTask, ...] | None = None
    update: LiveUpdate | None = None
    ended: tuple[LiveUpdate, ...] = ()

    def ids(self) -> frozenset[int]:
        """Return the instance ids that are active. Only for a job whose groups were read."""
        assert self.groups is not None, f"{self.key}: groups were not read"
        return frozenset(i for group in self.groups for i in group.instances)


@dataclass(frozen=True, slots=True)
class Present:
    """The scheduler has something of this job: active tasks, a template or an update."""

    job: LiveJob


@dataclass(frozen=True, slots=True)
class Absent:
    """The scheduler answered, and has no active task, template or update of this job."""

    ended: tuple[LiveUpdate, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The scheduler did not answer. Not the same as Absent: nothing may be done."""

    why: str


Observation = Present | Absent | Unknown


@dataclass(frozen=True, slots=True)
class DiffAnswer:
    """getJobUpdateDiff: what the scheduler itself would add, remove, replace and leave."""

    add: tuple[int, ...]
    remove: tuple[int, ...]
    update: tuple[int, ...]
    unchanged: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """populateJobConfig: the scheduler takes this config, completed as in `config`."""

    config: Config


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    """The scheduler would not take it, in its own words."""

    message: str


Answer = DiffAnswer | Accepted | RefusedAnswer | Unknown


@dataclass(frozen=True, slots=True)
class Quota:
    """Of one role: what is granted and what production already uses (cores, MiB, MiB)."""

    cpu: float
    ram_mb: float
    disk_mb: float
    cpu_used: float
    ram_mb_used: float
    disk_mb_used: float


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """One reading of one cluster.

    `unread` says why nothing of it is known; else `jobs` is all there is, and what is not in it is
    absent. `unclear` names single jobs whose further reading failed. `answers`, `quotas`,
    `pending` (reasons by task id) and `events` (of updates by id) hold what was asked beyond the
    bulk.
    """

    cluster: str
    jobs: Mapping[JobKey, LiveJob]
    unread: str | None = None
    unclear: Mapping[JobKey, str] = field(default_factory=dict)
    ended: Mapping[JobKey, tuple[LiveUpdate, ...]] = field(default_factory=dict)
    answers: Mapping[JobKey, Answer] = field(default_factory=dict)
    quotas: Mapping[str, Quota | Unknown] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, tuple[UpdateEvent, ...]] = field(default_factory=dict)

    def of(self, key: JobKey) -> Observation:
        """Return what is known of one job of this cluster."""
        if self.unread is not None:
            return Unknown(self.unread)
        if key in self.unclear:
            return Unknown(self.unclear[key])
        job = self.jobs.get(key)
        return Present(job) if job is not None else Absent(self.ended.get(key, ()))
