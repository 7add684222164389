"""A memory as rows, and back: what changed between two memories is what one transaction writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from reconciler.model.keys import JobKey
from reconciler.model.memory import Absence, Intent, Limits, Memory, Owned, Quarantine, Spent
from reconciler.model.update import LiveUpdate

# Kind of row → field of Memory, and the type of its values. Names are job keys but for `limits`.
BY_KEY: Mapping[str, Any] = {
    "owned": Owned,
    "quarantined": Quarantine,
    "absences": Absence,
    "intents": Intent,
    "retried": str,
    "ended": LiveUpdate,
}
LIMITS, SPENT, CLUSTER = "limits", "spent", "cluster"


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """What is remembered of a cluster as a whole; its presence says that a round has ended."""

    watermark_ms: int
    running_jobs: int | None
    newest: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One row to write, or to delete when `value` is None."""

    kind: str
    name: str
    value: bytes | None


def changes(before: Memory, after: Memory, of: JobKey | None = None) -> Iterator[Change]:
    """Yield what must be written so that `after` is remembered where `before` was.

    `of` names the one job whose rows can differ. Thousands of acts in a round change one job each:
    to compare all the others for every one of them takes longer than the acts.
    """
    for kind in BY_KEY:
        earlier, later = getattr(before, kind), getattr(after, kind)
        if of is not None:
            earlier, later = _only(earlier, of), _only(later, of)
        yield from _mapped(kind, earlier, later)
    yield from _mapped(LIMITS, before.limits, after.limits)
    yield from _spent_since(before.spent, after.spent)
    row = _cluster_row(after)
    if not after.fresh and (before.fresh or row != _cluster_row(before)):
        yield Change(CLUSTER, "", msgspec.json.encode(row))


def memory(installation: str, rows: Mapping[tuple[str, str], bytes]) -> Memory:
    """Return what the rows remember; msgspec.MsgspecError or ValueError for what is no row."""
    told: dict[str, Any] = {kind: {} for kind in (*BY_KEY, LIMITS)}
    spent = []
    row: ClusterRow | None = None
    for (kind, name), value in rows.items():
        if kind in BY_KEY:
            told[kind][JobKey.parse(name)] = msgspec.json.decode(value, type=BY_KEY[kind])
        elif kind == LIMITS:
            told[LIMITS][name] = msgspec.json.decode(value, type=Limits)
        elif kind == SPENT:
            spent.append(msgspec.json.decode(value, type=Spent))
        elif kind == CLUSTER:
            row = msgspec.json.decode(value, type=ClusterRow)
    return Memory(
        installation=installation,
        fresh=row is None,
        spent=tuple(sorted(spent, key=lambda s: (s.at, s.key, s.deed.value))),
        running_jobs=row.running_jobs if row is not None else None,
        watermark_ms=row.watermark_ms if row is not None else 0,
        newest=row.newest if row is not None else "",
        **told,
    )


def _cluster_row(told: Memory) -> ClusterRow:
    return ClusterRow(told.watermark_ms, told.running_jobs, told.newest)


def _mapped(kind: str, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[Change]:
    if before is after:
        return
    for name, value in after.items():
        known = before.get(name)
        if known is not value and known != value:
            yield Change(kind, str(name), msgspec.json.encode(value))
    for name in before.keys() - after.keys():
        yield Change(kind, str(name), None)


def _only(told: Mapping[JobKey, Any], key: JobKey) -> dict[JobKey, Any]:
    return {key: told[key]} if key in told else {}


def _spent_since(before: tuple[Spent, ...], after: tuple[Spent, ...]) -> Iterator[Change]:
    """Yield the rows of what was spent or given back. As a rule that is added at the end."""
    if after[: len(before)] == before:
        added = _spent(after[len(before) :])
        yield from (Change(SPENT, name, msgspec.json.encode(s)) for name, s in added.items())
    else:
        yield from _mapped(SPENT, _spent(before), _spent(after))


def _spent(spent: tuple[Spent, ...]) -> dict[str, Spent]:
    return {f"{s.at.isoformat()} {s.key} {s.deed.value}": s for s in spent}


assert {f.name for f in fields(Memory)} == {
    *BY_KEY,
    "installation",
    "fresh",
    "limits",
    "spent",
    "running_jobs",
    "watermark_ms",
    "newest",
}, "a field of Memory that no row remembers"
