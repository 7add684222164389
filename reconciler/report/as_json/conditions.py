"""The conditions of jobs, as the last rounds left them (schemas/status.schema.json)."""

from collections.abc import Iterable

from reconciler.model.round import (
    Failing,
    JobStatus,
    LastRound,
    PastAct,
    StatusReport,
    Watch,
)
from reconciler.report.as_json.values import (
    FORMAT,
    Value,
    fault_value,
    instant,
    origin_value,
    problem_value,
)
from reconciler.report.release import argv


def status_value(report: StatusReport, exit_code: int, command: str = "reconcile") -> Value:
    """Return the conditions of all jobs as plain values."""
    last, jobs = report.last, sorted(report.jobs, key=lambda job: job.key)
    return {
        "format": FORMAT,
        "at": instant(report.at),
        "roundAt": instant(last.at) if last is not None else None,
        "revision": last.revision if last is not None else None,
        "rounds": [_round(found) for found in report.rounds],
        "failing": [_failing(f) for f in report.failing],
        "watch": _watch(report.watch),
        "unmanaged": report.unmanaged,
        "exitCode": exit_code,
        "clocks": dict(report.clocks),
        "faults": [fault_value(f) for f in report.faults],
        "problems": [problem_value(p) for p in sorted(set(report.problems))],
        "jobs": [_job(job, report.acts.get(job.key, ()), command) for job in jobs],
    }


def _round(found: LastRound) -> Value:
    return {
        "cluster": found.cluster,
        "at": instant(found.at),
        "revision": found.revision,
        "unmanaged": found.unmanaged,
    }


def _failing(found: Failing) -> Value:
    return {
        **fault_value(found.fault),
        "since": instant(found.since),
        "at": instant(found.at),
        "rounds": found.rounds,
    }


def _watch(found: Watch | None) -> Value | None:
    if found is None:
        return None
    return {"who": found.who, "since": instant(found.since), "runs": found.runs}


def _job(job: JobStatus, acts: Iterable[PastAct], command: str) -> Value:
    return {
        "key": str(job.key),
        "project": job.project,
        "condition": job.reason.label,
        "standing": job.reason.standing.value,
        "meaning": job.reason.meaning,
        "detail": job.detail,
        "release": job.release,
        "releaseCommand": argv(job.release, command),
        "since": instant(job.since),
        "revision": job.revision,
        "origin": origin_value(job.origin),
        "acts": [_past(act) for act in acts],
    }


def _past(act: PastAct) -> Value:
    return {
        "at": instant(act.at),
        "action": act.action,
        "reason": act.reason,
        "outcome": act.outcome,
        "message": act.message,
        "revision": act.revision,
        "times": act.times,
    }
