"""The contents of what was seen; what was read before and surely lies there still is kept.

A change shows in a file's stamp once the clock of the file system has ticked: two changes within a
tick leave the same stamp, and the first of them may be what was read. So a content is kept only if
its stamp had stood longer than any tick when it was read. How long is counted by a clock of ours
that is never set; what the clock of the file system tells is compared with nothing but itself.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.model.tree import FileAt
from reconciler.sources.scan import Scan, Stamp
from reconciler.sources.selection import FILE_BYTES_MAX, blob_id, unreadable

# FAT's, which is the longest, is two seconds.
TICK_S = 2.0


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was read, the stamp that it had, and since when that has been seen on it.

    `settled`: whatever is written to it from then on gives it another stamp.
    """

    file: FileAt
    stamp: Stamp
    since_s: float
    settled: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """The documents of one scan, what is amiss, and whether all were still as scanned.

    `opened` counts the files that had to be read for it.
    """

    documents: Mapping[str, Document]
    amiss: tuple[str, ...]
    steady: bool
    opened: int

    @property
    def files(self) -> tuple[FileAt, ...]:
        """Return the files, in the order of their paths."""
        return tuple(document.file for document in self.documents.values())


def standing() -> float:
    """The time of who reads but once: nothing is kept for him."""
    return 0.0


class Contents:
    """Reads documents. Files that have not changed since an earlier reading are not opened."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: Mapping[str, Document] = {}

    def read(self, seen: Scan) -> Reading:
        """Return the documents of a scan that has just been made."""
        now_s = self._monotonic()
        found: dict[str, Document] = {}
        amiss = list(seen.amiss)
        opened, steady = 0, True
        for path, stamp in sorted(seen.stamps.items()):
            kept = self._unchanged(path, stamp)
            if kept is not None and kept.settled:
                found[path] = kept
                continue
            opened += 1
            try:
                data = _read(seen.place(path))
            except FileNotFoundError:
                steady = False
            except OSError as fault:
                amiss.append(unreadable(path, fault))
            else:
                size, *_ = stamp
                steady = steady and len(data) == size
                since_s = kept.since_s if kept is not None else now_s
                file = FileAt(path, blob_id(data), data)
                found[path] = Document(file, stamp, since_s, now_s - since_s > TICK_S)
        return Reading(found, tuple(amiss), steady, opened)

    def _unchanged(self, path: str, stamp: Stamp) -> Document | None:
        kept = self._kept.get(path)
        return kept if kept is not None and kept.stamp == stamp else None

    def keep(self, reading: Reading) -> None:
        """Keep what was read while nothing changed: the stamps are those of the contents."""
        self._kept = reading.documents


def _read(path: bytes) -> bytes:
    # What was a file when it was scanned may be a symlink or a pipe by now.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(FILE_BYTES_MAX + 1)
