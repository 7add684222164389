"""The agents of the simulated cluster: what each offers, and how it is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Host:
    """One agent. `ports` is a closed range; `attributes` are its Mesos attributes, text only."""

    name: str
    cpu: float
    ram_mb: float
    disk_mb: float
    ports: tuple[int, int]
    attributes: Mapping[str, str] = field(default_factory=dict)
