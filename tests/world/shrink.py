"""Make a story that breaks a law as short as it can be: events are dropped as long as it breaks it.

Whole stretches first, then single events, until none can be spared. Every part of a story is one.
"""

from collections.abc import Callable

from tests.world.events import Story

Breaks = Callable[[Story], bool]


def shrunk(story: Story, breaks: Breaks, tries: int = 400) -> Story:
    """Return a part of the story that still breaks; no event of it can be dropped alone.

    Fewer than that when so many tries are over: a long story is better than none.
    """
    size = max(len(story) // 2, 1)
    while size:
        story, tries = _without(story, size, breaks, tries)
        size = size // 2
    return story


def _without(story: Story, size: int, breaks: Breaks, tries: int) -> tuple[Story, int]:
    """Drop stretches of this size from the end on, wherever the law is broken all the same."""
    at = len(story) - size
    while at > -size and tries > 0:
        shorter = story[: max(at, 0)] + story[max(at, 0) + size :]
        tries -= 1
        if len(shorter) < len(story) and breaks(shorter):
            story = shorter
        at -= size
    return story, tries
