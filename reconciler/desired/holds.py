"""What is held while the desired state is read, and what may not be pruned.

A file that cannot be read must never look like a deletion. What it declared when it was last
applied is held; what it may have declared since cannot be known, so the projects that may write
there do not prune.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.desired.compose import matches_sources
from reconciler.model.keys import JobKey
from reconciler.model.memory import Owned
from reconciler.model.policy import Project
from reconciler.model.problem import Problem
from reconciler.model.tree import BrokenJob


@dataclass(slots=True)
class Draft:
    """What is found while reading; becomes a tree when all of it is known.

    `owned` is what is on record of earlier rounds.
    """

    owned: Mapping[JobKey, Owned]
    incomplete: str | None = None
    problems: list[Problem] = field(default_factory=list)
    broken: dict[JobKey, list[Problem]] = field(default_factory=dict)
    unpruned: dict[str, str] = field(default_factory=dict)

    def hold(self, keys: Iterable[JobKey], problems: Iterable[Problem]) -> None:
        """Hold jobs, with the reasons."""
        told = tuple(problems)
        for key in keys:
            self.broken.setdefault(key, []).extend(told)

    def hold_project(self, name: str, problems: Iterable[Problem], why: str) -> None:
        """Hold every job of a project on record, and prune none."""
        self.hold((k for k, told in self.owned.items() if told.project == name), problems)
        self.unpruned.setdefault(name, why)

    def hold_cluster(self, name: str, problems: Iterable[Problem]) -> None:
        """Hold every job on a cluster."""
        self.hold((k for k in self.owned if k.cluster == name), problems)

    def hold_file(self, path: str, problems: Iterable[Problem], sound: Container[JobKey]) -> None:
        """Hold what a file declared when it was last applied, except what is sound."""
        here = (k for k, told in self.owned.items() if told.path == path)
        self.hold((k for k in here if k not in sound), problems)

    def stop_pruning(self, path: str, projects: Iterable[Project], *, or_all: bool) -> None:
        """Prune no job that may be declared in a file of which nobody knows what it declares.

        With `or_all`, prune nothing at all when it lies in no project's sources.
        """
        names = [p.name for p in projects if matches_sources(path, p)]
        for name in names:
            self.unpruned.setdefault(name, f"{path} cannot be used")
        if or_all and not names:
            self.incomplete = self.incomplete or f"{path} cannot be used"

    def held(self) -> dict[JobKey, BrokenJob]:
        """Return every job that is held; what is wrong in its own file comes first."""
        return {k: BrokenJob(k, self._told(k, p)) for k, p in sorted(self.broken.items())}

    def _told(self, key: JobKey, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        path = self.owned[key].path if key in self.owned else ""
        return tuple(sorted(set(problems), key=lambda p: (p.origin.path != path, p)))
