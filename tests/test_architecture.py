"""The import rule of the layers: imports point down only, and pure packages stay pure."""

import ast
import re
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


def calls() -> Iterator[tuple[str, ast.Call]]:
    for where, _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield where, node


def test_only_the_clock_reads_the_time() -> None:
    reads = [
        (where, node.lineno)
        for where, node in calls()
        if ".".join(ast.unparse(node.func).split(".")[-2:]) in READS_TIME
    ]
    assert [read for read in reads if read[0] not in CLOCKS] == []
    assert {where for where, _ in reads} == CLOCKS


def test_nobody_takes_a_reading_of_the_time_by_another_name() -> None:
    wrong = [
        where
        for where, _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
    ]
    assert wrong == []


# Who waits for something other than the clock, and for what.
WAITS = {
    "loop/clock.py": "the clock itself",
    "scheduler/http.py": "a scheduler's reply",
    "sources/repository.py": "git",
    "sources/watch.py": "changes of files, in a thread of its own",
    "standin/server.py": "the next tick of a cluster that is served",
}


def waits(call: ast.Call) -> bool:
    """Return whether a call sleeps, or waits for a thread, a process or a reply."""
    if any(keyword.arg == "timeout" for keyword in call.keywords):
        return True
    if not isinstance(call.func, ast.Attribute):
        return isinstance(call.func, ast.Name) and call.func.id in ("sleep", "Timer")
    if call.func.attr == "wait":
        # The loop's own waiting: on a clock that was handed in.
        return ast.unparse(call.func.value).split(".")[-1] != "clock"
    if call.func.attr in ("join", "acquire"):
        return not call.args
    return call.func.attr in ("sleep", "Timer", "poll", "select")


def test_only_the_clock_waits_and_who_waits_for_something_else() -> None:
    found = [(where, node.lineno) for where, node in calls() if waits(node)]
    assert [wait for wait in found if wait[0] not in WAITS] == []
    assert {where for where, _ in found} == WAITS.keys()


TESTS = Path(__file__).parent


def nodes_of_tests() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield str(path.relative_to(TESTS)), node


def test_what_two_tests_need_is_in_neither() -> None:
    wrong = [
        f"{where} imports {node.module}"
        for where, node in nodes_of_tests()
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.")
        if any(part.startswith("test_") for part in (node.module or "").split("."))
    ]
    assert wrong == []


def test_tests_look_at_nothing_private() -> None:
    """Of others, that is: what they subclass is theirs as well."""
    wrong = [
        f"{where}:{node.lineno} {ast.unparse(node)}"
        for where, node in nodes_of_tests()
        if isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr)
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    ]
    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    silent = [where for where, _, tree in modules() if not ast.get_docstring(tree)]
    assert silent == []
