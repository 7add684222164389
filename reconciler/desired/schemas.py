"""JSON Schema says what a document may hold. Validation, and text where a schema wants text."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from reconciler.desired.documents import Mark
from reconciler.desired.wording import Place, told, unknown
from reconciler.model.problem import Problem

# Which schema holds for a kind; `plan` and the shared definitions are no documents.
KINDS = {
    "Platform": "platform",
    "Cluster": "cluster",
    "Project": "project",
    "Service": "service",
    "CronJob": "cronjob",
    "BatchFramework": "batchframework",
}
# Of one document; whoever has more wrong than that has something else wrong.
PROBLEMS_MAX = 100
# What explains a schema, and constrains nothing.
_ANNOTATIONS = {"title", "description", "examples", "default", "x-hint"}


class Schemas:
    """The schemas of all kinds, by name. `calls` counts validations, for the benchmark."""

    def __init__(self, contents: Mapping[str, Mapping[str, Any]]) -> None:
        self._schemas = {
            kind: _inlined(contents[name], name, contents) for kind, name in KINDS.items()
        }
        self._validators: dict[str, Validator] = {
            kind: _Strict(schema) for kind, schema in self._schemas.items()
        }
        self.calls = 0

    def problems(self, kind: str, value: Any, place: Place) -> tuple[Problem, ...]:
        """Return everything that is wrong with a value of this kind, up to a bound."""
        self.calls += 1
        faults = self._validators[kind].iter_errors(value)
        found = list(islice((p for f in faults for p in told(f, place)), PROBLEMS_MAX + 1))
        if len(found) > PROBLEMS_MAX:
            message = f"more than {PROBLEMS_MAX} problems in this document"
            found[-1] = Problem(place.of(()), message, "mend the first of them")
        return tuple(sorted(set(found)))

    def as_typed(self, kind: str, value: Any, mark: Mark) -> Any:
        """Return the value with text where the schema takes both, as the author typed it."""
        return _as_typed(self._schemas[kind], value, mark)

    def patch_as_typed(self, kind: str, value: Any, mark: Mark) -> Any:
        """Return a merge patch of a spec with text where the schema takes both."""
        return _as_typed(self._spec_of(kind), value, mark)

    def removals(self, kind: str, patch: Mapping[str, Any], place: Place) -> Iterator[Problem]:
        """Return which fields a merge patch removes that a spec cannot have anyway."""
        return _removals(self._spec_of(kind), patch, ("spec",), place)

    def _spec_of(self, kind: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._schemas[kind]["properties"]["spec"]
        return found


def _inlined(schema: Any, file: str, contents: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a schema with what it refers to in place of each `$ref`.

    jsonschema looks a reference up for every value that it checks, which takes as long as all the
    rest. A schema that refers to itself has no such form; none of ours does.
    """
    if isinstance(schema, list):
        return [_inlined(item, file, contents) for item in schema]
    if not isinstance(schema, dict):
        return schema
    beside = {
        k: _inlined(v, file, contents)
        for k, v in schema.items()
        if k not in ("$ref", "$defs", "$id")
    }
    if "$ref" not in schema:
        return beside
    name, _, pointer = schema["$ref"].partition("#")
    there = name.removesuffix(".schema.json") or file
    target: Any = contents[there]
    for part in filter(None, pointer.split("/")):
        target = target[part]
    found = _inlined(target, there, contents)
    both = (found.keys() & beside.keys()) - _ANNOTATIONS
    assert not both, f"{file}: {schema['$ref']} and what stands beside it both say {both}"
    return {**found, **beside}


def _removals(schema: Any, patch: Any, path: tuple[Any, ...], place: Place) -> Iterator[Problem]:
    if not isinstance(patch, dict) or not isinstance(schema, dict):
        return
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for key, value in patch.items():
        if value is None and key not in known and rest is False:
            yield unknown(key, path, known, place)
        yield from _removals(known.get(key, rest), value, (*path, key), place)


def _as_typed(schema: Any, value: Any, mark: Mark) -> Any:
    if not isinstance(schema, dict):
        return value
    members = mark.members or {}
    if isinstance(value, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        return {k: _as_typed(known.get(k, rest), v, members[k]) for k, v in value.items()}
    if isinstance(value, list) and "items" in schema:
        return [_as_typed(schema["items"], item, members[i]) for i, item in enumerate(value)]
    # A schema that takes a number as well as text means what was typed: 1.10, not 1.1.
    as_text = isinstance(value, int | float) and isinstance(schema.get("type"), list)
    return mark.text if as_text and mark.text is not None else value


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a schema's pattern as JSON Schema means it: `$` is the end, not a last line end."""
    return re.compile(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern)


def _pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    del schema
    if validator.is_type(instance, "string") and not _compiled(wanted).search(instance):
        yield ValidationError("has not the right form")


def _is_integer(checker: Any, instance: Any) -> bool:
    """4.0 and 1e3 are integers to JSON Schema; to us only what was written as one is."""
    del checker
    return isinstance(instance, int) and not isinstance(instance, bool)


_extend: Any = extend
_Strict: Any = _extend(
    Draft202012Validator,
    validators={"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
