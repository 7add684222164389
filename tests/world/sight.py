"""What a cluster holds, seen from outside: asked of the stand-in itself, and of nothing of ours."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.standin.aurora import Aurora
from reconciler.thrift.calls import METHODS
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    ACTIVE_UPDATE_STATES,
    JobConfiguration,
    JobKey,
    JobUpdateDetails,
    JobUpdateQuery,
    JobUpdateSummary,
    Range,
    Result,
    ScheduledTask,
    ScheduleStatus,
    TaskConfig,
    TaskQuery,
)
from tests.world.intent import Wish, script

INSTALLATION, REVISION = "reconciler.installation", "reconciler.revision"
OWNER = "reconciler.owner"


@dataclass(frozen=True, slots=True)
class Held:
    """One active task."""

    id: str
    instance: int
    status: ScheduleStatus
    config: TaskConfig


@dataclass(frozen=True, slots=True)
class Holding:
    """All that a cluster holds of one job. `word` is who spoke last to its active update."""

    tasks: tuple[Held, ...]
    template: JobConfiguration | None
    update: JobUpdateSummary | None
    word: str | None

    @property
    def empty(self) -> bool:
        return not self.tasks and self.template is None and self.update is None

    def ids(self) -> frozenset[int]:
        return frozenset(task.instance for task in self.tasks)


def asked(aurora: Aurora, method: str, **args: object) -> Result:
    """Return the result of a call that must succeed."""
    told = dict.fromkeys((p.name for p in METHODS[method].params), None) | args
    found = aurora.call(method, told, "bob").result
    assert found is not None, method
    return found


def holding(aurora: Aurora, key: JobKey) -> Holding:
    """Return what is held of one job just now."""
    active = _updates(
        aurora, JobUpdateQuery(jobKey=key, updateStatuses=tuple(ACTIVE_UPDATE_STATES))
    )
    return Holding(
        tasks=tuple(map(_held, _tasks(aurora, TaskQuery(jobKeys=(key,))))),
        template=templates(aurora).get(key),
        update=active[0] if active else None,
        word=_word(aurora, active[0]) if active else None,
    )


def tasks(aurora: Aurora) -> dict[JobKey, tuple[Held, ...]]:
    """Return every active task, by job."""
    told: dict[JobKey, list[Held]] = {}
    for task in _tasks(aurora, TaskQuery()):
        held = _held(task)
        assert held.config.job is not None
        told.setdefault(held.config.job, []).append(held)
    return {key: tuple(sorted(found, key=lambda h: h.instance)) for key, found in told.items()}


def templates(aurora: Aurora) -> dict[JobKey, JobConfiguration]:
    """Return every cron template."""
    found = asked(aurora, "getJobs").getJobsResult
    assert found is not None
    return {j.key: j for j in found.configs or () if j.key is not None and j.cronSchedule}


def updates(aurora: Aurora, key: JobKey | None = None) -> tuple[JobUpdateSummary, ...]:
    """Return updates, newest first; of one job when it is named."""
    return _updates(aurora, JobUpdateQuery(jobKey=key))


def details(aurora: Aurora, update: JobUpdateSummary) -> JobUpdateDetails:
    """Return all of one update."""
    found = asked(aurora, "getJobUpdateDetails", query=JobUpdateQuery(key=update.key))
    assert found.getJobUpdateDetailsResult is not None
    (one,) = found.getJobUpdateDetailsResult.detailsList or ()
    return one


def metadata(update: JobUpdateSummary) -> dict[str, str]:
    return {m.key or "": m.value or "" for m in update.metadata or ()}


def marks(config: TaskConfig) -> dict[str, str]:
    return {m.key or "": m.value or "" for m in config.metadata or ()}


def instances(ranges: Iterable[Range]) -> frozenset[int]:
    return frozenset(
        i for r in ranges for i in range(r.first or 0, (r.last if r.last is not None else -1) + 1)
    )


# --- what a config means


def meaning(config: TaskConfig) -> str:
    """Return what a config comes to, as far as it matters to whoever runs it.

    Neither whose it was first nor how its executor data is laid out. Written anew for the laws:
    those of the product must not judge themselves.
    """
    data = config.executorConfig.data if config.executorConfig is not None else None
    told = {
        "data": _parsed(data),
        "resources": sorted(map(repr, config.resources or ())),
        "metadata": sorted(marks(config).items()),
        "constraints": sorted(map(repr, config.constraints or ())),
        "service": bool(config.isService),
        "tier": config.tier,
        "priority": config.priority or 0,
        "contact": config.contactEmail,
    }
    return json.dumps(told, sort_keys=True)


def fulfils(config: TaskConfig, wish: Wish) -> bool:
    """Return whether a config is that of this wish: its version, its script, its environment."""
    found = marks(config)
    told = script(wish.behaviour, is_cron=wish.is_cron)
    scripted = {f"sim.{k}": str(v) for k, v in told.items()}
    data = config.executorConfig.data if config.executorConfig is not None else None
    return (
        found.get("reconciler.version") == str(wish.version)
        and {k: v for k, v in found.items() if k.startswith("sim.")} == scripted
        and f"export NOISE={wish.noise}\\n" in (data or "")
        and bool(config.isService) != wish.is_cron
    )


def _parsed(data: str | None) -> object:
    try:
        return json.loads(data or "null")
    except ValueError:
        return data


def _tasks(aurora: Aurora, query: TaskQuery) -> tuple[ScheduledTask, ...]:
    query = TaskQuery(statuses=tuple(ACTIVE_STATES), jobKeys=query.jobKeys)
    found = asked(aurora, "getTasksStatus", query=query).scheduleStatusResult
    assert found is not None
    return found.tasks or ()


def _held(task: ScheduledTask) -> Held:
    assigned = task.assignedTask
    assert assigned is not None
    assert assigned.task is not None
    assert assigned.taskId is not None
    assert task.status is not None
    return Held(assigned.taskId, assigned.instanceId or 0, task.status, assigned.task)


def _updates(aurora: Aurora, query: JobUpdateQuery) -> tuple[JobUpdateSummary, ...]:
    found = asked(aurora, "getJobUpdateSummaries", jobUpdateQuery=query)
    assert found.getJobUpdateSummariesResult is not None
    return found.getJobUpdateSummariesResult.updateSummaries or ()


def _word(aurora: Aurora, update: JobUpdateSummary) -> str | None:
    events = details(aurora, update).updateEvents or ()
    return events[-1].user if events else None


def by_key(found: Mapping[JobKey, object]) -> set[tuple[str, str]]:
    return {(key.role or "", key.name or "") for key in found}
