"""Warm rounds in a process of their own: `python -m tests.bench.warm TREE STATE URL RUNS`.

Prints, as JSON, the time of each round in which nothing changed, also that of the processor, and
the memory held after them.
"""

import gc
import json
import sys
import time
from pathlib import Path

from reconciler.report.counts import counts
from tests.bench.bench import bench, door_to
from tests.bench.machine import memory_mb


def main(tree: Path, state: Path, url: str, runs: int) -> None:
    spent_ms = []
    with door_to(url) as door, bench(tree, state, door) as told:
        told.step()
        report = told.step()
        gc.collect()
        for _ in range(runs):
            start, cpu = time.perf_counter(), time.process_time()
            report = told.step()
            spent = time.perf_counter() - start, time.process_time() - cpu
            spent_ms.append([seconds * 1000 for seconds in spent])
        memory = memory_mb()
    print(json.dumps({"line": counts(report).line(), "runs_ms": spent_ms, **memory}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
