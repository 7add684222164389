"""The plan: for every known job exactly one decision, each with one reason.

The same value feeds the preview, its JSON, the executor and the tests; none of them decides.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.problem import Origin, Problem
from reconciler.model.spec import Collision
from reconciler.model.task import Config
from reconciler.model.tree import Revision
from reconciler.model.update import UpdateSettings


class Standing(Enum):
    """What a reason means for whoever waits for the job to converge."""

    ACT = "act"
    WAITING = "waiting"
    BLOCKED = "blocked"
    MEANT = "meant"
    KEPT = "kept"


class Reason(Enum):
    """Why a job is acted upon, held or kept. One word in plan, status, log and page alike."""

    # acts
    ABSENT = ("Absent", Standing.ACT, "declared, not live")
    DRIFTED = ("Drifted", Standing.ACT, "live differs from what is declared")
    SCALED_TO_ZERO = ("ScaledToZero", Standing.ACT, "declared with 0 instances")
    CRON_ABSENT = ("CronAbsent", Standing.ACT, "declared, not scheduled")
    CRON_DRIFTED = ("CronDrifted", Standing.ACT, "the template differs from what is declared")
    CRON_DISABLED = ("CronDisabled", Standing.ACT, "declared with enabled: false")
    KIND_CHANGED = ("KindChanged", Standing.ACT, "live is of another kind than declared")
    SUPERSEDED = ("Superseded", Standing.ACT, "an update to another spec is in flight")
    AUTO_PAUSED = ("AutoPaused", Standing.ACT, "our update waits and cannot move by itself")
    STALLED = ("Stalled", Standing.ACT, "our update never gets up")
    REMOVED = ("Removed", Standing.ACT, "ours, and no longer declared")
    # holds that resolve themselves
    LIVE_UNKNOWN = ("LiveUnknown", Standing.WAITING, "the scheduler did not say what is live")
    UPDATE_IN_FLIGHT = ("UpdateInFlight", Standing.WAITING, "our update is rolling")
    TASKS_DYING = ("TasksDying", Standing.WAITING, "tasks are being killed; Aurora counts them")
    MASTER_NOT_SETTLED = ("MasterNotSettled", Standing.WAITING, "its master is not settled")
    QUOTA_TAKEN = ("QuotaTaken", Standing.WAITING, "its quota is free once other jobs are gone")
    WORKERS_FIRST = ("WorkersFirst", Standing.WAITING, "removed after its workers are gone")
    RUN_IN_PROGRESS = ("RunInProgress", Standing.WAITING, "a run of the former template goes on")
    SECOND_LOOK = ("SecondLook", Standing.WAITING, "a prune needs two readings 30 s apart")
    STALE_BASIS = ("StaleBasis", Standing.WAITING, "live moved between reading and acting")
    OUTCOME_UNKNOWN = ("OutcomeUnknown", Standing.WAITING, "an act was sent, its reply was lost")
    # holds that a person must release
    INVALID = ("Invalid", Standing.BLOCKED, "its document is invalid or not granted")
    INFEASIBLE = ("Infeasible", Standing.BLOCKED, "the scheduler would not take it")
    OVER_QUOTA = ("OverQuota", Standing.BLOCKED, "the role's quota does not allow it")
    FOREIGN_UPDATE = ("ForeignUpdate", Standing.BLOCKED, "an update that is not ours is active")
    PAUSED = ("Paused", Standing.BLOCKED, "a person paused our update")
    BATCH_DONE = ("BatchDone", Standing.BLOCKED, "a batch is done, and its rollout asks a person")
    ABORTED = ("Aborted", Standing.BLOCKED, "a person ended our update")
    NOT_ADOPTED = ("NotAdopted", Standing.BLOCKED, "live, not ours, and different")
    MASTER_HELD = ("MasterHeld", Standing.BLOCKED, "its master is held")
    WORKERS_HELD = ("WorkersHeld", Standing.BLOCKED, "its workers are held, and go first")
    NO_ROOM = ("NoRoom", Standing.BLOCKED, "our update finds no room in the cluster")
    NOT_ROLLED_BACK = ("NotRolledBack", Standing.BLOCKED, "our update goes back, and never gets up")
    QUARANTINED = ("Quarantined", Standing.BLOCKED, "this very spec failed, and is not tried again")
    NEWER_APPLIED = ("NewerApplied", Standing.BLOCKED, "a revision that ours does not contain ran")
    GUARDED = ("Guarded", Standing.BLOCKED, "more than the guard allows")
    CLUSTER_LOOKS_EMPTIED = (
        "ClusterLooksEmptied",
        Standing.BLOCKED,
        "too many recorded jobs are gone at once",
    )
    TREE_INCOMPLETE = ("TreeIncomplete", Standing.BLOCKED, "not found in a tree that has faults")
    PRUNE_OFF = ("PruneOff", Standing.BLOCKED, "not declared, and its project does not prune")
    NO_CLUSTER = ("NoCluster", Standing.BLOCKED, "ours, and no document declares its cluster")
    RECORD_LOST = ("RecordLost", Standing.BLOCKED, "ours by its mark only: the record was lost")
    # meant
    SUSPENDED = ("Suspended", Standing.MEANT, "left alone, as its document says")
    LAST_RUN = ("LastRun", Standing.MEANT, "no longer scheduled; its last run may finish")
    # kept
    CONVERGED = ("Converged", Standing.KEPT, "equal and settled")
    ADOPTED = ("Adopted", Standing.KEPT, "equal by meaning: now ours, nothing sent")
    UNMANAGED = ("Unmanaged", Standing.KEPT, "not declared and not ours")
    GONE = ("Gone", Standing.KEPT, "no longer declared, and gone")
    DISABLED = ("Disabled", Standing.KEPT, "declared with enabled: false, and not scheduled")

    def __init__(self, label: str, standing: Standing, meaning: str) -> None:
        self.label = label
        self.standing = standing
        self.meaning = meaning


# Holds that `--approve` releases: what they hold belongs to the plan that the digest names.
APPROVABLE = (Reason.GUARDED, Reason.CLUSTER_LOOKS_EMPTIED, Reason.RECORD_LOST)
# How their release is told before anybody knows the digest.
APPROVAL = "--approve DIGEST of this plan"
# Holds that turn into the act that they hold within the same run, if nothing else happens.
LATER_IN_THE_RUN = (
    Reason.SECOND_LOOK,
    Reason.MASTER_NOT_SETTLED,
    Reason.WORKERS_FIRST,
    Reason.QUOTA_TAKEN,
)
# Acts that begin what was not there.
CREATIONS = (Reason.ABSENT, Reason.CRON_ABSENT)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs: dotted path, what is live, what is declared, as JSON text.

    None means that the field is not there. `authored` is a field of the document, in its author's
    words; the others are fields of Aurora's config, for what such words do not explain.
    `instances` are those that are so (`0-2, 5`) where others are not; empty when all are.
    """

    path: str
    live: str | None
    desired: str | None
    authored: bool = False
    instances: str = ""


@dataclass(frozen=True, slots=True)
class StartUpdate:
    """startJobUpdate, scoped to exactly `only`; creates the job when nothing is live."""

    config: Config
    instances: int
    only: InstanceIds
    settings: UpdateSettings
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KillTasks:
    """killTasks of exactly these instances."""

    only: InstanceIds


@dataclass(frozen=True, slots=True)
class ScheduleCron:
    """scheduleCronJob: create or replace the template. Running tasks are untouched."""

    config: Config
    schedule: str
    collision: Collision
    instances: int


@dataclass(frozen=True, slots=True)
class DescheduleCron:
    """descheduleCronJob. A run in progress may finish."""


@dataclass(frozen=True, slots=True)
class AbortUpdate:
    """abortJobUpdate: it ends where it is, and nothing goes back."""

    update_id: str


@dataclass(frozen=True, slots=True)
class ResumeUpdate:
    """resumeJobUpdate: a paused update goes on."""

    update_id: str


@dataclass(frozen=True, slots=True)
class PulseUpdate:
    """pulseJobUpdate: an update that waits for a pulse goes on."""

    update_id: str


@dataclass(frozen=True, slots=True)
class RollbackUpdate:
    """rollbackJobUpdate: what was updated goes back to what it was."""

    update_id: str


Action = (
    StartUpdate
    | KillTasks
    | ScheduleCron
    | DescheduleCron
    | AbortUpdate
    | ResumeUpdate
    | PulseUpdate
    | RollbackUpdate
)


@dataclass(frozen=True, slots=True)
class InstancesBasis:
    """What an update start rests on: no active update, nothing dying, and these exact groups."""

    groups: str


@dataclass(frozen=True, slots=True)
class TasksBasis:
    """What a kill rests on: exactly these active task ids (not instance ids: those have heirs)."""

    task_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class UpdateBasis:
    """What a word to an update rests on: it is active, with this status (by name)."""

    update_id: str
    status: str


@dataclass(frozen=True, slots=True)
class CronBasis:
    """What a change of a template rests on: this template (digest), or None for none."""

    template: str | None


Basis = InstancesBasis | TasksBasis | UpdateBasis | CronBasis


@dataclass(frozen=True, slots=True)
class Impact:
    """What an act does to running processes.

    `restarts`, `adds`, `kills` are instance ids; `batches` and `shortest_s` (seconds, no failures)
    are of the rollout; `failures_max` of its instances may fail; `sla` says what protects the rest.
    """

    restarts: InstanceIds | None = None
    adds: InstanceIds | None = None
    kills: InstanceIds | None = None
    batches: int = 0
    batch: str = ""
    shortest_s: int = 0
    failures_max: int = 0
    rollback: bool = False
    sla: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One RPC that will be sent, if its basis still holds then. `spec` is the desired digest.

    `prune` ends a job that is no longer declared; `foreign` ends an update that is not ours. `then`
    is what the act makes way for: decided anew, and done, by a round that finds the way clear.
    """

    key: JobKey
    project: str
    reason: Reason
    action: Action
    basis: Basis
    impact: Impact = Impact()
    changes: tuple[FieldChange, ...] = ()
    detail: str = ""
    origin: Origin | None = None
    spec: str = ""
    prune: bool = False
    foreign: bool = False
    then: "Act | None" = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now: `release` is the command or deed that a blocked job needs. `wanted` is the act."""

    key: JobKey
    project: str
    reason: Reason
    detail: str = ""
    release: str = ""
    changes: tuple[FieldChange, ...] = ()
    origin: Origin | None = None
    wanted: Act | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing to do. `project` is the one that owns it, empty when nobody of ours does."""

    key: JobKey
    project: str
    reason: Reason
    detail: str = ""
    origin: Origin | None = None


Decision = Act | Hold | Keep


def coming(decision: Decision) -> Act | None:
    """Return the act that this run will come to for the job; None when a hold or keep stands."""
    match decision:
        case Act():
            return decision
        case Hold(reason=reason, wanted=wanted) if reason in LATER_IN_THE_RUN:
            return wanted
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of one round on one cluster, in the order in which acts are carried out.

    `digest` names what waits for a person's approval, and is empty where nothing does; `--approve`
    takes it. `approved` are the acts that one which was given named. `unread` says why nothing
    could be decided; then every decision is a hold. `made_at` and every time and duration in it are
    by the cluster's clock, which runs `clock` times as fast as ours. `by_mark` counts the jobs that
    only their marks say are ours, for want of a record; `recorded` says that there is one from now
    on.
    """

    cluster: str
    revision: Revision
    made_at: datetime
    decisions: tuple[Decision, ...]
    problems: tuple[Problem, ...]
    unmanaged: int
    digest: str
    unread: str | None = None
    clock: float = 1.0
    by_mark: int = 0
    recorded: bool = True
    approved: frozenset[str] = frozenset()

    def acts(self) -> tuple[Act, ...]:
        """Return what would be sent, in order."""
        return tuple(d for d in self.decisions if isinstance(d, Act))
