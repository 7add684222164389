"""Where each field of a document was written; of a spec that was merged, in the base or in the
patch of an environment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.desired.documents import Document, Mark
from reconciler.model.problem import Origin
from reconciler.model.spec import Authored, Layer

SPEC = ("spec",)


@dataclass(frozen=True, slots=True)
class Merged:
    """The places of a document whose spec was merged with the patch of one environment."""

    document: Document
    environment: str

    def of(self, path: tuple[Any, ...]) -> Origin:
        found = self.find(path)
        return found.origin if found is not None else self.document.of(path)

    def of_key(self, path: tuple[Any, ...], key: str) -> Origin:
        if path[:1] == SPEC:
            patch = self._patch(path[1:])
            if patch is not None and patch.keys and key in patch.keys:
                mark = patch.keys[key]
                return Origin(self.document.file.path, mark.line, mark.column)
        return self.document.of_key(path, key)

    def find(self, path: tuple[Any, ...]) -> Authored | None:
        """Return where the value at a path was written, the patch first; None when nowhere."""
        if path[:1] == SPEC and len(path) > 1:
            patch = self._patch(path[1:])
            if patch is not None:
                return Authored(Layer.ENVIRONMENT, self._origin(patch))
        mark = _inside(self.document.mark, path)
        return Authored(Layer.AUTHOR, self._origin(mark)) if mark is not None else None

    def _patch(self, path: tuple[Any, ...]) -> Mark | None:
        return _inside(self.document.mark, (*SPEC, "environments", self.environment, *path))

    def _origin(self, mark: Mark) -> Origin:
        return Origin(self.document.file.path, mark.line, mark.column)


@dataclass(frozen=True, slots=True)
class Provenance(Mapping[str, Authored]):
    """Dotted field of a job's spec → where it was written. Looked up only when someone asks.

    `part` is the part of a framework that the job is (`master`, `workers`), or empty.
    """

    merged: Merged
    part: str = ""

    def __getitem__(self, field: str) -> Authored:
        path = tuple(field.split("."))
        if self.part:
            found = self.merged.find((*SPEC, self.part, *path))
            if found is not None:
                return found
        found = self.merged.find((*SPEC, *path))
        if found is None:
            raise KeyError(field)
        return found

    def __iter__(self) -> Iterator[str]:
        named: set[str] = set()
        for mark in self._mappings():
            named |= set(mark.members or ())
        return iter(sorted(named - {"environments", "master", "workers"}))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _mappings(self) -> Iterator[Mark]:
        patch = (*SPEC, "environments", self.merged.environment)
        for start in (SPEC, patch):
            for path in (start, (*start, self.part)):
                mark = _inside(self.merged.document.mark, path)
                if mark is not None:
                    yield mark


@dataclass(frozen=True, slots=True)
class WrittenIn(Mapping[tuple[str | int, ...], Origin]):
    """Path of a field within a document's spec → where it was written. See model.policy."""

    document: Document

    def __getitem__(self, path: tuple[str | int, ...]) -> Origin:
        mark = _inside(self.document.mark, (*SPEC, *path))
        if mark is None:
            raise KeyError(path)
        return Origin(self.document.file.path, mark.line, mark.column)

    def __iter__(self) -> Iterator[tuple[str | int, ...]]:
        mark = _inside(self.document.mark, SPEC)
        return iter([]) if mark is None else _below(mark, ())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _below(mark: Mark, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    for part, member in (mark.members or {}).items():
        yield (*path, part)
        yield from _below(member, (*path, part))


def _inside(mark: Mark, path: tuple[Any, ...]) -> Mark | None:
    for part in path:
        found = (mark.members or {}).get(part)
        if found is None:
            return None
        mark = found
    return mark
