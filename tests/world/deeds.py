"""All that can happen in a world, by its verb."""

from collections.abc import Callable, Mapping

from tests.world import commits, people, processes
from tests.world.events import Event
from tests.world.world import World

DEEDS: Mapping[str, Callable[[World, Event], None]] = {
    **commits.DEEDS,
    **people.DEEDS,
    **processes.DEEDS,
}


def do(world: World, event: Event) -> None:
    """Do an event, whatever it is."""
    DEEDS[event.verb](world, event)
