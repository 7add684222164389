"""The file of a world: whatever is answered is in it, at whatever moment the process dies."""

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.standin.aurora import Aurora
from reconciler.standin.journal import Done, Journal, Moment, StateError
from reconciler.standin.running import Running, resumed
from reconciler.standin.web import BINARY, TJSON
from reconciler.thrift import binary_calls, calls
from reconciler.thrift.structs import JobConfiguration, JobKey, JobUpdateRequest, TaskQuery
from tests.standin.scene import KEY, T0_MS, a_config, hosts, settings, some_resources
from tests.support.cluster import Died

HERE_S = 1000.0
CRON = JobKey(role="www", environment="prod", name="cron")
CRASH = JobKey(role="www", environment="prod", name="crash")


@dataclass(slots=True)
class Life:
    """One process with a world in a file, or in none; its clock is moved by hand."""

    path: Path | None
    at_s: float = HERE_S
    clock: float = 1.0
    aurora: Aurora = field(init=False)
    running: Running = field(init=False)

    def __post_init__(self) -> None:
        journal = None if self.path is None else Journal(self.path)
        kept = None if journal is None else journal.load()
        if kept is None:
            self.aurora = Aurora("test", hosts(), T0_MS, random.Random(7))
            moment = Moment(self.at_s, T0_MS, self.clock)
        else:
            self.aurora, moment = kept.aurora(), resumed(kept, self.at_s, self.clock)
        self.running = Running(self.aurora, lambda: self.at_s, moment, journal, kept=kept)

    def call(self, method: str, *, binary: bool = False, **args: Any) -> bytes:
        wire = binary_calls if binary else calls
        headers = {"content-type": BINARY if binary else TJSON}
        body = wire.encode_call(method, 1, **args)
        return self.running.answer("POST", "/api", headers, body).body

    def state(self) -> str:
        """Return a digest of all that the world is by now."""
        self.running.pass_time()
        told = json.dumps(self.aurora.dump()).encode()
        return hashlib.sha256(told).hexdigest()


def create(life: Life) -> None:
    life.call("createJob", description=JobConfiguration(key=KEY, taskConfig=a_config()))
    job = JobConfiguration(key=KEY, taskConfig=a_config(), instanceCount=2)
    life.call("createJob", description=job)


def kill_one(life: Life) -> None:
    life.at_s += 3.0
    life.call("killTasks", binary=True, job=KEY, instances=(1,), message="caf\u00e9")


def schedule_what_never_runs(life: Life) -> None:
    """It is refused, and stored all the same."""
    config = a_config(key=CRON, isService=False)
    life.call(
        "scheduleCronJob",
        description=JobConfiguration(
            key=CRON, cronSchedule="0 3 31 2 *", taskConfig=config, instanceCount=1
        ),
    )


def update(life: Life) -> None:
    life.at_s += 40.0
    request = JobUpdateRequest(taskConfig=a_config("2"), instanceCount=3, settings=settings())
    life.call("startJobUpdate", request=request, message="go")


def look(life: Life) -> None:
    life.at_s += 10.0
    life.call("getTasksStatus", query=TaskQuery())


def crash_for_long(life: Life) -> None:
    config = a_config(key=CRASH, sim={"fail_ms": 900}, resources=some_resources(cpu=0.05))
    life.call(
        "createJob", description=JobConfiguration(key=CRASH, taskConfig=config, instanceCount=40)
    )
    life.at_s += 1200.0


def deschedule(life: Life) -> None:
    life.call("descheduleCronJob", job=CRON)


def close(life: Life) -> None:
    life.running.close()


def reopen(life: Life) -> None:
    if life.path is not None:
        life.__post_init__()


STEPS: tuple[Callable[[Life], None], ...] = (
    create,
    kill_one,
    schedule_what_never_runs,
    update,
    look,
    crash_for_long,
    deschedule,
    close,
    reopen,
    kill_one,
    close,
)
LATER_S = HERE_S + 2000.0


def reference() -> list[str]:
    """Return what the world is later, once so many steps were done by a process that goes on."""
    found = []
    for count in range(len(STEPS) + 1):
        life = Life(None)
        for step in STEPS[:count]:
            step(life)
        life.at_s = LATER_S
        found.append(life.state())
    return found


@dataclass(slots=True)
class Death:
    """Dies with the nth thing that is asked of the disk: before it, or half-way through it."""

    at: int
    count: int = 0

    def before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                if real is WRITE:
                    WRITE(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise Died
            return real(*args, **kwargs)

        return ask


WRITE = os.write
ASKED = ("open", "write", "fsync", "ftruncate", "replace")


@pytest.mark.slow
def test_a_death_at_any_moment_loses_nothing_that_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = reference()
    for moment in range(1, 1000):
        path, death = tmp_path / f"{moment}.json", Death(moment)
        done, begun = 0, []
        with monkeypatch.context() as patched, suppress(Died):
            for name in ASKED:
                patched.setattr(os, name, death.before(getattr(os, name)))
            life = Life(path)
            for step in STEPS:
                step(life)
                done += 1
                begun.append(path.exists() and path.read_bytes().partition(b"\n")[0])
        if not path.exists():
            assert done == 0
            continue
        again = Life(path, LATER_S).state()
        # What was under way when it died may have come to be, or not.
        assert again in later[done : done + 2], (moment, done)
        if done == len(STEPS):
            # The world was written whole at first, and once over what there was.
            assert len(set(begun)) == 2
            assert moment > 20
            return
    pytest.fail("it never came to its end")


def lives(path: Path) -> Life:
    """Return a life that left a file with something in every kind of line."""
    life = Life(path)
    for step in STEPS[:5]:
        step(life)
    return life


def test_what_was_done_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    before = lives(path).state()
    kept = Journal(path).load()
    assert kept is not None
    assert [d.body[:1] for d in kept.done] == [b"[", b"\x80", b"[", b"["]
    assert [calls.decode_call(d.body).method for d in kept.done if d.body[:1] == b"["] == [
        "createJob",
        "scheduleCronJob",
        "startJobUpdate",
    ]
    again = Life(path, HERE_S + 53.0)
    assert again.state() == before
    assert b"caf\xc3\xa9" in again.call("getTasksStatus", query=TaskQuery())


@pytest.mark.slow
def test_a_file_that_is_cut_anywhere_has_all_lines_that_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    lives(path)
    told = path.read_bytes()
    first = told.index(b"\n") + 1
    for end in range(first, len(told)):
        path.write_bytes(told[:end])
        journal = Journal(path)
        kept = journal.load()
        assert kept is not None
        assert len(kept.done) == told[first:end].count(b"\n")
        # And what comes next takes the place of what was not whole.
        journal.add(Done(Moment(HERE_S, T0_MS)), at_once=True)
        journal.close()
        assert path.read_bytes().count(b"\n") == len(kept.done) + 2
        assert len((Journal(path).load() or kept).done) == len(kept.done) + 1


def test_a_last_line_that_is_not_one_was_never_answered(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    before = lives(path).state()
    with path.open("ab") as file:
        file.write(b"\0\0\0\0\n")
    assert Life(path, HERE_S + 53.0).state() == before


def test_a_line_in_between_that_is_not_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    lives(path)
    first, second, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((first, second[:-5], b"\n", *rest)))
    with pytest.raises(StateError, match=r"world\.json:2 cannot be read"):
        Journal(path).load()


def test_a_file_that_is_no_world_is_told(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    assert Journal(path).load() is None
    path.write_text("{")
    with pytest.raises(StateError, match=r"world\.json is not a world"):
        Journal(path).load()


def test_what_could_not_be_kept_is_kept_with_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = lives(tmp_path / "world.json")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            kill_one(life)
    life.call("setQuota", ownerRole="www")
    assert Life(tmp_path / "world.json", life.at_s).state() == life.state()


# --- time between two lives


def there(life: Life) -> float:
    """Return how many seconds it has lived through."""
    life.running.pass_time()
    return (life.aurora.now_ms - T0_MS) / 1000


def test_time_goes_on_between_two_lives_at_the_pace_that_it_had(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    create(Life(path, clock=20.0))
    again = Life(path, HERE_S + 60.0, clock=2.0)
    assert there(again) == 1200.0
    again.at_s += 10.0
    assert there(again) == 1220.0


def test_a_month_that_nobody_looked_need_not_be_lived_through(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    create(Life(path, clock=20.0))
    assert there(Life(path, HERE_S + 30 * 86_400.0, clock=20.0)) == 86_400.0


def test_what_was_seen_of_a_world_is_not_undone_by_a_month_that_is_not_lived_through(
    tmp_path: Path,
) -> None:
    path = tmp_path / "world.json"
    life = Life(path)
    create(life)
    for _ in range(50):
        life.at_s += 3600.0
        life.running.pass_time()
    seen_s = there(life)
    assert there(Life(path, life.at_s + 1.0)) == seen_s + 1.0
    assert path.read_bytes().count(b"\n") < 60


def test_a_clock_that_is_set_back_does_not_turn_time_there_back(tmp_path: Path) -> None:
    life = Life(tmp_path / "world.json", clock=2.0)
    create(life)
    for passed_s, want_s in ((3.0, 6.0), (-100.0, 6.0), (4.0, 8.0)):
        life.at_s = HERE_S + passed_s
        assert there(life) == want_s
    kill_one(life)
    assert there(Life(tmp_path / "world.json", HERE_S - 500.0)) == there(life)


# --- other processes

SCRIPT = """
import sys
from pathlib import Path
from tests.standin.test_journal import LATER_S, STEPS, Life
again = sys.argv[2] == "again"
life = Life(Path(sys.argv[1]), *([LATER_S] if again else []))
for step in () if again else STEPS[:7]:
    step(life)
life.at_s = LATER_S
print(life.state())
"""


@pytest.mark.slow
def test_another_process_finds_the_same_though_it_hashes_otherwise(tmp_path: Path) -> None:
    def run(seed: str, word: str) -> str:
        words = [sys.executable, "-c", SCRIPT, str(tmp_path / "w.json"), word]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    assert run("1", "first") == run("2", "again")
