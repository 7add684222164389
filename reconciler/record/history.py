"""The history of acts: what was tried, and what became of it.

An act that is deferred round after round, for the same reason, is one line that counts how often.
Lines are told in the order in which they were written, whatever the clock said meanwhile.
"""

import itertools
import operator
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from reconciler.model.keys import JobKey
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.round import PastAct

DAYS = 90

TABLE = """
CREATE TABLE history (
  at TEXT NOT NULL, cluster TEXT NOT NULL, job TEXT NOT NULL, action TEXT NOT NULL,
  reason TEXT NOT NULL, outcome TEXT NOT NULL, message TEXT NOT NULL, revision TEXT NOT NULL,
  times INTEGER NOT NULL
) STRICT
"""
INDEXES = (
    "CREATE INDEX history_of_job ON history (job)",
    "CREATE INDEX history_at ON history (at)",
)

_AGAIN = """
UPDATE history SET at = ?, times = times + 1
WHERE rowid = (SELECT max(rowid) FROM history WHERE job = ?)
AND (action, reason, outcome, message, revision) = (?, ?, ?, ?, ?)
"""
_ADD = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM history WHERE at < ?"

# From job to job through the index, and in each from the end: no other line is read.
_ACTS = """
WITH RECURSIVE jobs (job) AS (
  SELECT min(job) FROM history
  UNION ALL
  SELECT (SELECT min(job) FROM history WHERE job > jobs.job) FROM jobs WHERE jobs.job IS NOT NULL
)
SELECT jobs.job, at, action, reason, outcome, message, revision, times
FROM jobs JOIN history ON history.rowid IN (
  SELECT rowid FROM history WHERE history.job = jobs.job ORDER BY rowid DESC LIMIT ?
)
ORDER BY jobs.job, history.rowid DESC
"""

_TRIES = """
SELECT at, cluster, job, action, reason, outcome, message, revision FROM tries
ORDER BY job, at, rowid
"""


def past(outcome: Outcome, at: datetime, revision: str) -> PastAct:
    """Return an act as history has it."""
    act = outcome.act
    return PastAct(
        at=at,
        action=type(act.action).__name__,
        reason=act.reason.label,
        outcome=type(outcome).__name__,
        message=_message(outcome),
        revision=revision,
    )


def add(db: sqlite3.Connection, key: JobKey, act: PastAct) -> None:
    """Write an act down, as one more time of the job's last one if it was deferred just so."""
    at, job = act.at.isoformat(), str(key)
    told = (act.action, act.reason, act.outcome, act.message, act.revision)
    again = act.outcome == Deferred.__name__ and db.execute(_AGAIN, (at, job, *told)).rowcount
    if not again:
        db.execute(_ADD, (at, key.cluster, job, *told, act.times))


def forget(db: sqlite3.Connection, now: datetime) -> None:
    """Delete what is older than history goes back."""
    db.execute(_FORGET, ((now - timedelta(days=DAYS)).isoformat(),))


def acts(db: sqlite3.Connection, most: int) -> dict[JobKey, tuple[PastAct, ...]]:
    """Return so many of the last acts of each job, newest first."""
    found: dict[JobKey, tuple[PastAct, ...]] = {}
    for job, lines in itertools.groupby(db.execute(_ACTS, (most,)), operator.itemgetter(0)):
        found[JobKey.parse(job)] = tuple(
            PastAct(datetime.fromisoformat(at), *told) for _, at, *told in lines
        )
    return found


def migrate(db: sqlite3.Connection) -> None:
    """Make history of format 1 ours: there each time that an act was tried is a line."""
    db.execute("ALTER TABLE history RENAME TO tries")
    db.execute(TABLE)
    db.executemany(_ADD, _folded(db.execute(_TRIES)))
    db.execute("DROP TABLE tries")
    for statement in INDEXES:
        db.execute(statement)


def _folded(tries: Iterable[tuple[str, ...]]) -> Iterator[tuple[str | int, ...]]:
    """Yield the lines that come of tries, which are in order, one job after the other."""
    for told, run in itertools.groupby(tries, operator.itemgetter(slice(2, None))):
        if told[3] == Deferred.__name__:
            [(times, last)] = deque(enumerate(run, 1), maxlen=1)
            yield (*last, times)
        else:
            for line in run:
                yield (*line, 1)


def _message(outcome: Outcome) -> str:
    match outcome:
        case Applied(message=message) | Refused(message=message):
            return message
        case Deferred(why=why) | Indeterminate(why=why):
            return why
