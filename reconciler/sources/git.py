"""The desired state as it stands in a commit, read from git's object database.

Needs no work tree, so a bare repository will do, and a half-finished checkout cannot be seen.
"""

import posixpath
from pathlib import Path

from reconciler.model.left import Left, forever
from reconciler.model.tree import FileAt, Files, Revision
from reconciler.sources.port import SourceError
from reconciler.sources.repository import Entry, Repository, git_folders
from reconciler.sources.selection import (
    FILE_BYTES_MAX,
    FILES_MAX,
    a_submodule,
    a_symlink,
    bad_name,
    is_document,
    is_hidden,
    is_like_a_document,
    none_below,
    not_held,
    root_unreadable,
    text_of,
    together,
    too_large,
    too_many,
)

_LINK = "120000"
_SUBMODULE = "160000"


class GitRef:
    """A ref of a local repository, at the folder `below` of its tree.

    Remembers its last reading: the same commit costs no more than a look at the ref, and a new
    one what it changed.
    """

    def __init__(self, repository: Path, ref: str, below: str = "", left: Left = forever) -> None:
        self._repository = Repository(repository, left)
        self._ref = _checked_ref(ref)
        self._below = _checked_folder(below)
        self._last: Files | None = None

    def read(self) -> Files:
        """Read the tree of the commit that the ref names now."""
        try:
            there = self._repository.top.is_dir()
        except OSError as fault:
            raise SourceError(root_unreadable(self._repository.top, fault)) from None
        if not there:
            raise SourceError(
                f"no such directory: {self._repository.top}; name the clone of a repository"
            )
        commit = self._repository.commit(self._ref)
        last = self._last
        if last and last.revision.id == commit and last.incomplete is None:
            return last
        files, passed_over, amiss = self._files(commit)
        self._last = Files(Revision(commit), files, together(amiss), passed_over)
        return self._last

    def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
        """Ask git, whose commits do not change."""
        return self._repository.revision(revision.id, asked)

    def watched(self) -> tuple[Path, ...]:
        """Return what git writes when a ref moves."""
        try:
            folders = git_folders(self._repository.top)
        except OSError:
            folders = None
        return folders.of_refs() if folders else (self._repository.top,)

    def _files(self, commit: str) -> tuple[tuple[FileAt, ...], tuple[str, ...], list[str]]:
        """Return the documents, what looks like one and is none, and what is amiss."""
        entries = self._repository.entries(commit, self._below)
        chosen, amiss = _chosen(entries)
        amiss += self._links(entries)
        where = f"{self._below or '/'} of {self._ref}"
        if len(chosen) > FILES_MAX:
            return (), (), [too_many(where)]
        if not chosen:
            amiss.append(none_below(where))
        contents = self._read(set(chosen.values()))
        amiss += [not_held(p) for p, blob in chosen.items() if blob not in contents]
        files = (FileAt(p, b, contents[b]) for p, b in sorted(chosen.items()) if b in contents)
        return tuple(files), _passed_over(entries), amiss

    def _links(self, entries: list[Entry]) -> list[str]:
        """Return what to say of symlinks that may hide documents: those that lead to no file."""
        links = [e for e in entries if e.mode == _LINK and not is_hidden(e.shown)]
        if not links:
            return []
        plain = {e.path for e in entries if e.mode not in (_LINK, _SUBMODULE)}
        targets = self._repository.blobs(sorted({e.blob for e in links}))
        return [
            a_symlink(e.shown)
            for e in links
            if is_document(e.shown) or _target(e.path, targets.get(e.blob, b"/")) not in plain
        ]

    def _read(self, blobs: set[str]) -> dict[str, bytes]:
        """Return the content of the blobs, asking git only for what the last reading lacked."""
        last = self._last.files if self._last else ()
        kept = {f.blob: f.data for f in last if f.blob in blobs}
        return kept | self._repository.blobs(sorted(blobs - kept.keys()))


def _chosen(entries: list[Entry]) -> tuple[dict[str, str], list[str]]:
    """Return the blob ids of the documents by path, and what is amiss with the others."""
    chosen: dict[str, str] = {}
    amiss = []
    for entry in entries:
        path = text_of(entry.path)
        if is_hidden(entry.shown) or entry.mode == _LINK:
            continue
        if entry.mode == _SUBMODULE:
            amiss.append(a_submodule(entry.shown))
        elif not is_document(entry.shown):
            continue
        elif path is None:
            amiss.append(bad_name(entry.path))
        elif (entry.size or 0) > FILE_BYTES_MAX:
            amiss.append(too_large(path))
        else:
            chosen[path] = entry.blob
    return chosen, amiss


def _passed_over(entries: list[Entry]) -> tuple[str, ...]:
    plain = (e for e in entries if e.mode not in (_LINK, _SUBMODULE) and not is_hidden(e.shown))
    return tuple(sorted(e.shown for e in plain if is_like_a_document(e.shown)))


def _target(link: bytes, target: bytes) -> bytes:
    """Return the path that a symlink leads to; what leaves the tree is no path in it."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(link), target))


def _checked_ref(ref: str) -> str:
    if not ref or ref.startswith("-") or any(c.isspace() or c < " " or c in ":?*[\\" for c in ref):
        raise ValueError(f"{ref!r} cannot be a ref: name a branch, a tag or a commit, like main")
    return ref


def _checked_folder(below: str) -> str:
    parts = below.strip("/").split("/") if below.strip("/") else []
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ValueError(f"{below!r} cannot be a folder of a commit: write it like deploy/aurora")
    return "/".join(parts)
