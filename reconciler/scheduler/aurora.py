"""One Aurora behind the port: reads in bulk, reads in depth, and the one RPC of each act."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar, assert_never

from reconciler.live.slices import Slices
from reconciler.live.survey import Bulk, snapshot
from reconciler.model import basis
from reconciler.model.keys import JobKey
from reconciler.model.live import (
    Accepted,
    Answer,
    LiveGroup,
    LiveJob,
    LiveSnapshot,
    LiveTask,
    Quota,
    RefusedAnswer,
    Unknown,
)
from reconciler.model.outcome import Outcome
from reconciler.model.plan import (
    Act,
    Basis,
    CronBasis,
    InstancesBasis,
    ScheduleCron,
    StartUpdate,
    TasksBasis,
    UpdateBasis,
)
from reconciler.model.questions import Questions
from reconciler.model.update import LiveUpdate
from reconciler.scheduler.client import Client, Invalid
from reconciler.scheduler.port import Silent
from reconciler.scheduler.sending import send
from reconciler.thrift import calls, tjson
from reconciler.thrift import structs as aurora
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    ACTIVE_UPDATE_STATES,
    TERMINAL_UPDATE_STATES,
    ScheduleStatus,
)
from reconciler.translate import from_wire, requests
from reconciler.translate.canonical import config_of

ENDED_PAGE = 500
QUESTIONS_AT_ONCE = 8

T = TypeVar("T")


class Aurora:
    """Implements `SchedulerPort` over a client."""

    def __init__(self, cluster: str, client: Client) -> None:
        self._cluster = cluster
        self._client = client
        self._slices = Slices(cluster)

    # --- the bulk reading

    def survey(self, ended_since_ms: int) -> LiveSnapshot:
        """Read everything in bulk; one reply that fails leaves all of it unknown."""
        try:
            bulk = self._bulk(ended_since_ms)
            if isinstance(bulk, Unknown):
                return self._unread(bulk.why)
            return snapshot(self._cluster, bulk, self._slices)
        except tjson.ProtocolError as fault:
            return self._unread(str(fault))

    def _unread(self, why: str) -> LiveSnapshot:
        return LiveSnapshot(self._cluster, {}, unread=why)

    def _bulk(self, ended_since_ms: int) -> Bulk | Unknown:
        before = self._active_updates()
        if isinstance(before, Unknown):
            return before
        jobs = self._client.jobs()
        if isinstance(jobs, Unknown):
            return jobs
        unsettled = self._tasks(statuses=_sorted(ACTIVE_STATES - {ScheduleStatus.RUNNING}))
        if isinstance(unsettled, Unknown):
            return unsettled
        ended = self._ended_updates(ended_since_ms)
        if isinstance(ended, Unknown):
            return ended
        after = self._active_updates()
        if isinstance(after, Unknown):
            return after
        return Bulk(jobs.configs or (), before, after, ended, unsettled)

    def _active_updates(self) -> tuple[aurora.JobUpdateSummary, ...] | Unknown:
        return self._updates(updateStatuses=_sorted(ACTIVE_UPDATE_STATES))

    def _ended_updates(self, since_ms: int) -> tuple[aurora.JobUpdateSummary, ...] | Unknown:
        """Return those that ended since, newest first: pages are read until one is old enough."""
        found: list[aurora.JobUpdateSummary] = []
        while True:
            page = self._updates(
                updateStatuses=_sorted(TERMINAL_UPDATE_STATES), offset=len(found), limit=ENDED_PAGE
            )
            if isinstance(page, Unknown):
                return page
            last = len(page) < ENDED_PAGE or _modified(page[-1]) < since_ms
            if last or page[-1] in found:
                return tuple(s for s in (*found, *page) if _modified(s) >= since_ms)
            found += page

    def _updates(self, **query: Any) -> tuple[aurora.JobUpdateSummary, ...] | Unknown:
        kind = aurora.GetJobUpdateSummariesResult
        asked = aurora.JobUpdateQuery(**query)
        found = self._client.ask("getJobUpdateSummaries", kind, jobUpdateQuery=asked)
        return found.updateSummaries or () if isinstance(found, kind) else _unknown(found)

    def _tasks(self, **query: Any) -> tuple[aurora.ScheduledTask, ...] | Unknown:
        """Return tasks without executor data; an Aurora with executor-less tasks cannot leave it
        out (ReadOnlySchedulerImpl), so it is asked for all of it then."""
        asked, kind = aurora.TaskQuery(**query), aurora.ScheduleStatusResult
        found = self._client.ask("getTasksWithoutConfigs", kind, query=asked)
        if not isinstance(found, (kind, Silent)):
            found = self._client.ask("getTasksStatus", kind, query=asked)
        return found.tasks or () if isinstance(found, kind) else _unknown(found)

    # --- reading in depth

    def examine(self, snapshot: LiveSnapshot, questions: Questions) -> LiveSnapshot:
        """Answer the questions side by side; what fails makes its job unclear, and no other."""
        answers: dict[JobKey, Answer] = dict(snapshot.answers)
        jobs, unclear = dict(snapshot.jobs), dict(snapshot.unclear)
        ended, quotas = dict(snapshot.ended), dict(snapshot.quotas)
        pending, events = dict(snapshot.pending), dict(snapshot.events)

        def keep(key: JobKey, found: Any, use: Callable[[Any], None]) -> None:
            if isinstance(found, Unknown):
                unclear[key] = found.why
            else:
                use(found)

        with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
            groups = _each(pool, questions.groups, self._groups)
            tasks = _each(pool, questions.tasks, self._job_tasks)
            details = _each(pool, questions.details, self._details)
            reasons = _each(pool, questions.pending, self._pending)
            diffs = _each(pool, questions.diffs, self._diff)
            accepted = _each(pool, questions.accepted, self._accepted)
            roles = _each(pool, questions.quotas, self._quota)

        for key, found in groups:
            keep(key, found, lambda g, k=key: _set(jobs, k, groups=g))  # type: ignore[misc]
        for key, found in tasks:
            keep(key, found, lambda t, k=key: _set(jobs, k, tasks=t))  # type: ignore[misc]
        for (key, update_id), found in details:
            keep(key, found, lambda e, u=update_id: events.update({u: e}))  # type: ignore[misc]
            keep(key, found, lambda e, k=key, u=update_id: _tell(jobs, ended, k, u, e))  # type: ignore[misc]
        for key, found in reasons:
            keep(key, found, pending.update)
        for (key, _), found in (*diffs, *accepted):
            answers[key] = found
        quotas.update(roles)
        return replace(
            snapshot,
            jobs=jobs,
            unclear=unclear,
            ended=ended,
            answers=answers,
            quotas=quotas,
            pending=pending,
            events=events,
        )

    def _groups(self, key: JobKey) -> tuple[LiveGroup, ...] | Unknown:
        kind = aurora.ConfigSummaryResult
        found = self._client.ask("getConfigSummary", kind, job=requests.job_key(key))
        if not isinstance(found, kind):
            return _unknown(found)
        return _guarded(lambda: from_wire.groups(found.summary))

    def _job_tasks(self, key: JobKey) -> tuple[LiveTask, ...] | Unknown:
        found = self._tasks(jobKeys=(requests.job_key(key),), statuses=_sorted(ACTIVE_STATES))
        if isinstance(found, Unknown):
            return found
        return _guarded(lambda: tuple(t for s in found if (t := from_wire.task(s)) is not None))

    def _details(self, asked: tuple[JobKey, str]) -> Any:
        key, update_id = asked
        query = aurora.JobUpdateQuery(key=requests.update_key(key, update_id))
        kind = aurora.GetJobUpdateDetailsResult
        found = self._client.ask("getJobUpdateDetails", kind, query=query)
        if not isinstance(found, kind):
            return _unknown(found)
        details = found.detailsList
        return _guarded(lambda: from_wire.events(details[0])) if details else ()

    def _pending(self, key: JobKey) -> dict[str, str] | Unknown:
        query = aurora.TaskQuery(jobKeys=(requests.job_key(key),))
        kind = aurora.GetPendingReasonResult
        found = self._client.ask("getPendingReason", kind, query=query)
        if not isinstance(found, kind):
            return _unknown(found)
        return {r.taskId: _words(r.reason or "") for r in found.reasons or () if r.taskId}

    def _diff(self, asked: tuple[JobKey, StartUpdate]) -> Answer:
        _, start = asked
        kind, request = aurora.GetJobUpdateDiffResult, requests.update_request(start)
        found = self._client.ask("getJobUpdateDiff", kind, request=request)
        if isinstance(found, Invalid):
            return RefusedAnswer(found.message)
        if isinstance(found, Unknown):
            return found
        return _guarded(lambda: from_wire.diff(found))

    def _accepted(self, asked: tuple[JobKey, StartUpdate | ScheduleCron]) -> Answer:
        key, action = asked
        cron = isinstance(action, ScheduleCron)
        job = requests.cron_job(key, action) if cron else requests.job(key, action)  # type: ignore[arg-type]
        found = self._client.ask("populateJobConfig", aurora.PopulateJobResult, description=job)
        if isinstance(found, Invalid):
            return RefusedAnswer(found.message.removeprefix("Invalid configuration: "))
        if isinstance(found, Unknown):
            return found
        config = found.taskConfig
        if config is None:
            return Unknown("populateJobConfig: OK, but without a config")
        return _guarded(lambda: Accepted(config_of(config)))

    def _quota(self, role: str) -> Quota | Unknown:
        kind = aurora.GetQuotaResult
        found = self._client.ask("getQuota", kind, ownerRole=role)
        return from_wire.quota(found) if isinstance(found, kind) else _unknown(found)

    # --- what an act rests on, and the act

    def basis(self, act: Act) -> Basis | Unknown:
        """Read again what the act rests on: of its job only, as far as Aurora can be asked so."""
        try:
            match act.basis:
                case basis.NOTHING_THERE:
                    return self._creation_basis(act.key)
                case InstancesBasis():
                    return self._instances_basis(act.key)
                case TasksBasis():
                    tasks = self._job_tasks(act.key)
                    return tasks if isinstance(tasks, Unknown) else basis.tasks_basis(tasks)
                case UpdateBasis(update_id=update_id):
                    return self._update_basis(act.key, update_id)
                case CronBasis():
                    return self._cron_basis(act.key)
                case _:
                    assert_never(act.basis)
        except tjson.ProtocolError as fault:
            return Unknown(str(fault))

    def _creation_basis(self, key: JobKey) -> InstancesBasis | Unknown:
        """One question will do where nothing is expected."""
        tasks = self._job_tasks(key)
        if isinstance(tasks, Unknown):
            return tasks
        return self._instances_basis(key) if tasks else basis.NOTHING_THERE

    def _instances_basis(self, key: JobKey) -> InstancesBasis | Unknown:
        dying = self._tasks(jobKeys=(requests.job_key(key),), statuses=(ScheduleStatus.KILLING,))
        if isinstance(dying, Unknown):
            return dying
        # Last, since it shows what came meanwhile: a task that begins to die leaves its group.
        groups = self._groups(key)
        if isinstance(groups, Unknown):
            return groups
        tasks = [t for s in dying if (t := from_wire.task(s)) is not None]
        return basis.of_groups(groups, tasks)

    def _update_basis(self, key: JobKey, update_id: str) -> UpdateBasis | Unknown:
        found = self._updates(key=requests.update_key(key, update_id))
        if isinstance(found, Unknown):
            return found
        if not found:
            return UpdateBasis(update_id, "gone")
        return basis.update_basis(from_wire.update(found[0]))

    def _cron_basis(self, key: JobKey) -> CronBasis | Unknown:
        """Aurora tells of all jobs of a role at a time; only the one that is meant is built."""
        found, wanted = self._client.jobs(key.role), requests.job_key(key)
        if isinstance(found, Unknown):
            return found
        for slice_ in found.configs or ():
            if calls.job_of(slice_) == wanted:
                cron = from_wire.cron(tjson.decode(aurora.JobConfiguration, slice_))
                return basis.cron_basis(LiveJob(key, False, None, 0, cron=cron))
        return CronBasis(None)

    def carry_out(self, act: Act, token: str, message: str) -> Outcome:
        """Send the one RPC of this act."""
        return send(self._client, act, token, message)


def _each(
    pool: ThreadPoolExecutor, asked: Iterable[Any], answer: Callable[[Any], Any]
) -> Iterator[tuple[Any, Any]]:
    """Ask all at once; the answers are waited for when they are taken."""
    listed = list(asked)
    return zip(listed, pool.map(answer, listed), strict=True)


def _set(jobs: dict[JobKey, LiveJob], key: JobKey, **found: Any) -> None:
    job = jobs.get(key)
    if job is None:
        return
    if "tasks" in found:
        found["count"] = len(found["tasks"])
    jobs[key] = replace(job, **found)


def _tell(
    jobs: dict[JobKey, LiveJob],
    ended: dict[JobKey, tuple[LiveUpdate, ...]],
    key: JobKey,
    update_id: str,
    events: Any,
) -> None:
    """Put the events of an update where the update stands."""

    def told(update: LiveUpdate) -> LiveUpdate:
        return replace(update, events=events) if update.id == update_id else update

    if key in ended:
        ended[key] = tuple(map(told, ended[key]))
    job = jobs.get(key)
    if job is not None:
        update = told(job.update) if job.update is not None else None
        jobs[key] = replace(job, update=update, ended=tuple(map(told, job.ended)))


def _guarded(read: Callable[[], T]) -> T | Unknown:
    try:
        return read()
    except tjson.ProtocolError as fault:
        return Unknown(str(fault))


def _unknown(found: Invalid | Unknown) -> Unknown:
    """Return what was learnt from no answer: nothing, and why."""
    return Unknown(found.message) if isinstance(found, Invalid) else found


def _sorted(statuses: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(statuses))


def _modified(summary: aurora.JobUpdateSummary) -> int:
    return (summary.state.lastModifiedTimestampMs or 0) if summary.state is not None else 0


def _words(reason: str) -> str:
    """Return the vetoes in a fixed order: the scheduler joins them in any."""
    return ", ".join(sorted(filter(None, reason.split(","))))
