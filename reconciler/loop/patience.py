"""The timeout of a run: how long it may take, whatever it waits for."""

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.loop.clock import Clock

# When time is over one last look tells how things stand. Its answers are waited for so long.
LAST_LOOK_S = 5.0


class Patience:
    """What is left of the timeout. The time that a person takes to answer does not count."""

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._until = clock.monotonic() + timeout_s

    def left(self) -> float:
        """Return the seconds that are left; less than 0 when time is over."""
        return self._until - self._clock.monotonic()

    def to_answer(self) -> float:
        """Return how long an answer may be waited for."""
        return self.left() + LAST_LOOK_S

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Somebody is asked, who may take all the time in the world."""
        before = self._clock.monotonic()
        try:
            yield
        finally:
            self._until += self._clock.monotonic() - before
