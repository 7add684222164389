"""The clock: whatever is decided or shown by the time is read here, and rounds wait here.

Showing uses an aware UTC time, waiting the monotonic reading, which no operator can set back.

Others wait for what answers no clock of ours, and decide nothing by it: a scheduler for its reply
(`scheduler.http`, `scheduler.connections`, which read the monotonic time for it), git
(`sources.repository`), the thread that sees files change (`sources.watch`), and the loop of the
stand-in's server (`standin.server`). `tests/test_architecture.py` holds that nobody else does.
"""

import queue
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the loop needs of time."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some moment, never going back."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or sooner when woken."""
        ...


class SystemClock:
    """The machine's clock. `wake` may be called from any thread, and from a signal handler."""

    def __init__(self) -> None:
        # SimpleQueue.put is reentrant; an Event's lock is not, and a signal handler that interrupts
        # its holder would wait for itself.
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        try:
            self._woken.get(timeout=max(seconds, 0.0))
            while True:
                self._woken.get_nowait()
        except queue.Empty:
            return

    def wake(self) -> None:
        """End the wait that goes on, or else the next one."""
        self._woken.put(None)
