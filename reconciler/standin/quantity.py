"""What a task needs of a host, and how much there is: CPU, RAM and disk."""

from dataclasses import dataclass

from reconciler.thrift.structs import Resource, TaskConfig

# What the executor itself takes (-thermos_executor_cpu, -thermos_executor_ram).
EXECUTOR_CPU, EXECUTOR_RAM_MB = 0.25, 128.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of what is measured."""

    cpu: float = 0.0
    ram_mb: float = 0.0
    disk_mb: float = 0.0

    def plus(self, other: "Quantity") -> "Quantity":
        return Quantity(
            self.cpu + other.cpu, self.ram_mb + other.ram_mb, self.disk_mb + other.disk_mb
        )

    def minus(self, other: "Quantity") -> "Quantity":
        return Quantity(
            self.cpu - other.cpu, self.ram_mb - other.ram_mb, self.disk_mb - other.disk_mb
        )


def needed(config: TaskConfig) -> Quantity:
    """Return what a task takes of its host, its executor included."""
    resources = config.resources or ()
    executor = config.executorConfig is not None
    return Quantity(
        _sum(resources, "numCpus") + (EXECUTOR_CPU if executor else 0.0),
        _sum(resources, "ramMb") + (EXECUTOR_RAM_MB if executor else 0.0),
        _sum(resources, "diskMb"),
    )


def ports(config: TaskConfig) -> tuple[str, ...]:
    """Return the names of the ports that a task wants."""
    return tuple(r.namedPort for r in config.resources or () if r.namedPort is not None)


def other(config: TaskConfig, kind: str) -> float:
    """Return how much is wanted of what no host here has: GPUs and addresses."""
    return _sum(config.resources or (), kind)


def _sum(resources: tuple[Resource, ...], kind: str) -> float:
    return float(sum(getattr(r, kind) or 0 for r in resources))
