"""What people and their tools do to the scheduler beside the reconciler, and what hosts do.

`number` picks: the so manyeth task, host or update of what there is, or nothing when there is none.
"""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from reconciler.thrift.calls import METHODS
from reconciler.thrift.structs import (
    ACTIVE_UPDATE_STATES,
    ExecutorConfig,
    Hosts,
    Identity,
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateRequest,
    JobUpdateSettings,
    Resource,
    ResponseCode,
    ScheduleStatus,
    TaskConfig,
)
from tests.world import sight
from tests.world.commits import project_of
from tests.world.events import Event
from tests.world.sight import Held
from tests.world.world import HOSTS, ROLES, World, quota

Deed = Callable[[World, Event], None]
THEM = "them@acme.example"
SETTINGS = JobUpdateSettings(
    updateGroupSize=1, minWaitInInstanceRunningMs=5_000, maxFailedInstances=0
)


def key_of(world: World, name: str) -> JobKey | None:
    """Return the live job that a name belongs to, in whichever role."""
    live = {*sight.tasks(world.wire.aurora), *sight.templates(world.wire.aurora)}
    return next((key for key in sorted(live, key=repr) if key.name == name), None)


# --- tasks


def kill(world: World, event: Event) -> None:
    """One instance is killed."""
    picked = _picked(world, event)
    if picked is not None:
        key, task = picked
        _do(world, event, "killTasks", job=key, instances=(task.instance,))


def kill_all(world: World, event: Event) -> None:
    """A whole job is killed."""
    key = key_of(world, event.name)
    held = sight.holding(world.wire.aurora, key).ids() if key is not None else ()
    if held:
        _do(world, event, "killTasks", job=key, instances=tuple(sorted(held)))


def restart(world: World, event: Event) -> None:
    picked = _picked(world, event)
    if picked is not None:
        key, task = picked
        _do(world, event, "restartShards", job=key, shardIds=(task.instance,))


def add(world: World, event: Event) -> None:
    """Somebody scales a job up by hand."""
    picked = _picked(world, event)
    if picked is not None:
        key, task = picked
        instance = InstanceKey(jobKey=key, instanceId=task.instance)
        _do(world, event, "addInstances", key=instance, count=1 + event.number % 2)


def fail(world: World, event: Event) -> None:
    """A process fails of itself."""
    picked = _picked(world, event)
    if picked is not None and picked[1].status is ScheduleStatus.RUNNING:
        world.wire.aurora.fail_task(picked[1].id, "exit 2")
        world.cause(str(event))


# --- updates


def update_by_hand(world: World, event: Event) -> None:
    """Somebody starts an update of his own: to a config of his, or (odd) to the same one, laid out
    otherwise and under his name, as another client would."""
    picked = _picked(world, event)
    if picked is None:
        return
    key, task = picked
    config = _as_theirs(task.config) if event.number % 2 else their_config(key)
    count = len(sight.holding(world.wire.aurora, key).ids())
    if world.site.memory().fresh and event.number % 2 == 0:
        # What told that it was ours is on no record, and no longer on the job.
        world.contested.add((key.role or "", key.name or ""))
    request = JobUpdateRequest(taskConfig=config, instanceCount=count, settings=SETTINGS)
    _do(world, event, "startJobUpdate", request=request)


def _word(method: str) -> Deed:
    def deed(world: World, event: Event) -> None:
        active = [
            u
            for u in sight.updates(world.wire.aurora)
            if u.state is not None and u.state.status in ACTIVE_UPDATE_STATES
        ]
        if active:
            _do(world, event, method, key=active[event.number % len(active)].key)

    deed.__doc__ = f"Somebody sends {method} to an active update, whosever it is."
    return deed


# --- jobs


def create_theirs(world: World, event: Event) -> None:
    """Somebody creates a job of his own, under a name that may be declared some day."""
    project = project_of(event.name) if event.number % 3 else ROLES[event.number % 2]
    key = JobKey(role=project, environment="prod", name=event.name)
    if sight.holding(world.wire.aurora, key).empty:
        job = JobConfiguration(key=key, taskConfig=their_config(key), instanceCount=2)
        world.contested.add((project, event.name))
        # It is there again, though not as ours was.
        world.vanished.discard((project, event.name))
        _do(world, event, "createJob", description=job)


def run_cron(world: World, event: Event) -> None:
    key = key_of(world, event.name)
    if key is not None:
        _do(world, event, "startCronJob", job=key)


def deschedule(world: World, event: Event) -> None:
    key = key_of(world, event.name)
    if key is not None and key in sight.templates(world.wire.aurora):
        _do(world, event, "descheduleCronJob", job=key)


def reschedule(world: World, event: Event) -> None:
    """Somebody edits a template by hand."""
    key = key_of(world, event.name)
    template = sight.templates(world.wire.aurora).get(key) if key is not None else None
    if template is not None:
        changed = replace(template, cronSchedule=f"{event.number % 60} 5 * * *")
        _do(world, event, "scheduleCronJob", description=changed)


def set_quota(world: World, event: Event) -> None:
    """A role's quota becomes `number` percent of what it was at first."""
    world.wire.aurora.set_quota(ROLES[event.seconds % 2], quota(event.number))
    world.cause(str(event))


# --- hosts


def lose_host(world: World, event: Event) -> None:
    world.wire.aurora.lose_host(_host(event))
    world.cause(str(event))


def return_host(world: World, event: Event) -> None:
    world.wire.aurora.return_host(_host(event))
    world.cause(str(event))


def partition(world: World, event: Event) -> None:
    """Nobody sees what runs on a host, for `seconds`."""
    name = _host(event)
    world.wire.aurora.partition_host(name)
    world.cause(str(event))

    def heal() -> None:
        world.wire.aurora.heal_host(name)
        world.cause(f"{name} is seen again")

    world.site.clock.later(event.seconds, heal)


def drain(world: World, event: Event) -> None:
    """A host is drained for maintenance, for `seconds`."""
    hosts = Hosts(hostNames=(_host(event),))
    _do(world, event, "drainHosts", hosts=hosts)
    world.site.clock.later(event.seconds, lambda: _do(world, event, "endMaintenance", hosts=hosts))


def empty(world: World, event: Event) -> None:
    """The scheduler comes back from a backup of nothing: it answers OK, and is empty."""
    if world.wire.past is None:
        live = {*sight.tasks(world.wire.aurora), *sight.templates(world.wire.aurora)}
        # A record that was lost with them cannot miss what is gone.
        known = {} if world.lost_records else dict.fromkeys(live)
        world.vanished = sight.by_key(known)
        world.wire.emptied(HOSTS, ROLES)
        world.cause(str(event))


def their_config(key: JobKey) -> TaskConfig:
    """Return what somebody else would run, without any mark of ours."""
    return TaskConfig(
        job=key,
        isService=True,
        executorConfig=ExecutorConfig(name="AuroraExecutor", data='{"theirs":1}'),
        resources=(Resource(numCpus=1.0), Resource(ramMb=64), Resource(diskMb=64)),
        contactEmail=THEM,
    )


def _as_theirs(config: TaskConfig) -> TaskConfig:
    data = config.executorConfig.data if config.executorConfig is not None else None
    laid_out = ExecutorConfig(name="AuroraExecutor", data=f"{data} ")
    return replace(config, owner=Identity(user="bob"), executorConfig=laid_out)


def _picked(world: World, event: Event) -> tuple[JobKey, Held] | None:
    key = key_of(world, event.name)
    tasks = sight.holding(world.wire.aurora, key).tasks if key is not None else ()
    if key is None or not tasks:
        return None
    return key, sorted(tasks, key=lambda t: t.instance)[event.number % len(tasks)]


def _host(event: Event) -> str:
    return HOSTS[event.number % len(HOSTS)].name


def _do(world: World, event: Event, method: str, **args: object) -> None:
    """Do what a person does; that the scheduler refuses it is no matter."""
    told = dict.fromkeys((p.name for p in METHODS[method].params), None) | args
    found = world.wire.aurora.call(method, told, "bob")
    if found.responseCode is ResponseCode.OK:
        world.cause(str(event))


DEEDS: Mapping[str, Deed] = {
    "kill": kill,
    "kill all": kill_all,
    "restart": restart,
    "add": add,
    "fail": fail,
    "update by hand": update_by_hand,
    "pause": _word("pauseJobUpdate"),
    "resume": _word("resumeJobUpdate"),
    "abort": _word("abortJobUpdate"),
    "roll back": _word("rollbackJobUpdate"),
    "create theirs": create_theirs,
    "run cron": run_cron,
    "deschedule": deschedule,
    "edit template": reschedule,
    "set quota": set_quota,
    "lose host": lose_host,
    "return host": return_host,
    "partition": partition,
    "drain": drain,
    "empty": empty,
}
