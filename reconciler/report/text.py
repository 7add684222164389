"""A plan as text for people: the first screen says what restarts or dies, and why.

Deterministic: the same round gives the same text. Lines wrap only when a width is given, so that
what is piped stays one fact per line. Everything from files and network is escaped.
"""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.keys import workers_of
from reconciler.model.plan import Act, Keep, Plan, Reason, Standing, coming
from reconciler.model.round import ClusterRound, Fault, FaultKind, RoundReport
from reconciler.report.blocks import LABEL, RELEASE, Told, block, groups
from reconciler.report.counts import counted, summary
from reconciler.report.escape import escaped
from reconciler.report.view import PIPED, View
from reconciler.report.words import (
    LEGEND,
    clock,
    duration,
    risk,
    symbol,
    utc,
)
from reconciler.report.wrap import command_wrapped, wrapped

APPLY = "Apply it: "

FAULTS = {
    FaultKind.SOURCE: "desired state not read",
    FaultKind.SCHEDULER: "scheduler not read",
    FaultKind.RECORD: "local state not usable",
    FaultKind.ACTS: "nothing taken of what was sent",
}


def text(report: RoundReport, view: View = PIPED) -> str:
    """Return the whole text of a round's plans, ending with a line feed."""
    told = sorted((Told(d, r.plan) for r in report.rounds for d in r.plan.decisions), key=_in_order)
    shown = [t for t in told if view.verbose or not isinstance(t.decision, Keep)]
    sections = [
        [summary(report)],
        faults(report.faults, report.rounds),
        [f"! {line}" for line in by_mark(report.rounds)],
        _legend(shown, view),
        *(block(group, view) for group in groups(shown)),
        problems(report),
        [f"note: {escaped(str(note))}" for note in report.notes],
        _left_out(told, view),
        _next(report, view),
    ]
    return "\n".join(_joined(sections, view.width)) + "\n"


def problems(report: RoundReport) -> list[str]:
    """Return every problem once, as `file:line:col: what; what to do`, under a count."""
    found = report.wrong
    if not found:
        return []
    return [
        f"{counted(len(found), 'problem')} in the desired state:",
        *(f"  {escaped(str(p))}" for p in found),
    ]


def faults(found: Iterable[Fault], rounds: Iterable[ClusterRound]) -> list[str]:
    """Return a line for everything outside that failed."""
    lines = [f"! {FAULTS[f.kind]}: {scoped(f.scope, f.message)}" for f in found]
    unread = [
        f"! {FAULTS[FaultKind.SCHEDULER]}: {scoped(r.plan.cluster, r.plan.unread)}"
        for r in rounds
        if r.plan.unread is not None
    ]
    return sorted({*lines, *unread})


def by_mark(found: Iterable[ClusterRound]) -> list[str]:
    """Return a line for each cluster whose record does not say which jobs are ours."""
    return [_by_mark(r.plan) for r in found if r.plan.by_mark]


def _by_mark(plan: Plan) -> str:
    jobs = f"{counted(plan.by_mark, 'job')} taken for ours by mark"
    if not plan.recorded:
        return f"no record of {escaped(plan.cluster)} is kept here: {jobs}"
    return f"the record of {escaped(plan.cluster)} is new: {jobs}; what differs waits for a person"


def scoped(scope: str, message: str) -> str:
    """Return what failed, and where when that is said at all."""
    return escaped(f"{scope}: {message}" if scope else message)


def _in_order(told: Told) -> tuple[int, int, str]:
    decision = told.decision
    held = (Standing.BLOCKED, Standing.WAITING, Standing.MEANT)
    standing = decision.reason.standing
    return (
        risk(decision),
        held.index(standing) if standing in held and coming(decision) is None else 0,
        str(decision.key),
    )


def _legend(shown: Sequence[Told], view: View) -> list[str]:
    used = {symbol(t.decision) for t in shown}
    signs = [f"{sign} {words}" for sign, words in LEGEND.items() if sign in used]
    return [", ".join(signs)] if signs and view.width is not None else []


def _left_out(told: Sequence[Told], view: View) -> list[str]:
    """Say what was not considered, so that silence is never read as agreement."""
    reasons = [t.decision.reason for t in told]
    unmanaged = reasons.count(Reason.UNMANAGED)
    suspended = reasons.count(Reason.SUSPENDED)
    adopted = reasons.count(Reason.ADOPTED)
    lines = []
    if adopted:
        lines.append(f"{counted(adopted, 'job')} equal by meaning: adopted, nothing is sent")
    if unmanaged:
        lines.append(f"{counted(unmanaged, 'job')} not declared and not ours")
    if suspended:
        lines.append(f"{counted(suspended, 'job')} suspended")
    if view.only:
        patterns = " ".join(escaped(p) for p in view.only)
        lines.append(f"every job that --only {patterns} does not select")
    return [f"Left alone: {'; '.join(lines)}"] if lines else []


def _next(report: RoundReport, view: View) -> list[str]:
    lines = [
        f"{_named(r.plan)} of {escaped(r.plan.cluster)} at {escaped(r.plan.revision.id)}"
        for r in report.rounds
    ]
    lines += [_clock(r.plan) for r in report.rounds if r.plan.clock != 1 and _tells(r.plan)]
    acts = [act for r in report.rounds for d in r.plan.decisions if (act := coming(d))]
    if (report.preview or view.asking) and acts:
        shortest_s = max(_ends_s(acts))
        lines += [f"It takes about {duration(shortest_s)} if nothing fails"] if shortest_s else []
    if report.preview and acts:
        lines.append(f"{APPLY}{view.command}")
    return lines


def _named(plan: Plan) -> str:
    return f"Plan {plan.digest}" if plan.digest else "Plan"


def _tells(plan: Plan) -> bool:
    return not all(isinstance(d, Keep) for d in plan.decisions)


def _clock(plan: Plan) -> str:
    return f"Times are by {clock(plan.cluster, plan.clock)}: {utc(plan.made_at)} there now"


def _ends_s(acts: Sequence[Act]) -> Iterator[int]:
    """Yield after how many seconds each act is done: all at once, but workers after a master."""
    takes_s = {act.key: _shortest_s(act) for act in acts}
    waits_s = {workers_of(master): taken_s for master, taken_s in takes_s.items()}
    yield from (waits_s.get(key, 0) + taken_s for key, taken_s in takes_s.items())


def _shortest_s(act: Act) -> int:
    """Return how long the act takes, with what it makes way for."""
    if act.then is None or act.then.impact == act.impact:
        return act.impact.shortest_s
    return act.impact.shortest_s + _shortest_s(act.then)


def _joined(sections: Iterable[Sequence[str]], width: int | None) -> list[str]:
    """Return all sections with an empty line between them, wrapped where a width is given."""
    lines: list[str] = []
    for section in sections:
        if section:
            lines += [*([""] if lines else []), *(w for s in section for w in _wrapped(s, width))]
    return lines


def _wrapped(line: str, width: int | None) -> list[str]:
    indent = " " * (4 + LABEL if line.startswith("    ") else 4)
    if line.startswith((RELEASE, APPLY)):
        return command_wrapped(line, width, indent)
    return wrapped(line, width, indent)
