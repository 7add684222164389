"""Why tasks wait: the lightest that spoke against each kind of them (NearestFit).

Whatever looks whether a task would fit notes what spoke against it, be it for an offer or for the
room that others would leave.
"""

from dataclasses import dataclass, field

from reconciler.standin.configs import meaning
from reconciler.standin.inventory import Known
from reconciler.standin.vetoes import Crowd, Room, Veto, vetoes
from reconciler.standin.world import World
from reconciler.thrift.structs import TaskConfig

KEPT_MS = 10 * 60 * 1000


@dataclass(slots=True)
class Fit:
    """The lightest reasons against a kind of task so far, and since when they are counted."""

    since_ms: int
    reasons: tuple[Veto, ...]

    @property
    def score(self) -> int:
        return sum(veto.score for veto in self.reasons)


@dataclass(slots=True)
class Reasons:
    """What spoke against each kind of task, until one of them has found a place."""

    world: World
    fits: dict[bytes, Fit] = field(default_factory=dict)

    def against(
        self, config: TaskConfig, host: Known, room: Room, crowd: Crowd
    ) -> tuple[Veto, ...]:
        """Return what speaks against a task on a host with this room, and take note of it."""
        found = vetoes(config, host, room, crowd)
        if found:
            self._note(meaning(config), found)
        return found

    def of(self, config: TaskConfig) -> tuple[Veto, ...]:
        """Return the lightest that spoke against tasks of a config so far."""
        fit = self._fit(meaning(config))
        return () if fit is None else fit.reasons

    def forget(self, config: TaskConfig) -> None:
        self.fits.pop(meaning(config), None)

    def _fit(self, kind: bytes) -> Fit | None:
        fit = self.fits.get(kind)
        return None if fit is None or self.world.now_ms - fit.since_ms >= KEPT_MS else fit

    def _note(self, kind: bytes, against: tuple[Veto, ...]) -> None:
        fit = self._fit(kind)
        if fit is None:
            self.fits[kind] = Fit(self.world.now_ms, against)
        elif sum(veto.score for veto in against) < fit.score:
            fit.reasons = against
