"""How long to wait before looking or trying again. Pure: chance is handed in."""

from random import Random


def growing(attempt: int, first_s: float, most_s: float) -> float:
    """Return the wait after attempt number `attempt` (from 1): half as much again, up to a cap."""
    return float(min(most_s, first_s * 1.5 ** min(attempt - 1, 60)))


def doubling(attempt: int, first_s: float, most_s: float) -> float:
    """Return the wait after failure number `attempt` (from 1): doubled each time, up to a cap."""
    return float(min(most_s, first_s * 2.0 ** min(attempt - 1, 60)))


def jittered(seconds: float, share: float, chance: Random) -> float:
    """Return the wait moved by up to `share` either way, so that many loops do not fall in step."""
    return seconds * (1 + share * (2 * chance.random() - 1))
