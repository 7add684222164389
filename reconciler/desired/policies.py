"""The operators' documents, read together: Platform, Clusters and Projects to one `Policies`.

What cannot be used holds its scope: a Platform everything, a Cluster the jobs on it, a Project its
own. Nobody else is blamed for it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.desired import clusters, platforms, projects
from reconciler.desired.documents import Document
from reconciler.model.policy import Cluster, Platform, Policies, Project
from reconciler.model.problem import Problem

Problems = tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Operators:
    """The operators' documents: sound by their schema, or not and why.

    `unread` is why some of their files cannot be read at all: what those declare nobody knows.
    """

    sound: tuple[Document, ...]
    unsound: tuple[tuple[Document, Problems], ...] = ()
    unread: Problems = ()


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """What the operators' documents came to.

    `policies` is None without one sound Platform. `broken` and `broken_clusters` name projects and
    clusters that are there but cannot be used, with the reasons. A project may use such a cluster.
    """

    policies: Policies | None
    problems: Problems
    broken: Mapping[str, Problems]
    broken_clusters: Mapping[str, Problems]
    unread: Problems = ()

    @property
    def digest(self) -> str:
        """Return what names all of this: composing a document depends on nothing else."""
        told = [self.policies.digest if self.policies is not None else "", *map(str, self.unread)]
        for found in (self.broken, self.broken_clusters):
            told += [f"{name}: {found[name]}" for name in sorted(found)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def read(given: Operators, role_owners: Mapping[str, frozenset[str]]) -> PolicyReading:
    """Return the policies. `role_owners` tells which projects have jobs in a role on record."""
    platform, problems = _platform(given)
    usable, broken_clusters = _clusters(given)
    problems += _found(broken_clusters, _unsound(given, "Cluster"))
    if platform is None:
        return PolicyReading(None, tuple(problems), {}, broken_clusters, given.unread)
    ours, broken = _projects(given, platform, {*usable, *broken_clusters}, role_owners)
    problems += _found(broken, _unsound(given, "Project"))
    for project in ours.values():
        for name in project.environments.values():
            if name not in usable:
                broken_clusters.setdefault(name, given.unread)
    policies = Policies(platform, usable, ours, _digest(given.sound))
    return PolicyReading(policies, tuple(problems), broken, broken_clusters, given.unread)


def named(document: Document) -> str | None:
    """Return the name that a document gives itself, if it has one."""
    metadata = document.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None


def _found(broken: Mapping[str, Problems], known: Mapping[str, Problems]) -> list[Problem]:
    """Return problems that are not known from the schema already."""
    return [p for name, found in broken.items() if name not in known for p in found]


def _digest(documents: Iterable[Document]) -> str:
    told = sorted(f"{d.file.path} {d.file.blob} {d.index}" for d in documents)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _of(given: Operators, kind: str) -> list[Document]:
    return [d for d in given.sound if d.value["kind"] == kind]


def _unsound(given: Operators, kind: str) -> dict[str, Problems]:
    told = ((named(d), p) for d, p in given.unsound if d.value["kind"] == kind)
    return {name: found for name, found in told if name is not None}


def _platform(given: Operators) -> tuple[Platform | None, list[Problem]]:
    found = _of(given, "Platform")
    problems = [
        Problem(d.of(("kind",)), f"one of {len(found)} Platforms; {_others(d, found)}", "keep one")
        for d in found
        if len(found) > 1
    ]
    if len(found) != 1 or any(d.value["kind"] == "Platform" for d, _ in given.unsound):
        return None, problems
    platform = platforms.platform_of(found[0])
    problems += platforms.platform_problems(found[0], platform)
    return (None if problems else platform), problems


def _others(document: Document, found: Sequence[Document]) -> str:
    places = [str(d.of(("kind",))) for d in found if d is not document]
    return f"there is one at {places[0]}, too" + (
        f" (and {len(places) - 1} more)" if places[1:] else ""
    )


def _clusters(given: Operators) -> tuple[dict[str, Cluster], dict[str, Problems]]:
    documents, broken = _unique(_of(given, "Cluster"))
    broken |= _unsound(given, "Cluster")
    usable: dict[str, Cluster] = {}
    for name, document in documents.items():
        if found := tuple(clusters.cluster_problems(document)):
            broken.setdefault(name, found)
        elif name not in broken:
            usable[name] = clusters.cluster_of(document)
    return usable, broken


def _projects(
    given: Operators,
    platform: Platform,
    known: Iterable[str],
    role_owners: Mapping[str, frozenset[str]],
) -> tuple[dict[str, Project], dict[str, Problems]]:
    documents, broken = _unique(_of(given, "Project"))
    broken |= _unsound(given, "Project")
    # Which clusters an unreadable file declares is not known: then any name may be right.
    names = None if given.unread else sorted(known)
    everyone = (*_of(given, "Project"), *(d for d, _ in given.unsound))
    clashes = _role_clashes(everyone, role_owners)
    usable: dict[str, Project] = {}
    for name, document in documents.items():
        found = [*projects.project_problems(document, platform, names), *clashes.get(name, ())]
        if found:
            broken.setdefault(name, tuple(found))
        elif name not in broken:
            usable[name] = projects.project_of(document, platform)
    return usable, broken


def _unique(documents: Iterable[Document]) -> tuple[dict[str, Document], dict[str, Problems]]:
    """Return documents by name, and the names that stand twice: none of those can be meant."""
    seen: dict[str, Document] = {}
    twice: dict[str, Problems] = {}
    for document in documents:
        name = document.value["metadata"]["name"]
        first = seen.setdefault(name, document)
        if first is not document:
            told = (_twice(document, first), _twice(first, document))
            twice[name] = (*twice.get(name, ()), *told)
    return {name: d for name, d in seen.items() if name not in twice}, twice


def _twice(document: Document, other: Document) -> Problem:
    """Neither is more wrong than the other: which was meant, nobody knows."""
    where, there = (d.of(("metadata", "name")) for d in (document, other))
    kind, name = document.value["kind"], document.value["metadata"]["name"]
    message = f"{kind} {name!r} is declared at {there}, too"
    return Problem(where, message, "keep one, or rename one")


def _role_clashes(
    documents: Iterable[Document], role_owners: Mapping[str, frozenset[str]]
) -> dict[str, Problems]:
    """A role belongs to one project: whoever has jobs in it on record goes on."""
    claims: dict[str, dict[str, Document]] = {}
    for document in documents:
        role, name = projects.role_of(document), named(document)
        if role is not None and name is not None:
            claims.setdefault(role, {})[name] = document
    return dict(
        clash
        for role, found in claims.items()
        if len(found) > 1
        for clash in _newcomers(role, found, role_owners.get(role, frozenset()))
    )


def _newcomers(
    role: str, claims: Mapping[str, Document], owners: frozenset[str]
) -> Iterator[tuple[str, Problems]]:
    recorded = sorted(owners & claims.keys())
    for name, document in claims.items():
        if recorded == [name]:
            continue
        others = ", ".join(sorted(n for n in claims if n != name))
        spec = document.value.get("spec")
        declares = isinstance(spec, dict) and "role" in spec
        path = ("spec", "role") if declares else ("metadata", "name")
        message = f"role {role!r} is claimed by {others}, too"
        hint = "one role belongs to one project: choose another `role:`"
        yield name, (Problem(document.of(path), message, hint),)
