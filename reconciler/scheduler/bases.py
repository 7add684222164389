"""What an act rests on, read again just before it is sent.

Each reading is of the act's own job, so that it is cheap; of templates Aurora tells a role at a
time.
"""

from typing import assert_never

from reconciler.model import basis
from reconciler.model.keys import JobKey
from reconciler.model.live import LiveJob, Unknown
from reconciler.model.plan import (
    Act,
    Basis,
    CronBasis,
    InstancesBasis,
    TasksBasis,
    UpdateBasis,
)
from reconciler.scheduler import queries
from reconciler.scheduler.client import Client
from reconciler.thrift import calls, tjson
from reconciler.thrift.structs import JobConfiguration, JobUpdateQuery, ScheduleStatus
from reconciler.translate import from_wire, requests

DYING = frozenset({ScheduleStatus.KILLING})


def basis_of(client: Client, act: Act) -> Basis | Unknown:
    """Return what the act rests on now; ProtocolError for a reply that cannot be read."""
    match act.basis:
        case basis.NOTHING_THERE:
            return _of_creation(client, act.key)
        case InstancesBasis():
            return _instances(client, act.key)
        case TasksBasis():
            tasks = queries.tasks_of(client, act.key)
            return tasks if isinstance(tasks, Unknown) else basis.tasks_basis(tasks)
        case UpdateBasis(update_id=update_id):
            return _update(client, act.key, update_id)
        case CronBasis():
            return _template(client, act.key)
        case _:
            assert_never(act.basis)


def _of_creation(client: Client, key: JobKey) -> InstancesBasis | Unknown:
    """One question will do where nothing is expected."""
    tasks = queries.tasks_of(client, key)
    if isinstance(tasks, Unknown):
        return tasks
    return _instances(client, key) if tasks else basis.NOTHING_THERE


def _instances(client: Client, key: JobKey) -> InstancesBasis | Unknown:
    dying = queries.tasks_of(client, key, DYING)
    if isinstance(dying, Unknown):
        return dying
    # Last, since it shows what came meanwhile: a task that begins to die leaves its group.
    groups = queries.groups(client, key)
    return groups if isinstance(groups, Unknown) else basis.of_groups(groups, dying)


def _update(client: Client, key: JobKey, update_id: str) -> UpdateBasis | Unknown:
    found = queries.updates(client, JobUpdateQuery(key=requests.update_key(key, update_id)))
    if isinstance(found, Unknown):
        return found
    if not found:
        return UpdateBasis(update_id, "gone")
    return basis.update_basis(from_wire.update(found[0]))


def _template(client: Client, key: JobKey) -> CronBasis | Unknown:
    """Of the jobs of a role only the one that is meant is built."""
    found, wanted = client.jobs(key.role), requests.job_key(key)
    if isinstance(found, Unknown):
        return found
    for slice_ in found.configs or ():
        if calls.job_of(slice_) == wanted:
            cron = from_wire.cron(tjson.decode(JobConfiguration, slice_))
            return basis.cron_basis(LiveJob(key, False, None, 0, cron=cron))
    return CronBasis(None)
