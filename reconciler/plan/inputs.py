"""Everything that may influence a plan, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.keys import JobKey, JobPattern
from reconciler.model.live import LiveSnapshot
from reconciler.model.memory import Memory
from reconciler.model.policy import Cluster
from reconciler.model.problem import Problem
from reconciler.model.rendered import RenderedJob
from reconciler.model.tree import DesiredTree


@dataclass(frozen=True, slots=True)
class Orders:
    """What the person who runs us asked for beyond the desired state.

    `approve` names plans by their digests, `approved` the acts of one that was found: what waits
    for another round was approved with the rest.
    """

    only: tuple[JobPattern, ...] = ()
    adopt: tuple[JobPattern, ...] = ()
    retry: tuple[JobPattern, ...] = ()
    approve: frozenset[str] = frozenset()
    approved: frozenset[str] = frozenset()
    allow_older: bool = False
    prune_now: bool = False

    def selects(self, key: JobKey) -> bool:
        """Return whether this run is about the job; without `only`, about all."""
        return not self.only or any(p.matches(key) for p in self.only)


@dataclass(frozen=True, slots=True)
class PlanInput:
    """One cluster's share of a round.

    `rendered` holds what the mediator made of the jobs of this cluster, `unrendered` why it could
    not. A job of the tree is in exactly one of the two.
    """

    cluster: Cluster
    tree: DesiredTree
    rendered: Mapping[JobKey, RenderedJob]
    unrendered: Mapping[JobKey, tuple[Problem, ...]]
    snapshot: LiveSnapshot
    memory: Memory
    now: datetime
    orders: Orders = Orders()
