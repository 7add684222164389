"""Which running tasks make room for one that has waited for long (PendingTaskProcessor, Preemptor).

First a slot is looked for: a host, and tasks there that matter less and whose room would do. The
next attempt to place such a task takes the slot: its victims are told to go, and the host is kept
for tasks of that kind for a while.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.standin.configs import Rules
from reconciler.standin.inventory import Inventory
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.offers import Offers
from reconciler.standin.quantity import Quantity, needed, ports
from reconciler.standin.reasons import Reasons
from reconciler.standin.spread import crowd
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.vetoes import Room
from reconciler.standin.world import World
from reconciler.thrift.structs import ScheduleStatus, TaskConfig

MINUTE = 60 * 1000
# How long a task waits before others may go for it, and how often slots are looked for.
PATIENCE_MS, FIRST_MS, EVERY_MS = 3 * MINUTE, 3 * MINUTE, MINUTE
SLOT_MS, RESERVATION_MS = 5 * MINUTE, 3 * MINUTE
BATCH = 5


@dataclass(frozen=True, slots=True)
class Rank:
    """What decides whether one task may go for another."""

    preemptible: bool
    role: str
    priority: int

    def matters_less_than(self, other: "Rank") -> bool:
        if self.preemptible != other.preemptible:
            return self.preemptible
        return self.role == other.role and self.priority < other.priority


@dataclass(frozen=True, slots=True)
class Slot:
    """Room that there would be for a kind of task on a host, and who would have to go."""

    host: str
    victims: tuple[str, ...]
    until_ms: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """For which kind of task a host is kept, and until when."""

    kind: bytes
    until_ms: int


@dataclass(slots=True)
class Preemption:
    """Slots that were found, by kind of task, and the hosts that are kept."""

    world: World
    tasks: Tasks
    inventory: Inventory
    offers: Offers
    lifecycle: Lifecycle
    reasons: Reasons
    rules: Rules
    slots: dict[bytes, list[Slot]] = field(default_factory=dict)
    reserved: dict[str, Reservation] = field(default_factory=dict)

    def is_kept_from(self, host: str, kind: bytes) -> bool:
        """Tell whether a host is kept for another kind of task."""
        found = self.reserved.get(host)
        return found is not None and self._lasts(found) and found.kind != kind

    def placed(self, host: str, kind: bytes) -> None:
        """A host was kept for what has now come."""
        found = self.reserved.get(host)
        if found is not None and found.kind == kind:
            del self.reserved[host]

    # --- taking a slot

    def make_room(self, task: Task, kind: bytes) -> None:
        """Let the victims of a slot go for a task, if one was found and still is one."""
        if any(r.kind == kind and self._lasts(r) for r in self.reserved.values()):
            return
        slots = self.slots.get(kind, [])
        while slots:
            slot = slots.pop(0)
            chosen = self._choose(task.config, slot.host, self._still_there(slot))
            if self._lasts(slot) and chosen:
                for victim in chosen:
                    told = f"Preempting in favor of {task.id}"
                    self.lifecycle.change(victim, ScheduleStatus.PREEMPTING, told)
                self.reserved[slot.host] = Reservation(kind, self.world.now_ms + RESERVATION_MS)
                return

    def _still_there(self, slot: Slot) -> list[Task]:
        there = self.tasks.on_host(slot.host)
        return [task for task in there if task.id in slot.victims]

    def _lasts(self, found: Slot | Reservation) -> bool:
        return self.world.now_ms < found.until_ms

    # --- looking for slots

    def search(self, waiting: Sequence[tuple[bytes, TaskConfig, int]]) -> None:
        """Look for slots: of each kind for as many as wait, a few of each in turn."""
        self._forget()
        left = {kind: count for kind, _, count in waiting if not self.slots.get(kind)}
        hosts = self._hosts_by_rank() if left else {}
        while left:
            for kind, config, _ in waiting:
                for _ in range(min(BATCH, left.get(kind, 0))):
                    left[kind] -= 1
                    if not self._find(kind, config, hosts):
                        left[kind] = 0
                if left.get(kind) == 0:
                    del left[kind]

    def _hosts_by_rank(self) -> dict[Rank, set[str]]:
        """Return the hosts of tasks by what matters about those: most hosts need no closer look."""
        found: dict[Rank, set[str]] = {}
        for known in self.inventory:
            for task in self.tasks.on_host(known.name):
                found.setdefault(self._rank(task.config), set()).add(known.name)
        return found

    def _find(self, kind: bytes, config: TaskConfig, hosts: Mapping[Rank, set[str]]) -> bool:
        rank = self._rank(config)
        worth = {h for r, named in hosts.items() if r.matters_less_than(rank) for h in named}
        for host in sorted(worth):
            chosen = self._choose(config, host, self.tasks.on_host(host))
            if chosen:
                ids = tuple(task.id for task in chosen)
                slot = Slot(host, ids, self.world.now_ms + SLOT_MS)
                self.slots.setdefault(kind, []).append(slot)
                for named in hosts.values():
                    named.discard(host)
                return True
        return False

    def _forget(self) -> None:
        for kind, slots in tuple(self.slots.items()):
            self.slots[kind] = [slot for slot in slots if self._lasts(slot)]
            if not self.slots[kind]:
                del self.slots[kind]
        self.reserved = {h: r for h, r in self.reserved.items() if self._lasts(r)}

    # --- who has to go

    def _choose(self, config: TaskConfig, host: str, there: Iterable[Task]) -> list[Task]:
        """Return the fewest, the largest first, whose room would do; none if that is not enough."""
        known = self.inventory.get(host)
        assert config.job is not None, "a config without a job is refused"
        if known is None:
            return []
        rank = self._rank(config)
        lesser = [t for t in there if self._rank(t.config).matters_less_than(rank)]
        lesser.sort(key=self._size, reverse=True)
        offer = self.offers.held.get(host)
        free, port_count = (offer.room.free, offer.room.ports) if offer else (Quantity(), 0)
        chosen: list[Task] = []
        for task in lesser:
            chosen.append(task)
            free, port_count = free.plus(self._room(task)), port_count + len(ports(task.config))
            spread = crowd(self.tasks, self.inventory, config.job)
            if not self.reasons.against(config, known, Room(free, port_count), spread):
                return chosen
        return []

    def _rank(self, config: TaskConfig) -> Rank:
        assert config.job is not None, "a config without a job is refused"
        tier = self.rules.tiers[config.tier or self.rules.default_tier]
        return Rank(tier.preemptible, config.job.role or "", config.priority or 0)

    def _room(self, task: Task) -> Quantity:
        """Return what a task leaves behind; CPU that could be revoked does not count."""
        room = needed(task.config)
        if self.rules.tiers[task.config.tier or self.rules.default_tier].revocable:
            return Quantity(0.0, room.ram_mb, room.disk_mb)
        return room

    def _size(self, task: Task) -> tuple[float, float, float, int]:
        room = self._room(task)
        return room.cpu, room.ram_mb, room.disk_mb, len(ports(task.config))
