"""A team's document to jobs: overrides merged for each environment, rights checked.

Identity is the key in the document, and its path grants the right: a document outside its
project's `sources` is refused, so that code owners can protect what they must.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from reconciler.desired.documents import Document
from reconciler.desired.meaning import meaning_problems
from reconciler.desired.policies import PolicyReading, Problems
from reconciler.desired.provenance import Merged
from reconciler.desired.schemas import Schemas
from reconciler.desired.specs import jobs_of, keys_of
from reconciler.model.keys import JobKey
from reconciler.model.policy import Policies, Project
from reconciler.model.problem import Problem, suggestion
from reconciler.model.spec import DesiredJob
from reconciler.translate.merge import merged


@dataclass(frozen=True, slots=True)
class Composed:
    """The jobs of one document, and the keys of those that it declares but spoils.

    `lost` says that it may declare others besides: which, cannot be made out.
    """

    jobs: tuple[DesiredJob, ...]
    broken: Mapping[JobKey, Problems]
    problems: Problems
    lost: bool = False


def compose(document: Document, reading: PolicyReading, schemas: Schemas) -> Composed:
    """Return the jobs that a Service, CronJob or BatchFramework declares."""
    policies, name = reading.policies, project_name(document)
    assert policies is not None, "without a Platform nothing is composed"
    project = policies.projects.get(name)
    if project is None:
        problems = (*form(document, schemas), *_no_project(document, name, reading))
        return Composed((), {}, tuple(sorted(set(problems))), lost=True)
    return _composed(document, project, reading, schemas)


def form(document: Document, schemas: Schemas) -> Problems:
    """Return what is wrong with a document whatever its project may be."""
    found = [_form(document, e, schemas) for e in _environments(document.value)]
    told = found or [schemas.problems(document.value["kind"], document.value, document)]
    return tuple(sorted({problem for problems in told for problem in problems}))


def project_name(document: Document) -> str:
    """Return the project that a document names, or nothing."""
    metadata = document.value.get("metadata")
    found = metadata.get("project") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else ""


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    """Return a pattern of paths: `**` crosses directories, `*` and `?` do not."""
    parts = re.split(r"((?:\*\*/)+|\*\*+|\*|\?)", pattern)
    known = {"*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(_part(part) or known.get(part, re.escape(part)) for part in parts))


def _part(part: str) -> str:
    if not part.startswith("**"):
        return ""
    return "(?:.*/)?" if part.endswith("/") else ".*"


def matches_sources(path: str, project: Project) -> bool:
    """Return whether a file at this path may hold documents of the project."""
    return any(_glob(source).fullmatch(path) for source in project.sources)


def _no_project(document: Document, name: str, reading: PolicyReading) -> Iterator[Problem]:
    if not name or name in reading.broken or reading.unread or reading.policies is None:
        return
    where = document.of(("metadata", "project"))
    hint = suggestion(name, reading.policies.projects)
    if not hint.startswith("did you mean"):
        hint += ", or declare it by a Project document"
    yield Problem(where, f"there is no project {name[:60]!r}", hint)


def _composed(
    document: Document, project: Project, reading: PolicyReading, schemas: Schemas
) -> Composed:
    refused = tuple(_rights(document, project))
    environments = _environments(document.value)
    known = [e for e in environments if e in project.environments]
    problems = [*refused, *(() if known else form(document, schemas))]
    problems += _unknown(document, environments, project)
    jobs: list[DesiredJob] = []
    broken: dict[JobKey, Problems] = {}
    # What an environment that nobody knows declares, nobody knows either.
    lost = len(known) < max(len(environments), 1)
    for environment in known:
        made, told = _one(document, environment, project, reading, schemas)
        problems += told
        keys = _keys(document.value, project, environment)
        lost = lost or not keys
        held = reading.broken_clusters.get(project.environments.get(environment, ""), ())
        if refused or told or held:
            broken.update((key, (*refused, *told, *held)) for key in keys)
        else:
            jobs += made
    return Composed(tuple(jobs), broken, tuple(sorted(set(problems))), lost)


def _rights(document: Document, project: Project) -> Iterator[Problem]:
    if not matches_sources(document.file.path, project):
        yield Problem(
            document.of(("metadata", "project")),
            f"project {project.name} has no documents here",
            f"move it to where its sources are: {', '.join(project.sources)}",
        )


def _unknown(
    document: Document, environments: Iterable[str], project: Project
) -> Iterator[Problem]:
    for environment in environments:
        if environment not in project.environments:
            where = document.of_key(("spec", "environments"), environment)
            hint = suggestion(environment, project.environments)
            message = f"project {project.name} has no environment {environment[:60]!r}"
            yield Problem(where, message, hint)


def _environments(value: Mapping[str, Any]) -> tuple[str, ...]:
    spec = value.get("spec")
    found = spec.get("environments") if isinstance(spec, dict) else None
    return tuple(found) if isinstance(found, dict) else ()


def _keys(value: Mapping[str, Any], project: Project, environment: str) -> tuple[JobKey, ...]:
    """Return the keys that a document means, as far as they can be made out."""
    if not isinstance(value["metadata"].get("name"), str):
        return ()
    try:
        return keys_of(value, project, environment)
    except ValueError:
        return ()


def _one(
    document: Document,
    environment: str,
    project: Project,
    reading: PolicyReading,
    schemas: Schemas,
) -> tuple[list[DesiredJob], list[Problem]]:
    """Return the jobs of one environment, and every problem with them."""
    problems = list(_form(document, environment, schemas))
    if problems:
        return [], problems
    policies = reading.policies
    assert policies is not None, "without a Platform nothing is composed"
    spec = _merged_spec(document.value, environment)
    jobs = jobs_of(document, spec, environment, project)
    return jobs, list(_meaning(jobs, spec, Merged(document, environment), policies))


def _meaning(
    jobs: Iterable[DesiredJob], spec: Mapping[str, Any], place: Merged, policies: Policies
) -> Iterator[Problem]:
    for job in jobs:
        yield from meaning_problems(job, spec, place, policies)


def _merged_spec(value: Mapping[str, Any], environment: str) -> dict[str, Any]:
    base = {k: v for k, v in value["spec"].items() if k != "environments"}
    found: dict[str, Any] = merged(base, value["spec"]["environments"][environment])
    return found


def _form(document: Document, environment: str, schemas: Schemas) -> Problems:
    """Return what the schema says of the spec as it is in one environment."""
    kind, value = document.value["kind"], document.value
    patches = value["spec"]["environments"]
    patch = patches[environment]
    if not isinstance(patch, dict):
        alone = {**value["spec"], "environments": {environment: patch}}
        return schemas.problems(kind, {**value, "spec": alone}, document)
    place = Merged(document, environment)
    # A patch is checked by what it makes of the spec; the other environments have their own turn.
    spec = {**_merged_spec(value, environment), "environments": {environment: {}}}
    problems = [*schemas.problems(kind, {**value, "spec": spec}, place)]
    problems += schemas.removals(kind, patch, place)
    if "environments" in patch:
        where = place.of_key(("spec",), "environments")
        problems.append(Problem(where, "an environment within an environment", "remove it"))
    return tuple(problems)
