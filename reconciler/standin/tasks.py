"""The tasks that the scheduler remembers, those that have ended included."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.standin.transitions import ENDED
from reconciler.thrift.structs import (
    AssignedTask,
    JobKey,
    ScheduledTask,
    ScheduleStatus,
    TaskConfig,
    TaskEvent,
)

K = TypeVar("K")
L = TypeVar("L")


@dataclass(slots=True, eq=False)
class Task:
    """One task of one instance; its successor is another one."""

    id: str
    instance: int
    config: TaskConfig
    status: ScheduleStatus = ScheduleStatus.INIT
    events: list[TaskEvent] = field(default_factory=list)
    failures: int = 0
    partitions: int = 0
    ancestor: str | None = None
    host: str | None = None
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def job(self) -> JobKey:
        assert self.config.job is not None, "a config without a job is refused"
        return self.config.job

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def changed_ms(self) -> int:
        return self.events[-1].timestamp or 0

    def was(self, *statuses: ScheduleStatus) -> bool:
        """Tell whether it has been in one of these states, or is."""
        return any(event.status in statuses for event in self.events)

    def shown(self, config: TaskConfig | None = None) -> ScheduledTask:
        """Return it as clients see it, if need be with another config in its place."""
        assigned = AssignedTask(
            taskId=self.id,
            slaveId=None if self.host is None else agent_id(self.host),
            slaveHost=self.host,
            task=config or self.config,
            assignedPorts=self.ports,
            instanceId=self.instance,
        )
        return ScheduledTask(
            assignedTask=assigned,
            status=self.status,
            failureCount=self.failures,
            timesPartitioned=self.partitions,
            taskEvents=tuple(self.events),
            ancestorId=self.ancestor,
        )


def agent_id(host: str) -> str:
    """Return how Mesos names the agent of a host."""
    return host.removesuffix("-hostname")


class Tasks:
    """All tasks, found by what one asks for without looking at the others."""

    def __init__(self) -> None:
        self.by_id: dict[str, Task] = {}
        self._by_job: dict[JobKey, dict[str, Task]] = {}
        self._active: dict[JobKey, dict[int, Task]] = {}
        # In the order in which they ended.
        self._ended: dict[JobKey, dict[str, Task]] = {}
        self._on_host: dict[str, dict[str, Task]] = {}

    def __iter__(self) -> Iterator[Task]:
        return iter(self.by_id.values())

    def add(self, task: Task) -> None:
        self.by_id[task.id] = task
        self._by_job.setdefault(task.job, {})[task.id] = task
        self.moved(task)

    def moved(self, task: Task) -> None:
        """Find the task by its new state from now on."""
        if task.ended:
            self._forget_active(task)
            self._ended.setdefault(task.job, {}).setdefault(task.id, task)
            return
        self._active.setdefault(task.job, {})[task.instance] = task
        if task.host is not None:
            self._on_host.setdefault(task.host, {})[task.id] = task

    def remove(self, task: Task) -> None:
        del self.by_id[task.id]
        _drop(self._by_job, task.job, task.id)
        _drop(self._ended, task.job, task.id)
        self._forget_active(task)

    def _forget_active(self, task: Task) -> None:
        if self._active.get(task.job, {}).get(task.instance) is task:
            _drop(self._active, task.job, task.instance)
        if task.host is not None:
            _drop(self._on_host, task.host, task.id)

    # --- what is kept of them

    def ended_ids(self) -> list[str]:
        """Return the ids of those that ended, of each job in the order in which they did."""
        return [task_id for ended in self._ended.values() for task_id in ended]

    def load(self, tasks: Iterable[Task], ended_ids: Iterable[str]) -> None:
        """Take tasks over that were kept."""
        for task in tasks:
            self.by_id[task.id] = task
            self._by_job.setdefault(task.job, {})[task.id] = task
            if not task.ended:
                self.moved(task)
        for task_id in ended_ids:
            self.moved(self.by_id[task_id])

    # --- what one asks for

    def jobs(self) -> Iterable[JobKey]:
        """Return the jobs of which there is any task."""
        return self._by_job.keys()

    def active_jobs(self) -> Iterable[JobKey]:
        return self._active.keys()

    def of_job(self, job: JobKey) -> tuple[Task, ...]:
        return tuple(self._by_job.get(job, {}).values())

    def active(self, job: JobKey) -> dict[int, Task]:
        """Return the active tasks of a job by instance, in the order of instances."""
        return dict(sorted(self._active.get(job, {}).items()))

    def some_active(self, job: JobKey) -> Iterable[Task]:
        """Return the active tasks of a job in no order, which is quicker."""
        return self._active.get(job, {}).values()

    def instance(self, job: JobKey, instance: int) -> Task | None:
        """Return the active task of an instance."""
        return self._active.get(job, {}).get(instance)

    def any_active(self, job: JobKey) -> bool:
        return job in self._active

    def active_count(self, job: JobKey) -> int:
        return len(self._active.get(job, ()))

    def ended_of(self, job: JobKey) -> tuple[Task, ...]:
        return tuple(self._ended.get(job, {}).values())

    def ended_count(self, job: JobKey) -> int:
        return len(self._ended.get(job, ()))

    def on_host(self, host: str) -> tuple[Task, ...]:
        """Return the active tasks that were given to a host."""
        return tuple(self._on_host.get(host, {}).values())


def _drop(index: dict[K, dict[L, Task]], key: K, name: L) -> None:
    found = index.get(key)
    if found is not None:
        found.pop(name, None)
        if not found:
            del index[key]
