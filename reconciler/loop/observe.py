"""One cluster's share of a round up to its plan: read in bulk, ask until nothing is open, plan.

Reads only, so that it can run beside other clusters and serve a preview as well as a run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model.live import LiveJob, LiveSnapshot
from reconciler.model.marks import REVISION
from reconciler.model.memory import Memory
from reconciler.model.plan import Plan
from reconciler.model.update import LiveUpdate
from reconciler.plan.inputs import PlanInput
from reconciler.plan.planner import Draft, asked_by, concluded, drafted, redrafted
from reconciler.plan.quiet import Past
from reconciler.scheduler.port import SchedulerPort

# Answers raise further questions (exact groups, then a diff of them); no chain is longer.
PASSES_MAX = 4


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one cluster is reached, and what time it is there when it is so late here.

    A real cluster has our time; the embedded one has its own, which may pass faster (`haste`).
    """

    port: SchedulerPort
    time: Callable[[datetime], datetime]
    haste: float = 1.0


@dataclass(frozen=True, slots=True)
class Planned:
    """One cluster's plan, what it was made from, and what the record held before."""

    seat: Seat
    given: PlanInput
    stored: Memory
    plan: Plan
    past: Past


def examined(
    given: PlanInput, port: SchedulerPort, past: Past | None = None
) -> tuple[PlanInput, Draft]:
    """Return the input with every question of the planner answered, or marked as unanswered, and
    what it comes to."""
    draft = drafted(given, past)
    for _ in range(PASSES_MAX):
        asked = asked_by(draft, given)
        if not asked:
            break
        given = replace(given, snapshot=port.examine(given.snapshot, asked))
        draft = redrafted(draft, given)
    return given, redrafted(draft, given, final=True)


def planned(seat: Seat, given: PlanInput, stored: Memory, past: Past | None = None) -> Planned:
    """Return the plan for an input whose bulk reading is done; the past saves work."""
    exact, draft = examined(given, seat.port, past)
    plan = concluded(draft, exact)
    return Planned(seat, exact, stored, plan, Past(exact, draft.known, draft.steps))


def revisions(memory: Memory, snapshot: LiveSnapshot | None = None) -> frozenset[str]:
    """Return the revisions that were applied or looked at before, as far as anybody knows."""
    told = {owned.revision for owned in memory.owned.values()}
    told.update(absence.revision for absence in memory.absences.values())
    told.update(update.metadata.get(REVISION, "") for update in memory.ended.values())
    told.update(update.metadata.get(REVISION, "") for update in _updates(snapshot))
    return frozenset({*told, memory.newest} - {""})


def _updates(snapshot: LiveSnapshot | None) -> Iterator[LiveUpdate]:
    if snapshot is None:
        return
    for ended in snapshot.ended.values():
        yield from ended
    for job in snapshot.jobs.values():
        yield from _of(job)


def _of(job: LiveJob) -> tuple[LiveUpdate, ...]:
    return (*((job.update,) if job.update is not None else ()), *job.ended)
