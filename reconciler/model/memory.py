"""What is remembered from earlier rounds, as the planner is told it.

The record keeps it; here it is only read. `fresh` says that there was no record: then ownership
is rebuilt from marks, and what changes or ends such a job holds until someone confirms, since a
mark can be copied. Without `installation` there is none even now: a preview from elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from reconciler.model.keys import JobKey
from reconciler.model.policy import Guard, OnRemove, Prune
from reconciler.model.update import LiveUpdate


@dataclass(frozen=True, slots=True)
class Owned:
    """A job of ours: by which project, since when, from which file, at which revision last.

    `idle` says that there was nothing to run when it was last seen as it was declared.
    """

    project: str
    since: datetime
    path: str
    revision: str
    on_remove: OnRemove = OnRemove.FINISH
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A spec that rolled back, failed or was refused: not tried again until it changes.

    `spec` is the digest of all that is declared but the number of instances, which heals no crash.
    """

    spec: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """When a job of ours was first missing from a complete tree, and at which revision."""

    at: datetime
    revision: str


class Deed(Enum):
    """What the guard counts."""

    PRUNE = "prune"
    KILL = "kill"
    RESTART = "restart"
    SCALE_DOWN = "scale-down"


@dataclass(frozen=True, slots=True)
class Spent:
    """One act that the guard counts: RESTART counts jobs whose running instances were restarted.

    `before` is how many instances there were before a scale-down.
    """

    at: datetime
    project: str
    key: JobKey
    deed: Deed
    before: int = 0


@dataclass(frozen=True, slots=True)
class Intent:
    """An act written down before it was sent, whose outcome is not yet known.

    With all that makes its job ours, should it turn out to have happened.
    """

    token: str
    action: str
    spec: str
    at: datetime
    project: str = ""
    path: str = ""
    revision: str = ""


# Under this name stand the platform's own limits, beside those of its projects.
FLEET = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """A project's limits at `revision`, or the fleet's: as declared there, and as in force there.

    What is in force is the stricter of this revision's and the one before: loosening a limit takes
    effect one revision later, so that no commit can loosen the guard and use it at once.
    """

    revision: str
    guard: Guard
    guard_in_force: Guard
    prune: Prune
    prune_in_force: Prune


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything remembered about one cluster.

    `retried` holds the update that had ended last when a person gave the job another try: it no
    longer counts against it, and one that fails later does, whatever our clock says. `ended` holds
    the last update of each job that is known to have ended; `watermark_ms` is how far such updates
    were read, so that each is read once. `newest` is the revision of the last whole tree that was
    not known to be older than the one before: what was removed since is on no other record.
    """

    installation: str
    fresh: bool = False
    owned: Mapping[JobKey, Owned] = field(default_factory=dict)
    quarantined: Mapping[JobKey, Quarantine] = field(default_factory=dict)
    absences: Mapping[JobKey, Absence] = field(default_factory=dict)
    spent: tuple[Spent, ...] = ()
    intents: Mapping[JobKey, Intent] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    retried: Mapping[JobKey, str] = field(default_factory=dict)
    running_jobs: int | None = None
    ended: Mapping[JobKey, LiveUpdate] = field(default_factory=dict)
    watermark_ms: int = 0
    newest: str = ""
