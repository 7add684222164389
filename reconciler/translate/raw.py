"""The escape hatch: raw TaskConfig fields that an author may set where the project grants them."""

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

import msgspec

from reconciler.thrift.structs import TaskConfig, Union
from reconciler.translate.merge import merged

# Identity and kind of a job are never an author's to set, and the platform decides the executor.
NEVER = frozenset({"job", "owner", "isService", "production"})
FIELDS = frozenset(TaskConfig.__struct_fields__) - NEVER - {"resources"}


class RawError(ValueError):
    """A raw field has a value that Aurora could not be told; the message names the part."""


def overlaid(task: TaskConfig, fields: Mapping[str, Any]) -> TaskConfig:
    """Return the config with raw fields set; metadata is added to, all else is replaced."""
    told: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "executorConfig":
            continue
        found = _converted(name, value)
        told[name] = (*(task.metadata or ()), *found) if name == "metadata" else found
    return msgspec.structs.replace(task, **told)


def patched(document: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    """Return the Thermos document with a granted `executorConfig: {data: {...}}` merged in."""
    raw = fields.get("executorConfig")
    if raw is None:
        return document
    if not isinstance(raw, dict) or set(raw) != {"data"} or not isinstance(raw["data"], dict):
        raise RawError("executorConfig: only `data`, a mapping, may be set")
    return merged(document, raw["data"])


def _converted(name: str, value: Any) -> Any:
    hint, *_ = get_args(get_type_hints(TaskConfig, include_extras=True)[name])
    try:
        found = msgspec.convert(value, type=hint)
    except msgspec.ValidationError as fault:
        raise RawError(f"{name}: {fault}") from None
    _check_unions(name, found)
    return found


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
        raise RawError(f"{name}: exactly one of {known} must be set")
    for member in members:
        _check_unions(name, getattr(value, member))
