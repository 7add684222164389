"""Questions beyond the bulk, asked side by side, and the snapshot with their answers.

What fails makes its job unclear, and no other.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never

from reconciler.model.keys import JobKey
from reconciler.model.live import (
    Accepted,
    Answer,
    LiveGroup,
    LiveSnapshot,
    LiveTask,
    Quota,
    RefusedAnswer,
    Unknown,
)
from reconciler.model.plan import ScheduleCron, StartUpdate
from reconciler.model.questions import Questions
from reconciler.model.update import LiveUpdate, UpdateEvent
from reconciler.scheduler import queries
from reconciler.scheduler.client import Client, Invalid
from reconciler.scheduler.failures import FAILED, Events, culprit, explained
from reconciler.thrift import structs as aurora
from reconciler.translate import from_wire, requests
from reconciler.translate.canonical import config_of

QUESTIONS_AT_ONCE = 8

Q = TypeVar("Q")
A = TypeVar("A")
Answered = Iterator[tuple[Q, A]]


@dataclass(frozen=True, slots=True)
class Course:
    """The events of one update, in order."""

    update_id: str
    events: tuple[UpdateEvent, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Every question with its answer, of each kind; they come as they are taken."""

    groups: Answered[JobKey, tuple[LiveGroup, ...] | Unknown]
    tasks: Answered[JobKey, tuple[LiveTask, ...] | Unknown]
    details: Answered[tuple[JobKey, str], Course | Unknown]
    pending: Answered[JobKey, dict[str, str] | Unknown]
    diffs: Answered[tuple[JobKey, StartUpdate], Answer]
    accepted: Answered[tuple[JobKey, StartUpdate | ScheduleCron], Answer]
    quotas: Answered[str, Quota | Unknown]


def examined(client: Client, snapshot: LiveSnapshot, questions: Questions) -> LiveSnapshot:
    """Return the snapshot with the questions answered."""
    with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
        asked = _asked(pool, client, questions)
    found = Findings(snapshot)
    found.take(asked)
    return found.snapshot()


def _asked(pool: ThreadPoolExecutor, client: Client, questions: Questions) -> Asked:
    """Put all of the questions, and wait for none."""

    def each(asked: Iterable[Q], answer: Callable[[Client, Q], A]) -> Answered[Q, A]:
        listed = list(asked)
        return zip(listed, pool.map(lambda one: answer(client, one), listed), strict=True)

    return Asked(
        groups=each(questions.groups, queries.groups),
        tasks=each(questions.tasks, queries.tasks_of),
        details=each(questions.details, _details),
        pending=each(questions.pending, _pending),
        diffs=each(questions.diffs, _diff),
        accepted=each(questions.accepted, _accepted),
        quotas=each(questions.quotas, _quota),
    )


# --- the questions


def _details(client: Client, asked: tuple[JobKey, str]) -> Course | Unknown:
    key, update_id = asked
    query = aurora.JobUpdateQuery(key=requests.update_key(*asked))
    kind = aurora.GetJobUpdateDetailsResult
    found = client.ask("getJobUpdateDetails", kind, query=query)
    if not isinstance(found, kind):
        return queries.unknown(found)
    details = found.detailsList
    if not details:
        return Course(update_id, ())
    events = queries.guarded(lambda: from_wire.events(details[0]))
    if isinstance(events, Unknown):
        return events
    return Course(update_id, _explained(client, key, events))


def _explained(client: Client, key: JobKey, events: Events) -> Events:
    """Return the events of an update that failed with why; without, where nobody says."""
    instance = culprit(events)
    if instance is None:
        return events
    query = aurora.TaskQuery(
        jobKeys=(requests.job_key(key),), instanceIds=(instance,), statuses=FAILED
    )
    tasks = queries.tasks(client, query)
    return events if isinstance(tasks, Unknown) else explained(events, tasks)


def _pending(client: Client, key: JobKey) -> dict[str, str] | Unknown:
    query = aurora.TaskQuery(jobKeys=(requests.job_key(key),))
    kind = aurora.GetPendingReasonResult
    found = client.ask("getPendingReason", kind, query=query)
    if not isinstance(found, kind):
        return queries.unknown(found)
    return {r.taskId: _words(r.reason or "") for r in found.reasons or () if r.taskId}


def _words(reason: str) -> str:
    """Return the vetoes in a fixed order: the scheduler joins them in any."""
    return ", ".join(sorted(filter(None, reason.split(","))))


def _diff(client: Client, asked: tuple[JobKey, StartUpdate]) -> Answer:
    _, start = asked
    kind, request = aurora.GetJobUpdateDiffResult, requests.update_request(start)
    found = client.ask("getJobUpdateDiff", kind, request=request)
    if isinstance(found, Invalid):
        return RefusedAnswer(found.message)
    if isinstance(found, Unknown):
        return found
    return queries.guarded(lambda: from_wire.diff(found))


def _accepted(client: Client, asked: tuple[JobKey, StartUpdate | ScheduleCron]) -> Answer:
    kind = aurora.PopulateJobResult
    found = client.ask("populateJobConfig", kind, description=_job(*asked))
    if isinstance(found, Invalid):
        return RefusedAnswer(found.message.removeprefix("Invalid configuration: "))
    if isinstance(found, Unknown):
        return found
    config = found.taskConfig
    if config is None:
        return Unknown("populateJobConfig: OK, but without a config")
    return queries.guarded(lambda: Accepted(config_of(config)))


def _job(key: JobKey, action: StartUpdate | ScheduleCron) -> aurora.JobConfiguration:
    match action:
        case StartUpdate():
            return requests.job(key, action)
        case ScheduleCron():
            return requests.cron_job(key, action)
        case _:
            assert_never(action)


def _quota(client: Client, role: str) -> Quota | Unknown:
    kind = aurora.GetQuotaResult
    found = client.ask("getQuota", kind, ownerRole=role)
    return from_wire.quota(found) if isinstance(found, kind) else queries.unknown(found)


# --- the answers


class Findings:
    """A snapshot that answers are put into, where they belong."""

    def __init__(self, before: LiveSnapshot) -> None:
        self._before = before
        self._jobs, self._unclear = dict(before.jobs), dict(before.unclear)
        self._ended, self._answers = dict(before.ended), dict(before.answers)
        self._quotas, self._pending = dict(before.quotas), dict(before.pending)
        self._events = dict(before.events)

    def take(self, asked: Asked) -> None:
        """Put every answer in."""
        for key, groups in self._clear(asked.groups):
            if key in self._jobs:
                self._jobs[key] = replace(self._jobs[key], groups=groups)
        for key, tasks in self._clear(asked.tasks):
            if key in self._jobs:
                self._jobs[key] = replace(self._jobs[key], tasks=tasks, count=len(tasks))
        for key, course in self._clear((key, found) for (key, _), found in asked.details):
            self._tell(key, course)
        for _, reasons in self._clear(asked.pending):
            self._pending.update(reasons)
        for (key, _), answer in (*asked.diffs, *asked.accepted):
            self._answers[key] = answer
        self._quotas.update(asked.quotas)

    def snapshot(self) -> LiveSnapshot:
        """Return the snapshot with all that was put in."""
        return replace(
            self._before,
            jobs=self._jobs,
            unclear=self._unclear,
            ended=self._ended,
            answers=self._answers,
            quotas=self._quotas,
            pending=self._pending,
            events=self._events,
        )

    def _clear(self, asked: Iterable[tuple[JobKey, A | Unknown]]) -> Iterator[tuple[JobKey, A]]:
        """Yield the answers that there are; a job of which one is lacking is unclear."""
        for key, answer in asked:
            if isinstance(answer, Unknown):
                self._unclear[key] = answer.why
            else:
                yield key, answer

    def _tell(self, key: JobKey, course: Course) -> None:
        """Put the events of an update where the update stands."""
        self._events[course.update_id] = course.events

        def told(update: LiveUpdate) -> LiveUpdate:
            return (
                replace(update, events=course.events) if update.id == course.update_id else update
            )

        if key in self._ended:
            self._ended[key] = tuple(map(told, self._ended[key]))
        job = self._jobs.get(key)
        if job is not None:
            update = told(job.update) if job.update is not None else None
            self._jobs[key] = replace(job, update=update, ended=tuple(map(told, job.ended)))
