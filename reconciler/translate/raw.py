"""The escape hatch: raw TaskConfig fields that an author may set where the project grants them."""

import json
from collections.abc import Mapping
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from reconciler.model.marks import PREFIX
from reconciler.thrift.structs import Metadata, TaskConfig, Union
from reconciler.thrift.tjson import INT32, INT64
from reconciler.translate.merge import merged
from reconciler.translate.refused import RefusedError

# Identity and kind of a job are never an author's to set, and the platform decides the executor.
NEVER = frozenset({"job", "owner", "isService", "production"})
FIELDS = frozenset(TaskConfig.__struct_fields__) - NEVER - {"resources"}

# With this key, the executor reads the whole document as of another kind, for one instance.
INSTANCE = "instance"


class RawError(RefusedError):
    """A raw field has a value that Aurora could not be told; the message names the part."""


def overlaid(task: TaskConfig, fields: Mapping[str, Any]) -> TaskConfig:
    """Return the config with raw fields set; metadata is added to, all else is replaced."""
    told: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "executorConfig":
            continue
        found = _converted(name, value)
        told[name] = _with_metadata(task, found or ()) if name == "metadata" else found
    return msgspec.structs.replace(task, **told)


def patched(document: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    """Return the Thermos document with a granted `executorConfig: {data: {...}}` merged in."""
    raw = fields.get("executorConfig")
    if raw is None:
        return document
    if not isinstance(raw, dict) or set(raw) != {"data"} or not isinstance(raw["data"], dict):
        message = "executorConfig: only `data`, a mapping, may be set"
        raise RawError(message, "write `executorConfig: {data: {...}}`")
    if INSTANCE in raw["data"]:
        message = f"executorConfig: {INSTANCE!r} would make it the document of one task"
        raise RawError(message, "remove it")
    return merged(document, raw["data"])


def _with_metadata(task: TaskConfig, found: tuple[Metadata, ...]) -> tuple[Metadata, ...]:
    """A mark tells whose a job is, and which version: it is never an author's to write."""
    for pair in found:
        if (pair.key or "").startswith(PREFIX):
            message = f"metadata: {pair.key!r} is written by the reconciler itself"
            raise RawError(message, "choose another key")
    return (*(task.metadata or ()), *found)


def _converted(name: str, value: Any) -> Any:
    optional, _ = get_args(get_type_hints(TaskConfig, include_extras=True)[name])
    hint, _ = get_args(optional)
    try:
        json.dumps(value, ensure_ascii=False).encode()
        msgspec.convert(value, type=_strict(hint) | None)
    except msgspec.ValidationError as fault:
        raise RawError(f"{name}: {fault}", "write it as in Aurora's TaskConfig") from None
    except UnicodeEncodeError:
        raise RawError(f"{name}: half a character cannot be sent", "remove it") from None
    found = msgspec.convert(value, type=optional)
    _check_unions(name, found)
    return found


@cache
def _strict(hint: Any) -> Any:
    """Return a type that takes what an annotation of `structs` does, if it is known and in range.

    The structs of the wire are lenient, for what comes from a scheduler; an author is told.
    """
    if get_origin(hint) is Annotated:
        plain, mark = get_args(hint)
        if mark in ("i32", "i64"):
            return INT32 if mark == "i32" else INT64
        item, *_ = get_args(plain)
        return plain if mark == "map" else GenericAlias(tuple, (_strict(item), ...))
    if not issubclass(hint, msgspec.Struct):
        return hint
    hints = get_type_hints(hint, include_extras=True)
    fields = [(f, _strict(get_args(get_args(hints[f])[0])[0]) | None, None) for f in hints]
    return msgspec.defstruct(hint.__name__, fields, forbid_unknown_fields=True)


def _check_unions(name: str, value: Any) -> None:
    """Aurora loses data without a word over a union that has not exactly one member."""
    if isinstance(value, tuple):
        for item in value:
            _check_unions(name, item)
    if not isinstance(value, msgspec.Struct):
        return
    members = [m for m in value.__struct_fields__ if getattr(value, m) is not None]
    if isinstance(value, Union) and len(members) != 1:
        known = ", ".join(value.__struct_fields__)
        raise RawError(f"{name}: exactly one of {known} must be set", "set the one that is meant")
    for member in members:
        _check_unions(name, getattr(value, member))
