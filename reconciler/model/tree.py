"""What one revision of the desired state declares, and how far it can be trusted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.keys import JobKey
from reconciler.model.policy import Policies
from reconciler.model.problem import Problem
from reconciler.model.spec import DesiredJob

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Revision:
    """What was read: a commit id, or `files:<digest>` for a plain directory.

    Of the revisions that were `asked` about, `ancestors` are those that this one descends from.
    """

    id: str
    ancestors: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()

    @staticmethod
    def is_commit(revision: str) -> bool:
        """Return whether a revision is a commit, of which a history can tell."""
        return _COMMIT.fullmatch(revision) is not None

    def descends_from(self, other: str) -> bool | None:
        """Return whether `other` is this or came before; None when nobody can tell."""
        if other == self.id:
            return True
        return other in self.ancestors if other in self.asked else None


@dataclass(frozen=True, slots=True)
class FileAt:
    """One file of the desired state: path below the root with `/`, content id, content."""

    path: str
    blob: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Files:
    """One reading of a source. `incomplete` says why it must not be trusted to be whole.

    `passed_over` are files that an author may believe to be documents, by their names.
    """

    revision: Revision
    files: tuple[FileAt, ...]
    incomplete: str | None = None
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenJob:
    """A job whose document is there but cannot be used: held, with the reasons, never pruned."""

    key: JobKey
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class DesiredTree:
    """All that is declared. Pruning needs more than absence from `jobs`:

    `incomplete` (the reading cannot be trusted) stops every prune; `unpruned` names projects whose
    prunes must wait, with the reason; a key in `broken` is declared all the same.
    """

    revision: Revision
    policies: Policies | None
    jobs: Mapping[JobKey, DesiredJob]
    broken: Mapping[JobKey, BrokenJob]
    problems: tuple[Problem, ...]
    incomplete: str | None = None
    unpruned: Mapping[str, str] | None = None
    passed_over: tuple[str, ...] = ()
