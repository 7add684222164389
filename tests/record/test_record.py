"""The record on a disk: one writer, many readers, and every way in which a file can fail."""

import fcntl
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from reconciler.model.memory import Memory
from reconciler.model.outcome import Applied
from reconciler.model.plan import Reason
from reconciler.model.round import Failing, Fault, FaultKind, JobStatus, LastRound
from reconciler.record.fault import RecordError
from reconciler.record.store import Record
from tests.record.memories import memories
from tests.support.builders import CLUSTER, NOW, a_key, owning
from tests.support.plans import a_kill, an_act

WEB, API = a_key("web"), a_key("api")
MINUTE = timedelta(minutes=1)


def writing(path: Path) -> Record:
    return Record(path, NOW, writing=True)


def reading(path: Path) -> Record:
    return Record(path, NOW, writing=False)


def a_status(key: Any = WEB, reason: Reason = Reason.CONVERGED, **differs: Any) -> JobStatus:
    return JobStatus(key=key, project="shop", reason=reason, since=NOW, **differs)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A record in which two jobs of ours and a round are remembered."""
    with writing(tmp_path) as record:
        before = record.memory(CLUSTER)
        memory = replace(owning(WEB, API), installation=before.installation)
        record.keep(CLUSTER, before, memory)
        record.keep_round(CLUSTER, NOW, "r1", 7, [a_status(WEB), a_status(API)])
    return tmp_path


# --- memory


def test_first_memory_is_fresh_and_has_an_installation_that_stays(tmp_path: Path) -> None:
    with writing(tmp_path) as record:
        first = record.memory(CLUSTER)
    assert first == Memory(first.installation, fresh=True)
    assert first.installation
    with writing(tmp_path) as record:
        assert record.memory(CLUSTER) == first


def test_memory_is_there_after_a_restart(kept: Path) -> None:
    for opened in (writing, reading):
        with opened(kept) as record:
            found = record.memory(CLUSTER)
            assert found.owned == owning(WEB, API).owned
            assert record.owned() == found.owned
            assert not found.fresh


def test_clusters_are_remembered_apart(kept: Path) -> None:
    with writing(kept) as record:
        other = record.memory("eu1")
        assert other.fresh
        assert not other.owned
        record.keep("eu1", other, replace(other, fresh=False, watermark_ms=5))
        assert record.memory(CLUSTER).watermark_ms == 0
        assert record.memory("eu1").watermark_ms == 5


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(memory=memories())
def test_every_field_survives_the_disk(tmp_path: Path, memory: Memory) -> None:
    with writing(tmp_path) as record:
        before = record.memory(CLUSTER)
        wanted = replace(memory, installation=before.installation)
        record.keep(CLUSTER, before, wanted)
    with reading(tmp_path) as record:
        assert record.memory(CLUSTER) == wanted


# --- conditions and history


def test_condition_keeps_since_when_it_has_had_its_reason(kept: Path) -> None:
    later = NOW + MINUTE
    with writing(kept) as record:
        now = [
            replace(a_status(WEB, detail="2 of 3 not running"), since=later),
            replace(a_status(API, Reason.PAUSED), since=later),
        ]
        record.keep_round(CLUSTER, later, "r2", 7, now)
        found = {job.key: job for job in record.conditions()}
    assert found[WEB].since == NOW
    assert found[WEB].detail == "2 of 3 not running"
    assert found[API].since == later


def test_condition_of_a_job_that_nobody_decides_about_is_gone(kept: Path) -> None:
    with writing(kept) as record:
        record.keep_round(CLUSTER, NOW, "r2", 3, [a_status(WEB)])
        assert [job.key for job in record.conditions()] == [WEB]
        assert record.rounds() == (LastRound(CLUSTER, NOW, "r2", 3),)


def test_round_about_some_jobs_leaves_the_others_as_they_are(kept: Path) -> None:
    with writing(kept) as record:
        record.keep_round(CLUSTER, NOW, "r2", None, [a_status(WEB, Reason.PAUSED)])
        found = {job.key: job.reason for job in record.conditions()}
        assert found == {WEB: Reason.PAUSED, API: Reason.CONVERGED}
        assert record.rounds() == (LastRound(CLUSTER, NOW, "r2", 7),)


def test_conditions_of_round_after_round_are_what_the_next_process_reads(kept: Path) -> None:
    third = a_key("third")
    rounds: list[tuple[int | None, list[JobStatus]]] = [
        (0, [a_status(WEB), a_status(API, Reason.PAUSED)]),
        (None, [a_status(WEB, detail="1 of 3 not running")]),
        (None, [a_status(third)]),
        (0, [a_status(WEB, detail="1 of 3 not running"), a_status(third, Reason.PAUSED)]),
        (0, [a_status(WEB)]),
    ]
    with writing(kept) as record:
        for n, (unmanaged, jobs) in enumerate(rounds):
            told = [replace(job, since=NOW + n * MINUTE) for job in jobs]
            record.keep_round(CLUSTER, NOW + n * MINUTE, "r2", unmanaged, told)
            # Whoever knows nothing of the rounds before must come to the same.
            with reading(kept) as other:
                assert other.conditions() == record.conditions()
        assert [(job.key, job.since) for job in record.conditions()] == [(WEB, NOW)]
        assert [job.detail for job in record.conditions()] == [a_status(WEB).detail]


FAILING = Failing(Fault(FaultKind.SCHEDULER, "dev", "gone"), NOW, NOW + MINUTE, 3)


def test_what_fails_is_kept_until_it_no_longer_does(kept: Path) -> None:
    with writing(kept) as record:
        record.keep_failing([FAILING])
    with reading(kept) as record:
        assert record.failing() == (FAILING,)
    with writing(kept) as record:
        record.keep_failing([])
        assert record.failing() == ()


def test_a_watch_is_told_as_long_as_it_runs_and_remembered_afterwards(kept: Path) -> None:
    with reading(kept) as other:
        assert other.watch() is None
        with writing(kept) as record, record.sign():
            found = other.watch()
            assert found is not None
            assert (found.who.split()[:2], found.since, found.runs) == (
                ["process", str(os.getpid())],
                NOW,
                True,
            )
        assert other.watch() == replace(found, runs=False)


def test_looking_for_a_watch_turns_nobody_away(kept: Path) -> None:
    with writing(kept) as record, record.sign():
        pass
    looking = os.open(kept / "watch", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    with writing(kept):
        pass
    os.close(looking)


def test_condition_that_cannot_be_read_does_not_stop_the_next_round(kept: Path) -> None:
    spoil(kept, "UPDATE condition SET value = x'7b'")
    with writing(kept) as record:
        with pytest.raises(RecordError, match="a row that cannot be read"):
            record.conditions()
        record.keep_round(CLUSTER, NOW, "r2", 0, [a_status(WEB)])
        assert [job.key for job in record.conditions()] == [WEB]


def test_history_and_memory_of_an_act_are_written_together_or_not_at_all(kept: Path) -> None:
    act = an_act(a_kill(0))
    with writing(kept) as record:
        spoil(kept, "DROP TABLE history")
        before = record.memory(CLUSTER)
        after = replace(before, owned={})
        with pytest.raises(RecordError):
            record.settle(before, after, NOW, Applied(act), "r1")
        assert record.memory(CLUSTER) == before


# --- the file


def test_directory_and_files_are_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with writing(tmp_path / "state") as record:
            record.keep(CLUSTER, record.memory(CLUSTER), owning(WEB))
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "state").iterdir()}
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert {"record.sqlite", "record.sqlite-wal", "lock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def listing(path: Path) -> dict[str, tuple[int, bytes]]:
    return {
        p.relative_to(path).as_posix(): (p.stat().st_mtime_ns, p.read_bytes())
        for p in path.rglob("*")
        if p.is_file()
    }


def test_reading_creates_nothing_where_nothing_is(tmp_path: Path) -> None:
    with reading(tmp_path / "state") as record:
        assert record.memory(CLUSTER) == Memory("", fresh=True)
        assert record.owned() == {}
        assert record.conditions() == ()
        assert record.rounds() == ()
        assert record.failing() == ()
        assert record.watch() is None
        assert record.acts(9) == {}
    assert not (tmp_path / "state").exists()


def test_reading_changes_nothing_where_a_record_is(kept: Path) -> None:
    before = listing(kept)
    with reading(kept) as record:
        assert record.conditions()
        assert listing(kept) == before
    assert listing(kept) == before


def test_record_is_read_while_another_process_writes(kept: Path) -> None:
    with writing(kept) as writer, reading(kept) as reader:
        memory = writer.memory(CLUSTER)
        writer.keep(CLUSTER, memory, replace(memory, owned={}))
        assert reader.memory(CLUSTER).owned == {}


def test_empty_file_is_what_a_crash_leaves_and_no_record(tmp_path: Path) -> None:
    (tmp_path / "record.sqlite").touch()
    with reading(tmp_path) as record:
        assert record.memory(CLUSTER).fresh
    with writing(tmp_path) as record:
        assert record.memory(CLUSTER).installation


def spoil(directory: Path, statement: str) -> None:
    with closing(sqlite3.connect(directory / "record.sqlite")) as db:
        db.execute(statement)
        db.commit()


def scribble(directory: Path) -> None:
    path = directory / "record.sqlite"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def replaced(path: Path) -> None:
    path.unlink()
    path.mkdir()


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no database": (lambda d: (d / "record.sqlite").write_bytes(b"x" * 5000), "not a database"),
    "overwritten pages": (scribble, "cannot be used"),
    "cut in half": (
        lambda d: os.truncate(d / "record.sqlite", (d / "record.sqlite").stat().st_size // 2),
        "cannot be used",
    ),
    "another format": (
        lambda d: spoil(d, "UPDATE meta SET value = '99' WHERE name = 'format'"),
        "another version .format 99, not 2.: use that one, or choose another --state",
    ),
    "a table of somebody else": (
        lambda d: spoil(d, "ALTER TABLE meta RENAME TO mine"),
        "no record",
    ),
    "a row that cannot be read": (
        lambda d: spoil(d, "UPDATE remembered SET value = x'7b' WHERE kind = 'owned'"),
        "a row that cannot be read",
    ),
    "a kind of row without a job": (
        lambda d: spoil(d, "UPDATE remembered SET name = 'web/' || name WHERE kind = 'owned'"),
        "a job key is",
    ),
    "a directory in its place": (
        lambda d: replaced(d / "record.sqlite"),
        "cannot be used",
    ),
}


def everything(opened: Record) -> None:
    with opened as record:
        record.memory(CLUSTER)
        record.owned()
        record.acts(9)


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("opened", [writing, reading])
def test_broken_record_is_said_to_be_broken_and_never_taken_for_empty(
    kept: Path, case: Any, opened: Callable[[Path], Record]
) -> None:
    spoiled, words = case
    spoiled(kept)
    before = (kept / "record.sqlite").stat().st_size
    with pytest.raises(RecordError, match=words):
        everything(opened(kept))
    assert (kept / "record.sqlite").stat().st_size == before
    with pytest.raises(RecordError):
        everything(opened(kept))


def test_damage_is_found_on_opening_wherever_it_lies(kept: Path) -> None:
    """Also where nothing would have been read, before a round relies on what can be."""
    with (kept / "record.sqlite").open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
        file.write(b"\xa5" * 4096)
    with pytest.raises(RecordError, match="cannot be used"), writing(kept):
        pass


def test_record_of_another_version_is_left_as_it_is(kept: Path) -> None:
    spoil(kept, "UPDATE meta SET value = '3' WHERE name = 'format'")
    spoil(kept, "DROP TABLE history")
    before = (kept / "record.sqlite").read_bytes()
    with pytest.raises(RecordError, match="another version"), writing(kept):
        pass
    assert (kept / "record.sqlite").read_bytes() == before


def test_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="cannot be used"), writing(tmp_path / "file" / "state"):
        pass


def test_disk_that_is_full_loses_the_change_and_nothing_else(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def connected(*place: Any, **how: Any) -> sqlite3.Connection:
        opened.append(connect(*place, **how))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", connected)
    with writing(kept) as record:
        before = record.memory(CLUSTER)
        (db,) = opened
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        large = replace(before, owned={a_key(f"job-{n}"): before.owned[WEB] for n in range(999)})
        with pytest.raises(RecordError, match="full"):
            record.keep(CLUSTER, before, large)
        assert record.memory(CLUSTER) == before
    with writing(kept) as record:
        assert record.memory(CLUSTER) == before


FULL = """
import resource, signal, sys
from pathlib import Path
from dataclasses import replace
from tests.record.test_record import CLUSTER, NOW, WEB, a_key, writing
from reconciler.record.fault import RecordError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    with writing(Path(sys.argv[1])) as record:
        before = record.memory(CLUSTER)
        owned = {a_key(f"job-{n}"): before.owned[WEB] for n in range(9999)}
        record.keep(CLUSTER, before, replace(before, owned=owned))
except RecordError as fault:
    sys.exit(f"RecordError: {fault}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 100, 70_000], ids=["nothing", "a lock", "a part"])
def test_file_system_that_takes_no_more_is_one_fault_with_one_name(kept: Path, size: int) -> None:
    with reading(kept) as record:
        before = record.memory(CLUSTER)
    ended = subprocess.run(
        (sys.executable, "-c", FULL, str(kept), str(size)), capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("RecordError: ")
    with writing(kept) as record:
        assert record.memory(CLUSTER) == before


# --- the lock


def test_who_finds_a_damaged_record_is_told_to_move_nothing_else(kept: Path) -> None:
    """The world of an embedded cluster lies beside it."""
    (kept / "record.sqlite").write_bytes(b"none of ours" * 100)
    with pytest.raises(RecordError) as fault, writing(kept):
        pass
    words = str(fault.value)
    named = "move record.sqlite, record.sqlite-wal and record.sqlite-shm elsewhere, and leave"
    assert f"if the file is damaged, {named} what else is there" in words
    assert "directory away" not in words


def test_second_writer_is_told_who_holds_the_lock(kept: Path) -> None:
    with writing(kept):
        told = json.loads((kept / "lock").read_text(encoding="utf-8"))
        assert told["pid"] == os.getpid()
        with pytest.raises(RecordError) as fault, writing(kept):
            pass
        words = str(fault.value)
        assert f"process {os.getpid()} on {told['host']} since {NOW.isoformat()}" in words
        assert words.endswith(": wait until it has ended")
        assert "--state" not in words, "another directory would be a second writer"
    with writing(kept) as record:
        assert record.owned()


def test_who_finds_a_watch_at_work_is_not_told_to_wait_for_its_end(kept: Path) -> None:
    with writing(kept) as record:
        with record.sign(), pytest.raises(RecordError) as fault, writing(kept):
            pass
        words = ": a watch, which does not end by itself. Stop it, run this, and start it again"
        assert str(fault.value).endswith(words)
        with pytest.raises(RecordError, match="wait until it has ended"), writing(kept):
            pass


def test_lock_that_tells_nothing_holds_all_the_same(kept: Path) -> None:
    with writing(kept):
        (kept / "lock").write_text("", encoding="utf-8")
        with pytest.raises(RecordError, match="in use by another process"), writing(kept):
            pass


@pytest.mark.parametrize("how", ["moved", "removed", "replaced"])
def test_directory_that_is_taken_away_in_use_ends_every_act(tmp_path: Path, how: str) -> None:
    """Another reconciler could lock the same path now, and act on the same cluster."""
    state = tmp_path / "state"
    with writing(state) as record:
        before = record.memory(CLUSTER)
        record.keep(CLUSTER, before, before)
        if how == "removed":
            shutil.rmtree(state)
        else:
            state.rename(tmp_path / "elsewhere")
        if how == "replaced":
            with writing(state):
                pass
        with pytest.raises(RecordError, match="was moved, removed or replaced"):
            record.keep(CLUSTER, before, owning(WEB))


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_symlink(path: Path) -> None:
    (path.parent / "other").write_text("of somebody else")
    (path.parent / "other").chmod(0o644)
    path.symlink_to(path.parent / "other")


@pytest.mark.parametrize("make", [make_pipe, make_symlink, Path.mkdir])
@pytest.mark.parametrize("opened", [writing, reading])
def test_record_that_is_no_plain_file_is_left_alone(
    tmp_path: Path, make: Callable[[Path], None], opened: Callable[[Path], Record]
) -> None:
    make(tmp_path / "record.sqlite")
    with pytest.raises(RecordError, match="no plain file"), opened(tmp_path):
        pass
    other = tmp_path / "other"
    assert not other.exists() or stat.S_IMODE(other.stat().st_mode) == 0o644


def test_reader_needs_no_lock(kept: Path) -> None:
    with writing(kept), reading(kept) as record:
        assert record.owned()


HOLDING = """
import sys, time
from pathlib import Path
from tests.record.test_record import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_lock_ends_with_the_process_that_held_it_even_if_it_is_killed(kept: Path) -> None:
    holder = subprocess.Popen(
        (sys.executable, "-c", HOLDING, str(kept)), stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RecordError, match=f"process {holder.pid} on "), writing(kept):
            pass
        holder.kill()
    with writing(kept) as record:
        assert record.owned()


KILLED = """
import os, sys
from dataclasses import replace
from pathlib import Path
from tests.record.test_record import CLUSTER, writing
with writing(Path(sys.argv[1])) as record:
    before = record.memory(CLUSTER)
    record.keep(CLUSTER, before, replace(before, watermark_ms=77))
    os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
@pytest.mark.parametrize("opened", [writing, reading])
def test_what_was_kept_is_there_after_a_kill(kept: Path, opened: Callable[[Path], Record]) -> None:
    subprocess.run((sys.executable, "-c", KILLED, str(kept)), check=False)
    with opened(kept) as record:
        assert record.memory(CLUSTER).watermark_ms == 77
