"""Whether another round can be of use, read off the report of the last one. Pure."""

from collections.abc import Iterator

from reconciler.model.outcome import Deferred
from reconciler.model.plan import Act, Decision, Hold, Reason, Standing
from reconciler.model.round import RoundReport


def settled(report: RoundReport) -> bool:
    """Return whether every job is kept, suspended or blocked, and everything could be read."""
    return _could_read(report) and not any(map(_moving, _decisions(report)))


def waiting(report: RoundReport) -> tuple[Hold, ...]:
    """Return the holds that resolve themselves."""
    return tuple(d for d in _decisions(report) if isinstance(d, Hold) and _moving(d))


def blocked(report: RoundReport) -> tuple[Hold, ...]:
    """Return the holds that a person must release."""
    holds = (d for d in _decisions(report) if isinstance(d, Hold))
    return tuple(hold for hold in holds if hold.reason.standing is Standing.BLOCKED)


def sent(report: RoundReport) -> bool:
    """Return whether this round had anything to send."""
    return any(r.outcomes for r in report.rounds)


def in_vain(report: RoundReport) -> bool:
    """Return whether acts were tried and not one of them was taken."""
    outcomes = [o for r in report.rounds for o in r.outcomes]
    return bool(outcomes) and all(isinstance(o, Deferred) for o in outcomes)


def blind(report: RoundReport) -> bool:
    """Return whether all that is left to wait for is an answer."""
    moving = [d for d in _decisions(report) if _moving(d)]
    unanswered = all(isinstance(d, Hold) and d.reason is Reason.LIVE_UNKNOWN for d in moving)
    return unanswered and (bool(moving) or not _could_read(report))


def saw_all(report: RoundReport) -> bool:
    """Return whether every question was answered."""
    unknown = (d.reason is Reason.LIVE_UNKNOWN for d in _decisions(report))
    return _could_read(report) and not any(unknown)


def _could_read(report: RoundReport) -> bool:
    return not report.faults and all(r.plan.unread is None for r in report.rounds)


def _decisions(report: RoundReport) -> Iterator[Decision]:
    for cluster in report.rounds:
        yield from cluster.plan.decisions


def _moving(decision: Decision) -> bool:
    if isinstance(decision, Act):
        return True
    return isinstance(decision, Hold) and decision.reason.standing is Standing.WAITING
