"""One bulk reading of a cluster, put together from its five replies.

`getJobs` shows neither what dies nor what waits, and of a job with two configs only one; the tasks
that do not run, the active updates and those that ended since are read beside it. Updates are read
before and after: a job whose update began or ended in between is not known well enough to act on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from msgspec import Raw

from reconciler.live.slices import Slices
from reconciler.model.keys import JobKey
from reconciler.model.live import LiveJob, LiveSnapshot, LiveTask
from reconciler.model.update import LiveUpdate
from reconciler.thrift import structs as aurora
from reconciler.translate import from_wire

IN_FLUX = "an update began or ended while the cluster was read"


@dataclass(frozen=True, slots=True)
class Bulk:
    """The replies: getJobs entries as bytes, active updates before and after, ended ones newest
    first, and every active task that is not RUNNING."""

    jobs: tuple[bytes | Raw, ...]
    before: tuple[aurora.JobUpdateSummary, ...]
    after: tuple[aurora.JobUpdateSummary, ...]
    ended: tuple[aurora.JobUpdateSummary, ...]
    unsettled: tuple[aurora.ScheduledTask, ...]


def snapshot(cluster: str, bulk: Bulk, slices: Slices) -> LiveSnapshot:
    """Return what is live; tjson.ProtocolError when a reply is not what it should be."""
    before, after = _updates(bulk.before, cluster), _updates(bulk.after, cluster)
    ended = _ended(bulk.ended, cluster)
    unsettled = _unsettled(bulk.unsettled, cluster)
    jobs = slices.read(bulk.jobs)
    for key in (after.keys() | unsettled.keys()) - jobs.keys():
        # A job that is only an update that is blocked is not in getJobs (recordings, pulses).
        jobs[key] = LiveJob(key, is_service=True, seen=None, count=len(unsettled.get(key, ())))
    for key in (after.keys() | ended.keys() | unsettled.keys()) & jobs.keys():
        jobs[key] = replace(
            jobs[key],
            unsettled=unsettled.get(key, ()),
            update=after.get(key),
            ended=ended.get(key, ()),
        )
    moved = {k for k in before.keys() | after.keys() if _id(before, k) != _id(after, k)}
    return LiveSnapshot(
        cluster=cluster,
        jobs=jobs,
        unclear=dict.fromkeys(sorted(moved), IN_FLUX),
        ended={key: found for key, found in ended.items() if key not in jobs},
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
