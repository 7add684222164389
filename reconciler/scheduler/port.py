"""What the rest of the product may ask of a scheduler, and tell it."""

from datetime import datetime
from typing import Protocol

from reconciler.model.live import LiveSnapshot, Unknown
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Act, Basis
from reconciler.model.questions import Questions


class SchedulerPort(Protocol):
    """One Aurora. Never raises for what the network or the scheduler does: those are values."""

    def survey(self, now: datetime, ended_since_ms: int) -> LiveSnapshot:
        """Read everything in bulk. Updates that ended are read back to `ended_since_ms`."""
        ...

    def examine(self, snapshot: LiveSnapshot, questions: Questions) -> LiveSnapshot:
        """Return the snapshot with the questions answered; what failed is in `unclear`."""
        ...

    def basis(self, act: Act) -> Basis | Unknown:
        """Read again, just now, what the act rests on."""
        ...

    def carry_out(self, act: Act, token: str, message: str) -> Outcome:
        """Send the one RPC of this act. `token` marks a started update as this very attempt."""
        ...
