"""Patterns of the command line that match no job.

A mistyped pattern must not look like a job with which all is well, or that needs nothing.
"""

import logging
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from reconciler.app.wiring import OptionError
from reconciler.cli import show
from reconciler.cli.call import Call
from reconciler.loop.round import Listen
from reconciler.model.keys import JobKey, JobPattern
from reconciler.model.plan import Keep, Reason
from reconciler.model.round import Event, RoundPlanned, RoundReport
from reconciler.plan.inputs import Orders
from reconciler.report.counts import counted

log = logging.getLogger(__name__)

NEAR_MAX = 3
FAR = 0.65
SEGMENTS = 4
NEEDLESS = {"--retry": "there is nothing to try again", "--adopt": "there is nothing to take over"}
FORMS = "write NAME, ENVIRONMENT/NAME, ROLE/ENVIRONMENT/NAME or CLUSTER/ROLE/ENVIRONMENT/NAME"


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
            for words in idle(self._call.orders, report):
                show.complain(words)

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
    declared = known(call)
    there = replace(declared, keys=declared.keys | set(seen))
    narrowed = " of those that --only selects" if call.orders.only and seen else ""
    return [
        f"{option} {told}: no job{narrowed} matches{near(told, there)}" for option, told in found
    ]


def idle(orders: Orders, report: RoundReport) -> Iterator[str]:
    """Yield which words of a person change nothing, since the jobs are kept as they are."""
    decisions = [d for r in report.rounds for d in r.plan.decisions]
    for option, pattern in _given(orders):
        there = [d for d in decisions if pattern.matches(d.key)]
        kept = all(isinstance(d, Keep) and d.reason is not Reason.ADOPTED for d in there)
        if option in NEEDLESS and kept:
            yield f"{option} {pattern}: {NEEDLESS[option]} ({counted(len(there), 'job')} kept)"


@dataclass(frozen=True, slots=True)
class Known:
    """What a pattern may have meant: jobs, and the roles of projects by the projects' names."""

    keys: frozenset[JobKey]
    roles: Mapping[str, str]


def known(call: Call) -> Known:
    """Return what is declared, as far as `--cluster` goes."""
    tree = call.declared().tree
    keys = (key for key in (*tree.jobs, *tree.broken) if call.cluster in (None, key.cluster))
    projects = tree.policies.projects.values() if tree.policies is not None else ()
    return Known(frozenset(keys), {project.name: project.role for project in projects})


def near(pattern: JobPattern, known: Known) -> str:
    """Return what somebody may have meant, as words to follow a message."""
    renamed = {s: r for s in pattern.segments if (r := known.roles.get(s, s)) != s}
    told = [f"the role of project {project} is {role}" for project, role in renamed.items()]
    if meant := _meant(pattern, known.keys):
        told.append(f"did you mean {meant}?")
    elif keys := _close(pattern, known.keys):
        told.append(f"near to it {'is' if len(keys) == 1 else 'are'} {', '.join(keys)}")
    return "".join(f"; {words}" for words in told or [FORMS])


def _meant(pattern: JobPattern, keys: Iterable[JobKey]) -> str:
    """Return the pattern that says the same of jobs that there are, in the order of a key."""
    reverse = JobPattern(pattern.segments[::-1])
    placed = [JobPattern((*pattern.segments, *"*" * n)) for n in range(1, SEGMENTS)]
    fits = [p for p in (reverse, *placed) if len(p.segments) <= SEGMENTS]
    found = next((p for p in fits if any(map(p.matches, keys))), None)
    return "" if found is None else shlex.quote(str(found))


def _close(pattern: JobPattern, keys: Iterable[JobKey]) -> list[str]:
    size = len(pattern.segments)
    by_end: dict[str, list[str]] = {}
    for key in sorted(keys):
        by_end.setdefault("/".join(str(key).split("/")[-size:]), []).append(str(key))
    close = get_close_matches(str(pattern), by_end, NEAR_MAX, FAR)
    if not close and size > 1:
        # Some other part may be wrong: the name alone is what people know best.
        return _close(JobPattern(pattern.segments[-1:]), keys)
    return [key for end in close for key in by_end[end]][:NEAR_MAX]


def _given(orders: Orders) -> Iterator[tuple[str, JobPattern]]:
    yield from (("--only", p) for p in orders.only)
    yield from (("--adopt", p) for p in orders.adopt)
    yield from (("--retry", p) for p in orders.retry)
