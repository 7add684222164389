"""The decision table: the first row that applies, from the top, decides.

Rows and their numbers are those of the README's section "How it decides".
"""

from typing import assert_never

from reconciler.model.keys import JobKey
from reconciler.model.live import Absent, Present, Unknown
from reconciler.model.memory import Limits
from reconciler.model.plan import Act, Hold, Reason
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import JobKind
from reconciler.plan.cron import cron
from reconciler.plan.facts import Facts
from reconciler.plan.holds import invalid
from reconciler.plan.inputs import PlanInput
from reconciler.plan.removal import removal
from reconciler.plan.service import service
from reconciler.plan.updates import Step, in_flight, stopped_by_person


def decide(f: Facts, given: PlanInput, limits: Limits | None, others: frozenset[JobKey]) -> Step:
    """Return the decision about one job, or the questions that must be answered first."""
    match f.seen:
        case Unknown(why):
            return Hold(f.key, f.project_name, Reason.LIVE_UNKNOWN, detail=why, origin=f.origin)
        case Present() | Absent():
            pass
        case _:
            assert_never(f.seen)
    if f.problems:
        return invalid(f.key, f.project_name, f.problems)
    if f.wanted is None:
        return removal(f, given, limits, others)
    if held := _suspended(f, f.wanted):
        return held
    return _sent_before(f, _declared(f, f.wanted))


def _suspended(f: Facts, wanted: RenderedJob) -> Hold | None:
    suspended = wanted.desired.suspended
    if suspended is None or not suspended.holds(f.now):
        return None
    until = f" until {suspended.until:%Y-%m-%d %H:%MZ}" if suspended.until else ""
    detail = f"by {suspended.by}: {suspended.why}{until}"
    return Hold(f.key, f.project_name, Reason.SUSPENDED, detail=detail, origin=f.origin)


def _declared(f: Facts, wanted: RenderedJob) -> Step:
    update = f.live.update if f.live is not None else None
    if update is None:
        stopped = stopped_by_person(f, f.last_ended)
        if stopped is not None:
            return stopped
    kind = wanted.desired.spec.kind
    settled = cron(f, wanted) if kind is JobKind.CRON else service(f, wanted)
    if f.live is None or update is None:
        return settled
    return in_flight(f, f.live, update, settled)


def _sent_before(f: Facts, step: Step) -> Step:
    """Hold an act while an earlier one of ours may still have happened."""
    if f.intent is None or not isinstance(step, Act):
        return step
    detail = f"{f.intent.action} sent at {f.intent.at:%H:%M:%SZ}"
    return Hold(
        f.key, f.project_name, Reason.OUTCOME_UNKNOWN, detail=detail, origin=f.origin, wanted=step
    )
