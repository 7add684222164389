"""What is kept of acts: each once, in order, and no more than anybody can look back on."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.keys import JobKey
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.round import PastAct
from reconciler.record import file, history
from reconciler.record.store import Record
from tests.support.builders import CLUSTER, NOW, a_key
from tests.support.plans import a_kill, an_act

MINUTE = timedelta(minutes=1)
WEB, API = a_key("web"), a_key("api")


def writing(path: Path) -> Record:
    return Record(path, NOW, writing=True)


def test_history_tells_what_became_of_each_act(tmp_path: Path) -> None:
    act = an_act(a_kill(0))
    outcomes: tuple[Outcome, ...] = (
        Applied(act, message="done"),
        Refused(act, "no"),
        Deferred(act, "stale"),
        Indeterminate(act, "lost"),
    )
    with writing(tmp_path) as record:
        memory = record.memory(CLUSTER)
        for n, outcome in enumerate(outcomes):
            record.settle(memory, memory, NOW + n * MINUTE, outcome, f"r{n}")
        told = record.acts(4)
        assert record.acts(2) == {act.key: told[act.key][:2]}
    assert told == {
        act.key: (
            PastAct(NOW + 3 * MINUTE, "KillTasks", "Drifted", "Indeterminate", "lost", "r3"),
            PastAct(NOW + 2 * MINUTE, "KillTasks", "Drifted", "Deferred", "stale", "r2"),
            PastAct(NOW + MINUTE, "KillTasks", "Drifted", "Refused", "no", "r1"),
            PastAct(NOW, "KillTasks", "Drifted", "Applied", "done", "r0"),
        )
    }


OLD, MOVED, NEW = "r1 stale", "r1 moved", "r2 stale"
REPEATED: dict[str, tuple[list[str], list[tuple[int, str, int]]]] = {
    "equal ones in a row": ([OLD, OLD, OLD], [(2, OLD, 3)]),
    "another in between": ([OLD, OLD, MOVED, OLD], [(3, OLD, 1), (2, MOVED, 1), (1, OLD, 2)]),
    "of another revision": ([OLD, OLD, NEW, NEW], [(3, NEW, 2), (1, OLD, 2)]),
    "of acts that were done": (["r1 done", "r1 done"], [(1, "r1 done", 1), (0, "r1 done", 1)]),
    "more than are asked for": ([OLD, MOVED, NEW, NEW], [(3, NEW, 2), (1, MOVED, 1), (0, OLD, 1)]),
    "too many": ([OLD, MOVED, NEW, OLD], [(3, OLD, 1), (2, NEW, 1), (1, MOVED, 1)]),
}


@pytest.mark.parametrize(("rounds", "told"), REPEATED.values(), ids=REPEATED)
def test_what_is_deferred_time_and_again_is_told_once(
    tmp_path: Path, rounds: list[str], told: list[tuple[int, str, int]]
) -> None:
    act = an_act(a_kill(0))
    other = replace(act, key=a_key("other"))
    with writing(tmp_path) as record:
        memory = record.memory(CLUSTER)
        for n, said in enumerate(rounds):
            revision, _, why = said.partition(" ")
            outcome = Applied(act, message=why) if why == "done" else Deferred(act, why)
            record.settle(memory, memory, NOW + n * MINUTE, outcome, revision)
            record.settle(memory, memory, NOW + n * MINUTE, Deferred(other, "stale"), "r1")
        found = record.acts(3)
    assert [
        ((a.at - NOW) // MINUTE, f"{a.revision} {a.message}", a.times) for a in found[act.key]
    ] == told
    assert [a.times for a in found[other.key]] == [len(rounds)]


def test_history_is_forgotten_after_ninety_days(tmp_path: Path) -> None:
    act = an_act(a_kill(0))
    with writing(tmp_path) as record:
        memory = record.memory(CLUSTER)
        for days in (91, 89):
            record.settle(memory, memory, NOW - timedelta(days=days), Applied(act), "r")
        record.keep_round(CLUSTER, NOW, "r", 0, [])
        assert len(record.acts(9)[act.key]) == 1


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(file.for_writing(tmp_path / "record.sqlite")) as opened:
        yield opened


def told(db: sqlite3.Connection, key: JobKey = WEB) -> list[tuple[int, str, int]]:
    """Return minute, message and number of times of each act on a job, newest first."""
    found = history.acts(db, 9)[key]
    return [((act.at - NOW) // MINUTE, act.message, act.times) for act in found]


def lines(db: sqlite3.Connection) -> int:
    [(count,)] = db.execute("SELECT count(*) FROM history").fetchall()
    return int(count)


def deferred(minute: int, why: str = "stale") -> PastAct:
    return PastAct(NOW + minute * MINUTE, "KillTasks", "Drifted", "Deferred", why, "r1")


def test_what_is_deferred_for_weeks_is_one_line(db: sqlite3.Connection) -> None:
    for minute in range(1000):
        for key in (WEB, API):
            history.add(db, key, deferred(minute))
    assert lines(db) == 2
    assert told(db, WEB) == told(db, API) == [(999, "stale", 1000)]


def test_history_is_in_the_order_of_writing_though_the_clock_is_set_back(
    db: sqlite3.Connection,
) -> None:
    for minute, why in ((60, "stale"), (61, "moved"), (1, "stale"), (2, "stale")):
        history.add(db, WEB, deferred(minute, why))
    assert told(db) == [(2, "stale", 2), (61, "moved", 1), (60, "stale", 1)]


def steps(db: sqlite3.Connection, work: Callable[[], object]) -> int:
    """Return how many hundreds of steps the database takes for it."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1

    db.set_progress_handler(step, 100)
    work()
    db.set_progress_handler(None, 100)
    return taken


def test_looking_back_and_forgetting_do_not_read_what_is_in_between(
    db: sqlite3.Connection,
) -> None:
    for minute in range(5000):
        for key in (WEB, API):
            history.add(db, key, deferred(minute, f"{minute}"))
    assert lines(db) == 10_000
    assert steps(db, lambda: history.acts(db, 5)) < 10
    assert steps(db, lambda: history.add(db, WEB, deferred(5000, "once more"))) < 10
    late = NOW + timedelta(days=history.DAYS) + 2 * MINUTE
    assert steps(db, lambda: history.forget(db, late)) < 10
    assert lines(db) == 10_001 - 4
    assert len(history.acts(db, 5)[WEB]) == 5
