"""The operators' documents: Platform, Cluster and Project to one `Policies` value.

A document here has passed its schema; what the schema cannot see is checked on the way.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.desired import units
from reconciler.desired.documents import Document
from reconciler.model.policy import (
    Cluster,
    CoordinatorSla,
    CountSla,
    Embedded,
    EmbeddedHost,
    EnvironmentDefaults,
    Grants,
    Guard,
    HealthCheck,
    Logs,
    OnRemove,
    PercentageSla,
    Platform,
    Policies,
    Project,
    Prune,
    Recipe,
    RecipeStep,
    Rollout,
    Scheduler,
    Sla,
    SpreadLimit,
    Strategy,
    Tier,
)
from reconciler.model.problem import Problem
from reconciler.model.spec import Resources

# Of the tiers.json that Aurora ships (api.md 5.2).
TIERS = {
    "preferred": Tier(preemptible=False, revocable=False),
    "preemptible": Tier(preemptible=True, revocable=False),
    "revocable": Tier(preemptible=True, revocable=True),
}
SECRET_WORDS = (
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "PRIVATEKEY",
    "ACCESSKEY",
    "CREDENTIAL",
    "CREDENTIALS",
)
GRANTED = Resources(cpu=16, ram_mb=64 * 1024, disk_mb=256 * 1024)


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """What the operators' documents came to.

    `policies` is None without a sound Platform. `broken` names projects whose document is there but
    cannot be used, with the reasons.
    """

    policies: Policies | None
    problems: tuple[Problem, ...]
    broken: Mapping[str, tuple[Problem, ...]]


def read(
    documents: Iterable[Document],
    role_owners: Mapping[str, frozenset[str]],
    unusable: frozenset[str] = frozenset(),
) -> PolicyReading:
    """Return the policies.

    `role_owners` tells which projects have jobs in a role on record, `unusable` names clusters that
    are there but broken: a project that runs on one is held, without another complaint.
    """
    by_kind: dict[str, list[Document]] = {"Platform": [], "Cluster": [], "Project": []}
    for document in documents:
        by_kind[document.value["kind"]].append(document)
    problems = list(_more_than_one(by_kind["Platform"], "Platform"))
    for kind in ("Cluster", "Project"):
        problems += _same_name(by_kind[kind])
    if len(by_kind["Platform"]) != 1:
        return PolicyReading(None, tuple(problems), {})
    platform = _platform(by_kind["Platform"][0])
    problems += _platform_problems(by_kind["Platform"][0], platform)
    clusters: dict[str, Cluster] = {}
    broken_clusters = set(unusable)
    for document in by_kind["Cluster"]:
        found = list(_cluster_problems(document))
        problems += found
        if found:
            broken_clusters.add(_name(document))
        else:
            clusters[_name(document)] = _cluster(document)
    projects, broken = _projects(by_kind["Project"], platform, clusters, role_owners)
    for name, document in ((_name(d), d) for d in by_kind["Project"]):
        environments = document.value["spec"]["environments"].values()
        if not broken_clusters & {told["cluster"] for told in environments}:
            problems += broken.get(name, ())
    digest = _digest(document for found in by_kind.values() for document in found)
    policies = Policies(platform, clusters, projects, digest)
    return PolicyReading(policies, tuple(problems), broken)


def _digest(documents: Iterable[Document]) -> str:
    told = sorted(f"{d.file.path} {d.file.blob} {d.index}" for d in documents)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _name(document: Document) -> str:
    return str(document.value["metadata"]["name"])


def _more_than_one(documents: list[Document], kind: str) -> Iterator[Problem]:
    for document in documents[1:]:
        yield Problem(
            document.of(("kind",)), f"a second {kind}; the first is at {documents[0].of()}"
        )


def _same_name(documents: list[Document]) -> Iterator[Problem]:
    seen: dict[str, Document] = {}
    for document in documents:
        first = seen.setdefault(_name(document), document)
        if first is not document:
            kind = document.value["kind"]
            where = document.of(("metadata", "name"))
            yield Problem(where, f"a second {kind} {_name(document)!r}; the first is {first.of()}")


# --- Platform


def _platform(document: Document) -> Platform:
    spec = document.value["spec"]
    health, logs = spec.get("health", {}), spec.get("logs", {})
    return Platform(
        name=_name(document),
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
        guard=_guard(spec.get("guard", {}), Guard()),
        contact=spec.get("contact"),
        announce=spec.get("announce", True),
        finalization_wait_s=units.seconds(spec.get("finalizationWait", "30s")),
        task_failures_max=spec.get("taskFailures", 1),
        secrets_dir=spec.get("secretsDir", "/etc/aurora/secrets").rstrip("/"),
        secret_keys=tuple(spec.get("secretKeys", SECRET_WORDS)),
        start_s=units.seconds(spec.get("start", "30s")),
    )


def _recipe(name: str, told: Mapping[str, Any]) -> Recipe:
    steps = tuple(
        RecipeStep(s["name"], s["command"], s.get("maxFailures", 1)) for s in told.get("steps", ())
    )
    return Recipe(name, steps, told.get("run", "{run}"), told.get("container"))


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


def _guard(told: Mapping[str, Any], otherwise: Guard) -> Guard:
    limits: dict[str, Any] = {}
    for name in ("prunes", "restarts", "vanished"):
        if name in told:
            limits[f"{name}_max"] = told[name]["jobs"]
            limits[f"{name}_share"] = units.share(told[name]["share"])
    if "scaleDown" in told:
        limits["scale_down_share"] = units.share(told["scaleDown"])
    kept = {n: getattr(otherwise, n) for n in otherwise.__dataclass_fields__}
    return Guard(**{**kept, **limits})


def _platform_problems(document: Document, platform: Platform) -> Iterator[Problem]:
    for i, (pattern, defaults) in enumerate(platform.environments):
        where = document.of(("spec", "environments", i, "match"))
        try:
            re.compile(pattern)
        except re.error as fault:
            yield Problem(where, f"not a regular expression: {fault}")
        if defaults.tier not in platform.tiers:
            known = ", ".join(sorted(platform.tiers))
            place = document.of(("spec", "environments", i, "tier"))
            yield Problem(place, f"there is no tier {defaults.tier!r}", f"there is {known}")
    if platform.rollout not in platform.rollouts:
        known = ", ".join(sorted(platform.rollouts))
        yield Problem(
            document.of(("spec", "rollout")),
            f"there is no rollout {platform.rollout!r}",
            f"there is {known}",
        )
    for name, rollout in platform.rollouts.items():
        if rollout.strategy is Strategy.QUEUE and (
            len(rollout.shares) > 1 or rollout.pause_between
        ):
            place = document.of(("spec", "rollouts", name))
            yield Problem(place, "a queue has one share and no pauses", "use `strategy: batch`")


# --- Cluster


def _cluster_problems(document: Document) -> Iterator[Problem]:
    zone = document.value["spec"].get("timeZone", "GMT")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError):
        place = document.of(("spec", "timeZone"))
        yield Problem(place, f"there is no time zone {zone!r}", "write one as in Europe/Berlin")
    hosts = document.value["spec"].get("embedded", {}).get("hosts", ())
    names = [host["name"] for host in hosts]
    for i, name in enumerate(names):
        if name in names[:i]:
            place = document.of(("spec", "embedded", "hosts", i, "name"))
            yield Problem(place, f"a second host {name!r}")


def _cluster(document: Document) -> Cluster:
    spec, name = document.value["spec"], _name(document)
    return Cluster(
        name=name,
        origin=document.of(("kind",)),
        scheduler=_embedded(spec["embedded"]) if "embedded" in spec else _scheduler(spec),
        server_name=spec.get("serverName", name),
        time_zone=spec.get("timeZone", "GMT"),
        tasks_per_job_max=spec.get("tasksPerJob", 4000),
        sla_instances_min=spec.get("slaInstances", 20),
        update_failures_max=spec.get("updateFailures", 20_000),
        sla_duration_max_s=units.seconds(spec.get("slaDuration", "2h")),
    )


def _scheduler(spec: Mapping[str, Any]) -> Scheduler:
    told = spec["scheduler"]
    return Scheduler(tuple(url.rstrip("/") for url in told["urls"]), told.get("caFile"))


def _embedded(told: Mapping[str, Any]) -> Embedded:
    hosts = tuple(
        EmbeddedHost(
            name=host["name"],
            cpu=float(host["cpu"]),
            ram_mb=units.mib(host["ram"]),
            disk_mb=units.mib(host["disk"]),
            attributes=tuple(sorted(host.get("attributes", {}).items())),
        )
        for host in told["hosts"]
    )
    quotas = tuple((role, resources(r)) for role, r in sorted(told.get("quotas", {}).items()))
    return Embedded(hosts, quotas, float(told.get("clock", 1)))


def resources(told: Mapping[str, Any]) -> Resources:
    """Return resources as a document tells them."""
    return Resources(float(told["cpu"]), units.mib(told["ram"]), units.mib(told["disk"]))


# --- Project


def _projects(
    documents: Iterable[Document],
    platform: Platform,
    clusters: Mapping[str, Cluster],
    role_owners: Mapping[str, frozenset[str]],
) -> tuple[dict[str, Project], dict[str, tuple[Problem, ...]]]:
    projects: dict[str, Project] = {}
    broken: dict[str, tuple[Problem, ...]] = {}
    by_name = {_name(d): d for d in reversed(tuple(documents))}
    for name, document in sorted(by_name.items()):
        problems = tuple(_project_problems(document, platform, clusters))
        if problems:
            broken[name] = problems
        else:
            projects[name] = _project(document, platform)
    for name, problem in _role_clashes(projects, by_name, role_owners):
        broken[name] = (*broken.get(name, ()), problem)
    return {n: p for n, p in projects.items() if n not in broken}, broken


def _project(document: Document, platform: Platform) -> Project:
    spec, name = document.value["spec"], _name(document)
    allow = spec.get("allow", {})
    return Project(
        name=name,
        origin=document.of(("kind",)),
        role=spec.get("role", name),
        sources=tuple(spec["sources"]),
        environments={env: told["cluster"] for env, told in spec["environments"].items()},
        grants=Grants(
            resources_max=resources(allow["resources"]) if "resources" in allow else GRANTED,
            instances_max=allow.get("instances", 100),
            aurora=tuple(allow.get("aurora", ())),
        ),
        guard=_guard(spec.get("guard", {}), platform.guard),
        prune=Prune.ON if spec.get("prune", True) else Prune.OFF,
        on_remove=OnRemove(spec.get("onRemove", "finish")),
        contact=spec.get("contact"),
        tiers={env: t["tier"] for env, t in spec["environments"].items() if "tier" in t},
        rollout=spec.get("rollout"),
        supersede_foreign_updates=spec.get("supersedeForeignUpdates", False),
    )


def _project_problems(
    document: Document, platform: Platform, clusters: Mapping[str, Cluster]
) -> Iterator[Problem]:
    spec = document.value["spec"]
    if spec.get("role", _name(document)) == "root":
        yield Problem(document.of(("spec", "role")), "role: root runs nothing of ours")
    for environment, told in spec["environments"].items():
        path = ("spec", "environments", environment)
        if told["cluster"] not in clusters:
            known = ", ".join(sorted(clusters)) or "none that can be used"
            message = f"there is no cluster {told['cluster']!r}"
            yield Problem(document.of((*path, "cluster")), message, f"there is {known}")
        if not any(re.fullmatch(pattern, environment) for pattern, _ in platform.environments):
            known = ", ".join(pattern for pattern, _ in platform.environments)
            message = f"the platform knows no environment {environment!r}"
            yield Problem(document.of_key(path[:2], environment), message, f"it knows {known}")
        if "tier" in told and told["tier"] not in platform.tiers:
            known = ", ".join(sorted(platform.tiers))
            message = f"there is no tier {told['tier']!r}"
            yield Problem(document.of((*path, "tier")), message, f"there is {known}")
    rollout = spec.get("rollout")
    if rollout is not None and rollout not in platform.rollouts:
        known = ", ".join(sorted(platform.rollouts))
        place = document.of(("spec", "rollout"))
        yield Problem(place, f"there is no rollout {rollout!r}", f"there is {known}")


def _role_clashes(
    projects: Mapping[str, Project],
    documents: Mapping[str, Document],
    role_owners: Mapping[str, frozenset[str]],
) -> Iterator[tuple[str, Problem]]:
    """A role belongs to one project: whoever has jobs in it on record goes on."""
    by_role: dict[str, list[str]] = {}
    for name, project in projects.items():
        by_role.setdefault(project.role, []).append(name)
    for role, names in by_role.items():
        owners = [n for n in names if n in role_owners.get(role, frozenset())]
        if len(names) == 1:
            continue
        for name in names:
            if owners == [name]:
                continue
            others = ", ".join(n for n in names if n != name)
            document = documents[name]
            path = ("spec", "role") if "role" in document.value["spec"] else ("metadata", "name")
            message = f"role {role!r} is claimed by {others}, too"
            yield name, Problem(document.of(path), message, "one role belongs to one project")
