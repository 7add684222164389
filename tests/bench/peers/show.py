"""The section of the page, and the plot, from the raw figures.

`python -m tests.bench.peers.show docs/peers.json docs/benchmarks.md docs/peers.svg`
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.page import put
from tests.bench.peers.compare import (
    BY_JOB,
    BY_ROLE,
    DRY_RUN,
    SCRIPT,
    TERRAFORM,
    WARM,
    Figure,
    Figures,
)
from tests.bench.peers.plot import svg

# Who it is, and what each does in such a run.
WHAT = {
    WARM: "all of the next line but a process to start and files to parse",
    DRY_RUN: (
        "a new process with a record: every file read, checked against its schema and rendered,"
        " every job compared, 5 RPCs in bulk and a sixtieth of the jobs in depth"
    ),
    SCRIPT: (
        "Apache Thrift (binary, its C extension), one `getConfigSummary` a job on a connection of"
        " its own, as the library has it; PyYAML's `safe_load`; DeepDiff of every job"
    ),
    BY_JOB: "a Go program on gorealis: `FetchTaskConfig` of each job's first instance, `Equals`",
    BY_ROLE: "the same with `GetJobs` of each role of 50 jobs",
    TERRAFORM: "one built-in `terraform_data` a job, local state: nothing live is read",
}

SECTION = """\
## Beside what people use today

Written by `make bench-peers` (tests/bench/peers) from the raw figures in [peers.json](peers.json).
One run in which nothing differs, in a new process but for the first line, in milliseconds: the
fastest, which what else the machine does disturbs least; and the median time of the processor.
All that read a cluster ask the same one: canned replies over loopback from a process of its own.
{machine}

![Time of a run over the number of jobs]({plot})

| contender | {sizes} | processor, {most:,} jobs | memory | what it does |
|---|{rules}---|---|---|
{rows}

What is and what is not comparable:

- Each contender noticed one changed job before it was measured.
- Memory is that of the process that compares, cluster and benchmark left out.
- Ours alone checks what it reads, makes the executor's data itself from short documents, sees
  updates, holes and tasks that do not run, and tells where each value comes from. The others are
  given, in one YAML file a job, the whole config as Aurora tells it.
- No contender's cluster costs anything here. On a real scheduler of this size a query of one role
  scans every task, 0.12 s each, so that 200 roles cost 24 s, and one of a job half a millisecond;
  ours reads in bulk for that reason.
- `gorealis` compares sets in the order in which they come, which a real scheduler changes.
- Terraform looks at its own state file only. It is the yardstick of declarative tools, at its best.
- Versions: {versions}.
{left_out}"""


def section(told: Figures, plot: str) -> str:
    """Return the section of the page."""
    sizes = sorted({one.jobs for one in told.figures})
    names = list(dict.fromkeys(one.name for one in told.figures))
    return SECTION.format(
        machine=f"Machine: {told.machine}.",
        plot=plot,
        sizes=" | ".join(f"{jobs:,} jobs" for jobs in sizes),
        rules="---|" * len(sizes),
        most=sizes[-1],
        rows="\n".join(_row(name, told.figures, sizes) for name in names),
        versions="; ".join(dict.fromkeys((f"ours {told.versions[DRY_RUN]}", *_others(told)))),
        left_out="".join(f"- Left out: {name} ({why}).\n" for name, why in told.left_out.items()),
    )


def _others(told: Figures) -> Iterator[str]:
    return (version for name, version in told.versions.items() if name not in (DRY_RUN, WARM))


def _row(name: str, figures: list[Figure], sizes: list[int]) -> str:
    found = {one.jobs: one for one in figures if one.name == name}
    times = (f"{min(found[jobs].runs_ms):,.0f}" if jobs in found else "" for jobs in sizes)
    last = found.get(sizes[-1])
    told = f"{median(last.cpu_ms):,.0f} | {last.peak_mb:,.0f} MB" if last is not None else " | "
    return f"| {name} | {' | '.join(times)} | {told} | {WHAT[name]} |"


def main(raw: Path, page: Path, plot: Path) -> None:
    """Write the section and the plot."""
    told = msgspec.json.decode(raw.read_bytes(), type=Figures)
    plot.write_text(svg(told.figures), encoding="utf-8")
    put(page, section(told, plot.name))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
