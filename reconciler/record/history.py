"""The history of acts: what was tried, and what became of it.

An act that is deferred round after round, for the same reason, is one line that counts how often.
Lines are told in the order in which they were written, whatever the clock said meanwhile.
"""

import itertools
import operator
import sqlite3
from datetime import datetime, timedelta

from reconciler.model.keys import JobKey
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.round import PastAct

DAYS = 90

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

_LINES = """
SELECT rowid, job, action, reason, outcome, message, revision FROM history ORDER BY job, rowid
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


def fold(db: sqlite3.Connection) -> None:
    """Make one line of those that earlier versions wrote one after the other."""
    lines = db.execute(_LINES).fetchall()
    for told, run in itertools.groupby(lines, operator.itemgetter(slice(1, None))):
        *others, last = (rowid for rowid, *_ in run)
        if others and told[3] == Deferred.__name__:
            db.execute("UPDATE history SET times = ? WHERE rowid = ?", (1 + len(others), last))
            db.executemany("DELETE FROM history WHERE rowid = ?", ((rowid,) for rowid in others))


def _message(outcome: Outcome) -> str:
    match outcome:
        case Applied(message=message) | Refused(message=message):
            return message
        case Deferred(why=why) | Indeterminate(why=why):
            return why
