"""Structs as Aurora prints them in its messages.

It has two ways: that of the code which Thrift generates, `JobKey(role:www, ...)`, and that of its
own immutable wrappers, `IJobKey{role=www, ...}`.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from reconciler.thrift.structs import ThriftStruct, Union

# Thrift leaves these out where they are unset, and prints `null` for any other field.
OPTIONAL: Mapping[str, frozenset[str]] = {
    "TaskConfig": frozenset(
        {
            "production",
            "tier",
            "mesosFetcherUris",
            "taskLinks",
            "contactEmail",
            "executorConfig",
            "metadata",
            "partitionPolicy",
            "slaPolicy",
        }
    ),
    "JobConfiguration": frozenset({"cronSchedule"}),
    "MesosContainer": frozenset({"image", "volumes"}),
    "DockerContainer": frozenset({"parameters"}),
    "MesosFetcherURI": frozenset({"extract", "cache", "outputFile"}),
    "PartitionPolicy": frozenset({"delaySecs"}),
    "TaskQuery": frozenset(
        {
            "role",
            "environment",
            "jobName",
            "taskIds",
            "statuses",
            "instanceIds",
            "slaveHosts",
            "jobKeys",
            "offset",
            "limit",
        }
    ),
}


def thrift_text(value: Any) -> str:
    """Return a value as the generated code prints it."""
    if isinstance(value, Union):
        name, member = member_of(value)
        return f"<{type(value).__name__} {name}:{thrift_text(member)}>"
    if isinstance(value, ThriftStruct):
        kind = type(value).__name__
        optional = OPTIONAL.get(kind, frozenset())
        shown = (
            f"{name}:{thrift_text(held)}"
            for name in value.__struct_fields__
            if (held := getattr(value, name)) is not None or name not in optional
        )
        return f"{kind}({', '.join(shown)})"
    if isinstance(value, tuple):
        return f"[{', '.join(map(thrift_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}={thrift_text(item)}' for key, item in value.items())}}}"
    return _plain_text(value)


def wrapper_text(value: Any) -> str:
    """Return a value as Aurora's wrapper of it prints itself."""
    if isinstance(value, Union):
        name, member = member_of(value)
        shouted = re.sub(r"(?=[A-Z])", "_", name).upper()
        return f"I{type(value).__name__}{{setField={shouted}, value={wrapper_text(member)}}}"
    if isinstance(value, ThriftStruct):
        fields = value.__struct_fields__
        shown = (f"{name}={wrapper_text(getattr(value, name))}" for name in fields)
        return f"I{type(value).__name__}{{{', '.join(shown)}}}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(wrapper_text, value))}]"
    return _plain_text(value)


def member_of(value: Union) -> tuple[str, Any]:
    """Return the name and value of the member that is set; empty and None if none is known."""
    for name in value.__struct_fields__:
        if (held := getattr(value, name)) is not None:
            return name, held
    return "", None


def java_double(value: float) -> str:
    """Return a double as Java prints it: 0.25, but 1.0E7 from ten millions on."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return f"{value:.17f}".rstrip("0") if "e" in repr(value) else repr(value)
    sign, digits = ("-" if value < 0 else ""), repr(abs(value))
    mantissa, _, exponent = digits.partition("e")
    whole, _, part = mantissa.partition(".")
    figures = (whole + part).lstrip("0")
    lead = len(whole + part) - len(figures)
    power = int(exponent or 0) + len(whole) - 1 - lead
    return f"{sign}{figures[0]}.{figures[1:].rstrip('0') or '0'}E{power}"


def _plain_text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, IntEnum):
        return value.name
    return java_double(value) if isinstance(value, float) else str(value)
