"""One round where its surroundings fail: the record, a seat, the order of several clusters."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.loop.converge import Limits as RunLimits
from reconciler.loop.converge import converge
from reconciler.loop.observe import Seat
from reconciler.loop.round import Rounds, always
from reconciler.model.keys import JobKey, JobPattern
from reconciler.model.outcome import Applied, Deferred
from reconciler.model.plan import Reason
from reconciler.model.policy import Cluster
from reconciler.model.round import ActEnded, ActStarted, Event, FaultKind, RoundPlanned, RoundReport
from reconciler.model.update import LiveUpdate, UpdateStatus
from reconciler.plan.inputs import Orders
from reconciler.record.fault import RecordError
from reconciler.record.store import Record
from reconciler.thrift.structs import JobUpdateQuery
from tests.support.cluster import Crash
from tests.support.site import NAME, Site, reasons, service


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state")


class FullAt(Crash):
    """The disk is full from the n-th point on."""

    def point(self) -> None:
        self.points += 1
        if self._at is not None and self.points >= self._at:
            raise RecordError("the record cannot be used: disk full")


@pytest.mark.parametrize("at", range(1, 12))
def test_disk_that_fills_up_stops_the_round_and_nothing_is_sent_unrecorded(
    site: Site, at: int
) -> None:
    site.declare(service("web"), service("api"))
    full = FullAt(at)
    # Only the record's points count here: what is sent has none of its own.
    site.crash = full
    with site.rounds() as rounds:
        site.cluster.crash = Crash()
        report = rounds.step(site.clock.now(), always, site.events.append, lambda: False)
    sent = site.cluster.writes
    assert [fault.kind for fault in report.faults] == [FaultKind.RECORD]
    (one,) = report.rounds
    # Whatever was sent is told, though the record did not live to hear of it.
    assert len(sent) - 1 <= len(one.outcomes) <= len(sent)
    intended = [event for event in site.events if isinstance(event, ActStarted)]
    assert len(sent) <= len(intended)
    site.crash = Crash()
    assert site.converge().converged
    assert len(site.cluster.tasks()) == 6
    found = site.cluster.by_hand("getJobUpdateSummaries", jobUpdateQuery=JobUpdateQuery()).result
    assert found is not None
    assert found.getJobUpdateSummariesResult is not None
    assert len(found.getJobUpdateSummariesResult.updateSummaries or ()) == 2


def test_record_that_cannot_be_written_ends_a_run_at_once(site: Site) -> None:
    site.declare(service("web"))
    site.crash = FullAt(1)
    with site.rounds() as rounds:
        site.cluster.crash = Crash()
        ended = converge(
            rounds, site.clock, RunLimits(lambda: 600.0), site.events.append, always, lambda: False
        )
    assert not ended.converged
    assert site.clock.waits == []
    assert site.cluster.writes == []


def with_seats(site: Site, seat: Callable[[Cluster], Seat | None]) -> RoundReport:
    with site.work() as work:
        made = Rounds(replace(work, seat=lambda cluster: seat(cluster) or work.seat(cluster)))
        return made.step(site.clock.now(), always, site.events.append, lambda: False)


SEATS: dict[str, tuple[Exception, FaultKind]] = {
    "CA file that is not there": (FileNotFoundError(2, "No such file"), FaultKind.SCHEDULER),
    "embedded world that cannot be read": (RecordError("move it away"), FaultKind.RECORD),
}


@pytest.mark.parametrize("case", SEATS.values(), ids=SEATS)
def test_cluster_that_cannot_be_reached_from_this_machine_stops_no_other(
    tmp_path: Path, case: tuple[Exception, FaultKind]
) -> None:
    error, kind = case
    site = Site(tmp_path / "state", "dev", "eu1")
    site.declare(service("web"))

    def seat(cluster: Cluster) -> Seat | None:
        if cluster.name == "eu1":
            raise error
        return None

    report = with_seats(site, seat)
    assert [(fault.kind, fault.scope) for fault in report.faults] == [(kind, "eu1")]
    assert reasons(report) == {"web": "Absent"}
    assert len(site.cluster.writes) == 1


def test_round_tells_what_it_does_while_it_does_it(site: Site) -> None:
    site.declare(service("web"))
    told: list[tuple[type[Event], int]] = []
    with site.rounds() as rounds:
        rounds.step(
            site.clock.now(),
            always,
            lambda event: told.append((type(event), len(site.cluster.writes))),
            lambda: False,
        )
    assert told == [(RoundPlanned, 0), (ActStarted, 0), (ActEnded, 1)]


def test_wish_to_stop_leaves_the_rest_for_another_time(site: Site) -> None:
    site.declare(*(service(f"job-{n}") for n in range(5)))
    with site.rounds() as rounds:
        report = rounds.step(
            site.clock.now(), always, site.events.append, lambda: len(site.cluster.writes) >= 2
        )
    kinds = [type(outcome) for outcome in report.rounds[0].outcomes]
    assert kinds == [Applied, Applied, Deferred, Deferred, Deferred]
    assert site.history("job-4") == []
    assert site.converge().converged


def test_round_about_some_jobs_leaves_what_is_known_of_the_others(site: Site) -> None:
    site.declare(service("web"), service("api"))
    site.converge()
    site.converge(Orders(only=(JobPattern.parse("web"),)))
    with Record(site.state, site.clock.now(), writing=False) as record:
        assert [job.key.name for job in record.conditions()] == ["api", "web"]
        assert {key.name for key in record.memory(NAME).owned} == {"api", "web"}


def test_update_that_ended_by_the_clock_of_a_former_leader_is_still_read(site: Site) -> None:
    """The next leader's clock is some seconds behind: its updates end before the watermark."""
    site.declare(service("web"), service("api"))
    site.converge()
    web = JobKey(NAME, "shop", "prod", "web")
    site.declare(service("web", version='"2"', sim={"fail_ms": 700}), service("api"))
    site.step()
    site.clock.pass_by(30)
    with site.work() as work:
        memory = work.record.memory(NAME)
        ahead = int(site.clock.now().timestamp() * 1000)
        known = LiveUpdate("u", "root", UpdateStatus.ROLLED_FORWARD, 0, 0, {})
        work.record.keep(
            NAME,
            memory,
            replace(memory, watermark_ms=ahead - 20_000, ended={**memory.ended, web: known}),
        )
    ended_ms = _ended_at(site)
    assert ended_ms < ahead - 20_000
    assert ended_ms > ahead - 20_000 - 10_000
    assert reasons(site.converge().report)["web"] == Reason.QUARANTINED.label
    assert [call.method for call in site.cluster.writes].count("startJobUpdate") == 3


def _ended_at(site: Site) -> int:
    query = JobUpdateQuery(limit=1)
    found = site.cluster.by_hand("getJobUpdateSummaries", jobUpdateQuery=query).result
    assert found is not None
    assert found.getJobUpdateSummariesResult is not None
    (newest,) = found.getJobUpdateSummariesResult.updateSummaries or ()
    assert newest.state is not None
    assert newest.state.lastModifiedTimestampMs is not None
    return newest.state.lastModifiedTimestampMs
