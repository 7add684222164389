"""How many of what: the first line of every preview, and what it counts.

A hold that the same run gets through by itself (a second look, a master that comes up first) is
counted as what it leads to: the line says what a run will do, not what its first round sends.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from reconciler.model.plan import (
    CREATIONS,
    AbortUpdate,
    Act,
    Decision,
    Hold,
    Keep,
    KillTasks,
    Reason,
    ScheduleCron,
    StartUpdate,
    coming,
)
from reconciler.model.round import FaultKind, RoundReport
from reconciler.report.escape import escaped


class Doing(Enum):
    """What an act is to whoever reads the plan."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    KILL = "kill"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class Counts:
    """Jobs by what becomes of them; `restarts` and `kills` count instances of updated jobs."""

    create: int = 0
    update: int = 0
    restarts: int = 0
    kills: int = 0
    replace: int = 0
    kill: int = 0
    prune: int = 0
    kept: int = 0
    held: int = 0
    unmanaged: int = 0

    @property
    def disturbs(self) -> bool:
        """Return whether any running process restarts or dies."""
        return bool(self.restarts or self.kills or self.replace or self.kill or self.prune)

    @property
    def changes(self) -> int:
        """Return how many jobs will be changed."""
        return self.create + self.update + self.replace + self.kill + self.prune

    def line(self) -> str:
        """Return the first line. Of what is 0 only creates, updates, prunes and kept are said."""
        parts = [f"{self.create} to create", f"{self.update} to update{self._disturbed()}"]
        if self.replace:
            parts.append(f"{self.replace} to replace")
        if self.kill:
            parts.append(f"{self.kill} to kill")
        parts += [f"{self.prune} to prune", f"{self.kept} kept"]
        if self.held:
            parts.append(f"{self.held} held")
        if self.unmanaged:
            parts.append(f"{self.unmanaged} unmanaged")
        return ", ".join(parts)

    def _disturbed(self) -> str:
        parts = [
            counted(n, noun) for n, noun in ((self.restarts, "restart"), (self.kills, "kill")) if n
        ]
        return f" ({', '.join(parts)})" if parts else ""


def counted(count: int, noun: str) -> str:
    """Return the count with its noun: `1 restart`, `44 restarts`, `2 batches`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith(('ch', 's')) else 's'}"


def doing(act: Act) -> Doing:
    """Return what the act is: an abort that makes way is already part of what follows it.

    A job of another kind than declared is killed and created again: one deed in two rounds.
    """
    if act.prune or (isinstance(act.action, AbortUpdate) and act.reason is Reason.REMOVED):
        return Doing.PRUNE
    if act.reason is Reason.SUPERSEDED and act.then is not None:
        return doing(act.then)
    if act.reason is Reason.KIND_CHANGED:
        return Doing.REPLACE
    match act.action:
        case KillTasks():
            return Doing.KILL
        case StartUpdate() | ScheduleCron() if act.reason in CREATIONS:
            return Doing.CREATE
        case _:
            return Doing.UPDATE


def counts(report: RoundReport) -> Counts:
    """Return the counts over all clusters of a round."""
    return counts_of(d for r in report.rounds for d in r.plan.decisions)


def summary(report: RoundReport) -> str:
    """Return the first line: the counts, and of what they say nothing since it was not read."""
    return f"{counts(report).line()}{_unread(report)}"


def _unread(report: RoundReport) -> str:
    names = {r.plan.cluster for r in report.rounds if r.plan.unread is not None}
    names |= {f.scope for f in report.faults if f.kind is FaultKind.SCHEDULER and f.scope}
    if any(fault.kind is FaultKind.SOURCE for fault in report.faults):
        names.add("desired state")
    return f"; not read: {', '.join(sorted(map(escaped, names)))}" if names else ""


def counts_of(decisions: Iterable[Decision]) -> Counts:
    """Return the counts of these decisions; each is counted once."""
    told = tuple(decisions)
    acts = [act for act in map(coming, told) if act is not None]
    by = {what: [a for a in acts if doing(a) is what] for what in Doing}
    keeps = [d for d in told if isinstance(d, Keep) and d.reason is not Reason.GONE]
    unmanaged = sum(k.reason is Reason.UNMANAGED for k in keeps)
    return Counts(
        create=len(by[Doing.CREATE]),
        update=len(by[Doing.UPDATE]),
        restarts=sum(len(a.impact.restarts or ()) for a in by[Doing.UPDATE]),
        kills=sum(len(a.impact.kills or ()) for a in by[Doing.UPDATE]),
        replace=len(by[Doing.REPLACE]),
        kill=len(by[Doing.KILL]),
        prune=len(by[Doing.PRUNE]),
        kept=len(keeps) - unmanaged,
        held=sum(isinstance(d, Hold) and coming(d) is None for d in told),
        unmanaged=unmanaged,
    )
