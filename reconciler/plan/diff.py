"""What differs, field by field, between two configs already known to differ.

Equality is decided by `CanonicalTask.satisfied_by`; deepdiff only explains, since it costs a
thousand times as much as a comparison and its notion of equality is not Aurora's.

A change is told in its author's words first: what is live is read back as the document that it
would have come from. Fields of Aurora's config follow for what is different even then.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from reconciler.model.plan import FieldChange
from reconciler.model.policy import Platform, Project
from reconciler.model.rendered import RenderedJob
from reconciler.model.task import CanonicalTask
from reconciler.translate import authored
from reconciler.translate.mediator import config

# So many differences are kept in mind; each is some hundred bytes beside the two configs.
EXPLAINED_MAX = 1024


@lru_cache(maxsize=EXPLAINED_MAX)
def changes(live: CanonicalTask, desired: CanonicalTask) -> tuple[FieldChange, ...]:
    """Return the fields that differ, sorted by path; empty exactly when `live` satisfies.

    What a person must release differs in the same way round after round: it is explained once.
    """
    if desired.satisfied_by(live):
        return ()
    found = [*_of_values(live, desired), *_of_marks(live, desired)]
    return tuple(sorted(found, key=lambda change: change.path))


def explained(
    live: CanonicalTask, wanted: RenderedJob, platform: Platform, project: Project
) -> tuple[FieldChange, ...]:
    """Return the same in the author's words, as far as these explain it; empty just as often."""
    raw = changes(live, wanted.config.task)
    if not raw:
        return ()
    spoken = authored.of_live(live, wanted.desired, platform)
    again = config(spoken, project, platform)
    left = raw if again is None else changes(live, again.task)
    if len(left) >= len(raw):
        return raw
    words = authored.told(spoken.spec, wanted.desired.spec)
    return (*(change for t in words for change in one(t.path, t.live, t.desired)), *left)


def one(path: str, live: object, desired: object) -> tuple[FieldChange, ...]:
    """Return the change of one field of the document, or nothing when it is equal."""
    told = FieldChange(path, _json(live), _json(desired), authored=True)
    return () if live == desired else (told,)


def _of_values(live: CanonicalTask, desired: CanonicalTask) -> Iterator[FieldChange]:
    if live.text == desired.text:
        return
    from deepdiff import DeepDiff  # 125 ms to import, and most rounds have nothing to explain

    there, wanted = _apart(live.value(), desired.value())
    # Mappings with little in common are told field by field all the same.
    found = DeepDiff(there, wanted, view="tree", threshold_to_diff_deeper=0)
    for report in found.values():
        for level in report:
            yield FieldChange(
                dotted(level.path(output_format="list")), _side(level.t1), _side(level.t2)
            )


def _apart(live: Any, desired: Any) -> tuple[Any, Any]:
    """Return both without the members of mappings in which they agree: deepdiff spends as much on
    these as on the others. Compared as text, since to Python 1 is 1.0 and True."""
    if not (isinstance(live, dict) and isinstance(desired, dict)):
        return live, desired
    both = {
        key: _apart(live[key], desired[key])
        for key in live.keys() & desired.keys()
        if _json(live[key]) != _json(desired[key])
    }
    there = {k: v for k, v in live.items() if k not in desired}
    wanted = {k: v for k, v in desired.items() if k not in live}
    return (
        there | {key: pair[0] for key, pair in both.items()},
        wanted | {key: pair[1] for key, pair in both.items()},
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


def dotted(parts: list[object]) -> str:
    """Return the path of a field as people write it: `executor.data.task.processes[0].name`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif isinstance(part, str) and part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{part}]"
    return text
