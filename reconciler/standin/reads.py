"""The calls that only look (ReadOnlySchedulerImpl)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from reconciler.standin import queries, quota
from reconciler.standin.answers import Told, check_not_blank, given, given_job_key
from reconciler.standin.configs import Rules, populated, populated_job
from reconciler.standin.cronjobs import CronJobs
from reconciler.standin.diff import check_count, diff, groups, instances_of
from reconciler.standin.holdings import Holdings
from reconciler.standin.nulls import (
    NO_EXECUTOR,
    NO_REQUEST,
    NO_SETTINGS,
    NO_TASK,
    check_unions,
)
from reconciler.standin.reasons import Reasons
from reconciler.standin.refusal import Refusal, Unwritable
from reconciler.standin.struct_text import thrift_text, wrapper_text
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.updates import Updates
from reconciler.thrift.structs import (
    TERMINAL_STATES,
    ConfigSummary,
    ConfigSummaryResult,
    GetJobsResult,
    GetJobUpdateDetailsResult,
    GetJobUpdateDiffResult,
    GetJobUpdateSummariesResult,
    GetPendingReasonResult,
    GetQuotaResult,
    GetTierConfigResult,
    JobConfiguration,
    JobKey,
    JobStats,
    JobSummary,
    JobSummaryResult,
    JobUpdateKey,
    JobUpdateQuery,
    JobUpdateRequest,
    PendingReason,
    PopulateJobResult,
    ResourceAggregate,
    ResponseCode,
    Result,
    RoleSummary,
    RoleSummaryResult,
    ScheduledTask,
    ScheduleStatus,
    ScheduleStatusResult,
    TaskConfig,
    TaskQuery,
    TierConfig,
)

S = ScheduleStatus

KEY_DEPRECATED = "The key argument is deprecated, use the query argument instead"

_PENDING = (S.INIT, S.PENDING, S.THROTTLED)
_FINISHED = (S.FINISHED, S.KILLED)
_FAILED = (S.FAILED, S.LOST)


@dataclass(slots=True)
class Reads:
    """Each method is a call; its arguments have the names of Aurora's own."""

    tasks: Tasks
    updates: Updates
    crons: CronJobs
    reasons: Reasons
    holdings: Holdings
    rules: Rules

    # --- tasks

    def getTasksStatus(self, query: TaskQuery | None) -> Told:
        found = queries.tasks(self.tasks, given(query))
        return _tasks(task.shown() for task in found)

    def getTasksWithoutConfigs(self, query: TaskQuery | None) -> Told:
        found = queries.tasks(self.tasks, given(query))
        plain = {id(task.config): task.config for task in found}
        shown = {of: _without_data(config) for of, config in plain.items()}
        return _tasks(task.shown(shown[id(task.config)]) for task in found)

    def getPendingReason(self, query: TaskQuery | None) -> Told:
        query = given(query)
        if query.slaveHosts:
            raise Refusal(f"SlaveHosts are not supported in {thrift_text(query)}")
        if query.statuses:
            raise Refusal(f"Statuses is not supported in {thrift_text(query)}")
        pending = queries.tasks(self.tasks, replace(query, statuses=(S.PENDING,)))
        reasons = tuple(
            PendingReason(taskId=task.id, reason=self._reason(task)) for task in pending
        )
        return Told(Result(getPendingReasonResult=GetPendingReasonResult(reasons=reasons)))

    def _reason(self, task: Task) -> str:
        return ",".join(veto.reason for veto in self.reasons.of(task.config))

    def getConfigSummary(self, job: JobKey | None) -> Told:
        key = given_job_key(job)
        configs = {i: task.config for i, task in self.tasks.active(key).items()}
        summary = ConfigSummary(key=job, groups=groups(configs))
        return Told(Result(configSummaryResult=ConfigSummaryResult(summary=summary)))

    # --- jobs

    def getRoleSummary(self) -> Told:
        jobs, crons = _by_role(self.tasks.jobs()), _by_role(self.crons.templates)
        summaries = tuple(
            RoleSummary(role=role, jobCount=jobs.get(role, 0), cronJobCount=crons.get(role, 0))
            for role in sorted({*jobs, *crons})
        )
        return Told(Result(roleSummaryResult=RoleSummaryResult(summaries=summaries)))

    def getJobSummary(self, role: str | None) -> Told:
        kept = {key: self.tasks.of_job(key) for key in self.tasks.jobs() if _role_fits(key, role)}
        summaries = tuple(
            self._job_summary(job, kept.get(key, ())) for key, job in self._jobs(kept, role).items()
        )
        return Told(Result(jobSummaryResult=JobSummaryResult(summaries=summaries)))

    def getJobs(self, ownerRole: str | None) -> Told:
        kept = {
            key: self.tasks.some_active(key)
            for key in self.tasks.active_jobs()
            if _role_fits(key, ownerRole)
        }
        configs = tuple(self._jobs(kept, ownerRole).values())
        return Told(Result(getJobsResult=GetJobsResult(configs=configs)))

    def _jobs(
        self, kept: Mapping[JobKey, Iterable[Task]], role: str | None
    ) -> dict[JobKey, JobConfiguration]:
        """Return jobs made up from their tasks; a cron template takes the place of its run."""
        templates = self.crons.templates
        made_up = {key: _made_up(key, tuple(tasks)) for key, tasks in kept.items()}
        return made_up | {k: job for k, job in templates.items() if role in (None, k.role)}

    def _job_summary(self, job: JobConfiguration, tasks: tuple[Task, ...]) -> JobSummary:
        next_ms = self.crons.next_run_ms(job) if job.cronSchedule is not None else None
        return JobSummary(job=job, stats=_stats(tasks), nextCronRunMs=next_ms)

    def populateJobConfig(self, description: JobConfiguration | None) -> Told:
        try:
            config = populated_job(given(description), self.rules).taskConfig
        except Refusal as refusal:
            if refusal.code is not ResponseCode.INVALID_REQUEST:
                raise
            raise Refusal(f"Invalid configuration: {refusal.message}") from None
        return Told(Result(populateJobResult=PopulateJobResult(taskConfig=config)))

    def getQuota(self, ownerRole: str | None) -> Told:
        role = check_not_blank(ownerRole)
        held = self.holdings.of(role)

        def consumed(pool: quota.Pool) -> ResourceAggregate:
            return quota.consumption(held, pool).aggregate()

        result = GetQuotaResult(
            quota=self.holdings.quota(role),
            prodSharedConsumption=consumed(quota.PROD_SHARED),
            nonProdSharedConsumption=consumed(quota.NON_PROD_SHARED),
            prodDedicatedConsumption=consumed(quota.PROD_DEDICATED),
            nonProdDedicatedConsumption=consumed(quota.NON_PROD_DEDICATED),
        )
        return Told(Result(getQuotaResult=result))

    def getTierConfigs(self) -> Told:
        tiers = tuple(
            TierConfig(
                name=name,
                settings={
                    "preemptible": _told(tier.preemptible),
                    "revocable": _told(tier.revocable),
                },
            )
            for name, tier in self.rules.tiers.items()
        )
        result = GetTierConfigResult(defaultTierName=self.rules.default_tier, tiers=tiers)
        return Told(Result(getTierConfigResult=result))

    # --- updates

    def getJobUpdateSummaries(self, jobUpdateQuery: JobUpdateQuery | None) -> Told:
        found = queries.updates(self.updates, given(jobUpdateQuery))
        summaries = tuple(update.summary() for update in found)
        result = GetJobUpdateSummariesResult(updateSummaries=summaries)
        return Told(Result(getJobUpdateSummariesResult=result))

    def getJobUpdateDetails(self, key: JobUpdateKey | None, query: JobUpdateQuery | None) -> Told:
        if query is not None:
            found = queries.updates(self.updates, query)
            many = GetJobUpdateDetailsResult(detailsList=tuple(u.details() for u in found))
            return Told(Result(getJobUpdateDetailsResult=many))
        if key is None:
            raise Refusal("Either key or query must be set.", ResponseCode.ERROR)
        update = self.updates.get(key)
        if update is None:
            raise Refusal(f"Invalid update: {wrapper_text(key)}")
        one = GetJobUpdateDetailsResult(details=update.details())
        return Told(Result(getJobUpdateDetailsResult=one), KEY_DEPRECATED)

    def getJobUpdateDiff(self, request: JobUpdateRequest | None) -> Told:
        request = given(request, NO_REQUEST)
        count = request.instanceCount or 0
        wanted = populated(given(request.taskConfig, NO_TASK), count, self.rules)
        check_unions(request.settings)
        assert wanted.job is not None, "a config without a job is refused"
        if wanted.job in self.crons.templates:
            raise Refusal("Cron jobs are not supported.")
        check_count(count)
        settings = given(request.settings, NO_SETTINGS)
        scope = instances_of(settings.updateOnlyTheseInstances or ())
        live = {i: task.config for i, task in self.tasks.active(wanted.job).items()}
        found = diff(live, wanted, count, scope or None)
        result = GetJobUpdateDiffResult(
            add=groups(dict.fromkeys(found.add, wanted)),
            remove=groups({i: live[i] for i in found.remove}),
            update=groups({i: live[i] for i in found.update}),
            unchanged=groups({i: live[i] for i in found.unchanged}),
        )
        return Told(Result(getJobUpdateDiffResult=result))


def _tasks(shown: Iterator[ScheduledTask]) -> Told:
    return Told(Result(scheduleStatusResult=ScheduleStatusResult(tasks=tuple(shown))))


def _without_data(config: TaskConfig) -> TaskConfig:
    if config.executorConfig is None:
        # Not before the answer is written: the data is left out of each task only then.
        raise Unwritable(NO_EXECUTOR)
    return replace(config, executorConfig=replace(config.executorConfig, data=None))


def _role_fits(key: JobKey, role: str | None) -> bool:
    return role is None or not role.strip() or key.role == role


def _by_role(keys: Iterable[JobKey]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key in keys:
        found[key.role or ""] = found.get(key.role or "", 0) + 1
    return found


def _made_up(key: JobKey, tasks: tuple[Task, ...]) -> JobConfiguration:
    """Return a job as its tasks let one guess it. Which config of several is shown is not said
    anywhere; this is the order that was seen."""
    config = max(tasks, key=_prominence).config
    return JobConfiguration(
        key=key, owner=config.owner, taskConfig=config, instanceCount=len(tasks)
    )


def _prominence(task: Task) -> tuple[bool, bool, int]:
    return task.status not in TERMINAL_STATES, task.status is S.RUNNING, task.changed_ms


def _stats(tasks: tuple[Task, ...]) -> JobStats:
    pending = sum(task.status in _PENDING for task in tasks)
    finished = sum(task.status in _FINISHED for task in tasks)
    failed = sum(task.status in _FAILED for task in tasks)
    return JobStats(
        activeTaskCount=len(tasks) - pending - finished - failed,
        finishedTaskCount=finished,
        failedTaskCount=failed,
        pendingTaskCount=pending,
    )


def _told(flag: bool) -> str:
    return "true" if flag else "false"
