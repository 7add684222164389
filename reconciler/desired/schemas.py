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
from referencing import Registry, Resource

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


class Schemas:
    """The schemas of all kinds, by name. `calls` counts validations, for the benchmark."""

    def __init__(self, contents: Mapping[str, Mapping[str, Any]]) -> None:
        self._contents = contents
        registry: Registry[Any] = Registry()
        for name, content in contents.items():
            resource = Resource.from_contents(content)
            registry = registry.with_resource(f"{name}.schema.json", resource)
        self._validators: dict[str, Validator] = {
            kind: _Strict(contents[name], registry=registry) for kind, name in KINDS.items()
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
        return self._as_typed(self._contents[KINDS[kind]], KINDS[kind], value, mark)

    def patch_as_typed(self, kind: str, value: Any, mark: Mark) -> Any:
        """Return a merge patch of a spec with text where the schema takes both."""
        return self._as_typed(self._spec_of(kind), KINDS[kind], value, mark)

    def removals(self, kind: str, patch: Mapping[str, Any], place: Place) -> Iterator[Problem]:
        """Return which fields a merge patch removes that a spec cannot have anyway."""
        return self._removals(self._spec_of(kind), KINDS[kind], patch, ("spec",), place)

    def _spec_of(self, kind: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._contents[KINDS[kind]]["properties"]["spec"]
        return found

    def _removals(
        self, schema: Any, file: str, patch: Any, path: tuple[Any, ...], place: Place
    ) -> Iterator[Problem]:
        schema, file = self._resolved(schema, file)
        if not isinstance(patch, dict) or not isinstance(schema, dict):
            return
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for key, value in patch.items():
            if value is None and key not in known and rest is False:
                yield unknown(key, path, known, place)
            yield from self._removals(known.get(key, rest), file, value, (*path, key), place)

    def _as_typed(self, schema: Any, file: str, value: Any, mark: Mark) -> Any:
        schema, file = self._resolved(schema, file)
        if not isinstance(schema, dict):
            return value
        if isinstance(value, dict):
            return self._members(schema, file, value, mark)
        if isinstance(value, list) and "items" in schema:
            members = mark.members or {}
            return [
                self._as_typed(schema["items"], file, item, members[i])
                for i, item in enumerate(value)
            ]
        # A schema that takes a number as well as text means what was typed: 1.10, not 1.1.
        as_text = isinstance(value, int | float) and isinstance(schema.get("type"), list)
        return mark.text if as_text and mark.text is not None else value

    def _members(
        self, schema: Mapping[str, Any], file: str, value: Mapping[str, Any], mark: Mark
    ) -> dict[str, Any]:
        known, rest = schema.get("properties", {}), schema.get("additionalProperties")
        members = mark.members or {}
        return {
            k: self._as_typed(known.get(k, rest), file, v, members[k]) for k, v in value.items()
        }

    def _resolved(self, schema: Any, file: str) -> tuple[Any, str]:
        while isinstance(schema, dict) and "$ref" in schema:
            name, _, pointer = schema["$ref"].partition("#")
            file = name.removesuffix(".schema.json") or file
            schema = self._contents[file]
            for part in filter(None, pointer.split("/")):
                schema = schema[part]
        return schema, file


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
