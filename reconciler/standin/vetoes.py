"""Why an offer does not suit a task (SchedulingFilterImpl).

Pure. The checks go from the gravest to the lightest and stop at the first group that speaks against
it, so that the lightest reason of all offers is the one to tell.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.standin.configs import DEDICATED, is_dedicated
from reconciler.standin.inventory import Known
from reconciler.standin.quantity import Quantity, needed, other, ports
from reconciler.thrift.structs import Constraint, MaintenanceMode, TaskConfig

# How many tasks of the job are on hosts with a value of an attribute.
Crowd = Callable[[str, str], int]


class Unjudgeable(Exception):  # noqa: N818 - the task is odd, not the code
    """A task has a constraint that says nothing. Aurora takes such a task and then fails, again
    and again, to find out where it may go."""


@dataclass(frozen=True, slots=True)
class Veto:
    """One reason. What is dynamic may change while the offer stays as it is."""

    reason: str
    score: int
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What an offer holds."""

    free: Quantity
    ports: int

    @property
    def is_usable(self) -> bool:
        """Tell whether there is CPU and RAM in it at all."""
        return self.free.cpu > 0 and self.free.ram_mb > 0

    @property
    def without_cpu(self) -> "Room":
        return Room(Quantity(0.0, self.free.ram_mb, self.free.disk_mb), self.ports)


IN_MAINTENANCE: Mapping[MaintenanceMode, str] = {
    MaintenanceMode.DRAINING: "Host draining for maintenance",
    MaintenanceMode.DRAINED: "Host drained for maintenance",
}

# The shortage of a resource that counts as much as any.
RANGES: Mapping[str, int] = {
    "CPU": 16,
    "RAM": 24_576,
    "disk": 460_800,
    "ports": 1000,
    "GPU": 4,
    "IP": 128,
}
_SCARCE, _UNFIT, _CLOSED, _DEDICATED = 10**3, 10**4, 10**5, 10**6


def vetoes(config: TaskConfig, host: Known, room: Room, crowd: Crowd) -> tuple[Veto, ...]:
    """Return what speaks against a task in an offer; nothing, if it fits."""
    if DEDICATED in host.attributes and not is_dedicated(config):
        return (Veto("Host is dedicated", _DEDICATED),)
    if host.mode in IN_MAINTENANCE:
        return (Veto(IN_MAINTENANCE[host.mode], _CLOSED),)
    told = config.constraints or ()
    if any(constraint.constraint is None for constraint in told):
        raise Unjudgeable
    for constraint in sorted(told, key=_is_limit):
        found = _constraint_veto(constraint, host.attributes, crowd)
        if found is not None:
            return (found,)
    return tuple(_shortages(config, room))


def _is_limit(constraint: Constraint) -> bool:
    return constraint.constraint is not None and constraint.constraint.limit is not None


def _constraint_veto(
    constraint: Constraint, attributes: Mapping[str, str], crowd: Crowd
) -> Veto | None:
    name, told = constraint.name or "", constraint.constraint
    assert told is not None, "one that says nothing cannot be judged"
    there = attributes.get(name)
    if told.limit is not None:
        if there is None:
            return Veto(f"Constraint not satisfied: {name}", _UNFIT)
        if crowd(name, there) >= (told.limit.limit or 0):
            return Veto(f"Limit not satisfied: {name}", _UNFIT, dynamic=True)
        return None
    assert told.value is not None, "a union has a member"
    matches = there is not None and there in (told.value.values or ())
    if matches == bool(told.value.negated):
        return Veto(f"Constraint not satisfied: {name}", _UNFIT)
    return None


def _shortages(config: TaskConfig, room: Room) -> Iterator[Veto]:
    wanted = needed(config)
    missing = {
        "disk": wanted.disk_mb - room.free.disk_mb,
        "RAM": wanted.ram_mb - room.free.ram_mb,
        "CPU": wanted.cpu - room.free.cpu,
        "ports": float(len(ports(config)) - room.ports),
        "GPU": other(config, "numGpus"),
        "IP": other(config, "ipAddr"),
    }
    for name, amount in missing.items():
        # What was taken and given back need not add up to the last bit.
        if amount > 1e-9:
            yield Veto(f"Insufficient: {name}", min(_SCARCE, int(_SCARCE * amount) // RANGES[name]))
