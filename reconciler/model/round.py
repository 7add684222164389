"""One round, as it is told to people and machines: what was read, decided and done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from reconciler.model.keys import JobKey
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Act, Hold, Plan, Reason
from reconciler.model.problem import Origin, Problem
from reconciler.model.tree import Revision


class FaultKind(Enum):
    """What failed: the desired state (exit 6), a scheduler (6), our record (9).

    And, of a round that could read everything: every act that it tried (5).
    """

    SOURCE = "source"
    SCHEDULER = "scheduler"
    RECORD = "record"
    ACTS = "acts"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something outside failed. `scope` is a cluster, a path or empty."""

    kind: FaultKind
    scope: str
    message: str


@dataclass(frozen=True, slots=True)
class ClusterRound:
    """What was decided for one cluster, and what became of the acts (empty in a preview)."""

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundReport:
    """One round over all clusters. `revision` is None when nothing could be read.

    `notes` are what is not wrong with the desired state, and worth a look.
    """

    at: datetime
    revision: Revision | None
    problems: tuple[Problem, ...]
    rounds: tuple[ClusterRound, ...]
    faults: tuple[Fault, ...] = ()
    preview: bool = False
    notes: tuple[Problem, ...] = ()

    @property
    def wrong(self) -> list[Problem]:
        """Return what is wrong with the desired state, each once, in the order of the files."""
        return sorted({*self.problems, *(p for r in self.rounds for p in r.plan.problems)})


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """A round begins. `number` counts from 1 within this run."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class RoundPlanned:
    """A round knows what it would do; nothing has been sent yet."""

    at: datetime
    report: RoundReport


@dataclass(frozen=True, slots=True)
class ActStarted:
    """An act is about to be sent."""

    at: datetime
    act: Act


@dataclass(frozen=True, slots=True)
class ActEnded:
    """What became of an act that had started."""

    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to send now; these holds resolve themselves, until then there is nothing to do.

    `hold.detail` tells how far an update has come. `until` is when waiting will be given up.
    """

    at: datetime
    holds: tuple[Hold, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoundEnded:
    """A round is over; with its outcomes."""

    at: datetime
    report: RoundReport


Event = RoundStarted | RoundPlanned | ActStarted | ActEnded | Waiting | RoundEnded


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The condition of one job, as the last round left it.

    `since` says how long it has had this reason, `revision` which one was applied last, `origin`
    where it is declared; None where nobody knows.
    """

    key: JobKey
    project: str
    reason: Reason
    detail: str = ""
    release: str = ""
    since: datetime | None = None
    revision: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class PastAct:
    """An act as history has it. `outcome` is what became of it, or what was found of it later.

    A try that is deferred round after round is one act, of so many `times`; `at` is the last.
    """

    at: datetime
    action: str
    reason: str
    outcome: str
    message: str
    revision: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class LastRound:
    """The last round that could read a cluster. `unmanaged` counts what is not ours there."""

    cluster: str
    at: datetime
    revision: str
    unmanaged: int


@dataclass(frozen=True, slots=True)
class Failing:
    """What failed in the last round, in so many `rounds` in a row, and since when."""

    fault: Fault
    since: datetime
    at: datetime
    rounds: int


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch that has begun on this record, and who it is. `runs`: it has not ended since."""

    who: str
    since: datetime
    runs: bool


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What is remembered of all jobs, and what could not be read of it.

    `at` is the time of asking. `rounds` are the last good ones, one for each cluster; `failing` is
    what failed since. `clocks` names clusters whose time passes faster than ours, and how many
    times as fast: times within a detail are theirs. `acts` are the last ones of each job, newest
    first. `unjudged` says of clusters why no round can look at them as things are; `found` whether
    anybody knows which record is meant.
    """

    at: datetime
    rounds: tuple[LastRound, ...]
    jobs: tuple[JobStatus, ...]
    problems: tuple[Problem, ...] = ()
    faults: tuple[Fault, ...] = ()
    clocks: tuple[tuple[str, float], ...] = ()
    failing: tuple[Failing, ...] = ()
    watch: Watch | None = None
    acts: Mapping[JobKey, tuple[PastAct, ...]] = field(default_factory=dict)
    unjudged: tuple[tuple[str, str], ...] = ()
    found: bool = True

    @property
    def last(self) -> LastRound | None:
        """Return the last round of all clusters; None before the first."""
        return max(self.rounds, key=lambda found: (found.at, found.cluster), default=None)

    @property
    def unmanaged(self) -> int:
        """Return how many jobs of all clusters were nobody's of ours, at the last round of each."""
        return sum(found.unmanaged for found in self.rounds)
