"""Aurora's crontab dialect, and when a schedule in it fires."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.thrift.structs import ResponseCode
from reconciler.translate.crontab import CrontabError, next_runs, parsed
from tests.support.recordings import recorded

ALL = (
    frozenset(range(60)),
    frozenset(range(24)),
    frozenset(range(1, 32)),
    frozenset(range(1, 13)),
    frozenset(range(7)),
)

# A schedule, and which field it says what of (the others are whole).
TAKEN: dict[str, tuple[str, int, set[int]]] = {
    "every minute": ("* * * * *", 0, set(range(60))),
    "a minute": ("7 * * * *", 0, {7}),
    "a leading zero": ("07 * * * *", 0, {7}),
    "a list": ("1,3,5 * * * *", 0, {1, 3, 5}),
    "a range": ("* 8-11 * * *", 1, {8, 9, 10, 11}),
    "a range of one": ("* 8-8 * * *", 1, {8}),
    "a step from the first": ("*/15 * * * *", 0, {0, 15, 30, 45}),
    "a step of days, which begin with 1": ("* * */10 * *", 2, {1, 11, 21, 31}),
    "a step beyond the last": ("*/70 * * * *", 0, {0}),
    "a step in a range": ("* 12-23/2 * * *", 1, {12, 14, 16, 18, 20, 22}),
    "a step within its bound": ("0-59/58 * * * *", 0, {0, 58}),
    "months by name": ("* * * jan,MAR-may *", 3, {1, 3, 4, 5}),
    "days by name": ("* * * * mon-FRI", 4, {1, 2, 3, 4, 5}),
    "Sunday is 0": ("* * * * SUN", 4, {0}),
    "a name and a number": ("* * * * 0-TUE", 4, {0, 1, 2}),
    "empty items": ("0,,5, * * * *", 0, {0, 5}),
    "several blanks": ("0  3\t* * *", 0, {0}),
    "all days, told as a range, and a weekday": ("0 0 1-31 * 1", 4, {1}),
    "all weekdays, told as a range, and a day": ("0 0 1 * SUN-SAT", 2, {1}),
    "the 29th of February": ("* * 29 2 *", 2, {29}),
    "the 31st, of a month that has one": ("* * 31 FEB,MAR *", 2, {31}),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_schedule_that_aurora_takes_is_read_as_aurora_reads_it(name: str) -> None:
    schedule, field, values = TAKEN[name]
    assert parsed(schedule)[field] == values


REFUSED: dict[str, tuple[str, str]] = {
    "nothing": ("", "five fields"),
    "a word": ("@daily", "no @daily"),
    "an at sign": ("@", "no @"),
    "four fields": ("* * * *", "five fields"),
    "six fields": ("0 * * * * *", "five fields"),
    "a blank before": (" * * * * *", "no blanks around"),
    "a newline after": ("* * * * *\n", "no blanks around"),
    "a blank that is not ASCII": ("0 3\u00a0* * *", "five fields"),
    "minute 60": ("60 * * * *", "minute: 60 is not within 0 to 59"),
    "hour 24": ("0 24 * * *", "hour: 24"),
    "day 0": ("0 0 0 * *", "day of month: 0"),
    "month 13": ("0 0 * 13 *", "month: 13"),
    "weekday 7": ("0 0 * * 7", "7 is not within 0 to 6; write 0 for Sunday"),
    "a negative number": ("-1 * * * *", "minute"),
    "digits of another script": ("\u0663 * * * *", "is no value"),
    "a number of five thousand digits": ("9" * 5000 + " * * * *", "is no value"),
    "a step without a range": (
        "1/2 * * * *",
        "needs a range before its step; write it as in 0-59/2",
    ),
    "a step of 0": ("*/0 * * * *", "must be positive"),
    "a step of 0 in a range": ("0-59/0 * * * *", "must be positive"),
    "a step as large as the end": ("0-59/59 * * * *", "less than 59"),
    "no step": ("*/ * * * *", "is no step"),
    "a range that runs backwards": ("0 0 * * FRI-MON", "runs backwards"),
    "a range over Sunday": ("0 0 * * MON-SUN", "runs backwards"),
    "a range without an end": ("5- * * * *", "is no value"),
    "a range of three": ("1-2-3 * * * *", "is no value"),
    "a star and a number": ("*5 * * * *", "is no value"),
    "a list of nothing": (", * * * *", "names nothing"),
    "months where minutes are": ("JAN * * * *", "is no value"),
    "days where months are": ("0 0 * MON *", "is no value"),
    "the last day": ("0 0 L * *", "is no value"),
    "the nearest weekday": ("0 0 15W * *", "is no value"),
    "the second Monday": ("0 0 * * 1#2", "is no value"),
    "a question mark": ("0 0 ? * 1", "is no value"),
    "a day and a weekday": ("0 0 1 * 1", "may not both be restricted"),
    "the 31st of February": ("0 3 31 2 *", "would never fire"),
    "the 30th of February": ("0 3 30 FEB *", "would never fire"),
    "the 31st of short months": ("0 3 31 4,6,9,11 *", "would never fire"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_schedule_that_aurora_refuses_is_refused_with_a_remedy(name: str) -> None:
    schedule, why = REFUSED[name]
    with pytest.raises(CrontabError) as refused:
        parsed(schedule)
    assert re.search(why, f"{refused.value}; {refused.value.hint}")
    assert refused.value.hint


def test_a_refusal_is_short_whatever_was_written() -> None:
    with pytest.raises(CrontabError) as raised:
        parsed("9" * 5000 + " * * * *")
    assert len(str(raised.value)) < 100


@given(st.text(st.sampled_from("*/-,0123456789 jJaAnNmMoO@"), max_size=24))
def test_anything_is_taken_or_refused(schedule: str) -> None:
    try:
        found = parsed(schedule)
    except CrontabError:
        return
    assert all(values and values <= every for values, every in zip(found, ALL, strict=True))


REFUSALS = ("Invalid cron schedule", "empty cron schedule", "will never fire")


def test_the_recorded_scheduler_agrees() -> None:
    """Its own refusals of schedules, and those that it took."""
    seen = {True: 0, False: 0}
    for method in ("scheduleCronJob", "replaceCronTemplate"):
        for label, args, response in recorded(method):
            job = args.get("description") or args.get("config")
            schedule = job.cronSchedule if job is not None else None
            messages = " ".join(d.message or "" for d in response.details or ())
            ok = response.responseCode is ResponseCode.OK
            refused = any(word in messages for word in REFUSALS)
            if schedule is None or not (ok or refused):
                continue
            try:
                parsed(schedule)
                ours = True
            except CrontabError:
                ours = False
            assert ours is ok, f"{label}: {schedule!r}: {messages}"
            seen[ok] += 1
    assert seen[True] > 5
    assert seen[False] >= 3


# --- when it fires

NOW = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
RUNS: dict[str, tuple[str, str, datetime, list[str]]] = {
    "in the zone of the cluster": ("0 3 * * *", "Europe/Berlin", NOW, ["2026-11-24T02:00"]),
    "in UTC": ("0 3 * * *", "UTC", NOW, ["2026-11-24T03:00"]),
    "a weekday beside all days as a range": (
        "0 0 1-31 * 1",
        "UTC",
        NOW,
        ["2026-11-30T00:00", "2026-12-07T00:00"],
    ),
    "empty items": ("5,,35 * * * *", "UTC", NOW, ["2026-11-24T00:35", "2026-11-24T01:05"]),
    "names in small letters": ("0 0 * jan mon", "UTC", NOW, ["2027-01-04T00:00"]),
    "not the minute that is now": ("30 0 * * *", "UTC", NOW, ["2026-11-25T00:30"]),
    "a leap day": ("0 0 29 2 *", "UTC", NOW, ["2028-02-29T00:00"]),
    "in the hour that comes twice, not in the past": (
        "45 2 * * *",
        "Europe/Berlin",
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        ["2026-10-26T01:45"],
    ),
    "every half hour through the hour that comes twice": (
        "*/30 * * * *",
        "Europe/Berlin",
        datetime(2026, 10, 25, 0, 10, tzinfo=UTC),
        ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T02:00"],
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_schedule_fires_in_the_time_zone_of_its_cluster(name: str) -> None:
    schedule, zone, now, expected = RUNS[name]
    runs = next_runs(schedule, zone, now, len(expected))
    assert [r.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") for r in runs] == expected


@given(
    st.sampled_from([schedule for schedule, _, _ in TAKEN.values()]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.integers(0, 365 * 24 * 60),
)
def test_runs_are_in_the_future_and_at_times_that_the_schedule_names(
    schedule: str, zone: str, minutes: int
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    runs = next_runs(schedule, zone, now, 3)
    assert len(runs) == 3
    minute, hour, day, month, weekday = parsed(schedule)
    instants = [run.astimezone(UTC) for run in runs]
    assert instants == sorted(instants)
    assert instants[0] > now
    for run in runs:
        # An hour that is skipped in spring is made up for right after it.
        assert run.day in day
        assert run.month in month
        assert (run.weekday() + 1) % 7 in weekday
        if zone == "UTC":
            assert (run.hour in hour, run.minute in minute) == (True, True)


def test_a_schedule_that_aurora_refuses_never_fires() -> None:
    with pytest.raises(CrontabError):
        next_runs("@daily", "UTC", NOW, 1)
