"""The offers that the scheduler holds: one for each host that has something left.

An offer says what was free when it was made. A launch takes all of it; what is left comes back with
the next round of offers, and so does what became free meanwhile. A reason why a kind of task cannot
have an offer bars it from that offer for as long as it is held, unless the reason may pass.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.standin.agents import Agents
from reconciler.standin.configs import Rules
from reconciler.standin.inventory import PREFERENCE, Inventory, Known
from reconciler.standin.vetoes import Room
from reconciler.standin.world import World

# How often an agent makes offers.
ROUND_MS = 250


@dataclass(slots=True)
class Offer:
    """What one host offers, with the kinds of task that cannot have it."""

    id: int
    host: Known
    room: Room
    turn: float
    barred: set[bytes] = field(default_factory=set)

    @property
    def order(self) -> tuple[int, float, int]:
        return PREFERENCE[self.host.mode], self.turn, self.id


class Offers:
    """All offers, in the order in which they are looked at: by mode, then by chance."""

    def __init__(self, world: World, agents: Agents, inventory: Inventory, rules: Rules) -> None:
        self._world = world
        self._rules = rules
        self._agents = agents
        self._inventory = inventory
        self.held: dict[str, Offer] = {}
        self._sorted: list[tuple[tuple[int, float, int], Offer]] = []
        self.count = 0
        self.asked: set[str] = set()
        world.on("make offer", self._make)
        world.on("offer expires", self._expire)

    def __iter__(self) -> Iterator[Offer]:
        return (offer for _, offer in self._sorted)

    def ask(self, host: str) -> None:
        """Expect an offer of a host with the next round; of a host that is new, at once."""
        if host in self.asked:
            return
        if self._inventory.get(host) is None:
            self._make(host)
            return
        self.asked.add(host)
        self._world.after(ROUND_MS - self._world.now_ms % ROUND_MS, "make offer", host)

    def take(self, offer: Offer) -> None:
        """Use an offer up; the rest of it will be offered anew."""
        self.drop(offer.host.name)
        self.ask(offer.host.name)

    def drop(self, host: str) -> None:
        """Forget the offer of a host that is gone."""
        offer = self.held.pop(host, None)
        if offer is not None:
            del self._sorted[bisect.bisect_left(self._sorted, offer.order, key=lambda o: o[0])]

    def sort_again(self, host: Known) -> None:
        """Put the offer of a host where its new mode wants it.

        What it barred while in another mode it goes on barring, as in Aurora.
        """
        for place, (_, offer) in enumerate(self._sorted):
            if offer.host is host:
                del self._sorted[place]
                self._insert(offer)
                return

    def link(self) -> None:
        """Put the offers in order, and have them name the hosts that the inventory knows."""
        for offer in tuple(self.held.values()):
            offer.host = self._inventory.known[offer.host.name]
            self._insert(offer)

    def _make(self, host: str) -> None:
        self.asked.discard(host)
        agent = self._agents.all.get(host)
        if agent is None or not agent.up:
            return
        if host in self.held:
            # Two offers of one agent are both declined, so that they come back as one.
            self.drop(host)
            self.ask(host)
            return
        known = self._inventory.learn(agent.host)
        self.count += 1
        room = Room(agent.free(), agent.free_port_count())
        self._insert(Offer(self.count, known, room, self._world.chance.random()))
        jitter_ms = self._world.chance.random() * self._rules.offer_hold_jitter_ms
        hold_ms = self._rules.offer_hold_ms + jitter_ms
        self._world.after(hold_ms, "offer expires", host, self.count)

    def _insert(self, offer: Offer) -> None:
        self.held[offer.host.name] = offer
        bisect.insort(self._sorted, (offer.order, offer), key=lambda o: o[0])

    def _expire(self, host: str, offer_id: int) -> None:
        """Decline an offer that was held for long; the host makes another one."""
        offer = self.held.get(host)
        if offer is not None and offer.id == offer_id:
            self.take(offer)
