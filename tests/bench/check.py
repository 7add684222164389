"""`make bench-check`: what a change may not make worse, in less than two minutes.

Counts are exact and do not depend on the machine; ratios are of processor time, to floors of the
same run, and their bounds are about twice of what was measured. There are no absolute times.
"""

import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench import Done, bench, door_of
from tests.bench.page import put
from tests.bench.run import (
    CHANGED,
    COLD,
    HELPED,
    WARM,
    Measured,
    changed,
    cold,
    exponent,
    floor_of,
    helped,
    warm,
)
from tests.bench.trees import plant

HELD = """\
## What is held

`make bench-check`, a part of `make test`, measures {jobs:,} jobs anew and fails beyond these
bounds. Ratios are to the floor of the same run, and their bounds about twice of what they are; the
growth is the exponent between {small} and {jobs:,} jobs. `make check` holds the counts
(tests/bench/test_counts.py).

| scenario | × floor | YAML parses | schema calls | RPCs |
|---|---|---|---|---|
{rows}
"""

SMALL, JOBS = 250, 1_000
COLD_RUNS = 3
GROWTH = "growth of a warm round with the number of jobs"

# Five in bulk, a sixtieth of the jobs in depth, and chance; of one changed job three more.
BULK = 5 + JOBS // 40


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that a scenario may take: of its floor, or as an exponent, and of work that is
    counted."""

    ratio: float
    done: Done | None = None


BOUNDS: Mapping[str, Bound] = {
    COLD: Bound(260, Done(parses=JOBS + 22, schema_calls=JOBS + 22, rpcs=BULK)),
    WARM: Bound(7, Done(parses=0, schema_calls=0, rpcs=BULK)),
    CHANGED: Bound(10, Done(parses=1, schema_calls=2, rpcs=BULK + 3)),
    HELPED: Bound(9),
    GROWTH: Bound(1.25),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a scenario took, as its bound tells it."""

    name: str
    ratio: float
    done: Done | None = None

    def excess(self, bound: Bound) -> tuple[str, ...]:
        """Return in what it is beyond its bound."""
        told = [("ratio", self.ratio, bound.ratio)]
        if self.done is not None and bound.done is not None:
            told += [
                ("YAML parses", self.done.parses, bound.done.parses),
                ("schema calls", self.done.schema_calls, bound.done.schema_calls),
                ("RPCs", self.done.rpcs, bound.done.rpcs),
            ]
        return tuple(f"{what}: {n:.4g}, at most {most:.4g}" for what, n, most in told if n > most)


def checked(found: Iterable[Found], bounds: Mapping[str, Bound] = BOUNDS) -> tuple[str, bool]:
    """Return a line for each scenario, and whether all are within bounds and none is missing."""
    lines, sound = [], True
    left = dict(bounds)
    for one in found:
        bound = left.pop(one.name)
        excess = one.excess(bound)
        sound = sound and not excess
        told = f"{one.name}: {one.ratio:.2f}, at most {bound.ratio:g}"
        lines.append(f"{'BEYOND' if excess else 'ok':8}{told}")
        lines += [f"{'':8}  {what}" for what in excess]
    lines += [f"MISSING {name}" for name in left]
    return "\n".join(lines), sound and not left


def held(bounds: Mapping[str, Bound] = BOUNDS) -> str:
    """Return the section of the page that tells the bounds."""
    rows = []
    for name, bound in bounds.items():
        done = bound.done
        counted = ("", "", "") if done is None else (done.parses, done.schema_calls, done.rpcs)
        rows.append(f"| {name} | {bound.ratio:g} | {' | '.join(map(str, counted))} |")
    return HELD.format(jobs=JOBS, small=SMALL, rows="\n".join(rows))


def slope(small: Measured, large: Measured, times: float) -> Found:
    """Return the exponent by which a scenario grows with the number of jobs."""
    return Found(GROWTH, exponent(small.cpu_ms, large.cpu_ms, times))


def measured(jobs: int, folder: Path) -> dict[str, Measured]:
    """Return what is measured of so many jobs."""
    tree, state = folder / "tree", folder / "state"
    plant(tree, jobs)
    door = door_of(tree)
    floor = floor_of(tree, door)
    with bench(tree, state, door) as told:
        told.step()
        told.step()
        found = [warm(told, floor)]
    if jobs == JOBS:
        found += [cold(tree, state, door, COLD_RUNS), helped()]
        with bench(tree, state, door) as told:
            told.step()
            found.append(changed(told, tree, floor))
    return {one.name: one for one in found}


def main() -> int:
    """Measure, tell, and return the exit status; with a page, put the bounds into it instead."""
    if len(sys.argv) > 1:
        put(Path(sys.argv[1]), held())
        return 0
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as name:
        small = measured(SMALL, Path(name) / "small")
        large = measured(JOBS, Path(name) / "large")
    found = [Found(one.name, one.ratio, one.done) for one in large.values()]
    lines, sound = checked([*found, slope(small[WARM], large[WARM], JOBS / SMALL)])
    print(lines)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
