"""JSON Schema says what a document may hold; this says it to people, with place and remedy."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing import Registry, Resource

from reconciler.desired.documents import Mark
from reconciler.model.problem import Origin, Problem

# Which schema holds for a kind; `plan` and the shared definitions are no documents.
KINDS = {
    "Platform": "platform",
    "Cluster": "cluster",
    "Project": "project",
    "Service": "service",
    "CronJob": "cronjob",
    "BatchFramework": "batchframework",
}


class Place(Protocol):
    """Where the parts of a value were written; a merged value comes from two places."""

    def of(self, path: tuple[Any, ...]) -> Origin:
        """Return the place of the value at a path, or of the nearest one around it."""
        ...

    def of_key(self, path: tuple[Any, ...], key: str) -> Origin:
        """Return the place of a key of the mapping at a path."""
        ...


class Schemas:
    """The schemas of all kinds, by name. `calls` counts validations, for the benchmark."""

    def __init__(self, contents: Mapping[str, Mapping[str, Any]]) -> None:
        self._contents = contents
        registry: Registry[Any] = Registry()
        for name, content in contents.items():
            resource = Resource.from_contents(content)
            registry = registry.with_resource(f"{name}.schema.json", resource)
        self._validators: dict[str, Validator] = {
            kind: Draft202012Validator(contents[name], registry=registry)
            for kind, name in KINDS.items()
        }
        self.calls = 0

    def problems(self, kind: str, value: Any, place: Place) -> tuple[Problem, ...]:
        """Return everything that is wrong with a value of this kind."""
        self.calls += 1
        faults = self._validators[kind].iter_errors(value)
        return tuple(sorted({p for fault in faults for p in _told(fault, place)}))

    def as_typed(self, kind: str, value: Any, mark: Mark) -> Any:
        """Return the value with text where the schema wants text, as the author typed it."""
        return self._as_typed(self._contents[KINDS[kind]], KINDS[kind], value, mark)

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
        typed_as_text = mark.text is not None and value is not None
        if schema.get("type") == "string" and typed_as_text and not isinstance(value, str):
            return mark.text
        return value

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

    def spec_of(self, kind: str) -> Mapping[str, Any]:
        """Return the schema of a kind's `spec`."""
        found: Mapping[str, Any] = self._contents[KINDS[kind]]["properties"]["spec"]
        return found

    def patch_as_typed(self, kind: str, value: Any, mark: Mark) -> Any:
        """Return a merge patch of a spec with text where the schema wants text."""
        return self._as_typed(self.spec_of(kind), KINDS[kind], value, mark)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `did you mean ...?` when a known word is near, else which words there are."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there is {', '.join(words)}" if words else ""


def _told(fault: ValidationError, place: Place) -> Iterator[Problem]:
    path = tuple(fault.absolute_path)
    schema: Any = fault.schema
    hint = schema.get("x-hint", "") if isinstance(schema, dict) else ""
    match fault.validator:
        case "additionalProperties" if isinstance(fault.instance, dict):
            yield from _unknown(fault, path, place)
        case "required":
            wanted_keys: Any = fault.validator_value
            missing = [k for k in wanted_keys if k not in cast(Any, fault.instance)]
            for key in missing:
                yield Problem(place.of(path), f"{_name(path)}: `{key}` is missing", f"add `{key}:`")
        case "oneOf" if "x-one-of" in schema:
            yield from _one_of(fault, path, place)
        case "propertyNames" | "pattern" | "anyOf":
            named = path or ("document",)
            message = f"{_dotted(named)}: {_shown(fault.instance)} has not the right form"
            yield Problem(place.of(path), message, hint)
        case "type":
            wanted = fault.validator_value
            message = f"{_name(path)}: {_shown(fault.instance)} is not {_article(wanted)}"
            yield Problem(place.of(path), message, hint)
        case "enum" | "const":
            allowed = fault.validator_value
            words = [str(w) for w in (allowed if isinstance(allowed, list) else [allowed])]
            message = f"{_name(path)}: {_shown(fault.instance)} is none of {', '.join(words)}"
            yield Problem(place.of(path), message, suggestion(str(fault.instance), words))
        case _:
            yield Problem(place.of(path), f"{_name(path)}: {fault.message[:300]}", hint)


def _unknown(fault: ValidationError, path: tuple[Any, ...], place: Place) -> Iterator[Problem]:
    schema: Any = fault.schema
    known = schema.get("properties", {})
    for key in cast(Any, fault.instance):
        if key not in known:
            where = f" in {_dotted(path)}" if path else ""
            yield Problem(
                place.of_key(path, str(key)),
                f"unknown field {str(key)!r}{where}",
                suggestion(str(key), known),
            )


def _one_of(fault: ValidationError, path: tuple[Any, ...], place: Place) -> Iterator[Problem]:
    """Tell what a choice wants; where one branch is clearly meant, what is wrong within it."""
    schema: Any = fault.schema
    deeper = [c for c in fault.context or () if c.validator != "required"]
    branches = {c.schema_path[0] for c in fault.context or ()}
    if fault.context and len({c.schema_path[0] for c in deeper}) < len(branches) and deeper:
        meant = branches - {
            c.schema_path[0] for c in fault.context if c.validator == "additionalProperties"
        }
        for inner in deeper:
            if inner.schema_path[0] in meant:
                yield from _told(inner, place)
                return
    yield Problem(place.of(path), f"{_name(path)}: {schema['x-one-of']}")


def _name(path: tuple[Any, ...]) -> str:
    return _dotted(path) if path else "the document"


def _dotted(path: tuple[Any, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _article(wanted: Any) -> str:
    words = {
        "object": "a mapping",
        "array": "a list",
        "string": "text",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
    }
    return words.get(str(wanted), str(wanted))
