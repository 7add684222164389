"""The record: one SQLite file in a directory of ours, written step by step, never half.

A write that fails raises `RecordError` before anything is done to a cluster: what is not written
down must not be sent.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from reconciler.model.keys import JobKey
from reconciler.model.memory import Memory, Owned
from reconciler.model.outcome import Outcome
from reconciler.model.round import Failing, JobStatus, LastRound, PastAct, Watch
from reconciler.record import conditions, file, history, rows
from reconciler.record.fault import RecordError
from reconciler.record.lock import Lock, Sign, watch_of

ROUND = """
INSERT INTO round VALUES (?, ?, ?, coalesce(?, 0))
ON CONFLICT (cluster) DO UPDATE
SET at = excluded.at, revision = excluded.revision, unmanaged = coalesce(?, unmanaged)
"""

FORGET = "DELETE FROM condition WHERE cluster = ? AND job = ?"
KEEP = "INSERT OR REPLACE INTO condition VALUES (?, ?, ?)"


class Record:
    """Everything remembered, for all clusters of one platform.

    `writing` takes the directory's lock and creates what is missing; without it nothing is created
    or changed, and a record that does not exist is an empty one.
    """

    def __init__(self, directory: Path, now: datetime, *, writing: bool) -> None:
        self.directory = directory
        self._now = now
        self._writing = writing
        self._lock: Lock | None = None
        self._db: sqlite3.Connection | None = None
        self._installation = ""
        # What was read or written last. Who writes holds the lock: nobody else changes it then.
        self._memories: dict[str, Memory] = {}
        self._conditions: dict[str, dict[JobKey, JobStatus | None]] = {}

    def __enter__(self) -> Self:
        try:
            with _told(self.directory):
                self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        if self._lock is not None:
            self._lock.close()

    # --- memory

    def memory(self, cluster: str) -> Memory:
        """Return what is remembered of one cluster; a fresh memory when nothing is."""
        if cluster in self._memories:
            return self._memories[cluster]
        with _told(self.directory):
            found = self._select(
                "SELECT kind, name, value FROM remembered WHERE cluster = ?", (cluster,)
            )
            told = {(kind, name): value for kind, name, value in found}
            self._memories[cluster] = rows.memory(self._installation, told)
        return self._memories[cluster]

    def owned(self) -> dict[JobKey, Owned]:
        """Return every job of ours, on all clusters."""
        with _told(self.directory):
            clusters = self._select("SELECT DISTINCT cluster FROM remembered", ())
        return {key: told for (name,) in clusters for key, told in self.memory(name).owned.items()}

    def keep(
        self,
        cluster: str,
        before: Memory,
        after: Memory,
        found: Iterable[tuple[JobKey, PastAct]] = (),
        of: JobKey | None = None,
    ) -> None:
        """Write what changed, in one transaction that has reached the disk when this returns.

        `found` tells what became of acts whose outcome nobody lived to write down; `of` names the
        job of an act, which changes what is remembered of its own job only.
        """
        with self._remembering(cluster, after) as db:
            _write(db, cluster, before, after, of)
            for key, act in found:
                history.add(db, key, act)

    def settle(
        self, before: Memory, after: Memory, at: datetime, outcome: Outcome, revision: str
    ) -> None:
        """Write what changed by an act and its line of history: both or neither."""
        key = outcome.act.key
        with self._remembering(key.cluster, after) as db:
            _write(db, key.cluster, before, after, key)
            history.add(db, key, history.past(outcome, at, revision))

    # --- conditions and history

    def conditions(self) -> tuple[JobStatus, ...]:
        """Return the condition of every job, as the last rounds left them."""
        with _told(self.directory):
            found = self._select("SELECT value FROM condition ORDER BY cluster, job", ())
            return tuple(conditions.decode(value) for (value,) in found)

    def rounds(self) -> tuple[LastRound, ...]:
        """Return the last round of each cluster that could read it, in the order of names."""
        with _told(self.directory):
            found = self._select("SELECT * FROM round ORDER BY cluster", ())
            return tuple(LastRound(c, datetime.fromisoformat(at), r, n) for c, at, r, n in found)

    def failing(self) -> tuple[Failing, ...]:
        """Return what failed in the last round."""
        with _told(self.directory):
            found = self._select("SELECT value FROM failing ORDER BY kind, scope", ())
            return tuple(msgspec.json.decode(value, type=Failing) for (value,) in found)

    def keep_failing(self, found: Iterable[Failing]) -> None:
        """Write what failed in the round that ended; nothing of earlier rounds stays."""
        rows_now = [(f.fault.kind.value, f.fault.scope, msgspec.json.encode(f)) for f in found]
        with _told(self.directory), self._transaction() as db:
            db.execute("DELETE FROM failing")
            db.executemany("INSERT INTO failing VALUES (?, ?, ?)", rows_now)

    def sign(self) -> Sign:
        """Return what tells others, as long as it is entered, that a watch runs here."""
        assert self._writing, "who watches holds the record's lock"
        return Sign(self.directory, self._now)

    def watch(self) -> Watch | None:
        """Return the watch that runs here, or ran last; None when there never was one."""
        return watch_of(self.directory)

    def keep_round(
        self,
        cluster: str,
        at: datetime,
        revision: str,
        unmanaged: int | None,
        jobs: Iterable[JobStatus],
    ) -> None:
        """Write the conditions of one cluster; `since` of a job that has kept its reason stays.

        `unmanaged` is None for a round that looked at some jobs only: of the others nothing new is
        known. History that is too old is forgotten on this occasion.
        """
        with _told(self.directory), self._transaction() as db:
            before = self._conditions.pop(cluster, None)
            if before is None:
                before = _known(db, cluster)
            told = {job.key: conditions.continued(job, before.get(job.key)) for job in jobs}
            gone = before.keys() - told.keys() if unmanaged is not None else ()
            changed = [job for key, job in told.items() if job is not before.get(key)]
            db.executemany(FORGET, ((cluster, str(key)) for key in gone))
            db.executemany(KEEP, ((cluster, str(j.key), conditions.encode(j)) for j in changed))
            db.execute(ROUND, (cluster, at.isoformat(), revision, unmanaged, unmanaged))
            history.forget(db, at)
        kept = before if unmanaged is None else {}
        self._conditions[cluster] = {**kept, **told}

    def acts(self, most: int) -> dict[JobKey, tuple[PastAct, ...]]:
        """Return so many of the last acts of each job, newest first."""
        with _told(self.directory):
            return history.acts(self._db, most) if self._db is not None else {}

    # --- the file

    def _open(self) -> None:
        path = self.directory / "record.sqlite"
        if self._writing:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = Lock(self.directory, self._now).__enter__()
            self._db = file.for_writing(path)
        else:
            self._db = file.for_reading(path)
        meta = dict(self._select("SELECT name, value FROM meta", ()))
        self._installation = meta.get("installation", "")

    @contextlib.contextmanager
    def _remembering(self, cluster: str, after: Memory) -> Iterator[sqlite3.Connection]:
        """Yield a transaction after which this is remembered; if it fails, the file knows what."""
        self._memories.pop(cluster, None)
        with _told(self.directory), self._transaction() as db:
            yield db
        self._memories[cluster] = after

    def _select(self, query: str, values: tuple[str | int, ...]) -> list[Any]:
        if self._db is None:
            return []
        return self._db.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        assert self._db is not None, "opened before"
        assert self._lock is not None, "opened for reading only"
        self._lock.check()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def _told(directory: Path) -> Iterator[None]:
    """Turn every way in which a file can fail into the one that callers know."""
    try:
        yield
    except sqlite3.Error as fault:
        raise RecordError(_remedy(directory, str(fault))) from None
    except OSError as fault:
        raise RecordError(_remedy(directory, fault.strerror or str(fault))) from None
    except (msgspec.MsgspecError, ValueError) as fault:
        raise RecordError(_remedy(directory, f"a row that cannot be read: {fault}")) from None


def _known(db: sqlite3.Connection, cluster: str) -> dict[JobKey, JobStatus | None]:
    """Return the conditions of a cluster; None for a row that cannot be read."""
    found = db.execute("SELECT job, value FROM condition WHERE cluster = ?", (cluster,))
    return {JobKey.parse(name): conditions.readable(value) for name, value in found}


def _write(
    db: sqlite3.Connection, cluster: str, before: Memory, after: Memory, of: JobKey | None = None
) -> None:
    for change in rows.changes(before, after, of):
        if change.value is None:
            db.execute(
                "DELETE FROM remembered WHERE cluster = ? AND kind = ? AND name = ?",
                (cluster, change.kind, change.name),
            )
        else:
            db.execute(
                "INSERT OR REPLACE INTO remembered VALUES (?, ?, ?, ?)",
                (cluster, change.kind, change.name, change.value),
            )


def _remedy(directory: Path, why: str) -> str:
    return (
        f"the record in {directory} cannot be used: {why}. Free space or mend permissions; if the"
        " file is damaged, move record.sqlite, record.sqlite-wal and record.sqlite-shm elsewhere,"
        " and leave what else is there: ownership is then rebuilt from the marks of live jobs"
    )
