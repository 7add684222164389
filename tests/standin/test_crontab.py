from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.standin.crontab import Crontab
from reconciler.standin.refusal import Refusal
from reconciler.thrift.calls import decode_call, decode_reply
from reconciler.thrift.structs import ResponseCode
from tests.support.recordings import NAMES, rpcs


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(when_ms: int | None) -> str | None:
    return None if when_ms is None else f"{datetime.fromtimestamp(when_ms / 1000, UTC):%F %T}"


# From a Tuesday.
NOW = at("2026-11-24T10:15:30.500")

NEXT = {
    "every minute": ("* * * * *", "2026-11-24 10:16:00"),
    "at three": ("0 3 * * *", "2026-11-25 03:00:00"),
    "every twenty minutes": ("*/20 * * * *", "2026-11-24 10:20:00"),
    "steps within a range": ("10-40/15 * * * *", "2026-11-24 10:25:00"),
    "a list with an empty item": ("5,,50 * * * *", "2026-11-24 10:50:00"),
    "the first": ("0 0 1 * *", "2026-12-01 00:00:00"),
    "Sunday": ("0 0 * * 0", "2026-11-29 00:00:00"),
    "names in any case": ("0 0 * feb mon-WED", "2027-02-01 00:00:00"),
    "all days of the month count as any": ("0 0 1-31 * 5", "2026-11-27 00:00:00"),
    "all weekdays count as any": ("0 0 2 * 0-6", "2026-12-02 00:00:00"),
    "a leap day": ("0 0 29 2 *", "2028-02-29 00:00:00"),
    "a step that leaves the first only": ("*/90 * * * *", "2026-11-24 11:00:00"),
    "tabs between": ("0\t3 \t* * *", "2026-11-25 03:00:00"),
    "a day that no such month has": ("0 3 31 2 *", None),
    "thirty-first of short months": ("0 0 31 4,6 *", None),
}


@pytest.mark.parametrize("name", NEXT)
def test_a_schedule_fires_next(name: str) -> None:
    schedule, want = NEXT[name]
    assert shown(Crontab.parse(schedule).next_after(NOW)) == want


def test_next_is_strictly_after() -> None:
    crontab = Crontab.parse("15 10 * * *")
    minute = at("2026-11-24T10:15:00")
    assert shown(crontab.next_after(minute)) == "2026-11-25 10:15:00"
    assert shown(crontab.next_after(minute - 1)) == "2026-11-24 10:15:00"


ZONED = {
    "in winter": ("0 3 * * *", "2026-11-24T10:15", "2026-11-25 02:00:00"),
    "in summer": ("0 3 * * *", "2026-07-01T10:15", "2026-07-02 01:00:00"),
    "the first pass of the hour that comes twice": (
        "30 2 * * *",
        "2026-10-24T23:00",
        "2026-10-25 00:30:00",
    ),
    "after that hour": ("30 2 * * *", "2026-10-25T01:45", "2026-10-26 01:30:00"),
}


@pytest.mark.parametrize("case", ZONED.values(), ids=ZONED)
def test_a_schedule_is_of_its_zone(case: tuple[str, str, str]) -> None:
    schedule, now, want = case
    assert shown(Crontab.parse(schedule).next_after(at(now), "Europe/Berlin")) == want


REFUSED = [
    "not cron",
    "@daily",
    "* * * *",
    "* * * * * *",
    " * * * * *",
    "* * * * * ",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 0 *",
    "* * * 13 *",
    "* * * * 7",
    "-1 * * * *",
    "5/10 * * * *",
    "*/0 * * * *",
    "0-10/0 * * * *",
    "0-10/10 * * * *",
    "10-5 * * * *",
    "* * * * FRI-MON",
    "* * * * MON-SUN",
    "* * * JANUARY *",
    "JAN * * * *",
    "* * L * *",
    "* * 15W * *",
    "* * * * 5#3",
    "* * ? * *",
    "0 0 15 * 4",
    "* * * * *\n",
    "\u0661 * * * *",
]


@pytest.mark.parametrize("schedule", REFUSED)
def test_a_schedule_is_not_taken(schedule: str) -> None:
    with pytest.raises(Refusal) as told:
        Crontab.parse(schedule)
    assert told.value.message == f"Invalid cron schedule: {schedule}"


def test_an_empty_schedule_is_told_apart() -> None:
    with pytest.raises(Refusal) as told:
        Crontab.parse("")
    assert told.value.message == "Job has an empty cron schedule."


def test_a_field_of_commas_only_is_an_error_without_words() -> None:
    with pytest.raises(Refusal) as told:
        Crontab.parse(", * * * *")
    assert (told.value.message, told.value.code) == (None, ResponseCode.ERROR)


def recorded() -> list[Any]:
    """Return every schedule that was sent, and what became of it if that was up to the schedule."""
    found = {}
    for name in NAMES:
        for rpc in rpcs(name):
            if rpc.call in ("scheduleCronJob", "replaceCronTemplate"):
                (job,) = decode_call(rpc.request).args.values()
                response = decode_reply(rpc.reply, rpc.call)
                told = response.details[0].message if response.details else None
                if job.cronSchedule is not None and (told is None or " cron schedule" in told):
                    found[f"{name}@{rpc.at_ms}"] = (job.cronSchedule, response.responseCode, told)
    return [pytest.param(*case, id=where) for where, case in found.items()]


@pytest.mark.parametrize(("schedule", "code", "told"), recorded())
def test_a_schedule_is_taken_or_not_as_recorded(
    schedule: str, code: ResponseCode, told: str | None
) -> None:
    if code is ResponseCode.OK or "service task" in (told or ""):
        assert Crontab.parse(schedule).next_after(NOW) is not None
        return
    with pytest.raises(Refusal) as refused:
        Crontab.parse(schedule)
    assert (refused.value.code, refused.value.message) == (code, told)
