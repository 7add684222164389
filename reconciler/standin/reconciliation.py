"""Asking Mesos how tasks are, from time to time, in case that something was not heard."""

from dataclasses import dataclass

from reconciler.standin.agents import WAY_MS, Agents
from reconciler.standin.tasks import Tasks
from reconciler.standin.transitions import ON_AN_AGENT
from reconciler.standin.world import World

MINUTE = 60 * 1000
FIRST_MS, EVERY_MS, SPREAD_MS = MINUTE, 60 * MINUTE, 30 * MINUTE


@dataclass(slots=True)
class Reconciliation:
    """Explicit: how are these tasks? Implicit: what is there?"""

    world: World
    tasks: Tasks
    agents: Agents

    def __post_init__(self) -> None:
        self.world.on("reconcile explicitly", self._explicit_again)
        self.world.on("reconcile implicitly", self._implicit_again)
        self.world.on("reconcile", self.agents.reconcile)

    def begin(self) -> None:
        self.world.after(FIRST_MS, "reconcile explicitly")
        self.world.after(FIRST_MS + SPREAD_MS, "reconcile implicitly")

    def explicit(self) -> None:
        """Ask how each task is that should be on an agent; one that no agent has is lost."""
        for task in tuple(self.tasks):
            if task.status in ON_AN_AGENT and not self.agents.runs(task.id):
                self.world.after(2 * WAY_MS, "process unknown", task.id)

    def implicit(self) -> None:
        """Ask for all that runs; what should not is told to end."""
        self.world.after(2 * WAY_MS, "reconcile")

    def _explicit_again(self) -> None:
        self.explicit()
        self.world.after(EVERY_MS, "reconcile explicitly")

    def _implicit_again(self) -> None:
        self.implicit()
        self.world.after(EVERY_MS, "reconcile implicitly")
