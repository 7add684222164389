"""YAML to plain values, bounded, with the place of every value.

PyYAML's C parser yields events; the builder here makes values of them. It refuses what no document
of ours needs and what people fall over: duplicate keys, aliases, tags, depth without end. A plain
scalar is a number, a boolean or null only where JSON says so: `yes`, `on`, `012` and `1:30` stay
the text that the author typed.
"""

import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from reconciler.model.problem import Origin, Problem
from reconciler.model.tree import FileAt

BYTES_MAX = 1 << 20
DEPTH_MAX = 32
SCALAR_MAX = 65_536
NODES_MAX = 100_000
DOCUMENTS_MAX = 500
DUPLICATES_MAX = 100

INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?(?:[eE][-+]?[0-9]{1,3})?")
# What YAML has no place for, and the invisible line ends that only YAML counts as such.
UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# What git leaves of a merge that it could not do.
CONFLICT = re.compile(r"^<{7} .*?^={7}$.*?^>{7} ", re.MULTILINE | re.DOTALL)
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
    """Something that no document of ours may hold; reading the file ends there."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def parsed(file: FileAt) -> Parsed:
    """Return the documents of a file, or why it cannot be read. Never raises for its content."""
    if len(file.data) > BYTES_MAX:
        return _fatal(Origin(file.path, 1, 1), "larger than 1 MiB", "split it into several files")
    data = file.data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        before = data[: fault.start].decode()
        return _fatal(_after(file, before), "not UTF-8", "save the file as UTF-8")
    if refused := UNPRINTABLE.search(text):
        return _fatal(
            _after(file, text[: refused.start()]),
            f"the character U+{ord(refused[0]):04X} cannot stand in YAML",
            "remove it",
        )
    if "<<<<<<< " in text and (conflict := CONFLICT.search(text)):
        message = "a merge that is not resolved: here are both sides of a conflict"
        return _fatal(_after(file, text[: conflict.start()]), message, "keep what is meant")
    return _built(file, text)


def _built(file: FileAt, text: str) -> Parsed:
    builder = _Builder(file)
    try:
        documents = tuple(builder.documents(text))
    except _RefusedError as fault:
        problem = fault.problem
    except yaml.YAMLError as fault:
        problem = _not_yaml(file, text, fault)
    else:
        if documents or builder.problems:
            return Parsed(documents, tuple(builder.problems), bool(builder.problems))
        # Emptied by a write that was cut off, it would look like the removal of its jobs.
        remedy = "write one, or delete the file to remove what it declared"
        problem = Problem(Origin(file.path, 1, 1), "there is no document in this file", remedy)
    return Parsed((), (*builder.problems, problem), fatal=True)


def _not_yaml(file: FileAt, text: str, fault: yaml.YAMLError) -> Problem:
    if not isinstance(fault, yaml.MarkedYAMLError):
        return Problem(Origin(file.path, 1, 1), "not YAML", "mend the syntax")
    mark = fault.problem_mark or fault.context_mark
    told = " ".join(w for w in (fault.context, fault.problem) if w)
    hint = "indent with blanks, not with tabs" if _is_tab(text, mark) else "mend the syntax"
    if fault.context_mark is not None and fault.context_mark.line != getattr(mark, "line", None):
        told += f" (it begins at line {fault.context_mark.line + 1})"
    return Problem(_at(file, mark), f"not YAML: {told}", hint)


def _is_tab(text: str, mark: Any) -> bool:
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return False
    return "\t" in lines[mark.line][: mark.column + 1]


def _fatal(origin: Origin, message: str, hint: str) -> Parsed:
    return Parsed((), (Problem(origin, message, hint),), fatal=True)


def _at(file: FileAt, mark: Any) -> Origin:
    return Origin(file.path, mark.line + 1, mark.column + 1) if mark else Origin(file.path, 1, 1)


def _after(file: FileAt, before: str) -> Origin:
    """Return the place that follows this beginning of a file."""
    lines = re.split(r"\r\n|\r|\n", before)
    return Origin(file.path, len(lines), len(lines[-1]) + 1)


class _Builder:
    """Makes values of the events of one file. Duplicate keys are reported, and reading goes on."""

    def __init__(self, file: FileAt) -> None:
        self._file = file
        self._nodes = 0
        self._events: Iterator[Any] = iter(())
        self.problems: list[Problem] = []

    def documents(self, text: str) -> Iterator[Document]:
        self._events = yaml.parse(text, Loader=_Loader)
        index = 0
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if index >= DOCUMENTS_MAX:
                message = f"more than {DOCUMENTS_MAX} documents"
                raise self._refused(event, message, "split it into several files")
            value, mark = self._value(next(self._events), 0)
            if value is not None:
                yield Document(self._file, index, value, mark)
                index += 1

    def _value(self, event: Any, depth: int) -> tuple[Any, Mark]:
        self._check(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        mark = _mark(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(mark, depth)
        assert isinstance(event, yaml.MappingStartEvent), event
        return self._mapping(mark, depth)

    def _check(self, event: Any, depth: int) -> None:
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, "an alias", "write the value out where it is used")
        if event.anchor:
            raise self._refused(event, "an anchor", "write the value where it is used")
        if event.tag is not None:
            raise self._refused(event, f"the tag {event.tag[:60]}", "leave the tag out")
        if depth > DEPTH_MAX:
            raise self._refused(event, f"more than {DEPTH_MAX} levels", "flatten it")
        if self._nodes > NODES_MAX:
            raise self._refused(
                event, f"more than {NODES_MAX} values", "split it into several files"
            )
        if isinstance(event, yaml.ScalarEvent):
            self._check_text(event)

    def _check_text(self, event: Any) -> None:
        if len(event.value) > SCALAR_MAX:
            message = f"text of more than {SCALAR_MAX} characters"
            raise self._refused(event, message, "put it into what is released")
        if "\0" in event.value:
            raise self._refused(event, "text with a NUL character", "remove it")

    def _refused(self, event: Any, message: str, hint: str) -> _RefusedError:
        return _RefusedError(Problem(_at(self._file, event.start_mark), message, hint))

    def _scalar(self, event: Any) -> tuple[Any, Mark]:
        mark = _mark(event)
        if not event.implicit[0]:
            return event.value, mark
        mark.text = event.value
        return _typed(event.value), mark

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
            key, here = self._key(event, depth)
            value, member = self._value(next(self._events), depth + 1)
            if key in values:
                self._duplicate(key, here, mark.keys[key])
                continue
            values[key], mark.members[key], mark.keys[key] = value, member, here
        return values, mark

    def _key(self, event: Any, depth: int) -> tuple[str, Mark]:
        self._check(event, depth)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refused(event, "a key that is no text", "write a word as the key")
        key, plain = event.value, cast(Any, event).implicit[0]
        if key == "<<" and plain:
            raise self._refused(event, "a merge key `<<`", "write the values out")
        return key, _mark(event)

    def _duplicate(self, key: str, here: Mark, first: Mark) -> None:
        origin = Origin(self._file.path, here.line, here.column)
        if len(self.problems) >= DUPLICATES_MAX:
            message = f"more than {DUPLICATES_MAX} keys stand twice in this file"
            raise _RefusedError(Problem(origin, message, "keep one of each"))
        where = f"line {first.line}, column {first.column}"
        self.problems.append(
            Problem(origin, f"the key {key[:60]!r} is already at {where}", "keep one of them")
        )


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _typed(text: str) -> Any:
    if text.lower() in WORDS and text in (text.lower(), text.title(), text.upper()):
        return WORDS[text.lower()]
    if INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
