"""What an update does to running processes: which restart, in how many batches, how soon."""

from dataclasses import dataclass

from reconciler.model.keys import InstanceIds
from reconciler.model.plan import Impact, StartUpdate
from reconciler.model.policy import Platform, Strategy
from reconciler.model.rendered import RenderedJob


@dataclass(frozen=True, slots=True)
class Touched:
    """The instances that an update adds, replaces and removes."""

    adds: frozenset[int] = frozenset()
    updates: frozenset[int] = frozenset()
    removes: frozenset[int] = frozenset()

    @property
    def all(self) -> frozenset[int]:
        """Return every instance that the update touches."""
        return self.adds | self.updates | self.removes


def of_update(start: StartUpdate, wanted: RenderedJob, ids: Touched, platform: Platform) -> Impact:
    """Return the impact of a start that touches these instances."""
    working = len(ids.adds) + len(ids.updates)
    batches = start.settings.batches(working + len(ids.removes))
    # A removal waits for nothing; only instances that come up take start and watch time.
    busy = start.settings.batches(working) if working else 0
    per_batch = wanted.start_s + start.settings.watch_ms / 1000
    return Impact(
        restarts=InstanceIds.of(ids.updates),
        adds=InstanceIds.of(ids.adds),
        kills=InstanceIds.of(ids.removes),
        batches=batches,
        batch=_batch(start),
        shortest_s=round(busy * per_batch),
        failures_max=start.settings.failed_instances_max,
        rollback=start.settings.rollback,
        sla=_sla(wanted, platform, start.settings.sla_aware),
    )


def _batch(start: StartUpdate) -> str:
    sizes = start.settings.groups
    if len(sizes) > 1:
        return f"{' then '.join(str(s) for s in sizes)} at a time"
    kept_full = start.settings.strategy is Strategy.QUEUE
    return f"{sizes[0]} at a time" if kept_full else f"batches of {sizes[0]}"


def _sla(wanted: RenderedJob, platform: Platform, aware: bool) -> str:
    name = wanted.desired.spec.sla
    if name is None or name not in platform.slas:
        return ""
    return f"{name} ({'kept while updating' if aware else 'for host drains only'})"
