"""What the task that failed an update said last.

Of an update Aurora tells only which instance exited; why, its task tells, as long as it is kept.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from reconciler.model.update import UpdateEvent
from reconciler.thrift import structs as aurora
from reconciler.thrift.structs import ScheduleStatus

# JobUpdateControllerImpl, of one of the instances that failed.
CULPRIT = re.compile(r"Latest failure: instance (\d{1,9}) exited\.")
FAILED = (ScheduleStatus.FAILED, ScheduleStatus.LOST)

Events = tuple[UpdateEvent, ...]


def culprit(events: Events) -> int | None:
    """Return the instance that an update failed by; None where none is named."""
    found = (CULPRIT.fullmatch(event.message or "") for event in events)
    return next((int(named[1]) for named in found if named is not None), None)


def explained(events: Events, tasks: Iterable[aurora.ScheduledTask]) -> Events:
    """Return the events, with the last word of the task that was the last to fail before each."""
    words = [word for task in tasks for word in (task.taskEvents or ())[-1:] if word.message]
    return tuple(
        _explained(event, words) if CULPRIT.fullmatch(event.message or "") else event
        for event in events
    )


def _explained(event: UpdateEvent, words: Iterable[aurora.TaskEvent]) -> UpdateEvent:
    before = [word for word in words if (word.timestamp or 0) <= event.at_ms]
    last = max(before, key=lambda word: word.timestamp or 0, default=None)
    if last is None or last.status is None:
        return event
    exited = (event.message or "").rstrip(".")
    return replace(event, message=f"{exited}, its task {last.status.name}: {last.message}")
