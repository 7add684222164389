"""The program as a process of its own: signals, pipes, terminals, the stand-in as a server."""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import pytest

from reconciler.app.packaged import sample

pytestmark = pytest.mark.slow

PATIENCE_S = 60
API = "desired-state/demand-forecast/api.yaml"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a directory with a copy of the sample, whose cluster is 200 times as fast as ours."""
    shutil.copytree(sample(), tmp_path / "desired-state")
    edit(tmp_path / "desired-state/platform/clusters/devcluster.yaml", "clock: 20 ", "clock: 200 ")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def environment(**more: str) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("RECONCILE_", "NO_COLOR"))}
    return {**plain, "TERM": "xterm", **more}


def command(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "reconciler.cli.main", *words)


def run(here: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    told = command("--state", "state", *words)
    return subprocess.run(
        told, cwd=here, env=environment(**more), check=False, capture_output=True, text=True
    )


def until(true: Callable[[], Any]) -> Any:
    """Return what becomes true, polled."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not become true in time")


@pytest.fixture
def started(here: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Return what starts a process that is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*words: str, **more: Any) -> "subprocess.Popen[str]":
        told = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        made = subprocess.Popen(command(*words), cwd=here, env=environment(), text=True, **told)
        running.append(made)
        return made

    yield start
    for process in running:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def heartbeat(here: Path) -> str:
    try:
        told = json.loads((here / "state/heartbeat.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ""
    return str(told["outcome"])


@pytest.fixture
def watched(here: Path, started: Any) -> Callable[..., "Watched"]:
    """Return what starts a watch whose rounds are written to a file."""

    def start(*words: str) -> Watched:
        stream = here / "rounds.jsonl"
        with stream.open("w") as file:
            told = ("watch", "--state", "state", "--interval", "1h", "--output", "json", *words)
            return Watched(started(*told, stdout=file), stream)

    return start


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch, and what its rounds were."""

    process: "subprocess.Popen[str]"
    stream: Path

    def rounds(self) -> list[dict[str, Any]]:
        lines = self.stream.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def settled(self) -> bool:
        """Return whether the last round found nothing to do or to wait for."""
        rounds = self.rounds()
        return bool(rounds) and rounds[-1]["counts"]["kept"] == 13

    def restarted(self) -> bool:
        """Return whether a round restarted four instances, and the last one is settled again."""
        return self.settled() and any(r["counts"]["restarts"] == 4 for r in self.rounds())

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, err


def test_watch_converges_wakes_for_a_change_and_ends_with_0(here: Path, watched: Any) -> None:
    watch = watched()
    until(watch.settled)
    edit(here / API, 'version: "2.14.1"', 'version: "2.15.0"')
    until(watch.restarted)
    assert f"\nwatched by process {watch.process.pid} on " in run(here, "status").stdout
    assert watch.end() == (0, "")
    assert (
        f"\nnobody watches; the last watch was process {watch.process.pid} on "
        in run(here, "status").stdout
    )
    assert watch.rounds()[0]["summary"] == "13 to create, 0 to update, 0 to prune, 0 kept"
    assert heartbeat(here) == "settled"


def test_watch_wakes_for_a_commit_on_a_local_ref(here: Path, watched: Any) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(("git", "-C", here, *who, *words), check=True, capture_output=True)

    git("init", "--initial-branch", "main")
    git("add", "desired-state")
    git("commit", "--message", "first")
    watch = watched("--desired", f"git:{here}@main:desired-state")
    until(watch.settled)
    edit(here / API, 'version: "2.14.1"', 'version: "2.15.0"')
    time.sleep(1)
    assert not watch.restarted(), "what is not committed is not declared"
    git("commit", "--all", "--message", "second")
    until(watch.restarted)
    assert watch.end() == (0, "")


def test_watch_outlives_a_tree_that_is_not_there_yet(here: Path, started: Any) -> None:
    (here / "desired-state").rename(here / "elsewhere")
    watching = started("watch", "--state", "state", "--interval", "200ms")
    assert watching.stderr.readline().startswith("warning   desired-state cannot be read: ")
    (here / "elsewhere").rename(here / "desired-state")
    until(lambda: heartbeat(here) == "settled")
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 0
    assert all(line.startswith("warning   ") for line in err.splitlines())
    assert out.splitlines()[0] == "watch     ./desired-state every 0.2 s; the record is in state"
    assert out.splitlines()[-1] == "watch     ended by SIGINT"
    assert "applied" in out


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_a_run_that_is_told_to_end_says_so_by_its_code(
    number: signal.Signals, here: Path, started: Any
) -> None:
    edit(here / "desired-state/platform/clusters/devcluster.yaml", "clock: 200 ", "clock: 1 ")
    running = started("--state", "state", "--output", "json")
    # What will be done, and the line that an act was taken.
    assert "13 to create" in running.stderr.readline()
    assert "applied" in running.stderr.readline()
    running.send_signal(number)
    out, err = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == SIGNALS[number]
    assert json.loads(out)["exitCode"] == SIGNALS[number]
    assert "Traceback" not in err


def test_a_second_run_is_told_who_holds_the_record(here: Path, started: Any) -> None:
    watching = started("watch", "--state", "state", "--interval", "1h")
    until(lambda: heartbeat(here) == "settled")
    second = run(here)
    assert second.returncode == 9
    assert f"process {watching.pid} " in second.stderr
    assert "a watch, which does not end by itself. Stop it, run this" in second.stderr
    assert run(here, "--dry-run").returncode == 0, "a preview needs no lock"
    assert run(here, "status").returncode == 0


def test_a_reader_who_goes_away_ends_nothing(here: Path, started: Any) -> None:
    running = started("--state", "state", stderr=subprocess.STDOUT)
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(timeout=PATIENCE_S) == 0
    assert json.loads(run(here, "--dry-run", "--output", "json").stdout)["counts"]["kept"] == 13


def test_a_locale_without_arrows_loses_no_plan(here: Path) -> None:
    assert run(here, "--yes").returncode == 0
    edit(here / API, 'version: "2.14.1"', 'version: "2.15.0"')
    shown = run(here, "--dry-run", PYTHONIOENCODING="ascii")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "change   version  2.14.1 \\u2192 2.15.0\n" in shown.stdout


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, here: Path, *words: str, piped: bool = False, **more: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command("--state", "state", *words),
            cwd=here,
            env=environment(COLUMNS="100", **more),
            stdin=theirs,
            stdout=subprocess.PIPE if piped else theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def see(self, words: str) -> None:
        """Read until these words are shown."""
        until(lambda: words in self.shown or (self._read() and False))

    def type(self, words: str) -> None:
        os.write(self._ours, words.encode())

    def end(self) -> int:
        """Read to the end, and return the exit code."""
        until(lambda: self._read() is None)
        return self.process.wait(timeout=PATIENCE_S)

    def _read(self) -> str | None:
        if not select.select([self._ours], [], [], 0.1)[0]:
            return ""
        try:
            told = os.read(self._ours, 65_536).decode(errors="replace")
        except OSError:
            return None
        self.shown += told
        return told or None


def test_a_terminal_is_shown_motion_and_asked_before_anything_restarts(here: Path) -> None:
    with Terminal(here) as first:
        assert first.end() == 0, "nobody is asked before something new is made"
    assert "Apply this plan?" not in first.shown
    assert "waiting for" in first.shown
    edit(here / API, 'version: "2.14.1"', 'version: "2.15.0"')

    with Terminal(here) as refused:
        refused.see("Apply this plan?")
        refused.type("y\n")
        assert refused.end() == 2, "a script can tell that nothing was done"
    assert "\x1b[33m~\x1b[0m devcluster/demand-forecast/prod/api" in refused.shown
    assert "nothing was done" in refused.shown
    assert "1 to update (4 restarts)" in run(here, "--dry-run").stdout

    with Terminal(here) as interrupted:
        interrupted.see("Apply this plan?")
        os.kill(interrupted.process.pid, signal.SIGINT)
        assert interrupted.end() == 130
    words = "reconcile: interrupted: nothing of this plan was done"
    assert interrupted.shown.splitlines()[-1] == words

    with Terminal(here) as left:
        left.see("Apply this plan?")
        left.type("\x04")
        assert left.end() == 2
    assert left.shown.splitlines()[-1] == "reconcile: nothing was done"

    with Terminal(here) as agreed:
        agreed.see("Apply this plan?")
        agreed.type("yes\n")
        assert agreed.end() == 0
    assert "converged: 13 kept" in agreed.shown


def test_what_was_typed_before_the_plan_was_shown_is_no_consent(here: Path) -> None:
    assert run(here).returncode == 0
    edit(here / API, 'version: "2.14.1"', 'version: "2.15.0"')
    with Terminal(here) as hasty:
        hasty.type("yes\n")
        hasty.see("Apply this plan?")
        hasty.type("no\n")
        hasty.end()
    assert "nothing was done" in hasty.shown
    assert "1 to update (4 restarts)" in run(here, "--dry-run").stdout


def test_person_is_asked_though_the_output_goes_elsewhere(here: Path) -> None:
    assert run(here).returncode == 0
    edit(here / API, 'version: "2.14.1"', 'version: "2.15.0"')
    with Terminal(here, piped=True) as refused:
        refused.see("Apply this plan?")
        assert "change   version" in refused.shown
        refused.type("no\n")
        out, _ = refused.process.communicate(timeout=PATIENCE_S)
        assert refused.process.returncode == 2
    assert b"Apply this plan?" not in out
    assert "1 to update (4 restarts)" in run(here, "--dry-run").stdout


READ_ONLY = ("plan", "validate", "validate --output json", "render api", "status")
HELPING = ("--help", "plan --help", "--version", "completion bash")


@pytest.mark.parametrize("words", [*HELPING, *READ_ONLY])
def test_words_that_cannot_be_written_are_missed_without_a_traceback(
    words: str, here: Path
) -> None:
    with Path("/dev/full").open("w") as full:
        told = command(*words.split())
        ended = subprocess.run(
            told,
            cwd=here,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (
        9,
        "reconcile: standard output cannot be written: No space left on device\n",
    )


def test_no_color_is_respected(here: Path) -> None:
    with Terminal(here, "--dry-run", NO_COLOR="1") as told:
        assert told.end() == 0
    assert "\x1b[3" not in told.shown
    assert "+ devcluster/demand-forecast/prod/api" in told.shown


def test_yes_asks_nobody(here: Path) -> None:
    assert run(here).returncode == 0
    edit(here / API, 'version: "2.14.1"', 'version: "2.15.0"')
    with Terminal(here, "--yes") as told:
        assert told.end() == 0
    assert "Apply this plan?" not in told.shown


REMOTE = """\
apiVersion: reconciler/v1
kind: Cluster
metadata: {{name: devcluster}}
spec:
  scheduler: {{urls: ["{url}"]}}
"""


def address(stream: IO[str]) -> str:
    words = r"devcluster at (http://127\.0\.0\.1:\d+), its time 500 times as fast as ours\. "
    found = re.fullmatch(f"{words}In a Cluster document:\n", stream.readline())
    assert found is not None
    # The rest can be pasted.
    assert stream.readline() == f'    scheduler: {{urls: ["{found[1]}"]}}\n'
    return found[1]


def test_the_stand_in_serves_a_cluster_and_keeps_its_world(here: Path, started: Any) -> None:
    hosts = here / "desired-state/platform/clusters/devcluster.yaml"
    shutil.copy(hosts, here / "hosts.yaml")
    words = ("standin", "--port", "0", "--clock", "500x", "--state", "world.json")
    serving = started(*words, "--hosts", "hosts.yaml")
    hosts.write_text(REMOTE.format(url=address(serving.stdout)))
    done = run(here)
    assert done.returncode == 0, done.stdout + done.stderr
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=PATIENCE_S) == 0
    assert run(here, "--dry-run").returncode == 6

    again = started(*words, "--hosts", "hosts.yaml")
    hosts.write_text(REMOTE.format(url=address(again.stdout)))
    told = json.loads(run(here, "--dry-run", "--output", "json").stdout)
    assert told["summary"] == "0 to create, 0 to update, 0 to prune, 13 kept"


def test_the_stand_in_loses_nothing_that_was_answered_when_it_is_killed(
    here: Path, started: Any
) -> None:
    hosts = here / "desired-state/platform/clusters/devcluster.yaml"
    shutil.copy(hosts, here / "hosts.yaml")
    words = ("standin", "--port", "0", "--clock", "500x", "--state", "world.json")
    serving = started(*words, "--hosts", "hosts.yaml")
    hosts.write_text(REMOTE.format(url=address(serving.stdout)))
    assert run(here).returncode == 0
    serving.kill()
    serving.wait(timeout=PATIENCE_S)

    again = started(*words, "--hosts", "hosts.yaml")
    hosts.write_text(REMOTE.format(url=address(again.stdout)))
    told = json.loads(run(here, "--dry-run", "--output", "json").stdout)
    assert told["summary"] == "0 to create, 0 to update, 0 to prune, 13 kept"


def test_the_demo_tells_its_story(here: Path) -> None:
    done = subprocess.run(
        command("demo"), cwd=here, env=environment(), check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("$ reconcile") == 5
    assert done.stdout.count("converged: 13 kept") == 2
    assert "1 to update (4 restarts), 0 to prune, 12 kept" in done.stdout
    *_, counts, _, _, _, last = done.stdout.splitlines()
    assert counts == "0 to create, 0 to update, 0 to prune, 13 kept"
    assert re.fullmatch(r"# It ended with 0\. Its files were in /\S+/reconcile-demo-\S+: .*", last)


def test_without_a_standard_input_nobody_is_asked(here: Path) -> None:
    told = " ".join(("exec", *command("--state", "state", "--only", "orders"), "<&-"))
    done = subprocess.run(
        ["sh", "-c", told], cwd=here, env=environment(), check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "converged: 1 kept" in done.stdout


def test_watch_that_is_told_to_end_asks_a_scheduler_that_hangs_no_more(
    here: Path, started: Any
) -> None:
    """A supervisor does not wait for all addresses, attempts and questions."""
    cluster = here / "desired-state/platform/clusters/devcluster.yaml"
    with socket.create_server(("127.0.0.1", 0)) as door:
        urls = [f"http://{host}:{door.getsockname()[1]}" for host in ("127.0.0.1", "localhost")]
        head = cluster.read_text(encoding="utf-8").split("spec:")[0]
        cluster.write_text(f"{head}spec:\n  scheduler: {{urls: {urls}}}\n", encoding="utf-8")
        (here / "local.toml").write_text("[deadlines]\nread_s = 3\n", encoding="utf-8")
        watching = started("watch", "--state", "state", "--config", "local.toml")
        door.settimeout(PATIENCE_S)
        asked = [door.accept()]
        watching.send_signal(signal.SIGTERM)
        out, _ = watching.communicate(timeout=PATIENCE_S)
        door.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            while True:
                asked.append(door.accept())
        for connection, _ in asked:
            connection.close()
    assert watching.returncode == 0
    assert "ended by SIGTERM" in out
    assert len(asked) == 1
