"""The collector: left alone while work is done, and called once in many rounds."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from reconciler.loop.garbage import ROUNDS, collect, uncollected


class Knot:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_collector_rests_during_the_work_and_is_as_before_after_it(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled() == enabled


def test_collector_is_as_before_when_the_work_breaks() -> None:
    gc.enable()
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


@pytest.mark.parametrize(("number", "freed"), [(1, False), (ROUNDS, True), (3 * ROUNDS, True)])
def test_knots_are_freed_once_in_many_rounds(number: int, freed: bool) -> None:
    with uncollected():
        knot = weakref.ref(Knot())
        collect(number)
        assert (knot() is None) == freed
