"""Figures that Aurora counts from its start: what is in which state, and what happened how often.

Of all that it counts, what a client may look at; a restart begins anew.
"""

from dataclasses import dataclass, field

from reconciler.standin.configs import key_text
from reconciler.standin.inventory import Inventory
from reconciler.standin.tasks import Task, Tasks
from reconciler.thrift.structs import JobUpdateAction, JobUpdateStatus, ScheduleStatus

COUNTED_PER_JOB = (ScheduleStatus.FAILED, ScheduleStatus.LOST)


@dataclass(slots=True)
class Counters:
    """What happened how often, by the names of TaskVars and of the store of updates."""

    tasks: Tasks
    inventory: Inventory
    counts: dict[str, int] = field(default_factory=dict)

    def changed(self, task: Task, _was: ScheduleStatus) -> None:
        if task.status in COUNTED_PER_JOB:
            self._count(f"tasks_{task.status.name}_{key_text(task.job)}")
        host = self.inventory.get(task.host or "")
        rack = None if host is None else host.attributes.get("rack")
        if rack is not None:
            # Every rack that is met has a figure, be it 0.
            self._count(f"tasks_lost_rack_{rack}", int(task.status is ScheduleStatus.LOST))

    def deleted(self, task: Task) -> None:
        pass

    def update_moved(self, status: JobUpdateStatus) -> None:
        self._count(f"update_transition_{status.name}")

    def instance_moved(self, action: JobUpdateAction) -> None:
        self._count(f"update_instance_transition_{action.name}")

    def _count(self, name: str, more: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + more

    def figures(self) -> dict[str, int]:
        """Return everything that was counted, zeros of states included."""
        figures = {
            **{f"task_store_{status.name}": 0 for status in ScheduleStatus},
            **{f"update_transition_{status.name}": 0 for status in JobUpdateStatus},
            **{f"update_instance_transition_{action.name}": 0 for action in JobUpdateAction},
        }
        for task in self.tasks:
            figures[f"task_store_{task.status.name}"] += 1
        return {**figures, **self.counts}
