"""Worlds by their seeds: whatever happens in them, the laws hold, and all comes to rest.

`docs/world.md` tells what a world is and how to read one that breaks a law.
"""

from pathlib import Path

import pytest

from tests.world.draw import drawn
from tests.world.events import Event
from tests.world.run import told
from tests.world.shrink import shrunk

SEEDS = range(150)
STORIES = Path(__file__).with_name("seeds.txt")


def failed_once() -> list[int]:
    """Return the seeds that broke a law at some time: each has a line that tells which."""
    lines = STORIES.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


@pytest.mark.slow
@pytest.mark.parametrize("seed", sorted({*SEEDS, *failed_once()}))
def test_laws_hold_whatever_happens(seed: int) -> None:
    found = told(drawn(seed))
    assert not found.broken, f"{found.broken}\nto see the story: make world SEED={seed}"


def test_story_is_the_same_for_the_same_seed() -> None:
    assert drawn(3) == drawn(3) != drawn(4)


def test_world_comes_to_the_same_for_the_same_story() -> None:
    assert told(drawn(3)) == told(drawn(3))


def test_story_is_shortened_to_what_breaks_the_law() -> None:
    story = tuple(Event("scale", number=n) for n in range(30))
    needed = {story[3], story[17]}
    assert shrunk(story, lambda s: needed <= set(s)) == (story[3], story[17])
