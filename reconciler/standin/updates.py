"""Job updates as they are remembered: what was asked, what happened, and in which state they are.

The states and what leads from one to another are tables here; who does the work is `rolling`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.standin.instances import Instance
from reconciler.thrift.structs import (
    ACTIVE_UPDATE_STATES,
    InstanceTaskConfig,
    JobInstanceUpdateEvent,
    JobKey,
    JobUpdate,
    JobUpdateAction,
    JobUpdateDetails,
    JobUpdateEvent,
    JobUpdateInstructions,
    JobUpdateKey,
    JobUpdateSettings,
    JobUpdateState,
    JobUpdateStatus,
    JobUpdateSummary,
    Metadata,
    TaskConfig,
)
from reconciler.thrift.structs import JobUpdateStatus as U

_FORWARD = (U.ROLLING_FORWARD, U.ROLL_FORWARD_PAUSED, U.ROLL_FORWARD_AWAITING_PULSE)
_BACK = (U.ROLLING_BACK, U.ROLL_BACK_PAUSED, U.ROLL_BACK_AWAITING_PULSE)
_STOPPED = (U.ABORTED, U.ERROR)

# JobUpdateStateMachine: everything else is illegal, and the caller is told so.
ALLOWED: Mapping[JobUpdateStatus, frozenset[JobUpdateStatus]] = {
    U.ROLLING_FORWARD: frozenset(
        {
            U.ROLLING_BACK,
            U.ROLL_FORWARD_PAUSED,
            U.ROLL_FORWARD_AWAITING_PULSE,
            U.ROLLED_FORWARD,
            U.FAILED,
            *_STOPPED,
        }
    ),
    U.ROLLING_BACK: frozenset(
        {U.ROLL_BACK_PAUSED, U.ROLL_BACK_AWAITING_PULSE, U.ROLLED_BACK, U.FAILED, *_STOPPED}
    ),
    U.ROLL_FORWARD_PAUSED: frozenset(
        {U.ROLLING_BACK, U.ROLLING_FORWARD, U.ROLL_FORWARD_AWAITING_PULSE, *_STOPPED}
    ),
    U.ROLL_BACK_PAUSED: frozenset({U.ROLLING_BACK, U.ROLL_BACK_AWAITING_PULSE, *_STOPPED}),
    U.ROLL_FORWARD_AWAITING_PULSE: frozenset(
        {U.ROLLING_BACK, U.ROLLING_FORWARD, U.ROLL_FORWARD_PAUSED, *_STOPPED}
    ),
    U.ROLL_BACK_AWAITING_PULSE: frozenset({U.ROLLING_BACK, U.ROLL_BACK_PAUSED, *_STOPPED}),
}

# Where a call leads from each state; from any other, to nowhere (`to null`, Aurora says).
PAUSE = dict.fromkeys(_FORWARD, U.ROLL_FORWARD_PAUSED) | dict.fromkeys(_BACK, U.ROLL_BACK_PAUSED)
RESUME = {
    U.ROLLING_FORWARD: U.ROLLING_FORWARD,
    U.ROLLING_BACK: U.ROLLING_BACK,
    U.ROLL_FORWARD_PAUSED: U.ROLLING_FORWARD,
    U.ROLL_BACK_PAUSED: U.ROLLING_BACK,
}
RESUME_UNPULSED = {
    U.ROLL_FORWARD_PAUSED: U.ROLL_FORWARD_AWAITING_PULSE,
    U.ROLL_BACK_PAUSED: U.ROLL_BACK_AWAITING_PULSE,
    U.ROLL_FORWARD_AWAITING_PULSE: U.ROLL_FORWARD_AWAITING_PULSE,
    U.ROLL_BACK_AWAITING_PULSE: U.ROLL_BACK_AWAITING_PULSE,
}
BLOCK = {
    U.ROLLING_FORWARD: U.ROLL_FORWARD_AWAITING_PULSE,
    U.ROLLING_BACK: U.ROLL_BACK_AWAITING_PULSE,
}
UNBLOCK = {awaiting: rolling for rolling, awaiting in BLOCK.items()}

# The events of an instance that begins, succeeds and fails, by the direction of the update.
BEGINS = {
    U.ROLLING_FORWARD: JobUpdateAction.INSTANCE_UPDATING,
    U.ROLLING_BACK: JobUpdateAction.INSTANCE_ROLLING_BACK,
}
SUCCEEDS = {
    U.ROLLING_FORWARD: JobUpdateAction.INSTANCE_UPDATED,
    U.ROLLING_BACK: JobUpdateAction.INSTANCE_ROLLED_BACK,
}
FAILS = {
    U.ROLLING_FORWARD: JobUpdateAction.INSTANCE_UPDATE_FAILED,
    U.ROLLING_BACK: JobUpdateAction.INSTANCE_ROLLBACK_FAILED,
}


@dataclass(slots=True)
class Run:
    """The work on an update in one direction; it is lost with each pause.

    `idle` are the instances that were not begun yet, in the order in which they will be, and
    `failed_before` those that failed in an earlier run of the update, which are not tried again.
    """

    forward: bool
    total: int
    idle: list[int]
    instances: dict[int, Instance]
    working: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    failed_before: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class Update:
    """One update, from its start until it is forgotten."""

    key: JobUpdateKey
    user: str
    metadata: tuple[Metadata, ...]
    instructions: JobUpdateInstructions
    events: list[JobUpdateEvent] = field(default_factory=list)
    instance_events: list[JobInstanceUpdateEvent] = field(default_factory=list)
    actions: dict[int, set[JobUpdateAction]] = field(default_factory=dict)
    run: Run | None = None
    # The instances that an update which pauses by itself has come to; None before its first look.
    seen: set[int] | None = None
    pulsed_ms: int = 0

    @property
    def id(self) -> str:
        assert self.key.id is not None, "an update has an id"
        return self.key.id

    @property
    def job(self) -> JobKey:
        assert self.key.job is not None, "an update has a job"
        return self.key.job

    @property
    def status(self) -> JobUpdateStatus:
        status = self.events[-1].status
        assert status is not None, "an event has a status"
        return status

    @property
    def active(self) -> bool:
        return self.status in ACTIVE_UPDATE_STATES

    @property
    def created_ms(self) -> int:
        return self.events[0].timestampMs or 0

    @property
    def modified_ms(self) -> int:
        last = self.instance_events[-1].timestampMs if self.instance_events else 0
        return max(self.events[-1].timestampMs or 0, last or 0)

    @property
    def settings(self) -> JobUpdateSettings:
        assert self.instructions.settings is not None, "an update has settings"
        return self.instructions.settings

    @property
    def pulse_interval_ms(self) -> int:
        """Return how long a pulse lasts; 0 for an update that needs none."""
        return self.settings.blockIfNoPulsesAfterMs or 0

    def unpulsed(self, now_ms: int) -> bool:
        """Tell whether it needs a pulse, and the last one is too long ago."""
        interval_ms = self.pulse_interval_ms
        return interval_ms > 0 and now_ms - self.pulsed_ms >= interval_ms

    def initial(self) -> dict[int, TaskConfig]:
        """Return the instances that it replaces or removes, and what they ran."""
        return _expanded(self.instructions.initialState or ())

    def desired(self) -> dict[int, TaskConfig]:
        desired = self.instructions.desiredState
        return _expanded((desired,)) if desired is not None else {}

    def note(self, event: JobInstanceUpdateEvent) -> None:
        """Remember what happened to an instance."""
        assert event.instanceId is not None, "an event is of an instance"
        assert event.action is not None, "an event says what happened"
        self.instance_events.append(event)
        self.actions.setdefault(event.instanceId, set()).add(event.action)

    # --- as clients see it

    def new_summary(self) -> JobUpdateSummary:
        """Return what the start of it is answered with: nothing has happened yet."""
        return JobUpdateSummary(key=self.key, user=self.user, metadata=self.metadata)

    def summary(self) -> JobUpdateSummary:
        state = JobUpdateState(
            status=self.status,
            createdTimestampMs=self.created_ms,
            lastModifiedTimestampMs=self.modified_ms,
        )
        return JobUpdateSummary(key=self.key, user=self.user, state=state, metadata=self.metadata)

    def details(self) -> JobUpdateDetails:
        return JobUpdateDetails(
            update=JobUpdate(summary=self.summary(), instructions=self.instructions),
            updateEvents=tuple(self.events),
            instanceEvents=tuple(self.instance_events),
        )


class Updates:
    """All updates that are remembered."""

    def __init__(self) -> None:
        self.all: dict[str, Update] = {}
        self._active: dict[JobKey, Update] = {}
        self._of_job: dict[JobKey, dict[str, Update]] = {}

    def __iter__(self) -> Iterator[Update]:
        return iter(self.all.values())

    def add(self, update: Update) -> None:
        """Remember an update; one that has not begun yet is found by its status later."""
        self.all[update.id] = update
        self._of_job.setdefault(update.job, {})[update.id] = update
        if update.events:
            self.moved(update)

    def moved(self, update: Update) -> None:
        """Find the update by its new status from now on."""
        if update.active:
            self._active[update.job] = update
        elif self._active.get(update.job) is update:
            del self._active[update.job]

    def remove(self, update: Update) -> None:
        del self.all[update.id]
        of_job = self._of_job[update.job]
        del of_job[update.id]
        if not of_job:
            del self._of_job[update.job]

    def get(self, key: JobUpdateKey) -> Update | None:
        found = self.all.get(key.id or "")
        return found if found is not None and found.key == key else None

    def by_id(self, update_id: str) -> Update | None:
        return self.all.get(update_id)

    def of_job(self, job: JobKey) -> tuple[Update, ...]:
        return tuple(self._of_job.get(job, {}).values())

    def active(self, job: JobKey) -> Update | None:
        """Return the one active update of a job, if there is one."""
        return self._active.get(job)

    def all_active(self) -> tuple[Update, ...]:
        return tuple(self._active.values())


def _expanded(groups: tuple[InstanceTaskConfig, ...]) -> dict[int, TaskConfig]:
    found: dict[int, TaskConfig] = {}
    for group in groups:
        assert group.task is not None, "instructions are complete"
        for r in group.instances or ():
            ids = range(r.first or 0, (r.last or 0) + 1)
            found.update(dict.fromkeys(ids, group.task))
    return found
