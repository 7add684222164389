"""When to look for garbage that refers to itself: while nothing is done, and seldom.

Python's collector goes through all live values again and again while many are made. A round makes
some hundred thousand and next to no cycles: at 5,000 jobs the collector took as long as the work of
every other round.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDS = 100


@contextmanager
def uncollected() -> Iterator[None]:
    """Have no collection begin by itself; what is unreferred to is freed at once all the same."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def collect(number: int) -> None:
    """Collect after every so many rounds, where `number` counts them."""
    if number % ROUNDS == 0:
        gc.collect()
