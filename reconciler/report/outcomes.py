"""What happens while a run goes on: one line per change of state, and one line for a terminal.

Plain lines are for logs: nothing is said twice, and what is awaited is said again only when it
changed or when long enough went by. What was said is a value that goes in and comes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import (
    Decision,
    Hold,
    Plan,
    Reason,
    ResumeUpdate,
    RollbackUpdate,
    Standing,
    StartUpdate,
)
from reconciler.model.round import (
    ActEnded,
    ActStarted,
    Event,
    Fault,
    FaultKind,
    RoundEnded,
    RoundPlanned,
    RoundReport,
    RoundStarted,
    Waiting,
)
from reconciler.report.alike import blocks, wait, waits
from reconciler.report.counts import counted, summary
from reconciler.report.escape import escaped
from reconciler.report.text import by_mark, faults
from reconciler.report.words import deed, duration

HEARTBEAT = timedelta(seconds=30)
# A terminal shows so many jobs that are waited for.
MOVING_MAX = 8
# After these an update goes on without us.
ROLLING = (StartUpdate, ResumeUpdate, RollbackUpdate)
# What is said when that can be read again which could not.
AGAIN = {
    FaultKind.SOURCE: "desired state read",
    FaultKind.SCHEDULER: "scheduler read",
    FaultKind.RECORD: "local state usable",
    FaultKind.ACTS: "taken what was sent",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a log has been told so far: per job what it waits for, when, and which faults.

    `by_mark` is what was said of a record that is new, `desired` of the desired state itself.
    """

    waiting: tuple[str, ...] = ()
    waiting_at: datetime | None = None
    faults: tuple[Fault, ...] = ()
    summary: str = ""
    held: frozenset[str] = frozenset()
    by_mark: tuple[str, ...] = ()
    desired: frozenset[str] = frozenset()


def lines(
    said: Said, event: Event, command: str = "reconcile", *, watching: bool = False
) -> tuple[Said, tuple[str, ...]]:
    """Return what to write to a log about this event, and what has then been said.

    `command` is how the run was called, so that what releases a hold can be copied. While a watch
    goes on no such command gets at the record.
    """
    match event:
        case RoundStarted() | ActStarted():
            return said, ()
        case ActEnded(outcome=outcome):
            return said, (outcome_line(outcome),)
        case Waiting():
            return _waiting(said, event)
        case RoundPlanned(report=report):
            return _planned(said, report, command, watching=watching)
        case RoundEnded(report=report):
            return _ended(said, report)
        case _:
            assert_never(event)


def live_lines(event: Event) -> tuple[str, ...] | None:
    """Return what a terminal shows in place until the next event.

    Nothing at all ends what was shown; None leaves it as it is.
    """
    match event:
        case RoundStarted(number=number):
            return (f"round {number}: reading",) if number == 1 else None
        case ActStarted(act=act):
            return (f"{act.key}  {deed(act)}",)
        case Waiting(at=at, holds=holds, until=until):
            left = f" ({duration(int((until - at).total_seconds()))} left)" if until else ""
            each = _each(holds)
            more = [f"  and {len(each) - MOVING_MAX} more"] if len(each) > MOVING_MAX else []
            # Nothing to wait for: what was sent is looked at again.
            what = f"waiting for {counted(len(holds), 'job')}" if holds else "looking again soon"
            first = f"{what}{left}"
            return (first, *(f"  {line}" for line in each[:MOVING_MAX]), *more)
        case RoundPlanned() | ActEnded():
            return None
        case RoundEnded(report=report):
            decisions = (d for r in report.rounds for d in r.plan.decisions)
            return None if any(map(_moves, decisions)) else ()
        case _:
            assert_never(event)


def _moves(decision: Decision) -> bool:
    return decision.reason.standing in (Standing.ACT, Standing.WAITING)


def outcome_line(outcome: Outcome) -> str:
    """Return what became of one act, in one line."""
    what = f"{outcome.act.key}  {deed(outcome.act)}"
    match outcome:
        case Applied(update_id=update_id, message=message):
            told = [f"update {update_id}" if update_id else "", message]
            more = "; ".join(escaped(t) for t in told if t)
            return f"applied   {what}" + (f"  ({more})" if more else "")
        case Refused(message=message):
            return f"refused   {what}: {escaped(message)}"
        case Deferred(why=why):
            return f"deferred  {what}: {escaped(why)}"
        case Indeterminate(why=why):
            return f"unknown   {what}: {escaped(why)}; will be looked at before anything else"
        case _:
            assert_never(outcome)


def refusals(report: RoundReport) -> str:
    """Return why nothing of a round was taken, each reason once."""
    told = (o.why for r in report.rounds for o in r.outcomes if isinstance(o, Deferred))
    return "; ".join(dict.fromkeys(told))


def going_on(report: RoundReport) -> str:
    """Return what goes on when a run ends with this round."""
    if report.faults or any(r.plan.unread is not None for r in report.rounds):
        return "an update that was started before goes on by itself"
    begun = [o.act for r in report.rounds for o in r.outcomes if not isinstance(o, Deferred)]
    rolling = any(isinstance(act.action, ROLLING) for act in begun)
    decisions = (d for r in report.rounds for d in r.plan.decisions)
    if rolling or any(d.reason is Reason.UPDATE_IN_FLIGHT for d in decisions):
        return "updates that roll go on by themselves"
    return "no update of ours rolls"


def _waiting(said: Said, event: Waiting) -> tuple[Said, tuple[str, ...]]:
    """Say each job's wait when it is new or has changed, and all of them at every heartbeat."""
    now = tuple(waits(event.holds))
    due = said.waiting_at is None or event.at - said.waiting_at >= HEARTBEAT
    told = now if due else tuple(line for line in now if line not in said.waiting)
    at = event.at if due else said.waiting_at
    found = tuple(f"waiting   {line}" for line in told)
    return replace(said, waiting=now, waiting_at=at), found


def _planned(
    said: Said, report: RoundReport, command: str, *, watching: bool
) -> tuple[Said, tuple[str, ...]]:
    """Sum a round up before it acts, so that what follows has a heading."""
    if report.faults and not report.rounds:
        # Nothing was counted: why is said when the round ends.
        return said, ()
    said, read = _desired(said, report)
    now = summary(report)
    found = () if now == said.summary else (f"round     {now}",)
    held = {
        f"held      {line}"
        for r in report.rounds
        for line in blocks(_blocked(r.plan), r.plan.digest, command, watching=watching)
    }
    marks = tuple(f"record    {line}" for line in by_mark(report.rounds))
    return replace(said, summary=now, held=frozenset(held), by_mark=marks), (
        *found,
        *read,
        *(line for line in marks if line not in said.by_mark),
        *sorted(held - said.held),
    )


def _blocked(plan: Plan) -> list[Hold]:
    """Return what a person must release: of a loop the log is all that is seen."""
    holds = (d for d in plan.decisions if isinstance(d, Hold))
    return [hold for hold in holds if hold.reason.standing is Standing.BLOCKED]


def _ended(said: Said, report: RoundReport) -> tuple[Said, tuple[str, ...]]:
    said, read = _desired(said, report)
    now = _failing(said, report)
    told = faults((f for f in now if f not in said.faults), ())
    fails = {(f.kind, f.scope) for f in now}
    over = (f for f in said.faults if (f.kind, f.scope) not in fails)
    mended = (f"again     {_again(f)}" for f in over)
    return replace(said, faults=now), (*read, *told, *mended)


def _again(fault: Fault) -> str:
    words = AGAIN[fault.kind]
    return escaped(f"{words}: {fault.scope}" if fault.scope else words)


def _failing(said: Said, report: RoundReport) -> tuple[Fault, ...]:
    """Return what fails now. Where the desired state is not read, no more is known than before."""
    unread = (
        Fault(FaultKind.SCHEDULER, r.plan.cluster, r.plan.unread)
        for r in report.rounds
        if r.plan.unread is not None
    )
    now = tuple(dict.fromkeys((*report.faults, *unread)))
    if report.revision is not None:
        return now
    known = {(f.kind, f.scope) for f in now}
    return (*now, *(f for f in said.faults if f.scope and (f.kind, f.scope) not in known))


def _desired(said: Said, report: RoundReport) -> tuple[Said, tuple[str, ...]]:
    """Say what is wrong with the desired state when it is new; and what is only worth a look."""
    wrong = (f"problem   {escaped(str(problem))}" for problem in report.wrong)
    now = (*wrong, *(f"note      {escaped(str(note))}" for note in report.notes))
    told = tuple(line for line in now if line not in said.desired)
    return replace(said, desired=frozenset(now)), told


def _each(holds: Sequence[Hold]) -> list[str]:
    return [f"{hold.key}  {wait(hold)}" for hold in sorted(holds, key=lambda hold: hold.key)]
