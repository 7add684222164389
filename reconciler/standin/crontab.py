"""Cron schedules as Aurora reads them: crontab(5) with less in it, at second 0."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from reconciler.standin.refusal import Refusal
from reconciler.thrift.structs import ResponseCode

MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, 1)}
WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
WEEKDAYS = {name: number for number, name in enumerate(WEEKDAY_NAMES)}


@dataclass(frozen=True, slots=True)
class Field:
    """One of the five fields; `last` belongs to it."""

    first: int
    last: int
    names: Mapping[str, int]

    @property
    def whole(self) -> frozenset[int]:
        return frozenset(range(self.first, self.last + 1))


# Seven is not Sunday here.
FIELDS = (
    Field(0, 59, {}),
    Field(0, 23, {}),
    Field(1, 31, {}),
    Field(1, 12, MONTHS),
    Field(0, 6, WEEKDAYS),
)
DAY_OF_MONTH, DAY_OF_WEEK = 2, 4

_ITEM = re.compile(r"(?P<any>\*)|(?P<lower>\d+)(-(?P<upper>\d+))?", re.ASCII)
_STEPPED = re.compile(r"(\*|\d+-\d+)/(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Crontab:
    """When a cron job runs: its minutes, hours, days, months and weekdays, which must all fit."""

    fields: tuple[frozenset[int], ...]

    @classmethod
    def parse(cls, text: str) -> "Crontab":
        """Return the schedule; Refusal, in Aurora's words, if it does not take it."""
        if not text:
            raise Refusal("Job has an empty cron schedule.")
        try:
            return cls(_parsed(text))
        except ValueError:
            raise Refusal(f"Invalid cron schedule: {text}") from None

    def next_after(self, now_ms: int, zone: str = "GMT") -> int | None:
        """Return the first time strictly after now; None if there is never one."""
        shown = " ".join(map(_shown, self.fields, FIELDS))
        try:
            runs = CronSim(shown, datetime.fromtimestamp(now_ms // 1000, ZoneInfo(zone)))
        except CronSimError:
            # No month of these has such a day.
            return None
        # In the hour that a zone has twice it may begin with a run that was.
        coming = (ms for run in runs if (ms := int(run.timestamp()) * 1000) > now_ms)
        return next(coming, None)


def _parsed(text: str) -> tuple[frozenset[int], ...]:
    parts = re.fullmatch(r"(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", text, re.ASCII)
    if parts is None:
        raise ValueError(text)
    found = tuple(map(_values, parts.groups(), FIELDS))
    if not all(found):
        # Commas and nothing else: Aurora trips over the empty set.
        raise Refusal(None, ResponseCode.ERROR)
    whole = [FIELDS[i].whole == found[i] for i in (DAY_OF_MONTH, DAY_OF_WEEK)]
    if not any(whole):
        raise ValueError("both days are restricted")
    return found


def _values(part: str, field: Field) -> frozenset[int]:
    items = filter(None, part.split(","))
    return frozenset(value for item in items for value in _item_values(item, field))


def _item_values(item: str, field: Field) -> Iterator[int]:
    """Return what one item of a list stands for; ValueError if it is none."""
    item = item.upper() if field.names else item
    for name, number in field.names.items():
        item = item.replace(name, str(number))
    stepped = _STEPPED.fullmatch(item)
    lower, upper = _bounds(stepped[1] if stepped else item, field)
    step = int(stepped[2]) if stepped else 1
    # Of a step in a range Aurora wants that it is smaller than where the range ends.
    if step < 1 or (stepped and stepped[1] != "*" and step >= upper):
        raise ValueError(item)
    yield from range(lower, upper + 1, step)


def _bounds(item: str, field: Field) -> tuple[int, int]:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise ValueError(item)
    if found["any"]:
        return field.first, field.last
    lower = int(found["lower"])
    upper = int(found["upper"] or lower)
    if not field.first <= lower <= upper <= field.last:
        raise ValueError(item)
    return lower, upper


def _shown(values: frozenset[int], field: Field) -> str:
    return "*" if values == field.whole else ",".join(map(str, sorted(values)))
