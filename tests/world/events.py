"""What may happen in a world: plain data, so that a story can be printed, shortened and told again.

An event carries all that it needs. One that makes no sense at its moment does nothing, so that
every part of a story is a story.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens. `verb` is a key of `deeds.DEEDS`; what the rest means, it says.

    With `at`, it happens not now, but just before the so manyeth call of the next process: in the
    middle of a round.
    """

    verb: str
    name: str = ""
    number: int = 0
    seconds: int = 0
    at: int = 0

    def __str__(self) -> str:
        told = [self.verb]
        told += [self.name] if self.name else []
        told += [str(self.number)] if self.number else []
        told += [f"{self.seconds}s"] if self.seconds else []
        told += [f"@{self.at}"] if self.at else []
        return " ".join(told)


Story = tuple[Event, ...]
