"""Questions that more than one reading puts, each with an answer of its own type.

What is not answered is `Unknown`, and never an empty answer.
"""

from collections.abc import Callable
from typing import TypeVar

from reconciler.model.keys import JobKey
from reconciler.model.live import LiveGroup, LiveTask, Unknown
from reconciler.scheduler.client import Client, Invalid
from reconciler.scheduler.port import Silent
from reconciler.thrift import structs as aurora
from reconciler.thrift.structs import ACTIVE_STATES
from reconciler.thrift.tjson import ProtocolError
from reconciler.translate import from_wire, requests

T = TypeVar("T")


def updates(
    client: Client, query: aurora.JobUpdateQuery
) -> tuple[aurora.JobUpdateSummary, ...] | Unknown:
    """Return the updates that a query finds."""
    kind = aurora.GetJobUpdateSummariesResult
    found = client.ask("getJobUpdateSummaries", kind, jobUpdateQuery=query)
    return found.updateSummaries or () if isinstance(found, kind) else unknown(found)


def tasks(client: Client, query: aurora.TaskQuery) -> tuple[aurora.ScheduledTask, ...] | Unknown:
    """Return tasks without executor data; an Aurora with executor-less tasks cannot leave it out
    (ReadOnlySchedulerImpl), so it is asked for all of it then."""
    kind = aurora.ScheduleStatusResult
    found = client.ask("getTasksWithoutConfigs", kind, query=query)
    if not isinstance(found, (kind, Silent)):
        found = client.ask("getTasksStatus", kind, query=query)
    return found.tasks or () if isinstance(found, kind) else unknown(found)


def tasks_of(
    client: Client, key: JobKey, states: frozenset[aurora.ScheduleStatus] = ACTIVE_STATES
) -> tuple[LiveTask, ...] | Unknown:
    """Return the active tasks of a job that are in one of the states."""
    asked = aurora.TaskQuery(jobKeys=(requests.job_key(key),), statuses=tuple(sorted(states)))
    found = tasks(client, asked)
    if isinstance(found, Unknown):
        return found
    return guarded(lambda: tuple(t for s in found if (t := from_wire.task(s)) is not None))


def groups(client: Client, key: JobKey) -> tuple[LiveGroup, ...] | Unknown:
    """Return the exact instances of each config of a job."""
    kind = aurora.ConfigSummaryResult
    found = client.ask("getConfigSummary", kind, job=requests.job_key(key))
    if not isinstance(found, kind):
        return unknown(found)
    return guarded(lambda: from_wire.groups(found.summary))


def guarded(read: Callable[[], T]) -> T | Unknown:
    """Return what a reply is read as; of one that cannot be read nothing is known."""
    try:
        return read()
    except ProtocolError as fault:
        return Unknown(str(fault))


def unknown(found: Invalid | Unknown) -> Unknown:
    """Return what was learnt from no answer: nothing, and why."""
    return Unknown(found.message) if isinstance(found, Invalid) else found
