"""The desired state as it lies in a directory, which other programs may be changing meanwhile.

A reading counts only when a scan before and a scan after it agree. Symlinks are named, never
followed. Nothing here waits: a tree that does not hold still is said to be incomplete.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.model.tree import FileAt, Files, Revision
from reconciler.sources.port import SourceError
from reconciler.sources.repository import Repository, around, git_folders
from reconciler.sources.selection import (
    FILE_BYTES_MAX,
    FILES_MAX,
    a_symlink,
    bad_name,
    blob_id,
    digest,
    is_document,
    is_hidden,
    is_like_a_document,
    is_read,
    not_plain,
    shown,
    text_of,
    together,
    too_large,
    too_many,
)

_ATTEMPTS = 3
_DOCUMENT_MODES = ("100644", "100755", "100664")


@dataclass(slots=True)
class Scan:
    """What lies below a folder: a stamp for each document, what is amiss, and what looks like a
    document and is none."""

    top: bytes
    stamps: dict[str, tuple[int, ...]] = field(default_factory=dict)
    amiss: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that was checked out where a revision was read."""

    repository: Repository
    commit: str
    revision: str


class Directory:
    """A folder of documents, in a git work tree or not."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._base: Base | None = None

    def read(self) -> Files:
        """Read all documents, again when they changed meanwhile, and say what is amiss."""
        try:
            return self._read()
        except OSError as error:
            # Around the folder, where git may be: within it, faults are told one by one.
            raise SourceError(f"{self._root} cannot be read: {error.strerror}") from None

    def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
        """Ask git about the commit that was checked out when this was read, just before; about
        what was read earlier, and of what lies in no work tree, nobody can tell."""
        base = self._base
        if base is None or base.revision != revision.id:
            return revision
        return replace(base.repository.revision(base.commit, asked), id=revision.id)

    def _read(self) -> Files:
        files, amiss, steady, before = self._attempt()
        for _ in range(_ATTEMPTS - 1):
            if steady:
                break
            files, amiss, steady, before = self._attempt()
        if not steady:
            amiss.append(f"files below {self._root} change while they are read")
        if not files:
            amiss.append(f"no documents below {self._root}")
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

    def _attempt(self) -> tuple[tuple[FileAt, ...], list[str], bool, Scan]:
        """Return the documents, what is amiss, whether everything held still, and what was seen."""
        lock = self._lock()
        before = scan(self._root)
        files, amiss, steady = _contents(before)
        steady = steady and scan(self._root) == before
        if lock := lock or self._lock():
            amiss.append(f"git is at work here: {lock} (remove it if no git is running)")
        return files, amiss, steady, before

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
        held = [
            (path, e.blob)
            for e in repository.entries(commit, below)
            if e.mode in _DOCUMENT_MODES and is_read(path := e.shown)
        ]
        return Base(repository, commit, commit if sorted(held) == mine else digest(mine))


def scan(root: Path) -> Scan:
    """Return the documents below a folder with size, times and inode; symlinks are not followed."""
    # The root itself may be a symlink that is swapped as a whole: one scan stays with one target.
    top = os.path.realpath(os.fsencode(root))
    found = Scan(top)
    folders = [b""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(_joined(top, folder)))
        except OSError as error:
            if not folder:
                raise SourceError(f"{root} cannot be read: {error.strerror}") from None
            found.amiss.append(f"{shown(folder)} cannot be read: {error.strerror}")
            continue
        folders += _sort_out(found, folder, entries)
        if len(found.stamps) > FILES_MAX:
            return Scan(top, amiss=[too_many(str(root))])
    return found


def _sort_out(found: Scan, folder: bytes, entries: list[os.DirEntry[bytes]]) -> Iterator[bytes]:
    """Note what lies in one folder; yield the folders in it."""
    for entry in entries:
        path = _joined(folder, entry.name)
        told = shown(path)
        if is_hidden(told):
            continue
        if entry.is_symlink():
            if is_document(told) or not _leads_to_a_file(found.top, path):
                found.amiss.append(a_symlink(told))
        elif entry.is_dir(follow_symlinks=False):
            yield path
        elif is_document(told):
            _note(found, path, entry)
        elif is_like_a_document(told):
            found.passed_over.append(told)


def _leads_to_a_file(top: bytes, path: bytes) -> bool:
    """Return whether a symlink stays within the tree, and hides no folder of documents."""
    target = Path(os.fsdecode(os.path.realpath(_joined(top, path))))
    return target.is_relative_to(os.fsdecode(top)) and target.is_file()


def _note(found: Scan, raw: bytes, entry: os.DirEntry[bytes]) -> None:
    path = text_of(raw)
    try:
        seen = entry.stat(follow_symlinks=False)
    except OSError as error:
        found.amiss.append(f"{shown(raw)} cannot be read: {error.strerror}")
        return
    if path is None:
        found.amiss.append(bad_name(raw))
    elif not stat.S_ISREG(seen.st_mode):
        found.amiss.append(not_plain(path))
    elif seen.st_size > FILE_BYTES_MAX:
        found.amiss.append(too_large(path))
    else:
        # The time of change tells a rename there and back, which keeps all the rest.
        found.stamps[path] = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)


def _contents(seen: Scan) -> tuple[tuple[FileAt, ...], list[str], bool]:
    """Return the documents of a scan, what is amiss, and whether all were still as scanned."""
    files = []
    amiss = list(seen.amiss)
    steady = True
    for path, (size, *_) in sorted(seen.stamps.items()):
        try:
            data = _read(_joined(seen.top, path.encode()))
        except FileNotFoundError:
            steady = False
        except OSError as error:
            amiss.append(f"{path} cannot be read: {error.strerror}")
        else:
            steady = steady and len(data) == size
            files.append(FileAt(path, blob_id(data), data))
    return tuple(files), amiss, steady


def _read(path: bytes) -> bytes:
    # What was a file when it was scanned may be a symlink or a pipe by now.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def _joined(folder: bytes, name: bytes) -> bytes:
    return b"%b/%b" % (folder, name) if folder and name else folder or name
