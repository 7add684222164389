"""JSON merge patch (RFC 7396) over plain values."""

from collections.abc import Mapping
from typing import Any


def merged(target: Any, patch: Any) -> Any:
    """Return the target with the patch applied: null removes, mappings merge, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    told = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            told.pop(name, None)
        else:
            told[name] = merged(told.get(name), value)
    return told
