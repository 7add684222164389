"""What a shell offers while a pattern is typed: the jobs that are declared. Asks no cluster."""

from collections.abc import Mapping
from typing import Any

from reconciler.app.wiring import OptionError
from reconciler.cli.call import made
from reconciler.cli.machine import Machine
from reconciler.cli.patterns import known
from reconciler.settings import SettingsError
from reconciler.sources.port import SourceError


def ends(told: Mapping[str, Any], typed: str) -> list[str]:
    """Return the ends of keys, with as many segments as were begun; none where nothing is read."""
    try:
        keys = known(made(told, Machine())).keys
    except (OptionError, SettingsError, SourceError):
        return []
    size = typed.count("/") + 1
    found = {"/".join(str(key).split("/")[-size:]) for key in keys}
    return sorted(end for end in found if end.startswith(typed))
