"""From the word that names a source to the source."""

import re
from collections.abc import Callable
from pathlib import Path

from reconciler.model.address import redacted
from reconciler.model.left import Left, forever
from reconciler.sources.contents import standing
from reconciler.sources.directory import Directory
from reconciler.sources.git import GitRef
from reconciler.sources.port import Source

_EXAMPLES = "write a directory like ./desired-state, or git:/srv/platform.git@main:deploy"
_REMOTE = re.compile(r"(git:)?([a-z][a-z0-9+.-]*://|git@[\w-]+\.[\w.-]+:)")


def open_source(
    where: str, left: Left = forever, monotonic: Callable[[], float] = standing
) -> Source:
    """Return the source for `DIR`, `PATH@REF[:SUBDIR]` or `git:PATH@REF[:SUBDIR]`.

    A directory that exists is meant as such, `@` in its name or not. ValueError for what cannot
    be meant; whether the place exists is found out by reading. `left` bounds how long git may take.
    Who reads again and again gives a clock that is never set: then what does not change is kept.
    """
    if not where.strip() or "\0" in where:
        raise ValueError(f"the desired state has no place: {_EXAMPLES}")
    if _REMOTE.match(where):
        shown = redacted(where)
        raise ValueError(f"{shown!r} is remote: clone it and name the clone; {_EXAMPLES}")
    if not where.startswith("git:") and ("@" not in where or _is_directory(where)):
        return Directory(Path(where), monotonic)
    path, at, rest = where.removeprefix("git:").rpartition("@")
    if not at or not path:
        raise ValueError(f"{where!r} names no repository and ref: {_EXAMPLES}")
    ref, _, below = rest.partition(":")
    try:
        return GitRef(Path(path), ref, below, left)
    except ValueError as fault:
        raise ValueError(f"{where!r}: {fault}; {_EXAMPLES}") from None


def _is_directory(where: str) -> bool:
    try:
        return Path(where).is_dir()
    except OSError:
        # Too long, or in a place that is closed to us: reading says so.
        return False
