"""One round: read what is desired, observe what is live, plan the difference, apply it, remember.

`step` never sleeps and decides nothing: decisions are the planner's, and what is remembered next is
`plan.learn`'s. Clusters do not wait for each other's answers, and one that fails delays no other.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.apply import carry_out_plan
from reconciler.loop.clock import Clock
from reconciler.loop.desired import Declared, Reader
from reconciler.loop.journal import RoundJournal
from reconciler.loop.observe import Planned, Seat, planned, revisions
from reconciler.model.live import LiveSnapshot
from reconciler.model.memory import Memory
from reconciler.model.policy import Cluster
from reconciler.model.round import ClusterRound, Event, Fault, FaultKind, RoundReport
from reconciler.plan import learn
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.record.fault import RecordError
from reconciler.record.store import Record
from reconciler.sources.port import SourceError

# Reading only waits for the network, so clusters are read side by side; so many at a time.
READERS_MAX = 16

Listen = Callable[[Event], None]
Consent = Callable[[RoundReport], bool]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What rounds work with, wired once. `only` leaves every other cluster alone."""

    reader: Reader
    record: Record
    seat: Callable[[Cluster], Seat]
    orders: Orders
    clock: Clock
    mint: Callable[[], str]
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One cluster after its bulk reading."""

    cluster: Cluster
    seat: Seat
    now: datetime
    stored: Memory
    snapshot: LiveSnapshot


def always(report: RoundReport) -> bool:
    """Consent to whatever is planned: nobody is there to be asked."""
    del report
    return True


class Rounds:
    """Does one round at a time. Remembers nothing that matters: that is the record's."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def preview(self, now: datetime) -> RoundReport:
        """Return what a round would do. Nothing is sent and nothing is written."""
        _, report = self._draw(now)
        return replace(report, preview=True)

    def step(
        self, now: datetime, consent: Consent, listen: Listen, stopping: Callable[[], bool]
    ) -> RoundReport:
        """Do one round; when `consent` to its plans is not given, send and write nothing."""
        drawn, report = self._draw(now)
        if not consent(report):
            return replace(report, preview=True)
        rounds: list[ClusterRound] = []
        faults = list(report.faults)
        broken: list[Exception] = []
        for one in drawn:
            try:
                rounds.append(self._apply(one, listen, stopping))
            except RecordError as e:
                faults.append(Fault(FaultKind.RECORD, one.plan.cluster, str(e)))
                rounds.append(ClusterRound(one.plan))
            except Exception as e:
                broken.append(e)
        if broken:
            raise ExceptionGroup("a round broke", broken)
        # A person's word to try again is for once: the memory keeps when it was given.
        self._work = replace(self._work, orders=replace(self._work.orders, retry=()))
        return replace(report, rounds=tuple(rounds), faults=tuple(faults))

    def _draw(self, now: datetime) -> tuple[list[Planned], RoundReport]:
        """Read what is desired and what is live, and plan the difference."""
        try:
            declared = self._declared()
        except SourceError as e:
            return [], _failed(now, Fault(FaultKind.SOURCE, "", str(e)))
        except RecordError as e:
            return [], _failed(now, Fault(FaultKind.RECORD, "", str(e)))
        try:
            surveyed = self._surveyed(declared, now)
        except RecordError as e:
            return [], _failed(now, Fault(FaultKind.RECORD, "", str(e)))
        asked = (revisions(one.stored, one.snapshot) for one in surveyed)
        try:
            declared = self._work.reader.ancestry(declared, frozenset().union(*asked))
        except SourceError as e:
            log.warning("where revisions come from cannot be told: %s", e)
        with ThreadPoolExecutor(READERS_MAX) as pool:
            drawn = list(pool.map(lambda one: self._planned(one, declared), surveyed))
        rounds = tuple(ClusterRound(one.plan) for one in drawn)
        return drawn, RoundReport(now, declared.tree.revision, declared.problems, rounds)

    def _declared(self) -> Declared:
        owned = self._work.record.owned()
        asked = frozenset(told.revision for told in owned.values()) - {""}
        return self._work.reader.read(owned, asked)

    def _surveyed(self, declared: Declared, now: datetime) -> list[Surveyed]:
        """Read every cluster in bulk, side by side."""
        policies = declared.tree.policies
        clusters = sorted((policies.clusters if policies is not None else {}).items())
        wanted = [c for name, c in clusters if self._work.only in (None, name)]
        memories = [self._work.record.memory(cluster.name) for cluster in wanted]
        with ThreadPoolExecutor(READERS_MAX) as pool:
            return list(pool.map(lambda c, m: self._survey(c, m, now), wanted, memories))

    def _survey(self, cluster: Cluster, stored: Memory, now: datetime) -> Surveyed:
        seat = self._work.seat(cluster)
        there = seat.time(now)
        snapshot = seat.port.survey(there, stored.watermark_ms)
        return Surveyed(cluster, seat, there, stored, learn.news(stored, snapshot))

    def _planned(self, one: Surveyed, declared: Declared) -> Planned:
        name = one.cluster.name
        given = PlanInput(
            cluster=one.cluster,
            tree=declared.tree,
            rendered={k: r for k, r in declared.rendered.items() if k.cluster == name},
            unrendered={k: p for k, p in declared.unrendered.items() if k.cluster == name},
            snapshot=one.snapshot,
            memory=learn.looked_again(one.stored, one.snapshot),
            now=one.now,
            orders=self._work.orders,
        )
        return planned(one.seat, given, one.stored)

    def _apply(self, one: Planned, listen: Listen, stopping: Callable[[], bool]) -> ClusterRound:
        work = self._work
        journal = RoundJournal(work.record, one.given, one.stored, work.clock.now, listen)
        journal.begin()
        outcomes = carry_out_plan(one.plan, one.seat.port, journal, work.mint, stopping)
        journal.end(one.plan)
        return ClusterRound(one.plan, outcomes)


def _failed(now: datetime, fault: Fault) -> RoundReport:
    return RoundReport(now, None, (), (), (fault,))
