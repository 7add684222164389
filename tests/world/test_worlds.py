"""Worlds by their seeds: whatever happens in them, the laws hold, and all comes to rest.

`docs/world.md` tells what a world is and how to read one that breaks a law.
"""

import pytest

from tests.world.draw import drawn
from tests.world.events import Event, Story
from tests.world.mutations import found
from tests.world.run import told
from tests.world.shrink import shrunk
from tests.world.stories import kept, parsed

SEEDS = range(150)
KEPT = kept()
# What notices that the product is wrong must not cry out when it is right.
FOUND = found()


@pytest.mark.slow
@pytest.mark.parametrize("seed", sorted({*SEEDS, *FOUND.values()}))
def test_laws_hold_whatever_happens(seed: int) -> None:
    came_to = told(drawn(seed))
    assert not came_to.broken, f"{came_to.broken}\nto see the story: make world SEED={seed}"


@pytest.mark.slow
@pytest.mark.parametrize("story", KEPT.values(), ids=KEPT)
def test_story_that_broke_a_law_once_breaks_none(story: Story) -> None:
    came_to = told(story)
    assert not came_to.broken, came_to.broken


def test_story_is_written_as_it_is_read() -> None:
    for seed in range(50):
        story = drawn(seed)
        assert tuple(parsed(str(event)) for event in story) == story


def test_story_is_the_same_for_the_same_seed() -> None:
    assert drawn(3) == drawn(3) != drawn(4)


def test_world_comes_to_the_same_for_the_same_story() -> None:
    assert told(drawn(3)) == told(drawn(3))


def test_story_is_shortened_to_what_breaks_the_law() -> None:
    story = tuple(Event("scale", number=n) for n in range(30))
    needed = {story[3], story[17]}
    assert shrunk(story, lambda s: needed <= set(s)) == (story[3], story[17])
