"""A team's document to jobs: overrides merged for each environment, rights checked.

Identity is the key in the document, and its path grants the right: a document outside its
project's `sources` is refused, so that code owners can protect what they must.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from reconciler.desired.documents import Document
from reconciler.desired.policies import resources
from reconciler.desired.provenance import Merged, Provenance
from reconciler.desired.schemas import Schemas, suggestion
from reconciler.model.keys import JobKey
from reconciler.model.policy import Platform, Policies, Project
from reconciler.model.problem import Problem
from reconciler.model.spec import (
    Collision,
    DesiredJob,
    JobKind,
    JobSpec,
    Resources,
    Schedule,
    Suspension,
)
from reconciler.translate.canonical import dumps
from reconciler.translate.merge import merged

# Variables that the mediator sets itself.
RESERVED = re.compile(r"PORT_[A-Z0-9_]+|INSTANCE|HOST|TASK_ID|MASTER_PATH")
URL_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
PARTS = ("master", "workers")


@dataclass(frozen=True, slots=True)
class Composed:
    """The jobs of one document, and the keys of those that it declares but spoils."""

    jobs: tuple[DesiredJob, ...]
    broken: Mapping[JobKey, tuple[Problem, ...]]
    problems: tuple[Problem, ...]


def compose(
    document: Document, policies: Policies, schemas: Schemas, unusable: frozenset[str]
) -> Composed:
    """Return the jobs that a Service, CronJob or BatchFramework declares.

    `unusable` names projects that are there but broken: their documents are not to blame.
    """
    kind, project_name = document.value["kind"], _project_name(document.value)
    project = policies.projects.get(project_name)
    if project is None:
        return _refused(document, policies, schemas, unusable)
    refused = tuple(_rights(document, project))
    jobs: list[DesiredJob] = []
    broken: dict[JobKey, tuple[Problem, ...]] = {}
    problems = list(refused)
    for environment in _environments(document.value):
        keys = _keys(document.value, kind, project, environment)
        found = _one(document, environment, project, policies.platform, schemas)
        if isinstance(found, list) and not refused:
            jobs += found
            continue
        told = (*refused, *(found if isinstance(found, tuple) else ()))
        problems += told
        broken.update((key, told) for key in keys)
    if not _environments(document.value):
        problems += schemas.problems(kind, document.value, document)
    return Composed(tuple(jobs), broken, tuple(sorted(set(problems))))


def _refused(
    document: Document, policies: Policies, schemas: Schemas, unusable: frozenset[str]
) -> Composed:
    """A document whose project nobody knows: its form is checked all the same."""
    problems = list(schemas.problems(document.value["kind"], document.value, document))
    name = _project_name(document.value)
    if name and name not in unusable:
        where = document.of(("metadata", "project"))
        hint = suggestion(name, policies.projects)
        problems.append(Problem(where, f"there is no project {name!r}", hint))
    return Composed((), {}, tuple(problems))


def _rights(document: Document, project: Project) -> Iterator[Problem]:
    path = document.file.path
    if not any(_glob(source).fullmatch(path) for source in project.sources):
        yield Problem(
            document.of(("metadata", "project")),
            f"project {project.name} has no documents here",
            f"its sources are {', '.join(project.sources)}",
        )


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    """Return a pattern of paths: `**` crosses directories, `*` and `?` do not."""
    parts = re.split(r"(\*\*/?|\*|\?)", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(known.get(part, re.escape(part)) for part in parts))


def matches_sources(path: str, project: Project) -> bool:
    """Return whether a file at this path may hold documents of the project."""
    return any(_glob(source).fullmatch(path) for source in project.sources)


def _project_name(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    found = metadata.get("project") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else ""


def _environments(value: Mapping[str, Any]) -> tuple[str, ...]:
    spec = value.get("spec")
    found = spec.get("environments") if isinstance(spec, dict) else None
    return tuple(found) if isinstance(found, dict) else ()


def _keys(
    value: Mapping[str, Any], kind: str, project: Project, environment: str
) -> tuple[JobKey, ...]:
    """Return the keys that a document means, as far as they can be made out."""
    name = value["metadata"].get("name")
    cluster = project.environments.get(environment)
    if not isinstance(name, str) or cluster is None:
        return ()
    names = [f"{name}-{part}" for part in PARTS] if kind == "BatchFramework" else [name]
    try:
        return tuple(JobKey(cluster, project.role, environment, n) for n in names)
    except ValueError:
        return ()


def _one(
    document: Document, environment: str, project: Project, platform: Platform, schemas: Schemas
) -> list[DesiredJob] | tuple[Problem, ...]:
    """Return the jobs of one environment, or every problem with them."""
    kind, value = document.value["kind"], document.value
    patch = value["spec"]["environments"][environment]
    place = Merged(document, environment)
    if not isinstance(patch, dict):
        return schemas.problems(kind, value, document)
    base = {k: v for k, v in value["spec"].items() if k != "environments"}
    spec = merged(base, patch)
    environments = value["spec"]["environments"]
    whole = {**value, "spec": {**spec, "environments": environments}}
    problems = list(schemas.problems(kind, whole, place))
    if environment not in project.environments:
        where = document.of_key(("spec", "environments"), environment)
        hint = f"project {project.name} has {', '.join(sorted(project.environments))}"
        problems.append(Problem(where, f"there is no environment {environment!r}", hint))
    if "environments" in patch:
        where = place.of_key(("spec",), "environments")
        problems.append(Problem(where, "an environment within an environment", "remove it"))
    if problems:
        return tuple(sorted(problems))
    jobs = _jobs(document, spec, environment, project)
    for job in jobs:
        problems += _meaning(job, project, platform)
    return tuple(sorted(set(problems))) if problems else jobs


def _jobs(
    document: Document, spec: Mapping[str, Any], environment: str, project: Project
) -> list[DesiredJob]:
    kind, name = document.value["kind"], document.value["metadata"]["name"]
    key = JobKey(project.environments[environment], project.role, environment, name)
    place = Merged(document, environment)
    job = DesiredJob(
        key=key,
        project=project.name,
        spec=JobSpec(JobKind.SERVICE, "", "", Resources(0, 0, 0), package=""),
        origin=document.of(("kind",)),
        digest=f"{document.file.blob}:{document.index}",
        authored=Provenance(place),
        suspended=_suspension(spec.get("suspend")),
    )
    if kind != "BatchFramework":
        return [replace(job, spec=_spec(spec, spec, kind))]
    master = replace(key, name=f"{name}-master")
    workers = replace(key, name=f"{name}-workers")
    leading, working = _part(spec, "master"), _part(spec, "workers")
    return [
        replace(
            job, key=master, spec=_spec(leading, spec, kind), authored=Provenance(place, "master")
        ),
        replace(
            job,
            key=workers,
            spec=replace(_spec(working, spec, kind), master=master),
            authored=Provenance(place, "workers"),
        ),
    ]


def _part(spec: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return one part of a framework; what both share is beneath what the part says itself."""
    own = dict(spec[part])
    for shared in ("env", "secrets"):
        own[shared] = {**spec.get(shared, {}), **own.get(shared, {})}
    return own


def _spec(told: Mapping[str, Any], release: Mapping[str, Any], kind: str) -> JobSpec:
    cron = kind == "CronJob"
    return JobSpec(
        kind=JobKind.CRON if cron else JobKind.SERVICE,
        run=told["run"],
        version=release["version"],
        resources=resources(told["resources"]),
        package=release.get("package"),
        image=release.get("image"),
        env=tuple(sorted(told.get("env", {}).items())),
        secrets=tuple(sorted(told.get("secrets", {}).items())),
        ports=tuple(told.get("ports", ())),
        health=told.get("health"),
        instances=told.get("instances", 1),
        rollout=told.get("rollout"),
        sla=told.get("sla"),
        schedule=_schedule(told) if cron else None,
        aurora=tuple(sorted((k, dumps(v)) for k, v in told.get("aurora", {}).items())),
    )


def _schedule(told: Mapping[str, Any]) -> Schedule:
    collision = Collision(told.get("collision", "cancel-new"))
    return Schedule(told["schedule"], collision, told.get("enabled", True))


def _suspension(told: Mapping[str, Any] | None) -> Suspension | None:
    if told is None:
        return None
    until = _instant(told["until"]) if "until" in told else None
    return Suspension(told["by"], told["why"], until)


def _instant(text: str) -> datetime | None:
    """Return the instant; None for a day that its month has not, which nobody reaches."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


# --- what a schema cannot see


def _meaning(job: DesiredJob, project: Project, platform: Platform) -> Iterator[Problem]:
    spec, grants = job.spec, project.grants
    for name, value in (*spec.env, *spec.secrets):
        if RESERVED.fullmatch(name):
            kind = "env" if (name, value) in spec.env else "secrets"
            yield _problem(job, f"{kind}.{name}", "the reconciler sets it itself", "rename it")
    for name, value in spec.env:
        if _looks_secret(name, platform.secret_keys) or URL_WITH_PASSWORD.match(value):
            message = "looks like a secret, which must not stand in a repository"
            yield _problem(job, f"env.{name}", message, "name it under `secrets:`, and change it")
    most = grants.resources_max
    for field, wanted, granted in (
        ("cpu", spec.resources.cpu, most.cpu),
        ("ram", spec.resources.ram_mb, most.ram_mb),
        ("disk", spec.resources.disk_mb, most.disk_mb),
    ):
        if wanted > granted:
            unit = "cores" if field == "cpu" else "MiB"
            message = f"{wanted:g} {unit} is over the project's {granted:g}"
            yield _problem(job, f"resources.{field}", message, _ask(project))
    if spec.instances > grants.instances_max:
        message = f"{spec.instances} is over the project's {grants.instances_max}"
        yield _problem(job, "instances", message, _ask(project))
    if spec.schedule is not None and spec.instances == 0:
        yield _problem(job, "instances", "a cron job has at least one", "use `enabled: false`")


def _ask(project: Project) -> str:
    return f"ask for less, or have `allow` raised in {project.origin.path}"


def _looks_secret(name: str, words: tuple[str, ...]) -> bool:
    parts = name.upper().split("_")
    pairs = [a + b for a, b in itertools.pairwise(parts)]
    return any(part.endswith(words) for part in (*parts, *pairs))


def _problem(job: DesiredJob, field: str, message: str, hint: str) -> Problem:
    found = job.authored.get(field)
    return Problem(found.origin if found is not None else job.origin, f"{field}: {message}", hint)
