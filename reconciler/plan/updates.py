"""Jobs with an update that somebody must still wait for, or that a person stopped.

Rows 5 and 8 to 10 of the decision table. An update has no timeout in Aurora (InstanceUpdater): one
whose tasks find no room or never get up rolls for ever, so the deadline here is ours.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.model import basis
from reconciler.model.live import LiveJob, TaskStatus
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    Action,
    Decision,
    Hold,
    Keep,
    PulseUpdate,
    Reason,
    ResumeUpdate,
    RollbackUpdate,
)
from reconciler.model.questions import Questions
from reconciler.model.update import LiveUpdate, UpdateEvent, UpdateStatus
from reconciler.plan.facts import Facts, spec_in, trouble_of

Step = Decision | Questions

# Every message of ours begins so: by it an abort of ours is told from a person's.
OUR_WORDS = "reconcile:"
GAVE_UP = f"{OUR_WORDS} {Reason.STALLED.label} "
# Of these the events tell more than the status: whose word ended it, or which instance failed.
TOLD_BY_EVENTS = (UpdateStatus.ABORTED, UpdateStatus.ROLLED_BACK, UpdateStatus.FAILED)
# So begins what Aurora says of an update that failed (JobUpdateControllerImpl).
LATEST_FAILURE = "Latest failure: "
GRACE_S = 600
LATEST_MS = 4_102_444_800_000  # the year 2100


def in_flight(f: Facts, live: LiveJob, update: LiveUpdate, otherwise: Step) -> Step:
    """Decide about a declared job with an active update; `otherwise` is the decision without."""
    if not f.ours(update):
        if f.project is not None and f.project.supersede_foreign_updates:
            return _superseded(f, update, otherwise)
        return _hold(f, Reason.FOREIGN_UPDATE, update, end_of_foreign(f))
    if held := paused_by_person(f, update):
        return held
    if spec_in(update) != f.spec:
        return _superseded(f, update, otherwise)
    if update.status.paused:
        return _after_batch(f, update)
    if update.status.awaiting_pulse:
        return act_on(f, update, Reason.AUTO_PAUSED, PulseUpdate(update.id))
    return _rolling(f, live, update)


def stopped_by_person(f: Facts, ended: LiveUpdate | None) -> Step | None:
    """Return a hold when a person ended our last update to this very spec; None otherwise.

    By a rollback or by an abort: what Aurora's history says of the two looks like a failure, or
    like an abort of ours, until its events are asked for.
    """
    if ended is None or ended.status not in TOLD_BY_EVENTS or not f.ours(ended):
        return None
    if trouble_of(spec_in(ended)) != trouble_of(f.spec) or f.retry or released(f, ended):
        return None
    if ended.events is None and not f.final:
        return Questions(details=frozenset({(f.key, ended.id)}))
    if ended.status is UpdateStatus.FAILED:
        return None
    if ended.status is UpdateStatus.ROLLED_BACK:
        word = _sent_back(ended)
        return _hold(f, Reason.ABORTED, ended, _retry(f), word) if word is not None else None
    if ended.events is None:
        return _hold(f, Reason.ABORTED, ended, _retry(f))
    if spec_in(ended) != f.spec or _words(ended).startswith(OUR_WORDS):
        return None
    return _hold(f, Reason.ABORTED, ended, _retry(f), _last(ended))


def end_of_foreign(f: Facts) -> str:
    """Return what releases a job that somebody else is updating."""
    return f"wait until it has ended, or aurora update abort {f.key}"


def released(f: Facts, ended: LiveUpdate) -> bool:
    """Return whether a person released the job after this update had ended."""
    return ended.id == f.retried


def failed_before(f: Facts) -> str | None:
    """Return why this very config is quarantined, or None when it may be tried."""
    if f.retry or f.wanted is None:
        return None
    mine = trouble_of(f.spec)
    if f.quarantine is not None and f.quarantine.spec == mine:
        return f.quarantine.why
    ended = f.last_ended
    if ended is None or not f.ours(ended) or released(f, ended):
        return None
    bad = ended.status in (UpdateStatus.ROLLED_BACK, UpdateStatus.FAILED, UpdateStatus.ERROR)
    # A first version that never gets up is not rolled back: we abort its update.
    gave_up = ended.status is UpdateStatus.ABORTED and _words(ended).startswith(GAVE_UP)
    if (bad or gave_up) and trouble_of(spec_in(ended)) == mine:
        return (
            f"update {ended.id} ended {ended.status.value} at {_at(ended.modified_ms)}{_why(ended)}"
        )
    return None


def _why(ended: LiveUpdate) -> str:
    """Return what Aurora said when it failed, where that was asked."""
    said = [event.message or "" for event in ended.events or ()]
    told = [m.removeprefix(LATEST_FAILURE) for m in said if m.startswith(LATEST_FAILURE)]
    return f", latest failure: {told[-1].rstrip('.')}" if told else ""


def act_on(f: Facts, update: LiveUpdate, reason: Reason, action: Action, detail: str = "") -> Act:
    """Return a word to the job's active update."""
    return Act(
        key=f.key,
        project=f.project_name,
        reason=reason,
        action=action,
        basis=basis.update_basis(update),
        detail=detail or _who(update),
        origin=f.origin,
        spec=f.spec,
    )


def paused_by_person(f: Facts, update: LiveUpdate) -> Step | None:
    """Return a hold when a person paused our update, or the question who did; None otherwise."""
    if not update.status.paused:
        return None
    word = _last(update)
    if word is None and not f.final:
        return Questions(details=frozenset({(f.key, update.id)}))
    # Aurora records a user for what people do and none for its own auto-pause
    # (JobUpdateControllerImpl).
    if word is not None and word.user is None:
        return None
    return _hold(f, Reason.PAUSED, update, _resume(f), word)


def _after_batch(f: Facts, update: LiveUpdate) -> Step:
    """A rollout that pauses between its batches waits for a person; nothing else does."""
    assert f.wanted is not None, "only a declared job's update is waited for"
    change = f.wanted.change
    if change is None or not change.pause_between or update.status.going_back:
        return act_on(f, update, Reason.AUTO_PAUSED, ResumeUpdate(update.id))
    return _hold(f, Reason.BATCH_DONE, update, _resume(f))


def _resume(f: Facts) -> str:
    return f"aurora update resume {f.key}, or aurora update abort {f.key}"


def _superseded(f: Facts, update: LiveUpdate, otherwise: Step) -> Step:
    """Abort only if what comes next would be done now; else let it roll."""
    if isinstance(otherwise, Questions):
        return otherwise
    if isinstance(otherwise, Act):
        abort = act_on(f, update, Reason.SUPERSEDED, AbortUpdate(update.id))
        # The abort is judged by what it makes way for: the guard must hold both or neither.
        return replace(
            abort,
            impact=otherwise.impact,
            changes=otherwise.changes,
            foreign=not f.ours(update),
            then=otherwise,
        )
    stands = update.status.paused or update.status.awaiting_pulse
    if isinstance(otherwise, Keep) and (stands or not update.status.going_back):
        # Live is right at this moment, and the update is about to change that.
        return act_on(f, update, Reason.SUPERSEDED, AbortUpdate(update.id))
    if stands and isinstance(otherwise, Hold):
        # Nothing moves by itself: what holds the next step holds the job.
        detail = f"{_who(update)}, to another spec; {otherwise.detail}"
        return replace(otherwise, detail=detail.removesuffix("; "))
    detail = f"{_who(update)}, to another spec; then: {otherwise.reason.meaning}"
    return Hold(f.key, f.project_name, Reason.UPDATE_IN_FLIGHT, detail=detail, origin=f.origin)


def _rolling(f: Facts, live: LiveJob, update: LiveUpdate) -> Step:
    """Wait for our own update to this spec, but not for ever."""
    pending = [t for t in live.unsettled if t.status is TaskStatus.PENDING]
    running = live.count - len(live.unsettled)
    direction = "rolling back" if update.status.going_back else "rolling"
    # How far it is comes first: a terminal shows the beginning.
    detail = (
        f"{_updated(f, live)}{max(running, 0)} of {live.count} tasks running,"
        f" {direction} since {_at(update.created_ms)}"
    )
    if f.now < _deadline(f, update):
        return Hold(f.key, f.project_name, Reason.UPDATE_IN_FLIGHT, detail=detail, origin=f.origin)
    if not pending:
        return _stalled(f, live, update, detail)
    if not f.final and not any(t.task_id in f.pending for t in pending):
        return Questions(pending=frozenset({f.key}))
    why = sorted({f.pending.get(t.task_id, "") for t in pending} - {""})
    detail = f"{len(pending)} of {live.count} wait: {'; '.join(why) or 'Aurora gives no reason'}"
    return Hold(
        f.key,
        f.project_name,
        Reason.NO_ROOM,
        detail=detail,
        release="make room, ask for less, or declare another spec",
        origin=f.origin,
    )


def _updated(f: Facts, live: LiveJob) -> str:
    """Say how many instances run what is declared, where it is known which config each runs."""
    if live.groups is None or f.wanted is None:
        return ""
    wanted = f.wanted.config.task
    there = sum(len(g.instances) for g in live.groups if wanted.satisfied_by(g.config.task))
    return f"{there} of {f.wanted.desired.spec.instances} instances as declared, "


def _stalled(f: Facts, live: LiveJob, update: LiveUpdate, detail: str) -> Step:
    """Roll back; a first version has nothing to go back to, and stays visible instead. Nor is there
    anything left to try when what was before does not get up either."""
    if update.status.going_back:
        release = f"declare another spec, or aurora update abort {f.key}"
        return Hold(
            f.key,
            f.project_name,
            Reason.NOT_ROLLED_BACK,
            detail=detail,
            release=release,
            origin=f.origin,
        )
    if live.groups is None:
        return Questions(groups=frozenset({f.key}))
    assert f.wanted is not None, "only a declared job's update is waited for"
    first = all(f.wanted.config.task.satisfied_by(g.config.task) for g in live.groups)
    action: Action = AbortUpdate(update.id) if first else RollbackUpdate(update.id)
    return act_on(f, update, Reason.STALLED, action, f"{_who(update)}: past its deadline")


def _deadline(f: Facts, update: LiveUpdate) -> datetime:
    """Return 3 × (batches × (start + watch)) + 10 min after it began: Aurora has no deadline.

    One that goes back began to do so nobody knows when; it has as long since it moved last.
    """
    wanted = f.wanted
    assert wanted is not None, "only a declared job's update is waited for"
    assert wanted.change is not None, "a cron template has no update"
    count = max(wanted.desired.spec.instances, 1)
    batches = wanted.change.batches(count)
    shortest = batches * (wanted.start_s + wanted.change.watch_ms / 1000)
    began_ms = update.modified_ms if update.status.going_back else update.created_ms
    return _when(began_ms) + timedelta(seconds=3 * shortest + GRACE_S)


def _hold(
    f: Facts, reason: Reason, update: LiveUpdate, release: str, word: UpdateEvent | None = None
) -> Hold:
    said = f' ("{word.message}")' if word is not None and word.message else ""
    by = f", by {word.user} at {_at(word.at_ms)}" if word is not None and word.user else ""
    detail = f"{_who(update)}{by}{said}"
    return Hold(f.key, f.project_name, reason, detail=detail, release=release, origin=f.origin)


def _retry(f: Facts) -> str:
    return f"--retry {f.key}, or declare another spec"


def _last(update: LiveUpdate) -> UpdateEvent | None:
    return update.events[-1] if update.events else None


def _sent_back(update: LiveUpdate) -> UpdateEvent | None:
    """Return the word of a person who rolled an update back; None when it failed, or we did it."""
    for event in update.events or ():
        # Aurora records a user for what people do, and none for a failure.
        ours = (event.message or "").startswith(OUR_WORDS)
        if event.status is UpdateStatus.ROLLING_BACK and event.user and not ours:
            return event
    return None


def _words(update: LiveUpdate) -> str:
    """Return what was said last to an update; nothing where that was not asked."""
    word = _last(update)
    return (word.message or "") if word is not None else ""


def _who(update: LiveUpdate) -> str:
    return f"update {update.id} started by {update.user} is {update.status.value}"


def _at(at_ms: int) -> str:
    return _when(at_ms).strftime("%Y-%m-%d %H:%M:%SZ")


def _when(at_ms: int) -> datetime:
    # What a scheduler tells may be no time at all, and must not end the round.
    return datetime.fromtimestamp(min(max(at_ms, 0), LATEST_MS) / 1000, UTC)
