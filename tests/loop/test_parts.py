"""The small parts of the loop: waits, the clock, the supervisor, what counts as settled."""

import json
import signal
import threading
import time
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any

import pytest

from reconciler.loop.backoff import doubling, growing, jittered
from reconciler.loop.clock import SystemClock
from reconciler.loop.settled import blind, in_vain, sent, settled, waiting
from reconciler.loop.supervisor import Supervisor
from reconciler.model.outcome import Applied, Deferred
from reconciler.model.plan import Act, Decision, Hold, Keep, Reason
from reconciler.model.round import Fault, FaultKind, RoundReport
from tests.support.builders import NOW, a_key
from tests.support.plans import a_plan, a_report, an_act
from tests.support.systemd import listening

# --- waits


def test_looks_grow_by_half_and_tries_double_up_to_a_cap() -> None:
    assert [growing(n, 2.0, 9.0) for n in (1, 2, 3, 4, 5)] == [2.0, 3.0, 4.5, 6.75, 9.0]
    assert [doubling(n, 5.0, 60.0) for n in (1, 2, 3, 4, 5)] == [5.0, 10.0, 20.0, 40.0, 60.0]
    assert growing(10**6, 1.0, 60.0) == doubling(10**6, 1.0, 60.0) == 60.0


def test_jitter_stays_within_its_share() -> None:
    chance = Random(1)
    found = [jittered(100, 0.1, chance) for _ in range(1000)]
    assert 90 <= min(found) < 91
    assert 109 < max(found) <= 110


# --- the clock


def test_clock_shows_aware_utc_and_waits_by_a_reading_that_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    before = clock.monotonic()
    clock.wait(0.02)
    assert clock.monotonic() - before >= 0.02


def test_wait_of_no_time_is_over() -> None:
    SystemClock().wait(-1)


def test_wake_up_ends_the_wait_that_goes_on() -> None:
    clock = SystemClock()
    timer = threading.Timer(0.02, clock.wake)
    timer.start()
    before = time.monotonic()
    clock.wait(30)
    assert time.monotonic() - before < 10
    timer.join()


def test_wake_ups_that_nobody_waited_for_end_one_wait_only() -> None:
    clock = SystemClock()
    for _ in range(5):
        clock.wake()
    before = time.monotonic()
    clock.wait(30)
    assert time.monotonic() - before < 10
    clock.wait(0.02)
    assert time.monotonic() - before >= 0.02


def test_signal_handler_may_wake() -> None:
    clock = SystemClock()
    before = signal.signal(signal.SIGALRM, lambda *_: clock.wake())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        began = time.monotonic()
        clock.wait(30)
        assert time.monotonic() - began < 10
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- the supervisor


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract name"])
def test_systemd_is_told_by_its_socket(tmp_path: Path, abstract: bool) -> None:
    address = f"\0reconcile-{id(tmp_path)}" if abstract else str(tmp_path / "notify")
    with listening(address) as door:
        shown = "@" + address[1:] if abstract else address
        supervisor = Supervisor(tmp_path / "heartbeat.json", shown)
        supervisor.ready()
        supervisor.alive()
        supervisor.rounded(NOW, "settled", 0)
        supervisor.stopping()
        told = [door.recv(1000).decode() for _ in range(4)]
    assert told == ["READY=1", "WATCHDOG=1", "WATCHDOG=1\nSTATUS=settled", "STOPPING=1"]


def test_heartbeat_tells_when_a_round_ended_and_how(tmp_path: Path) -> None:
    Supervisor(tmp_path / "heartbeat.json").rounded(NOW, "blocked: 1 job (1 Quarantined)", 5)
    told = json.loads((tmp_path / "heartbeat.json").read_text(encoding="utf-8"))
    words = "blocked: 1 job (1 Quarantined)"
    assert told == {"at": NOW.isoformat(), "outcome": words, "exitCode": 5}
    assert [path.name for path in tmp_path.iterdir()] == ["heartbeat.json"]


DEAF: dict[str, Any] = {"no socket": None, "an empty name": "", "nobody there": "/nowhere/notify"}


@pytest.mark.parametrize("address", DEAF.values(), ids=DEAF)
def test_what_cannot_be_told_does_not_end_the_loop(tmp_path: Path, address: str | None) -> None:
    supervisor = Supervisor(tmp_path / "missing" / "heartbeat.json", address)
    supervisor.ready()
    supervisor.rounded(NOW, "settled", 0)
    supervisor.stopping()


# --- settled

ACT = an_act()
WAITING = Hold(a_key(), "shop", Reason.UPDATE_IN_FLIGHT)
BLOCKED = Hold(a_key(), "shop", Reason.PAUSED)
MEANT = Hold(a_key(), "shop", Reason.SUSPENDED)
UNKNOWN = Hold(a_key(), "shop", Reason.LIVE_UNKNOWN)
KEPT = Keep(a_key(), "shop", Reason.CONVERGED)


def unread(*decisions: Decision) -> RoundReport:
    return a_report(plans=(a_plan(*decisions, unread="timeout"),))


FAULTY = replace(a_report(KEPT), faults=(Fault(FaultKind.SOURCE, "", "no such ref"),))

# Settled, and blind: nothing left to wait for but an answer.
REPORTS: dict[str, tuple[RoundReport, bool, bool]] = {
    "nothing at all": (a_report(), True, False),
    "kept, blocked, meant": (a_report(KEPT, BLOCKED, MEANT), True, False),
    "an act": (a_report(KEPT, ACT), False, False),
    "a hold that resolves itself": (a_report(KEPT, WAITING), False, False),
    "one job unknown": (a_report(KEPT, UNKNOWN), False, True),
    "one unknown, another rolling": (a_report(UNKNOWN, WAITING), False, False),
    "a cluster that was not read": (
        unread(UNKNOWN),
        False,
        True,
    ),
    "a cluster that was not read and has no jobs": (unread(), False, True),
    "a fault": (FAULTY, False, True),
}


@pytest.mark.parametrize("case", REPORTS.values(), ids=REPORTS)
def test_run_is_over_when_nothing_moves_and_everything_could_be_read(case: Any) -> None:
    report, is_settled, is_blind = case
    assert (settled(report), blind(report)) == (is_settled, is_blind)


def test_what_is_waited_for_are_the_holds_that_resolve_themselves() -> None:
    assert waiting(a_report(ACT, WAITING, BLOCKED, UNKNOWN)) == (WAITING, UNKNOWN)


def test_run_is_in_vain_when_all_that_was_sent_was_put_off() -> None:
    assert isinstance(ACT, Act)
    off, done = Deferred(ACT, "not permitted"), Applied(ACT)
    for outcomes, vain in (((), False), ((off,), True), ((off, done), False), ((done,), False)):
        report = a_report(ACT, outcomes=outcomes)
        assert in_vain(report) == vain
        assert sent(report) == bool(outcomes)
