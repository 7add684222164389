"""Patterns of the command line that match no job.

A mistyped pattern must not look like a job with which all is well, or that needs nothing.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from reconciler.app.wiring import OptionError
from reconciler.cli.call import Call
from reconciler.loop.round import Listen
from reconciler.model.keys import JobKey, JobPattern
from reconciler.model.round import Event, RoundPlanned, RoundReport
from reconciler.plan.inputs import Orders

log = logging.getLogger(__name__)

NEAR_MAX = 3
FAR = 0.65


class Check:
    """Looks once, at the first round that read everything; OptionError before anything is done."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._done = False

    def __call__(self, report: RoundReport) -> None:
        if not self._done and tells(report):
            self._done = True
            if found := unmatched(self._call, report):
                raise OptionError("\n".join(found))

    def heard(self, event: Event) -> Event:
        """Look at a plan before it is carried out; return the event."""
        if isinstance(event, RoundPlanned):
            self(event.report)
        return event

    def warning(self, listen: Listen) -> Listen:
        """Return what warns instead, for a watch: what a pattern means may come yet."""

        def heard(event: Event) -> None:
            try:
                self.heard(event)
            except OptionError as fault:
                log.warning("%s", fault)
            listen(event)

        return heard


def tells(report: RoundReport) -> bool:
    """Return whether a round has seen all jobs that there are: unknown is not absent."""
    unread = any(r.plan.unread is not None for r in report.rounds)
    return bool(report.rounds) and not (report.faults or report.problems or unread)


def unmatched(call: Call, report: RoundReport) -> list[str]:
    """Return what is wrong with each pattern that matches no job of these plans, with near keys."""
    seen = [d.key for r in report.rounds for d in r.plan.decisions]
    found = [(o, p) for o, p in _given(call.orders) if not any(map(p.matches, seen))]
    if not found:
        return []
    known = {*seen, *declared_keys(call)}
    narrowed = " of those that --only selects" if call.orders.only and seen else ""
    return [
        f"{option} {told}: no job{narrowed} matches{near(told, known)}" for option, told in found
    ]


def declared_keys(call: Call) -> set[JobKey]:
    """Return the keys that are declared, as far as `--cluster` goes."""
    tree = call.declared().tree
    return {key for key in (*tree.jobs, *tree.broken) if call.cluster in (None, key.cluster)}


def near(pattern: JobPattern, known: Iterable[JobKey]) -> str:
    """Return which keys somebody may have meant, as words to follow a message."""
    size = len(pattern.segments)
    by_end: dict[str, list[str]] = {}
    for key in sorted(known):
        by_end.setdefault("/".join(str(key).split("/")[-size:]), []).append(str(key))
    close = get_close_matches(str(pattern), by_end, NEAR_MAX, FAR)
    if not close and size > 1:
        # Some other part may be wrong: the name alone is what people know best.
        return near(JobPattern(pattern.segments[-1:]), known)
    keys = [key for end in close for key in by_end[end]][:NEAR_MAX]
    return f"; near to it {_are(keys)} {', '.join(keys)}" if keys else ""


def _are(keys: Sequence[str]) -> str:
    return "is" if len(keys) == 1 else "are"


def _given(orders: Orders) -> Iterator[tuple[str, JobPattern]]:
    yield from (("--only", p) for p in orders.only)
    yield from (("--adopt", p) for p in orders.adopt)
    yield from (("--retry", p) for p in orders.retry)
