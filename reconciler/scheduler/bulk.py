"""The replies that one bulk reading of a cluster consists of, one after the other.

Their order matters: active updates are read first and last, so that what moves meanwhile shows.
"""

from reconciler.live.survey import Bulk
from reconciler.model.live import Unknown
from reconciler.scheduler import queries
from reconciler.scheduler.client import Client
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    ACTIVE_UPDATE_STATES,
    TERMINAL_UPDATE_STATES,
    JobUpdateQuery,
    JobUpdateSummary,
    ScheduleStatus,
    TaskQuery,
)

ENDED_PAGE = 500

_ACTIVE = JobUpdateQuery(updateStatuses=tuple(sorted(ACTIVE_UPDATE_STATES)))
_UNSETTLED = TaskQuery(statuses=tuple(sorted(ACTIVE_STATES - {ScheduleStatus.RUNNING})))


def bulk(client: Client, ended_since_ms: int) -> Bulk | Unknown:
    """Return all of them; nothing is known when one fails."""
    before = queries.updates(client, _ACTIVE)
    if isinstance(before, Unknown):
        return before
    jobs = client.jobs()
    if isinstance(jobs, Unknown):
        return jobs
    unsettled = queries.tasks(client, _UNSETTLED)
    if isinstance(unsettled, Unknown):
        return unsettled
    ended = _ended(client, ended_since_ms)
    if isinstance(ended, Unknown):
        return ended
    after = queries.updates(client, _ACTIVE)
    if isinstance(after, Unknown):
        return after
    return Bulk(jobs.configs or (), before, after, ended, unsettled)


def _ended(client: Client, since_ms: int) -> tuple[JobUpdateSummary, ...] | Unknown:
    """Return updates that ended since, newest first: pages are read until one is old enough."""
    found: list[JobUpdateSummary] = []
    while True:
        page = queries.updates(client, _ended_page(len(found)))
        if isinstance(page, Unknown):
            return page
        last = len(page) < ENDED_PAGE or _modified(page[-1]) < since_ms
        if last or page[-1] in found:
            return tuple(s for s in (*found, *page) if _modified(s) >= since_ms)
        found += page


def _ended_page(offset: int) -> JobUpdateQuery:
    ended = tuple(sorted(TERMINAL_UPDATE_STATES))
    return JobUpdateQuery(updateStatuses=ended, offset=offset, limit=ENDED_PAGE)


def _modified(summary: JobUpdateSummary) -> int:
    return (summary.state.lastModifiedTimestampMs or 0) if summary.state is not None else 0
