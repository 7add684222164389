"""A large stand-in, measured: 10,000 jobs of 20 tasks, read, written, kept and moved on.

`python -m tests.bench.standin docs/benchmarks.md` writes its section of that page.
"""

import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from reconciler.standin.aurora import Aurora
from reconciler.standin.door import Door
from reconciler.standin.hosts import Host
from reconciler.standin.journal import Journal, Moment
from reconciler.standin.running import Running
from reconciler.standin.web import TJSON
from reconciler.thrift.calls import encode_call
from reconciler.thrift.structs import (
    ExecutorConfig,
    Identity,
    JobConfiguration,
    JobKey,
    JobUpdateRequest,
    JobUpdateSettings,
    Resource,
    ScheduleStatus,
    TaskConfig,
    TaskQuery,
)
from tests.bench.page import put

JOBS, INSTANCES, HOSTS, UPDATES = 10_000, 20, 2_000, 50
T0_MS = 1_795_000_000_000
MINUTE_MS = 60_000
RUNS, MINUTES_OF_UPDATES = 5, 3


def key_of(number: int) -> JobKey:
    return JobKey(role=f"role{number % 200:03}", environment="prod", name=f"job{number:05}")


def config_of(number: int, version: str = "1") -> TaskConfig:
    """A config of usual length: its executor's data is about 1 KB."""
    data = json.dumps({"job": number, "version": version, "cmdline": "x" * 900})
    return TaskConfig(
        job=key_of(number),
        owner=Identity(user="www"),
        isService=True,
        maxTaskFailures=1,
        resources=(Resource(numCpus=0.1), Resource(ramMb=32), Resource(diskMb=16)),
        executorConfig=ExecutorConfig(name="AuroraExecutor", data=data),
    )


def a_host(number: int) -> Host:
    return Host(f"agent-{number}", 64.0, 262_144.0, 4_194_304.0, (31_000, 32_000), {})


@dataclass(frozen=True, slots=True)
class Large:
    """A stand-in with everything running, and its door."""

    aurora: Aurora
    door: Door

    def ask(self, method: str, **args: object) -> bytes:
        body = encode_call(method, 1, **args)
        return self.door.answer("POST", "/api", {"Content-Type": TJSON}, body).body

    def figures(self) -> dict[str, int]:
        page = self.aurora.page("/vars.json", {})
        assert page is not None
        told: dict[str, int] = json.loads(page.body)
        return told


def large(jobs: int = JOBS) -> Large:
    """Return one in which all tasks run."""
    aurora = Aurora("bench", map(a_host, range(HOSTS)), T0_MS, random.Random(1))
    found = Large(aurora, Door(aurora, None))
    for number in range(jobs):
        job = JobConfiguration(
            key=key_of(number), taskConfig=config_of(number), instanceCount=INSTANCES
        )
        found.ask("createJob", description=job)
    while found.figures()["task_store_RUNNING"] < jobs * INSTANCES:
        aurora.advance(aurora.now_ms + MINUTE_MS)
    return found


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds it takes."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario: its runs in seconds, and how large its outcome is."""

    name: str
    runs_s: tuple[float, ...]
    size: int = 0

    def told(self) -> str:
        """Return a row of the table."""
        runs = [f"{run * 1000:,.0f}" for run in (min(self.runs_s), median(self.runs_s))]
        size = f"{self.size / 1e6:,.1f} MB" if self.size else ""
        return f"| {self.name} | {runs[0]} | {runs[1]} | {max(self.runs_s) * 1000:,.0f} | {size} |"


def reads(told: Large) -> Iterator[Row]:
    every = TaskQuery()
    pending = TaskQuery(statuses=(ScheduleStatus.PENDING,))
    for name, method, args in (
        ("`getJobs` of all", "getJobs", {}),
        ("`getJobSummary` of all", "getJobSummary", {}),
        ("`getTasksWithoutConfigs` of what is pending", "getTasksWithoutConfigs", pending),
        ("`getTasksWithoutConfigs` of all", "getTasksWithoutConfigs", every),
        ("`getTasksStatus` of all", "getTasksStatus", every),
    ):
        query: dict[str, object] = {"query": args} if isinstance(args, TaskQuery) else {}
        size = len(told.ask(method, **query))
        yield Row(name, tuple(timed(partial(told.ask, method, **query)) for _ in range(RUNS)), size)


def minutes(told: Large) -> Iterator[Row]:
    aurora = told.aurora

    def minute() -> None:
        aurora.advance(aurora.now_ms + MINUTE_MS)

    yield Row("a minute in which nothing is done", tuple(timed(minute) for _ in range(RUNS)))
    starts = [timed(partial(start, told, number)) for number in range(UPDATES)]
    yield Row("`startJobUpdate`", tuple(starts))
    rows = Row(
        f"a minute of {UPDATES} updates", tuple(timed(minute) for _ in range(MINUTES_OF_UPDATES))
    )
    assert told.figures()["update_transition_ROLLED_FORWARD"] == 0, "they went on all the time"
    yield rows


def start(told: Large, number: int) -> None:
    """Start an update of a job, one instance at a time, each watched for 10 s."""
    settings = JobUpdateSettings(
        updateGroupSize=1,
        maxPerInstanceFailures=0,
        maxFailedInstances=0,
        minWaitInInstanceRunningMs=10_000,
        rollbackOnFailure=True,
    )
    request = JobUpdateRequest(
        taskConfig=config_of(number, "2"), instanceCount=INSTANCES, settings=settings
    )
    told.ask("startJobUpdate", request=request)


def kept(told: Large) -> Iterator[Row]:
    """A write that is kept, and the world written whole and read again."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as folder:
        journal = Journal(Path(folder) / "world.json")
        now_ms = told.aurora.now_ms
        moment = Moment(0.0, now_ms)
        running = Running(told.aurora, lambda: 0.0, moment, journal)
        headers = {"Content-Type": TJSON}
        call = encode_call("killTasks", 1, job=key_of(JOBS - 1), instances=(0,))

        def write() -> None:
            assert running.answer("POST", "/api", headers, call).status == 200

        whole = timed(write)
        yield Row("a write, with the world written whole", (whole,), journal.first_length)
        yield Row("a write, kept as a line", tuple(timed(write) for _ in range(50)))
        yield Row("reading the world again", (timed(lambda: again(journal.path)),))


def again(path: Path) -> None:
    found = Journal(path).load()
    assert found is not None
    found.aurora()


SECTION = """\
## The stand-in

`tests/bench/standin.py`: {jobs:,} jobs of {instances} tasks on {hosts:,} hosts, all of them
running; about 1 KB of executor data each. Times in milliseconds, in memory, without a socket; a
minute is one there. The process has {memory_mb:,.0f} MB before anything is asked of it.

| scenario | min | median | max | size |
|---|---|---|---|---|
{rows}
"""


def main(target: Path) -> None:
    """Measure, print, and put the section into a file."""
    told = large()
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [row.told() for part in (reads, minutes, kept) for row in part(told)]
    section = SECTION.format(
        jobs=JOBS, instances=INSTANCES, hosts=HOSTS, memory_mb=memory_mb, rows="\n".join(rows)
    )
    print(section)
    put(target, section)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
