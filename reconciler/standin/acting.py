"""What an update does about one instance: add it, kill it, look again later.

A kill may have to wait until the job can spare the task (InstanceActionHandler, SlaKillController).
"""

from dataclasses import dataclass

from reconciler.standin.instances import Verdict
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.sla import Sla
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.transitions import KILLABLE, ON_AN_AGENT
from reconciler.standin.updates import BEGINS, Update, Updates
from reconciler.standin.world import World
from reconciler.thrift.structs import (
    JobInstanceUpdateEvent,
    JobUpdateAction,
    JobUpdateStatus,
    ScheduleStatus,
    SlaPolicy,
)

U = JobUpdateStatus

SLA_CHECKING = "Checking SLA before continuing."
SLA_PASSED = "SLA check passed, continuing."
SLA_FIRST_MS, SLA_MOST_MS = 60 * 1000, 5 * 60 * 1000


@dataclass(slots=True)
class Acting:
    """The deeds of all updates; `direction` is the state in which an update decided on one."""

    world: World
    tasks: Tasks
    lifecycle: Lifecycle
    updates: Updates
    sla: Sla

    def __post_init__(self) -> None:
        self.world.on("sla kill", self._kill_if_allowed)

    def act(
        self, update: Update, direction: JobUpdateStatus, instance: int, verdict: Verdict
    ) -> None:
        there = self.tasks.instance(update.job, instance)
        if verdict is Verdict.ADD and there is None:
            assert update.run is not None, "only what is rolling acts"
            target = update.run.instances[instance].target
            assert target is not None, "only what should be there is added"
            self.lifecycle.insert(target, (instance,))
        elif verdict is Verdict.KILL and there is not None:
            self._kill(update, direction, there)
        elif verdict is Verdict.WATCH:
            wait_ms = update.settings.minWaitInInstanceRunningMs or 0
            self.world.after(wait_ms, "watched", update.id, instance)

    def _kill(self, update: Update, direction: JobUpdateStatus, task: Task) -> None:
        if not update.settings.slaAware or self._policy(update, direction, task.instance) is None:
            self.lifecycle.change(task, ScheduleStatus.KILLING, _killed_for(update))
            return
        action = BEGINS[direction]
        asked = any(
            e.instanceId == task.instance and e.action is action and e.message == SLA_CHECKING
            for e in update.instance_events
        )
        if not asked:
            self.note(update, task.instance, action, SLA_CHECKING)
        self.world.soon("sla kill", update.id, direction.value, task.id, 0)

    def _policy(
        self, update: Update, direction: JobUpdateStatus, instance: int
    ) -> SlaPolicy | None:
        if direction is U.ROLLING_FORWARD:
            desired = update.instructions.desiredState
            target = desired.task if desired is not None else None
        else:
            target = update.initial().get(instance)
        return None if target is None else target.slaPolicy

    def _kill_if_allowed(
        self, update_id: str, direction: int, task_id: str, waited_ms: int
    ) -> None:
        """Kill a task once its job can spare it; ask again while the update stays as it is."""
        update, task = self.updates.by_id(update_id), self.tasks.by_id.get(task_id)
        if update is None or task is None or update.status.value != direction:
            return
        if task.status not in KILLABLE:
            return
        policy = self._policy(update, update.status, task.instance)
        if task.status not in ON_AN_AGENT or self.sla.allows(task, policy):
            self.note(update, task.instance, BEGINS[update.status], SLA_PASSED)
            self.lifecycle.change(task, ScheduleStatus.KILLING, _killed_for(update))
            return
        wait_ms = self.world.backoff(waited_ms, SLA_FIRST_MS, SLA_MOST_MS)
        self.world.after(wait_ms, "sla kill", update_id, direction, task_id, wait_ms)

    def note(
        self, update: Update, instance: int, action: JobUpdateAction, message: str | None = None
    ) -> None:
        update.note(
            JobInstanceUpdateEvent(
                instanceId=instance,
                timestampMs=self.world.now_ms,
                action=action,
                message=message,
            )
        )


def _killed_for(update: Update) -> str:
    return f"Killed for job update {update.id}"
