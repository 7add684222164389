"""One instance of an update, looked at: what it should be, what it is, and what follows.

Pure (InstanceUpdater). An instance moves idle -> working -> succeeded or failed.
"""

from dataclasses import dataclass
from enum import Enum

from reconciler.standin.configs import meaning
from reconciler.standin.tasks import Task
from reconciler.standin.transitions import KILLABLE
from reconciler.thrift.structs import ScheduleStatus, TaskConfig

_S = ScheduleStatus


class Verdict(Enum):
    """What one look at an instance says."""

    WAIT = "wait"  # for the next event of it
    WATCH = "watch"  # look again when it has been running for long enough
    ADD = "add"
    KILL = "kill"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


# What ends the work on an instance; everything else leaves something to do.
FINAL = frozenset({Verdict.SUCCEEDED, Verdict.FAILED})


@dataclass(slots=True)
class Instance:
    """What an instance should become; None where it should go. `failures` are those seen."""

    target: TaskConfig | None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an instance must run, and how many failures of it are borne."""

    watch_ms: int
    failures_max: int


def judge(instance: Instance, task: Task | None, patience: Patience, now_ms: int) -> Verdict:
    """Return what follows from the state of an instance; a failure is counted on it."""
    there = task if task is not None and not _was_killed(task) else None
    if instance.target is None:
        if there is None:
            return Verdict.SUCCEEDED
        return Verdict.KILL if there.status in KILLABLE else Verdict.WAIT
    if there is None:
        return Verdict.ADD
    if meaning(there.config) != meaning(instance.target):
        return Verdict.KILL if there.status in KILLABLE else Verdict.WAIT
    return _judge_wanted(instance, there, patience, now_ms)


def _judge_wanted(instance: Instance, task: Task, patience: Patience, now_ms: int) -> Verdict:
    if task.status is _S.RUNNING:
        settled = now_ms - task.changed_ms >= patience.watch_ms
        return Verdict.SUCCEEDED if settled else Verdict.WATCH
    if not task.ended:
        return Verdict.WAIT
    instance.failures += 1
    return Verdict.FAILED if instance.failures > patience.failures_max else Verdict.WAIT


def _was_killed(task: Task) -> bool:
    """Tell whether it was killed on purpose and will not come back."""
    return task.status is not _S.KILLING and task.was(_S.KILLING)
