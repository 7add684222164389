"""Laws about the deed itself: what is declared and no more, in its order, and in its time."""

from collections.abc import Iterator

from reconciler.thrift.structs import (
    JobKey,
    ScheduleStatus,
)
from tests.world import sight
from tests.world.cases import KILLS, STARTS, TO_UPDATES, Case, is_ours, wish_of
from tests.world.intent import Wish

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
    sent, replaced = sight.meaning(case.config), case.replaced
    same = [
        t.instance
        for t in case.asked.before.tasks
        if t.instance in replaced and sight.meaning(t.config) == sent
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
    if wish is None or wish.is_cron or not is_ours(update) or case.world.clock_was_wrong:
        return
    found = sight.details(case.world.wire.aurora, update).update
    desired = found.instructions.desiredState if found and found.instructions else None
    state = update.state
    if desired is None or desired.task is None or state is None:
        return
    same = sight.fulfils(desired.task, wish) and wish_of(case, update) == wish
    age_s = case.asked.at.timestamp() - (state.createdTimestampMs or 0) / 1000
    if same and age_s < 600:
        yield f"it is {age_s:.0f} s old"
