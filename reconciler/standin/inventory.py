"""What the scheduler knows of hosts: their attributes and whether they are in maintenance.

A host is known once it made an offer, and is never forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.standin.hosts import Host
from reconciler.thrift.structs import MaintenanceMode, SlaPolicy

# In which order offers are looked at.
PREFERENCE: Mapping[MaintenanceMode, int] = {
    MaintenanceMode.NONE: 0,
    MaintenanceMode.SCHEDULED: 1,
    MaintenanceMode.DRAINING: 2,
    MaintenanceMode.DRAINED: 3,
}


@dataclass(frozen=True, slots=True)
class Request:
    """A wish that a host be drained, and from when on without asking whom it hurts."""

    policy: SlaPolicy | None
    forced_ms: int


@dataclass(slots=True)
class Known:
    """One host as the scheduler knows it."""

    name: str
    attributes: Mapping[str, str]
    mode: MaintenanceMode = MaintenanceMode.NONE
    request: Request | None = None


class Inventory:
    """All hosts that ever made an offer."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}

    def __iter__(self) -> Iterator[Known]:
        return iter(self.known.values())

    def get(self, name: str) -> Known | None:
        return self.known.get(name)

    def learn(self, host: Host) -> Known:
        """Take note of a host that made an offer."""
        attributes = {"host": host.name, **host.attributes}
        known = self.known.get(host.name)
        if known is None:
            known = self.known[host.name] = Known(host.name, attributes)
        known.attributes = attributes
        return known
