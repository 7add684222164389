"""What all parts of the stand-in share: its time, its chance, and what is due.

Time moves only when it is told to. What will happen is data, a kind and plain arguments, so that it
can be kept in a file; who carries a kind out is told once, when the parts are put together.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from typing import Any

Handler = Callable[..., None]
Due = tuple[int, int, str, tuple[Any, ...]]


class World:
    """The time there, and everything that waits for it."""

    def __init__(self, now_ms: int, chance: random.Random) -> None:
        self.now_ms = now_ms
        self.chance = chance
        self._due: list[Due] = []
        self.sequence = 0
        self._soon: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._handlers: dict[str, Handler] = {}

    def on(self, kind: str, handler: Handler) -> None:
        """Let a kind of event be carried out by this."""
        assert kind not in self._handlers, kind
        self._handlers[kind] = handler

    def after(self, delay_ms: float, kind: str, *args: Any) -> None:
        """Let something happen later; at the same time, in the order in which it was asked for."""
        assert kind in self._handlers, kind
        self.sequence += 1
        heapq.heappush(self._due, (self.now_ms + int(delay_ms), self.sequence, kind, args))

    def soon(self, kind: str, *args: Any) -> None:
        """Let something happen once all that happens at this moment has: Aurora tells of changes
        on a bus, and whoever hears of them acts in a transaction of its own."""
        assert kind in self._handlers, kind
        self._soon.append((kind, args))

    def settle(self) -> None:
        """Let everything happen that was asked for at this moment."""
        while self._soon:
            kind, args = self._soon.popleft()
            self._handlers[kind](*args)

    def advance(self, now_ms: int) -> None:
        """Let everything happen that is due until then, in order."""
        while self._due and self._due[0][0] <= now_ms:
            self.now_ms = max(self.now_ms, self._due[0][0])
            while self._due and self._due[0][0] <= self.now_ms:
                _, _, kind, args = heapq.heappop(self._due)
                self._handlers[kind](*args)
            self.settle()
        self.now_ms = max(self.now_ms, now_ms)

    def backoff(self, previous_ms: int, first_ms: int, most_ms: int) -> int:
        """Return the next wait of a backoff: as in all of Aurora up to twice the one before."""
        least = previous_ms or first_ms
        return min(most_ms, least + math.floor(self.chance.random() * least + 0.5))

    def dump(self) -> dict[str, Any]:
        assert not self._soon, "a moment is over only when everything of it has happened"
        version, internal, gauss = self.chance.getstate()
        return {
            "now_ms": self.now_ms,
            "sequence": self.sequence,
            "due": [[at, order, kind, list(args)] for at, order, kind, args in sorted(self._due)],
            "chance": [version, list(internal), gauss],
        }

    def load(self, state: dict[str, Any]) -> None:
        self.now_ms = state["now_ms"]
        self.sequence = state["sequence"]
        self._due = [(at, order, kind, tuple(args)) for at, order, kind, args in state["due"]]
        version, internal, gauss = state["chance"]
        self.chance.setstate((version, tuple(internal), gauss))
