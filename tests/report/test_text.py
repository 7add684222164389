"""What people read, whole: compared with golden files, so that a diff shows every change of it."""

from dataclasses import replace
from itertools import groupby

import pytest

from reconciler.model.plan import Decision, FieldChange, Reason
from reconciler.model.problem import Origin
from reconciler.report.status import status
from reconciler.report.text import text
from reconciler.report.view import View
from reconciler.report.words import why
from tests.report.everything import CRON, acts, every_condition, everything, held, kept
from tests.report.recorded import assert_golden
from tests.report.reports import (
    change,
    creates,
    holds,
    keeps,
    kills,
    many_keeps,
    prunes,
    schedules,
    updates,
)
from tests.support.builders import a_key
from tests.support.plans import a_plan, a_report

SHOWN = {
    "plan-piped": View(command="reconcile --desired ./d"),
    "plan-80": View(width=80),
    "plan-verbose": View(verbose=True, only=("prod/*",)),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_text_of_a_plan_with_every_kind_of_decision(name: str) -> None:
    assert_golden(name, text(everything(), SHOWN[name]))


def test_the_text_of_the_status_with_every_condition() -> None:
    assert_golden("status", status(every_condition(), View(command="reconcile --state s")))


def test_the_status_on_a_narrow_terminal() -> None:
    shown = status(every_condition(), View(width=80, command="reconcile --state s"))
    assert_golden("status-80", shown)
    assert max(map(len, shown.splitlines())) <= 80


def test_nothing_to_do_is_one_line_and_the_plan() -> None:
    assert_golden("nothing", text(a_report(*many_keeps(41))))


def test_a_plan_reads_the_same_whatever_the_order_of_its_decisions() -> None:
    told = [*acts(), *held(), *kept()]
    assert text(a_report(*told)) == text(a_report(*reversed(told)))


def test_what_hurts_most_comes_first() -> None:
    lines = text(everything()).splitlines()
    signs = [line[0] for line in lines if line[:1] in "-~+*." and line[1:2] == " "]
    assert [sign for sign, _ in groupby(signs)] == ["-", "~", "+", "~", "*", "."]


def test_nothing_invisible_reaches_the_terminal() -> None:
    shown = text(everything(), View(verbose=True)) + status(every_condition())
    assert "\\x1b[2J" in shown
    assert all(c.isprintable() or c == "\n" for c in shown)


def test_a_narrow_terminal_gets_no_line_that_is_too_long() -> None:
    keyless = [line for line in text(everything(), View(width=60)).splitlines() if " " in line]
    assert max(map(len, keyless)) <= 60


RELEASES: dict[str, tuple[list[Decision], str]] = {
    "the guard is released by the digest of this very plan": (
        [holds("a", Reason.GUARDED, release="--approve DIGEST of this plan", wanted=updates("a"))],
        "reconcile --approve 0123456789abcdef",
    ),
    "several jobs held for the same reason are released by one command": (
        [
            holds("a", Reason.NOT_ADOPTED, release="--adopt dev/shop/prod/a"),
            holds("b", Reason.NOT_ADOPTED, release="--adopt dev/shop/prod/b"),
        ],
        "reconcile --adopt dev/shop/prod/a --adopt dev/shop/prod/b",
    ),
    "an option within words is a command to copy, for all of them": (
        [
            holds(
                n, Reason.QUARANTINED, release=f"declare another spec, or --retry dev/shop/prod/{n}"
            )
            for n in ("a", "b")
        ],
        "declare another spec, or reconcile --retry dev/shop/prod/a --retry dev/shop/prod/b",
    ),
    "an option before words is one, too": (
        [holds("a", Reason.ABORTED, release="--retry dev/shop/prod/a, or declare another spec")],
        "reconcile --retry dev/shop/prod/a, or declare another spec",
    ),
    "an option without a value": (
        [holds("a", Reason.NEWER_APPLIED, release="--allow-older")],
        "reconcile --allow-older",
    ),
    "a deed is no option": ([holds("a", Reason.PAUSED, release="resume it")], "resume it"),
}


@pytest.mark.parametrize("name", RELEASES)
def test_a_hold_says_how_it_is_released(name: str) -> None:
    decisions, release = RELEASES[name]
    assert f"    release  {release}\n" in text(a_report(*decisions))


def test_who_is_asked_hears_how_long_it_takes_and_is_shown_no_other_command() -> None:
    run = replace(a_report(updates("web")), preview=False)
    asked = text(run, View(asking=True))
    assert "It takes about 5 min if nothing fails\n" in asked
    assert "Apply it" not in asked
    assert "It takes about" not in text(run)


def test_a_preview_without_acts_does_not_ask_to_be_applied() -> None:
    assert "Apply it" not in text(a_report(keeps("web"), holds("a", Reason.PAUSED)))
    assert "Apply it" in text(a_report(updates("web")))
    assert "Apply it" not in text(replace(a_report(updates("web")), preview=False))


def test_workers_take_their_time_after_their_master() -> None:
    workers = holds("b-workers", Reason.MASTER_NOT_SETTLED, wanted=creates("b-workers"))
    two = text(a_report(creates("b-master", 1), workers, creates("web")))
    assert "It takes about 50 s if nothing fails" in two
    assert "It takes about 25 s if nothing fails" in text(a_report(creates("web")))


def test_what_is_replaced_takes_the_time_of_what_follows() -> None:
    replaced = kills("web", reason=Reason.KIND_CHANGED, then=creates("web"))
    assert "It takes about 25 s if nothing fails" in text(a_report(replaced))


def test_times_of_a_cluster_with_a_clock_of_its_own_are_said_to_be_its_own() -> None:
    words = "by the clock of dev, which runs 20 times as fast as ours"
    fast = a_report(plans=(a_plan(creates("web"), clock=20.0),))
    assert f"Times are {words}: 2026-11-24 03:00:00Z there now\n" in text(fast)
    assert words not in text(a_report(plans=(a_plan(keeps("web"), clock=20.0),)))
    assert "clock" not in text(a_report(creates("web")))
    timed = replace(every_condition(), clocks=(("dev", 20.0), ("far", 2.0)))
    rolling = (replace(timed.jobs[0], detail="rolling since 02:59:30Z"),)
    assert status(replace(timed, jobs=rolling)).endswith(f"\nTimes in WHY are {words}\n")
    assert "clock" not in status(timed)


def test_status_says_how_often_an_act_came_to_the_same() -> None:
    timed = every_condition()
    act = replace(timed.acts[a_key("paused")][1], outcome="Deferred", message="stale", times=10)
    shown = status(replace(timed, acts={a_key("paused"): (act,)}), View(verbose=True))
    assert "  KillTasks (Drifted)  Deferred 10 times: stale, now Paused  [e0]\n" in f"{shown}\n"


def install(job: int) -> FieldChange:
    """A change of the platform: the same in each job, within a text that is the job's own."""
    old = f"venv/bin/pip install --index-url https://old.example/simple own-package-{job}==1.{job}"
    return change("install.cmdline", old, old.replace("old.ex", "new.ex"), raw=True)


def test_a_change_that_is_the_same_in_each_is_told_once_whatever_stands_around_it() -> None:
    shown = text(a_report(*(updates(f"j{i}", changes=(install(i),)) for i in range(3))))
    assert "~ 3 jobs  the same change in each: 12 restarts\n" in shown
    assert "    raw      install.cmdline  {old.example → new.example}\n" in shown
    other = change("install.cmdline", "a" * 100 + " old.example", "a" * 100 + " else", raw=True)
    two = text(a_report(updates("a", changes=(install(0),)), updates("b", changes=(other,))))
    assert "2 jobs" not in two


def test_many_jobs_stay_readable() -> None:
    created = [creates(f"new-{i:03}", 2) for i in range(500)]
    crons = [schedules(f"c-{i}", CRON, detail=f"next run {i}") for i in range(20)]
    pruned = [holds(f"o-{i}", Reason.SECOND_LOOK, wanted=prunes(f"o-{i}")) for i in range(30)]
    lines = text(a_report(*created, *crons, *pruned)).splitlines()
    assert len(lines) < 60
    assert "- 30 jobs  prune: 90 instances" in lines
    assert "+ 500 jobs  create: 1000 instances" in lines
    assert "+ 20 jobs  create" in lines
    assert "    why      CronAbsent: declared, not scheduled" in lines, "the runs are their own"
    assert f"{' ' * 13}and 490 more (--verbose lists them)" in lines
    whole = text(a_report(*created), View(verbose=True))
    assert all(f" dev/shop/prod/new-{i:03} " in whole for i in range(500))


def test_a_few_jobs_without_a_change_in_common_are_told_one_by_one() -> None:
    shown = text(
        a_report(*(creates(f"new-{i}") for i in range(3)), *(prunes(f"o{i}") for i in "ab"))
    )
    assert shown.count("\n+ dev/shop/prod/new-") == 3
    assert shown.count("\n- dev/shop/prod/o") == 2


def test_status_tells_the_last_acts_to_who_wants_more() -> None:
    shown = status(every_condition(), View(verbose=True)).splitlines()
    where = shown.index(
        "2026-11-24 03:00:00Z  dev/shop/prod/paused  StartUpdate  found carried out:"
        " its reply was lost, now Paused  [e1]"
    )
    assert shown[where + 1] == (
        "2026-11-24 03:00:00Z  dev/shop/prod/paused  KillTasks (Drifted)  Refused:"
        " no\\x1b[31m  [e0]"
    )


LOCKED = "\nThe watch holds the record: stop it, run the command, start the watch again\n"


def test_status_says_that_a_watch_must_be_stopped_before_a_command_releases_anything() -> None:
    watched = every_condition()
    assert LOCKED in status(watched)
    assert watched.watch is not None
    assert LOCKED not in status(replace(watched, watch=replace(watched.watch, runs=False)))
    assert LOCKED not in status(replace(watched, watch=None))
    deeds = tuple(replace(job, release="resume it") for job in watched.jobs)
    assert LOCKED not in status(replace(watched, jobs=deeds))


PLACES = {
    "told by the detail": ("shop/web.yaml:3:1: not YAML", False),
    "another one in the detail": ("shop/web.yaml:31:8: not YAML", True),
    "told nowhere": ("by dave", True),
    "no detail": ("", True),
}


@pytest.mark.parametrize("case", PLACES)
def test_the_place_of_a_cause_is_told_once(case: str) -> None:
    detail, told = PLACES[case]
    found = why(Reason.INVALID, detail, Origin("shop/web.yaml", 3, 1))
    assert found.endswith("; shop/web.yaml:3:1") == told
    assert found.count("shop/web.yaml:3:1") == 1


def test_a_change_of_some_instances_says_of_which() -> None:
    some = replace(change("version", "1", "2"), instances="0-1")
    found = text(a_report(updates("web", changes=(some,))))
    assert "change   version  1 → 2  (instances 0-1)" in found
