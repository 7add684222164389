"""The exit code of a command: an interface, so one table and one order of precedence.

1 is for errors of ours alone: a crash of Python exits with 1, and must never look like "changes".
"""

from collections.abc import Iterable, Mapping, Set
from enum import IntEnum

from reconciler.model.keys import JobKey, workers_of
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import APPROVABLE, Hold, Reason, Standing
from reconciler.model.round import Fault, FaultKind, RoundReport, StatusReport


class ExitCode(IntEnum):
    """What a command ends with."""

    SUCCESS = 0
    INTERNAL = 1
    PENDING = 2
    INVALID = 3
    BLOCKED = 4
    FAILED = 5
    UNREACHABLE = 6
    STALE = 7
    NOT_CONVERGED = 8
    RECORD = 9
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


# When several apply, the first of these is the answer.
PRECEDENCE = (
    ExitCode.INTERNAL,
    ExitCode.INVALID,
    ExitCode.RECORD,
    ExitCode.UNREACHABLE,
    ExitCode.STALE,
    ExitCode.BLOCKED,
    ExitCode.FAILED,
    ExitCode.NOT_CONVERGED,
    ExitCode.PENDING,
    ExitCode.SUCCESS,
)

BY_STANDING = {
    Standing.ACT: ExitCode.PENDING,
    Standing.WAITING: ExitCode.PENDING,
    Standing.BLOCKED: ExitCode.BLOCKED,
    Standing.MEANT: ExitCode.SUCCESS,
    Standing.KEPT: ExitCode.SUCCESS,
}

# Reasons that mean something else than their standing does.
BY_REASON = {
    Reason.INVALID: ExitCode.INVALID,
    Reason.LIVE_UNKNOWN: ExitCode.UNREACHABLE,
    Reason.STALE_BASIS: ExitCode.STALE,
    Reason.QUARANTINED: ExitCode.FAILED,
}

BY_FAULT = {
    FaultKind.SOURCE: ExitCode.UNREACHABLE,
    FaultKind.SCHEDULER: ExitCode.UNREACHABLE,
    FaultKind.RECORD: ExitCode.RECORD,
    FaultKind.ACTS: ExitCode.FAILED,
}

BY_OUTCOME: dict[type[Outcome], ExitCode] = {
    Applied: ExitCode.SUCCESS,
    Refused: ExitCode.FAILED,
    # Not wrong by itself: the next round looks again, and only running out of time makes it 8.
    Deferred: ExitCode.PENDING,
    Indeterminate: ExitCode.PENDING,
}


def exit_code(
    report: RoundReport,
    *,
    detailed: bool,
    converged: bool | None,
    timed_out: bool,
    in_vain: bool = False,
    approve: frozenset[str] = frozenset(),
) -> int:
    """Return the code of a command that ends with this round.

    `converged` is None for a preview, `in_vain` when at last nothing that was sent was taken.
    `detailed` lets pending changes show as 2. `approve` are the digests that were approved on the
    command line.
    """
    decisions = tuple(d for r in report.rounds for d in r.plan.decisions)
    found = {ExitCode.SUCCESS}
    found.update(_codes((d.key, d.reason) for d in decisions))
    found.update(BY_OUTCOME[type(o)] for r in report.rounds for o in r.outcomes)
    found.update(_faults(report.faults))
    if report.wrong:
        found.add(ExitCode.INVALID)
    if any(r.plan.unread is not None for r in report.rounds):
        found.add(ExitCode.UNREACHABLE)
    if timed_out:
        found.add(ExitCode.NOT_CONVERGED)
    if in_vain:
        found.add(ExitCode.FAILED)
    if converged is False:
        found.add(ExitCode.PENDING)
    if approved_another(report, approve):
        found.add(ExitCode.STALE)
    return first_of(found, detailed=detailed)


def approved_another(report: RoundReport, approve: Set[str]) -> bool:
    """Return whether what an approval releases is still held, and none of these plans was named."""
    decisions = (d for r in report.rounds for d in r.plan.decisions)
    held = any(isinstance(d, Hold) and d.reason in APPROVABLE for d in decisions)
    return bool(approve) and held and not any(r.plan.approved for r in report.rounds)


def status_code(report: StatusReport, *, detailed: bool) -> int:
    """Return the code of `reconcile status`: what the conditions mean, by the same table."""
    found = {ExitCode.SUCCESS, *_faults(report.faults)}
    found.update(_faults(f.fault for f in report.failing))
    found.update(_codes((job.key, job.reason) for job in report.jobs))
    if report.problems:
        found.add(ExitCode.INVALID)
    return first_of(found, detailed=detailed)


def reason_code(reason: Reason) -> ExitCode:
    """Return what one decision with this reason means for the exit code."""
    return BY_REASON.get(reason, BY_STANDING[reason.standing])


def _codes(told: Iterable[tuple[JobKey, Reason]]) -> set[ExitCode]:
    """Return the codes of several jobs. One that is held since another is counts as that one: what
    follows from a release that failed must not hide it."""
    reasons = dict(told)
    masters = {workers_of(key): key for key in reasons}
    return {reason_code(reasons[_leads(key, reasons, masters)]) for key in reasons}


def _leads(
    key: JobKey, reasons: Mapping[JobKey, Reason], masters: Mapping[JobKey | None, JobKey]
) -> JobKey:
    """Return the job by whose hold this one is held, where that is told, too."""
    followed = {Reason.MASTER_HELD: masters.get(key), Reason.WORKERS_HELD: workers_of(key)}
    other = followed.get(reasons[key]) or key
    # One that is held as it is meant explains nothing that a person must do.
    if other in reasons and reason_code(reasons[other]) is not ExitCode.SUCCESS:
        return other
    return key


def first_of(found: Iterable[ExitCode], *, detailed: bool) -> int:
    """Return the code that takes precedence; pending changes are 0 unless `detailed`."""
    told = set(found) - (set() if detailed else {ExitCode.PENDING})
    return int(next((code for code in PRECEDENCE if code in told), ExitCode.SUCCESS))


def _faults(faults: Iterable[Fault]) -> set[ExitCode]:
    return {BY_FAULT[fault.kind] for fault in faults}
