"""`make bench`: 1,000 jobs of 20 instances on canned replies; prints and writes a markdown section.

Each scenario is run several times, with a garbage collection before each; raw runs, minimum, median
and maximum are told, and the ratio of its median to that of a floor of the same run: what the
machine alone needs for the same bytes. Absolute times belong to the machine; ratios travel.
"""

import gc
import json
import math
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from reconciler.report.counts import counts
from reconciler.scheduler.http import Silence
from reconciler.thrift.calls import decode_get_jobs, encode_call
from tests.bench.bench import Bench, Done, bench, door_of
from tests.bench.canned import CannedDoor
from tests.bench.machine import machine
from tests.bench.page import put
from tests.bench.peers.served import served
from tests.bench.trees import INSTANCES, finalization, plant, release

COLD, WARM, CHANGED = (
    "cold dry run, a new process",
    "warm round, nothing changed",
    "warm preview, one file changed",
)
WIDENED, HELPED = (
    "warm preview, a line of the platform changed",
    "`reconcile --help`, a new process",
)
SIZES = (1_000, 10_000)
COLD_RUNS, WARM_RUNS, WIDE_RUNS = 7, 15, 3
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Took:
    """One run: time by the clock, and of the processor, children of this process included."""

    ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One scenario: its runs and those of its floor, work per run, and peak memory where known."""

    name: str
    runs: tuple[Took, ...]
    floors: tuple[Took, ...]
    done: Done
    peak_mb: float | None = None

    @property
    def ratio(self) -> float:
        """Return how many times its floor it takes, of the processor: what else the machine does
        hardly disturbs that."""
        return self.cpu_ms / median(took.cpu_ms for took in self.floors)

    @property
    def cpu_ms(self) -> float:
        return median(took.cpu_ms for took in self.runs)

    def row(self) -> str:
        """Return a row of the table."""
        times = [took.ms for took in self.runs]
        done = self.done
        memory = f"{self.peak_mb:.0f} MB" if self.peak_mb is not None else ""
        return (
            f"| {self.name} | {min(times):.1f} | {median(times):.1f} | {max(times):.1f} |"
            f" {self.ratio:.1f} | {done.parses} | {done.schema_calls} | {done.rpcs} | {memory} |"
        )

    def raw(self) -> str:
        """Return every run."""
        runs, floors = (", ".join(f"{t.ms:.1f}" for t in each) for each in (self.runs, self.floors))
        return f"- {self.name}: {runs}; floor: {floors}"


def timed(work: Callable[[], object]) -> Took:
    """Return how long it takes."""
    gc.collect()
    start, cpu = time.perf_counter(), _cpu_s()
    work()
    return Took((time.perf_counter() - start) * 1000, (_cpu_s() - cpu) * 1000)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


def cold(tree: Path, state: Path, door: CannedDoor, runs: int = COLD_RUNS) -> Measured:
    """A dry run in a new process with a record; the floor is a bare interpreter."""
    replies = state / "replies.pickle"
    replies.write_bytes(pickle.dumps(door))
    command = (sys.executable, "-m", "tests.bench.cold", tree, state, replies)
    told: dict[str, object] = {}

    def once() -> None:
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        told.update(json.loads(done.stdout))

    once()
    pairs = [(timed(bare), timed(once)) for _ in range(runs)]
    assert str(told["line"]).startswith("0 to create, 0 to update, 0 to prune, ")
    done = Done(*(int(str(told[name])) for name in ("parses", "schema_calls", "rpcs")))
    return Measured(
        COLD,
        tuple(run for _, run in pairs),
        tuple(floor for floor, _ in pairs),
        done,
        float(str(told["peak_mb"])),
    )


def bare() -> None:
    """Start an interpreter that has nothing to do."""
    subprocess.run((sys.executable, "-c", ""), check=True)


def helped() -> Measured:
    """What `reconcile --help` costs; the floor is a bare interpreter."""
    command = (sys.executable, "-m", "reconciler.cli.main", "--help")

    def once() -> None:
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    once()
    pairs = [(timed(bare), timed(once)) for _ in range(WARM_RUNS)]
    return _per_run(HELPED, pairs, Done(0, 0, 0))


def warm(told: Bench, floor: Callable[[], object]) -> Measured:
    """A round in which nothing changed."""
    before = told.done
    pairs = [(timed(floor), timed(told.step)) for _ in range(WARM_RUNS)]
    return _per_run(WARM, pairs, told.done - before)


def changed(told: Bench, tree: Path, floor: Callable[[], object]) -> Measured:
    """The preview after one file changed."""
    pairs = []
    before = told.done
    for number in range(WARM_RUNS):
        release(tree, 7, f"2.15.{number}")
        pairs.append((timed(floor), timed(told.preview)))
    assert counts(told.preview()).update == 1
    return _per_run(CHANGED, pairs, told.done - before)


def widened(told: Bench, tree: Path, jobs: int, floor: Callable[[], object]) -> Measured:
    """The preview after one line of the platform changed, which is in the config of every job."""
    pairs = []
    before = told.done
    for number in range(WIDE_RUNS):
        finalization(tree, 40 + number)
        pairs.append((timed(floor), timed(told.preview)))
    done = told.done - before
    found = counts(told.preview())
    assert found.update + found.held == jobs, "every job differs, and the guard holds most"
    return _per_run(WIDENED, pairs, done)


def _per_run(name: str, pairs: list[tuple[Took, Took]], done: Done) -> Measured:
    each = Done(*(round(n / len(pairs)) for n in (done.parses, done.schema_calls, done.rpcs)))
    runs = tuple(run for _, run in pairs)
    return Measured(name, runs, tuple(floor for floor, _ in pairs), each)


def floor_of(tree: Path, door: CannedDoor) -> Callable[[], object]:
    """Return the least that a warm round must do: read every file, split the jobs' reply."""
    call = encode_call("getJobs", 1)

    def least() -> None:
        for path in tree.rglob("*.yaml"):
            path.read_bytes()
        reply = door.exchange(call, write=False)
        assert not isinstance(reply, Silence)
        decode_get_jobs(reply)

    return least


ABOUT = """\
# Benchmarks

Written by `make bench` (tests/bench). Times in milliseconds; absolute ones belong to the machine.
What travels is the ratio to the floor of the same run, which is that of processor times: what else
the machine does hardly disturbs them.

- Machine: {machine}.
- Live: canned replies in this process, so that no scheduler is measured.
- Floor of a new process: a bare interpreter. Floor of the warm ones: every file read, and the reply
  split into its jobs.
- RPCs of a round in which nothing changed: 5 in bulk; the others look at a sixtieth of the jobs in
  depth, since `getJobs` shows neither a hole nor a second config.
- Memory: of a cold run the most that it took, canned replies included; of warm rounds what a
  process has after them whose replies come over loopback.
"""
SIZE = """\
## {jobs:,} jobs

{jobs:,} jobs of {instances} instances, one file each, {size_mb:.1f} MB; `getJobs` has
{reply_mb:.1f} MB.

| scenario | min | median | max | × floor | YAML parses | schema calls | RPCs | memory |
|---|---|---|---|---|---|---|---|---|
{rows}

Every run, in order:

{raw}
"""


GROWTH = """\
## Growth

By which power of the number of jobs each grows between {small:,} and {large:,}: processor time, and
memory. In proportion is 1.

| scenario | time | memory |
|---|---|---|
{rows}
"""


def section(jobs: int, found: list[Measured], tree: Path, door: CannedDoor) -> str:
    """Return the report on one size."""
    return SIZE.format(
        jobs=jobs,
        instances=INSTANCES,
        size_mb=sum(path.stat().st_size for path in tree.rglob("*.yaml")) / 1e6,
        reply_mb=len(door.replies["getJobs"]) / 1e6,
        rows="\n".join(one.row() for one in found),
        raw="\n".join(one.raw() for one in found),
    )


def resident_mb(tree: Path, state: Path, door: CannedDoor) -> float:
    """Return how much memory a process has that did warm rounds, its replies not included."""
    with served(door) as url:
        command = (sys.executable, "-m", "tests.bench.warm", tree, state, url, "5")
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return float(json.loads(done.stdout)["resident_mb"])


def growth(small: dict[str, Measured], large: dict[str, Measured]) -> str:
    """Return the report on how each scenario grows with the number of jobs."""
    rows = []
    for name in (name for name in large if name in small):
        times = exponent(small[name].cpu_ms, large[name].cpu_ms)
        held = small[name].peak_mb, large[name].peak_mb
        memory = f"{exponent(held[0], held[1]):.2f}" if held[0] and held[1] else ""
        rows.append(f"| {name} | {times:.2f} | {memory} |")
    return GROWTH.format(small=SIZES[0], large=SIZES[-1], rows="\n".join(rows))


def exponent(small: float, large: float, times: float = SIZES[-1] / SIZES[0]) -> float:
    """Return by which power of the number of jobs something grows: 1 is in proportion."""
    return math.log(large / small) / math.log(times)


def measured(jobs: int) -> tuple[str, dict[str, Measured]]:
    """Measure a cluster of so many jobs; return the report on it, and what was measured."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        tree, state = Path(folder) / "tree", Path(folder) / "state"
        plant(tree, jobs)
        door = door_of(tree)
        with bench(tree, state, door) as told:
            told.step()
            told.step()
            floor = floor_of(tree, door)
            found = [warm(told, floor)]
        found[0] = replace(found[0], peak_mb=resident_mb(tree, state, door))
        found.insert(0, cold(tree, state, door))
        with bench(tree, state, door) as told:
            told.step()
            found.append(changed(told, tree, floor))
            if jobs == SIZES[0]:
                found += [widened(told, tree, jobs, floor), helped()]
        return section(jobs, found, tree, door), {one.name: one for one in found}


def main(target: Path) -> None:
    """Measure, print, and put what was found into a file."""
    target.parent.mkdir(exist_ok=True)
    put(target, ABOUT.format(machine=machine()))
    found = []
    for jobs in SIZES:
        print(f"measuring {jobs:,} jobs ...", file=sys.stderr, flush=True)
        told, each = measured(jobs)
        print(told)
        put(target, told)
        found.append(each)
    put(target, growth(found[0], found[-1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
