"""What authors and operators do to the desired state, and what befalls its checkout."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.world.events import Event
from tests.world.intent import BEHAVIOURS, Content, Job
from tests.world.world import World

Deed = Callable[[World, Event], None]
KINDS = {"web": "service", "night": "cron", "train": "framework"}
SCRIPTS = tuple(BEHAVIOURS)
ROLLOUTS = ("standard", "careful", "queue")


def kind_of(name: str) -> str:
    """Return what a name stands for: `web-2` is a service, `night-1` a cron job."""
    return KINDS.get(name.split("-")[0], "service")


def project_of(name: str) -> str:
    """Return whose a name is: every third job belongs to the second project."""
    return "lab" if name.endswith(("2", "5")) else "shop"


# --- one job's document


def create(world: World, event: Event) -> None:
    """A job `name` with `number` instances is declared, if there is none."""
    if event.name not in world.repository.head.jobs:
        job = Job(event.name, project_of(event.name), kind_of(event.name), instances=event.number)
        _commit(world, event, lambda content: content.with_job(job))


def release(world: World, event: Event) -> None:
    """Version `number` of a job is declared; it is a good one."""
    _change(world, event, version=event.number, behaviour="good")


def misbehave(world: World, event: Event) -> None:
    """A version is declared that behaves otherwise (`number`: how)."""
    script = SCRIPTS[event.number % len(SCRIPTS)]
    job = world.repository.head.jobs.get(event.name)
    _change(world, event, behaviour=script, version=job.version + 10 if job is not None else 1)


def scale(world: World, event: Event) -> None:
    _change(world, event, instances=event.number)


def tweak(world: World, event: Event) -> None:
    """Something else of the config changes, and back."""
    _change(world, event, noise=event.number)


def reschedule(world: World, event: Event) -> None:
    collision = ("cancel-new", "kill-existing")[event.number % 2]
    _change(world, event, hour=event.number % 24, collision=collision)


def switch(world: World, event: Event) -> None:
    """A cron job is disabled, or enabled again."""
    job = world.repository.head.jobs.get(event.name)
    _change(world, event, enabled=not job.enabled if job is not None else True)


def suspend(world: World, event: Event) -> None:
    job = world.repository.head.jobs.get(event.name)
    _change(world, event, suspended=not job.suspended if job is not None else False)


def roll_otherwise(world: World, event: Event) -> None:
    _change(world, event, rollout=ROLLOUTS[event.number % len(ROLLOUTS)])


def change_kind(world: World, event: Event) -> None:
    """A service becomes a cron job, or the other way about."""
    job = world.repository.head.jobs.get(event.name)
    if job is not None and job.kind != "framework":
        _change(world, event, kind="cron" if job.kind == "service" else "service")


def move(world: World, event: Event) -> None:
    """The file moves; nothing else changes."""
    job = world.repository.head.jobs.get(event.name)
    if job is not None:
        _change(world, event, path=f"{job.project}/moved-{event.number}/{job.name}.yaml")


def rename(world: World, event: Event) -> None:
    """A job gets another name: to the cluster, another job."""
    job = world.repository.head.jobs.get(event.name)
    name = f"{event.name}x"
    if job is not None and name not in world.repository.head.jobs and len(name) < 12:
        renamed = replace(job, name=name, path="")
        _commit(world, event, lambda content: content.without(event.name).with_job(renamed))


def remove(world: World, event: Event) -> None:
    if event.name in world.repository.head.jobs:
        _commit(world, event, lambda content: content.without(event.name))


def damage(world: World, event: Event) -> None:
    """A file cannot be read any more, or can again."""
    if event.name in world.repository.head.jobs:
        names = frozenset({event.name})
        _commit(world, event, lambda content: replace(content, broken=content.broken ^ names))


# --- all of it


def purge(world: World, event: Event) -> None:
    """Someone deletes most of the jobs at once: all but `number`."""

    def kept(content: Content) -> Content:
        names = sorted(content.jobs)[: event.number]
        return replace(content, jobs={n: content.jobs[n] for n in names})

    _commit(world, event, kept)


def upgrade_all(world: World, event: Event) -> None:
    """A platform-wide edit: every job changes its config."""

    def changed(content: Content) -> Content:
        jobs = {n: replace(job, noise=event.number) for n, job in content.jobs.items()}
        return replace(content, jobs=jobs)

    _commit(world, event, changed)


def revert(world: World, event: Event) -> None:
    """A new commit with the content of `number` commits ago."""
    commits = world.repository.commits
    if event.number < len(commits):
        older = commits[-1 - event.number].content
        _commit(world, event, lambda _: older)


def set_prunes(world: World, event: Event) -> None:
    _policy(world, event, prunes_max=event.number)


def set_restarts(world: World, event: Event) -> None:
    _policy(world, event, restarts_max=event.number)


def set_vanished(world: World, event: Event) -> None:
    _policy(world, event, vanished_max=event.number)


def stop_pruning(world: World, event: Event) -> None:
    _policy(world, event, prunes=not world.repository.head.policy.prunes)


def supersede(world: World, event: Event) -> None:
    _policy(world, event, supersedes=not world.repository.head.policy.supersedes)


def break_platform(world: World, event: Event) -> None:
    """The platform's document cannot be read any more, or can again."""
    broken = not world.repository.head.platform_broken
    _commit(world, event, lambda content: replace(content, platform_broken=broken))


# --- the checkout


def check_out(world: World, event: Event) -> None:
    """A checkout of `number` commits ago is used."""
    number = len(world.repository.commits) - 1 - event.number
    if number >= 0:
        world.repository.shown, world.repository.half = number, None
        world.cause(str(event))


def pull_half(world: World, event: Event) -> None:
    """A pull stops in the middle: some files are not there."""
    world.repository.half = event.number
    world.cause(str(event))


def pull_whole(world: World, event: Event) -> None:
    world.repository.shown, world.repository.half = len(world.repository.commits) - 1, None
    world.cause(str(event))


def lose_git(world: World, event: Event) -> None:
    """The source cannot be read at all, for `seconds`."""
    world.repository.error = "git: unable to read"
    world.site.clock.later(event.seconds, lambda: setattr(world.repository, "error", None))


def _change(world: World, event: Event, **changes: object) -> None:
    job = world.repository.head.jobs.get(event.name)
    if job is None:
        return
    changed = replace(job, **changes)  # type: ignore[arg-type]
    if changed != job:
        _commit(world, event, lambda content: content.with_job(changed))


def _policy(world: World, event: Event, **changes: object) -> None:
    policy = replace(world.repository.head.policy, **changes)  # type: ignore[arg-type]
    _commit(world, event, lambda content: replace(content, policy=policy))


def _commit(world: World, event: Event, change: Callable[[Content], Content]) -> None:
    world.repository.commit(change)
    world.cause(str(event))


DEEDS: Mapping[str, Deed] = {
    "create": create,
    "release": release,
    "misbehave": misbehave,
    "scale": scale,
    "tweak": tweak,
    "reschedule": reschedule,
    "switch": switch,
    "suspend": suspend,
    "roll otherwise": roll_otherwise,
    "change kind": change_kind,
    "move": move,
    "rename": rename,
    "remove": remove,
    "damage": damage,
    "purge": purge,
    "upgrade all": upgrade_all,
    "revert": revert,
    "set prunes": set_prunes,
    "set restarts": set_restarts,
    "set vanished": set_vanished,
    "stop pruning": stop_pruning,
    "supersede": supersede,
    "break platform": break_platform,
    "check out": check_out,
    "pull half": pull_half,
    "pull whole": pull_whole,
    "lose git": lose_git,
}
