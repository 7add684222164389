"""Whether a task may go without hurting its job too much (SlaManager).

Not imitated: asking a coordinator, which is a server of somebody else; it counts as one that never
answers, and so never allows anything.
"""

from dataclasses import dataclass

from reconciler.standin.configs import Rules
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.world import World
from reconciler.thrift.structs import ScheduleStatus, SlaPolicy


@dataclass(frozen=True, slots=True)
class Sla:
    """Judges by what runs and since when."""

    world: World
    tasks: Tasks
    rules: Rules

    def allows(self, task: Task, policy: SlaPolicy | None) -> bool:
        """Tell whether the rest of the job meets the policy without this task."""
        if policy is None or policy.coordinatorSlaPolicy is not None:
            return False
        total = self.tasks.active_count(task.job)
        if self._exempt(task, total):
            return True
        duration_ms = 1000 * _duration_s(policy)
        others = (t for t in self.tasks.active(task.job).values() if t is not task)
        return self._enough(policy, sum(self._lasting(t, duration_ms) for t in others), total)

    def _exempt(self, task: Task, total: int) -> bool:
        tier = self.rules.tiers.get(task.config.tier or self.rules.default_tier)
        counts = self.rules.sla_without_production or (tier is not None and tier.production)
        return not counts or total < self.rules.sla_instances_min

    def _lasting(self, task: Task, duration_ms: int) -> bool:
        if task.status is not ScheduleStatus.RUNNING:
            return False
        since = max(e.timestamp or 0 for e in task.events if e.status is ScheduleStatus.RUNNING)
        return self.world.now_ms - since > duration_ms

    def _enough(self, policy: SlaPolicy, running: int, total: int) -> bool:
        """A policy that would never let one go is taken to let one go."""
        if policy.percentageSlaPolicy is not None:
            percentage = policy.percentageSlaPolicy.percentage or 0.0
            if int((1 - percentage / 100.0) * total) < 1:
                percentage = (total - 1) / total * 100
            return running / total * 100.0 >= percentage
        count = (policy.countSlaPolicy.count if policy.countSlaPolicy is not None else 0) or 0
        return running >= (total - 1 if total - count < 1 else count)


def _duration_s(policy: SlaPolicy) -> int:
    timed = policy.percentageSlaPolicy or policy.countSlaPolicy
    return (timed.durationSecs or 0) if timed is not None else 0
