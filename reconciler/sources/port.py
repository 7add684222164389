"""What the rest of the product may ask of the place where the desired state lies."""

from pathlib import Path
from typing import Protocol

from reconciler.model.tree import Files, Revision


class SourceError(Exception):
    """The tree cannot be read at all: no such directory, no such ref, git failed.

    The message is for a person: what is wrong, and what to do. A reading that was possible but
    may not be whole is no error: it is `Files` that say why they are incomplete.
    """


class Source(Protocol):
    """One place that is read again and again."""

    def read(self) -> Files:
        """Read everything at one revision; SourceError when nothing can be read."""
        ...

    def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
        """Return a revision that was read, knowing of the `asked` commits whether it descends from
        them. What nobody can tell stays out of its `asked`. No document is read for it.

        Raises SourceError when git fails.
        """
        ...

    def watched(self) -> tuple[Path, ...]:
        """Return files and folders whose change is a reason to read again; some may not exist."""
        ...
