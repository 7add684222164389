"""A plan as text for people: the first screen says what restarts or dies, and why.

Deterministic: the same round gives the same text. Lines wrap only when a width is given, so that
what is piped stays one fact per line. Everything from files and network is escaped.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.keys import workers_of
from reconciler.model.plan import Act, Decision, FieldChange, Hold, Keep, Plan, Reason, Standing
from reconciler.model.problem import Problem
from reconciler.model.round import ClusterRound, Fault, FaultKind, RoundReport
from reconciler.report.counts import coming, counted, counts
from reconciler.report.difference import difference
from reconciler.report.escape import escaped
from reconciler.report.release import release
from reconciler.report.words import (
    LEGEND,
    clock,
    duration,
    headline,
    place,
    processes,
    risk,
    rollout,
    shown,
    symbol,
    why,
)
from reconciler.report.wrap import command_wrapped, wrapped

LABEL = 9
PATH_MAX = 48
FOLDED = 10
APPLY = "Apply it: "

FAULTS = {
    FaultKind.SOURCE: "desired state not read",
    FaultKind.SCHEDULER: "scheduler not reached",
    FaultKind.RECORD: "local state not usable",
}


@dataclass(frozen=True, slots=True)
class View:
    """How a plan is shown. `width` None means a pipe: nothing wraps.

    `command` is how this run was called, so that the next command can be copied; `only` are the
    patterns that narrowed it.
    """

    width: int | None = None
    verbose: bool = False
    command: str = "reconcile"
    only: tuple[str, ...] = ()


PIPED = View()


@dataclass(frozen=True, slots=True)
class _Told:
    """One decision and the plan it belongs to."""

    decision: Decision
    plan: Plan


def text(report: RoundReport, view: View = PIPED) -> str:
    """Return the whole text of a round's plans, ending with a line feed."""
    told = sorted(
        (_Told(d, r.plan) for r in report.rounds for d in r.plan.decisions), key=_in_order
    )
    shown = [t for t in told if view.verbose or not isinstance(t.decision, Keep)]
    sections = [
        [counts(report).line()],
        faults(report.faults, report.rounds),
        _legend(shown, view),
        *(_block(group, view) for group in _groups(shown)),
        problems(report),
        _left_out(told, view),
        _next(report, view),
    ]
    return "\n".join(_joined(sections, view.width)) + "\n"


def problems(report: RoundReport) -> list[str]:
    """Return every problem once, as `file:line:col: what; what to do`, under a count."""
    found: set[Problem] = {*report.problems, *(p for r in report.rounds for p in r.plan.problems)}
    if not found:
        return []
    return [
        f"{counted(len(found), 'problem')} in the desired state:",
        *(f"  {escaped(str(p))}" for p in sorted(found)),
    ]


def faults(found: Iterable[Fault], rounds: Iterable[ClusterRound]) -> list[str]:
    """Return a line for everything outside that failed."""
    lines = [f"! {FAULTS[f.kind]}: {_scoped(f.scope, f.message)}" for f in found]
    unread = [
        f"! {FAULTS[FaultKind.SCHEDULER]}: {_scoped(r.plan.cluster, r.plan.unread)}"
        for r in rounds
        if r.plan.unread is not None
    ]
    return sorted({*lines, *unread})


def _scoped(scope: str, message: str) -> str:
    return escaped(f"{scope}: {message}" if scope else message)


def _in_order(told: _Told) -> tuple[int, int, str]:
    decision = told.decision
    held = (Standing.BLOCKED, Standing.WAITING, Standing.MEANT)
    standing = decision.reason.standing
    return (
        risk(decision),
        held.index(standing) if standing in held and coming(decision) is None else 0,
        str(decision.key),
    )


def _legend(shown: Sequence[_Told], view: View) -> list[str]:
    used = {symbol(t.decision) for t in shown}
    signs = [f"{sign} {words}" for sign, words in LEGEND.items() if sign in used]
    return [", ".join(signs)] if signs and view.width is not None else []


def _groups(shown: Sequence[_Told]) -> list[list[_Told]]:
    """Return what is told together: the same change, or the same hold, of several jobs."""
    groups: dict[object, list[_Told]] = {}
    for told in shown:
        groups.setdefault(_same(told), []).append(told)
    return list(groups.values())


def _same(told: _Told) -> object:
    """Return what must be equal for two jobs to be told in one block."""
    decision = told.decision
    act = coming(decision)
    if isinstance(decision, Keep):
        return "kept"
    if act is not None:
        waits = decision.reason if isinstance(decision, Hold) else None
        same = (symbol(decision), act.reason, act.detail, act.changes, waits)
        return same if act.changes else told.decision.key
    assert isinstance(decision, Hold), "what will not act and is not kept is held"
    key = str(decision.key)
    detail, words = decision.detail.replace(key, "JOB"), decision.release.replace(key, "JOB")
    return (told.plan.cluster, decision.reason, detail, words, decision.changes)


def _block(group: Sequence[_Told], view: View) -> list[str]:
    first = group[0].decision
    if isinstance(first, Keep):
        return [f"= {t.decision.key}  {_kept(t.decision)}" for t in group]
    sign = symbol(first)
    if len(group) > 1:
        return [f"{sign} {len(group)} jobs  {_together(group)}", *_rows(_shared(group, view))]
    return [f"{sign} {first.key}  {_headline(first)}", *_rows(_single(group[0], view))]


def _kept(decision: Decision) -> str:
    detail = f": {escaped(decision.detail)}" if decision.detail else ""
    return f"{decision.reason.label}{detail}"


def _headline(decision: Decision) -> str:
    act = coming(decision)
    if act is not None:
        return headline(act)
    assert isinstance(decision, Hold), "kept jobs have no block"
    would = f" (would {headline(decision.wanted)})" if decision.wanted is not None else ""
    return f"held: {decision.reason.label}{would}"


def _together(group: Sequence[_Told]) -> str:
    first = group[0].decision
    if coming(first) is None:
        return f"held: {first.reason.label}"
    restarts = sum(len(_impact(t).impact.restarts or ()) for t in group)
    change = "the same change in each"
    return f"{change}: {counted(restarts, 'restart') if restarts else 'no restart'}"


def _impact(told: _Told) -> Act:
    act = coming(told.decision)
    assert act is not None, "only what acts is summed up"
    return act


Row = tuple[str, str]


def _single(told: _Told, view: View) -> list[Row]:
    decision = told.decision
    act = _leads_to(decision)
    rows = [("why", _cause(decision))]
    if isinstance(decision, Hold):
        rows += _waiting(decision)
    changes = act.changes if act is not None and act.changes else getattr(decision, "changes", ())
    rows += _changes(changes)
    if act is not None:
        rows += _impacts(act)
    if isinstance(decision, Hold):
        rows.append(("release", release([decision], view.command, told.plan.digest)))
    return [(label, line) for label, line in rows if line]


def _impacts(act: Act) -> list[Row]:
    """Return what becomes of processes, by the act and by what it makes way for."""
    rows = [
        *processes(act.impact),
        ("rollout", rollout(act.impact)),
        ("sla", escaped(act.impact.sla)),
    ]
    if act.then is None or act.then.impact == act.impact:
        return rows
    return [*rows, *_impacts(act.then), ("then", escaped(act.then.detail))]


def _cause(decision: Decision) -> str:
    act = coming(decision)
    told = act if act is not None else decision
    return why(told.reason, told.detail, told.origin)


def _waiting(hold: Hold) -> list[Row]:
    """A hold that leads to an act in this run says what it waits for."""
    if coming(hold) is None:
        return []
    return [("waits", why(hold.reason, hold.detail, None))]


def _shared(group: Sequence[_Told], view: View) -> list[Row]:
    """Return the rows of several jobs told together: the common part, then each job."""
    first = group[0].decision
    act = coming(first)
    assert not isinstance(first, Keep), "kept jobs have no block"
    reason, detail = (act.reason, act.detail) if act else (first.reason, _detail(group))
    rows = [("why", why(reason, detail, None))]
    if isinstance(first, Hold):
        rows += _waiting(first)
    rows += _changes(first.changes or (act.changes if act else ()))
    rollouts = {_rollout(told) for told in group}
    common = rollouts.pop() if len(rollouts) == 1 else ()
    rows += zip(("rollout", "sla"), common, strict=False)
    listed = group if view.verbose else group[:FOLDED]
    members = [_member(told, rollout=not common) for told in listed]
    rows += [("jobs" if i == 0 else "", member) for i, member in enumerate(members)]
    if len(listed) < len(group):
        rows.append(("", f"and {len(group) - len(listed)} more (--verbose lists them)"))
    holds = [told.decision for told in group if isinstance(told.decision, Hold)]
    if holds:
        rows.append(("release", release(holds, view.command, group[0].plan.digest)))
    return [(label, line) for label, line in rows if line]


def _detail(group: Sequence[_Told]) -> str:
    details = {t.decision.detail for t in group}
    return details.pop() if len(details) == 1 else ""


def _member(told: _Told, *, rollout: bool) -> str:
    act = _leads_to(told.decision)
    parts = [str(told.decision.key), headline(act) if act is not None else ""]
    if rollout:
        parts += _rollout(told)
    parts.append(place(told.decision.origin))
    return "  ".join(part for part in parts if part)


def _rollout(told: _Told) -> tuple[str, ...]:
    """Return how the job's update goes through its instances, and what protects the rest."""
    act = _leads_to(told.decision)
    return () if act is None else (rollout(act.impact), escaped(act.impact.sla))


def _leads_to(decision: Decision) -> Act | None:
    """Return the act that comes, or the one that is held."""
    return coming(decision) or (decision.wanted if isinstance(decision, Hold) else None)


def _changes(changes: Sequence[FieldChange]) -> list[Row]:
    """Return the author's words first, then what they do not explain, under a label of its own."""
    width = min(PATH_MAX, max((len(escaped(c.path)) for c in changes), default=0))
    authored = [c for c in changes if c.authored]
    raw = [c for c in changes if not c.authored]
    return [*_table("change", authored, width), *_table("raw", raw, width)]


def _table(label: str, changes: Sequence[FieldChange], width: int) -> list[Row]:
    lines = [f"{escaped(c.path):<{width}}  {difference(c)}" for c in changes]
    return [(label if i == 0 else "", line) for i, line in enumerate(lines)]


def _rows(rows: Iterable[Row]) -> list[str]:
    return [f"    {label:<{LABEL}}{line}" for label, line in rows]


def _left_out(told: Sequence[_Told], view: View) -> list[str]:
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
        f"Plan {r.plan.digest} of {escaped(r.plan.cluster)} at {escaped(r.plan.revision.id)}"
        for r in report.rounds
    ]
    lines += [_clock(r.plan) for r in report.rounds if r.plan.clock != 1 and _tells(r.plan)]
    acts = [act for r in report.rounds for d in r.plan.decisions if (act := coming(d))]
    if report.preview and acts:
        shortest_s = max(_ends_s(acts))
        lines += [f"It takes about {duration(shortest_s)} if nothing fails"] if shortest_s else []
        lines.append(f"{APPLY}{view.command}")
    return lines


def _tells(plan: Plan) -> bool:
    return not all(isinstance(d, Keep) for d in plan.decisions)


def _clock(plan: Plan) -> str:
    return f"Times are by {clock(plan.cluster, plan.clock)}: {shown(plan.made_at)} there now"


def _ends_s(acts: Sequence[Act]) -> Iterator[int]:
    """Yield after how many seconds each act is done: all at once, but workers after a master."""
    takes = {act.key: _shortest_s(act) for act in acts}
    workers = {workers_of(key): takes_s for key, takes_s in takes.items()}
    yield from (takes_s + workers.get(key, 0) for key, takes_s in takes.items())


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
    if line.startswith((f"    {'release':<{LABEL}}", APPLY)):
        return command_wrapped(line, width, indent)
    return wrapped(line, width, indent)
