"""Our actions to the structs that requests carry."""

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.plan import ScheduleCron, StartUpdate
from reconciler.model.policy import Strategy
from reconciler.model.spec import Collision
from reconciler.model.task import Config
from reconciler.model.update import UpdateSettings
from reconciler.thrift import structs as aurora
from reconciler.thrift import tjson

COLLISIONS = {
    Collision.CANCEL_NEW: aurora.CronCollisionPolicy.CANCEL_NEW,
    Collision.KILL_EXISTING: aurora.CronCollisionPolicy.KILL_EXISTING,
}


def job_key(key: JobKey) -> aurora.JobKey:
    """Return Aurora's key: it knows no cluster."""
    return aurora.JobKey(role=key.role, environment=key.environment, name=key.name)


def update_key(key: JobKey, update_id: str) -> aurora.JobUpdateKey:
    return aurora.JobUpdateKey(job=job_key(key), id=update_id)


def update_request(start: StartUpdate, **metadata: str) -> aurora.JobUpdateRequest:
    """Return the request, scoped to exactly the planned instances; `metadata` is added to it."""
    pairs = sorted({**dict(start.metadata), **metadata}.items())
    return aurora.JobUpdateRequest(
        taskConfig=task_config(start.config),
        instanceCount=start.instances,
        settings=settings(start.settings, start.only),
        metadata=tuple(aurora.Metadata(key=k, value=v) for k, v in pairs),
    )


def settings(wanted: UpdateSettings, only: InstanceIds) -> aurora.JobUpdateSettings:
    """Return settings that mean the same to a scheduler that knows no strategies (before 0.22)."""
    return aurora.JobUpdateSettings(
        updateGroupSize=wanted.groups[-1],
        maxPerInstanceFailures=wanted.failures_per_instance_max,
        maxFailedInstances=wanted.failed_instances_max,
        minWaitInInstanceRunningMs=wanted.watch_ms,
        rollbackOnFailure=wanted.rollback,
        updateOnlyTheseInstances=tuple(
            aurora.Range(first=first, last=last) for first, last in only.ranges()
        ),
        waitForBatchCompletion=wanted.strategy is Strategy.BATCH,
        slaAware=wanted.sla_aware,
        updateStrategy=strategy(wanted),
    )


def strategy(wanted: UpdateSettings) -> aurora.JobUpdateStrategy:
    if len(wanted.groups) > 1:
        return aurora.JobUpdateStrategy(
            varBatchStrategy=aurora.VariableBatchJobUpdateStrategy(
                groupSizes=wanted.groups, autopauseAfterBatch=wanted.pause_between
            )
        )
    if wanted.strategy is Strategy.QUEUE:
        return aurora.JobUpdateStrategy(
            queueStrategy=aurora.QueueJobUpdateStrategy(groupSize=wanted.groups[0])
        )
    return aurora.JobUpdateStrategy(
        batchStrategy=aurora.BatchJobUpdateStrategy(
            groupSize=wanted.groups[0], autopauseAfterBatch=wanted.pause_between
        )
    )


def cron_job(key: JobKey, template: ScheduleCron) -> aurora.JobConfiguration:
    """Return the template; key and the config's own job are both needed (recordings, refusals)."""
    config = task_config(template.config)
    return aurora.JobConfiguration(
        key=job_key(key),
        owner=config.owner,
        cronSchedule=template.schedule,
        cronCollisionPolicy=COLLISIONS[template.collision],
        taskConfig=config,
        instanceCount=template.instances,
    )


def job(key: JobKey, start: StartUpdate) -> aurora.JobConfiguration:
    """Return a service as populateJobConfig takes it."""
    config = task_config(start.config)
    return aurora.JobConfiguration(
        key=job_key(key),
        owner=config.owner,
        cronCollisionPolicy=aurora.CronCollisionPolicy.KILL_EXISTING,
        taskConfig=config,
        instanceCount=start.instances,
    )


def task_config(config: Config) -> aurora.TaskConfig:
    """Return the struct of a config's own bytes."""
    return tjson.decode(aurora.TaskConfig, config.wire)
