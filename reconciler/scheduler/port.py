"""What the rest of the product may ask of a scheduler, and tell it."""

from dataclasses import dataclass
from typing import Protocol

from reconciler.model.live import LiveSnapshot, Unknown
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Act, Basis
from reconciler.model.questions import Questions


@dataclass(frozen=True, slots=True)
class Silent(Unknown):
    """Nobody answered: the next question would most likely wait for its whole deadline, too."""


class SchedulerPort(Protocol):
    """One Aurora. Never raises for what the network or the scheduler does: those are values."""

    def survey(self, ended_since_ms: int) -> LiveSnapshot:
        """Read everything in bulk. Updates that ended are read back to `ended_since_ms`."""
        ...

    def examine(self, snapshot: LiveSnapshot, questions: Questions) -> LiveSnapshot:
        """Return the snapshot with the questions answered; what failed is in `unclear`."""
        ...

    def basis(self, act: Act) -> Basis | Unknown:
        """Read again, just now, what the act rests on; `Silent` when nobody answered."""
        ...

    def carry_out(self, act: Act, token: str, message: str) -> Outcome:
        """Send the one RPC of this act. `token` marks a started update as this very attempt."""
        ...
