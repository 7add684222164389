"""What was decided about a job, and what it would do."""

import json
from collections.abc import Sequence
from typing import assert_never

from reconciler.model.keys import InstanceIds
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
    PulseUpdate,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
    StartUpdate,
    TasksBasis,
    UpdateBasis,
)
from reconciler.model.task import Config
from reconciler.model.update import UpdateSettings
from reconciler.report.as_json.values import Value, origin_value
from reconciler.report.release import argv, exact


def decision_value(decision: Decision, digest: str, command: str) -> Value:
    """Return what was decided about one job, of a plan with this digest."""
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
        "origin": origin_value(decision.origin),
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
