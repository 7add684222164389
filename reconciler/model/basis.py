"""What an act rests on, as one value that planner and executor compute alike.

The planner takes it from what it read; the executor reads again just before sending, and sends only
if the two are equal.
"""

import hashlib
import json
from collections.abc import Iterable

from reconciler.model.live import LiveGroup, LiveJob, LiveTask, TaskStatus
from reconciler.model.plan import CronBasis, InstancesBasis, TasksBasis, UpdateBasis
from reconciler.model.update import LiveUpdate


def of_job(job: LiveJob | None) -> InstancesBasis:
    """Return what an update start rests on: exact groups, and no task in the way.

    That no other update is active is Aurora's own condition, and it refuses in time. A job that is
    absent and one without active tasks are the same basis. Tasks that die are part of it, since
    Aurora compares with them, too.
    """
    if job is None:
        return NOTHING_THERE
    return of_groups(job.groups or (), job.unsettled)


def of_groups(groups: Iterable[LiveGroup], unsettled: Iterable[LiveTask]) -> InstancesBasis:
    """Return the same from its parts; only KILLING ones of `unsettled` count."""
    told = sorted(
        (hashlib.sha256(group.config.wire).hexdigest(), str(group.instances)) for group in groups
    )
    dying = sorted(t.instance for t in unsettled if t.status is TaskStatus.KILLING)
    text = json.dumps([told, dying])
    return InstancesBasis(hashlib.sha256(text.encode()).hexdigest())


# What a creation rests on.
NOTHING_THERE = of_groups((), ())


def tasks_basis(tasks: Iterable[LiveTask]) -> TasksBasis:
    """Return what a kill rests on: exactly these active tasks."""
    return TasksBasis(frozenset(task.task_id for task in tasks))


def update_basis(update: LiveUpdate) -> UpdateBasis:
    """Return what a word to an active update rests on."""
    return UpdateBasis(update.id, update.status.value)


def cron_basis(job: LiveJob | None) -> CronBasis:
    """Return what a change of a template rests on; no template is a basis, too."""
    if job is None or job.cron is None:
        return CronBasis(None)
    cron = job.cron
    collision = cron.collision.value if cron.collision else None
    wire = hashlib.sha256(cron.config.wire).hexdigest()
    text = json.dumps([wire, cron.schedule, collision, cron.instances])
    return CronBasis(hashlib.sha256(text.encode()).hexdigest())
