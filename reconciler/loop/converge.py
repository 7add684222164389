"""The bare run: rounds until every job is kept, suspended or blocked, or time is over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from reconciler.loop.backoff import growing
from reconciler.loop.clock import Clock
from reconciler.loop.round import Consent, Listen, Rounds
from reconciler.loop.settled import blind, in_vain, saw_all, sent, settled, waiting
from reconciler.model.left import Left
from reconciler.model.round import (
    FaultKind,
    RoundEnded,
    RoundReport,
    RoundStarted,
    Waiting,
)
from reconciler.report.counts import counts

# Between two looks at updates that roll: soon after something was sent, then ever more slowly.
FIRST_LOOK_S, LAST_LOOK_S = 1.0, 5.0

# How long to wait for a scheduler that does not answer: briefly when it never did (the address may
# be wrong), for as long as electing another leader takes when it did.
ATTEMPTS_UNSEEN, ATTEMPTS_SEEN = 3, 15

# So many rounds in a row in which nothing that was sent was taken: no permission, as a rule.
ATTEMPTS_IN_VAIN = 10


@dataclass(frozen=True, slots=True)
class Converged:
    """How a run ended.

    `declined`: asked whether to go ahead, the person said no. `in_vain`: so many rounds in a row
    nothing that was sent was taken.
    """

    report: RoundReport
    converged: bool
    timed_out: bool = False
    declined: bool = False
    in_vain: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a run may take, and how much faster than ours the fastest cluster's time passes."""

    left: Left
    haste: float = 1.0


def converge(
    rounds: Rounds,
    clock: Clock,
    limits: Limits,
    listen: Listen,
    consent: Consent,
    stopping: Callable[[], bool],
) -> Converged:
    """Return the last round's report and how the run ended. Never raises for the world's faults.

    Once time is over, or the end is wished for, no act is begun; one that is under way is finished.
    """

    def ending() -> bool:
        return stopping() or limits.left() <= 0

    asked = Asked(consent)
    number = looks = blinds = vain = 0
    seen = False
    report: RoundReport | None = None
    while True:
        number += 1
        before = report
        listen(RoundStarted(clock.now(), number))
        report = rounds.step(clock.now(), asked, listen, ending)
        listen(RoundEnded(clock.now(), report))
        if asked.declined or stopping():
            return Converged(report, converged=False, declined=asked.declined)
        if settled(report):
            return Converged(report, converged=True)
        seen = seen or not blind(report)
        blinds = blinds + 1 if blind(report) else 0
        vain = vain + 1 if in_vain(report) else 0
        if vain >= ATTEMPTS_IN_VAIN:
            return Converged(report, converged=False, in_vain=True)
        if _hopeless(report, blinds, seen):
            return Converged(report, converged=False)
        left = limits.left()
        if left <= 0:
            return Converged(_fuller(before, report), converged=False, timed_out=True)
        looks = 1 if sent(report) else looks + 1
        now = clock.now()
        listen(Waiting(now, waiting(report), until=now + timedelta(seconds=left)))
        clock.wait(min(left, growing(looks, FIRST_LOOK_S, LAST_LOOK_S) / limits.haste))


class Asked:
    """Asks a person once for each revision, and only when a running process restarts or dies."""

    def __init__(self, consent: Consent) -> None:
        self._consent = consent
        self._granted: str | None = None
        self.declined = False

    def __call__(self, report: RoundReport) -> bool:
        revision = report.revision.id if report.revision is not None else None
        if revision == self._granted or not counts(report).disturbs:
            return True
        self.declined = not self._consent(report)
        if not self.declined:
            self._granted = revision
        return not self.declined


def _fuller(before: RoundReport | None, report: RoundReport) -> RoundReport:
    """Return the last round; or the one before it, if its end cut short what the last one read."""
    if before is None or saw_all(report) or sent(report) or not saw_all(before):
        return report
    return before


def _hopeless(report: RoundReport, blinds: int, seen: bool) -> bool:
    """A record that cannot be written will not mend itself; a scheduler gets some patience."""
    if any(fault.kind is FaultKind.RECORD for fault in report.faults):
        return True
    return blinds >= (ATTEMPTS_SEEN if seen else ATTEMPTS_UNSEEN)
