"""The reconciler's own processes, and what befalls them: kills, full disks, wrong clocks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from reconciler.model.keys import JobPattern
from reconciler.plan.inputs import Orders
from reconciler.record.fault import RecordError
from reconciler.standin.aurora import Aurora
from tests.support.cluster import Crash, Died, Fault
from tests.world.events import Event
from tests.world.wire import Weather
from tests.world.world import Process, Released, World

Deed = Callable[[World, Event], None]
INTERVAL_S = 30
ALL = (JobPattern.parse("*"),)
DEAF = (
    ("getTasksWithoutConfigs", "getTasksStatus"),
    ("getJobs",),
    ("getConfigSummary",),
    ("getJobUpdateDiff",),
    ("populateJobConfig",),
    ("getJobUpdateDetails",),
)
COMMON = tuple(f for f in Fault if f is not Fault.EMPTIED)


# --- runs


def converge(world: World, event: Event) -> None:
    """A bare run, for at most `seconds`; `name` says what a person releases."""
    with _process(world, "converge", event) as process:
        orders = _orders(world, process)
        world.site.converge(orders, timeout_s=event.seconds or 1800)


def watch(world: World, event: Event) -> None:
    """The loop, for `seconds`; it looks every `number` seconds, or every thirty."""
    with _process(world, "watch", event) as process:
        process.interval_s = event.number or INTERVAL_S
        world.site.watch(event.seconds, process.interval_s)


def preview(world: World, event: Event) -> None:
    """A dry run: nothing may be sent."""
    with _process(world, "preview", event):
        world.site.preview()


def second(world: World, event: Event) -> None:
    """A second reconciler is started on the same state; it must not come to anything."""
    del event
    if world.running is None or world.running.command == "preview":
        return  # only whoever writes needs the state for himself
    before = len(world.asked)
    try:
        world.site.step()
    except RecordError:
        return
    world.broken.append(f"two reconcilers at once on one state ({before} calls before)")


def sleep(world: World, event: Event) -> None:
    """Nobody runs the reconciler for `seconds`."""
    world.site.clock.pass_by(event.seconds)
    world.wire.aurora.advance(int(world.site.clock.now().timestamp() * 1000))


@contextmanager
def _process(world: World, command: str, event: Event) -> Iterator[Process]:
    """Have a process; all that was armed for it ends with it."""
    if world.running is not None:
        yield Process(-1, command, world.site.clock.now(), world.site.host.now())
        return
    process = Process(
        len(world.processes),
        command,
        world.site.clock.now(),
        world.site.host.now(),
        released=_released(event),
    )
    world.processes.append(process)
    world.running = process
    world.wire.begin(process.number)
    world.wire.meanwhile = world.meanwhile
    try:
        yield process
    except Died:
        process.killed = True
    except RecordError:
        pass  # what it is told when its state cannot be used
    finally:
        world.running = None
        process.ended = world.site.clock.now()
        world.hear(process)
        _doubt(world, process)
        _clear(world)


def _doubt(world: World, process: Process) -> None:
    """A scheduler that leads no more does not show what was created a moment ago. If the tree
    drops it in that same moment, it counts as gone, and nobody can say otherwise."""
    if world.wire.past is not None:
        asked = (a.key for a in world.asked if a.process == process.number)
        names = {(key.role or "", key.name or "") for key in asked}
        world.contested |= names - world.repository.head.wishes().keys()


def _clear(world: World) -> None:
    world.armed.clear()
    world.wire.weather = Weather()
    world.wire.past = None
    world.site.crash = Crash()


def _released(event: Event) -> Released:
    words = event.name.split()
    return Released(*(word in words for word in ("adopt", "retry", "approve", "older")))


def _orders(world: World, process: Process) -> Orders:
    """Return what a person orders; who approves has looked at the plan before."""
    told = process.released
    if told.retry:
        world.retried.append(world.site.clock.now())
    approve: frozenset[str] = frozenset()
    if told.approve:
        approve = _digests(world, process, Orders(adopt=ALL if told.adopt else ()))
    return Orders(
        adopt=ALL if told.adopt else (),
        retry=ALL if told.retry else (),
        approve=approve,
        allow_older=told.older,
    )


def _digests(world: World, process: Process, orders: Orders) -> frozenset[str]:
    """Return what a preview shows to be approved: a process of its own, that holds no lock."""
    command, process.command = process.command, "preview"
    looked = world.site.preview(orders)
    process.command = command
    return frozenset(told.plan.digest for told in looked.rounds)


# --- what befalls the next one


def die(world: World, event: Event) -> None:
    """It is killed at the `number`th point where something reaches a disk or the scheduler."""
    world.site.crash = Crash(event.number)


def fill_disk(world: World, event: Event) -> None:
    """The disk has no room from the `number`th write of the record on, for some writes."""
    world.site.crash = Crash(None, range(event.number, event.number + 1 + event.seconds))


def storm(world: World, event: Event) -> None:
    """`number` percent of its calls suffer a fault: of the one that is named, or of any."""
    weather = world.weather()
    weather.seed, weather.share = event.seconds, event.number / 100
    weather.faults = (Fault[event.name],) if event.name else COMMON


def mishap(world: World, event: Event) -> None:
    """Its `number`th write suffers the fault that is named."""
    world.weather().writes[event.number] = Fault[event.name]


def deafen(world: World, event: Event) -> None:
    """Answers to some methods cannot be read: something on the way cuts large ones."""
    world.weather().deaf = DEAF[event.number % len(DEAF)]


def fail_over(world: World, event: Event) -> None:
    """Its calls from `number` on, for `seconds` calls, reach a scheduler that leads no more."""
    world.wire.past = Aurora.restore(world.wire.aurora.dump(), world.wire.aurora.now_ms)
    world.weather().stale = (event.number, event.number + event.seconds)


def misdirect(world: World, event: Event) -> None:
    """Its calls from `number` on, for `seconds` calls, reach another cluster, which is empty."""
    world.weather().elsewhere = (event.number, event.number + event.seconds)


def jump(world: World, event: Event) -> None:
    """The host's clock goes `seconds` ahead, or (odd `number`) back."""
    world.clock_was_wrong = True
    world.site.ahead_s += -event.seconds if event.number % 2 else event.seconds


def lose_record(world: World, event: Event) -> None:
    del event
    if world.running is None:
        world.lose_record()


DEEDS: Mapping[str, Deed] = {
    "converge": converge,
    "watch": watch,
    "preview": preview,
    "second": second,
    "sleep": sleep,
    "die": die,
    "fill disk": fill_disk,
    "storm": storm,
    "mishap": mishap,
    "deafen": deafen,
    "fail over": fail_over,
    "misdirect": misdirect,
    "jump": jump,
    "lose record": lose_record,
}
