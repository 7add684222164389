"""What a log and a terminal are told while a run goes on: nothing twice, and nothing left out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.outcome import Applied, Deferred
from reconciler.model.plan import Reason
from reconciler.model.problem import Origin, Problem
from reconciler.model.round import (
    ActEnded,
    ActStarted,
    ClusterRound,
    Event,
    Fault,
    FaultKind,
    RoundEnded,
    RoundPlanned,
    RoundStarted,
    Waiting,
)
from reconciler.report.outcomes import Said, going_on, lines, live_lines
from tests.report.everything import outcomes
from tests.report.recorded import assert_golden
from tests.report.reports import creates, holds, keeps, kills, updates
from tests.support.builders import NOW
from tests.support.plans import a_plan, a_report


def told(*events: Event) -> list[str]:
    said, found = Said(), list[str]()
    for event in events:
        said, more = lines(said, event)
        found += more
    return found


def waits(seconds: float, *details: str) -> Waiting:
    rolling = [holds(f"job-{i}", Reason.UPDATE_IN_FLIGHT, detail=d) for i, d in enumerate(details)]
    return Waiting(NOW + timedelta(seconds=seconds), tuple(rolling))


def test_every_outcome_is_one_line_that_says_what_became_of_it() -> None:
    found = told(*(ActEnded(NOW, outcome) for outcome in outcomes()))
    assert_golden("outcomes", "".join(f"{line}\n" for line in found))


def test_a_wait_is_said_when_it_is_new_and_when_it_changed() -> None:
    events = [waits(0, "0 of 4"), waits(1, "0 of 4"), waits(2, "1 of 4"), waits(3, "1 of 4", "new")]
    assert [line.split(": ")[1] for line in told(*events)] == ["0 of 4", "1 of 4", "new"]


def test_a_wait_that_goes_on_is_said_again_every_half_minute() -> None:
    events = [waits(s, "3 of 4") for s in (0, 10, 29, 30, 31, 59, 60)]
    assert len(told(*events)) == 3


def test_a_new_record_is_said_once() -> None:
    plan = replace(a_plan(keeps("web")), by_mark=1)
    report = replace(a_report(), rounds=(ClusterRound(plan),))
    assert told(RoundPlanned(NOW, report), RoundPlanned(NOW, report)) == [
        "round     0 to create, 0 to update, 0 to prune, 1 kept",
        "record    the record of dev is new: 1 job taken for ours by mark;"
        " what differs waits for a person",
    ]


def test_a_round_is_summed_up_when_its_summary_changed() -> None:
    first, second = a_report(creates("web")), a_report()
    rounds = [RoundPlanned(NOW, first), RoundPlanned(NOW, first), RoundPlanned(NOW, second)]
    assert told(*rounds) == [
        "round     1 to create, 0 to update, 0 to prune, 0 kept",
        "round     0 to create, 0 to update, 0 to prune, 0 kept",
    ]


def test_what_a_person_must_release_is_said_once_and_again_when_it_changed() -> None:
    held, other = (
        RoundPlanned(NOW, a_report(holds("web", reason, detail="why", release="--retry web")))
        for reason in (Reason.QUARANTINED, Reason.PAUSED)
    )
    found = [line for line in told(held, held, other, held) if line.startswith("held")]
    assert [line.split()[2] for line in found] == ["Quarantined:", "Paused:", "Quarantined:"]
    assert "(why)" in found[0]
    assert "release: reconcile --retry web" in found[0]
    waits = RoundPlanned(NOW, a_report(holds("web", Reason.TASKS_DYING)))
    assert not [line for line in told(waits) if line.startswith("held")]


def test_what_can_be_read_again_is_said_once() -> None:
    source = a_report(faults=(Fault(FaultKind.SOURCE, "", "no such ref"),), rounds=())
    source = replace(source, revision=None)
    down, up = a_report(plans=(a_plan(unread="gone"),)), a_report(keeps("a"))
    found = told(*(RoundEnded(NOW, report) for report in (source, up, up, down, source, up, up)))
    assert found == [
        "! desired state not read: no such ref",
        "again     desired state read",
        "! scheduler not read: dev: gone",
        # Whether the scheduler answers, nobody asked.
        "! desired state not read: no such ref",
        "again     desired state read",
        "again     scheduler read: dev",
    ]


def unknown(jobs: int, why: str = "timeout") -> Waiting:
    held = [holds(f"job-{i:04}", Reason.LIVE_UNKNOWN, detail=why) for i in range(jobs)]
    return Waiting(NOW, tuple(held))


def test_an_outage_is_one_line_however_many_jobs_wait_for_its_end() -> None:
    three = ", ".join(f"dev/shop/prod/job-000{i}" for i in range(3))
    assert told(unknown(1000)) == [
        f"waiting   1000 jobs  LiveUnknown: timeout: {three} and 997 more"
    ]
    assert len(told(unknown(3))) == 3
    alone = holds("other", Reason.TASKS_DYING)
    mixed = Waiting(NOW, (*unknown(4).holds, alone))
    assert [line.split()[1] for line in told(mixed)] == ["4", "dev/shop/prod/other"]


def test_what_one_deed_releases_is_one_line_however_many_jobs_are_held() -> None:
    release = "--approve DIGEST of this plan"
    guarded = [
        holds(f"job-{i}", Reason.GUARDED, detail="9 jobs", release=release) for i in range(9)
    ]
    others = [
        holds(f"x{i}", Reason.NOT_ADOPTED, release=f"--adopt dev/shop/prod/x{i}") for i in range(4)
    ]
    _, *held = told(RoundPlanned(NOW, a_report(*guarded, *others)))
    assert held == [
        "held      4 jobs  NotAdopted: live, not ours, and different: dev/shop/prod/x0,"
        " dev/shop/prod/x1, dev/shop/prod/x2 and 1 more; release: reconcile"
        " --adopt dev/shop/prod/x0 --adopt dev/shop/prod/x1 --adopt dev/shop/prod/x2"
        " --adopt dev/shop/prod/x3",
        "held      9 jobs  Guarded: more than the guard allows (9 jobs): dev/shop/prod/job-0,"
        " dev/shop/prod/job-1, dev/shop/prod/job-2 and 6 more;"
        " release: reconcile --approve 0123456789abcdef",
    ]


RELEASES_OF_A_WATCH = {
    "a command, which would find the record held": (
        "--retry web",
        "release (stop this watch, run it, start the watch again): reconcile --retry web",
    ),
    "a deed, which a watch hears of": ("mend web.yaml:3:1", "release: mend web.yaml:3:1"),
}


@pytest.mark.parametrize("name", RELEASES_OF_A_WATCH)
def test_a_watch_says_how_what_it_holds_is_released(name: str) -> None:
    release, words = RELEASES_OF_A_WATCH[name]
    report = a_report(holds("web", Reason.QUARANTINED, release=release))
    _, found = lines(Said(), RoundPlanned(NOW, report), watching=True)
    assert found[-1].endswith(f"; {words}")


def test_a_mistake_in_the_desired_state_is_said_once_and_again_when_it_comes_back() -> None:
    wrong = Problem(Origin("shop/web.yaml", 3, 1), "not YAML", "mend it")
    note = Problem(Origin("shop/x.json"), "it is not read", "rename it")
    bad = replace(a_report(keeps("a"), problems=[wrong]), notes=(note,))
    rounds: list[Event] = [
        RoundPlanned(NOW, bad),
        RoundEnded(NOW, bad),
        RoundPlanned(NOW, a_report(keeps("a"))),
    ]
    found = told(*rounds, *rounds)
    assert [line for line in found if not line.startswith("round")] == 2 * [
        "problem   shop/web.yaml:3:1: not YAML; mend it",
        "note      shop/x.json: it is not read; rename it",
    ]


def test_a_mistake_is_said_of_a_round_that_knew_no_cluster() -> None:
    wrong = Problem(Origin("platform/platform.yaml"), "not YAML", "mend it")
    report = replace(a_report(problems=[wrong]), rounds=())
    assert told(RoundEnded(NOW, report), RoundEnded(NOW, report)) == [
        "problem   platform/platform.yaml: not YAML; mend it"
    ]


def test_a_round_is_summed_up_before_its_acts() -> None:
    report = a_report(creates("web"))
    found = told(RoundPlanned(NOW, report), ActEnded(NOW, outcomes()[0]), RoundEnded(NOW, report))
    assert [line.split()[0] for line in found] == ["round", "applied"]


def test_a_fault_is_said_once_and_again_when_it_comes_back() -> None:
    fault = Fault(FaultKind.SCHEDULER, "eu1", "gone")
    down, up = a_report(keeps("a"), faults=(fault,)), a_report(keeps("a"))
    found = told(*(RoundEnded(NOW, report) for report in (down, down, up, down)))
    assert [line for line in found if line.startswith("!")] == 2 * [
        "! scheduler not read: eu1: gone"
    ]


def test_a_terminal_shows_what_is_waited_for_but_not_without_end() -> None:
    assert live_lines(waits(0, "1 of 4")) == (
        "waiting for 1 job",
        "  dev/shop/prod/job-0  UpdateInFlight: 1 of 4",
    )
    assert live_lines(Waiting(NOW, (), until=NOW + timedelta(seconds=9))) == (
        "looking again soon (9 s left)",
    )
    many = live_lines(waits(0, *["x"] * 12))
    assert many is not None
    assert (len(many), many[-1]) == (10, "  and 4 more")


def test_a_terminal_does_not_go_on_showing_what_is_over() -> None:
    assert live_lines(RoundEnded(NOW, a_report(keeps("web")))) == ()
    assert live_lines(RoundEnded(NOW, a_report(holds("web", Reason.PAUSED)))) == ()
    rolling = holds("web", Reason.UPDATE_IN_FLIGHT)
    assert live_lines(RoundEnded(NOW, a_report(rolling))) is None
    assert live_lines(ActEnded(NOW, outcomes()[0])) is None


def test_a_terminal_shows_the_act_that_goes_on() -> None:
    assert live_lines(RoundStarted(NOW, 1)) == ("round 1: reading",)
    assert live_lines(ActStarted(NOW, updates("web", 4))) == (
        "dev/shop/prod/web  update: 4 of 4 restart",
    )


def test_control_characters_in_a_wait_are_written_out() -> None:
    shown = live_lines(waits(0, "\x1b[2J"))
    assert shown is not None
    assert "\x1b" not in "".join(shown) + "".join(told(waits(0, "\x1b[2J")))


def test_an_outcome_is_of_what_was_sent_not_of_what_follows() -> None:
    replaced = kills("web", reason=Reason.KIND_CHANGED, then=creates("web"))
    assert told(ActEnded(NOW, Applied(replaced))) == [
        "applied   dev/shop/prod/web  kill: 3 instances"
    ]


def test_round_that_could_read_nothing_counts_nothing() -> None:
    fault = Fault(FaultKind.SOURCE, "", "no such directory")
    nothing = a_report(faults=(fault,), rounds=())
    assert told(RoundPlanned(NOW, nothing), RoundEnded(NOW, nothing)) == [
        "! desired state not read: no such directory"
    ]


GOING_ON = {
    "an update in flight": (
        a_report(holds("web", Reason.UPDATE_IN_FLIGHT)),
        "updates that roll go on by themselves",
    ),
    "an update that was started just now": (
        a_report(outcomes=(Applied(creates("new"), "u9"),)),
        "updates that roll go on by themselves",
    ),
    "a kill, which rolls nothing": (
        a_report(outcomes=(Applied(kills("parked")),)),
        "no update of ours rolls",
    ),
    "a start that nobody took": (
        a_report(outcomes=(Deferred(creates("new"), "not permitted"),)),
        "no update of ours rolls",
    ),
    "a scheduler that did not say": (
        a_report(plans=(a_plan(unread="gone"),)),
        "an update that was started before goes on by itself",
    ),
}


@pytest.mark.parametrize("name", GOING_ON)
def test_run_that_ends_early_says_what_goes_on(name: str) -> None:
    report, words = GOING_ON[name]
    assert going_on(report) == words
