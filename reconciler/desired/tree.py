"""All files of one revision to one `DesiredTree`: what is declared, and what must not be pruned.

A file that cannot be read must never look like a deletion. What it declared when it was last
applied is held; what it may have declared since cannot be known, so the projects that may write
there do not prune.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.desired import policies as operators
from reconciler.desired.compose import Composed, compose, matches_sources
from reconciler.desired.documents import Document, Parsed, parsed
from reconciler.desired.schemas import KINDS, Schemas, suggestion
from reconciler.model.keys import JobKey
from reconciler.model.memory import Owned
from reconciler.model.policy import Policies
from reconciler.model.problem import Origin, Problem
from reconciler.model.spec import DesiredJob
from reconciler.model.tree import BrokenJob, DesiredTree, FileAt, Files

OPERATORS = ("Platform", "Cluster", "Project")
API = "reconciler/v1"


@dataclass(slots=True)
class Memo:
    """What earlier readings came to, by content: an unchanged file is never parsed again.

    It may only save work: everything in it is a function of its key.
    """

    parsed: dict[tuple[str, str], Parsed] = field(default_factory=dict)
    composed: dict[tuple[str, str, int, str], Composed] = field(default_factory=dict)
    parses: int = 0


@dataclass(slots=True)
class _Draft:
    """What is found while reading; becomes a tree when all of it is known."""

    problems: list[Problem] = field(default_factory=list)
    broken: dict[JobKey, list[Problem]] = field(default_factory=dict)
    unpruned: dict[str, str] = field(default_factory=dict)
    incomplete: str | None = None

    def hold(self, keys: Iterable[JobKey], problems: Iterable[Problem]) -> None:
        for key in keys:
            self.broken.setdefault(key, []).extend(problems)


def load(
    files: Files,
    schemas: Schemas,
    owned: Mapping[JobKey, Owned],
    platform_dir: str = "platform",
    memo: Memo | None = None,
) -> DesiredTree:
    """Return what the files declare. `owned` is what is on record of earlier rounds."""
    memo = memo if memo is not None else Memo()
    draft = _Draft(incomplete=files.incomplete)
    documents, spoiled = _documents(files.files, schemas, memo, draft)
    ours = [d for d in documents if d.value["kind"] in OPERATORS]
    draft.problems += _misplaced(ours, platform_dir)
    sound, unsound = _sound(ours, schemas, platform_dir, draft)
    reading = operators.read(sound, _role_owners(owned), _named("Cluster", unsound))
    draft.problems += reading.problems
    policies = reading.policies
    if policies is None:
        return _without_policies(files, draft, owned, bool(unsound))
    _hold_broken_projects(reading, unsound, draft, owned)
    teams = [d for d in documents if d.value["kind"] not in OPERATORS]
    unusable = _named("Project", unsound) | reading.broken.keys()
    jobs = _jobs(teams, policies, _Composer(schemas, memo, frozenset(unusable)), draft)
    for path, found in spoiled.items():
        _hold_file(path, found, policies, owned, draft)
    _hold_orphans(documents, policies, reading.broken, owned, draft)
    return DesiredTree(
        revision=files.revision,
        policies=policies,
        jobs=jobs,
        broken=_broken(draft, jobs),
        problems=tuple(sorted(set(draft.problems))),
        incomplete=draft.incomplete,
        unpruned=draft.unpruned,
    )


def _documents(
    files: Iterable[FileAt], schemas: Schemas, memo: Memo, draft: _Draft
) -> tuple[list[Document], dict[str, tuple[Problem, ...]]]:
    """Return documents of a known kind, and the files that cannot be trusted to be whole."""
    found: list[Document] = []
    spoiled: dict[str, tuple[Problem, ...]] = {}
    kept: dict[tuple[str, str], Parsed] = {}
    for file in files:
        name = (file.path, file.blob)
        told = memo.parsed.get(name)
        if told is None:
            told = _typed(parsed(file), schemas)
            memo.parses += 1
        kept[name] = told
        draft.problems += told.problems
        if told.fatal:
            spoiled[file.path] = told.problems
        found += told.documents
    memo.parsed = kept
    return found, spoiled


def _typed(told: Parsed, schemas: Schemas) -> Parsed:
    """Return the documents of a known kind with text where text is wanted; the rest are problems.

    A document whose kind nobody can make out spoils its file: what it declares is unknown.
    """
    documents: list[Document] = []
    problems = list(told.problems)
    for document in told.documents:
        problem = _unknown_kind(document)
        if problem is not None:
            problems.append(problem)
            continue
        kind = document.value["kind"]
        value = schemas.as_typed(kind, document.value, document.mark)
        value = _typed_patches(kind, value, document, schemas)
        documents.append(Document(document.file, document.index, value, document.mark))
    if told.fatal:
        documents = []
    return Parsed(tuple(documents), tuple(problems), bool(problems))


def _typed_patches(kind: str, value: object, document: Document, schemas: Schemas) -> object:
    """The patch of an environment has the spec's own types, which its schema does not repeat."""
    spec = value.get("spec") if isinstance(value, dict) else None
    patches = spec.get("environments") if isinstance(spec, dict) else None
    if kind in OPERATORS or not isinstance(patches, dict):
        return value
    assert isinstance(value, dict)
    assert isinstance(spec, dict)
    marks = ((document.mark.members or {})["spec"].members or {})["environments"].members or {}
    typed = {name: schemas.patch_as_typed(kind, p, marks[name]) for name, p in patches.items()}
    return {**value, "spec": {**spec, "environments": typed}}


def _unknown_kind(document: Document) -> Problem | None:
    value = document.value
    if not isinstance(value, dict):
        return Problem(
            document.of(), "not a document: a mapping is needed", "begin it with `kind:`"
        )
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        where = document.of(("kind",))
        if kind is None:
            return Problem(where, "`kind` is missing", f"it is one of {', '.join(KINDS)}")
        return Problem(where, f"unknown kind {kind!r}", suggestion(str(kind), KINDS))
    return None


def _misplaced(documents: Iterable[Document], platform_dir: str) -> list[Problem]:
    return [
        Problem(
            d.of(("kind",)),
            f"a {d.value['kind']} stands below {platform_dir}/ only",
            "operators own those",
        )
        for d in documents
        if not d.file.path.startswith(f"{platform_dir}/")
    ]


def _sound(
    documents: Iterable[Document], schemas: Schemas, platform_dir: str, draft: _Draft
) -> tuple[list[Document], list[tuple[Document, tuple[Problem, ...]]]]:
    sound: list[Document] = []
    unsound = []
    for document in documents:
        if not document.file.path.startswith(f"{platform_dir}/"):
            continue
        problems = schemas.problems(document.value["kind"], document.value, document)
        draft.problems += problems
        if problems:
            unsound.append((document, problems))
        else:
            sound.append(document)
    return sound, unsound


def _role_owners(owned: Mapping[JobKey, Owned]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, told in owned.items():
        found.setdefault(key.role, set()).add(told.project)
    return {role: frozenset(projects) for role, projects in found.items()}


def _without_policies(
    files: Files, draft: _Draft, owned: Mapping[JobKey, Owned], unsound: bool
) -> DesiredTree:
    """Without a sound Platform nothing can be meant: everything that is ours is held."""
    if not draft.problems and not unsound and files.incomplete is None:
        draft.problems.append(
            Problem(
                Origin("platform/platform.yaml"),
                "there is no Platform document",
                "write one, or look at the sample with `reconcile validate`",
            )
        )
    problems = tuple(sorted(set(draft.problems)))
    return DesiredTree(
        revision=files.revision,
        policies=None,
        jobs={},
        broken={key: BrokenJob(key, problems) for key in owned},
        problems=problems,
        incomplete=draft.incomplete or "there is no Platform that can be used",
        unpruned={},
    )


def _hold_broken_projects(
    reading: operators.PolicyReading,
    unsound: Iterable[tuple[Document, tuple[Problem, ...]]],
    draft: _Draft,
    owned: Mapping[JobKey, Owned],
) -> None:
    broken = dict(reading.broken)
    for document, problems in unsound:
        metadata = document.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(name, str):
            draft.incomplete = draft.incomplete or f"{document.file.path} cannot be used"
        elif document.value["kind"] == "Project":
            broken[name] = problems
    for name, problems in broken.items():
        draft.hold((k for k, told in owned.items() if told.project == name), problems)
        draft.unpruned[name] = "its Project cannot be used"


def _named(kind: str, documents: Iterable[tuple[Document, object]]) -> frozenset[str]:
    """Return the names of these documents of a kind, as far as they have one."""
    found = set()
    for document, _ in documents:
        metadata = document.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if document.value["kind"] == kind and isinstance(name, str):
            found.add(name)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Composer:
    """What composing needs beside document and policies."""

    schemas: Schemas
    memo: Memo
    unusable: frozenset[str]


def _jobs(
    documents: Iterable[Document], policies: Policies, composer: _Composer, draft: _Draft
) -> dict[JobKey, DesiredJob]:
    jobs: dict[JobKey, DesiredJob] = {}
    kept: dict[tuple[str, str, int, str], Composed] = {}
    digest = f"{policies.digest} {sorted(composer.unusable)}"
    for document in documents:
        file = document.file
        name = (file.path, file.blob, document.index, digest)
        made = composer.memo.composed.get(name)
        if made is None:
            made = compose(document, policies, composer.schemas, composer.unusable)
        kept[name] = made
        draft.problems += made.problems
        for key, problems in made.broken.items():
            draft.hold((key,), problems)
        for job in made.jobs:
            _add(jobs, job, draft)
    composer.memo.composed = kept
    return {key: job for key, job in jobs.items() if key not in draft.broken}


def _add(jobs: dict[JobKey, DesiredJob], job: DesiredJob, draft: _Draft) -> None:
    first = jobs.setdefault(job.key, job)
    if first is job:
        return
    hint = "one job has one document"
    told = (
        Problem(job.origin, f"{job.key} is declared at {first.origin}, too", hint),
        Problem(first.origin, f"{job.key} is declared at {job.origin}, too", hint),
    )
    draft.problems += told
    draft.hold((job.key,), told)


def _hold_file(
    path: str,
    problems: tuple[Problem, ...],
    policies: Policies,
    owned: Mapping[JobKey, Owned],
    draft: _Draft,
) -> None:
    draft.hold((key for key, told in owned.items() if told.path == path), problems)
    projects = [p.name for p in policies.projects.values() if matches_sources(path, p)]
    for name in projects:
        draft.unpruned.setdefault(name, f"{path} cannot be read")
    if not projects:
        draft.incomplete = draft.incomplete or f"{path} cannot be read"


def _hold_orphans(
    documents: Iterable[Document],
    policies: Policies,
    broken: Mapping[str, tuple[Problem, ...]],
    owned: Mapping[JobKey, Owned],
    draft: _Draft,
) -> None:
    """A Project that is missing while its documents are there is a mistake, not a removal."""
    for document in documents:
        if document.value["kind"] in OPERATORS:
            continue
        metadata = document.value.get("metadata")
        name = metadata.get("project") if isinstance(metadata, dict) else None
        if isinstance(name, str) and name in policies.projects:
            continue
        problems = broken.get(str(name)) or (
            Problem(document.of(("metadata", "project")), f"there is no project {name!r}"),
        )
        keys = [k for k, o in owned.items() if o.project == name or o.path == document.file.path]
        draft.hold(keys, problems)
        draft.unpruned.setdefault(str(name), f"its documents are there ({document.file.path})")


def _broken(draft: _Draft, jobs: Mapping[JobKey, DesiredJob]) -> dict[JobKey, BrokenJob]:
    """A job that a sound document declares is not broken because its old file is."""
    return {
        key: BrokenJob(key, tuple(sorted(set(problems))))
        for key, problems in draft.broken.items()
        if key not in jobs
    }
