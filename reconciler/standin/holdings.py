"""What each role may use, and everything of it that counts as use."""

from dataclasses import dataclass, field

from reconciler.standin.cronjobs import CronJobs
from reconciler.standin.quota import Held, Usage, of_aggregate
from reconciler.standin.tasks import Tasks
from reconciler.standin.updates import Updates
from reconciler.thrift.structs import ResourceAggregate


@dataclass(slots=True)
class Holdings:
    """The quotas that were set, and a view of what there is."""

    tasks: Tasks
    crons: CronJobs
    updates: Updates
    granted: dict[str, ResourceAggregate] = field(default_factory=dict)

    def quota(self, role: str) -> ResourceAggregate:
        """Return the quota of a role; one that was never set is zero."""
        return self.granted.get(role) or Usage().aggregate()

    def limit(self, role: str) -> Usage:
        return of_aggregate(self.quota(role))

    def of(self, role: str) -> Held:
        active = {
            job: {task.instance: task.config for task in self.tasks.some_active(job)}
            for job in self.tasks.active_jobs()
            if job.role == role
        }
        crons = {key: job for key, job in self.crons.templates.items() if key.role == role}
        updates = {
            update.job: update.instructions
            for update in self.updates.all_active()
            if update.job.role == role
        }
        return Held(active, crons, updates)
