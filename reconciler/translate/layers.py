"""Which layer decided each field of a rendered job: author, environment, project, platform, us.

Read off the canonical form, so that what is told is what is compared, and nothing is left out.
"""

import json
from collections.abc import Iterator
from typing import Any

from reconciler.model.policy import Platform, Policies, Project
from reconciler.model.problem import Origin
from reconciler.model.rendered import FieldLayer, RenderedJob
from reconciler.model.spec import Authored, DesiredJob, Layer
from reconciler.model.update import UpdateSettings
from reconciler.translate.canonical import dumps
from reconciler.translate.thermos import PROCESS

PROCESSES = "executor.data.task.processes"
RUN = f"{PROCESSES}.run."
HEALTH = "executor.data.health_check_config"

# Canonical path (or a prefix of it) → the authored field that decided it. The first match counts.
AUTHORED = (
    ("resources.cpu", "resources.cpu"),
    ("resources.ram_mb", "resources.ram"),
    ("resources.disk_mb", "resources.disk"),
    ("resources.ports", "ports"),
    ("executor.data.task.resources.cpu", "resources.cpu"),
    ("executor.data.task.resources.ram", "resources.ram"),
    ("executor.data.task.resources.disk", "resources.disk"),
    (f"{RUN}cmdline", "run"),
    (f"{HEALTH}.health_checker.http.endpoint", "health"),
    ("executor.data.announce", "ports"),
    ("links", "ports"),
    ("container", "image"),
    ("sla", "sla"),
    ("marks.reconciler.version", "version"),
    ("marks.reconciler.package", "package"),
    ("instances", "instances"),
    ("schedule", "schedule"),
    ("collision", "collision"),
)
PLATFORM = (
    "constraints",
    "max_task_failures",
    HEALTH,
    "executor.data.task.finalization_wait",
    "executor.data.task.constraints",
    f"{PROCESSES}.",
    "marks.reconciler.owner",
    "update",
)
PROJECT = ("job", "executor.data.role", "executor.data.environment")

# Fields of the canonical form and what the escape hatch calls them.
RAW = {
    "priority": "priority",
    "max_task_failures": "maxTaskFailures",
    "tier": "tier",
    "production": "tier",
    "constraints": "constraints",
    "fetcher_uris": "mesosFetcherUris",
    "links": "taskLinks",
    "contact": "contactEmail",
    "metadata": "metadata",
    "partition": "partitionPolicy",
    "sla": "slaPolicy",
    "container": "container",
    "executor": "executorConfig",
}


def fields_of(rendered: RenderedJob, policies: Policies) -> tuple[FieldLayer, ...]:
    """Return every field with its value and its layer, in the order of their paths."""
    job, task = rendered.desired, rendered.config.task
    platform, project = policies.platform, policies.projects[job.project]
    told: dict[str, Any] = {**task.value(), "marks": dict(task.marks)}
    told["instances"] = job.spec.instances
    if job.spec.schedule is not None:
        told["schedule"] = job.spec.schedule.cron
        told["collision"] = job.spec.schedule.collision.value
    if rendered.change is not None:
        told["update"] = _update(rendered.change)
    found = []
    for path, value in _flat(told, ""):
        layer, origin = _layer(path, job, project, platform)
        found.append(FieldLayer(path, dumps(value), layer, origin))
    return tuple(sorted(found, key=lambda field: field.path))


def _update(change: UpdateSettings) -> dict[str, Any]:
    return {
        "strategy": change.strategy.value,
        "groups": list(change.groups),
        "watch_ms": change.watch_ms,
        "failed_instances_max": change.failed_instances_max,
        "failures_per_instance_max": change.failures_per_instance_max,
        "rollback": change.rollback,
        "sla_aware": change.sla_aware,
        "pause_between": change.pause_between,
    }


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _flat(member, f"{path}.{name}" if path else str(name))
    else:
        yield path, value


def _layer(
    path: str, job: DesiredJob, project: Project, platform: Platform
) -> tuple[Layer, Origin | None]:
    raw = _raw(path, job)
    if raw is not None:
        return raw.layer, raw.origin
    if _is_default(path, job):
        return Layer.BUILT_IN, None
    if path in ("tier", "production") and job.key.environment in project.tiers:
        return Layer.PROJECT, project.origin
    if path in ("tier", "production", "priority"):
        return Layer.PLATFORM, platform.origin
    if path == "contact":
        return (
            (Layer.PROJECT, project.origin)
            if project.contact is not None
            else (Layer.PLATFORM, platform.origin)
        )
    if path == "update" or path.startswith("update."):
        return _rollout_layer(job, project, platform)
    if path == "service":
        return Layer.AUTHOR, job.origin
    for prefix, field in AUTHORED:
        if path.startswith(prefix):
            written = job.authored.get(field) or job.authored.get(_other(field))
            return (written.layer, written.origin) if written else (Layer.BUILT_IN, None)
    if path.startswith(PROJECT):
        return Layer.PROJECT, project.origin
    if path.startswith(PLATFORM):
        return Layer.PLATFORM, platform.origin
    return Layer.BUILT_IN, None


def _raw(path: str, job: DesiredJob) -> Authored | None:
    """Return where the escape hatch sets the field; of the document it sets single fields."""
    top, _, rest = path.partition(".")
    name = RAW.get(top)
    if name is None or (top == "executor" and not _is_patched(rest, job)):
        return None
    return job.authored.get(f"aurora.{name}")


def _is_patched(path: str, job: DesiredJob) -> bool:
    told: Any = json.loads(dict(job.spec.aurora).get("executorConfig", "{}"))
    for part in path.split("."):
        if not isinstance(told, dict):
            return True
        if part not in told:
            return False
        told = told[part]
    return True


def _is_default(path: str, job: DesiredJob) -> bool:
    """Return whether the executor's schema says it, and nobody else: there is always a check,
    and of a process the document holds only what the recipe says."""
    if path.startswith(HEALTH):
        return job.spec.health is None
    leaf = path.rpartition(".")[2]
    is_recipe = leaf == "max_failures" and not path.startswith(RUN)
    return path.startswith(f"{PROCESSES}.") and leaf in PROCESS and not is_recipe


def _other(field: str) -> str:
    """A mark names the package or the image, whichever there is."""
    return {"package": "image", "image": "package"}.get(field, field)


def _rollout_layer(
    job: DesiredJob, project: Project, platform: Platform
) -> tuple[Layer, Origin | None]:
    if (written := job.authored.get("rollout")) is not None:
        return written.layer, written.origin
    if project.rollout is not None:
        return Layer.PROJECT, project.origin
    return Layer.PLATFORM, platform.origin
