"""What differs, field by field, between two configs already known to differ.

Equality is decided by `CanonicalTask.satisfied_by`; deepdiff only explains, since it costs a
thousand times as much as a comparison and its notion of equality is not Aurora's.
"""

import json
from collections.abc import Iterator

from reconciler.model.plan import FieldChange
from reconciler.model.task import CanonicalTask


def changes(live: CanonicalTask, desired: CanonicalTask) -> tuple[FieldChange, ...]:
    """Return the fields that differ, sorted by path; empty exactly when `live` satisfies."""
    if desired.satisfied_by(live):
        return ()
    found = [*_of_values(live, desired), *_of_marks(live, desired)]
    return tuple(sorted(found, key=lambda change: change.path))


def one(path: str, live: object, desired: object) -> tuple[FieldChange, ...]:
    """Return the change of one plain field, or nothing when it is equal."""
    return () if live == desired else (FieldChange(path, _json(live), _json(desired)),)


def _of_values(live: CanonicalTask, desired: CanonicalTask) -> Iterator[FieldChange]:
    if live.text == desired.text:
        return
    from deepdiff import DeepDiff  # 125 ms to import, and most rounds have nothing to explain

    found = DeepDiff(live.value(), desired.value(), view="tree", ignore_order=False)
    for report in found.values():
        for level in report:
            yield FieldChange(
                _path(level.path(output_format="list")), _side(level.t1), _side(level.t2)
            )


def _of_marks(live: CanonicalTask, desired: CanonicalTask) -> Iterator[FieldChange]:
    there = dict(live.marks)
    for key, value in desired.marks:
        if there.get(key, value) != value:
            yield FieldChange(f"metadata.{key}", _json(there[key]), _json(value))


def _side(value: object) -> str | None:
    # deepdiff's own marker for "not there" has no public name that mypy can see.
    return None if type(value).__name__ == "NotPresent" else _json(value)


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _path(parts: list[object]) -> str:
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif isinstance(part, str) and part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{part}]"
    return text
