"""The Project documents: whose jobs they are, and what their authors may ask for."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.desired import units
from reconciler.desired.documents import Document
from reconciler.desired.platforms import guard_of
from reconciler.desired.provenance import WrittenIn
from reconciler.model.keys import IDENTIFIER
from reconciler.model.policy import Grants, OnRemove, Platform, Project, Prune
from reconciler.model.problem import Problem, suggestion
from reconciler.model.spec import Resources
from reconciler.translate.environment import pattern_of

# How the names of documents end.
DOCUMENTS = (".yaml", ".yml")

GRANTED = Resources(cpu=16, ram_mb=64 * 1024, disk_mb=256 * 1024)


def project_of(document: Document, platform: Platform) -> Project:
    """Return the project of a document without problems."""
    spec, name = document.value["spec"], document.value["metadata"]["name"]
    allow = spec.get("allow", {})
    return Project(
        name=name,
        origin=document.of(("kind",)),
        role=spec.get("role", name),
        sources=tuple(spec["sources"]),
        environments={env: told["cluster"] for env, told in spec["environments"].items()},
        grants=Grants(
            resources_max=units.resources(allow["resources"]) if "resources" in allow else GRANTED,
            instances_max=allow.get("instances", 100),
            aurora=tuple(allow.get("aurora", ())),
        ),
        guard=guard_of(spec.get("guard", {}), platform.guard),
        prune=Prune.ON if spec.get("prune", True) else Prune.OFF,
        on_remove=OnRemove(spec.get("onRemove", "finish")),
        contact=spec.get("contact"),
        tiers={env: t["tier"] for env, t in spec["environments"].items() if "tier" in t},
        rollout=spec.get("rollout"),
        supersede_foreign_updates=spec.get("supersedeForeignUpdates", False),
        written=WrittenIn(document),
    )


def role_of(document: Document) -> str | None:
    """Return the role that a Project claims, as far as it can be made out."""
    spec, metadata = document.value.get("spec"), document.value.get("metadata")
    if document.value["kind"] != "Project" or not isinstance(metadata, dict):
        return None
    role = spec.get("role") if isinstance(spec, dict) else None
    found = metadata.get("name") if role is None else role
    return found if isinstance(found, str) else None


def project_problems(
    document: Document, platform: Platform, clusters: Sequence[str] | None
) -> Iterator[Problem]:
    """Return what a schema cannot see. `clusters` is None when nobody knows all of them."""
    spec = document.value["spec"]
    if role_of(document) == "root":
        where = document.of(("spec", "role"))
        yield Problem(where, "role: root runs nothing of ours", "choose an account of its own")
    yield from _source_problems(document, spec["sources"])
    for environment, told in spec["environments"].items():
        path = ("spec", "environments", environment)
        yield from _environment_problems(document, environment, platform)
        if clusters is not None and told["cluster"] not in clusters:
            message = f"there is no cluster {told['cluster']!r}"
            hint = suggestion(told["cluster"], clusters) if clusters else "declare a Cluster"
            yield Problem(document.of((*path, "cluster")), message, hint)
        if "tier" in told and told["tier"] not in platform.tiers:
            message = f"there is no tier {told['tier']!r}"
            hint = suggestion(told["tier"], platform.tiers)
            yield Problem(document.of((*path, "tier")), message, hint)
    yield from _rollout_problems(document, spec.get("rollout"), platform)


def _source_problems(document: Document, sources: Sequence[str]) -> Iterator[Problem]:
    """Return which patterns match no document, wherever it may lie: their authors would be told
    to move what cannot be moved."""
    for i, source in enumerate(sources):
        if why := _never(source):
            where, hint = (
                document.of(("spec", "sources", i)),
                "write it like shop/** or shop/*.yaml",
            )
            yield Problem(where, f"sources: {source[:60]!r} matches no document: {why}", hint)


def _never(source: str) -> str:
    *folders, name = source.split("/")
    if source.startswith("/") or any(part in (".", "..") for part in folders):
        return "paths begin below the root of the desired state"
    if "" in folders or any(part.startswith(".") for part in (*folders, name)):
        return "no path has such a part"
    end = re.split(r"[*?]", name)[-1]
    if name == end:
        return "" if name.endswith(DOCUMENTS) else "it names a folder"
    fits = any(end.endswith(d) or d.endswith(end) for d in DOCUMENTS)
    return "" if fits else f"a document ends with {' or '.join(DOCUMENTS)}"


def _environment_problems(
    document: Document, environment: str, platform: Platform
) -> Iterator[Problem]:
    where = document.of_key(("spec", "environments"), environment)
    if pattern_of(platform, environment) is None:
        message = f"the platform knows no environment {environment[:60]!r}"
        known = ", ".join(pattern for pattern, _ in platform.environments)
        yield Problem(where, message, f"write one that its patterns match: {known}")
    elif IDENTIFIER.fullmatch(environment) is None:
        message = f"{environment[:60]!r} cannot be the name of an environment"
        yield Problem(where, message, "use letters, digits, dots, dashes and underscores")


def _rollout_problems(document: Document, name: Any, platform: Platform) -> Iterator[Problem]:
    if name is not None and name not in platform.rollouts:
        where = document.of(("spec", "rollout"))
        yield Problem(where, f"there is no rollout {name!r}", suggestion(name, platform.rollouts))
