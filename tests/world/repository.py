"""The desired state of a world: commits in a line, one of them checked out, and what may be wrong
with the checkout.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.tree import FileAt, Files, Revision
from reconciler.sources.port import SourceError
from tests.support.site import Tree
from tests.world.intent import Content, files


@dataclass(frozen=True, slots=True)
class Commit:
    """One revision; `number` counts from 0, and a higher one contains all lower ones."""

    number: int
    id: str
    content: Content


@dataclass(frozen=True, slots=True)
class Reading:
    """One time that the reconciler looked: when (by its own clock), at what, was it whole, and is
    it forgotten, as what a preview sees."""

    at: datetime
    commit: Commit
    whole: bool
    number: int
    forgotten: bool


class Repository(Tree):
    """What a world's reconciler reads. `now` is the host's clock; `previewing` says whether it is a
    preview that looks."""

    def __init__(self, content: Content, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self.commits: list[Commit] = []
        self.readings: list[Reading] = []
        self.shown = 0
        self.half: int | None = None
        self.previewing: Callable[[], bool] = bool
        self.seen: Callable[[Reading], None] = _unseen
        self.commit(lambda _: content, content)

    @property
    def head(self) -> Content:
        return self.commits[-1].content

    def commit(self, change: Callable[[Content], Content], before: Content | None = None) -> None:
        """Commit a change of the newest content, and check that out; a pull ends with it."""
        content = change(before if before is not None else self.head)
        number = len(self.commits)
        name = hashlib.sha1(f"{number} {content}".encode()).hexdigest()
        self.commits.append(Commit(number, name, content))
        self.shown, self.half = number, None

    def of(self, revision: str) -> Commit | None:
        """Return the commit of this id."""
        return next((c for c in self.commits if c.id == revision), None)

    def read(self) -> Files:
        if self.error is not None:
            raise SourceError(self.error)
        commit = self.commits[self.shown]
        told = sorted(files(commit.content).items())
        if self.half is not None:
            told = [pair for n, pair in enumerate(told) if _came(n, *pair, self.half)]
        whole = self.half is None
        number, forgotten = len(self.readings), self.previewing()
        self.readings.append(Reading(self._now(), commit, whole, number, forgotten))
        self.seen(self.readings[-1])
        return Files(
            Revision(commit.id),
            tuple(_file(path, text) for path, text in told),
            None if whole else "files changed while they were read",
        )

    def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
        if self.error is not None:
            raise SourceError(self.error)
        commit = self.of(revision.id)
        older = frozenset(c.id for c in self.commits[: commit.number if commit else 0])
        return Revision(revision.id, older & asked, asked)


def _came(number: int, path: str, text: str, half: int) -> bool:
    """Return whether a file is there when a pull stopped; sometimes all of the platform's are."""
    del text
    return number % 3 != half % 3 or (half % 2 == 1 and path.startswith("platform/"))


def _unseen(reading: Reading) -> None:
    del reading


def _file(path: str, text: str) -> FileAt:
    data = text.encode()
    return FileAt(path, hashlib.sha1(data).hexdigest(), data)
