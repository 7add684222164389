"""What a schema finds wrong, told to people: what, where, and what to do about it.

Values below `env` and `secrets` are never told, nor are URLs, which may carry a password: whoever
writes a secret into the repository by mistake should not find it in a log as well.
"""

import json
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Protocol, cast

from jsonschema.exceptions import ValidationError

from reconciler.model.problem import Origin, Problem, suggestion

UNTOLD = ("env", "secrets")
SHOWN_MAX = 60
# How near a key is to what it is a slip for: `rma` to `ram`, but not `namespace` to `name`.
SLIP = 0.65
KEY = re.compile(r"[A-Za-z0-9_.-]{1,128}")
TYPES = {
    "object": ("a mapping", "write its fields below it, indented"),
    "array": ("a list", "write it as in [a, b]"),
    "string": ("text", "write it in quotes"),
    "integer": ("a whole number", "write digits only, as in 4"),
    "number": ("a number", "write it as in 0.5"),
    "boolean": ("true or false", "write true or false"),
}
# Keyword → what is wrong and what to do, given the limit.
LIMITS = {
    "minimum": ("is less than {}", "write {} or more"),
    "maximum": ("is more than {}", "write {} or less"),
    "exclusiveMinimum": ("is not more than {}", "write more than {}"),
    "minLength": ("is shorter than {} characters", "write something"),
    "maxLength": ("is longer than {} characters", "shorten it"),
    "minItems": ("has less than {} entries", "add one"),
    "maxItems": ("has more than {} entries", "remove some"),
    "minProperties": ("has less than {} entries", "add one"),
    "uniqueItems": ("has an entry twice", "keep one of them"),
}


class Place(Protocol):
    """Where the parts of a value were written; a merged value comes from two places."""

    def of(self, path: tuple[Any, ...]) -> Origin:
        """Return the place of the value at a path, or of the nearest one around it."""
        ...

    def of_key(self, path: tuple[Any, ...], key: str) -> Origin:
        """Return the place of a key of the mapping at a path, or of the mapping."""
        ...


def told(fault: ValidationError, place: Place) -> Iterator[Problem]:
    """Return what one finding of a schema means, as one problem or several."""
    path = tuple(fault.absolute_path)
    match fault.validator:
        case "additionalProperties" if isinstance(fault.instance, dict):
            yield from _unknown(fault, path, place)
        case "required":
            yield from _missing(fault, path, place)
        case "oneOf" if "x-one-of" in cast(Any, fault.schema):
            yield from _one_of(fault, path, place)
        case "enum" if "propertyNames" in fault.absolute_schema_path:
            yield unknown(str(fault.instance), path, cast(Any, fault.validator_value), place)
        case _ if "propertyNames" in fault.absolute_schema_path:
            key = str(fault.instance)
            # A key that is one is no value that somebody put there by mistake.
            shown = repr(key) if KEY.fullmatch(key) else _shown(key, path)
            message = f"{dotted(path)}: {shown} cannot be a name here"
            yield Problem(place.of_key(path, key), message, _hint(fault, "choose another name"))
        case _:
            yield _one(fault, path, place.of(path))


def unknown(key: str, path: tuple[Any, ...], known: Iterable[str], place: Place) -> Problem:
    """Return that a mapping has no such field, and which it may have been."""
    where = f" in {dotted(path)}" if path else ""
    message = f"unknown field {_shown(key, ())}{where}"
    return Problem(place.of_key(path, key), message, suggestion(key, known))


def dotted(path: tuple[Any, ...]) -> str:
    """Return a path as people write it: `spec.ports[0]`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{_part(p)}" for p in path).lstrip(".")


def _part(key: str) -> str:
    """Return a key; what cannot be one may be a value, as in `PASSWORD=secret`."""
    return key if KEY.fullmatch(key) else "?"


def _one(fault: ValidationError, path: tuple[Any, ...], origin: Origin) -> Problem:
    name, shown = dotted(path) or "the document", _shown(fault.instance, path)
    wanted: Any = fault.validator_value
    match fault.validator:
        case "type" if _has_a_form(fault):
            # That it is a number matters less than what it should look like.
            message = f"{name}: {shown} has not the right form"
            return Problem(origin, message, _hint(fault, "write it in quotes"))
        case "type":
            words = wanted if isinstance(wanted, list) else [wanted]
            what, remedy = TYPES.get(words[0], (str(words[0]), "change it"))
            return Problem(origin, f"{name}: {shown} is not {what}", _hint(fault, remedy))
        case "enum" | "const":
            known = [str(w) for w in (wanted if isinstance(wanted, list) else [wanted])]
            hint = suggestion(str(fault.instance), known)
            # What could be written is said once: here, or by the remedy.
            listed = hint.startswith("did you mean")
            what = f"none of {', '.join(known)}" if listed else "no choice here"
            return Problem(origin, f"{name}: {shown} is {what}", hint)
        case str(keyword) if keyword in LIMITS:
            what, remedy = (text.format(wanted) for text in LIMITS[keyword])
            said = shown if isinstance(fault.instance, int | float) else "it"
            return Problem(origin, f"{name}: {said} {what}", _hint(fault, remedy))
        case _:
            remedy = f"write what matches {wanted}" if fault.validator == "pattern" else "change it"
            return Problem(origin, f"{name}: {shown} has not the right form", _hint(fault, remedy))


def _has_a_form(fault: ValidationError) -> bool:
    """Return whether a number stands where a text of a certain form is wanted."""
    schema: Any = fault.schema
    return isinstance(fault.instance, int | float) and "pattern" in schema


def _hint(fault: ValidationError, otherwise: str) -> str:
    schema: Any = fault.schema
    found: str = schema.get("x-hint", otherwise) if isinstance(schema, dict) else otherwise
    return found


def _unknown(fault: ValidationError, path: tuple[Any, ...], place: Place) -> Iterator[Problem]:
    schema: Any = fault.schema
    known, there = schema.get("properties", {}), cast(Any, fault.instance)
    for key in there:
        if key not in known:
            # What is there already was hardly meant, unless this is a slip for it.
            slips = get_close_matches(str(key)[:SHOWN_MAX], known.keys() & there, 1, SLIP)
            yield unknown(str(key), path, {*(known.keys() - there), *slips}, place)


def _missing(fault: ValidationError, path: tuple[Any, ...], place: Place) -> Iterator[Problem]:
    wanted: Any = fault.validator_value
    name = dotted(path) or "the document"
    for key in wanted:
        if key not in cast(Any, fault.instance):
            yield Problem(place.of_key(path, key), f"{name}: `{key}` is missing", f"add `{key}:`")


def _one_of(fault: ValidationError, path: tuple[Any, ...], place: Place) -> Iterator[Problem]:
    """Tell what a choice wants; where one branch is clearly meant, what is wrong within it."""
    schema: Any = fault.schema
    context = fault.context or ()
    lacking = {c.schema_path[0] for c in context if c.validator == "required"}
    within = [c for c in context if c.schema_path[0] not in lacking]
    if len({c.schema_path[0] for c in within}) == 1:
        for inner in within:
            yield from told(inner, place)
        return
    keys = [key for branch in schema["oneOf"] for key in branch.get("required", ())]
    # An override that adds or removes one of them is to blame: it stands below what it changes.
    origin = max((place.of_key(path, key) for key in keys), default=place.of(path))
    single = len(keys) == len(schema["oneOf"])
    more, remedy = _chosen(keys, fault.instance) if single else ("", "keep what is meant")
    yield Problem(origin, f"{dotted(path)}: {schema['x-one-of']}{more}", remedy)


def _chosen(keys: list[str], instance: Any) -> tuple[str, str]:
    """Return how many of these were chosen, where one is wanted, and what to do."""
    there = [f"`{key}`" for key in keys if isinstance(instance, dict) and key in instance]
    if there:
        return f", not {' and '.join(there)}", "keep the one that is meant"
    return ", and there is none", f"add {' or '.join(f'`{key}:`' for key in keys)}"


def _shown(value: Any, path: tuple[Any, ...]) -> str:
    if any(part in UNTOLD for part in path) or (isinstance(value, str) and "://" in value):
        return "this"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 3]}..."
