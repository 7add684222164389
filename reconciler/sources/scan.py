"""What lies below a folder, which other programs may be changing meanwhile: seen, not yet read.

Symlinks are named, never followed.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.sources.port import SourceError
from reconciler.sources.selection import (
    FILE_BYTES_MAX,
    FILES_MAX,
    a_symlink,
    bad_name,
    is_document,
    is_hidden,
    is_like_a_document,
    not_plain,
    root_unreadable,
    shown,
    text_of,
    too_large,
    too_many,
    unreadable,
)

# Size, times of content and of change, device and inode.
Stamp = tuple[int, ...]


@dataclass(slots=True)
class Scan:
    """What lies below a folder: a stamp for each document, what is amiss, and what looks like a
    document and is none."""

    top: bytes
    stamps: dict[str, Stamp] = field(default_factory=dict)
    amiss: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def place(self, path: str) -> bytes:
        """Return where a document lies."""
        return joined(self.top, path.encode())


def scan(root: Path) -> Scan:
    """Return the documents below a folder with size, times and inode; symlinks are not followed."""
    # The root itself may be a symlink that is swapped as a whole: one scan stays with one target.
    top = os.path.realpath(os.fsencode(root))
    found = Scan(top)
    folders = [b""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(joined(top, folder)))
        except OSError as fault:
            if not folder:
                raise SourceError(root_unreadable(root, fault)) from None
            found.amiss.append(unreadable(shown(folder), fault))
            continue
        folders += _sort_out(found, folder, entries)
        if len(found.stamps) > FILES_MAX:
            return Scan(top, amiss=[too_many(str(root))])
    return found


def _sort_out(found: Scan, folder: bytes, entries: list[os.DirEntry[bytes]]) -> Iterator[bytes]:
    """Note what lies in one folder; yield the folders in it."""
    for entry in entries:
        path = joined(folder, entry.name)
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
    target = Path(os.fsdecode(os.path.realpath(joined(top, path))))
    return target.is_relative_to(os.fsdecode(top)) and target.is_file()


def _note(found: Scan, raw: bytes, entry: os.DirEntry[bytes]) -> None:
    path = text_of(raw)
    try:
        seen = entry.stat(follow_symlinks=False)
    except OSError as fault:
        found.amiss.append(unreadable(shown(raw), fault))
        return
    if path is None:
        found.amiss.append(bad_name(raw))
    elif not stat.S_ISREG(seen.st_mode):
        found.amiss.append(not_plain(path))
    elif seen.st_size > FILE_BYTES_MAX:
        found.amiss.append(too_large(path))
    else:
        # The time of change tells a rename there and back, which keeps all the rest.
        times = (seen.st_mtime_ns, seen.st_ctime_ns)
        found.stamps[path] = (seen.st_size, *times, seen.st_dev, seen.st_ino)


def joined(folder: bytes, name: bytes) -> bytes:
    """Return the path of what lies in a folder; both may be empty."""
    return b"%b/%b" % (folder, name) if folder and name else folder or name
