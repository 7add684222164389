"""The executor's journal for one cluster in one round: memory folded act by act, and stored.

What follows from an act is `plan.learn`'s to say; here each step only reaches the disk before the
next thing happens, and is told to whoever listens.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from reconciler.model.keys import JobKey
from reconciler.model.memory import Memory
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Act, Hold, Plan, Reason
from reconciler.model.round import ActEnded, ActStarted, Event, JobStatus, PastAct
from reconciler.plan import learn
from reconciler.plan.inputs import PlanInput
from reconciler.record.store import Record
from reconciler.report.release import as_called, exact, remembered

# What a later reading shows of an act; the third where live cannot tell.
FOUND = {
    True: "found carried out",
    False: "found not carried out",
    None: "looked at again",
}


class RoundJournal:
    """Implements `apply.Journal` over the record.

    `stored` is what the record holds, `given.memory` what the reading has already added to it.
    `now` is only for showing when something happened. `outcomes` are told even of a round that the
    record did not survive.
    """

    def __init__(
        self,
        record: Record,
        given: PlanInput,
        stored: Memory,
        now: Callable[[], datetime],
        listen: Callable[[Event], None],
    ) -> None:
        self._record = record
        self._given = given
        self._now = now
        self._listen = listen
        self._memory = stored
        self.outcomes: list[Outcome] = []

    def begin(self) -> None:
        """Store what the reading told: which acts of an earlier round had happened."""
        self._keep(self._given.memory, self._found())

    def _found(self) -> Iterator[tuple[JobKey, PastAct]]:
        """Yield what was found of acts that were sent and whose outcome was not heard of."""
        left = self._given.memory.intents
        for key, intent in sorted(self._memory.intents.items()):
            if key not in left:
                seen = learn.effect(self._given.snapshot, key, intent)
                sent = f"sent at {intent.at:%Y-%m-%d %H:%M:%SZ}, its reply was lost"
                told = FOUND[seen]
                yield key, PastAct(self._now(), intent.action, "", told, sent, intent.revision)

    def intend(self, act: Act, token: str) -> None:
        self._keep(learn.intended(self._given, self._memory, act, token), of=act.key)
        self._listen(ActStarted(self._now(), act))

    def settle(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        after = learn.carried_out(self._given, self._memory, outcome)
        revision = self._given.tree.revision.id
        self._record.settle(self._memory, after, self._now(), outcome, revision)
        self._memory = after
        self._listen(ActEnded(self._now(), outcome))

    def end(self, plan: Plan) -> None:
        """Store what the round as a whole taught, and the condition of every job."""
        self._keep(learn.rounded(self._given, self._memory, plan))
        if plan.unread is None:
            # By our clock, whatever the cluster's says: these times are for whoever asks here.
            now = self._now()
            jobs = conditions(plan, self._memory, now, self._releases(plan))
            unmanaged = None if self._given.orders.only else plan.unmanaged
            self._record.keep_round(plan.cluster, now, plan.revision.id, unmanaged, jobs)

    def _releases(self, plan: Plan) -> Callable[[Hold], str]:
        """Return what says how a hold is released from now on."""
        orders = self._given.orders
        called = as_called(orders.only, orders.adopt, allow_older=orders.allow_older)
        return lambda hold: remembered(exact(hold.release, plan.digest), called)

    def _keep(
        self,
        after: Memory,
        found: Iterable[tuple[JobKey, PastAct]] = (),
        of: JobKey | None = None,
    ) -> None:
        self._record.keep(self._given.cluster.name, self._memory, after, found, of)
        self._memory = after


def conditions(
    plan: Plan, memory: Memory, now: datetime, release: Callable[[Hold], str]
) -> Iterator[JobStatus]:
    """Yield the condition of every job that is declared or ours."""
    for decision in plan.decisions:
        if decision.reason is Reason.UNMANAGED:
            continue
        owned = memory.owned.get(decision.key)
        yield JobStatus(
            key=decision.key,
            project=decision.project,
            reason=decision.reason,
            detail=decision.detail,
            release=release(decision) if isinstance(decision, Hold) else "",
            since=now,
            revision=owned.revision if owned is not None else None,
            origin=decision.origin,
        )
