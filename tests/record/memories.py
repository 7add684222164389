"""Hypothesis strategies for everything that is remembered."""

from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from reconciler.model.keys import JobKey
from reconciler.model.memory import (
    Absence,
    Deed,
    Intent,
    Limits,
    Memory,
    Owned,
    Quarantine,
    Spent,
)
from reconciler.model.plan import Reason
from reconciler.model.policy import Guard, OnRemove, Prune
from reconciler.model.problem import Origin
from reconciler.model.round import JobStatus
from reconciler.model.update import LiveUpdate, UpdateEvent, UpdateStatus

CLUSTER = "dev"

words = st.text(max_size=12)
times = st.datetimes(timezones=st.just(UTC))
parts = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)
keys = st.builds(JobKey, st.just(CLUSTER), parts, parts, parts)
millis = st.integers(0, 2**53)
shares = st.floats(0, 1)
counts = st.integers(0, 10_000)

events = st.builds(
    UpdateEvent, st.sampled_from(UpdateStatus), millis, st.none() | words, st.none() | words
)
updates = st.builds(
    LiveUpdate,
    words,
    words,
    st.sampled_from(UpdateStatus),
    millis,
    millis,
    st.dictionaries(words, words, max_size=3),
    st.none() | st.lists(events, max_size=3).map(tuple),
)
guards = st.builds(Guard, counts, shares, shares, counts, shares, counts, shares)
limits = st.builds(Limits, words, guards, guards, st.sampled_from(Prune), st.sampled_from(Prune))
spents = st.builds(Spent, times, words, keys, st.sampled_from(Deed))


def _moment(spent: Spent) -> tuple[Any, JobKey, str]:
    return spent.at, spent.key, spent.deed.value


def by_key(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[JobKey, Any]]:
    return st.dictionaries(keys, values, max_size=3)


def memories(installation: str = "i") -> st.SearchStrategy[Memory]:
    """Any memory of a cluster in which a round has ended; what was spent is in order."""
    return st.builds(
        Memory,
        installation=st.just(installation),
        fresh=st.just(False),
        owned=by_key(st.builds(Owned, words, times, words, words, st.sampled_from(OnRemove))),
        quarantined=by_key(st.builds(Quarantine, words, words, times)),
        absences=by_key(st.builds(Absence, times, words)),
        spent=st.lists(spents, max_size=3, unique_by=_moment).map(
            lambda found: tuple(sorted(found, key=_moment))
        ),
        intents=by_key(st.builds(Intent, words, words, words, times)),
        limits=st.dictionaries(words, limits, max_size=2),
        retried=by_key(words),
        running_jobs=st.none() | counts,
        ended=by_key(updates),
        watermark_ms=millis,
        newest=words,
    )


statuses = st.builds(
    JobStatus,
    keys,
    words,
    st.sampled_from(Reason),
    words,
    words,
    st.none() | times,
    st.none() | words,
    st.none() | st.builds(Origin, words, counts, counts),
)
