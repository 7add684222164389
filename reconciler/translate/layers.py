"""Which layer decided each field of a rendered job: author, environment, project, platform, us.

Read off the canonical form, so that what is told is what is compared, and nothing is left out. What
a document of the operators could say and does not, is built in.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.policy import Platform, Policies, Project
from reconciler.model.problem import Origin
from reconciler.model.rendered import FieldLayer, RenderedJob
from reconciler.model.spec import Authored, DesiredJob, Layer
from reconciler.model.update import UpdateSettings
from reconciler.translate.canonical import dumps
from reconciler.translate.document import recipe_of
from reconciler.translate.environment import pattern_of
from reconciler.translate.thermos import PROCESS

PROCESSES = "executor.data.task.processes"
RUN = f"{PROCESSES}.run."
HEALTH = "executor.data.health_check_config"

Where = tuple[Layer, Origin | None]
# Of a field within the spec of a document.
FieldPath = tuple[str | int, ...]

BUILT_IN: Where = (Layer.BUILT_IN, None)

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
# Canonical path → the field of the Platform that decided it.
PLATFORM: Mapping[str, FieldPath] = {
    "max_task_failures": ("taskFailures",),
    "executor.data.task.finalization_wait": ("finalizationWait",),
    f"{HEALTH}.initial_interval_secs": ("health", "initialInterval"),
    f"{HEALTH}.interval_secs": ("health", "interval"),
    f"{HEALTH}.timeout_secs": ("health", "timeout"),
    f"{HEALTH}.max_consecutive_failures": ("health", "failures"),
    f"{HEALTH}.min_consecutive_successes": ("health", "successes"),
}
# Of the logger of every process; and of what a rollout says.
LOGGER: Mapping[str, FieldPath] = {
    "destination": ("logs", "destination"),
    "rotate.log_size": ("logs", "rotate"),
    "rotate.backups": ("logs", "backups"),
}
ROLLOUT = {
    "strategy": "strategy",
    "groups": "batch",
    "failed_instances_max": "failedInstances",
    "failures_per_instance_max": "failuresPerInstance",
    "rollback": "rollback",
    "pause_between": "pauseBetween",
}

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
    told: dict[str, Any] = {**task.value(), "marks": dict(task.marks)}
    told["instances"] = job.spec.instances
    if job.spec.schedule is not None:
        told["schedule"] = job.spec.schedule.cron
        told["collision"] = job.spec.schedule.collision.value
    if rendered.change is not None:
        told["update"] = _update(rendered.change)
    layers = _Layers(job, policies.projects[job.project], policies.platform)
    found = []
    for path, value in _flat(told, ""):
        layer, origin = layers.of(path)
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


@dataclass(frozen=True, slots=True)
class _Layers:
    """The three documents that have a say in one job."""

    job: DesiredJob
    project: Project
    platform: Platform

    def of(self, path: str) -> Where:
        """Return who decided the field at a canonical path."""
        top, _, rest = path.partition(".")
        if (raw := self._raw(top, rest)) is not None:
            return raw.layer, raw.origin
        if self._is_default(path):
            return BUILT_IN
        match top:
            case "tier" | "production" | "priority":
                return self._environment("tier" if top == "production" else top)
            case "contact" if self.project.contact is not None:
                return self._project("contact")
            case "contact":
                return self._platform("contact")
            case "update":
                return self._rollout(rest)
            case "constraints":
                return self._spread(rest)
            case "service":
                return Layer.AUTHOR, self.job.origin
            case "job":
                return self._project("role")
        return self._named(path)

    def _named(self, path: str) -> Where:
        """Return who decided a field that one field of one document decides."""
        for prefix, field in AUTHORED:
            if path.startswith(prefix):
                return self._authored(field)
        if path in PLATFORM:
            return self._platform(*PLATFORM[path])
        if path.startswith(f"{PROCESSES}."):
            return self._process(path.removeprefix(f"{PROCESSES}."))
        match path:
            case "executor.data.role":
                return self._project("role")
            case "executor.data.environment":
                return self._declared_for()
            case "executor.data.task.name":
                return Layer.AUTHOR, self.job.origin
            case "executor.data.task.constraints":
                return self._recipe("steps")
            case "marks.reconciler.owner":
                return Layer.PLATFORM, self.platform.origin
        return BUILT_IN

    def _authored(self, field: str) -> Where:
        told = self.job.authored
        # A mark names the package or the image, whichever there is.
        other = {"package": "image", "image": "package"}.get(field, field)
        found = told.get(field) or told.get(other)
        return (found.layer, found.origin) if found is not None else BUILT_IN

    def _declared_for(self) -> Where:
        found = self.job.authored.get(f"environments.{self.job.key.environment}")
        return Layer.AUTHOR, found.origin if found is not None else self.job.origin

    def _project(self, *path: str | int) -> Where:
        """The role has a default, and is no less the project's for that: it has its name."""
        return Layer.PROJECT, self.project.written.get(path, self.project.origin)

    def _platform(self, *path: str | int) -> Where:
        origin = self.platform.written.get(path)
        return (Layer.PLATFORM, origin) if origin is not None else BUILT_IN

    def _environment(self, field: str) -> Where:
        name = self.job.key.environment
        if field == "tier" and name in self.project.tiers:
            return self._project("environments", name, "tier")
        at = pattern_of(self.platform, name)
        return BUILT_IN if at is None else self._platform("environments", at, field)

    def _spread(self, attribute: str) -> Where:
        names = [limit.attribute for limit in self.platform.spread]
        if attribute not in names:
            return BUILT_IN
        return self._platform("spread", names.index(attribute), "limit")

    def _recipe(self, *path: str | int) -> Where:
        recipe = recipe_of(self.job, self.platform)
        return BUILT_IN if recipe is None else self._platform("recipes", recipe.name, *path)

    def _process(self, path: str) -> Where:
        """Return who decided a field of a process: which is of the recipe, as `run` is not."""
        name, _, field = path.partition(".")
        if field.startswith("logger."):
            told = LOGGER.get(field.removeprefix("logger."))
            return BUILT_IN if told is None else self._platform(*told)
        recipe = recipe_of(self.job, self.platform)
        steps = [step.name for step in recipe.steps] if recipe is not None else []
        if name not in steps:
            return BUILT_IN
        says = {"cmdline": "command", "max_failures": "maxFailures"}.get(field)
        return BUILT_IN if says is None else self._recipe("steps", steps.index(name), says)

    def _rollout(self, field: str) -> Where:
        """Return who chose the rollout; of the one that all have, which line of it says so."""
        if (written := self.job.authored.get("rollout")) is not None:
            return written.layer, written.origin
        if field == "sla_aware":
            return self._authored("sla")
        if self.project.rollout is not None:
            return self._project("rollout")
        says = ROLLOUT.get(field)
        if field == "watch_ms":
            says = "watch" if self.job.spec.health is None else "watchWithHealth"
        return BUILT_IN if says is None else self._platform("rollouts", self.platform.rollout, says)

    def _raw(self, top: str, rest: str) -> Authored | None:
        """Return where the escape hatch sets the field; of the document it sets single fields."""
        name = RAW.get(top)
        if name is None or (top == "executor" and not self._is_patched(rest)):
            return None
        return self.job.authored.get(f"aurora.{name}")

    def _is_patched(self, path: str) -> bool:
        told: Any = json.loads(dict(self.job.spec.aurora).get("executorConfig", "{}"))
        for part in path.split("."):
            if not isinstance(told, dict):
                return True
            if part not in told:
                return False
            told = told[part]
        return True

    def _is_default(self, path: str) -> bool:
        """Return whether the executor's schema says it, and nobody else: there is always a check,
        and of a process the document holds only what the recipe says."""
        if path.startswith(HEALTH):
            return self.job.spec.health is None
        leaf = path.rpartition(".")[2]
        is_recipe = leaf == "max_failures" and not path.startswith(RUN)
        return path.startswith(f"{PROCESSES}.") and leaf in PROCESS and not is_recipe
