"""The agents: what runs on them, and the life that a task's metadata scripts.

Takes the place of Mesos and of the executor. A task does what `sim.*` in its metadata says, all of
it counted from its launch: see the README of the recordings. Not imitated: anything that a real
agent does over the network, and health checks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reconciler.standin.hosts import Host
from reconciler.standin.quantity import Quantity, needed
from reconciler.standin.tasks import Task
from reconciler.standin.world import World
from reconciler.thrift.structs import ScheduleStatus, TaskConfig

_S = ScheduleStatus

NEVER = -1
# What an order takes to an agent, and what it says back to the scheduler.
WAY_MS = 1
DEFAULTS = {
    "sim.start_ms": 300,
    "sim.run_ms": 600,
    "sim.fail_ms": NEVER,
    "sim.finish_ms": NEVER,
    "sim.lost_ms": NEVER,
    "sim.kill_ms": 200,
}

# What a process reports when, and in which words.
STEPS = (
    ("sim.start_ms", _S.STARTING, "Initializing sandbox."),
    ("sim.run_ms", _S.RUNNING, "No health-check defined, task is assumed healthy."),
    ("sim.fail_ms", _S.FAILED, "Task failed."),
    ("sim.finish_ms", _S.FINISHED, "Task finished."),
    ("sim.lost_ms", _S.LOST, "Task lost."),
)
GOES_ON = (_S.STARTING, _S.RUNNING)

KILLED = "Instructed to kill task."
REMOVED = "Agent removed"
UNREACHABLE = "Agent unreachable"


@dataclass(slots=True)
class Process:
    """One task as its agent knows it, from launch until its end."""

    task_id: str
    host: str
    config: TaskConfig
    ports: tuple[int, ...]
    status: ScheduleStatus = _S.ASSIGNED
    words: str | None = None
    dying: bool = False
    reachable: bool = True


@dataclass(slots=True)
class Agent:
    """One host and what runs there."""

    host: Host
    up: bool = True
    processes: dict[str, Process] = field(default_factory=dict)
    used: Quantity = field(default_factory=Quantity)

    def free(self) -> Quantity:
        whole = Quantity(self.host.cpu, self.host.ram_mb, self.host.disk_mb)
        return whole.minus(self.used)

    def free_ports(self) -> tuple[int, ...]:
        first, last = self.host.ports
        taken = {port for p in self.processes.values() for port in p.ports}
        return tuple(port for port in range(first, last + 1) if port not in taken)

    def free_port_count(self) -> int:
        first, last = self.host.ports
        return last + 1 - first - sum(len(p.ports) for p in self.processes.values())

    def add(self, process: Process) -> None:
        self.processes[process.task_id] = process
        self.used = self.used.plus(needed(process.config))

    def remove(self, process: Process) -> None:
        del self.processes[process.task_id]
        self.used = self.used.minus(needed(process.config)) if self.processes else Quantity()


class Agents:
    """All hosts. What happens on them is told to `report`, and freed room to `freed`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.all: dict[str, Agent] = {}
        self._processes: dict[str, Process] = {}
        self.report: Callable[[str, ScheduleStatus, str | None], None] = _unheard
        self.freed: Callable[[str], None] = _nobody_asks
        self.gone: Callable[[str], None] = _nobody_asks
        world.on("process step", self._step)
        world.on("process killed", self._killed)
        world.on("process unknown", self._unknown)

    def link(self) -> None:
        """Find the processes of all agents by their tasks."""
        self._processes = {
            task_id: process
            for agent in self.all.values()
            for task_id, process in agent.processes.items()
        }

    # --- hosts

    def set_hosts(self, hosts: Iterable[Host]) -> None:
        """Add hosts, or give those of the same name another shape; lose those not named."""
        named = {host.name: host for host in hosts}
        for name in [name for name in self.all if name not in named]:
            self.lose_host(name)
            del self.all[name]
        for name, host in named.items():
            known = self.all.get(name)
            if known is None:
                self.all[name] = Agent(host)
            elif known.host != host:
                known.host = host
            else:
                continue
            self.freed(name)

    def lose_host(self, name: str) -> None:
        """Lose an agent with all that runs on it."""
        agent = self.all[name]
        agent.up = False
        self.gone(name)
        for process in tuple(agent.processes.values()):
            self._end(process)
            self.report(process.task_id, _S.LOST, REMOVED)

    def return_host(self, name: str) -> None:
        self.all[name].up = True
        self.freed(name)

    def partition_host(self, name: str) -> None:
        """Lose sight of all that runs on a host; what is launched later is seen."""
        for process in tuple(self.all[name].processes.values()):
            process.reachable = False
            self.report(process.task_id, _S.PARTITIONED, UNREACHABLE)

    def heal_host(self, name: str) -> None:
        """See what runs on a host again, and what ended there meanwhile."""
        for process in tuple(self.all[name].processes.values()):
            if not process.reachable:
                process.reachable = True
                self._tell(process)

    def reconcile(self) -> None:
        """Say of all that runs how it is; Mesos does that when it is asked for everything."""
        for process in tuple(self._processes.values()):
            if process.reachable:
                self._tell(process)

    def runs(self, task_id: str) -> bool:
        return task_id in self._processes

    # --- processes

    def launch(self, task: Task) -> None:
        """Start a task on the host that it was given."""
        assert task.host is not None, "a task is launched where it was assigned"
        process = Process(task.id, task.host, task.config, tuple(task.ports.values()))
        self.all[task.host].add(process)
        self._processes[task.id] = process
        script = _script(task.config)
        for index, (when, _, _) in enumerate(STEPS):
            if script[when] >= 0:
                self._world.after(WAY_MS + script[when], "process step", task.id, index)

    def kill(self, task_id: str) -> None:
        """Order a task to end; of one that no agent knows, Mesos says that it is lost."""
        process = self._processes.get(task_id)
        if process is None:
            self._world.after(2 * WAY_MS, "process unknown", task_id)
        elif process.reachable and not process.dying:
            process.dying = True
            delay_ms = _script(process.config)["sim.kill_ms"]
            if delay_ms >= 0:
                self._world.after(WAY_MS + delay_ms, "process killed", task_id)

    def fail(self, task_id: str, message: str) -> None:
        """Let a task fail now, whatever its script says."""
        process = self._processes[task_id]
        self._end(process)
        self.report(task_id, _S.FAILED, message)

    def _step(self, task_id: str, index: int) -> None:
        process = self._processes.get(task_id)
        if process is None or process.dying:
            return
        _, process.status, words = STEPS[index]
        if process.status is _S.FAILED:
            words = _metadata(process.config).get("sim.message", words)
        process.words = words
        if process.reachable:
            self._tell(process, words)

    def _tell(self, process: Process, words: str | None = None) -> None:
        """Report how a process is, and forget it if that was its end."""
        if process.status is _S.ASSIGNED:
            return
        if process.status not in GOES_ON:
            words = process.words
            self._end(process)
        self.report(process.task_id, process.status, words)

    def _unknown(self, task_id: str) -> None:
        if not self.runs(task_id):
            self.report(task_id, _S.LOST, None)

    def _killed(self, task_id: str) -> None:
        process = self._processes.get(task_id)
        if process is not None:
            self._end(process)
            self.report(task_id, _S.KILLED, KILLED)

    def _end(self, process: Process) -> None:
        agent = self.all[process.host]
        agent.remove(process)
        del self._processes[process.task_id]
        if agent.up:
            self.freed(process.host)


def _script(config: TaskConfig) -> dict[str, int]:
    told = _metadata(config)
    script = dict(DEFAULTS)
    for name in DEFAULTS:
        try:
            script[name] = int(told[name])
        except (KeyError, ValueError):
            continue
    return script


def _metadata(config: TaskConfig) -> dict[str, str]:
    return {m.key: m.value or "" for m in config.metadata or () if m.key is not None}


def _unheard(task_id: str, status: ScheduleStatus, message: str | None) -> None:
    raise AssertionError(f"nobody hears that {task_id} is {status.name}: {message}")


def _nobody_asks(name: str) -> None:
    raise AssertionError(f"nobody asks for offers of {name}")
