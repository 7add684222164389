"""The work on job updates (JobUpdateControllerImpl, OneWayJobUpdater).

An update is looked at when it begins, when a task of it changes and when an instance has been
watched for long enough. One look judges the instance that changed, starts the next ones if there is
room, remembers what happened to each, and then either ends the update or acts on its instances.
"""

from dataclasses import dataclass

from reconciler.standin import strategies
from reconciler.standin.acting import Acting
from reconciler.standin.counters import Counters
from reconciler.standin.instances import FINAL, Instance, Patience, Verdict, judge
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.refusal import Refusal
from reconciler.standin.strategies import Progress
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.updates import (
    ALLOWED,
    BEGINS,
    BLOCK,
    FAILS,
    PAUSE,
    SUCCEEDS,
    UNBLOCK,
    Run,
    Update,
    Updates,
)
from reconciler.standin.world import World
from reconciler.thrift.structs import (
    JobUpdateAction,
    JobUpdateEvent,
    JobUpdateStatus,
    JobUpdateStrategy,
    ScheduleStatus,
)

U = JobUpdateStatus

AUTO_PAUSED = "Update auto paused"
PULSES_MISSED = "Pulses from external service have timed out."


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at one instance found; `begins` if it was the first one."""

    verdict: Verdict
    begins: bool


Looks = dict[int, Look]


@dataclass(slots=True)
class Rolling:
    """Works on all updates that are rolling, in either direction."""

    world: World
    tasks: Tasks
    lifecycle: Lifecycle
    updates: Updates
    acting: Acting
    counters: Counters

    def __post_init__(self) -> None:
        self.world.on("task moved", self._task_moved)
        self.world.on("instance gone", self._instance_gone)
        self.world.on("watched", self._watched)
        self.world.on("unblock", self._unblock)
        self.lifecycle.listeners.append(self)

    # --- beginning, and each change of status

    def start(self, update: Update, user: str, message: str | None) -> None:
        """Begin an update that was accepted; its first instances are acted on at once."""
        coordinated = update.pulse_interval_ms > 0
        status = U.ROLL_FORWARD_AWAITING_PULSE if coordinated else U.ROLLING_FORWARD
        self.updates.add(update)
        self._enter(update, status, message, user)

    def move(
        self,
        update: Update,
        status: JobUpdateStatus | None,
        message: str | None = None,
        user: str | None = None,
    ) -> None:
        """Bring an update into a state. Nothing happens if it is in it; Refusal if it cannot be."""
        was = update.status
        if status is was:
            return
        if status is None or status not in ALLOWED.get(was, ()):
            told = "null" if status is None else status.name
            raise Refusal(f"Cannot transition update from {was.name} to {told}")
        self._enter(update, status, message, user)

    def pulse(self, update: Update) -> bool:
        """Take note of a pulse; False if the update needs none, or none any more."""
        if not update.active or update.pulse_interval_ms == 0:
            return False
        update.pulsed_ms = self.world.now_ms
        if update.status in UNBLOCK:
            self.world.soon("unblock", update)
        return True

    def _unblock(self, update: Update) -> None:
        if update.status in UNBLOCK:
            self.move(update, UNBLOCK[update.status])

    def _enter(
        self, update: Update, status: JobUpdateStatus, message: str | None, user: str | None
    ) -> None:
        update.events.append(
            JobUpdateEvent(status=status, timestampMs=self.world.now_ms, user=user, message=message)
        )
        self.updates.moved(update)
        self.counters.update_moved(status)
        update.run = None
        if status in BLOCK:
            update.run = _run(update, forward=status is U.ROLLING_FORWARD)
            self._look(update)

    # --- reasons to look

    def changed(self, task: Task, _was: ScheduleStatus) -> None:
        if self.updates.active(task.job) is not None:
            self.world.soon("task moved", task, task.status)

    def deleted(self, task: Task) -> None:
        # What had ended says nothing about its instance when it is pruned.
        if not task.ended and self.updates.active(task.job) is not None:
            self.world.soon("instance gone", task)

    def _task_moved(self, task: Task, status: ScheduleStatus) -> None:
        # By now it may have moved on: then another event tells of that.
        if self.tasks.by_id.get(task.id) is task and task.status is status:
            self._instance_changed(task, task)

    def _instance_gone(self, task: Task) -> None:
        self._instance_changed(task, None)

    def _instance_changed(self, task: Task, there: Task | None) -> None:
        update = self.updates.active(task.job)
        if update is not None and update.run is not None and task.instance in update.run.instances:
            self._look(update, task.instance, there)

    def _watched(self, update_id: str, instance: int) -> None:
        update = self.updates.by_id(update_id)
        if update is not None and update.run is not None:
            self._look(update, instance, self.tasks.instance(update.job, instance))

    # --- one look

    def _look(self, update: Update, changed: int | None = None, task: Task | None = None) -> None:
        direction, run = update.status, update.run
        assert run is not None, "only what is rolling is looked at"
        if update.unpulsed(self.world.now_ms):
            self.move(update, BLOCK[direction], PULSES_MISSED)
            return
        looks = self._judge(update, run, changed, task)
        succeeded, failed = self._outcome(update, run)
        pausing = not succeeded and self._comes_to_new(update, direction, looks)
        if pausing:
            self.move(update, PAUSE[direction], AUTO_PAUSED)
            looks = {i: look for i, look in looks.items() if look.verdict in FINAL}
        for instance, look in looks.items():
            self._remember(update, direction, instance, look)
        if failed:
            self._end_failed(update, direction, looks)
        elif succeeded:
            self.move(update, U.ROLLED_FORWARD if run.forward else U.ROLLED_BACK)
        else:
            for instance, look in looks.items():
                self.acting.act(update, direction, instance, look.verdict)

    def _judge(self, update: Update, run: Run, changed: int | None, task: Task | None) -> Looks:
        """Judge the instance that changed, and then those for which there is room."""
        looks: Looks = {}
        if changed is not None and changed in run.working:
            looks[changed] = Look(self._judge_one(update, run, changed, task), begins=False)
        if self._outcome(update, run) == (False, False):
            while self._start_group(update, run, looks):
                pass
        return looks

    def _start_group(self, update: Update, run: Run, looks: Looks) -> bool:
        """Begin the next instances, and tell whether others may follow in the same look.

        They may if nothing was at work and none of these left anything to do.
        """
        alone = not run.working
        at = Progress(run.total, len(run.idle), len(run.working))
        count = strategies.next_count(_strategy(update), at, forward=run.forward)
        group = run.idle[:count]
        del run.idle[:count]
        for instance in sorted(group):
            if instance in run.failed_before:
                run.failed.add(instance)
                continue
            run.working.add(instance)
            there = self.tasks.instance(update.job, instance)
            verdict = self._judge_one(update, run, instance, there)
            looks[instance] = Look(verdict, begins=True)
            alone = alone and verdict in FINAL
        return alone and bool(run.idle)

    def _judge_one(self, update: Update, run: Run, instance: int, task: Task | None) -> Verdict:
        settings = update.settings
        patience = Patience(
            settings.minWaitInInstanceRunningMs or 0, settings.maxPerInstanceFailures or 0
        )
        verdict = judge(run.instances[instance], task, patience, self.world.now_ms)
        if verdict in FINAL:
            run.working.discard(instance)
        if verdict is Verdict.FAILED:
            run.failed.add(instance)
        return verdict

    def _outcome(self, update: Update, run: Run) -> tuple[bool, bool]:
        """Tell whether the update has succeeded, and whether it has failed."""
        if len(run.failed) > (update.settings.maxFailedInstances or 0):
            return False, True
        return not run.idle and not run.working, False

    def _comes_to_new(self, update: Update, direction: JobUpdateStatus, looks: Looks) -> bool:
        """Tell whether an update that pauses by itself has come to a new group."""
        if direction is not U.ROLLING_FORWARD or not strategies.pauses(_strategy(update)):
            return False
        if update.seen is None:
            update.seen = set(looks)
            return False
        new = looks.keys() - update.seen
        update.seen |= new
        return bool(new)

    def _remember(
        self, update: Update, direction: JobUpdateStatus, instance: int, look: Look
    ) -> None:
        """Remember what happened to an instance: each thing once, and nothing of one that was
        right from the beginning."""
        before = frozenset(update.actions.get(instance, ()))
        if look.begins and look.verdict is Verdict.SUCCEEDED and not before:
            return
        happened = [BEGINS[direction]] if look.begins else []
        if look.verdict is Verdict.SUCCEEDED:
            happened.append(SUCCEEDS[direction])
        elif look.verdict is Verdict.FAILED:
            happened.append(FAILS[direction])
        for action in happened:
            if action not in before:
                self.acting.note(update, instance, action)
                self.counters.instance_moved(action)

    def _end_failed(self, update: Update, direction: JobUpdateStatus, looks: Looks) -> None:
        culprit = next((i for i, look in looks.items() if look.verdict is Verdict.FAILED), None)
        told = None if culprit is None else f"Latest failure: instance {culprit} exited."
        back = direction is U.ROLLING_FORWARD and bool(update.settings.rollbackOnFailure)
        self.move(update, U.ROLLING_BACK if back else U.FAILED, told)


def _run(update: Update, *, forward: bool) -> Run:
    """Return the work that an update is in one direction, none of it done."""
    initial, desired = update.initial(), update.desired()
    idle = strategies.order(initial, desired, forward=forward)
    targets = desired if forward else initial
    instances = {i: Instance(targets.get(i)) for i in idle}
    failed = frozenset(
        instance
        for instance, actions in update.actions.items()
        if forward and JobUpdateAction.INSTANCE_UPDATE_FAILED in actions
    )
    return Run(forward, len(idle), idle, instances, failed_before=failed)


def _strategy(update: Update) -> JobUpdateStrategy:
    return strategies.told(update.settings)
