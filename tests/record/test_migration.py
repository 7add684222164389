"""A record that the version before wrote, as it lay on a disk then."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.outcome import Deferred
from reconciler.model.plan import Reason
from reconciler.model.round import Failing, Fault, FaultKind, LastRound
from reconciler.record.fault import RecordError
from reconciler.record.store import Record
from tests.support.builders import CLUSTER, NOW, a_key
from tests.support.heard import hearing
from tests.support.plans import a_kill, an_act

MINUTE = timedelta(minutes=1)
WEB, API, OTHER = a_key("web"), a_key("api"), a_key("other")
INSTALLATION = "11111111-2222-3333-4444-555555555555"

# Of each act when, what, of which revision and how often; newest first.
WEBS = [
    (9, "Deferred moved r2", 1),
    (8, "Deferred moved r1", 1),
    (6, "Deferred stale r1", 1),
    (5, "Applied done r1", 1),
    (4, "Applied done r1", 1),
    (3, "Deferred stale r1", 3),
]
OTHERS = [(7, "Deferred stale r1", 2)]


def writing(path: Path) -> Record:
    return Record(path, NOW, writing=True)


def reading(path: Path) -> Record:
    return Record(path, NOW, writing=False)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A directory with a record of format 1."""
    with closing(sqlite3.connect(tmp_path / "record.sqlite")) as db:
        db.executescript(Path(__file__).with_name("format_1.sql").read_text(encoding="utf-8"))
        db.execute("PRAGMA journal_mode = WAL")
    return tmp_path


def spoil(directory: Path, statement: str) -> None:
    with closing(sqlite3.connect(directory / "record.sqlite")) as db:
        db.execute(statement)
        db.commit()


def acts(record: Record) -> list[list[tuple[int, str, int]]]:
    found = record.acts(9)
    assert found.keys() == {WEB, OTHER}
    return [
        [
            ((act.at - NOW) // MINUTE, f"{act.outcome} {act.message} {act.revision}", act.times)
            for act in found[key]
        ]
        for key in (WEB, OTHER)
    ]


@pytest.mark.parametrize("opened", [reading, writing])
def test_all_that_it_holds_is_there(old: Path, opened: Callable[[Path], Record]) -> None:
    with opened(old) as record:
        memory = record.memory(CLUSTER)
        assert (memory.installation, memory.fresh) == (INSTALLATION, False)
        assert record.owned().keys() == {WEB, API}
        assert [(job.key, job.reason) for job in record.conditions()] == [
            (API, Reason.CONVERGED),
            (WEB, Reason.CONVERGED),
        ]
        assert record.rounds() == (LastRound(CLUSTER, NOW, "r1", 7),)
        fault = Fault(FaultKind.SCHEDULER, CLUSTER, "gone")
        assert record.failing() == (Failing(fault, NOW, NOW + MINUTE, 3),)
        assert acts(record) == [WEBS, OTHERS]


def test_what_was_migrated_is_written_on_and_read_again(old: Path) -> None:
    act = replace(an_act(a_kill(0)), key=WEB)
    for _ in range(2):
        with writing(old) as record:
            memory = record.memory(CLUSTER)
            record.settle(memory, memory, NOW + 10 * MINUTE, Deferred(act, "moved"), "r2")
    with reading(old) as record:
        assert acts(record) == [[(10, "Deferred moved r2", 3), *WEBS[1:]], OTHERS]
        assert record.memory(CLUSTER).installation == INSTALLATION
    with closing(sqlite3.connect(old / "record.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM history").fetchall() == [(7,)]


def form(directory: Path) -> dict[str, object]:
    """Return the columns of each table and what each index is of."""
    with closing(sqlite3.connect(directory / "record.sqlite")) as db:
        found = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        columns = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?)'
        return {
            name: db.execute(columns, (name,)).fetchall() if kind == "table" else sql
            for kind, name, sql in found
        }


def test_it_has_the_form_of_a_new_one(old: Path, tmp_path: Path) -> None:
    with writing(old), writing(tmp_path / "new"):
        pass
    assert form(old) == form(tmp_path / "new")


def test_reading_it_changes_nothing(old: Path) -> None:
    before = (old / "record.sqlite").read_bytes()
    with reading(old) as record:
        assert acts(record) == [WEBS, OTHERS]
    assert sorted(path.name for path in old.iterdir()) == ["record.sqlite"]
    assert (old / "record.sqlite").read_bytes() == before


def test_it_is_read_while_the_version_before_writes(old: Path) -> None:
    with closing(sqlite3.connect(old / "record.sqlite", isolation_level=None)) as db:
        db.execute("UPDATE history SET message = 'new' WHERE message = 'moved'")
        with reading(old) as record:
            assert acts(record)[0][:2] == [(9, "Deferred new r2", 1), (8, "Deferred new r1", 1)]
        db.execute("INSERT INTO history VALUES ('', '', '', '', '', '', '', '')")


def test_it_is_read_while_this_version_migrates_it(old: Path) -> None:
    """In the very moment before the reader takes a copy of what he has seen to be old."""
    begun = sqlite3.connect(old / "record.sqlite", isolation_level=None)
    begun.execute("INSERT INTO meta VALUES ('keeps', 'the log')")

    def migrate(place: object) -> None:
        if place == ":memory:":
            with writing(old):
                pass

    with closing(begun), hearing("sqlite3.connect", migrate), reading(old) as record:
        assert acts(record) == [WEBS, OTHERS]


def test_one_from_before_failures_were_kept_is_read_and_written(old: Path) -> None:
    spoil(old, "DROP TABLE failing")
    with reading(old) as record:
        assert record.failing() == ()
        assert record.rounds() == (LastRound(CLUSTER, NOW, "r1", 7),)
    failing = Failing(Fault(FaultKind.SCHEDULER, CLUSTER, "gone"), NOW, NOW + MINUTE, 3)
    with writing(old) as record:
        assert record.failing() == ()
        record.keep_failing([failing])
        assert record.failing() == (failing,)


@pytest.mark.parametrize("opened", [reading, writing])
def test_one_that_cannot_be_migrated_is_left_as_it_was(
    old: Path, opened: Callable[[Path], Record]
) -> None:
    spoil(old, "CREATE INDEX history_at ON meta (value)")
    before = (old / "record.sqlite").read_bytes()
    with pytest.raises(RecordError, match="history_at already exists"), opened(old):
        pass
    assert (old / "record.sqlite").read_bytes() == before
