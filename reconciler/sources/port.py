"""What the rest of the product may ask of the place where the desired state lies."""

from pathlib import Path
from typing import Protocol

from reconciler.model.tree import Files


class SourceError(Exception):
    """The tree cannot be read at all: no such directory, no such ref, git failed.

    The message is for a person: what is wrong, and what to do. A reading that was possible but
    may not be whole is no error: it is `Files` that say why they are incomplete.
    """


class Source(Protocol):
    """One place that is read again and again."""

    def read(self, asked: frozenset[str]) -> Files:
        """Read everything at one revision, and which of the `asked` revisions it descends from.

        Raises SourceError when nothing can be read.
        """
        ...

    def watched(self) -> tuple[Path, ...]:
        """Return files and folders whose change is a reason to read again; some may not exist."""
        ...
