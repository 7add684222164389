"""The calls that change jobs, tasks and quotas (SchedulerThriftInterface), updates excepted."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from reconciler.standin import queries
from reconciler.standin.answers import BLANK, Told, check_not_blank, given, given_job_key
from reconciler.standin.configs import Rules, check_job_key, key_text, populated_job
from reconciler.standin.cronjobs import CronJobs
from reconciler.standin.holdings import Holdings
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.nulls import NO_INSTANCE_KEY, NO_JOB, NO_QUERY, check_unions
from reconciler.standin.quota import (
    PROD_SHARED,
    check_addition,
    check_cron,
    check_new_quota,
    consumption,
)
from reconciler.standin.refusal import Refusal
from reconciler.standin.tasks import Tasks
from reconciler.standin.updates import Updates
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    TERMINAL_STATES,
    InstanceKey,
    JobConfiguration,
    JobKey,
    ResourceAggregate,
    ResponseCode,
    ScheduleStatus,
    TaskQuery,
)

NO_CRON = "Cron jobs may only be created/updated by calling scheduleCronJob."
UPDATING = "Job is currently updating"
# The largest id that Java's int holds; what comes after it is below zero.
INT_MAX = 2**31 - 1


@dataclass(slots=True)
class Writes:
    """Each method is a call; its arguments have the names of Aurora's own, and `user` asks."""

    tasks: Tasks
    updates: Updates
    crons: CronJobs
    lifecycle: Lifecycle
    holdings: Holdings
    rules: Rules

    # --- jobs

    def createJob(self, description: JobConfiguration | None) -> Told:
        job = populated_job(given(description, NO_JOB), self.rules)
        if job.cronSchedule is not None:
            raise Refusal(NO_CRON)
        key, config, count = given(job.key), given(job.taskConfig), job.instanceCount or 0
        self.check_idle(key)
        self._check_new(key)
        self.check_count(count)
        role = given(config.job).role or ""
        check_addition(self.holdings.limit(role), self.holdings.of(role), config, count)
        self.lifecycle.insert(config, range(count))
        return Told()

    def killTasks(
        self, job: JobKey | None, instances: Iterable[int] | None, message: str | None, user: str
    ) -> Told:
        key = given_job_key(job)
        self.check_idle(key)
        wanted = frozenset(instances or ())
        told = f"Killed by {user}" + ("" if message is None else f".\n{message}")
        killed = [
            self.lifecycle.change(task, ScheduleStatus.KILLING, told)
            for instance, task in self.tasks.active(key).items()
            if not wanted or instance in wanted
        ]
        return Told() if any(killed) else Told(message="No tasks to kill.")

    def restartShards(self, job: JobKey | None, shardIds: Iterable[int] | None, user: str) -> Told:
        key = given_job_key(job)
        wanted = sorted(set(shardIds or ()))
        if not wanted:
            raise Refusal(BLANK, ResponseCode.ERROR)
        self.check_idle(key)
        active = self.tasks.active(key)
        if not all(instance in active for instance in wanted):
            raise Refusal("Not all requested shards are active.")
        for instance in wanted:
            self.lifecycle.change(
                active[instance], ScheduleStatus.RESTARTING, f"Restarted by {user}"
            )
        return Told()

    def addInstances(self, key: InstanceKey | None, count: int | None) -> Told:
        key = given(key, NO_INSTANCE_KEY)
        job = given_job_key(key.jobKey)
        wanted = count or 0
        if wanted <= 0:
            raise Refusal("Instance count must be positive.")
        if job in self.crons.templates:
            raise Refusal("Instances may not be added to cron jobs.")
        self.check_idle(job)
        active = self.tasks.active(job)
        pattern = active.get(key.instanceId or 0)
        if pattern is None:
            raise Refusal("No active task found for a given instance ID.")
        last = max(active)
        if last + wanted > INT_MAX:
            raise Refusal(f"Invalid range: ({last}..{last + wanted - 2**32}]")
        self.check_count(len(active) + wanted)
        role = job.role or ""
        held = self.holdings.of(role)
        check_addition(self.holdings.limit(role), held, pattern.config, wanted)
        self.lifecycle.insert(pattern.config, range(last + 1, last + 1 + wanted))
        return Told()

    # --- cron

    def scheduleCronJob(self, description: JobConfiguration | None) -> Told:
        return self._put_cron(description, only_known=False)

    def replaceCronTemplate(self, config: JobConfiguration | None) -> Told:
        return self._put_cron(config, only_known=True)

    def _put_cron(self, told: JobConfiguration | None, *, only_known: bool) -> Told:
        told = given(told, NO_JOB)
        check_unions(told)
        key = check_job_key(told.key)
        job = populated_job(told, self.rules)
        if job.cronSchedule is None:
            raise Refusal(f"Job {key_text(key)} has no cron schedule")
        self.check_idle(key)
        self.check_count(job.instanceCount or 0)
        role = key.role or ""
        check_cron(self.holdings.limit(role), self.holdings.of(role), job)
        if not only_known and key not in self.crons.templates:
            self._check_new(key)
        self.crons.check(job)
        if only_known:
            self.crons.require(key)
        self.crons.put(job)
        return Told()

    def descheduleCronJob(self, job: JobKey | None) -> Told:
        key = given_job_key(job)
        self.check_idle(key)
        if self.crons.remove(key):
            return Told()
        return Told(message=f"Job {key_text(key)} is not scheduled with cron")

    def startCronJob(self, job: JobKey | None) -> Told:
        key = given_job_key(job)
        try:
            self.crons.trigger(key)
        except Refusal as refusal:
            raise Refusal(f"Failed to start cron job - {refusal.message}") from None
        return Told()

    # --- administration

    def setQuota(self, ownerRole: str | None, quota: ResourceAggregate | None) -> Told:
        role = check_not_blank(ownerRole)
        consumed = consumption(self.holdings.of(role), PROD_SHARED)
        self.holdings.granted[role] = check_new_quota(given(quota), consumed)
        return Told()

    def forceTaskState(self, taskId: str | None, status: ScheduleStatus | None, user: str) -> Told:
        forced, wanted = check_not_blank(taskId), given(status)
        task = self.tasks.by_id.get(forced)
        if task is not None:
            self.lifecycle.change(task, wanted, f"Transition forced by {user}")
        return Told()

    def pruneTasks(self, query: TaskQuery | None) -> Told:
        asked: TaskQuery = given(query, NO_QUERY)
        if any(status in ACTIVE_STATES for status in asked.statuses or ()):
            told = "Tasks in non-terminal state cannot be pruned."
            raise Refusal(told, ResponseCode.ERROR)
        if asked.statuses is None:
            asked = replace(asked, statuses=tuple(sorted(TERMINAL_STATES)))
        if asked.limit is not None and asked.limit < 0:
            raise Refusal("limit is negative", ResponseCode.ERROR)
        found = queries.all_tasks(self.tasks, asked)[: asked.limit]
        # No ids, as a query, are any: where there is nothing to prune, Aurora forgets all tasks.
        self.lifecycle.delete(*(found or self.tasks))
        return Told()

    # --- checks that calls share

    def check_idle(self, key: JobKey) -> None:
        """Raise Refusal if an update of the job is active, paused ones included."""
        if self.updates.active(key) is not None:
            raise Refusal(UPDATING, ResponseCode.JOB_UPDATING_ERROR)

    def check_count(self, count: int) -> None:
        most = self.rules.tasks_per_job_max
        if not 0 < count <= most:
            raise Refusal(f"Instance count must be between 1 and {most} inclusive.")

    def _check_new(self, key: JobKey) -> None:
        if self.tasks.any_active(key) or key in self.crons.templates:
            raise Refusal(f"Job {key_text(key)} already exists")
