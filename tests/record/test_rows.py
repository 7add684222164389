"""Rows and back: nothing that is remembered changes by being written down."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings

from reconciler.model.memory import Deed, Memory, Spent
from reconciler.model.round import JobStatus
from reconciler.record import conditions, rows
from tests.record.memories import memories, statuses
from tests.support.builders import NOW, a_key, owning

EMPTY = Memory("i", fresh=True)


def stored(before: dict[tuple[str, str], bytes], changes: Any) -> dict[tuple[str, str], bytes]:
    found = dict(before)
    for change in changes:
        if change.value is None:
            del found[(change.kind, change.name)]
        else:
            found[(change.kind, change.name)] = change.value
    return found


@settings(max_examples=50, deadline=None)
@given(memories())
def test_memory_is_the_same_after_a_restart(memory: Memory) -> None:
    assert rows.memory("i", stored({}, rows.changes(EMPTY, memory))) == memory


@settings(max_examples=50, deadline=None)
@given(memories(), memories())
def test_changes_lead_from_any_memory_to_any_other(before: Memory, after: Memory) -> None:
    told = stored({}, rows.changes(EMPTY, before))
    assert rows.memory("i", stored(told, rows.changes(before, after))) == after


@settings(max_examples=50, deadline=None)
@given(memories())
def test_what_did_not_change_is_not_written(memory: Memory) -> None:
    assert list(rows.changes(memory, memory)) == []
    copy = rows.memory("i", stored({}, rows.changes(EMPTY, memory)))
    assert list(rows.changes(memory, copy)) == []


@settings(max_examples=50, deadline=None)
@given(memories())
def test_memory_before_the_first_round_has_ended_stays_fresh(memory: Memory) -> None:
    early = replace(memory, fresh=True, running_jobs=None, watermark_ms=0, newest="")
    assert rows.memory("i", stored({}, rows.changes(EMPTY, early))) == early


def test_row_of_a_cluster_from_before_revisions_were_kept_is_read() -> None:
    told = rows.memory("i", {("cluster", ""): b'{"watermark_ms":7,"running_jobs":2}'})
    assert told == Memory("i", running_jobs=2, watermark_ms=7)


def test_one_change_writes_one_row() -> None:
    before = owning(a_key("a"), a_key("b"))
    after = replace(before, owned={a_key("a"): before.owned[a_key("a")]})
    (change,) = rows.changes(before, after)
    assert (change.kind, change.name, change.value) == ("owned", "dev/shop/prod/b", None)


class Unwalked(dict[Any, Any]):
    """A mapping in which things are looked up, and nothing else."""

    def _refuse(self) -> Any:
        raise AssertionError("it was gone through")

    items = keys = values = __iter__ = _refuse


def test_rows_of_one_job_are_found_without_looking_at_the_others() -> None:
    before, other = owning(a_key("a"), a_key("b")), owning(a_key("c"))
    after = replace(
        before,
        owned=Unwalked({**before.owned, **other.owned}),
        intents=Unwalked(),
        quarantined=Unwalked(),
    )
    before = replace(before, owned=Unwalked(before.owned), intents=Unwalked())
    (change,) = rows.changes(before, after, of=a_key("c"))
    assert (change.kind, change.name) == ("owned", "dev/shop/prod/c")
    (change,) = rows.changes(after, before, of=a_key("c"))
    assert (change.kind, change.name, change.value) == ("owned", "dev/shop/prod/c", None)


SPENDING: dict[str, tuple[str, str]] = {
    "nothing": ("abc", "abc"),
    "one more": ("ab", "abc"),
    "one given back": ("abc", "ac"),
    "the last given back": ("abc", "ab"),
    "one for another": ("abc", "abd"),
    "all forgotten": ("abc", ""),
    "the same twice": ("ab", "aba"),
}


@pytest.mark.parametrize(("before", "after"), SPENDING.values(), ids=SPENDING)
def test_what_was_spent_is_told_again_after_a_restart(before: str, after: str) -> None:
    each = {name: Spent(NOW, "shop", a_key(name), Deed.KILL) for name in "abcd"}
    earlier, later = (
        Memory("i", spent=tuple(each[name] for name in told)) for told in (before, after)
    )
    told = stored(stored({}, rows.changes(EMPTY, earlier)), rows.changes(earlier, later))
    assert rows.memory("i", told).spent == tuple(each[name] for name in sorted(set(after)))


def test_every_field_of_the_memory_has_a_place() -> None:
    """The strategy above would otherwise leave a new field at its default, and prove nothing."""
    told = {"installation", "fresh", "owned", "quarantined", "absences", "spent", "intents"}
    told |= {"limits", "retried", "running_jobs", "ended", "watermark_ms", "newest"}
    assert {f.name for f in fields(Memory)} == told


BROKEN: dict[str, tuple[tuple[str, str], bytes]] = {
    "no JSON": (("owned", "dev/a/b/c"), b"{"),
    "another type": (("owned", "dev/a/b/c"), b"[]"),
    "a field missing": (("owned", "dev/a/b/c"), b"{}"),
    "no job key": (("owned", "web"), b"{}"),
    "no text": (("intents", "dev/a/b/c"), b"\xff"),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_row_that_cannot_be_read_is_not_left_out(case: Any) -> None:
    name, value = case
    with pytest.raises(ValueError, match=r".+"):
        rows.memory("i", {name: value})


@settings(max_examples=50, deadline=None)
@given(statuses)
def test_condition_is_the_same_after_a_restart(job: JobStatus) -> None:
    assert conditions.decode(conditions.encode(job)) == job


def test_condition_of_a_reason_that_nobody_knows_is_no_row() -> None:
    with pytest.raises(ValueError, match="unknown reason"):
        conditions.decode(
            b'{"key":"dev/a/b/c","project":"","reason":"Cosmic","detail":"","release":"",'
            b'"since":null,"revision":null,"origin":null}'
        )
