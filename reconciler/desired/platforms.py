"""The Platform document: HOW jobs run, and what of it a schema cannot check."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.desired import units
from reconciler.desired.documents import Document
from reconciler.desired.provenance import WrittenIn
from reconciler.model.policy import (
    CoordinatorSla,
    CountSla,
    EnvironmentDefaults,
    Guard,
    HealthCheck,
    Logs,
    PercentageSla,
    Platform,
    Recipe,
    RecipeStep,
    Rollout,
    Sla,
    SpreadLimit,
    Strategy,
    Tier,
)
from reconciler.model.problem import Problem, suggestion
from reconciler.translate.document import IMAGE, WHEEL
from reconciler.translate.environment import fault_of
from reconciler.translate.rollout import WATCH_MAX_S

# Of the tiers.json that Aurora ships.
TIERS = {
    "preferred": Tier(preemptible=False, revocable=False),
    "preemptible": Tier(preemptible=True, revocable=False),
    "revocable": Tier(preemptible=True, revocable=True),
}
SECRET_WORDS = (
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "PAT",
    "BEARER",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "PRIVATEKEY",
    "ACCESSKEY",
    "ENCRYPTIONKEY",
    "SIGNINGKEY",
    "CREDENTIAL",
    "CREDENTIALS",
)


def platform_of(document: Document) -> Platform:
    """Return the platform as the document tells it."""
    spec = document.value["spec"]
    health, logs = spec.get("health", {}), spec.get("logs", {})
    return Platform(
        name=document.value["metadata"]["name"],
        origin=document.of(("kind",)),
        environments=tuple(
            (e["match"], EnvironmentDefaults(e["tier"], e.get("priority", 0)))
            for e in spec["environments"]
        ),
        tiers={n: Tier(**t) for n, t in spec["tiers"].items()} if "tiers" in spec else TIERS,
        recipes={name: _recipe(name, told) for name, told in spec["recipes"].items()},
        rollouts={name: _rollout(name, told) for name, told in spec["rollouts"].items()},
        rollout=spec["rollout"],
        slas={name: _sla(told) for name, told in spec.get("slas", {}).items()},
        logs=Logs(
            destination=logs.get("destination", "file"),
            rotate_mb=units.mib(logs.get("rotate", "100MiB")),
            backups=logs.get("backups", 5),
        ),
        health=HealthCheck(
            port=health.get("port", "http"),
            initial_interval_s=units.seconds(health.get("initialInterval", "15s")),
            interval_s=units.seconds(health.get("interval", "10s")),
            timeout_s=units.seconds(health.get("timeout", "1s")),
            failures_max=health.get("failures", 0),
            successes_min=health.get("successes", 1),
        ),
        spread=tuple(SpreadLimit(s["attribute"], s["limit"]) for s in spec.get("spread", ())),
        guard=guard_of(spec.get("guard", {}), Guard()),
        contact=spec.get("contact"),
        announce=spec.get("announce", True),
        finalization_wait_s=units.seconds(spec.get("finalizationWait", "30s")),
        task_failures_max=spec.get("taskFailures", 1),
        secrets_dir=spec.get("secretsDir", "/etc/aurora/secrets").rstrip("/"),
        secret_keys=tuple(spec.get("secretKeys", SECRET_WORDS)),
        start_s=units.seconds(spec.get("start", "30s")),
        written=WrittenIn(document),
    )


def _recipe(name: str, told: Mapping[str, Any]) -> Recipe:
    steps = tuple(
        RecipeStep(s["name"], s["command"], s.get("maxFailures", 1)) for s in told.get("steps", ())
    )
    return Recipe(name, steps, told.get("run", "{run}"), "container" in told)


def _rollout(name: str, told: Mapping[str, Any]) -> Rollout:
    batch = told["batch"]
    return Rollout(
        name=name,
        shares=tuple(units.share(b) for b in (batch if isinstance(batch, list) else [batch])),
        strategy=Strategy(told.get("strategy", "batch")),
        watch_s=units.seconds(told.get("watch", "45s")),
        watch_with_health_s=units.seconds(told.get("watchWithHealth", "0s")),
        failed_instances_max=told.get("failedInstances", 0),
        failures_per_instance_max=told.get("failuresPerInstance", 0),
        rollback=told.get("rollback", True),
        pause_between=told.get("pauseBetween", False),
    )


def _sla(told: Mapping[str, Any]) -> Sla:
    if "coordinator" in told:
        return CoordinatorSla(told["coordinator"], told.get("statusKey", "drain"))
    duration_s = units.seconds(told["duration"])
    if "percentage" in told:
        return PercentageSla(float(told["percentage"]), duration_s)
    return CountSla(told["count"], duration_s)


def guard_of(told: Mapping[str, Any], otherwise: Guard) -> Guard:
    """Return limits, and what is not told of them as it is otherwise."""
    limits: dict[str, Any] = {}
    for name in ("prunes", "restarts", "vanished"):
        if name in told:
            limits[f"{name}_max"] = told[name]["jobs"]
            limits[f"{name}_share"] = units.share(told[name]["share"])
    if "scaleDown" in told:
        limits["scale_down_share"] = units.share(told["scaleDown"])
    return replace(otherwise, **limits)


def platform_problems(document: Document, platform: Platform) -> Iterator[Problem]:
    """Return what a schema cannot see."""
    for i, (pattern, defaults) in enumerate(platform.environments):
        if (fault := fault_of(pattern)) is not None:
            where = document.of(("spec", "environments", i, "match"))
            remedy = "mend the pattern (it is RE2's: no look-around, no back-references)"
            yield Problem(where, f"not a regular expression: {fault}", remedy)
        if defaults.tier not in platform.tiers:
            where = document.of(("spec", "environments", i, "tier"))
            hint = suggestion(defaults.tier, platform.tiers)
            yield Problem(where, f"there is no tier {defaults.tier!r}", hint)
    if platform.rollout not in platform.rollouts:
        where, hint = (
            document.of(("spec", "rollout")),
            suggestion(platform.rollout, platform.rollouts),
        )
        yield Problem(where, f"there is no rollout {platform.rollout!r}", hint)
    for name, rollout in platform.rollouts.items():
        yield from _rollout_problems(document, name, rollout)
    for recipe in platform.recipes.values():
        yield from _recipe_problems(document, recipe)


def _recipe_problems(document: Document, recipe: Recipe) -> Iterator[Problem]:
    """Return what a recipe wants filled in that there is nothing for."""
    path = ("spec", "recipes", recipe.name)
    other, own = ("{image}", "{package}") if recipe.name == WHEEL else ("{package}", "{image}")
    steps = [((*path, "steps", i, "command"), step.command) for i, step in enumerate(recipe.steps)]
    for where, text in (*steps, ((*path, "run"), recipe.run)):
        if other in text:
            message = f"{other} means nothing in the recipe {recipe.name!r}"
            yield Problem(document.of(where), message, f"write {own}, or remove it")
    for where, text in steps:
        if "{run}" in text:
            message = "{run} means nothing in a step: the author's command comes after all of them"
            hint = "put what belongs around that command into `run` of the recipe"
            yield Problem(document.of(where), message, hint)
    if recipe.in_image and recipe.name == WHEEL:
        message = f"`container` means nothing in the recipe {recipe.name!r}: it is for packages"
        yield Problem(document.of((*path, "container")), message, f"move it to {IMAGE!r}")


def _rollout_problems(document: Document, name: str, rollout: Rollout) -> Iterator[Problem]:
    path = ("spec", "rollouts", name)
    if rollout.strategy is Strategy.QUEUE and (len(rollout.shares) > 1 or rollout.pause_between):
        message = "a queue has one share and no pauses"
        yield Problem(document.of((*path, "strategy")), message, "use `strategy: batch`")
    watches = (("watch", rollout.watch_s), ("watchWithHealth", rollout.watch_with_health_s))
    for field, seconds in watches:
        if seconds > WATCH_MAX_S:
            message = f"{seconds} s is over the {WATCH_MAX_S} s that Aurora can count"
            yield Problem(document.of((*path, field)), message, "write 24d or less")
