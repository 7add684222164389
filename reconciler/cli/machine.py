"""What a run gets from its machine, and may be given another of: time and environment.

Imports no library: it is there before anything is shown.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.loop.clock import Clock, SystemClock


class AlarmClock(Clock, Protocol):
    """A clock whose wait can be ended."""

    def wake(self) -> None:
        """End the wait that goes on, or else the next one; from any thread or signal handler."""
        ...


@dataclass(frozen=True, slots=True)
class Machine:
    """The clock that a run lives by, and its environment variables."""

    clock: AlarmClock = field(default_factory=SystemClock)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
