"""One bulk reading of a cluster, put together from its five replies.

`getJobs` shows neither what dies nor what waits, and of a job with two configs only one; the tasks
that do not run, the active updates and those that ended since are read beside it. Updates are read
before and after: a job whose update began or ended in between is not known well enough to act on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.keys import JobKey
from reconciler.model.live import LiveJob, LiveSnapshot, LiveTask
from reconciler.model.update import LiveUpdate
from reconciler.thrift import structs as aurora
from reconciler.thrift import tjson
from reconciler.translate import from_wire
from reconciler.translate.canonical import config_of

IN_FLUX = "an update began or ended while the cluster was read"


@dataclass(frozen=True, slots=True)
class Bulk:
    """The replies: getJobs entries as bytes, active updates before and after, ended ones newest
    first, and every active task that is not RUNNING."""

    jobs: tuple[bytes, ...]
    before: tuple[aurora.JobUpdateSummary, ...]
    after: tuple[aurora.JobUpdateSummary, ...]
    ended: tuple[aurora.JobUpdateSummary, ...]
    unsettled: tuple[aurora.ScheduledTask, ...]


def snapshot(cluster: str, now: datetime, bulk: Bulk) -> LiveSnapshot:
    """Return what is live; tjson.ProtocolError when a reply is not what it should be."""
    before, after = _updates(bulk.before, cluster), _updates(bulk.after, cluster)
    ended = _ended(bulk.ended, cluster)
    unsettled = _unsettled(bulk.unsettled, cluster)
    jobs: dict[JobKey, LiveJob] = {}
    for slice_ in bulk.jobs:
        job = _job(tjson.decode(aurora.JobConfiguration, slice_), cluster)
        jobs[job.key] = job
    for key in (after.keys() | unsettled.keys()) - jobs.keys():
        # A job that is only an update that is blocked is not in getJobs (recordings, pulses).
        jobs[key] = LiveJob(key, is_service=True, seen=None, count=len(unsettled.get(key, ())))
    moved = {k for k in before.keys() | after.keys() if _id(before, k) != _id(after, k)}
    return LiveSnapshot(
        cluster=cluster,
        taken_at=now,
        jobs={key: _with(job, after, ended, unsettled) for key, job in jobs.items()},
        unclear=dict.fromkeys(sorted(moved), IN_FLUX),
        ended={key: found for key, found in ended.items() if key not in jobs},
    )


def _with(
    job: LiveJob,
    updates: Mapping[JobKey, LiveUpdate],
    ended: Mapping[JobKey, tuple[LiveUpdate, ...]],
    unsettled: Mapping[JobKey, tuple[LiveTask, ...]],
) -> LiveJob:
    key = job.key
    if key not in updates and key not in ended and key not in unsettled:
        return job
    return LiveJob(
        key=key,
        is_service=job.is_service,
        seen=job.seen,
        count=job.count,
        cron=job.cron,
        unsettled=unsettled.get(key, ()),
        update=updates.get(key),
        ended=ended.get(key, ()),
    )


def _job(found: aurora.JobConfiguration, cluster: str) -> LiveJob:
    key = from_wire.job_key(found.key, cluster)
    if found.taskConfig is None:
        raise tjson.ProtocolError(f"{key}: a job without a config")
    cron = from_wire.cron(found)
    if cron is not None:
        # Of a template nothing says whether a run goes on; its tasks are asked for where needed.
        return LiveJob(key, is_service=False, seen=None, count=0, cron=cron)
    return LiveJob(
        key=key,
        is_service=bool(found.taskConfig.isService),
        seen=config_of(found.taskConfig),
        count=found.instanceCount or 0,
    )


def _updates(found: Iterable[aurora.JobUpdateSummary], cluster: str) -> dict[JobKey, LiveUpdate]:
    return {_key(s, cluster): from_wire.update(s) for s in found}


def _ended(
    found: Iterable[aurora.JobUpdateSummary], cluster: str
) -> dict[JobKey, tuple[LiveUpdate, ...]]:
    told: dict[JobKey, list[LiveUpdate]] = {}
    for summary in found:
        told.setdefault(_key(summary, cluster), []).append(from_wire.update(summary))
    return {
        key: tuple(sorted(updates, key=lambda u: (-u.modified_ms, -u.created_ms, u.id)))
        for key, updates in told.items()
    }


def _unsettled(
    found: Iterable[aurora.ScheduledTask], cluster: str
) -> dict[JobKey, tuple[LiveTask, ...]]:
    told: dict[JobKey, list[LiveTask]] = {}
    for scheduled in found:
        task = from_wire.task(scheduled)
        if task is not None:
            key = from_wire.job_key(from_wire.task_job(scheduled), cluster)
            told.setdefault(key, []).append(task)
    return {
        key: tuple(sorted(tasks, key=lambda t: (t.instance, t.task_id)))
        for key, tasks in told.items()
    }


def _key(summary: aurora.JobUpdateSummary, cluster: str) -> JobKey:
    return from_wire.job_key(summary.key.job if summary.key is not None else None, cluster)


def _id(updates: Mapping[JobKey, LiveUpdate], key: JobKey) -> str | None:
    found = updates.get(key)
    return found.id if found is not None else None
