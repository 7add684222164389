"""SIGTERM and SIGINT: a wish to end, granted when the act under way is done."""

import math
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass(slots=True)
class Ending:
    """Which signal asked for the end, if any did. `at_once`: nothing is under way."""

    wake: Callable[[], None]
    signal: int | None = None
    at_once: bool = False

    def wished(self) -> bool:
        """Return whether the end was asked for."""
        return self.signal is not None

    def left(self) -> float:
        """Return how long an answer may be waited for: for ever, and not at all after that."""
        return 0.0 if self.wished() else math.inf

    @property
    def code(self) -> int | None:
        """Return the exit code that tells the signal."""
        return None if self.signal is None else 128 + self.signal

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A question to a person is under way: a signal ends it like any other program.

        After that end it is still known to have come while nothing was under way.
        """
        self.at_once = True
        yield
        self.at_once = False

    def heard(self, number: int, frame: FrameType | None) -> Any:
        """Note the wish; KeyboardInterrupt for the second, and while nothing is under way."""
        del frame
        again = self.signal is not None
        self.signal = number
        if again or self.at_once:
            raise KeyboardInterrupt
        self.wake()


@contextmanager
def stoppable(wake: Callable[[], None]) -> Iterator[Ending]:
    """Turn the two signals into a wish to end; `wake` ends a wait."""
    ending = Ending(wake)
    before = {s: signal.signal(s, ending.heard) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
