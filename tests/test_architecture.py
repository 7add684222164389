"""The import rule of the layers: imports point down only, and pure packages stay pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import reconciler

ROOT = Path(reconciler.__file__).parent

# From the top. A package imports from lines below its own only.
LAYERS = (
    {"cli"},
    {"app", "settings"},
    {"loop"},
    {"sources", "apply", "record"},
    {"scheduler"},
    {"desired", "live", "plan", "report"},
    {"translate"},
    {"thrift"},
    {"model"},
)
LEVEL = {name: len(LAYERS) - i for i, names in enumerate(LAYERS) for name in names}
PURE = {"desired", "live", "plan", "report", "translate", "thrift", "model"}

# What a pure module has no use for: clock, chance, disk, network, threads, logging.
IMPURE = {
    "asyncio",
    "concurrent",
    "http",
    "httpx",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
    "watchdog",
}


def modules() -> Iterator[tuple[str, str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        where = path.relative_to(ROOT)
        package = where.parts[0].removesuffix(".py")
        yield str(where), package, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            yield node.module or ""


def ours(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "reconciler" and len(parts) > 1 else None


def test_imports_point_down_only() -> None:
    wrong = []
    for where, package, tree in modules():
        if package in ("standin", "__init__"):
            continue
        for name in imported(tree):
            other = ours(name)
            if other is None or other == package:
                continue
            if other == "standin":
                if package != "app":
                    wrong.append(f"{where} imports the stand-in")
            elif LEVEL[other] >= LEVEL[package]:
                wrong.append(f"{where} imports {other}, which is not below {package}")
    assert wrong == []


def test_stand_in_knows_nothing_of_ours_but_the_wire() -> None:
    wrong = [
        f"{where} imports {name}"
        for where, package, tree in modules()
        if package == "standin"
        for name in imported(tree)
        if ours(name) not in (None, "standin", "thrift")
    ]
    assert wrong == []


def test_pure_packages_use_no_clock_disk_network_or_thread() -> None:
    wrong = [
        f"{where} imports {name}"
        for where, package, tree in modules()
        if package in PURE
        for name in imported(tree)
        if name.split(".")[0] in IMPURE
    ]
    assert wrong == []


READS_TIME = {
    "datetime.now",
    "datetime.utcnow",
    "date.today",
    *(f"time.{n}" for n in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")),
}
# The clock itself; and deadlines of one exchange, which the operating system keeps as well.
CLOCKS = {"loop/clock.py", "scheduler/http.py", "scheduler/connections.py"}


def test_only_the_clock_reads_the_time() -> None:
    calls = [
        (where, node.lineno, ast.unparse(node.func))
        for where, _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert [c for c in calls if c[2] in READS_TIME and c[0] not in CLOCKS] == []
    assert {c[0] for c in calls if c[2] in READS_TIME} == CLOCKS


def test_every_module_says_what_it_is() -> None:
    silent = [where for where, _, tree in modules() if not ast.get_docstring(tree)]
    assert silent == []
