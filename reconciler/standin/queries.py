"""Which tasks and updates a query means: all that it sets must fit; what is empty is not set."""

from collections.abc import Callable, Collection, Iterable, Iterator

from reconciler.standin.configs import is_job_key
from reconciler.standin.refusal import Refusal
from reconciler.standin.struct_text import wrapper_text
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.updates import Update, Updates
from reconciler.thrift.structs import (
    ACTIVE_UPDATE_STATES,
    JobKey,
    JobUpdateQuery,
    ResponseCode,
    TaskQuery,
)


def tasks(store: Tasks, query: TaskQuery) -> list[Task]:
    """Return the tasks that fit, the page of them that is asked for."""
    found = all_tasks(store, query)
    if query.offset is not None and query.offset > 0:
        found = found[query.offset :]
    if query.limit is not None and query.limit > 0:
        found = found[: query.limit]
    return found


def all_tasks(store: Tasks, query: TaskQuery) -> list[Task]:
    """Return the tasks that fit, whatever page is asked for."""
    fits = _task_filter(query)
    return [task for task in _candidates(store, query) if fits(task)]


def _candidates(store: Tasks, query: TaskQuery) -> Iterable[Task]:
    """Return the tasks among which those that fit are, as few as can be found at once."""
    if query.taskIds:
        found = (store.by_id.get(task_id) for task_id in query.taskIds)
        return [task for task in found if task is not None]
    keys = _job_keys(query)
    if keys is None:
        return store
    return [task for key in keys for task in store.of_job(key)]


def _job_keys(query: TaskQuery) -> tuple[JobKey, ...] | None:
    """Return the jobs that a query names; Refusal if one of them cannot be one."""
    named = JobKey(role=query.role, environment=query.environment, name=query.jobName)
    one = None not in (query.role, query.environment, query.jobName)
    if not one and not query.jobKeys:
        return None
    if query.jobName is not None and not is_job_key(named):
        raise Refusal(None, ResponseCode.ERROR)
    for key in query.jobKeys or ():
        if not is_job_key(key):
            told = f"Invalid job key format: {wrapper_text(key)}"
            raise Refusal(told, ResponseCode.ERROR)
    return tuple({**({named: None} if one else {}), **dict.fromkeys(query.jobKeys or ())})


def _task_filter(query: TaskQuery) -> Callable[[Task], bool]:
    role = query.role if query.role and query.role.strip() else None
    keys, ids = _members(query.jobKeys), _members(query.taskIds)
    statuses, hosts = _members(query.statuses), _members(query.slaveHosts)
    instances = _members(query.instanceIds)

    def fits(task: Task) -> bool:
        job = task.job
        return (
            (role is None or job.role == role)
            and (query.environment is None or job.environment == query.environment)
            and (query.jobName is None or job.name == query.jobName)
            and (keys is None or job in keys)
            and (ids is None or task.id in ids)
            and (statuses is None or task.status in statuses)
            and (hosts is None or task.host in hosts)
            and (instances is None or task.instance in instances)
        )

    return fits


def _members(values: Collection[object] | None) -> frozenset[object] | None:
    return frozenset(values) if values else None


def updates(store: Updates, query: JobUpdateQuery) -> list[Update]:
    """Return the updates that fit, the one that changed last first."""
    offset, limit = query.offset or 0, query.limit or 0
    if offset < 0:
        raise Refusal(str(offset), ResponseCode.ERROR)
    found = sorted(_fitting(store, query), key=lambda u: -u.modified_ms)[offset:]
    return found[:limit] if limit > 0 else found


def _fitting(store: Updates, query: JobUpdateQuery) -> Iterator[Update]:
    statuses = _members(query.updateStatuses)
    for update in _among(store, query):
        if (
            query.role in (None, update.job.role)
            and query.key in (None, update.key)
            and query.jobKey in (None, update.job)
            and query.user in (None, update.user)
            and (statuses is None or update.status in statuses)
        ):
            yield update


def _among(store: Updates, query: JobUpdateQuery) -> Iterable[Update]:
    """Return the updates among which those that fit are, as few as can be found at once."""
    if query.key is not None:
        one = store.get(query.key)
        return () if one is None else (one,)
    if query.jobKey is not None:
        return store.of_job(query.jobKey)
    if query.updateStatuses and ACTIVE_UPDATE_STATES.issuperset(query.updateStatuses):
        return store.all_active()
    return store
