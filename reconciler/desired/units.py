"""Amounts and durations as people write them; the schemas have already checked their form."""

from collections.abc import Mapping
from typing import Any

from reconciler.model.spec import Resources

MIB = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def mib(text: str) -> int:
    """Return whole MiB: `4GiB` is 4096."""
    return int(text[:-3]) * MIB[text[-3:]]


def seconds(text: str) -> int:
    """Return seconds: `10m` is 600."""
    return int(text[:-1]) * SECONDS[text[-1]]


def share(text: str) -> float:
    """Return a share of one: `10%` is 0.1."""
    return float(text[:-1]) / 100


def resources(told: Mapping[str, Any]) -> Resources:
    """Return what one instance gets."""
    return Resources(float(told["cpu"]), mib(told["ram"]), mib(told["disk"]))
