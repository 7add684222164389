"""Convergence at scale: so many new jobs on a stand-in that is a process of its own.

`python -m tests.bench.converging docs/benchmarks.md` writes its section of that page. What is
counted is per job, and beside what a round reads in bulk: writes, and reads by job key, which are
indexed there; and our own processor time.
"""

import multiprocessing
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.loop.clock import SystemClock
from reconciler.model.round import Event, RoundStarted
from reconciler.standin.aurora import Aurora
from reconciler.standin.hosts import Host
from reconciler.standin.journal import Moment
from reconciler.standin.running import Running
from reconciler.standin.server import Server
from reconciler.thrift.calls import READ_ONLY_METHODS
from tests.bench.bench import bench, door_to
from tests.bench.canned import PLENTY
from tests.bench.machine import machine, memory_mb
from tests.bench.page import put
from tests.bench.trees import CLUSTER, ROLE_JOBS, plant

SIZES = (1_000, 10_000)
INSTANCES, TASKS_PER_HOST, HASTE = 2, 25, 20.0
TIMEOUT_S = 3 * 60 * 60
BULK = 5

WRITES_MAX, READS_MAX, CPU_MS_MAX = 1.05, 2.2, 25


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that made so many jobs out of nothing."""

    jobs: int
    rounds: int
    calls: Mapping[str, int]
    cpu_s: float
    wall_s: float
    peak_mb: float

    @property
    def writes(self) -> int:
        return sum(n for method, n in self.calls.items() if method not in READ_ONLY_METHODS)

    @property
    def reads(self) -> int:
        """Return the reads beside those in bulk."""
        return sum(self.calls.values()) - self.writes - BULK * self.rounds

    def row(self) -> str:
        """Return a row of the table."""
        return (
            f"| {self.jobs:,} | {self.rounds} | {self.writes / self.jobs:.2f} |"
            f" {self.reads / self.jobs:.2f} | {1000 * self.cpu_s / self.jobs:.1f} ms |"
            f" {self.wall_s:,.0f} s | {self.peak_mb:,.0f} MB |"
        )


def cluster(jobs: int) -> Aurora:
    """Return an empty one in which there is room."""
    count = max(4, jobs * INSTANCES // TASKS_PER_HOST)
    found = Aurora(CLUSTER, map(_host, range(count)), int(time.time() * 1000))
    for number in range(-(-jobs // ROLE_JOBS)):
        found.set_quota(f"team-{number:03}", PLENTY)
    return found


def _host(number: int) -> Host:
    return Host(f"agent-{number}", 64.0, 262_144.0, 4_194_304.0, (31_000, 32_000), {})


@contextmanager
def serving(jobs: int) -> Iterator[str]:
    """Yield the URL of a stand-in in a process of its own, in which time passes faster."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = multiprocessing.get_context("fork").Process(
        target=_serve, args=(jobs, port), daemon=True
    )
    process.start()
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


def _serve(jobs: int, port: int) -> None:
    aurora = cluster(jobs)
    moment = Moment(time.time(), aurora.now_ms, HASTE)
    Server(Running(aurora, time.time, moment), port=port).serve_forever()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def converged(jobs: int) -> Ended:
    """Have so many jobs created, and return what it took."""
    rounds = 0

    def listen(event: Event) -> None:
        nonlocal rounds
        rounds += isinstance(event, RoundStarted)

    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as name, serving(jobs) as url:
        tree, state = Path(name) / "tree", Path(name) / "state"
        plant(tree, jobs, INSTANCES)
        start, cpu = time.monotonic(), time.process_time()
        with door_to(url) as door, bench(tree, state, door, clock=SystemClock()) as told:
            ended = told.converge(TIMEOUT_S, listen)
            assert ended.converged, ended
            spent = time.process_time() - cpu, time.monotonic() - start
            return Ended(jobs, rounds, told.calls, *spent, memory_mb()["peak_mb"])


SECTION = """\
## Convergence

`tests/bench/converging.py`: so many new jobs of {instances} instances, one file each, on the
stand-in in a process of its own over loopback, where time passes {haste:.0f} times as fast. Writes
and reads are per job, reads beside the {bulk} of each round in bulk; processor time is our own,
from the first file to the last round. Wanted: at most {writes} writes and {reads} reads a job, and
{cpu} ms. Machine: {machine}.

| jobs | rounds | writes | reads | own time a job | it took | memory |
|---|---|---|---|---|---|---|
{rows}
"""


def main(target: Path, sizes: tuple[int, ...]) -> None:
    """Measure, print, and put the section into a file."""
    rows = []
    for jobs in sizes:
        print(f"having {jobs:,} jobs created ...", file=sys.stderr, flush=True)
        rows.append(converged(jobs).row())
    section = SECTION.format(
        instances=INSTANCES,
        haste=HASTE,
        bulk=BULK,
        writes=WRITES_MAX,
        reads=READS_MAX,
        cpu=CPU_MS_MAX,
        machine=machine(),
        rows="\n".join(rows),
    )
    print(section)
    put(target, section)


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(map(int, sys.argv[2:])) or SIZES)
