"""The calls about job updates: what a new one must be like, and how one is led."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from reconciler.standin import strategies
from reconciler.standin.answers import Told, check_not_blank, given
from reconciler.standin.completion import completed
from reconciler.standin.configs import Rules, check_job_key, populated
from reconciler.standin.cronjobs import CronJobs
from reconciler.standin.diff import Diff, check_count, diff, groups, instances_of, ranges
from reconciler.standin.holdings import Holdings
from reconciler.standin.nulls import NO_TASK_TO_ASK, NO_UPDATE_KEY, check_unions
from reconciler.standin.quota import Held, check_update
from reconciler.standin.refusal import Refusal
from reconciler.standin.rolling import Rolling
from reconciler.standin.struct_text import wrapper_text
from reconciler.standin.tasks import Tasks
from reconciler.standin.updates import PAUSE, RESUME, RESUME_UNPULSED, Update, Updates
from reconciler.standin.writes import NO_CRON, Writes
from reconciler.thrift.structs import (
    ACTIVE_UPDATE_STATES,
    InstanceTaskConfig,
    JobUpdateInstructions,
    JobUpdateKey,
    JobUpdatePulseStatus,
    JobUpdateRequest,
    JobUpdateSettings,
    JobUpdateStatus,
    JobUpdateSummary,
    PulseJobUpdateResult,
    ResponseCode,
    Result,
    StartJobUpdateResult,
    TaskConfig,
)

U = JobUpdateStatus

MESSAGE_MAX = 1024
UNCHANGED = "Job is unchanged by proposed update."
IRRELEVANT = (
    "The update request attempted to update specific instances, but some are irrelevant to the "
    "update and current job state: [{}]"
)
TOO_MANY_FAILURES = (
    "Your update allows too many failures to occur, consider decreasing the per-instance failures "
    "or maxFailedInstances."
)
IN_PROGRESS = (
    "An active update already exists for this job, please terminate it before starting another. "
    "Active updates are those in states [{}]"
)
# As Aurora's own set of them is ordered.
ACTIVE_IN_ORDER = ", ".join(status.name for status in sorted(ACTIVE_UPDATE_STATES))


@dataclass(slots=True)
class UpdateCalls:
    """Each method is a call; its arguments have the names of Aurora's own, and `user` asks."""

    tasks: Tasks
    updates: Updates
    crons: CronJobs
    rolling: Rolling
    holdings: Holdings
    writes: Writes
    rules: Rules

    # --- a new one

    def startJobUpdate(
        self, request: JobUpdateRequest | None, message: str | None, user: str
    ) -> Told:
        request = given(request)
        count = request.instanceCount or 0
        if not given(request.taskConfig, NO_TASK_TO_ASK).isService:
            raise Refusal("Updates are not supported for non-service tasks.")
        settings = _checked(given(request.settings), request, self.rules)
        wanted = populated(given(request.taskConfig), count, self.rules)
        if given(wanted.job) in self.crons.templates:
            raise Refusal(NO_CRON)
        live = {i: task.config for i, task in self.tasks.active(given(wanted.job)).items()}
        change = _change(live, wanted, count, settings)
        if change.is_empty:
            return Told(message=UNCHANGED)
        instructions = _instructions(change, live, wanted, settings)
        update = self._new(wanted, request, instructions, user)
        self.writes.check_count(count)
        self._check_quota(update)
        _check_message(message)
        self._check_alone(update)
        self.rolling.start(update, user, message)
        return Told(_started(update, update.new_summary()))

    def _new(
        self,
        wanted: TaskConfig,
        request: JobUpdateRequest,
        instructions: JobUpdateInstructions,
        user: str,
    ) -> Update:
        chosen = uuid.UUID(int=self.rolling.world.chance.getrandbits(128), version=4)
        key = JobUpdateKey(job=wanted.job, id=str(chosen))
        return Update(key, user, completed(request).metadata or (), instructions)

    def _check_quota(self, update: Update) -> None:
        role = update.job.role or ""
        held = self.holdings.of(role)
        mixed = Held(held.active, held.crons, {**held.updates, update.job: update.instructions})
        check_update(self.holdings.limit(role), mixed, update.instructions)

    def _check_alone(self, update: Update) -> None:
        other = self.updates.active(update.job)
        if other is not None:
            told = IN_PROGRESS.format(ACTIVE_IN_ORDER)
            raise Refusal(told, result=_started(other, other.summary()))

    # --- leading one

    def pauseJobUpdate(self, key: JobUpdateKey | None, message: str | None, user: str) -> Told:
        update = self._led(key, message)
        return self._move(update, PAUSE.get(update.status), message, user)

    def resumeJobUpdate(self, key: JobUpdateKey | None, message: str | None, user: str) -> Told:
        update = self._led(key, message, unknown="Update does not exist: ")
        unpulsed = update.unpulsed(self.rolling.world.now_ms)
        states = RESUME_UNPULSED if unpulsed else RESUME
        return self._move(update, states.get(update.status), message, user)

    def abortJobUpdate(self, key: JobUpdateKey | None, message: str | None, user: str) -> Told:
        return self._move(self._led(key, message), U.ABORTED, message, user)

    def rollbackJobUpdate(self, key: JobUpdateKey | None, message: str | None, user: str) -> Told:
        return self._move(self._led(key, message), U.ROLLING_BACK, message, user)

    def pulseJobUpdate(self, key: JobUpdateKey | None) -> Told:
        key = given(key, NO_UPDATE_KEY)
        check_job_key(key.job)
        check_not_blank(key.id)
        update = self.updates.get(key)
        pulsed = update is not None and self.rolling.pulse(update)
        status = JobUpdatePulseStatus.OK if pulsed else JobUpdatePulseStatus.FINISHED
        return Told(Result(pulseJobUpdateResult=PulseJobUpdateResult(status=status)))

    def _led(
        self,
        key: JobUpdateKey | None,
        message: str | None,
        unknown: str = "Update does not exist ",
    ) -> Update:
        key = given(key, NO_UPDATE_KEY)
        check_job_key(key.job)
        _check_message(message)
        update = self.updates.get(key)
        if update is None:
            raise Refusal(unknown + wrapper_text(key))
        return update

    def _move(
        self, update: Update, status: JobUpdateStatus | None, message: str | None, user: str
    ) -> Told:
        self.rolling.move(update, status, message, user)
        return Told()


# --- what a request asks for


def _checked(
    settings: JobUpdateSettings, request: JobUpdateRequest, rules: Rules
) -> JobUpdateSettings:
    """Return settings as Aurora keeps them; Refusal for the first fault in them."""
    check_unions(settings)
    strategy = strategies.told(settings)
    found = completed(replace(settings, updateStrategy=strategy))
    sizes = strategies.sizes(strategy)
    if strategy.varBatchStrategy is not None and any(size <= 0 for size in sizes):
        raise Refusal("All update group sizes must be positive.")
    if _int32(sum(sizes)) <= 0:
        raise Refusal("Update results in no instance being modified.")
    per_instance = found.maxPerInstanceFailures or 0
    _check_not_negative("maxPerInstanceFailures", per_instance)
    _check_not_negative("maxFailedInstances", found.maxFailedInstances)
    if _int32(per_instance * (request.instanceCount or 0)) > rules.update_failures_max:
        raise Refusal(TOO_MANY_FAILURES)
    _check_not_negative("minWaitInInstanceRunningMs", found.minWaitInInstanceRunningMs)
    if (found.blockIfNoPulsesAfterMs or 0) < 0:
        raise Refusal("blockIfNoPulsesAfterMs must be positive.")
    if found.slaAware and given(request.taskConfig).slaPolicy is None:
        raise Refusal("slaAware is true, but no task slaPolicy is specified.")
    return found


def _check_not_negative(name: str, value: int | None) -> None:
    if (value or 0) < 0:
        raise Refusal(f"{name} must be non-negative.")


def _int32(value: int) -> int:
    """Return a number as Java's int holds it."""
    return (value + 2**31) % 2**32 - 2**31


def _check_message(message: str | None) -> None:
    # Java counts what is outside of the first plane twice.
    if message is not None and len(message.encode("utf-16-le")) > 2 * MESSAGE_MAX:
        raise Refusal(None, ResponseCode.ERROR)


def _change(
    live: Mapping[int, TaskConfig], wanted: TaskConfig, count: int, settings: JobUpdateSettings
) -> Diff:
    """Return what the update changes; Refusal if it names instances that there are not."""
    check_count(count)
    scope = instances_of(settings.updateOnlyTheseInstances or ())
    found = diff(live, wanted, count, scope or None)
    strangers = found.strangers(scope)
    if strangers:
        raise Refusal(IRRELEVANT.format(", ".join(map(str, strangers))))
    return found


def _instructions(
    change: Diff, live: Mapping[int, TaskConfig], wanted: TaskConfig, settings: JobUpdateSettings
) -> JobUpdateInstructions:
    """Return what is to be done: from what, to what, and how."""
    before = groups({i: live[i] for i in (*change.update, *change.remove)})
    after = ranges((*change.add, *change.update))
    return JobUpdateInstructions(
        initialState=tuple(
            InstanceTaskConfig(task=g.config, instances=g.instances) for g in before
        ),
        desiredState=InstanceTaskConfig(task=wanted, instances=after) if after else None,
        settings=settings,
    )


def _started(update: Update, summary: JobUpdateSummary) -> Result:
    return Result(startJobUpdateResult=StartJobUpdateResult(key=update.key, updateSummary=summary))
