"""Single acts and decisions in words: symbol, headline, reasons, and what happens to processes."""

from datetime import UTC, datetime
from typing import assert_never

from reconciler.model.keys import InstanceIds
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    Decision,
    DescheduleCron,
    Hold,
    Impact,
    Keep,
    KillTasks,
    PulseUpdate,
    Reason,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
    StartUpdate,
    coming,
)
from reconciler.model.problem import Origin
from reconciler.report.counts import Doing, counted, doing
from reconciler.report.escape import escaped

LEGEND = {
    "-": "kill, prune or replace",
    "~": "update",
    "+": "create",
    "*": "schedule only",
    ".": "held",
}


def symbol(decision: Decision) -> str:
    """Return one of the signs of `LEGEND`, or `=` for a job that is kept."""
    act = coming(decision)
    if act is None:
        return "." if isinstance(decision, Hold) else "="
    match doing(act):
        case Doing.KILL | Doing.PRUNE | Doing.REPLACE:
            return "-"
        case Doing.CREATE:
            return "+"
        case Doing.UPDATE:
            return "*" if isinstance(act.action, ScheduleCron | DescheduleCron) else "~"
        case other:
            assert_never(other)


def risk(decision: Decision) -> int:
    """Return what sorts decisions for a reader: what hurts most comes first, kept ones last."""
    act = coming(decision)
    if act is None:
        return 9 if isinstance(decision, Keep) else 8
    if doing(act) in (Doing.KILL, Doing.PRUNE, Doing.REPLACE):
        return 0
    if doing(act) is Doing.CREATE:
        return 3
    if act.impact.restarts is not None:
        return 1
    if act.impact.kills is not None:
        return 2
    return 5 if isinstance(act.action, ScheduleCron | DescheduleCron) else 4


def headline(act: Act) -> str:
    """Return what the act does, and what it makes way for, in a few words."""
    after = f", then {headline(act.then)}" if act.then is not None else ""
    return f"{deed(act)}{after}"


def deed(act: Act) -> str:
    """Return what the act does by itself: what is sent, and what an outcome is the outcome of."""
    match act.action:
        case StartUpdate(instances=instances):
            if doing(act) is Doing.CREATE:
                return f"create {counted(instances, 'instance')}"
            return f"update: {moves(act.impact, instances)}"
        case KillTasks(only=only):
            return f"{'prune' if act.prune else 'kill'}: {counted(len(only), 'instance')}"
        case ScheduleCron(schedule=schedule):
            if doing(act) is Doing.CREATE:
                return f'create cron: "{escaped(schedule)}"'
            return f'reschedule: "{escaped(schedule)}", running tasks untouched'
        case DescheduleCron():
            run = "" if act.reason is Reason.KIND_CHANGED else ", a run may finish"
            return f"{'prune' if act.prune else 'deschedule'}: cron template{run}"
        case AbortUpdate():
            return f"abort its update{', then prune' if act.reason is Reason.REMOVED else ''}"
        case ResumeUpdate():
            return "resume its update"
        case PulseUpdate():
            return "pulse its update"
        case RollbackUpdate():
            return "roll its update back"
        case other:
            assert_never(other)


def moves(impact: Impact, instances: int) -> str:
    """Return what an update does to instances, the worst first."""
    parts = []
    if impact.kills:
        parts.append(f"{len(impact.kills)} to kill")
    if impact.restarts:
        parts.append(f"{len(impact.restarts)} of {instances} restart")
    if impact.adds:
        parts.append(f"{len(impact.adds)} to add")
    if not impact.restarts:
        parts.append("no restart")
    return ", ".join(parts)


def processes(impact: Impact) -> list[tuple[str, str]]:
    """Return rows of which instances are killed, restart and are added."""
    rows: tuple[tuple[str, InstanceIds | None], ...] = (
        ("kill", impact.kills),
        ("restart", impact.restarts),
        ("add", impact.adds),
    )
    return [
        (label, f"{'instance' if len(ids) == 1 else 'instances'} {ids}")
        for label, ids in rows
        if ids is not None
    ]


def rollout(impact: Impact) -> str:
    """Return how an update goes through its instances; empty when there is none."""
    if not impact.batches:
        return ""
    parts = [f"{impact.batch} ({counted(impact.batches, 'batch')})"]
    if impact.shortest_s:
        parts.append(f"about {duration(impact.shortest_s)}")
    budget = impact.failures_max
    parts.append(f"{counted(budget, 'instance')} may fail" if budget else "no instance may fail")
    parts.append("rolls back on failure" if impact.rollback else "no rollback")
    return ", ".join(parts)


def duration(seconds: int) -> str:
    """Return a length of time in at most two units: `45 s`, `4 min`, `1 h 30 min`, `2 d 3 h`."""
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def clock(cluster: str, times: float) -> str:
    """Say that a cluster's time is not ours."""
    return f"the clock of {escaped(cluster)}, which runs {times:g} times as fast as ours"


def utc(at: datetime) -> str:
    """Return an instant in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def why(reason: Reason, detail: str, origin: Origin | None) -> str:
    """Return label, meaning, detail and place of a decision's reason; a detail that begins with
    the place has told it."""
    text = f"{reason.label}: {reason.meaning}"
    if detail:
        text += f" ({escaped(detail)})"
    told = origin is None or detail.startswith(f"{origin}: ")
    return text if told else f"{text}; {place(origin)}"


def place(origin: Origin | None) -> str:
    return "" if origin is None else escaped(str(origin))
