"""What failed in the rounds up to now, read off their reports. Pure.

A round that could not do its work leaves no conditions, so that without this nobody who asks later
would hear of it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.loop.settled import in_vain
from reconciler.model.round import Failing, Fault, FaultKind, RoundReport
from reconciler.report.outcomes import refusals


def failing(
    before: Iterable[Failing], report: RoundReport, now: datetime, only: str | None = None
) -> tuple[Failing, ...]:
    """Return what fails after this round; `only` is the one cluster that it looked at.

    What the round did not get to see is as it was: a tree that cannot be read hides the clusters.
    """
    known = {(f.fault.kind, f.fault.scope): f for f in before}
    found = {(f.kind, f.scope): f for f in failures(report)}
    blind = report.revision is None
    unseen = {
        key: old
        for key, old in known.items()
        if key not in found and key[1] and (blind or only not in (None, key[1]))
    }
    here = (_again(known.get(key), fault, now) for key, fault in sorted(found.items(), key=_order))
    return (*unseen.values(), *here)


def failures(report: RoundReport) -> Iterator[Fault]:
    """Yield what failed in one round: what could not be read, and acts that nobody took."""
    yield from report.faults
    for told in report.rounds:
        name = told.plan.cluster
        if told.plan.unread is not None:
            yield Fault(FaultKind.SCHEDULER, name, told.plan.unread)
        alone = RoundReport(report.at, report.revision, (), (told,))
        if in_vain(alone):
            yield Fault(FaultKind.ACTS, name, refusals(alone))


def of_source(before: Iterable[Failing], why: str, now: datetime) -> tuple[Failing, ...]:
    """Return what fails when a run came to no round, since nothing that is declared was read."""
    fault = Fault(FaultKind.SOURCE, "", why)
    return failing(before, RoundReport(now, None, (), (), (fault,)), now)


def _again(known: Failing | None, fault: Fault, now: datetime) -> Failing:
    if known is None:
        return Failing(fault, now, now, 1)
    return Failing(fault, known.since, now, known.rounds + 1)


def _order(item: tuple[tuple[FaultKind, str], Fault]) -> tuple[str, str]:
    return item[0][0].value, item[0][1]
