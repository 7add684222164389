"""The periodic loop: rounds for ever, whatever a single one comes to."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from reconciler.loop.backoff import doubling, growing, jittered
from reconciler.loop.clock import Clock
from reconciler.loop.garbage import collect
from reconciler.loop.round import Listen, Rounds, always
from reconciler.loop.settled import blocked, sent, settled, waiting
from reconciler.loop.supervisor import Supervisor
from reconciler.model.round import Event, RoundEnded, RoundReport, RoundStarted, Waiting
from reconciler.report.counts import counted
from reconciler.report.verdict import ExitCode, exit_code

# While something rolls the next look comes early; after a failure the next try does.
FIRST_LOOK_S = 2.0
FIRST_RETRY_S = 5.0
JITTER = 0.1

# A success that lies further back than so many intervals is worth a warning.
STALE_INTERVALS = 2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often to look. `haste`: how much faster than ours the fastest cluster's time passes."""

    interval_s: float
    chance: Random
    haste: float = 1.0


def watch(
    rounds: Rounds,
    clock: Clock,
    rhythm: Rhythm,
    listen: Listen,
    supervisor: Supervisor,
    stopping: Callable[[], bool],
) -> None:
    """Do rounds until told to stop. An RPC that is under way is finished first."""
    number = failures = looks = 0
    succeeded = clock.monotonic()

    def heard(event: Event) -> None:
        # A round that sends a thousand acts lives, however long it takes.
        supervisor.alive()
        listen(event)

    while not stopping():
        number += 1
        report = _round(rounds, clock, number, heard, stopping)
        now = clock.monotonic()
        if report is not None and not failed(report):
            succeeded, failures = now, 0
            looks = 0 if settled(report) else 1 if sent(report) else looks + 1
        else:
            failures += 1
            _warn_when_stale(now - succeeded, rhythm.interval_s)
        supervisor.rounded(clock.now(), outcome(report), code(report))
        if number == 1:
            supervisor.ready()
        if report is not None and (held := waiting(report)):
            listen(Waiting(clock.now(), held))
        collect(number)
        _wait(pause(rhythm, failures, looks), clock, supervisor, stopping)
    supervisor.stopping()


def pause(rhythm: Rhythm, failures: int, looks: int) -> float:
    """Return how long to wait after so many failures or looks in a row (0: nothing to wait for)."""
    if failures:
        seconds = doubling(failures, min(FIRST_RETRY_S, rhythm.interval_s), rhythm.interval_s)
    elif looks:
        first = min(FIRST_LOOK_S, rhythm.interval_s)
        seconds = growing(looks, first, rhythm.interval_s) / rhythm.haste
    else:
        seconds = rhythm.interval_s
    return jittered(seconds, JITTER, rhythm.chance)


def outcome(report: RoundReport | None) -> str:
    """Return one line on a round for a supervisor; None stands for a round that broke.

    In the order in which one goes before the other: `failed`, `faults: ...`, `problems: ...` of the
    desired state, `blocked: 5 jobs (4 Guarded, 1 Quarantined)`, `converging`, `settled`.
    """
    if report is None:
        return "failed"
    if wrong := (*(f.message for f in report.faults), *_unread(report)):
        return f"faults: {'; '.join(wrong)}"
    if mistakes := report.wrong:
        # A job that is not judged for a mistake in the desired state is not settled, either.
        more = f" (and {len(mistakes) - 1} more)" if mistakes[1:] else ""
        return f"problems: {mistakes[0]}{more}"
    if held := blocked(report):
        by_reason = sorted(Counter(hold.reason.label for hold in held).items())
        reasons = ", ".join(f"{count} {label}" for label, count in by_reason)
        return f"blocked: {counted(len(held), 'job')} ({reasons})"
    return "settled" if settled(report) else "converging"


def code(report: RoundReport | None) -> int:
    """Return what `reconcile --detailed-exitcode` would end with after this round."""
    if report is None:
        return int(ExitCode.INTERNAL)
    return exit_code(report, detailed=True, converged=settled(report), timed_out=False)


def failed(report: RoundReport) -> bool:
    """Return whether a round could not do its work: a fault, or no cluster that answered."""
    return bool(report.faults) or (
        bool(report.rounds) and len(_unread(report)) == len(report.rounds)
    )


def _unread(report: RoundReport) -> tuple[str, ...]:
    plans = (r.plan for r in report.rounds)
    return tuple(f"{p.cluster}: {p.unread}" for p in plans if p.unread is not None)


def _round(
    rounds: Rounds, clock: Clock, number: int, listen: Listen, stopping: Callable[[], bool]
) -> RoundReport | None:
    listen(RoundStarted(clock.now(), number))
    try:
        report = rounds.step(clock.now(), always, listen, stopping)
    except Exception:
        # A loop that dies of one bad round protects nobody.
        log.exception("round %d failed", number)
        return None
    listen(RoundEnded(clock.now(), report))
    return report


def _warn_when_stale(age_s: float, interval_s: float) -> None:
    if age_s > STALE_INTERVALS * interval_s:
        log.warning("the last successful round ended %.0f s ago", age_s)


def _wait(
    seconds: float, clock: Clock, supervisor: Supervisor, stopping: Callable[[], bool]
) -> None:
    """Wait, woken early by a change or a signal, in pieces short enough for the supervisor."""
    until = clock.monotonic() + seconds
    piece = supervisor.every_s or seconds
    while not stopping() and (left := until - clock.monotonic()) > 0:
        wanted = min(left, piece)
        before = clock.monotonic()
        clock.wait(wanted)
        supervisor.alive()
        if clock.monotonic() - before < wanted:
            return  # woken
