"""One round: read what is desired, observe what is live, plan the difference, apply it, remember.

`step` never sleeps and decides nothing: decisions are the planner's, and what is remembered next is
`plan.learn`'s. Clusters are read side by side, and one that fails keeps no other from its share; a
round takes as long as its slowest reading.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from reconciler.apply import carry_out_plan
from reconciler.loop.clock import Clock
from reconciler.loop.desired import Declared, Reader, notes
from reconciler.loop.failing import failing
from reconciler.loop.journal import RoundJournal
from reconciler.loop.observe import Planned, Seat, planned, revisions
from reconciler.model.live import LiveSnapshot
from reconciler.model.memory import Memory
from reconciler.model.plan import Plan
from reconciler.model.policy import Cluster
from reconciler.model.round import (
    ClusterRound,
    Event,
    Fault,
    FaultKind,
    RoundPlanned,
    RoundReport,
)
from reconciler.plan import learn
from reconciler.plan.guard import HOUR
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.plan.quiet import Past
from reconciler.plan.unserved import may_give_up, unserved
from reconciler.record.fault import RecordError
from reconciler.record.store import Record
from reconciler.sources.port import SourceError

# Reading only waits for the network, so clusters are read side by side; so many at a time.
READERS_MAX = 16

# The clocks of two leaders differ: what ended just before the watermark is read once more, since
# by the next leader's clock it may have ended after it.
SKEW_MS = 10_000

Listen = Callable[[Event], None]
Consent = Callable[[RoundReport], bool]

T = TypeVar("T")
R = TypeVar("R")

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


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a round would do, and the clusters that are gone for good by a person's word."""

    planned: tuple[Planned, ...]
    report: RoundReport
    gone: tuple[str, ...] = ()


def always(report: RoundReport) -> bool:
    """Consent to whatever is planned: nobody is there to be asked."""
    del report
    return True


class Rounds:
    """Does one round at a time. Remembers nothing that matters: that is the record's.

    What it keeps of the round before saves work and changes no decision.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._retried: frozenset[str] = frozenset()
        self._past: dict[str, Past] = {}
        self._approved: dict[str, tuple[datetime, frozenset[str]]] = {}

    def preview(self, now: datetime) -> RoundReport:
        """Return what a round would do. Nothing is sent and nothing is written."""
        return replace(self._draw(now).report, preview=True)

    def step(
        self, now: datetime, consent: Consent, listen: Listen, stopping: Callable[[], bool]
    ) -> RoundReport:
        """Do one round; when `consent` to its plans is not given, send and write nothing."""
        drawn = self._draw(now)
        report = drawn.report
        if not consent(report):
            return replace(report, preview=True)
        listen(RoundPlanned(self._work.clock.now(), report))
        rounds: list[ClusterRound] = []
        faults = list(report.faults)
        broken: list[Exception] = []
        for one in drawn.planned:
            journal = self._journal(one, listen)
            try:
                self._apply(one, journal, stopping)
            except RecordError as fault:
                faults.append(Fault(FaultKind.RECORD, one.plan.cluster, str(fault)))
            except Exception as fault:
                # What breaks one cluster's share is raised when the others have had theirs.
                broken.append(fault)
                continue
            rounds.append(ClusterRound(one.plan, tuple(journal.outcomes)))
        if broken:
            raise ExceptionGroup("a round broke", broken)
        rounds += report.rounds[len(drawn.planned) :]
        faults += self._gave_up(drawn.gone)
        done = replace(report, rounds=tuple(rounds), faults=tuple(faults))
        return self._remembered(done, stopped=stopping())

    def _remembered(self, report: RoundReport, *, stopped: bool) -> RoundReport:
        """Write down what failed, for whoever asks later; what that comes to is in the report."""
        work = self._work
        # Acts that nobody got to send were not refused.
        told = replace(report, rounds=tuple(replace(r, outcomes=()) for r in report.rounds))
        try:
            before = work.record.failing()
            after = failing(before, told if stopped else report, work.clock.now(), work.only)
            if before or after:
                work.record.keep_failing(after)
        except RecordError as fault:
            unkept = Fault(FaultKind.RECORD, "", str(fault))
            return replace(report, faults=(*report.faults, unkept))
        return report

    def _gave_up(self, gone: Iterable[str]) -> Iterator[Fault]:
        """Forget the jobs of clusters that are gone for good; yield what kept us from it."""
        for cluster in gone:
            try:
                memory = self._work.record.memory(cluster)
                self._work.record.keep(cluster, memory, learn.given_up(memory))
            except RecordError as fault:
                yield Fault(FaultKind.RECORD, cluster, str(fault))

    def _draw(self, now: datetime) -> Drawn:
        """Read what is desired and what is live, and plan the difference."""
        try:
            declared = self._declared()
        except SourceError as fault:
            return _failed(now, Fault(FaultKind.SOURCE, "", str(fault)))
        except RecordError as fault:
            return _failed(now, Fault(FaultKind.RECORD, "", str(fault)))
        try:
            found = self._surveyed(declared, now)
        except RecordError as fault:
            return _failed(now, Fault(FaultKind.RECORD, "", str(fault)))
        surveyed = [one for one in found if isinstance(one, Surveyed)]
        faults = tuple(one for one in found if isinstance(one, Fault))
        asked = (revisions(one.stored, one.snapshot) for one in surveyed)
        try:
            declared = self._work.reader.ancestry(declared, frozenset().union(*asked))
        except SourceError as fault:
            log.warning("where revisions come from cannot be told: %s", fault)
        drawn = _side_by_side(lambda one: self._planned(one, declared), surveyed)
        held = tuple(self._unserved(declared, now))
        rounds = tuple(map(ClusterRound, (*(one.plan for one in drawn), *held)))
        gone = held if may_give_up(declared.tree, self._work.orders) else ()
        told = notes(declared.tree, {one.cluster.name: one.now for one in surveyed})
        revision = declared.tree.revision
        report = RoundReport(now, revision, declared.told, rounds, faults, notes=told)
        return Drawn(tuple(drawn), report, tuple(plan.cluster for plan in gone))

    def _declared(self) -> Declared:
        return self._work.reader.read(self._work.record.owned())

    def _unserved(self, declared: Declared, now: datetime) -> Iterator[Plan]:
        """Yield what is held since no document declares its cluster."""
        work, tree = self._work, declared.tree
        for plan in unserved(tree, work.record.owned(), work.orders, now):
            if work.only in (None, plan.cluster):
                yield plan

    def _surveyed(self, declared: Declared, now: datetime) -> list[Surveyed | Fault]:
        """Read every cluster in bulk, side by side."""
        policies = declared.tree.policies
        clusters = sorted((policies.clusters if policies is not None else {}).items())
        wanted = [c for name, c in clusters if self._work.only in (None, name)]
        known = [(cluster, self._work.record.memory(cluster.name)) for cluster in wanted]
        return _side_by_side(lambda one: self._survey(*one, now), known)

    def _survey(self, cluster: Cluster, stored: Memory, now: datetime) -> Surveyed | Fault:
        try:
            seat = self._work.seat(cluster)
        except RecordError as fault:
            return Fault(FaultKind.RECORD, cluster.name, str(fault))
        except OSError as fault:
            # What the cluster's document names and this machine does not have: a CA file, say.
            return Fault(FaultKind.SCHEDULER, cluster.name, str(fault))
        there = seat.time(now)
        snapshot = seat.port.survey(max(stored.watermark_ms - SKEW_MS, 0))
        return Surveyed(cluster, seat, there, stored, learn.news(stored, snapshot))

    def _planned(self, one: Surveyed, declared: Declared) -> Planned:
        name = one.cluster.name
        known = learn.looked_again(one.stored, one.snapshot)
        given = PlanInput(
            cluster=one.cluster,
            tree=declared.tree,
            rendered={k: r for k, r in declared.rendered.items() if k.cluster == name},
            unrendered={k: p for k, p in declared.unrendered.items() if k.cluster == name},
            snapshot=one.snapshot,
            memory=learn.declared_again(known, declared.keys()),
            now=one.now,
            orders=self._orders(name, one.now),
        )
        found = planned(one.seat, given, one.stored, self._past.get(name))
        self._past[name] = found.past
        if found.plan.approved != given.orders.approved:
            self._approved[name] = (one.now, found.plan.approved)
        return found

    def _orders(self, cluster: str, now: datetime) -> Orders:
        """A person's word to try again is for once: the memory keeps when it was given. What was
        approved holds for the rounds that it takes, and not for ever."""
        orders = self._work.orders
        retry = () if cluster in self._retried else orders.retry
        at, approved = self._approved.get(cluster, (now, frozenset[str]()))
        return replace(orders, retry=retry, approved=approved if now - at < HOUR else frozenset())

    def _journal(self, one: Planned, listen: Listen) -> RoundJournal:
        work = self._work
        return RoundJournal(work.record, one.given, one.stored, work.clock.now, listen)

    def _apply(self, one: Planned, journal: RoundJournal, stopping: Callable[[], bool]) -> None:
        journal.begin()
        tried = carry_out_plan(one.plan, one.seat.port, journal, self._work.mint, stopping)
        journal.end(one.plan)
        journal.outcomes = list(tried)
        if one.plan.unread is None:
            self._retried |= {one.plan.cluster}


def _side_by_side(deed: Callable[[T], R], told: list[T]) -> list[R]:
    """Return what the deed makes of each, in order; a single one needs no thread."""
    if len(told) <= 1:
        return [deed(one) for one in told]
    with ThreadPoolExecutor(READERS_MAX) as pool:
        return list(pool.map(deed, told))


def _failed(now: datetime, fault: Fault) -> Drawn:
    return Drawn((), RoundReport(now, None, (), (), (fault,)))
