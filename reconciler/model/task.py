"""The canonical form of an Aurora TaskConfig: equal text means that the same processes run.

`translate` makes it, from what is desired and from what is live alike; nobody else looks inside.
"""

import hashlib
import json
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CanonicalTask:
    """Sorted JSON of everything that counts, and our marks beside it.

    `text` leaves out `owner` (a live job keeps its own) and the metadata keys `reconciler.*`
    (`marks`), whose absence from a live job never counts as drift.
    """

    text: str
    marks: tuple[tuple[str, str], ...] = ()
    _digest: str = field(init=False, default="", repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of meaning and marks, in hex: the name of this very config."""
        if not self._digest:
            # Asked for in every round of a config that is made once.
            found = hashlib.sha256(json.dumps([self.text, self.marks]).encode()).hexdigest()
            object.__setattr__(self, "_digest", found)
        return self._digest

    def value(self) -> dict[str, object]:
        """Return the form as plain values, for explaining a difference."""
        parsed = json.loads(self.text)
        assert isinstance(parsed, dict)
        return parsed

    def satisfied_by(self, live: "CanonicalTask") -> bool:
        """Return whether `live` runs what this declares; a mark that is absent is no drift."""
        there = dict(live.marks)
        return self.text == live.text and all(there.get(k, v) == v for k, v in self.marks)


@dataclass(frozen=True, slots=True)
class Config:
    """A TaskConfig: its meaning, and the very bytes (TJSON) that Aurora knows it by.

    When the meaning of a desired and a live config is equal, the live bytes are sent again:
    Aurora compares bytes, and other bytes would restart every instance.
    """

    task: CanonicalTask
    wire: bytes
