"""YAML to plain values, bounded, with the place of every value.

PyYAML's C parser yields events; the builder here makes values of them. It refuses what no document
of ours needs and what people fall over: duplicate keys, aliases, tags, depth without end. A plain
scalar is a number, a boolean or null only where JSON says so: `yes`, `on`, `012` and `1:30` stay
the text that the author typed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from reconciler.model.problem import Origin, Problem
from reconciler.model.tree import FileAt

DEPTH_MAX = 32
SCALAR_MAX = 65_536
NODES_MAX = 100_000
DOCUMENTS_MAX = 500

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?(?:[eE][-+]?[0-9]{1,3})?")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Mark:
    """Where a value stands. `text` is what was typed of a plain scalar; `members` are inside.

    Of a mapping, `members` maps a key to the mark of its value, and `keys` to that of the key.
    """

    line: int
    column: int
    text: str | None = None
    members: dict[Any, "Mark"] | None = None
    keys: dict[str, "Mark"] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value, which may be anything yet, and the places in it."""

    file: FileAt
    index: int
    value: Any
    mark: Mark

    def of(self, path: tuple[Any, ...] = ()) -> Origin:
        """Return the place of a value; the nearest enclosing one when there is no such value."""
        mark = self.mark
        for part in path:
            found = (mark.members or {}).get(part)
            if found is None:
                break
            mark = found
        return Origin(self.file.path, mark.line, mark.column)

    def of_key(self, path: tuple[Any, ...], key: str) -> Origin:
        """Return the place of a key within the mapping at `path`."""
        mark: Mark | None = self.mark
        for part in path:
            mark = (mark.members or {}).get(part) if mark is not None else None
        found = (mark.keys or {}).get(key) if mark is not None else None
        if found is None:
            return self.of(path)
        return Origin(self.file.path, found.line, found.column)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one file holds. With `fatal` problems, no document of it can be trusted."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    fatal: bool = False


class _RefusedError(Exception):
    """Something that no document of ours may hold."""

    def __init__(self, mark: Any, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.mark, self.message, self.hint = mark, message, hint


def parsed(file: FileAt) -> Parsed:
    """Return the documents of a file, or why it cannot be read. Never raises for its content."""
    try:
        text = file.data.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = file.data.count(b"\n", 0, fault.start) + 1
        return _fatal(Origin(file.path, line, 1), "not UTF-8", "save it as UTF-8")
    builder = _Builder(file)
    try:
        return Parsed(tuple(builder.documents(text)), tuple(builder.problems), bool(builder.fatal))
    except _RefusedError as fault:
        return _fatal(_at(file, fault.mark), fault.message, fault.hint)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        words = " ".join(w for w in (fault.context, fault.problem) if w)
        return _fatal(_at(file, mark), f"not YAML: {words}", "mend the syntax")
    except yaml.YAMLError as fault:
        return _fatal(Origin(file.path), f"not YAML: {str(fault).splitlines()[0]}", "")
    except RecursionError:
        return _fatal(Origin(file.path), "nested too deeply", "flatten it")


def _fatal(origin: Origin, message: str, hint: str) -> Parsed:
    return Parsed((), (Problem(origin, message, hint),), fatal=True)


def _at(file: FileAt, mark: Any) -> Origin:
    return Origin(file.path, mark.line + 1, mark.column + 1) if mark else Origin(file.path)


class _Builder:
    """Makes values of the events of one file. Duplicate keys are reported, and reading goes on."""

    def __init__(self, file: FileAt) -> None:
        self._file = file
        self._nodes = 0
        self._events: Iterator[Any] = iter(())
        self.problems: list[Problem] = []
        self.fatal = False

    def documents(self, text: str) -> Iterator[Document]:
        self._events = yaml.parse(text, Loader=_Loader)
        index = 0
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if index >= DOCUMENTS_MAX:
                raise _RefusedError(event.start_mark, f"more than {DOCUMENTS_MAX} documents")
            value, mark = self._value(next(self._events), 0)
            if value is not None:
                yield Document(self._file, index, value, mark)
                index += 1

    def _value(self, event: Any, depth: int) -> tuple[Any, Mark]:
        self._check(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(mark, depth)
        assert isinstance(event, yaml.MappingStartEvent), event
        return self._mapping(mark, depth)

    def _check(self, event: Any, depth: int) -> None:
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent):
            raise _RefusedError(event.start_mark, "an alias", "write the value out")
        if event.anchor:
            raise _RefusedError(event.start_mark, "an anchor", "write the value where it is used")
        if event.tag is not None and event.tag != "!":
            raise _RefusedError(event.start_mark, f"the tag {event.tag}", "leave it out")
        if depth > DEPTH_MAX:
            raise _RefusedError(event.start_mark, f"more than {DEPTH_MAX} levels", "flatten it")
        if self._nodes > NODES_MAX:
            raise _RefusedError(event.start_mark, f"more than {NODES_MAX} values", "split the file")

    def _scalar(self, event: Any) -> tuple[Any, Mark]:
        text = event.value
        mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        if len(text) > SCALAR_MAX:
            raise _RefusedError(event.start_mark, f"text of more than {SCALAR_MAX} characters")
        if not event.implicit[0]:
            return text, mark
        mark.text = text
        return _typed(text), mark

    def _sequence(self, mark: Mark, depth: int) -> tuple[list[Any], Mark]:
        values: list[Any] = []
        mark.members = {}
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            value, mark.members[len(values)] = self._value(event, depth + 1)
            values.append(value)
        return values, mark

    def _mapping(self, mark: Mark, depth: int) -> tuple[dict[str, Any], Mark]:
        values: dict[str, Any] = {}
        mark.members, mark.keys = {}, {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise _RefusedError(event.start_mark, "a key that is no text", "quote it")
            self._check(event, depth)
            key, place = event.value, cast(Any, event.start_mark)
            if key == "<<" and event.implicit[0]:
                raise _RefusedError(place, "a merge key `<<`", "write the values out")
            value, member = self._value(next(self._events), depth + 1)
            here = Mark(place.line + 1, place.column + 1)
            if key in values:
                self._duplicate(key, here, mark.keys[key])
                continue
            values[key], mark.members[key], mark.keys[key] = value, member, here
        return values, mark

    def _duplicate(self, key: str, here: Mark, first: Mark) -> None:
        origin = Origin(self._file.path, here.line, here.column)
        where = f"line {first.line}, column {first.column}"
        self.problems.append(
            Problem(origin, f"the key {key!r} is already at {where}", "keep one of them")
        )
        self.fatal = True


def _typed(text: str) -> Any:
    if text.lower() in WORDS and text in (text.lower(), text.title(), text.upper()):
        return WORDS[text.lower()]
    if INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        return float(text)
    return text
