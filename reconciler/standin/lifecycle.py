"""What becomes of tasks: their moves, their successors, their timers and their end.

The only place where a task's state is changed (StateManagerImpl). Which moves there are is told in
`transitions`; here is how each effect is carried out, and what waits for a task in each state.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.standin.refusal import Refusal
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.transitions import (
    ENDED,
    LAUNCHED,
    MOVES,
    TRANSIENT,
    UNWANTED,
    Effect,
)
from reconciler.standin.world import World
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    ResponseCode,
    ScheduleStatus,
    TaskConfig,
    TaskEvent,
)

SCHEDULER = "scheduler-host"

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

# The flags of the scheduler, at their defaults.
TRANSIENT_TIMEOUT_MS = 5 * MINUTE
KILL_RETRY_MS = 15 * SECOND
FLAPPING_THRESHOLD_MS = 5 * MINUTE
FLAPPING_FIRST_MS, FLAPPING_MOST_MS = 30 * SECOND, 5 * MINUTE
HISTORY_MS = 48 * HOUR
HISTORY_LEAST_MS = HOUR
HISTORY_PER_JOB = 100

PARTITIONED_ACTED_ON = "Action performed on partitioned task, marking as LOST."
PARTITIONED_TOO_LONG = "Task partitioned for too long."
TIMED_OUT = "Task timed out"

_S = ScheduleStatus
_ON_PURPOSE = (_S.RESTARTING, _S.KILLING, _S.DRAINING)


class Listener(Protocol):
    """Who hears of tasks at once, before anything else happens."""

    def changed(self, task: Task, was: ScheduleStatus, /) -> None: ...

    def deleted(self, task: Task) -> None: ...


class Killer(Protocol):
    def kill(self, task_id: str) -> None: ...


@dataclass(slots=True)
class Lifecycle:
    """The states of all tasks."""

    world: World
    tasks: Tasks
    agents: Killer
    listeners: list[Listener] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.on("transient timeout", self._time_out)
        self.world.on("kill again", self._kill_again)
        self.world.on("unthrottle", self._unthrottle)
        self.world.on("partitioned too long", self._give_up)
        self.world.on("prune task", self._prune)

    # --- beginning and end

    def insert(self, config: TaskConfig, instances: Iterable[int]) -> None:
        """Create tasks, PENDING from the first."""
        wanted = tuple(instances)
        assert config.job is not None, "a config without a job is refused"
        if any(self.tasks.instance(config.job, i) for i in wanted):
            raise Refusal("Instance ID collision detected.", ResponseCode.ERROR)
        for instance in wanted:
            self._begin(self._new(config, instance), _S.PENDING, None)

    def delete(self, *tasks: Task) -> None:
        """Forget tasks altogether, all of them before anybody hears of it."""
        for task in tasks:
            self.tasks.remove(task)
        for task in tasks:
            for listener in self.listeners:
                listener.deleted(task)

    def _new(self, config: TaskConfig, instance: int) -> Task:
        job = config.job
        assert job is not None, "a config without a job is refused"
        chosen = uuid.UUID(int=self.world.chance.getrandbits(128), version=4)
        told = f"{job.role}-{job.environment}-{job.name}-{instance}-{chosen}"
        return Task(_as_id(told), instance, config)

    def _begin(self, task: Task, status: ScheduleStatus, message: str | None) -> None:
        self.tasks.add(task)
        self.change(task, status, message)

    # --- moves

    def change(self, task: Task, to: ScheduleStatus, message: str | None = None) -> bool:
        """Move a task, and tell whether anything came of it; what is illegal is ignored."""
        if task.status is to:
            return False
        effects = MOVES.get((task.status, to))
        if effects is None:
            if to in LAUNCHED and task.status in UNWANTED:
                self.agents.kill(task.id)
            return False
        may_fail_again = _may_fail_again(task)
        if Effect.COUNT_FAILURE in effects:
            task.failures += 1
        if Effect.SAVE in effects:
            self._save(task, to, message)
        if _comes_back(task, effects, may_fail_again):
            self._reschedule(task)
        if Effect.LOSE in effects:
            self.change(task, _S.LOST, PARTITIONED_ACTED_ON)
        if Effect.KILL in effects:
            self.agents.kill(task.id)
        if Effect.DELETE in effects:
            self.delete(task)
        return True

    def assign(self, task: Task, host: str, ports: dict[str, int]) -> None:
        task.host, task.ports = host, ports
        self.change(task, _S.ASSIGNED)

    def _save(self, task: Task, to: ScheduleStatus, message: str | None) -> None:
        was, task.status = task.status, to
        if to is _S.PARTITIONED:
            task.partitions += 1
            _compact(task)
        task.events.append(
            TaskEvent(timestamp=self.world.now_ms, status=to, message=message, scheduler=SCHEDULER)
        )
        self.tasks.moved(task)
        self._set_timer(task)
        for listener in self.listeners:
            listener.changed(task, was)

    def _reschedule(self, task: Task) -> None:
        successor = self._new(task.config, task.instance)
        successor.ancestor = task.id
        successor.failures = task.failures
        penalty_ms = self._penalty(task)
        if penalty_ms == 0:
            self._begin(successor, _S.PENDING, "Rescheduled")
        else:
            told = f"Rescheduled, penalized for {penalty_ms} ms for flapping"
            self._begin(successor, _S.THROTTLED, told)

    def _penalty(self, task: Task) -> int:
        """Return how long a successor waits: one step of a backoff for each ancestor in a row that
        flapped. The task itself does not count, so the first crash costs nothing."""
        penalty_ms = 0
        while task.ancestor is not None:
            ancestor = self.tasks.by_id.get(task.ancestor)
            if ancestor is None or not _flapped(ancestor):
                break
            longer_ms = self.world.backoff(penalty_ms, FLAPPING_FIRST_MS, FLAPPING_MOST_MS)
            if longer_ms == penalty_ms:
                break
            penalty_ms, task = longer_ms, ancestor
        return penalty_ms

    # --- what waits for a task

    def _set_timer(self, task: Task) -> None:
        if task.status in TRANSIENT:
            self.world.after(TRANSIENT_TIMEOUT_MS, "transient timeout", task.id, task.status.value)
            if task.status is _S.KILLING:
                wait_ms = self.world.backoff(0, KILL_RETRY_MS, TRANSIENT_TIMEOUT_MS)
                self.world.after(wait_ms, "kill again", task.id, wait_ms)
        elif task.status is _S.THROTTLED:
            # Drawn anew, and now the one that died counts as well.
            self.world.after(self._penalty(task), "unthrottle", task.id)
        elif task.status is _S.PARTITIONED:
            self._wait_for_partition(task)
        elif task.status in ENDED:
            self.world.after(HISTORY_MS, "prune task", task.id)
            self._keep_history_short(task)

    def _time_out(self, task_id: str, status: int) -> None:
        task = self.tasks.by_id.get(task_id)
        if task is not None and task.status.value == status:
            self.change(task, _S.LOST, TIMED_OUT)

    def _kill_again(self, task_id: str, waited_ms: int) -> None:
        """Order a task to end once more: the order, or what came of it, may have been lost."""
        task = self.tasks.by_id.get(task_id)
        if task is not None and task.status is _S.KILLING:
            self.agents.kill(task_id)
            wait_ms = self.world.backoff(waited_ms, KILL_RETRY_MS, TRANSIENT_TIMEOUT_MS)
            self.world.after(wait_ms, "kill again", task_id, wait_ms)

    def _unthrottle(self, task_id: str) -> None:
        task = self.tasks.by_id.get(task_id)
        if task is not None and task.status is _S.THROTTLED:
            self.change(task, _S.PENDING)

    def _wait_for_partition(self, task: Task) -> None:
        policy = task.config.partitionPolicy
        if policy is None:
            self.world.after(1, "partitioned too long", task.id, task.partitions)
        elif policy.reschedule:
            delay_ms = max(1, (policy.delaySecs or 0) * SECOND)
            self.world.after(delay_ms, "partitioned too long", task.id, task.partitions)

    def _give_up(self, task_id: str, partition: int) -> None:
        task = self.tasks.by_id.get(task_id)
        if task is not None and task.status is _S.PARTITIONED and task.partitions == partition:
            self.change(task, _S.LOST, PARTITIONED_TOO_LONG)

    # --- history

    def _prune(self, task_id: str) -> None:
        task = self.tasks.by_id.get(task_id)
        if task is not None:
            self.delete(task)

    def _keep_history_short(self, task: Task) -> None:
        """Of a job, so many ended tasks are kept, and those of the last hour."""
        excess = self.tasks.ended_count(task.job) - HISTORY_PER_JOB
        if excess <= 0:
            return
        cutoff_ms = self.world.now_ms - HISTORY_LEAST_MS
        for old in self.tasks.ended_of(task.job)[:excess]:
            if old.changed_ms <= cutoff_ms:
                self.delete(old)


def _as_id(told: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in told)


def _may_fail_again(task: Task) -> bool:
    """Tell whether a failure now is not the last one; asked before it is counted."""
    most = task.config.maxTaskFailures or 0
    return bool(task.config.isService) or most == -1 or task.failures < most - 1


def _comes_back(task: Task, effects: frozenset[Effect], may_fail_again: bool) -> bool:
    return (
        Effect.RESCHEDULE in effects
        or (Effect.RESCHEDULE_SERVICE in effects and bool(task.config.isService))
        or (Effect.RESCHEDULE_FAILED in effects and may_fail_again)
        or (Effect.RESCHEDULE_UNLESS_KILLED in effects and not task.was(_S.KILLING))
    )


def _flapped(task: Task) -> bool:
    """Tell whether it ended soon after its last active state, and of itself."""
    if not task.ended or task.was(*_ON_PURPOSE):
        return False
    active = [e.timestamp or 0 for e in task.events if e.status in ACTIVE_STATES]
    return bool(active) and task.changed_ms - active[-1] < FLAPPING_THRESHOLD_MS


def _compact(task: Task) -> None:
    """Forget the last cycle of a task that is partitioned, back and partitioned once more."""
    events = task.events
    if (
        len(events) >= 3
        and events[-2].status is _S.PARTITIONED
        and events[-3].status is events[-1].status
    ):
        del events[-2:]
