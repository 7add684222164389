"""The record's file: made, opened and checked, before anything in it is believed."""

import contextlib
import sqlite3
import uuid
from pathlib import Path

from reconciler.record import history
from reconciler.record.fault import RecordError

FORMAT = "2"
READABLE = ("1", FORMAT)

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE remembered (
  cluster TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (cluster, kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE condition (
  cluster TEXT NOT NULL, job TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (cluster, job)
) STRICT, WITHOUT ROWID;
CREATE TABLE round (
  cluster TEXT PRIMARY KEY, at TEXT NOT NULL, revision TEXT NOT NULL, unmanaged INTEGER NOT NULL
) STRICT;
"""
# A record of format 1 may have it or not.
FAILING = """
CREATE TABLE IF NOT EXISTS failing (
  kind TEXT NOT NULL, scope TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, scope)
) STRICT, WITHOUT ROWID
"""


def for_writing(path: Path) -> sqlite3.Connection:
    """Return the record, made if it is missing and migrated if its format is an earlier one: either
    way whole or not at all. The lock is held."""
    _check_plain(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        path.chmod(0o600)
        found = _format(path, db)
        if found is not None:
            _sound(db)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if found is None:
            _make(db)
        elif found != FORMAT:
            _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def for_reading(path: Path) -> sqlite3.Connection | None:
    """Return the record as it is now, None when there is none. Creates and changes nothing."""
    _check_plain(path)
    while path.exists():
        before = _stamp(path)
        if _wal(path).exists():
            # Somebody writes, or died writing: what belongs to that is there already.
            return _checked(path, _opened(path, "mode=ro"))
        found = _copied(path)
        if _stamp(path) == before and not _wal(path).exists():
            return _checked(path, found)
        found.close()
    return None


def _check_plain(path: Path) -> None:
    """Refuse what is no plain file before it is opened: a pipe would be waited for, and what a
    symlink leads to is not ours to change."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise RecordError(f"{path} cannot be used: it is no plain file. Move it away")


def _copied(path: Path) -> sqlite3.Connection:
    """Return a copy in memory. Reading it as it lies would leave a log of SQLite's beside it."""
    return _in_memory(_opened(path, "mode=ro&immutable=1"))


def _in_memory(plain: sqlite3.Connection) -> sqlite3.Connection:
    """Return a copy that can be changed, in place of what it was copied from."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        plain.backup(copy)
    except BaseException:
        copy.close()
        raise
    finally:
        plain.close()
    return copy


def _checked(path: Path, db: sqlite3.Connection) -> sqlite3.Connection | None:
    try:
        found = _format(path, db)
        if found is not None:
            _sound(db)
        if found not in (None, FORMAT):
            db = _in_memory(db)
            # Its owner may have migrated it meanwhile.
            if _format(path, db) != FORMAT:
                _migrate(db)
    except BaseException:
        db.close()
        raise
    if found is not None:
        return db
    db.close()
    return None


def _format(path: Path, db: sqlite3.Connection) -> str | None:
    """Return the format of a record of ours; None for an empty file, as a crash may leave."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not tables:
        return None
    if "meta" not in tables:
        raise RecordError(f"{path} is no record of ours: choose another --state")
    found: str | None = dict(db.execute("SELECT name, value FROM meta")).get("format")
    if found not in READABLE:
        raise RecordError(
            f"{path} was written by another version (format {found}, not {FORMAT}): use that one, "
            "or choose another --state"
        )
    return found


def _make(db: sqlite3.Connection) -> None:
    meta = {"format": FORMAT, "installation": str(uuid.uuid4())}
    rows = "".join(
        f"INSERT INTO meta VALUES ('{name}', '{value}');" for name, value in meta.items()
    )
    tables = "; ".join((history.TABLE, *history.INDEXES, FAILING))
    db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {tables}; {rows} COMMIT;")


def _migrate(db: sqlite3.Connection) -> None:
    """Make a record of the format before one of ours."""
    db.execute("BEGIN IMMEDIATE")
    try:
        history.migrate(db)
        db.execute(FAILING)
        db.execute("UPDATE meta SET value = ? WHERE name = 'format'", (FORMAT,))
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _sound(db: sqlite3.Connection) -> None:
    [(verdict,)] = db.execute("PRAGMA quick_check(1)").fetchall()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _opened(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
