"""Laws about once: what is decided is done once, as planned; what failed is not done again."""

from collections.abc import Iterator

from reconciler.thrift.structs import (
    JobUpdateStatus,
    JobUpdateSummary,
    TaskConfig,
)
from tests.world import sight
from tests.world.cases import OUR_USER, Case, is_ours, wish_of
from tests.world.sight import Holding

BAD = (JobUpdateStatus.ROLLED_BACK, JobUpdateStatus.FAILED, JobUpdateStatus.ERROR)


def look_before_asking_again(case: Case) -> Iterator[str]:
    """A reply that was lost may stand for a deed that was done: the second call would do it again,
    to whatever came after."""
    if not case.asked.since_look:
        yield "nobody looked since the last call about this job"


def act_only_on_what_was_planned(case: Case) -> Iterator[str]:
    """Between a plan and its act the cluster moves: a kill would hit successors, an update undo
    what came meanwhile. What is held when the act arrives is what was held when it was planned;
    only the moment after the last look is out of anybody's hands."""
    planned, before = case.asked.planned, case.asked.before
    if planned is None:
        return
    match case.method:
        case "killTasks":
            same = {t.id for t in planned.tasks} == {t.id for t in before.tasks}
        case "startJobUpdate":
            # While another update is active, Aurora itself refuses this one.
            same = before.update is not None or _groups(planned) == _groups(before)
        case "scheduleCronJob" | "descheduleCronJob":
            same = planned.template == before.template
        case _:
            same = planned.update == before.update
    if not same:
        yield "it is not what it was when this was planned"


def _groups(held: Holding) -> dict[int, TaskConfig]:
    return {t.instance: t.config for t in held.tasks}


def never_try_again_what_failed(case: Case) -> Iterator[str]:
    """A config that failed fails again, and takes instances down each time: it waits for another
    one, or for a person's word."""
    if case.method != "startJobUpdate" or not case.asked.taken or case.config is None:
        return
    if case.process.released.retry:
        return
    earlier = [update for update in case.updates if not case.began(update)]
    for update in earlier[:1]:
        state = update.state
        if state is None or not is_ours(update) or not _went_badly(case, update):
            continue
        ended = (state.lastModifiedTimestampMs or 0) / 1000
        if any(ended <= at.timestamp() for at in case.world.retried):
            continue
        if _desired(case, update) == sight.meaning(case.config):
            yield f"the update before, to the same config, ended {state.status}"


def _went_badly(case: Case, update: JobUpdateSummary) -> bool:
    """Return whether it failed, or a person put an end to this very wish."""
    status = update.state.status if update.state is not None else None
    if status is not JobUpdateStatus.ABORTED:
        return status in BAD
    events = sight.details(case.world.wire.aurora, update).updateEvents or ()
    by_person = bool(events) and events[-1].user not in (None, OUR_USER)
    return by_person and wish_of(case, update) == case.wish


def _desired(case: Case, update: JobUpdateSummary) -> str | None:
    found = sight.details(case.world.wire.aurora, update).update
    assert found is not None
    assert found.instructions is not None
    desired = found.instructions.desiredState
    return sight.meaning(desired.task) if desired is not None and desired.task else None
