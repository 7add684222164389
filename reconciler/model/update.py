"""How an Aurora job update is to run, and one that was seen to run. Times are milliseconds UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from reconciler.model.policy import Strategy


class UpdateStatus(Enum):
    """Aurora's JobUpdateStatus, by name."""

    ROLLING_FORWARD = "ROLLING_FORWARD"
    ROLLING_BACK = "ROLLING_BACK"
    ROLL_FORWARD_PAUSED = "ROLL_FORWARD_PAUSED"
    ROLL_BACK_PAUSED = "ROLL_BACK_PAUSED"
    ROLLED_FORWARD = "ROLLED_FORWARD"
    ROLLED_BACK = "ROLLED_BACK"
    ABORTED = "ABORTED"
    ERROR = "ERROR"
    FAILED = "FAILED"
    ROLL_FORWARD_AWAITING_PULSE = "ROLL_FORWARD_AWAITING_PULSE"
    ROLL_BACK_AWAITING_PULSE = "ROLL_BACK_AWAITING_PULSE"

    @property
    def active(self) -> bool:
        """Return whether it has not ended."""
        return self not in ENDED

    @property
    def paused(self) -> bool:
        """Return whether it waits to be resumed."""
        return self in (UpdateStatus.ROLL_FORWARD_PAUSED, UpdateStatus.ROLL_BACK_PAUSED)

    @property
    def awaiting_pulse(self) -> bool:
        """Return whether it waits for a pulse."""
        return self in (
            UpdateStatus.ROLL_FORWARD_AWAITING_PULSE,
            UpdateStatus.ROLL_BACK_AWAITING_PULSE,
        )

    @property
    def going_back(self) -> bool:
        """Return whether it goes back to what was, or waits on the way."""
        return self in (
            UpdateStatus.ROLLING_BACK,
            UpdateStatus.ROLL_BACK_PAUSED,
            UpdateStatus.ROLL_BACK_AWAITING_PULSE,
        )


ENDED = frozenset(
    {
        UpdateStatus.ROLLED_FORWARD,
        UpdateStatus.ROLLED_BACK,
        UpdateStatus.ABORTED,
        UpdateStatus.ERROR,
        UpdateStatus.FAILED,
    }
)


@dataclass(frozen=True, slots=True)
class UpdateSettings:
    """JobUpdateSettings without the scope. `groups`: one size, or a variable batch's sizes."""

    strategy: Strategy
    groups: tuple[int, ...]
    watch_ms: int
    failed_instances_max: int
    failures_per_instance_max: int
    rollback: bool
    sla_aware: bool
    pause_between: bool = False

    def __post_init__(self) -> None:
        assert self.groups, "an update needs a group size"
        assert all(size > 0 for size in self.groups), "a group size is positive"

    def batches(self, instances: int) -> int:
        """Return how many groups it takes to go through so many instances."""
        done, count = 0, 0
        while done < instances:
            done += self.groups[min(count, len(self.groups) - 1)]
            count += 1
        return count


@dataclass(frozen=True, slots=True)
class UpdateEvent:
    """One event of an update; None for a user or words that the scheduler does not tell."""

    status: UpdateStatus
    at_ms: int
    user: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class LiveUpdate:
    """A job update as its summary tells, with `events` (oldest first) where details were read."""

    id: str
    user: str
    status: UpdateStatus
    created_ms: int
    modified_ms: int
    metadata: Mapping[str, str]
    events: tuple[UpdateEvent, ...] | None = None
