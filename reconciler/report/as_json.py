"""Rounds and conditions as JSON: everything that the text says, and everything that it leaves out.

The form is an interface with a version (`format`) and schemas: plan, status and failure in
`schemas/`. Keys have a fixed order, and sets are sorted, so that two equal rounds
are equal bytes.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from reconciler.model.keys import InstanceIds
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    Action,
    Basis,
    CronBasis,
    Decision,
    DescheduleCron,
    FieldChange,
    Hold,
    Impact,
    InstancesBasis,
    Keep,
    KillTasks,
    Plan,
    PulseUpdate,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
    StartUpdate,
    TasksBasis,
    UpdateBasis,
)
from reconciler.model.problem import Origin, Problem
from reconciler.model.round import (
    ClusterRound,
    Failing,
    Fault,
    PastAct,
    RoundReport,
    StatusReport,
    Watch,
)
from reconciler.model.task import Config
from reconciler.model.update import UpdateSettings
from reconciler.report.counts import Counts, counts, counts_of, summary
from reconciler.report.release import argv, exact

FORMAT = 1
NEVER = datetime.min.replace(tzinfo=UTC)

Value = dict[str, object]


def dumped(value: Value) -> str:
    """Return the text of a value, indented, ASCII only, ending with a line feed."""
    # ASCII: what a terminal would act on must not reach it through `--output json` either.
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def line(value: Value) -> str:
    """Return a value as one line of a stream."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True) + "\n"


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
        "faults": [_fault(f) for f in report.faults],
        "problems": [problem_value(p) for p in report.wrong],
        "notes": [problem_value(p) for p in report.notes],
        "clusters": [_cluster(r, command) for r in report.rounds],
    }


def status_value(report: StatusReport, exit_code: int, command: str = "reconcile") -> Value:
    """Return the conditions of all jobs as plain values."""
    last = report.last
    return {
        "format": FORMAT,
        "at": instant(report.at),
        "roundAt": instant(last.at) if last is not None else None,
        "revision": last.revision if last is not None else None,
        "rounds": [
            {
                "cluster": found.cluster,
                "at": instant(found.at),
                "revision": found.revision,
                "unmanaged": found.unmanaged,
            }
            for found in report.rounds
        ],
        "failing": [_failing(f) for f in report.failing],
        "watch": _watch(report.watch),
        "unmanaged": report.unmanaged,
        "exitCode": exit_code,
        "clocks": dict(report.clocks),
        "faults": [_fault(f) for f in report.faults],
        "problems": [problem_value(p) for p in sorted(set(report.problems))],
        "jobs": [
            {
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
                "origin": _origin(job.origin),
                "acts": [_past(act) for act in report.acts.get(job.key, ())],
            }
            for job in sorted(report.jobs, key=lambda job: job.key)
        ],
    }


def failure_value(exit_code: int, message: str, problems: Iterable[Problem]) -> Value:
    """Return why a command came to no report, as plain values."""
    return {
        "format": FORMAT,
        "exitCode": exit_code,
        "message": message,
        "problems": [problem_value(p) for p in sorted(set(problems))],
    }


def _failing(found: Failing) -> Value:
    return {
        **_fault(found.fault),
        "since": instant(found.since),
        "at": instant(found.at),
        "rounds": found.rounds,
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


def _watch(found: Watch | None) -> Value | None:
    if found is None:
        return None
    return {"who": found.who, "since": instant(found.since), "runs": found.runs}


def instant(at: datetime | None) -> str | None:
    """Return an instant in UTC, RFC 3339."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


def _fault(fault: Fault) -> Value:
    return {"kind": fault.kind.value, "scope": fault.scope, "message": fault.message}


def problem_value(problem: Problem) -> Value:
    """Return what is wrong, where, and what to do."""
    return {
        "origin": _origin(problem.origin),
        "message": problem.message,
        "hint": problem.hint,
    }


def _origin(origin: Origin | None) -> Value | None:
    if origin is None:
        return None
    return {"path": origin.path, "line": origin.line or None, "column": origin.column or None}


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
        "decisions": [_decision(d, plan.digest, command) for d in plan.decisions],
        "outcomes": [_outcome(o) for o in told.outcomes],
    }


def _decision(decision: Decision, digest: str, command: str) -> Value:
    match decision:
        case Act():
            return _act(decision)
        case Hold(changes=changes, wanted=wanted):
            release = exact(decision.release, digest)
            return {
                "decision": "hold",
                **_common(decision),
                "release": release,
                "releaseCommand": argv(release, command),
                "changes": _changes(changes),
                "wanted": _act(wanted) if wanted is not None else None,
            }
        case Keep():
            return {"decision": "keep", **_common(decision)}
        case _:
            assert_never(decision)


def _common(decision: Decision) -> Value:
    return {
        "key": str(decision.key),
        "project": decision.project,
        "reason": decision.reason.label,
        "standing": decision.reason.standing.value,
        "meaning": decision.reason.meaning,
        "detail": decision.detail,
        "origin": _origin(decision.origin),
    }


def _act(act: Act) -> Value:
    return {
        "decision": "act",
        **_common(act),
        "action": _action(act.action),
        "basis": _basis(act.basis),
        "impact": _impact(act.impact),
        "changes": _changes(act.changes),
        "spec": act.spec,
        "prune": act.prune,
        "foreign": act.foreign,
        "then": _act(act.then) if act.then is not None else None,
    }


def _action(action: Action) -> Value:
    match action:
        case StartUpdate():
            return {
                "type": "startUpdate",
                "instances": action.instances,
                "only": _ids(action.only),
                "settings": _settings(action.settings),
                "metadata": dict(sorted(action.metadata)),
                "config": _config(action.config),
            }
        case KillTasks(only=only):
            return {"type": "killTasks", "only": _ids(only)}
        case ScheduleCron():
            return {
                "type": "scheduleCron",
                "schedule": action.schedule,
                "collision": action.collision.value,
                "instances": action.instances,
                "config": _config(action.config),
            }
        case DescheduleCron():
            return {"type": "descheduleCron"}
        case AbortUpdate(update_id=update_id):
            return {"type": "abortUpdate", "update": update_id}
        case ResumeUpdate(update_id=update_id):
            return {"type": "resumeUpdate", "update": update_id}
        case PulseUpdate(update_id=update_id):
            return {"type": "pulseUpdate", "update": update_id}
        case RollbackUpdate(update_id=update_id):
            return {"type": "rollbackUpdate", "update": update_id}
        case _:
            assert_never(action)


def _config(config: Config) -> Value:
    """The meaning, not the bytes: what Aurora is sent differs from it in form alone."""
    return {
        "digest": config.task.digest,
        "marks": dict(sorted(config.task.marks)),
        "task": config.task.value(),
    }


def _settings(settings: UpdateSettings) -> Value:
    return {
        "strategy": settings.strategy.value,
        "groups": list(settings.groups),
        "watchMs": settings.watch_ms,
        "failedInstancesMax": settings.failed_instances_max,
        "failuresPerInstanceMax": settings.failures_per_instance_max,
        "rollback": settings.rollback,
        "slaAware": settings.sla_aware,
        "pauseBetween": settings.pause_between,
    }


def _basis(basis: Basis) -> Value:
    match basis:
        case InstancesBasis(groups=groups):
            return {"type": "instances", "groups": groups}
        case TasksBasis(task_ids=task_ids):
            return {"type": "tasks", "taskIds": sorted(task_ids)}
        case UpdateBasis(update_id=update_id, status=status):
            return {"type": "update", "update": update_id, "status": status}
        case CronBasis(template=template):
            return {"type": "cron", "template": template}
        case _:
            assert_never(basis)


def _impact(impact: Impact) -> Value:
    return {
        "restarts": _ids(impact.restarts),
        "adds": _ids(impact.adds),
        "kills": _ids(impact.kills),
        "batches": impact.batches,
        "batch": impact.batch,
        "shortestS": impact.shortest_s,
        "failuresMax": impact.failures_max,
        "rollback": impact.rollback,
        "sla": impact.sla,
    }


def _ids(ids: InstanceIds | None) -> list[int]:
    """Here an empty list means none; where Aurora would take it for all, it cannot occur."""
    return list(ids) if ids is not None else []


def _changes(changes: Sequence[FieldChange]) -> list[Value]:
    return [
        {
            "path": c.path,
            "live": _parsed(c.live),
            "desired": _parsed(c.desired),
            "authored": c.authored,
            "instances": c.instances or None,
        }
        for c in changes
    ]


def _parsed(value: str | None) -> object:
    """Return the value of a JSON text; null also stands for a field that is not there."""
    return None if value is None else json.loads(value)


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
