"""`make bench-peers`: the same no-op over the same jobs, by us and by what people use today.

`python -m tests.bench.peers.compare docs/peers.json` writes the raw figures; `page` and `plot` show
them. GOREALIS names a checkout of gorealis where the module proxy has none. What cannot be had here
is left out, and told. Before it is measured, each contender must notice one changed job.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tests.bench.bench import door_of
from tests.bench.machine import machine
from tests.bench.peers import plain
from tests.bench.peers.served import served
from tests.bench.trees import path_of, plant, reached_at

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
RUNS = {100: 7, 1_000: 7, 10_000: 3}
WARM_RUNS = 15
OLD, NEW = "2.14.1", "2.14.2"

DRY_RUN, WARM = "reconcile --dry-run", "reconcile watch, a round"
SCRIPT, BY_JOB, BY_ROLE = "Python script", "gorealis, by job", "gorealis, by role"
TERRAFORM = "terraform plan"


class MissingError(Exception):
    """A contender that cannot be had here, and why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: time, time of processors, and the most memory."""

    ms: float
    cpu_ms: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A command that compares all jobs: `same` is in what it prints when nothing differs, `changed`
    when one job does, and `file` is that job's."""

    name: str
    command: tuple[str | Path, ...]
    cwd: Path
    file: Path
    same: str
    changed: str

    def run(self, expected: str) -> "Run":
        """Return what one run took, which must print this."""
        command = (sys.executable, "-S", HERE / "taken.py", *self.command)
        told = json.loads(_quietly(*command, cwd=self.cwd))
        shown, wrong = told.pop("shown"), told.pop("wrong")
        assert expected in shown, f"{self.name}: {expected!r} was expected: {shown}{wrong}"
        return Run(**told)

    def proves_itself(self) -> None:
        """Have it notice that one job is another version."""
        before = self.file.read_text(encoding="utf-8")
        assert OLD in before
        self.file.write_text(before.replace(OLD, NEW), encoding="utf-8")
        self.run(self.changed)
        self.file.write_text(before, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Figure:
    """One contender at one size: every run, and the most memory that one took."""

    name: str
    jobs: int
    runs_ms: list[float]
    cpu_ms: list[float]
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them, as they are kept in the file."""

    machine: str
    versions: dict[str, str]
    left_out: dict[str, str]
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Tools:
    """What was made ready for contenders that are not ours."""

    python: Path | None = None
    program: Path | None = None
    terraform: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def made_ready(folder: Path) -> Tools:
    """Return what can be had of them here."""
    versions = {DRY_RUN: version("aurora-reconciler"), WARM: version("aurora-reconciler")}
    left_out: dict[str, str] = {}
    found: dict[str, Path | str] = {}
    makers: Mapping[str, Callable[[Path, dict[str, str]], Path | str]] = {
        "python": _script,
        "program": _program,
        "terraform": _terraform,
    }
    for name, make in makers.items():
        try:
            found[name] = make(folder, versions)
        except (MissingError, OSError, subprocess.CalledProcessError) as fault:
            left_out[name] = str(fault)
    return Tools(**found, versions=versions, left_out=left_out)  # type: ignore[arg-type]


def _script(folder: Path, versions: dict[str, str]) -> Path:
    python = folder / "venv/bin/python"
    _quietly(sys.executable, "-m", "venv", folder / "venv")
    _quietly(python, "-m", "pip", "install", "--quiet", "thrift", "PyYAML", "deepdiff")
    told = _quietly(python, "-m", "pip", "freeze")
    used = dict(line.split("==") for line in told.splitlines() if "==" in line)
    names = ("thrift", "PyYAML", "deepdiff")
    versions[SCRIPT] = ", ".join(f"{name} {used[name]}" for name in names)
    return python


def _program(folder: Path, versions: dict[str, str]) -> Path:
    go = shutil.which("go")
    if go is None:
        raise MissingError("no `go` on the path")
    module = folder / "gorealis"
    shutil.copytree(HERE / "gorealis", module)
    in_module = partial(_quietly, cwd=module)
    if "GOREALIS" in os.environ:
        there = f"github.com/aurora-scheduler/gorealis/v2={os.environ['GOREALIS']}"
        in_module(go, "mod", "edit", "-replace", there)
    in_module(go, "mod", "tidy")
    in_module(go, "build", "-o", "compare", ".")
    told = re.search(r"gorealis/v2 (\S+)", (module / "go.mod").read_text(encoding="utf-8"))
    assert told is not None
    versions[BY_JOB] = versions[BY_ROLE] = (
        f"gorealis {told[1]}, {in_module(go, 'env', 'GOVERSION')}"
    )
    return module / "compare"


def _terraform(folder: Path, versions: dict[str, str]) -> str:
    del folder
    terraform = shutil.which("terraform")
    if terraform is None:
        raise MissingError("no `terraform` on the path")
    told = json.loads(_quietly(terraform, "version", "-json"))
    versions[TERRAFORM] = f"Terraform {told['terraform_version']}"
    return terraform


def _quietly(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextmanager
def prepared(jobs: int, tools: Tools) -> Iterator[tuple[list[Contender], list[str | Path]]]:
    """Yield the contenders before a cluster of so many jobs, and the command of our warm rounds."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as name:
        folder = Path(name)
        tree, state = folder / "tree", folder / "state"
        plant(tree, jobs)
        door = door_of(tree)
        plain.files(folder / "plain", door.jobs.values())
        with served(door) as url:
            reached_at(tree, url)
            found = [_ours(tree, state, jobs)]
            _quietly(*found[0].command[:-1], "--yes", cwd=ROOT)
            if tools.python is not None:
                script = HERE / "obvious.py"
                found.append(_peer(SCRIPT, folder, jobs, tools.python, script, url))
            if tools.program is not None:
                for by, how in ((BY_JOB, "job"), (BY_ROLE, "role")):
                    found.append(_peer(by, folder, jobs, tools.program, url, after=(how,)))
            if tools.terraform is not None:
                plain.terraform(folder / "tf", door.jobs.values())
                found.append(_planned(folder / "tf", tools.terraform))
            warm = (sys.executable, "-m", "tests.bench.warm", tree, folder / "warm", url, WARM_RUNS)
            yield found, [str(part) for part in warm]


def _ours(tree: Path, state: Path, jobs: int) -> Contender:
    command = (sys.executable, "-m", "reconciler.cli.main", "--desired", tree, "--state", state)
    none = "0 to create, 0 to update, 0 to prune, "
    one = "0 to create, 1 to update"
    file = path_of(tree, 7)
    return Contender(DRY_RUN, (*command, "--dry-run"), ROOT, file, f"{none}{jobs} kept", one)


def _peer(
    name: str, folder: Path, jobs: int, *command: str | Path, after: tuple[str, ...] = ()
) -> Contender:
    there = folder / "plain"
    file = there / path_of(there, 7).name
    same, changed = (f"{jobs} jobs, {n} differ" for n in (0, 1))
    return Contender(name, (*command, there, *after), ROOT, file, same, changed)


def _planned(folder: Path, terraform: str) -> Contender:
    _quietly(terraform, "init", "-input=false", cwd=folder)
    command = (terraform, "plan", "-input=false", "-no-color", "-lock=false")
    file = folder / f"{path_of(folder, 7).stem}.tf"
    return Contender(TERRAFORM, command, folder, file, "No changes.", "0 to add, 1 to change")


def measured(jobs: int, tools: Tools) -> list[Figure]:
    """Return the figures of every contender at one size; they take turns."""
    with prepared(jobs, tools) as (contenders, warm):
        told = json.loads(_quietly(*warm, cwd=ROOT))
        rounds = [Run(ms, cpu_ms, told["peak_mb"]) for ms, cpu_ms in told["runs_ms"]]
        found = [_figure(WARM, jobs, rounds)]
        for one in contenders:
            one.proves_itself()
        turns = [[one.run(one.same) for one in contenders] for _ in range(RUNS[jobs])]
        for one, *runs in zip(contenders, *turns, strict=True):
            found.append(_figure(one.name, jobs, runs))
        return found


def _figure(name: str, jobs: int, runs: list[Run]) -> Figure:
    times, processors = (
        [round(ms, 1) for ms in each]
        for each in zip(*((run.ms, run.cpu_ms) for run in runs), strict=True)
    )
    return Figure(name, jobs, times, processors, round(max(run.peak_mb for run in runs), 1))


def main(target: Path, sizes: tuple[int, ...] = tuple(RUNS)) -> None:
    """Measure, and write the raw figures to a file: after each size, since the last takes long."""
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as name:
        tools = made_ready(Path(name))
        figures: list[Figure] = []
        for jobs in sizes:
            print(f"measuring {jobs:,} jobs ...", file=sys.stderr, flush=True)
            figures += measured(jobs, tools)
            told = Figures(machine(), tools.versions, tools.left_out, figures)
            target.write_text(_text(told), encoding="utf-8")


def _text(told: Figures) -> str:
    """Return the figures as JSON, with one line for the runs of one contender."""
    text = json.dumps(asdict(told), indent=1)
    return re.sub(r"\[\s+([\d., \s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(map(int, sys.argv[2:])) or tuple(RUNS))
