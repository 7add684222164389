"""How much time is left: what the timeout of a run leaves of every wait within it."""

import math
from collections.abc import Callable

# Seconds; less than 0 when time is over.
Left = Callable[[], float]


def forever() -> float:
    """As long as it takes, as far as the run is concerned."""
    return math.inf
