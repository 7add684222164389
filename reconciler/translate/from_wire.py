"""Structs of a scheduler's replies to our nouns, where that is pure translation."""

from collections.abc import Iterable

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.live import (
    DiffAnswer,
    LiveCron,
    LiveGroup,
    LiveTask,
    Quota,
    TaskStatus,
)
from reconciler.model.spec import Collision
from reconciler.model.update import LiveUpdate, UpdateEvent, UpdateStatus
from reconciler.thrift import structs as aurora
from reconciler.thrift.structs import ACTIVE_STATES
from reconciler.thrift.tjson import ProtocolError
from reconciler.translate.canonical import config_of

COLLISIONS = {
    aurora.CronCollisionPolicy.KILL_EXISTING: Collision.KILL_EXISTING,
    aurora.CronCollisionPolicy.CANCEL_NEW: Collision.CANCEL_NEW,
    # Templates stored before the policy was removed; they behave as CANCEL_NEW (AuroraCronJob).
    aurora.CronCollisionPolicy.RUN_OVERLAP: Collision.CANCEL_NEW,
}


def job_key(key: aurora.JobKey | None, cluster: str) -> JobKey:
    """Return our key; ProtocolError when a part is missing or is no identifier."""
    if key is None or not (key.role and key.environment and key.name):
        raise ProtocolError("a job without a whole key")
    try:
        return JobKey(cluster, key.role, key.environment, key.name)
    except ValueError as fault:
        raise ProtocolError(str(fault)) from None


def update(summary: aurora.JobUpdateSummary) -> LiveUpdate:
    """Return an update from its summary; ProtocolError when id or status are missing."""
    if summary.key is None or not summary.key.id:
        raise ProtocolError("an update without an id")
    if summary.state is None or summary.state.status is None:
        raise ProtocolError(f"update {summary.key.id} without a status")
    return LiveUpdate(
        id=summary.key.id,
        user=summary.user or "",
        status=UpdateStatus[summary.state.status.name],
        created_ms=summary.state.createdTimestampMs or 0,
        modified_ms=summary.state.lastModifiedTimestampMs or 0,
        metadata={m.key or "": m.value or "" for m in summary.metadata or ()},
    )


def events(details: aurora.JobUpdateDetails) -> tuple[UpdateEvent, ...]:
    """Return what happened to the update as a whole, oldest first."""
    return tuple(
        UpdateEvent(UpdateStatus[e.status.name], e.timestampMs or 0, e.user, e.message)
        for e in details.updateEvents or ()
        if e.status is not None
    )


def task(scheduled: aurora.ScheduledTask) -> LiveTask | None:
    """Return an active task; None for one that has ended."""
    assigned, status = scheduled.assignedTask, scheduled.status
    if assigned is None or not assigned.taskId or status is None:
        raise ProtocolError("a task without id or status")
    if status not in ACTIVE_STATES:
        return None
    return LiveTask(
        task_id=assigned.taskId,
        instance=assigned.instanceId or 0,
        status=TaskStatus[status.name],
    )


def task_job(scheduled: aurora.ScheduledTask) -> aurora.JobKey | None:
    """Return the key of the job that a task belongs to."""
    assigned = scheduled.assignedTask
    config = assigned.task if assigned is not None else None
    return config.job if config is not None else None


def groups(summary: aurora.ConfigSummary | None) -> tuple[LiveGroup, ...]:
    """Return the exact instances of each config, lowest instance first."""
    found = []
    for group in (summary.groups if summary is not None else None) or ():
        ids = InstanceIds.of(_ids(group.instances or ()))
        if group.config is None or ids is None:
            raise ProtocolError("a config group without config or instances")
        found.append(LiveGroup(config_of(group.config), ids))
    return tuple(sorted(found, key=lambda g: g.instances.ids))


def cron(job: aurora.JobConfiguration) -> LiveCron | None:
    """Return the template of a getJobs entry; None for a job that is no cron job."""
    if job.cronSchedule is None or job.taskConfig is None:
        return None
    policy = job.cronCollisionPolicy
    return LiveCron(
        config=config_of(job.taskConfig),
        schedule=job.cronSchedule,
        collision=COLLISIONS[policy] if policy is not None else None,
        instances=job.instanceCount or 0,
    )


def diff(result: aurora.GetJobUpdateDiffResult) -> DiffAnswer:
    """Return the instance sets that the scheduler itself found."""

    def ids(found: Iterable[aurora.ConfigGroup] | None) -> tuple[int, ...]:
        return tuple(sorted(i for group in found or () for i in _ids(group.instances or ())))

    return DiffAnswer(
        add=ids(result.add),
        remove=ids(result.remove),
        update=ids(result.update),
        unchanged=ids(result.unchanged),
    )


def quota(result: aurora.GetQuotaResult) -> Quota:
    """Return a role's quota and what production uses of it."""
    cpu, ram, disk = _amounts(result.quota)
    cpu_used, ram_used, disk_used = _amounts(result.prodSharedConsumption)
    return Quota(cpu, ram, disk, cpu_used, ram_used, disk_used)


def _amounts(aggregate: aurora.ResourceAggregate | None) -> tuple[float, float, float]:
    cpu = ram = disk = 0.0
    for resource in (aggregate.resources if aggregate is not None else None) or ():
        cpu += resource.numCpus or 0
        ram += resource.ramMb or 0
        disk += resource.diskMb or 0
    return cpu, ram, disk


def _ids(ranges: Iterable[aurora.Range]) -> Iterable[int]:
    for r in ranges:
        first, last = r.first or 0, r.last or 0
        if not 0 <= first <= last or last - first > 1_000_000:
            raise ProtocolError(f"an impossible range of instances: {first}-{last}")
        yield from range(first, last + 1)
