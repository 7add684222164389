"""Decisions in blocks: a headline and rows of why, what changes, what becomes of processes.

What is the same for several jobs is told once, and the jobs are listed below it; a list that is
long is cut, with a count and the option that shows all of it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.plan import Act, Decision, FieldChange, Hold, Impact, Keep, Plan, coming
from reconciler.report.counts import counted, doing
from reconciler.report.difference import bare, difference, essence
from reconciler.report.escape import escaped
from reconciler.report.release import release
from reconciler.report.view import View
from reconciler.report.words import headline, place, processes, rollout, symbol, why

LABEL = 9
RELEASE = f"    {'release':<{LABEL}}"
PATH_MAX = 48
FOLDED = 10

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One decision and the plan it belongs to."""

    decision: Decision
    plan: Plan


def groups(shown: Sequence[Told]) -> list[list[Told]]:
    """Return what is told together: the same change, or the same hold, of several jobs.

    What creates or removes has no change to share: a few such jobs are told one by one.
    """
    sizes = Counter(map(_same, shown))
    groups: dict[object, list[Told]] = {}
    for told in shown:
        act, same = coming(told.decision), _same(told)
        alone = act is not None and not act.changes and sizes[same] <= FOLDED
        groups.setdefault(told.decision.key if alone else same, []).append(told)
    return list(groups.values())


def _same(told: Told) -> object:
    """Return what must be equal for two jobs to be told in one block."""
    decision = told.decision
    act = coming(decision)
    if isinstance(decision, Keep):
        return "kept"
    if act is not None:
        waits = decision.reason if isinstance(decision, Hold) else None
        same = (symbol(decision), doing(act), act.reason, waits)
        return (*same, act.detail, *map(essence, act.changes)) if act.changes else same
    assert isinstance(decision, Hold), "what will not act and is not kept is held"
    key = str(decision.key)
    detail, words = decision.detail.replace(key, "JOB"), decision.release.replace(key, "JOB")
    changes = tuple(map(essence, decision.changes))
    return (told.plan.cluster, decision.reason, detail, words, changes)


def block(group: Sequence[Told], view: View) -> list[str]:
    """Return the lines of what is told together; kept jobs are a line each."""
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


def _together(group: Sequence[Told]) -> str:
    first = group[0].decision
    act = coming(first)
    if act is None:
        return f"held: {first.reason.label}"
    impacts = [_impact(t) for t in group]
    if not act.changes:
        moved = sum(len(ids or ()) for i in impacts for ids in (i.adds, i.kills))
        return f"{doing(act).value}: {counted(moved, 'instance')}" if moved else doing(act).value
    restarts = sum(len(impact.restarts or ()) for impact in impacts)
    change = "the same change in each"
    return f"{change}: {counted(restarts, 'restart') if restarts else 'no restart'}"


def _impact(told: Told) -> Impact:
    act = coming(told.decision)
    assert act is not None, "only what acts is summed up"
    return act.impact


def _single(told: Told, view: View) -> list[Row]:
    decision = told.decision
    act = _leads_to(decision)
    rows = [("why", _reason(decision))]
    if isinstance(decision, Hold):
        rows += _waiting(decision)
    rows += _changes(_differ(decision))
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


def _reason(decision: Decision) -> str:
    act = coming(decision)
    told = act if act is not None else decision
    return why(told.reason, told.detail, told.origin)


def _waiting(hold: Hold) -> list[Row]:
    """A hold that leads to an act in this run says what it waits for."""
    if coming(hold) is None:
        return []
    return [("waits", why(hold.reason, hold.detail, None))]


def _shared(group: Sequence[Told], view: View) -> list[Row]:
    """Return the rows of several jobs told together: the common part, then each job."""
    first = group[0].decision
    act = coming(first)
    assert not isinstance(first, Keep), "kept jobs have no block"
    rows = [("why", why(act.reason if act else first.reason, _detail(group), None))]
    if isinstance(first, Hold):
        rows += _waiting(first)
    # What is the same in each may stand between other words in each.
    rows += _changes(_differ(first), alike=len({_differ(t.decision) for t in group}) == 1)
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


def _differ(decision: Decision) -> tuple[FieldChange, ...]:
    """Return what the act that comes or is held would change, or what only the hold tells."""
    act = _leads_to(decision)
    if act is not None and act.changes:
        return act.changes
    return () if isinstance(decision, Keep) else decision.changes


def _detail(group: Sequence[Told]) -> str:
    details = {(coming(t.decision) or t.decision).detail for t in group}
    return details.pop() if len(details) == 1 else ""


def _member(told: Told, *, rollout: bool) -> str:
    act = _leads_to(told.decision)
    parts = [str(told.decision.key), headline(act) if act is not None else ""]
    if rollout:
        parts += _rollout(told)
    parts.append(place(told.decision.origin))
    return "  ".join(part for part in parts if part)


def _rollout(told: Told) -> tuple[str, ...]:
    """Return how the job's update goes through its instances, and what protects the rest."""
    act = _leads_to(told.decision)
    return () if act is None else (rollout(act.impact), escaped(act.impact.sla))


def _leads_to(decision: Decision) -> Act | None:
    """Return the act that comes, or the one that is held."""
    return coming(decision) or (decision.wanted if isinstance(decision, Hold) else None)


def _changes(changes: Sequence[FieldChange], *, alike: bool = True) -> list[Row]:
    """Return the author's words first, then what they do not explain, under a label of its own.

    Of jobs that are not quite `alike`, only what differs is shown, without what stands around it.
    """
    width = min(PATH_MAX, max((len(escaped(c.path)) for c in changes), default=0))
    authored = [c for c in changes if c.authored]
    raw = [c for c in changes if not c.authored]
    told = difference if alike else bare
    return [*_table("change", authored, width, told), *_table("raw", raw, width, told)]


def _table(
    label: str, changes: Sequence[FieldChange], width: int, told: Callable[[FieldChange], str]
) -> list[Row]:
    lines = [f"{escaped(c.path):<{width}}  {told(c)}{_where(c)}" for c in changes]
    return [(label if i == 0 else "", line) for i, line in enumerate(lines)]


def _where(change: FieldChange) -> str:
    return f"  (instances {change.instances})" if change.instances else ""


def _rows(rows: Iterable[Row]) -> list[str]:
    return [f"    {label:<{LABEL}}{line}" for label, line in rows]
