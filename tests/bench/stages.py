"""Where the time of a warm round goes: `python -m tests.bench.stages docs/benchmarks.md`.

From a profile, which makes what calls many functions look dearer than it is: so shares are told,
and no times.
"""

import cProfile
import pstats
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.bench import bench, door_of
from tests.bench.page import put
from tests.bench.trees import plant

JOBS, ROUNDS = 10_000, 5

# A function, by its file and name.
Where = tuple[str, str]

FILES: Where = ("sources/directory.py", "read")
STAGES: dict[str, tuple[Where, ...]] = {
    "files found in two scans, and read": (FILES,),
    "documents looked up, since no file is another": (("loop/desired.py", "read"),),
    "the bulk reading, its entries digested": (("scheduler/aurora.py", "survey"),),
    "the jobs about which nothing is new told from the others": (("plan/quiet.py", "quiet"),),
    "the others decided": (("plan/facts.py", "facts"), ("plan/planner.py", "redrafted")),
    "a sixtieth of the jobs asked about in depth": (("scheduler/aurora.py", "examine"),),
    "gates, guard, order and digest of the plan": (("plan/planner.py", "concluded"),),
    "what is remembered next": (("plan/learn.py", "rounded"),),
    "conditions compared and written": (("record/store.py", "keep_round"),),
}
# What is counted in another stage already.
WITHIN: dict[Where, Where] = {("loop/desired.py", "read"): FILES}

SECTION = """\
## Where the time goes

Of a warm round over {jobs:,} jobs in which nothing changed, by a profile (tests/bench/stages.py).

| stage | share |
|---|---|
{rows}
"""


def profiled(jobs: int) -> pstats.Stats:
    """Return the profile of some warm rounds."""
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as name:
        tree, state = Path(name) / "tree", Path(name) / "state"
        plant(tree, jobs)
        with bench(tree, state, door_of(tree)) as told:
            told.step()
            told.step()
            profile.enable()
            for _ in range(ROUNDS):
                told.step()
            profile.disable()
    return pstats.Stats(profile)


def shares(stats: pstats.Stats) -> dict[str, float]:
    """Return the share of each stage, and of the rest."""
    # Typeshed does not know of it.
    told: dict[tuple[str, int, str], tuple[Any, ...]] = stats.stats  # type: ignore[attr-defined]

    def spent(where: Where) -> float:
        file, name = where
        found = [
            s[3]
            for (path, _, called), s in told.items()
            if (called, path[-len(file) :]) == (name, file)
        ]
        assert len(found) == 1, f"{where} is not one function"
        return float(found[0])

    # Of all that was seen: a profiler may miss the frame that it was switched on in.
    whole = float(stats.total_tt)  # type: ignore[attr-defined]
    found = {
        stage: sum(spent(w) - (spent(WITHIN[w]) if w in WITHIN else 0) for w in places) / whole
        for stage, places in STAGES.items()
    }
    return {**found, "all else": 1 - sum(found.values())}


def main(target: Path) -> None:
    """Measure, print, and put the section into a file."""
    rows = "\n".join(
        f"| {stage} | {share:.0%} |" for stage, share in shares(profiled(JOBS)).items()
    )
    section = SECTION.format(jobs=JOBS, rows=rows)
    print(section)
    put(target, section)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
