"""Aurora's crontab dialect: five fields, and less in them than elsewhere (CrontabEntry).

What Aurora refuses at scheduling time is refused here at review time. It stores a schedule that
never fires although it refuses it, so that one is found here, too.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

from reconciler.translate.refused import RefusedError

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
DAYS_MAX = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
EXAMPLE = "0 3 * * *"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    words: tuple[str, ...] = ()

    def all(self) -> frozenset[int]:
        return frozenset(range(self.first, self.last + 1))

    def remedy(self) -> str:
        """Return what may stand in the field."""
        words = f", or names like {self.words[0]}" if self.words else ""
        return f"write numbers within {self.first} to {self.last}{words}, or *"

    def told(self, values: frozenset[int]) -> str:
        """Return the values as every dialect of crontab has them."""
        return "*" if values == self.all() else ",".join(map(str, sorted(values)))


FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, tuple(MONTHS)),
    _Field("day of week", 0, 6, tuple(WEEKDAYS)),
)


class CrontabError(RefusedError):
    """The schedule is not one that Aurora takes; the message says which part and why."""


def parsed(schedule: str) -> tuple[frozenset[int], ...]:
    """Return the values of the five fields; CrontabError when Aurora would not take them."""
    found = tuple(_values(f, text) for f, text in zip(FIELDS, _parts(schedule), strict=True))
    minute, hour, day, month, weekday = found
    if day != FIELDS[2].all() and weekday != FIELDS[4].all():
        message = "day of month and day of week may not both be restricted"
        raise CrontabError(message, "write * for one of them")
    if not any(d <= DAYS_MAX[m - 1] for m in month for d in day):
        message = "no month has such a day: it would never fire"
        raise CrontabError(message, "choose a day that one of the months has")
    return minute, hour, day, month, weekday


def next_runs(schedule: str, zone: str, now: datetime, count: int) -> tuple[datetime, ...]:
    """Return the next runs after `now`, in the zone; CrontabError for what Aurora refuses."""
    # Here `1-31` is `*` and an empty item is nothing; cronsim reads both in another way.
    plain = " ".join(f.told(values) for f, values in zip(FIELDS, parsed(schedule), strict=True))
    runs = CronSim(plain, now.astimezone(ZoneInfo(zone)))
    # In the hour that comes twice it may begin with a run of the first pass.
    return tuple(islice((run for run in runs if run.astimezone(UTC) > now), count))


def _parts(schedule: str) -> list[str]:
    """Return the five fields. Blanks are ASCII to Aurora, and none may stand at either end."""
    parts = re.split(r"[ \t\n\x0b\f\r]+", schedule)
    if schedule.startswith("@"):
        raise CrontabError(f"Aurora has no {parts[0]}", f"write five fields, as in {EXAMPLE}")
    if len(parts) != len(FIELDS) or not all(parts):
        message = "exactly five fields are needed, and no blanks around them"
        raise CrontabError(message, f"write {', '.join(f.name for f in FIELDS)}, as in {EXAMPLE}")
    return parts


def _values(field: _Field, text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in filter(None, text.split(",")):
        found |= _item(field, item)
    if not found:
        raise CrontabError(f"{field.name}: {text!r} names nothing", field.remedy())
    return frozenset(found)


def _item(field: _Field, item: str) -> set[int]:
    span, slash, step_text = item.partition("/")
    step = _number(field, step_text, "step") if slash else 1
    if slash and step < 1:
        message = f"{field.name}: the step of {item!r} must be positive"
        raise CrontabError(message, "write a step of 1 or more")
    if span == "*":
        return set(range(field.first, field.last + 1, step))
    low_text, dash, high_text = span.partition("-")
    low = _within(field, low_text)
    if not dash:
        if slash:
            message = f"{field.name}: {item!r} needs a range before its step"
            raise CrontabError(message, f"write it as in {field.first}-{field.last}/{step}")
        return {low}
    high = _within(field, high_text)
    if low > high:
        message = f"{field.name}: {item!r} runs backwards"
        raise CrontabError(message, "write the lower end first, or two ranges with a comma")
    if slash and step >= high:
        message = f"{field.name}: the step of {item!r} must be less than {high}"
        raise CrontabError(message, "write a smaller step")
    return set(range(low, high + 1, step))


def _within(field: _Field, text: str) -> int:
    if text.upper() in field.words:
        return field.words.index(text.upper()) + field.first
    number = _number(field, text, "value")
    if not field.first <= number <= field.last:
        message = f"{field.name}: {number} is not within {field.first} to {field.last}"
        sunday = field.name == "day of week" and number == 7
        raise CrontabError(message, "write 0 for Sunday" if sunday else field.remedy())
    return number


def _number(field: _Field, text: str, what: str) -> int:
    if re.fullmatch(r"[0-9]{1,9}", text) is None:
        raise CrontabError(f"{field.name}: {text[:40]!r} is no {what}", field.remedy())
    return int(text)
