"""An Aurora as plain data, and back: all that it knows, and all that it is waiting for."""

import random
from typing import Any

from reconciler.standin.agents import Agent
from reconciler.standin.configs import Rules
from reconciler.standin.cronjobs import Delayed
from reconciler.standin.inventory import Known
from reconciler.standin.offers import Offer
from reconciler.standin.parts import Parts, put_together
from reconciler.standin.placement import Group
from reconciler.standin.plain import Configs, plain, rebuilt
from reconciler.standin.preemption import Reservation, Slot
from reconciler.standin.reasons import Fit
from reconciler.standin.tasks import Task
from reconciler.standin.updates import Update
from reconciler.standin.world import World
from reconciler.thrift.structs import JobConfiguration, JobKey, ResourceAggregate

# Raised with every change that an older state cannot be read under.
VERSION = 3

# What is kept of each part as it stands; the rest is made of that, or is below.
KEPT: tuple[tuple[str, str, Any], ...] = (
    ("inventory", "known", dict[str, Known]),
    ("agents", "all", dict[str, Agent]),
    ("offers", "held", dict[str, Offer]),
    ("offers", "asked", set[str]),
    ("offers", "count", int),
    ("placement", "groups", dict[bytes, Group]),
    ("placement", "turn_ms", float),
    ("reasons", "fits", dict[bytes, Fit]),
    ("preemption", "slots", dict[bytes, list[Slot]]),
    ("preemption", "reserved", dict[str, Reservation]),
    ("crons", "templates", dict[JobKey, JobConfiguration]),
    ("crons", "triggers", dict[JobKey, int]),
    ("crons", "delayed", dict[int, Delayed]),
    ("crons", "count", int),
    ("holdings", "granted", dict[str, ResourceAggregate]),
    ("counters", "counts", dict[str, int]),
)


class UnreadableStateError(ValueError):
    """A state was written by a stand-in that kept other things."""


def dump(parts: Parts) -> dict[str, Any]:
    """Return all parts as data that JSON can hold."""
    configs = Configs()
    kept = {f"{p}.{name}": plain(getattr(getattr(parts, p), name), configs) for p, name, _ in KEPT}
    return {
        "version": VERSION,
        "rules": plain(parts.rules, configs),
        "world": parts.world.dump(),
        "tasks": [plain(task, configs) for task in parts.tasks],
        "ended": parts.tasks.ended_ids(),
        "updates": [plain(update, configs) for update in parts.updates],
        "kept": kept,
        "configs": configs.dump(),
    }


def load(state: dict[str, Any], rules: Rules | None = None) -> Parts:
    """Return the parts that the data was made of, under its rules or other ones."""
    if state.get("version") != VERSION:
        raise UnreadableStateError(f"a state of version {state.get('version')!r}, not {VERSION}")
    configs = Configs(state["configs"])
    world = World(0, random.Random())
    parts = put_together(world, rules or rebuilt(Rules, state["rules"], configs))
    world.load(state["world"])
    for part, name, hint in KEPT:
        found = rebuilt(hint, state["kept"][f"{part}.{name}"], configs)
        setattr(getattr(parts, part), name, found)
    parts.agents.link()
    parts.offers.link()
    tasks = (rebuilt(Task, data, configs) for data in state["tasks"])
    parts.tasks.load(tasks, state["ended"])
    for data in state["updates"]:
        parts.updates.add(rebuilt(Update, data, configs))
    return parts
