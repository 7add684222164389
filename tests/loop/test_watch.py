"""The periodic loop: it survives every failure of a round, and tells that it lives."""

import contextlib
import itertools
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from reconciler.loop.round import Rounds
from reconciler.loop.supervisor import Supervisor
from reconciler.loop.watch import Rhythm, code, failed, outcome, pause, watch
from reconciler.model.keys import JobPattern
from reconciler.model.plan import Reason
from reconciler.model.problem import Origin, Problem
from reconciler.model.round import (
    ActEnded,
    ClusterRound,
    Event,
    Fault,
    FaultKind,
    RoundEnded,
    RoundReport,
    RoundStarted,
)
from reconciler.plan.inputs import Orders
from tests.report.reports import holds
from tests.support import cluster as wire
from tests.support.builders import NOW
from tests.support.cluster import VirtualClock, always_on
from tests.support.plans import a_report
from tests.support.site import Site, cron, reasons, service
from tests.support.systemd import listening


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state")


def rounds_told(site: Site) -> int:
    return sum(isinstance(event, RoundStarted) for event in site.events)


def heartbeat(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((site.state / "heartbeat.json").read_text(encoding="utf-8"))
    return found


def test_watch_converges_and_then_looks_once_in_an_interval(site: Site) -> None:
    site.declare(service("web"))
    site.watch(120)
    assert len(site.cluster.tasks("web")) == 3
    assert heartbeat(site)["outcome"] == "settled"
    site.events.clear()
    site.watch(3600)
    assert 110 <= rounds_told(site) <= 132


def test_watch_finds_what_changes_meanwhile(site: Site) -> None:
    site.declare(service("web"), cron("nightly"))
    site.clock.later(300, lambda: site.declare(service("web", version='"2"'), cron("nightly")))
    site.clock.later(900, lambda: site.declare(service("web", version='"2"')))
    site.watch(1800)
    assert reasons(site.step()) == {"web": "Converged"}
    assert [call.method for call in site.cluster.writes].count("startJobUpdate") == 2


def rule(fault: wire.Fault) -> Callable[[Site], Any]:
    return lambda site: setattr(site.cluster, "befall", always_on(fault))


def a_bug(site: Site) -> None:
    site.crash = Broken()


class Broken(wire.Crash):
    """Breaks every write, as a bug of ours would, until it is mended."""

    mended = False

    def point(self) -> None:
        if not self.mended:
            raise RuntimeError("a bug of ours")


FAILURES: dict[str, Callable[[Site], Any]] = {
    "scheduler unreachable": rule(wire.Fault.UNREACHABLE),
    "scheduler answers garbage": rule(wire.Fault.GARBAGE),
    "another cluster answers": rule(wire.Fault.OTHER_CLUSTER),
    "login refused": rule(wire.Fault.DENIED),
    "source cannot be read": lambda site: setattr(site.tree, "error", "no such ref"),
    "platform document is broken": lambda site: site.tree.files.update(
        {"platform/platform.yaml": "kind: ["}
    ),
    "a bug": a_bug,
}


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
def test_watch_survives_a_failure_and_goes_on_when_it_is_mended(
    site: Site, fail: Callable[[Site], Any]
) -> None:
    site.declare(service("web"))
    before = dict(site.tree.files)

    def mend() -> None:
        site.cluster.befall = wire.never
        if isinstance(site.crash, Broken):
            site.crash.mended = True
        site.tree.error = None
        site.tree.files = before

    fail(site)
    site.clock.later(600, mend)
    site.watch(1200)
    assert len(site.cluster.tasks("web")) == 3
    assert heartbeat(site)["outcome"] == "settled"


def test_round_that_breaks_is_logged_and_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.declare(service("web"))
    a_bug(site)
    with caplog.at_level(logging.WARNING, "reconciler.loop.watch"):
        site.watch(300, interval_s=30)
    assert heartbeat(site)["outcome"] == "failed"
    assert "round 1 failed" in caplog.text
    assert "the last successful round ended" in caplog.text
    assert not any(isinstance(event, RoundEnded) for event in site.events)


def test_heartbeat_does_not_call_settled_what_nobody_looked_at(site: Site) -> None:
    """Without a platform no cluster is known, so no job of any of them was judged."""
    site.declare(service("web"))
    site.watch(120)
    site.tree.files["platform/platform.yaml"] = "kind: ["
    site.watch(120)
    told = heartbeat(site)["outcome"]
    assert told.startswith("problems: .: the desired state is not whole: there is no Platform")


def test_tries_after_failures_grow_apart_up_to_the_interval(site: Site) -> None:
    site.declare(service("web"))
    site.cluster.befall = always_on(wire.Fault.UNREACHABLE)
    site.watch(600, interval_s=60)
    waits = site.clock.waits
    assert 4 < waits[0] < 6
    assert all(a < b for a, b in itertools.pairwise(waits[:5]))
    assert all(54 <= seconds <= 66 for seconds in waits[5:-1])
    assert "dev: http://dev cannot be reached" in heartbeat(site)["outcome"]


def test_word_to_try_again_is_not_lost_to_a_round_that_saw_nothing(site: Site) -> None:
    failing = {"fail_ms": 700}
    site.declare(service("web"), service("api"))
    site.converge()
    site.declare(service("web", version='"2"', sim=failing), service("api"))
    site.converge()
    started = sum(c.method == "startJobUpdate" for c in site.cluster.writes)
    site.cluster.befall = always_on(wire.Fault.UNREACHABLE)
    site.clock.later(60, lambda: setattr(site.cluster, "befall", wire.never))
    site.watch(1800, orders=Orders(retry=(JobPattern.parse("web"),)))
    again = sum(c.method == "startJobUpdate" for c in site.cluster.writes)
    assert again == started + 1
    assert reasons(site.step())["web"] == "Quarantined"


def test_cluster_that_stays_down_does_not_make_the_other_try_for_ever(tmp_path: Path) -> None:
    site = Site(tmp_path / "state", "dev", "eu1")
    site.declare(service("web"), service("api"))
    site.converge()
    site.declare(service("web", version='"2"', sim={"fail_ms": 700}), service("api"))
    site.converge()
    site.clusters["eu1"].befall = always_on(wire.Fault.UNREACHABLE)
    site.cluster.calls.clear()
    site.watch(1800, orders=Orders(retry=(JobPattern.parse("web"),)))
    assert sum(c.method == "startJobUpdate" for c in site.cluster.writes) == 1


# --- the parts


A_FAULT = Fault(FaultKind.SOURCE, "", "no such ref")
EMPTY = RoundReport(NOW, None, (), ())


def test_outcome_of_a_round_is_one_line(site: Site) -> None:
    site.declare(service("web"))
    report = site.step()
    assert outcome(report) == "converging"
    assert outcome(site.converge().report) == "settled"
    assert outcome(None) == "failed"
    assert outcome(replace(EMPTY, faults=(A_FAULT,))) == "faults: no such ref"
    first, second = (Problem(Origin(f"{name}.yaml"), "not YAML", "mend it") for name in "ab")
    assert outcome(replace(report, problems=(first,))) == "problems: a.yaml: not YAML; mend it"
    wrong = replace(report, problems=(second, first))
    assert outcome(wrong) == "problems: a.yaml: not YAML; mend it (and 1 more)"
    assert outcome(replace(wrong, faults=(A_FAULT,))) == "faults: no such ref"
    plan = report.rounds[0].plan
    unread = ClusterRound(replace(plan, unread="timeout", decisions=()))
    assert outcome(replace(EMPTY, rounds=(unread,))) == "faults: dev: timeout"


BLOCKED: dict[str, tuple[tuple[Reason, ...], str, int]] = {
    "one job": ((Reason.GUARDED,), "blocked: 1 job (1 Guarded)", 4),
    "several, for several reasons": (
        (Reason.QUARANTINED, Reason.GUARDED, Reason.QUARANTINED),
        "blocked: 3 jobs (1 Guarded, 2 Quarantined)",
        4,
    ),
    "a spec that failed": ((Reason.QUARANTINED,), "blocked: 1 job (1 Quarantined)", 5),
    "while another job still rolls": (
        (Reason.UPDATE_IN_FLIGHT, Reason.PAUSED),
        "blocked: 1 job (1 Paused)",
        4,
    ),
    "nothing but a job that rolls": ((Reason.UPDATE_IN_FLIGHT,), "converging", 2),
    "left alone as it is meant": ((Reason.SUSPENDED,), "settled", 0),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_heartbeat_tells_what_waits_for_a_person(name: str) -> None:
    reasons, words, number = BLOCKED[name]
    report = a_report(*(holds(f"job-{i}", reason) for i, reason in enumerate(reasons)))
    assert (outcome(report), code(report)) == (words, number)


def test_heartbeat_of_a_round_that_broke_tells_an_error_of_ours() -> None:
    assert code(None) == 1


def test_round_failed_when_no_cluster_answered_not_when_one_did(site: Site) -> None:
    site.declare(service("web"))
    good = site.step().rounds[0]
    bad = ClusterRound(replace(good.plan, unread="timeout"))
    for rounds, expected in (((good,), False), ((bad,), True), ((good, bad), False), ((), False)):
        assert failed(replace(EMPTY, rounds=rounds)) == expected
    assert failed(replace(EMPTY, rounds=(good,), faults=(A_FAULT,)))


class Steady(Random):
    """Chance that is always in the middle, or wherever it is told to be."""

    def __init__(self, value: float = 0.5) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


PAUSES: dict[str, tuple[float, int, int, float]] = {
    "nothing to wait for": (60, 0, 0, 60),
    "first failure": (60, 1, 0, 5),
    "second failure": (60, 2, 0, 10),
    "many failures": (60, 50, 0, 60),
    "failure of a fast loop": (2, 1, 0, 2),
    "first look": (60, 0, 1, 2),
    "second look": (60, 0, 2, 3),
    "many looks": (60, 0, 500, 60),
    "failures count more than looks": (60, 1, 9, 5),
}


@pytest.mark.parametrize("case", PAUSES.values(), ids=PAUSES)
def test_pause_between_rounds(case: tuple[float, int, int, float]) -> None:
    interval, failures, looks, expected = case
    assert pause(Rhythm(interval, Steady()), failures, looks) == pytest.approx(expected)


def test_pause_is_jittered_by_a_tenth_and_shorter_where_time_passes_faster() -> None:
    assert pause(Rhythm(60, Steady(0.0)), 0, 0) == pytest.approx(54)
    assert pause(Rhythm(60, Steady(1.0)), 0, 0) == pytest.approx(66)
    assert pause(Rhythm(60, Steady(), haste=20), 0, 1) == pytest.approx(0.1)
    assert pause(Rhythm(60, Steady(), haste=20), 0, 0) == pytest.approx(60)


class Woken(VirtualClock):
    """Each wait is ended at once, as by a change of a file."""

    def wait(self, seconds: float) -> None:
        super().wait(min(seconds, 0.01))


def test_wake_up_begins_the_next_round_at_once(site: Site) -> None:
    site.declare(service("web"))
    site.converge()
    site.clock = Woken(site.clock.now())
    site.events.clear()
    site.watch(1)
    assert rounds_told(site) > 50


def test_long_wait_is_cut_into_pieces_for_a_supervisor_and_is_one_wait_all_the_same(
    site: Site,
) -> None:
    site.declare(service("web"))
    site.converge()
    site.clock.waits.clear()
    site.events.clear()
    supervisor = Supervisor(site.state / "heartbeat.json", every_s=7.0)
    with site.rounds() as rounds:
        until = site.clock.monotonic() + 100
        watch(
            rounds,
            site.clock,
            Rhythm(60, Steady()),
            site.events.append,
            supervisor,
            lambda: site.clock.monotonic() >= until,
        )
    assert max(site.clock.waits) == 7.0
    assert rounds_told(site) == 2


def test_supervisor_hears_of_every_act_of_a_long_round(site: Site, tmp_path: Path) -> None:
    site.declare(*(service(f"job-{n}", instances=1) for n in range(5)))
    address = str(tmp_path / "notify")
    with listening(address) as door, site.rounds() as rounds:
        door.setblocking(False)
        heard: list[int] = []

        def listen(event: Event) -> None:
            with contextlib.suppress(BlockingIOError):
                while door.recv(1000).startswith(b"WATCHDOG=1"):
                    heard.append(isinstance(event, ActEnded))

        supervisor = Supervisor(site.state / "heartbeat.json", address)
        stop = iter([False, *[False] * 5, True])
        watch(
            rounds, site.clock, Rhythm(60, Steady()), listen, supervisor, lambda: next(stop, True)
        )
    assert sum(heard) >= 5


def test_wish_to_stop_is_heard_within_a_wait(site: Site) -> None:
    site.declare(service("web"))
    site.converge()
    began = site.clock.monotonic()
    stop = [False]
    site.clock.later(10, lambda: stop.__setitem__(0, True))
    with site.rounds() as rounds:
        run(rounds, site, lambda: stop[0])
    assert site.clock.monotonic() - began <= 20


def run(rounds: Rounds, site: Site, stopping: Callable[[], bool]) -> None:
    supervisor = Supervisor(site.state / "heartbeat.json", every_s=10.0)
    watch(rounds, site.clock, Rhythm(600, Steady()), site.events.append, supervisor, stopping)
