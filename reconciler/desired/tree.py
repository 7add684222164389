"""All files of one revision to one `DesiredTree`: what is declared, and what must not be pruned.

Everything that is wrong anywhere is told at once, and nothing depends on the order of the files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.desired import policies as operators
from reconciler.desired.compose import Composed, compose, form, project_name
from reconciler.desired.documents import Document, Parsed, parsed
from reconciler.desired.holds import Draft
from reconciler.desired.policies import Operators, PolicyReading, Problems, named
from reconciler.desired.schemas import KINDS, Schemas
from reconciler.model.keys import JobKey
from reconciler.model.memory import Owned
from reconciler.model.policy import Policies
from reconciler.model.problem import Origin, Problem, suggestion
from reconciler.model.spec import DesiredJob
from reconciler.model.tree import BrokenJob, DesiredTree, FileAt, Files

OPERATORS = ("Platform", "Cluster", "Project")


@dataclass(slots=True)
class Memo:
    """What earlier readings came to, by content: an unchanged file is never parsed again.

    It may only save work: everything in it is a function of its key.
    """

    parsed: dict[tuple[str, str], Parsed] = field(default_factory=dict)
    checked: dict[tuple[str, str, int], Problems] = field(default_factory=dict)
    composed: dict[tuple[str, str, int, str], Composed] = field(default_factory=dict)
    parses: int = 0


@dataclass(frozen=True, slots=True)
class _Read:
    """The documents of known kinds, and what cannot be used.

    `spoiled` are files of which something may be declared that nobody can make out; `misplaced` are
    operators' documents where operators own nothing.
    """

    teams: tuple[Document, ...]
    operators: Operators
    spoiled: Mapping[str, Problems]
    misplaced: Mapping[str, Problems]

    @property
    def platforms(self) -> bool:
        """Return whether there is a Platform, of whatever use."""
        unsound = (d for d, _ in self.operators.unsound)
        return any(d.value["kind"] == "Platform" for d in (*self.operators.sound, *unsound))


def load(
    files: Files,
    schemas: Schemas,
    owned: Mapping[JobKey, Owned],
    platform_dir: str = "platform",
    memo: Memo | None = None,
) -> DesiredTree:
    """Return what the files declare. `owned` is what is on record of earlier rounds."""
    memo = memo if memo is not None else Memo()
    draft = Draft(owned, files.incomplete)
    read = _read(files.files, schemas, f"{platform_dir}/", memo, draft)
    reading = operators.read(read.operators, _role_owners(owned))
    draft.problems += reading.problems
    policies = reading.policies
    if policies is None:
        return _without_policies(files, read, schemas, draft, platform_dir)
    _hold_operators(read, reading, draft)
    jobs = _jobs(read.teams, reading, schemas, memo, draft)
    for path, found in (*read.spoiled.items(), *read.misplaced.items()):
        # What is declared elsewhere now is held, too: it may stand in both files.
        draft.hold_file(path, found, {k for k, job in jobs.items() if job.origin.path == path})
        draft.stop_pruning(path, policies.projects.values(), or_all=True)
    return DesiredTree(
        revision=files.revision,
        policies=policies,
        jobs={key: job for key, job in jobs.items() if key not in draft.broken},
        broken=draft.held(),
        problems=tuple(sorted(set(draft.problems))),
        incomplete=draft.incomplete,
        unpruned=draft.unpruned,
        passed_over=files.passed_over,
    )


# --- files to documents


def _read(files: Iterable[FileAt], schemas: Schemas, below: str, memo: Memo, draft: Draft) -> _Read:
    documents, spoiled = _documents(files, schemas, memo, draft)
    ours = [d for d in documents if d.value["kind"] in OPERATORS]
    misplaced: dict[str, Problems] = {}
    for document in ours:
        path = document.file.path
        if not path.startswith(below):
            misplaced[path] = (*misplaced.get(path, ()), _misplaced(document, below))
    draft.problems += (p for found in misplaced.values() for p in found)
    checked = _checked((d for d in ours if d.file.path.startswith(below)), schemas, memo)
    draft.problems += (p for _, found in checked for p in found)
    unread = tuple(p for path, found in spoiled.items() if path.startswith(below) for p in found)
    given = Operators(
        sound=tuple(d for d, found in checked if not found),
        unsound=tuple((d, found) for d, found in checked if found),
        unread=unread,
    )
    teams = tuple(d for d in documents if d.value["kind"] not in OPERATORS)
    return _Read(teams, given, spoiled, misplaced)


def _checked(
    documents: Iterable[Document], schemas: Schemas, memo: Memo
) -> list[tuple[Document, Problems]]:
    """Return documents with what their schema finds wrong, asked anew only when they changed."""
    found: list[tuple[Document, Problems]] = []
    kept: dict[tuple[str, str, int], Problems] = {}
    for document in documents:
        name = (document.file.path, document.file.blob, document.index)
        problems = memo.checked.get(name)
        if problems is None:
            problems = schemas.problems(document.value["kind"], document.value, document)
        kept[name] = problems
        found.append((document, problems))
    memo.checked = kept
    return found


def _misplaced(document: Document, below: str) -> Problem:
    kind = document.value["kind"]
    message = f"a {kind} stands below {below} only"
    return Problem(document.of(("kind",)), message, "move it there, where operators own the files")


def _documents(
    files: Iterable[FileAt], schemas: Schemas, memo: Memo, draft: Draft
) -> tuple[list[Document], dict[str, Problems]]:
    """Return documents of a known kind, and the files that cannot be trusted to be whole."""
    found: list[Document] = []
    spoiled: dict[str, Problems] = {}
    kept: dict[tuple[str, str], Parsed] = {}
    for file in sorted(files, key=lambda file: file.path):
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
    if told.fatal:
        return replace(told, documents=())
    documents: list[Document] = []
    problems = list(told.problems)
    for document in told.documents:
        problem = _unknown_kind(document)
        if problem is not None:
            problems.append(problem)
            continue
        kind = document.value["kind"]
        value = schemas.as_typed(kind, document.value, document.mark)
        documents.append(replace(document, value=_typed_patches(kind, value, document, schemas)))
    return Parsed(tuple(documents), tuple(problems), bool(problems))


def _typed_patches(kind: str, value: object, document: Document, schemas: Schemas) -> object:
    """The patch of an environment has the spec's own types, which its schema does not repeat."""
    spec = value.get("spec") if isinstance(value, dict) else None
    patches = spec.get("environments") if isinstance(spec, dict) else None
    if kind in OPERATORS or not isinstance(patches, dict):
        return value
    assert isinstance(value, dict), "a spec stands in a mapping"
    assert isinstance(spec, dict), "environments stand in a mapping"
    marks = ((document.mark.members or {})["spec"].members or {})["environments"].members or {}
    typed = {name: schemas.patch_as_typed(kind, p, marks[name]) for name, p in patches.items()}
    return {**value, "spec": {**spec, "environments": typed}}


def _unknown_kind(document: Document) -> Problem | None:
    value = document.value
    if not isinstance(value, dict):
        return Problem(document.of(), "not a document: it is no mapping", "begin it with `kind:`")
    kind = value.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return None
    if kind is None:
        hint = f"add one of {', '.join(KINDS)}"
        return Problem(document.of_key((), "kind"), "`kind` is missing", hint)
    if not isinstance(kind, str):
        return Problem(document.of(("kind",)), "`kind` is no text", suggestion("", KINDS))
    return Problem(document.of(("kind",)), f"unknown kind {kind[:60]!r}", suggestion(kind, KINDS))


# --- what operators declare


def _role_owners(owned: Mapping[JobKey, Owned]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, told in owned.items():
        found.setdefault(key.role, set()).add(told.project)
    return {role: frozenset(projects) for role, projects in found.items()}


def _without_policies(
    files: Files, read: _Read, schemas: Schemas, draft: Draft, platform_dir: str
) -> DesiredTree:
    """Without a sound Platform nothing can be meant: everything that is ours is held."""
    if (folder := _folder_below(files.files, platform_dir)) is not None:
        # Whatever else is wrong follows from reading from the wrong place.
        where, below = Origin(f"{platform_dir}/"), f"there is one in {folder}/"
        hint = f"did you mean --desired ./{folder}, or --desired git:REPO@REF:{folder}?"
        draft.problems = [Problem(where, f"there is no such folder here, and {below}", hint)]
        return _nothing(files, draft)
    for document in read.teams:
        draft.problems += form(document, schemas)
    excused = read.platforms or read.operators.unread or draft.incomplete
    if not excused:
        where = Origin(f"{platform_dir}/platform.yaml")
        draft.problems.append(Problem(where, "there is no Platform document", "write one"))
    return _nothing(files, draft)


def _folder_below(files: Iterable[FileAt], platform_dir: str) -> str | None:
    """Return the one folder that the tree begins in, where it does not begin here."""
    here, inside = f"{platform_dir}/", f"/{platform_dir}/"
    paths = [file.path for file in files]
    if any(path.startswith(here) for path in paths):
        return None
    found = {path.partition(inside)[0] for path in paths if inside in path}
    return found.pop() if len(found) == 1 else None


def _nothing(files: Files, draft: Draft) -> DesiredTree:
    problems = tuple(sorted(set(draft.problems)))
    return DesiredTree(
        revision=files.revision,
        policies=None,
        jobs={},
        broken={key: BrokenJob(key, problems) for key in sorted(draft.owned)},
        problems=problems,
        incomplete=draft.incomplete or "there is no Platform that can be used",
        unpruned={},
        passed_over=files.passed_over,
    )


def _hold_operators(read: _Read, reading: PolicyReading, draft: Draft) -> None:
    for document, _ in read.operators.unsound:
        if named(document) is None:
            draft.incomplete = draft.incomplete or f"{document.file.path} cannot be used"
    for name, problems in reading.broken.items():
        draft.hold_project(name, problems, "its Project cannot be used")
    for name, problems in reading.broken_clusters.items():
        draft.hold_cluster(name, problems)


# --- what teams declare


def _jobs(
    documents: Iterable[Document],
    reading: PolicyReading,
    schemas: Schemas,
    memo: Memo,
    draft: Draft,
) -> dict[JobKey, DesiredJob]:
    """Return what is declared; what is wrong with it goes to the draft."""
    jobs: dict[JobKey, DesiredJob] = {}
    kept: dict[tuple[str, str, int, str], Composed] = {}
    amiss: list[tuple[Document, Composed]] = []
    twice: dict[tuple[Origin, Origin], list[JobKey]] = {}
    digest, policies = reading.digest, reading.policies
    assert policies is not None, "without a Platform nothing is composed"
    for document in documents:
        name = (document.file.path, document.file.blob, document.index, digest)
        made = memo.composed.get(name) or compose(document, reading, schemas)
        kept[name] = made
        if made.problems or made.broken or made.lost:
            amiss.append((document, made))
        for job in made.jobs:
            first = jobs.setdefault(job.key, job)
            if first is not job:
                twice.setdefault((first.origin, job.origin), []).append(job.key)
    memo.composed = kept
    for (first_at, again_at), keys in twice.items():
        _hold_both(first_at, again_at, keys, draft)
    for document, made in amiss:
        _hold_document(document, made, reading, policies, jobs, draft)
    return jobs


def _hold_document(
    document: Document,
    made: Composed,
    reading: PolicyReading,
    policies: Policies,
    jobs: Mapping[JobKey, DesiredJob],
    draft: Draft,
) -> None:
    path, name = document.file.path, project_name(document)
    draft.problems += made.problems
    for key, problems in made.broken.items():
        draft.hold((key,), problems)
    if name in policies.projects:
        if made.problems:
            draft.hold_file(path, made.problems, jobs)
    else:
        # A Project that is missing while its documents are there is a mistake, no removal.
        blamed = reading.broken.get(name) or made.problems or reading.unread
        if name:
            draft.hold_project(name, blamed, f"its documents are there ({path})")
        draft.hold_file(path, blamed, jobs)
    if made.lost and name not in reading.broken:
        if name in policies.projects:
            draft.unpruned.setdefault(name, f"{path} cannot be used")
        draft.stop_pruning(path, policies.projects.values(), or_all=not name)


def _hold_both(first: Origin, again: Origin, keys: list[JobKey], draft: Draft) -> None:
    """Hold what two documents declare, and say so once at each, whatever the environments."""
    hint = "one job has one document: rename or remove one"
    what = str(keys[0]) if len(keys) == 1 else f"{keys[0]} and {len(keys) - 1} more of its name"
    told = tuple(
        Problem(here, f"{what} {'is' if len(keys) == 1 else 'are'} declared at {there}, too", hint)
        for here, there in ((again, first), (first, again))
    )
    draft.problems += told
    draft.hold(keys, told)
