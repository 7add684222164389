"""Tell whether two answers mean the same, and where they do not.

Two trees are walked together, which is where a recorded id is paired with ours.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from tests.standin.trees import UUID, Time

UUID_BYTES = re.compile(UUID.pattern.encode())

BY_ITSELF = {
    ("ASSIGNED", "STARTING"),
    ("STARTING", "RUNNING"),
    ("KILLING", "KILLED"),
    ("RESTARTING", "KILLED"),
    ("DRAINING", "KILLED"),
    ("RUNNING", "FINISHED"),
    ("RUNNING", "FAILED"),
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two times may be apart that mean the same, in ms and as a part of what they measure.

    `since` is of times counted from the beginning, where small delays have added up; `step` is
    between two states of a task where it comes to the second one by itself; `place` is between any
    others, since an instance may have waited for a host to make its offer.
    """

    since_ms: int = 400
    step_ms: int = 60
    place_ms: int = 400
    since_part: float = 0.1
    step_part: float = 0.05
    place_part: float = 0.1

    def since(self, recorded_ms: int) -> float:
        return self.since_ms + self.since_part * max(recorded_ms, 0)

    def between(self, one: str, other: str, gap_ms: int) -> float:
        """Return how much longer or shorter it may take here from one state to the other."""
        if (one, other) in BY_ITSELF:
            return self.step_ms + self.step_part * gap_ms
        return self.place_ms + self.place_part * gap_ms

    @property
    def apart_ms(self) -> int:
        """Things that happened to two instances in this distance keep their order."""
        return self.place_ms + 100


USUAL = Tolerance()


@dataclass(slots=True)
class Ids:
    """Which of our ids stands for which recorded one."""

    pairs: dict[str, str] = field(default_factory=dict)

    def ours(self, request: bytes) -> bytes:
        """Return a recorded request with our ids in it."""
        return UUID_BYTES.sub(lambda m: self._pair(m[0]), request)

    def _pair(self, recorded: bytes) -> bytes:
        return self.pairs.get(recorded.decode(), recorded.decode()).encode()

    def copy(self) -> "Ids":
        return Ids(dict(self.pairs))

    def same(self, recorded: str, ours: str) -> bool:
        """Tell whether two texts are equal but for ids, and pair those met for the first time."""
        if UUID.sub("*", recorded) != UUID.sub("*", ours):
            return False
        known = dict(self.pairs)
        for theirs, mine in zip(UUID.findall(recorded), UUID.findall(ours), strict=True):
            if known.setdefault(theirs, mine) != mine:
                return False
        if len(set(known.values())) != len(known):
            return False
        self.pairs = known
        return True


def differences(
    recorded: Any, ours: Any, ids: Ids, t0_ms: int, tolerance: Tolerance = USUAL
) -> tuple[str, ...]:
    """Return what differs, one line each; pairs ids where they are first met.

    `t0_ms` is when the conversation began, here and there.
    """
    found = tuple(_Walk(ids, t0_ms, tolerance).compare("", recorded, ours))
    culprits = _culprit(recorded), _culprit(ours)
    if not found or None in culprits or culprits[0] == culprits[1]:
        return found
    # Of instances that failed together, an arbitrary one is told.
    tried = ids.copy()
    swapped = _swapped(ours, dict((culprits, culprits[::-1])))
    if any(_Walk(tried, t0_ms, tolerance).compare("", recorded, swapped)):
        return found
    ids.pairs = tried.pairs
    return ()


_CULPRIT = re.compile(r"Latest failure: instance (\d+) exited\.")


def _culprit(tree: Any) -> str | None:
    """Return the instance whose failure ended an update, if the answer is about just one."""
    found = set(_CULPRIT.findall(json.dumps(tree, default=str)))
    return found.pop() if len(found) == 1 else None


def _swapped(tree: Any, names: Mapping[Any, Any]) -> Any:
    """Return the tree with two instances in each other's place in what befell them."""
    if isinstance(tree, list):
        return type(tree)(_swapped(item, names) for item in tree)
    if isinstance(tree, dict):
        return {name: _swapped_field(name, value, names) for name, value in tree.items()}
    return tree


def _swapped_field(name: str, value: Any, names: Mapping[Any, Any]) -> Any:
    if name == "instanceEvents":
        turned = {names.get(i, i): events for i, events in value.items()}
        return {
            i: [{**event, "instanceId": int(i)} for event in events]
            for i, events in sorted(turned.items())
        }
    if name == "message" and (found := _CULPRIT.fullmatch(value)):
        return value.replace(found[1], names.get(found[1], found[1]))
    return _swapped(value, names)


@dataclass(frozen=True, slots=True)
class _Walk:
    ids: Ids
    t0_ms: int
    tolerance: Tolerance

    def compare(self, path: str, recorded: Any, ours: Any) -> Iterator[str]:
        if isinstance(recorded, dict) and isinstance(ours, dict):
            yield from self._fields(path, recorded, ours)
        elif isinstance(recorded, list) and isinstance(ours, list):
            yield from self._items(path, recorded, ours)
        elif isinstance(recorded, Time) and isinstance(ours, Time):
            since = recorded - self.t0_ms
            if abs(recorded - ours) > self.tolerance.since(since):
                yield f"{path}: {since} ms after the beginning recorded, ours {ours - self.t0_ms}"
        elif isinstance(recorded, str) and isinstance(ours, str):
            if not self.ids.same(recorded, ours):
                yield _line(path, recorded, ours)
        elif type(recorded) is not type(ours) or recorded != ours:
            yield _line(path, recorded, ours)

    def _fields(self, path: str, recorded: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
        for name in sorted(recorded.keys() | ours.keys()):
            where = f"{path}.{name}" if path else name
            if name not in ours:
                yield f"{where}: {_short(recorded[name])} recorded, ours has none"
            elif name not in recorded:
                yield f"{where}: none recorded, ours {_short(ours[name])}"
            else:
                yield from self.compare(where, recorded[name], ours[name])
                if name == "instanceEvents":
                    yield from self._order(where, recorded[name], ours[name])

    def _items(self, path: str, recorded: list[Any], ours: list[Any]) -> Iterator[str]:
        theirs, mine = _sequence(recorded), _sequence(ours)
        if theirs != mine:
            yield _line(path, " ".join(theirs), " ".join(mine))
            return
        for index, (one, other) in enumerate(zip(recorded, ours, strict=True)):
            yield from self.compare(f"{path}[{index}]", one, other)
        yield from self._gaps(path, recorded, ours)

    def _gaps(self, path: str, recorded: list[Any], ours: list[Any]) -> Iterator[str]:
        theirs, mine = _times(recorded), _times(ours)
        for index in range(1, min(len(theirs), len(mine))):
            one, other = (str(recorded[i].get("status")) for i in (index - 1, index))
            # How long a task is throttled is drawn.
            if one == "THROTTLED":
                continue
            gap, our_gap = theirs[index] - theirs[index - 1], mine[index] - mine[index - 1]
            if abs(gap - our_gap) > self.tolerance.between(one, other, gap):
                yield f"{path}[{index}]: {gap} ms after the one before recorded, ours {our_gap}"

    def _order(
        self, path: str, recorded: dict[str, list[Any]], ours: dict[str, list[Any]]
    ) -> Iterator[str]:
        """Return where what befell one instance well before another befell it after it here."""
        theirs, mine = _by_instance(recorded), _by_instance(ours)
        if theirs.keys() != mine.keys():
            return
        apart_ms = self.tolerance.apart_ms
        for one, other in permutations(theirs, 2):
            if theirs[one] + apart_ms < theirs[other] and mine[one] > mine[other]:
                yield f"{path}: {one} before {other} recorded, ours the other way round"


def _sequence(items: list[Any]) -> list[str]:
    """Return the states that a list of events goes through; of other things, only how many."""
    states = [
        str(item.get("status") or item.get("action")) if isinstance(item, dict) else "None"
        for item in items
    ]
    return states if "None" not in states else [f"({len(items)})"]


def _by_instance(events: dict[str, list[Any]]) -> dict[str, int]:
    return {
        f"{event.get('action')} of {instance}": int(event.get("timestampMs", 0))
        for instance, those in events.items()
        for event in those
    }


def _times(items: list[Any]) -> list[int]:
    if not all(isinstance(item, dict) for item in items):
        return []
    times = [item.get("timestamp", item.get("timestampMs")) for item in items]
    found = [int(time) for time in times if isinstance(time, Time)]
    return found if len(found) == len(items) else []


def _line(path: str, recorded: Any, ours: Any) -> str:
    return f"{path}: {_short(recorded)} recorded, ours {_short(ours)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 300 else f"{text[:300]}..."
