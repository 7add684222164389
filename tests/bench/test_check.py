"""What `make bench-check` lets pass, and what it does not."""

import pytest

from tests.bench.bench import Done
from tests.bench.check import GROWTH, Bound, Found, checked, slope
from tests.bench.run import Measured, Took

BOUNDS = {"warm": Bound(5, Done(parses=0, schema_calls=2, rpcs=30)), "grows": Bound(1.2)}
GROWS = Found("grows", 1.1)

CASES: dict[str, tuple[Found, str]] = {
    "at its bound": (Found("warm", 5, Done(0, 2, 30)), ""),
    "slower": (Found("warm", 5.1, Done(0, 2, 30)), "ratio: 5.1, at most 5"),
    "parses": (Found("warm", 4, Done(1, 2, 30)), "YAML parses: 1, at most 0"),
    "checks": (Found("warm", 4, Done(0, 3, 30)), "schema calls: 3, at most 2"),
    "asks": (Found("warm", 4, Done(0, 2, 31)), "RPCs: 31, at most 30"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_scenario_that_takes_more_than_its_bound_is_told(case: tuple[Found, str]) -> None:
    found, excess = case
    lines, sound = checked([found, GROWS], BOUNDS)
    assert sound is not bool(excess)
    assert excess in lines
    assert lines.startswith("BEYOND  warm: " if excess else "ok      warm: 5.00, at most 5")


def test_one_that_was_not_measured_is_not_within_its_bound() -> None:
    lines, sound = checked([GROWS], BOUNDS)
    assert not sound
    assert lines.splitlines()[-1] == "MISSING warm"


def took(*cpu_ms: float) -> Measured:
    runs = tuple(Took(1000.0, ms) for ms in cpu_ms)
    return Measured("warm", runs, (Took(1.0, 2.0), Took(1.0, 9.0), Took(1.0, 4.0)), Done(0, 0, 0))


def test_ratio_is_that_of_the_processor_s_medians() -> None:
    assert took(10, 20, 400).ratio == 5


def test_growth_is_an_exponent() -> None:
    found = slope(took(10), took(40), 4)
    assert (found.name, round(found.ratio, 6)) == (GROWTH, 1)
    assert round(slope(took(10), took(160), 4).ratio, 6) == 2
