"""What to do about a declared cron job. Rows 6, 7, 12, 17, 18 and 21 of the decision table.

A template is replaced without touching tasks that run: the next trigger uses it (AuroraCronJob).
"""

from dataclasses import replace

from reconciler.model import basis
from reconciler.model.live import LiveCron, LiveJob
from reconciler.model.plan import Act, FieldChange, Hold, Keep, Reason, ScheduleCron
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import Collision, Schedule
from reconciler.model.task import Config
from reconciler.plan import diff
from reconciler.plan.endings import deschedule, in_place_of
from reconciler.plan.facts import Facts
from reconciler.plan.holds import dying, if_accepted, not_adopted, quarantined
from reconciler.plan.service import explained, removed_outside
from reconciler.plan.updates import Step, failed_before
from reconciler.translate import crontab
from reconciler.translate.owner import with_owner_of


def cron(f: Facts, wanted: RenderedJob) -> Step:
    """Decide about a declared cron job as if no update stood in the way."""
    schedule = wanted.desired.spec.schedule
    assert schedule is not None, "a cron job has a schedule"
    live = f.live
    if not schedule.enabled:
        return _disabled(f, live)
    if live is None or (live.cron is None and live.count == 0 and not live.unsettled):
        detail = "" if f.owned is None else f"; {removed_outside(f.owned)}"
        return _absent(f, wanted, schedule, detail)
    if held := dying(f, live):
        return held
    if live.cron is None:
        return _in_the_way(f, wanted, schedule, live)
    return _compared(f, wanted, schedule, live, live.cron)


def _disabled(f: Facts, live: LiveJob | None) -> Step:
    if live is None or live.cron is None:
        return Keep(f.key, f.project_name, Reason.DISABLED, origin=f.origin)
    if not (f.is_ours or f.adopt):
        return not_adopted(f, diff.one("enabled", True, False))
    return deschedule(f, live, Reason.CRON_DISABLED)


def _absent(f: Facts, wanted: RenderedJob, schedule: Schedule, detail: str) -> Step:
    if why := failed_before(f):
        return quarantined(f, why)
    act = _schedule(f, wanted, schedule, None, wanted.config)
    return if_accepted(f, replace(act, detail=_next_run(f, schedule) + detail))


def _in_the_way(f: Facts, wanted: RenderedJob, schedule: Schedule, live: LiveJob) -> Step:
    """Other active tasks stand where the template is wanted (`Job ... already exists`)."""
    if not (f.is_ours or f.adopt):
        return not_adopted(f, diff.one("kind", "service" if live.is_service else "ad-hoc", "cron"))
    if live.is_service:
        return in_place_of(f, live, _absent(f, wanted, schedule, ""))
    detail = f"{live.count} tasks"
    return Hold(f.key, f.project_name, Reason.RUN_IN_PROGRESS, detail=detail, origin=f.origin)


def _compared(
    f: Facts, wanted: RenderedJob, schedule: Schedule, live: LiveJob, template: LiveCron
) -> Step:
    changes = _changes(f, wanted, schedule, template)
    if not f.is_ours:
        if not changes:
            return Keep(f.key, f.project_name, Reason.ADOPTED, origin=f.origin)
    elif not changes:
        return Keep(f.key, f.project_name, Reason.CONVERGED, origin=f.origin)
    same = wanted.config.task.satisfied_by(template.config.task)
    config = template.config if same else with_owner_of(wanted.config, template.config)
    detail = _next_run(f, schedule)
    if live.count:
        detail += f"; {live.count} running tasks keep the old template"
    act = replace(_schedule(f, wanted, schedule, live, config), changes=changes, detail=detail)
    if not (f.is_ours or f.adopt):
        return not_adopted(f, act)
    if why := failed_before(f):
        return quarantined(f, why, act)
    return if_accepted(f, act)


def _schedule(
    f: Facts, wanted: RenderedJob, schedule: Schedule, live: LiveJob | None, config: Config
) -> Act:
    instances = wanted.desired.spec.instances
    return Act(
        key=f.key,
        project=f.project_name,
        reason=Reason.CRON_ABSENT if live is None else Reason.CRON_DRIFTED,
        action=ScheduleCron(config, schedule.cron, schedule.collision, instances),
        basis=basis.cron_basis(live),
        origin=f.origin,
        spec=f.spec,
    )


def _next_run(f: Facts, schedule: Schedule) -> str:
    """Say when it runs next, by the clock that the scheduler goes by."""
    zone = f.cluster.time_zone
    (run,) = crontab.next_runs(schedule.cron, zone, f.now, 1)
    return f"next run {run:%a %Y-%m-%d %H:%M} {zone}"


def _changes(
    f: Facts, wanted: RenderedJob, schedule: Schedule, template: LiveCron
) -> tuple[FieldChange, ...]:
    # An unset policy behaves as KILL_EXISTING (AuroraCronJob).
    collision = template.collision or Collision.KILL_EXISTING
    return (
        *diff.one("schedule", template.schedule, schedule.cron),
        *diff.one("collision", collision.value, schedule.collision.value),
        *diff.one("instances", template.instances, wanted.desired.spec.instances),
        *explained(f, wanted, template.config.task),
    )
