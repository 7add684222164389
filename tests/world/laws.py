"""What must hold of every world, whatever happens in it.

The laws look from outside: at the calls that arrived, at what the stand-in held just then, at what
the tree said by the world's own knowledge. They never ask the product whether it was right.

Each law takes a `Case`, one call that would change something, and yields what is wrong with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reconciler.thrift.structs import (
    JobConfiguration,
    JobKey,
    JobUpdateRequest,
    JobUpdateStatus,
    JobUpdateSummary,
    ScheduleStatus,
    TaskConfig,
)
from tests.world import sight
from tests.world.intent import PLATFORM_NAME, Content, Wish
from tests.world.repository import Reading
from tests.world.sight import Holding
from tests.world.wire import Asked
from tests.world.world import Process, World

Name = tuple[str, str]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SECOND_LOOK = timedelta(seconds=30)
OUR_USER = "UNSECURE"
KILLS = ("killTasks", "descheduleCronJob")
STARTS = ("startJobUpdate", "scheduleCronJob")
TO_UPDATES = (
    "abortJobUpdate",
    "pauseJobUpdate",
    "resumeJobUpdate",
    "rollbackJobUpdate",
    "pulseJobUpdate",
)
BAD = (JobUpdateStatus.ROLLED_BACK, JobUpdateStatus.FAILED, JobUpdateStatus.ERROR)


@dataclass(slots=True)
class Known:
    """What follows from all calls so far: which jobs are ours, what the guard's window holds."""

    ours: dict[Name, datetime] = field(default_factory=dict)
    killed: list[tuple[datetime, Name]] = field(default_factory=list)
    restarted: list[tuple[datetime, Name, int]] = field(default_factory=list)
    refilled: list[tuple[Name, int]] = field(default_factory=list)
    configs: dict[tuple[Name, Any], tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One call before the laws, with what was known when it was made."""

    world: World
    known: Known
    asked: Asked
    process: Process
    reading: Reading

    @property
    def name(self) -> Name:
        return self.asked.key.role or "", self.asked.key.name or ""

    @property
    def method(self) -> str:
        return self.asked.call.method

    @property
    def content(self) -> Content:
        return self.reading.commit.content

    @property
    def wish(self) -> Wish | None:
        """Return what the tree said of this job, as it was read last."""
        return self.content.wishes().get(self.name)

    @property
    def request(self) -> JobUpdateRequest:
        found = self.asked.call.args["request"]
        assert isinstance(found, JobUpdateRequest)
        return found

    @property
    def config(self) -> TaskConfig | None:
        """Return the config that is sent, if one is."""
        match self.asked.call.args:
            case {"request": JobUpdateRequest() as request}:
                return request.taskConfig
            case {"description": JobConfiguration() as job}:
                return job.taskConfig
        return None

    @property
    def scope(self) -> frozenset[int]:
        """Return the instances that the update may touch."""
        settings = self.request.settings
        assert settings is not None
        return sight.instances(settings.updateOnlyTheseInstances or ())

    @property
    def replaced(self) -> frozenset[int]:
        """Return the live instances that the update would replace: Aurora compares bytes."""
        kept = range(self.request.instanceCount or 0)
        return frozenset(
            task.instance
            for task in self.asked.before.tasks
            if task.instance in self.scope and task.instance in kept
        )


Law = Callable[[Case], Iterator[str]]


# --- unknown is not absent


def never_act_on_unknown(case: Case) -> Iterator[str]:
    """No answer is no knowledge: whoever acts on it creates what is there, or kills what is wanted.

    So a call is made only in a round in which every question about the job, and every one about the
    whole cluster, was answered in the end.
    """
    for question in case.asked.missing:
        yield f"no answer to {question[:80]}"


def never_prune_on_an_incomplete_tree(case: Case) -> Iterator[str]:
    """A file that cannot be read, or is not there yet, must not look like a deletion: a half
    finished pull would end production."""
    if case.method not in (*KILLS, "abortJobUpdate") or case.wish is not None:
        return
    if not case.reading.whole:
        yield "the reading of the tree was not whole"
    if case.content.platform_broken:
        yield "the platform's document could not be read"
    for name, job in case.content.jobs.items():
        if name in case.content.broken and job.project == case.name[0]:
            yield f"the file of {name} could not be read"


def never_prune_at_first_sight(case: Case) -> Iterator[str]:
    """A job is gone from the tree only when two looks say so, half a minute apart: a deletion that
    is undone at once never happened."""
    if case.method not in KILLS or case.wish is not None:
        return
    at = case.reading.at
    for earlier in reversed(case.world.repository.readings[: case.reading.number]):
        if not earlier.whole:
            continue
        if case.name in earlier.commit.content.wishes():
            break
        if abs(at - earlier.at) >= SECOND_LOOK:
            return
    if not case.process.released.approve:
        yield "it was not missed for 30 s"


def never_touch_what_cannot_be_read(case: Case) -> Iterator[str]:
    """A job whose file is broken is held as it is: nobody knows what it shall be."""
    wish = case.wish
    if wish is None or case.name in case.content.readable():
        return
    yield "its file could not be read"


# --- whose a job is


def never_touch_a_job_that_is_not_ours(case: Case) -> Iterator[str]:
    """Others live on the same cluster. What we neither started nor were told to adopt is theirs."""
    if case.asked.before.empty or case.name in case.known.ours or case.process.released.adopt:
        return
    yield "it is not ours"


def never_overwrite_an_update_that_is_not_ours(case: Case) -> Iterator[str]:
    """Somebody is at work at this job; to end that needs a policy that says so."""
    update = case.asked.before.update
    if update is None or case.method not in TO_UPDATES:
        return
    ours = sight.metadata(update).get(sight.INSTALLATION) == PLATFORM_NAME
    if not ours and not (case.method == "abortJobUpdate" and case.content.policy.supersedes):
        yield "the active update is not ours"


def never_go_against_a_person(case: Case) -> Iterator[str]:
    """Whoever paused an update of ours knows why; only he resumes it."""
    before = case.asked.before
    update = before.update
    if update is None or update.state is None or update.state.status is None:
        return
    if update.state.status.name.endswith("PAUSED") and before.word not in (None, OUR_USER):
        yield f"{before.word} paused the update"


def leave_suspended_jobs_alone(case: Case) -> Iterator[str]:
    """`suspend` means: hands off, whatever is live."""
    if case.wish is not None and case.wish.suspended:
        yield "it is suspended"


# --- doing what is declared, and no more


def say_only_what_is_meant(case: Case) -> Iterator[str]:
    """To Aurora an empty set means all; and what no decision can mean is never said."""
    if case.method not in (*KILLS, *STARTS, *TO_UPDATES):
        yield "nothing decides this"
    if case.method == "killTasks" and not case.asked.call.args.get("instances"):
        yield "a kill of all instances"
    if case.method == "startJobUpdate" and not case.scope:
        yield "an update of all instances"


def start_what_is_declared(case: Case) -> Iterator[str]:
    """What is started is what the tree said when it was read last: config, count and schedule."""
    wish, config = case.wish, case.config
    if config is None:
        return
    if wish is None:
        yield "it is not declared"
        return
    if not sight.fulfils(config, wish):
        yield f"the config is not that of {wish}: {sorted(sight.marks(config).items())}"
    if wish.is_cron:
        yield from _template(case, wish)
    elif case.request.instanceCount != wish.instances:
        yield f"{case.request.instanceCount} instances, not {wish.instances}"


def _template(case: Case, wish: Wish) -> Iterator[str]:
    job = case.asked.call.args["description"]
    if (job.cronSchedule, job.instanceCount) != (wish.schedule, wish.instances):
        yield f"the template is not that of {wish}"
    policy = job.cronCollisionPolicy
    if policy is None or policy.name.lower().replace("_", "-") != wish.collision:
        yield f"the collision policy is not {wish.collision}"


def kill_only_what_shall_not_be(case: Case) -> Iterator[str]:
    """A declared job is killed when it shall have no instances, or be of another kind; its template
    goes when it is disabled or becomes a service. Nothing else is a reason."""
    wish = case.wish
    if wish is None or case.method not in KILLS:
        return
    if case.method == "killTasks" and wish.instances and not _other_kind(case, wish):
        yield f"{wish.instances} instances are declared"
    if case.method == "descheduleCronJob" and wish.is_cron and wish.enabled:
        yield "its template is declared"


def _other_kind(case: Case, wish: Wish) -> bool:
    return all(bool(t.config.isService) == wish.is_cron for t in case.asked.before.tasks)


def restart_only_what_changed(case: Case) -> Iterator[str]:
    """A process is replaced only when its config changes by meaning: neither a change of the count
    nor one of layout, author or revision is worth a restart."""
    if case.method != "startJobUpdate" or not case.asked.taken or case.config is None:
        return
    sent = sight.meaning(case.config)
    same = [
        t.instance
        for t in case.asked.before.tasks
        if t.instance in case.replaced and sight.meaning(t.config) == sent
    ]
    if same:
        yield f"instances {same} have this config already"


def put_nothing_that_varies_into_a_config(case: Case) -> Iterator[str]:
    """What differs from round to round (a revision, a time, a token) would restart the fleet with
    every commit. One wish has one config, whatever its count, and whenever it is sent."""
    wish, config = case.wish, case.config
    if config is None or wish is None:
        return
    told = (case.name, (wish.version, wish.behaviour, wish.noise, wish.is_cron))
    found = sight.meaning(config)
    first, _ = case.known.configs.setdefault(told, (found, ""))
    if first != found:
        yield f"the same wish had another config before: {first} became {found}"
    if case.reading.commit.id in (
        config.executorConfig.data or "" if config.executorConfig else ""
    ):
        yield "it holds the revision"


def never_downgrade_unasked(case: Case) -> Iterator[str]:
    """An old checkout must not undo what a newer one did, behind everybody's back."""
    if case.process.released.older or case.asked.before.empty or case.method in TO_UPDATES:
        return
    applied = [
        commit.number
        for update in sight.updates(case.world.wire.aurora, case.asked.key)
        if (commit := case.world.repository.of(sight.metadata(update).get(sight.REVISION, "")))
    ]
    if applied and case.asked.taken and max(applied) > case.reading.commit.number:
        yield f"commit {max(applied)} was applied, this is {case.reading.commit.number}"


def let_workers_wait_for_their_master(case: Case) -> Iterator[str]:
    """Workers that start before their master find none, and fail: the master comes first, and
    the workers only when it runs."""
    wish = case.wish
    if case.method != "startJobUpdate" or wish is None or wish.master is None:
        return
    if not case.asked.undisturbed:
        return
    lead = case.content.wishes()[case.name[0], wish.master]
    key = JobKey(role=lead.role, environment="prod", name=lead.name)
    held = sight.holding(case.world.wire.aurora, key)
    runs = [t for t in held.tasks if t.status is ScheduleStatus.RUNNING]
    if held.update is not None or len(runs) != 1 or not sight.fulfils(runs[0].config, lead):
        yield f"{wish.master} is not settled: {[t.status.name for t in held.tasks]}"


def let_a_master_outlive_its_workers(case: Case) -> Iterator[str]:
    """Removal goes the other way: workers without their master fail, one after the other."""
    if case.method != "killTasks" or case.wish is not None or not case.asked.undisturbed:
        return
    role, name = case.name
    workers = role, f"{name.removesuffix('-master')}-workers"
    if not name.endswith("-master") or workers in case.content.wishes():
        return
    key = JobKey(role=role, environment="prod", name=workers[1])
    held = sight.holding(case.world.wire.aurora, key).tasks
    if workers in case.known.ours and any(t.status is not ScheduleStatus.KILLING for t in held):
        yield f"{workers[1]} still runs"


def never_start_over_dying_tasks(case: Case) -> Iterator[str]:
    """Aurora compares with tasks that are being killed, too: asked for the same config it says
    "unchanged", and the job ends dead."""
    if case.method != "startJobUpdate" or not case.asked.undisturbed:
        return
    dying = [t.instance for t in case.asked.before.tasks if t.status is ScheduleStatus.KILLING]
    if dying and case.asked.before.update is None:
        yield f"instances {dying} are being killed"


def give_updates_their_time(case: Case) -> Iterator[str]:
    """An update of ours to what is declared is not given up before it can have come up: a slow
    start is no failure. At least ten minutes, by a clock that is right."""
    update, wish = case.asked.before.update, case.wish
    if case.method not in ("abortJobUpdate", "rollbackJobUpdate") or update is None:
        return
    if wish is None or wish.is_cron or not _ours(update) or case.world.clock_was_wrong:
        return
    found = sight.details(case.world.wire.aurora, update).update
    desired = found.instructions.desiredState if found and found.instructions else None
    state = update.state
    if desired is None or desired.task is None or state is None:
        return
    same = sight.fulfils(desired.task, wish) and _revision_wish(case, update) == wish
    age_s = case.asked.at.timestamp() - (state.createdTimestampMs or 0) / 1000
    if same and age_s < 600:
        yield f"it is {age_s:.0f} s old"


def _revision_wish(case: Case, update: JobUpdateSummary) -> Wish | None:
    commit = case.world.repository.of(sight.metadata(update).get(sight.REVISION, ""))
    return commit.content.wishes().get(case.name) if commit is not None else None


# --- exactly once


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
            same = _groups(planned) == _groups(before) and before.update is None
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
    newest, *earlier = sight.updates(case.world.wire.aurora, case.asked.key)
    del newest
    for update in earlier[:1]:
        state = update.state
        if state is None or not _ours(update) or not _went_badly(case, update):
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
    return by_person and _revision_wish(case, update) == case.wish


def _ours(update: JobUpdateSummary) -> bool:
    return sight.metadata(update).get(sight.INSTALLATION) == PLATFORM_NAME


def _desired(case: Case, update: JobUpdateSummary) -> str | None:
    found = sight.details(case.world.wire.aurora, update).update
    assert found is not None
    assert found.instructions is not None
    desired = found.instructions.desiredState
    return sight.meaning(desired.task) if desired is not None and desired.task else None


# --- the guard


def kill_no_more_than_the_guard_allows(case: Case) -> Iterator[str]:
    """A confident wrong deletion is the disaster: a project loses only so many jobs in a day before
    a person must say yes."""
    if case.method not in KILLS or not case.asked.taken or case.process.released.approve:
        return
    begun = _within(case, case.known.killed, DAY)
    limit = case.content.policy.prunes_max
    if _one(case.name) not in begun and len(begun) >= limit:
        yield f"{len(begun) + 1} jobs of {case.name[0]} in a day, {limit} are allowed: {begun}"


def _within(case: Case, found: list[tuple[datetime, Name]], window: timedelta) -> set[Name]:
    """Return the jobs of this project within the window, by the host's clock: a lost record loses
    its window, too."""
    now = case.asked.host_at
    since = max(case.world.lost_records, default=datetime.min.replace(tzinfo=now.tzinfo))
    return {
        _one(name)
        for at, name in found
        if name[0] == case.name[0] and now - at < window and at >= since
    }


def _one(name: Name) -> Name:
    """A framework's two jobs count as one."""
    return name[0], name[1].removesuffix("-master").removesuffix("-workers")


def restart_no_more_than_the_guard_allows(case: Case) -> Iterator[str]:
    """One edit of the platform restarts the fleet: more than so many jobs in an hour need a
    person. A single job's rollout passes always."""
    if case.method != "startJobUpdate" or not case.asked.taken or not case.replaced:
        return
    if case.process.released.approve:
        return
    now = case.asked.host_at
    since = max(case.world.lost_records, default=datetime.min.replace(tzinfo=now.tzinfo))
    found = [r for r in case.known.restarted if now - r[0] < HOUR and r[0] >= since]
    before = {name for _, name, reading in found if reading != case.reading.number}
    at_once = {name for _, name, reading in found if reading == case.reading.number} - before
    fresh = {case.name, *at_once} - before
    limit = case.content.policy.restarts_max
    if len(fresh) > 1 and len(fresh | before) > limit:
        yield f"{len(fresh | before)} jobs restart within an hour, {limit} are allowed"


def keep_half_of_a_job(case: Case) -> Iterator[str]:
    """A count with a digit too few takes a service down: no job loses more than half at once."""
    if case.method != "startJobUpdate" or not case.asked.taken:
        return
    if case.process.released.approve or _new_to_us(case):
        return
    count = case.request.instanceCount or 0
    removed = [i for i in case.asked.before.ids() & case.scope if i >= count]
    if len(removed) > (count + len(removed)) / 2:
        yield f"{len(removed)} of {count + len(removed)} instances are removed"


def _new_to_us(case: Case) -> bool:
    return case.name not in case.known.ours


def never_refill_a_cluster_that_looks_emptied(case: Case) -> Iterator[str]:
    """A scheduler restored from a backup of nothing answers OK: whoever believes it starts the
    whole fleet a second time. More than so many jobs gone at once need a person."""
    if not case.asked.taken or case.method not in STARTS or case.process.released.approve:
        return
    refilled = {name for name, reading in case.known.refilled if reading == case.reading.number}
    limit = case.content.policy.vanished_max
    if case.name in case.world.vanished & case.known.ours.keys() and len(refilled) >= limit:
        yield f"{len(refilled) + 1} jobs that had gone are started at once, {limit} is normal"


CALL_LAWS: tuple[Law, ...] = (
    never_act_on_unknown,
    never_prune_on_an_incomplete_tree,
    never_prune_at_first_sight,
    never_touch_what_cannot_be_read,
    never_touch_a_job_that_is_not_ours,
    never_overwrite_an_update_that_is_not_ours,
    never_go_against_a_person,
    leave_suspended_jobs_alone,
    say_only_what_is_meant,
    start_what_is_declared,
    kill_only_what_shall_not_be,
    restart_only_what_changed,
    put_nothing_that_varies_into_a_config,
    never_downgrade_unasked,
    let_workers_wait_for_their_master,
    let_a_master_outlive_its_workers,
    never_start_over_dying_tasks,
    give_updates_their_time,
    look_before_asking_again,
    act_only_on_what_was_planned,
    never_try_again_what_failed,
    kill_no_more_than_the_guard_allows,
    restart_no_more_than_the_guard_allows,
    keep_half_of_a_job,
    never_refill_a_cluster_that_looks_emptied,
)


def judged(world: World, known: Known, asked: Asked) -> Iterator[str]:
    """Yield what is wrong with a call that was just made, and remember it."""
    reading = world.repository.readings[asked.reading - 1]
    case = Case(world, known, asked, world.processes[asked.process], reading)
    for law in CALL_LAWS:
        for wrong in law(case):
            yield f"{law.__name__}: {case.method} of {'/'.join(case.name)}: {wrong}"
    learn(case)


def learn(case: Case) -> None:
    """Keep what one call tells about those to come."""
    known, at = case.known, case.asked.host_at
    if not case.asked.taken:
        return
    if case.method in STARTS:
        if case.name in case.world.vanished & known.ours.keys():
            known.refilled.append((case.name, case.reading.number))
        known.ours.setdefault(case.name, at)
        case.world.vanished.discard(case.name)
    if case.method in KILLS:
        known.killed.append((at, case.name))
    if case.method == "startJobUpdate" and case.replaced:
        known.restarted.append((at, case.name, case.reading.number))
