"""One field's change in one line: old → new, and of long values only what differs.

A command line of 400 characters in which a version changed must show the version.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from reconciler.model.plan import FieldChange
from reconciler.report.escape import escaped

NOTHING = "(none)"
ARROW = "→"
CUT = "…"
# Up to this length both sides are shown whole.
WHOLE = 60
CONTEXT = 24
# Beyond so many words the common start and end are taken off, and nothing finer is looked for.
WORDS_MAX = 600
# A word: letters, digits and what joins them in versions, names and paths; else one character.
WORD = re.compile(r"[\w.+-]+|\s+|.", re.DOTALL)


def difference(change: FieldChange) -> str:
    """Return `old → new`, or the common text with each `{old → new}` in its place."""
    old, new = (_value(side, change.authored) for side in (change.live, change.desired))
    spans = _within(old, new)
    return "".join(_inline(spans)) if spans else _whole(old, new)


def bare(change: FieldChange) -> str:
    """Return the same without the common text: what several jobs share need not stand alike."""
    old, new = (_value(side, change.authored) for side in (change.live, change.desired))
    spans = _within(old, new)
    if not spans:
        return _whole(old, new)
    return f" {CUT} ".join(_braced(s.old, s.new).strip() for s in spans if not s.same)


def essence(change: FieldChange) -> tuple[str, bool, str, str]:
    """Return what two changes must have in common to be the same change of two jobs."""
    return change.path, change.authored, bare(change), change.instances


def _whole(old: str | None, new: str | None) -> str:
    return f"{_alone(old)} {ARROW} {_alone(new)}"


def _within(old: str | None, new: str | None) -> list["_Span"]:
    """Return the stretches of two long texts that have much in common; else nothing."""
    if old is None or new is None or old == new or len(old) + len(new) <= WHOLE:
        return []
    spans = _spans(WORD.findall(old), WORD.findall(new))
    common = sum(len(span.old) for span in spans if span.same)
    return spans if 2 * common >= max(len(old), len(new)) else []


def shortened(text: str, length: int = 2 * WHOLE) -> str:
    """Return the text, with its middle cut out when it is longer than `length`."""
    if len(text) <= length:
        return text
    half = (length - len(CUT)) // 2
    return text[:half] + CUT + text[-half:]


def _value(text: str | None, authored: bool) -> str | None:
    """Return the visible form of a JSON text; a string keeps quotes, so that "4" is not 4.

    In an author's words there are none: there, a field is text or it is not, and everybody knows.
    """
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return escaped(text)
    if authored and isinstance(value, list) and not any(isinstance(v, dict) for v in value):
        return escaped(", ".join(map(str, value)))
    if isinstance(value, str):
        plain = authored and value.strip() == value and value not in ("", NOTHING)
        return escaped(value) if plain else f'"{escaped(value)}"'
    return escaped(json.dumps(value, ensure_ascii=False, sort_keys=True))


def _alone(text: str | None) -> str:
    return NOTHING if text is None else shortened(text)


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of two texts: common to both, or different."""

    same: bool
    old: str
    new: str


def _spans(a: list[str], b: list[str]) -> list[_Span]:
    if len(a) <= WORDS_MAX and len(b) <= WORDS_MAX:
        codes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        return [
            _Span(tag == "equal", "".join(a[i1:i2]), "".join(b[j1:j2]))
            for tag, i1, i2, j1, j2 in codes
        ]
    start = _common(a, b)
    end = _common(a[start:][::-1], b[start:][::-1])
    i, j = len(a) - end, len(b) - end
    head, tail = "".join(a[:start]), "".join(a[i:])
    return [
        _Span(True, head, head),
        _Span(False, "".join(a[start:i]), "".join(b[start:j])),
        _Span(True, tail, tail),
    ]


def _common(a: list[str], b: list[str]) -> int:
    """Return how many words both begin with."""
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count


def _inline(spans: list[_Span]) -> Iterator[str]:
    for index, span in enumerate(spans):
        if not span.same:
            yield _braced(span.old, span.new)
        elif index == 0:
            yield _end(span.old)
        elif index == len(spans) - 1:
            yield _start(span.old)
        else:
            both = f"{_start(span.old).rstrip(CUT)}{CUT}{_end(span.old).lstrip(CUT)}"
            yield span.old if len(span.old) <= 2 * CONTEXT else both


def _braced(old: str, new: str) -> str:
    """Return `{old → new}` with the space around it outside, unless space is what differs."""
    if old.strip() == new.strip():
        return f"{{'{shortened(old)}' {ARROW} '{shortened(new)}'}}"
    longer = max(old, new, key=len)
    before = longer[: len(longer) - len(longer.lstrip())]
    after = longer[len(longer.rstrip()) :]
    told = [shortened(side.strip()) or NOTHING for side in (old, new)]
    return f"{before}{{{told[0]} {ARROW} {told[1]}}}{after}"


def _start(text: str) -> str:
    """Return the whole words next to a difference that comes before."""
    if len(text) <= CONTEXT:
        return text
    head, _, _ = text[:CONTEXT].rpartition(" ")
    return f"{head} {CUT}" if head else text[:CONTEXT] + CUT


def _end(text: str) -> str:
    """Return the whole words next to a difference that comes after."""
    if len(text) <= CONTEXT:
        return text
    _, _, tail = text[-CONTEXT:].partition(" ")
    return f"{CUT} {tail}" if tail else CUT + text[-CONTEXT:]
