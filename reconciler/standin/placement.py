"""Which pending task goes where (TaskGroups, TaskAssignerImpl, NearestFit).

Pending tasks of equal config are one group; a group is tried again and again, at growing intervals
while nothing of it finds a place. Not imitated: revocable offers, and keeping hosts during updates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.standin import preemption
from reconciler.standin.agents import Agents
from reconciler.standin.configs import Rules, meaning
from reconciler.standin.inventory import Inventory
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.offers import Offer, Offers
from reconciler.standin.preemption import Preemption
from reconciler.standin.quantity import ports
from reconciler.standin.reasons import Reasons
from reconciler.standin.spread import crowd
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.vetoes import Crowd, Room, Unjudgeable
from reconciler.standin.world import World
from reconciler.thrift.structs import ScheduleStatus, TaskConfig

FIRST_MS = 1
PENALTY_FIRST_MS, PENALTY_MOST_MS = 1000, 60 * 1000
TASKS_PER_ATTEMPT = 5
# So many attempts a second, of all groups together; those not used within a second are lost.
ATTEMPTS_PER_SECOND = 40


class Unlaunchable(Exception):  # noqa: N818 - the task is odd, not the code
    """A task has metadata without a value, which Mesos does not take as a label. Aurora fails when
    it has given the task a host already, and leaves it there."""


@dataclass(slots=True)
class Group:
    """Pending tasks of one config, in the order in which they came."""

    config: TaskConfig
    penalty_ms: int = FIRST_MS
    waiting: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Placement:
    """The groups of pending tasks."""

    world: World
    tasks: Tasks
    agents: Agents
    inventory: Inventory
    offers: Offers
    lifecycle: Lifecycle
    preemption: Preemption
    reasons: Reasons
    rules: Rules
    groups: dict[bytes, Group] = field(default_factory=dict)
    # From when on the next attempt may be made.
    turn_ms: float = 0.0

    def __post_init__(self) -> None:
        self.world.on("attempt", self._wait_for_turn)
        self.world.on("attempt in turn", self._attempt)
        self.world.on("look for victims", self._look_for_victims)
        self.lifecycle.listeners.append(self)

    # --- hearing of tasks

    def changed(self, task: Task, was: ScheduleStatus) -> None:
        if was is ScheduleStatus.PENDING:
            self.reasons.forget(task.config)
        if task.status is not ScheduleStatus.PENDING:
            return
        key = meaning(task.config)
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(task.config)
            self.world.after(FIRST_MS, "attempt", key.decode())
        group.waiting[task.id] = None

    def deleted(self, task: Task) -> None:
        self.reasons.forget(task.config)
        group = self.groups.get(meaning(task.config))
        if group is not None:
            group.waiting.pop(task.id, None)

    def begin(self) -> None:
        """Look from time to time for who could make room, from now on."""
        self.world.after(preemption.FIRST_MS, "look for victims")

    def _look_for_victims(self) -> None:
        kinds = ((key, group.config, self._patient(group)) for key, group in self.groups.items())
        self.preemption.search([kind for kind in kinds if kind[2]])
        self.world.after(preemption.EVERY_MS, "look for victims")

    def _patient(self, group: Group) -> int:
        """Return how many of a group have waited for long."""
        long_ago_ms = self.world.now_ms - preemption.PATIENCE_MS
        waiting = (self.tasks.by_id.get(task_id) for task_id in group.waiting)
        return sum(task is not None and task.changed_ms <= long_ago_ms for task in waiting)

    # --- attempts

    def _wait_for_turn(self, told: str) -> None:
        turn_ms = max(self.turn_ms, self.world.now_ms - 1000)
        self.turn_ms = turn_ms + 1000 / ATTEMPTS_PER_SECOND
        if turn_ms > self.world.now_ms:
            self.world.after(turn_ms - self.world.now_ms, "attempt in turn", told)
        else:
            self._attempt(told)

    def _attempt(self, told: str) -> None:
        key = told.encode()
        group = self.groups[key]
        waiting = len(group.waiting)
        candidates = self._candidates(group)
        try:
            placed = self._place(key, group.config, candidates)
        except (Unjudgeable, Unlaunchable):
            placed = []
        for task in placed:
            group.waiting.pop(task.id, None)
        if not group.waiting:
            del self.groups[key]
            return
        if len(group.waiting) < waiting:
            group.penalty_ms = FIRST_MS
        else:
            group.penalty_ms = self.world.backoff(
                group.penalty_ms, PENALTY_FIRST_MS, PENALTY_MOST_MS
            )
        self.world.after(group.penalty_ms, "attempt", told)

    def _candidates(self, group: Group) -> list[Task]:
        """Return the next of a group; those that are not pending any more leave it."""
        found = []
        for task_id in list(group.waiting)[:TASKS_PER_ATTEMPT]:
            task = self.tasks.by_id.get(task_id)
            if task is not None and task.status is ScheduleStatus.PENDING:
                found.append(task)
            else:
                del group.waiting[task_id]
        return found

    def _place(self, key: bytes, config: TaskConfig, candidates: list[Task]) -> list[Task]:
        """Give each task the first offer that suits it; an offer takes one of them."""
        if not candidates:
            return []
        assert config.job is not None, "a config without a job is refused"
        spread = crowd(self.tasks, self.inventory, config.job)
        # Who comes first is as arbitrary there, where both are looked up by random ids.
        self.world.chance.shuffle(candidates)
        chosen: dict[int, tuple[Task, Offer]] = {}
        for task in candidates:
            offer = self._first_fit(key, config, spread, chosen)
            if offer is not None:
                chosen[offer.id] = (task, offer)
        for task, offer in chosen.values():
            self._launch(task, offer)
            self.preemption.placed(offer.host.name, key)
        placed = [task for task, _ in chosen.values()]
        for task in candidates:
            if task not in placed:
                self.preemption.make_room(task, key)
        return placed

    def _first_fit(
        self, key: bytes, config: TaskConfig, spread: Crowd, chosen: Mapping[int, object]
    ) -> Offer | None:
        for offer in self.offers:
            if key in offer.barred or not offer.room.is_usable:
                continue
            room = self._room(config, offer)
            against = self.reasons.against(config, offer.host, room, spread)
            if against:
                if not any(veto.dynamic for veto in against):
                    offer.barred.add(key)
            elif offer.id not in chosen and not self.preemption.is_kept_from(offer.host.name, key):
                return offer
        return None

    def _room(self, config: TaskConfig, offer: Offer) -> Room:
        """Return what of an offer a task may use: the CPU that can be revoked is never offered."""
        tier = self.rules.tiers.get(config.tier or self.rules.default_tier)
        return offer.room.without_cpu if tier is not None and tier.revocable else offer.room

    def _launch(self, task: Task, offer: Offer) -> None:
        agent = self.agents.all[offer.host.name]
        wanted = ports(task.config)
        drawn = self.world.chance.sample(agent.free_ports(), len(wanted)) if wanted else []
        assigned = dict(zip(wanted, drawn, strict=True))
        if any(label.value is None for label in task.config.metadata or ()):
            self.lifecycle.assign(task, offer.host.name, assigned)
            raise Unlaunchable
        self.offers.take(offer)
        self.lifecycle.assign(task, offer.host.name, assigned)
        self.agents.launch(task)
