"""The desired state as it lies in a directory, which other programs may be changing meanwhile.

A reading counts only when a scan before and a scan after it agree; where no file had to be read,
the scan that ended the last reading is as good as one before. Nothing here waits: a tree that
does not hold still is said to be incomplete.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.model.tree import FileAt, Files, Revision
from reconciler.sources.contents import Contents, Reading, standing
from reconciler.sources.port import SourceError
from reconciler.sources.repository import Repository, around, git_folders
from reconciler.sources.scan import Scan, scan
from reconciler.sources.selection import digest, is_read, none_below, root_unreadable, together

_ATTEMPTS = 3
_DOCUMENT_MODES = ("100644", "100755", "100664")


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that was checked out where a revision was read, and what documents it holds."""

    repository: Repository
    commit: str
    below: str
    held: list[tuple[str, str]]
    revision: str


class Directory:
    """A folder of documents, in a git work tree or not."""

    def __init__(self, root: Path, monotonic: Callable[[], float] = standing) -> None:
        self._root = root
        self._contents = Contents(monotonic)
        self._seen: Scan | None = None
        self._base: Base | None = None

    def read(self) -> Files:
        """Read all documents, again when they changed meanwhile, and say what is amiss."""
        try:
            return self._read()
        except OSError as fault:
            # Around the folder, where git may be: within it, faults are told one by one.
            raise SourceError(root_unreadable(self._root, fault)) from None

    def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
        """Ask git about the commit that was checked out when this was read, just before; about
        what was read earlier, and of what lies in no work tree, nobody can tell."""
        base = self._base
        if base is None or base.revision != revision.id:
            return revision
        return replace(base.repository.revision(base.commit, asked), id=revision.id)

    def _read(self) -> Files:
        before, found = self._attempt()
        for _ in range(_ATTEMPTS - 1):
            if found.steady:
                break
            before, found = self._attempt()
        amiss = list(found.amiss)
        if found.steady:
            self._seen = before
            self._contents.keep(found)
        else:
            amiss.append(f"files below {self._root} change while they are read: let them settle")
        files = found.files
        if not files:
            amiss.append(none_below(str(self._root)))
        passed_over = tuple(sorted(before.passed_over))
        return Files(Revision(self._revision(files)), files, together(amiss), passed_over)

    def watched(self) -> tuple[Path, ...]:
        """Return the folder, and what git writes at the end of a pull or a commit."""
        try:
            top = around(self._root.resolve())
            folders = git_folders(top) if top else None
        except OSError:
            folders = None
        if folders is None:
            return (self._root,)
        return (self._root, *folders.of_refs(), folders.own / "index", folders.own / "index.lock")

    def _attempt(self) -> tuple[Scan, Reading]:
        """Return what was seen, and what was read of it."""
        lock = self._lock()
        before = scan(self._root)
        found = self._contents.read(before)
        agreed = not found.opened and before == self._seen
        steady = found.steady and (agreed or scan(self._root) == before)
        amiss = found.amiss
        if lock := lock or self._lock():
            amiss += (f"git is at work here: {lock} (remove it if no git is running)",)
        return before, replace(found, amiss=amiss, steady=steady)

    def _lock(self) -> Path | None:
        """Return the file that git holds while it changes the work tree around us."""
        top = around(self._root.resolve())
        folders = git_folders(top) if top else None
        lock = folders.own / "index.lock" if folders else None
        return lock if lock and lock.exists() else None

    def _revision(self, files: tuple[FileAt, ...]) -> str:
        """Return the commit that is checked out, if what was read is what it holds; else what was
        read, as something that comes after that commit.

        Compares what was read with the commit: `git status` would pass over ignored files and
        over what a sparse checkout leaves out. A filter (line ends) or a repository with
        SHA-256 ids makes the two differ, too.
        """
        mine = [(f.path, f.blob) for f in files]
        try:
            self._base = self._committed(mine)
        except SourceError:
            # No git, or one that refuses: then this is a plain directory.
            self._base = None
        return self._base.revision if self._base is not None else digest(mine)

    def _committed(self, mine: list[tuple[str, str]]) -> Base | None:
        root = self._root.resolve()
        top = around(root)
        if top is None:
            return None
        repository = Repository(top)
        commit = repository.commit("HEAD")
        below = "" if root == top else root.relative_to(top).as_posix()
        held = self._held(repository, commit, below)
        return Base(repository, commit, below, held, commit if held == mine else digest(mine))

    def _held(self, repository: Repository, commit: str, below: str) -> list[tuple[str, str]]:
        """Return paths and ids of the documents of a commit, sorted; git is asked once for each."""
        base = self._base
        if base and (base.repository, base.commit, base.below) == (repository, commit, below):
            return base.held
        return sorted(
            (path, e.blob)
            for e in repository.entries(commit, below)
            if e.mode in _DOCUMENT_MODES and is_read(path := e.shown)
        )
