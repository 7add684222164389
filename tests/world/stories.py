"""Stories that broke a law once, as they are kept in `seeds.txt`: shortened, and in words.

A seed would tell another story as soon as worlds are drawn otherwise; the words stay.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.world.deeds import DEEDS
from tests.world.events import Event, Story

KEPT = Path(__file__).with_name("seeds.txt")


def kept() -> dict[str, Story]:
    """Return every kept story by its title, the seed it came from included."""
    return dict(_stories(KEPT.read_text(encoding="utf-8").split("\n\n")))


def _stories(paragraphs: list[str]) -> Iterator[tuple[str, Story]]:
    for paragraph in paragraphs:
        title, *events = paragraph.strip().splitlines()
        if events:
            yield title.removeprefix("# "), tuple(map(parsed, events))


def parsed(line: str) -> Event:
    """Return the event that is written like this: the way back from `str`."""
    verb = max((v for v in DEEDS if line == v or line.startswith(f"{v} ")), key=len)
    rest = line.removeprefix(verb).split()
    at = _last(rest, r"@(\d+)")
    seconds = _last(rest, r"(\d+)s")
    number = _last(rest, r"(\d+)")
    return Event(verb, " ".join(rest), number, seconds, at)


def _last(rest: list[str], pattern: str) -> int:
    """Take the last word away if it is of this form, and return its number."""
    found = re.fullmatch(pattern, rest[-1]) if rest else None
    if found is None:
        return 0
    rest.pop()
    return int(found[1])
