"""Rounds, previews included (schemas/plan.schema.json)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import Plan
from reconciler.model.round import ClusterRound, RoundReport
from reconciler.report.as_json.decisions import decision_value
from reconciler.report.as_json.values import (
    FORMAT,
    Value,
    fault_value,
    instant,
    problem_value,
)
from reconciler.report.counts import Counts, counts, counts_of, summary

NEVER = datetime.min.replace(tzinfo=UTC)


def timeless(report: RoundReport) -> RoundReport:
    """Return the round as if it had been made at the beginning of time: equal ones say the same."""
    rounds = (replace(r, plan=replace(r.plan, made_at=NEVER)) for r in report.rounds)
    return replace(report, at=NEVER, rounds=tuple(rounds))


def round_value(report: RoundReport, exit_code: int, command: str = "reconcile") -> Value:
    """Return a round, a preview included, as plain values.

    `command` is how the run was called: what releases a hold is to be called likewise.
    """
    return {
        "format": FORMAT,
        "at": instant(report.at),
        "preview": report.preview,
        "revision": report.revision.id if report.revision is not None else None,
        "summary": summary(report),
        "counts": _counts(counts(report)),
        "exitCode": exit_code,
        "faults": [fault_value(f) for f in report.faults],
        "problems": [problem_value(p) for p in report.wrong],
        "notes": [problem_value(p) for p in report.notes],
        "clusters": [_cluster(r, command) for r in report.rounds],
    }


def _cluster(told: ClusterRound, command: str) -> Value:
    plan: Plan = told.plan
    return {
        "cluster": plan.cluster,
        "revision": plan.revision.id,
        "madeAt": instant(plan.made_at),
        "clock": plan.clock,
        "digest": plan.digest,
        "unread": plan.unread,
        "unmanaged": plan.unmanaged,
        "byMark": plan.by_mark,
        "counts": _counts(counts_of(plan.decisions)),
        "decisions": [decision_value(d, plan.digest, command) for d in plan.decisions],
        "outcomes": [_outcome(o) for o in told.outcomes],
    }


def _counts(found: Counts) -> Value:
    return {
        "create": found.create,
        "update": found.update,
        "restarts": found.restarts,
        "kills": found.kills,
        "replace": found.replace,
        "kill": found.kill,
        "prune": found.prune,
        "kept": found.kept,
        "held": found.held,
        "unmanaged": found.unmanaged,
    }


def _outcome(outcome: Outcome) -> Value:
    key = str(outcome.act.key)
    match outcome:
        case Applied(update_id=update_id, message=message):
            return {"outcome": "applied", "key": key, "update": update_id, "message": message}
        case Refused(message=message):
            return {"outcome": "refused", "key": key, "update": None, "message": message}
        case Deferred(why=why):
            return {"outcome": "deferred", "key": key, "update": None, "message": why}
        case Indeterminate(why=why):
            return {"outcome": "indeterminate", "key": key, "update": None, "message": why}
        case _:
            assert_never(outcome)
