"""Hosts in maintenance, and the tasks that have to leave them (MaintenanceController)."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.standin.inventory import Inventory, Known, Request
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.offers import Offers
from reconciler.standin.sla import Sla
from reconciler.standin.tasks import Task, Tasks
from reconciler.standin.world import World
from reconciler.thrift.structs import (
    HostStatus,
    MaintenanceMode,
    PercentageSlaPolicy,
    ScheduleStatus,
    SlaPolicy,
)

DRAINING = "Draining machine for maintenance."
POLL_MS = 60 * 1000
# What `drainHosts` asks of a job: nothing.
ZERO_PERCENT = SlaPolicy(percentageSlaPolicy=PercentageSlaPolicy(percentage=0.0, durationSecs=0))

M = MaintenanceMode
Statuses = tuple[HostStatus, ...]


@dataclass(slots=True)
class Maintenance:
    """The modes of hosts. A host that is not known is left out of every answer."""

    world: World
    tasks: Tasks
    inventory: Inventory
    offers: Offers
    lifecycle: Lifecycle
    sla: Sla

    def __post_init__(self) -> None:
        self.world.on("poll draining", self._poll)
        self.world.on("left draining", self._left)
        self.lifecycle.listeners.append(self)

    def begin(self) -> None:
        """Look for draining hosts from time to time, from now on."""
        self.world.after(POLL_MS, "poll draining")

    # --- what is asked for

    def status(self, hosts: Iterable[str]) -> Statuses:
        return tuple(_shown(known) for known in self._known(hosts))

    def schedule(self, hosts: Iterable[str]) -> Statuses:
        return self._set(self._known(hosts), M.SCHEDULED)

    def end(self, hosts: Iterable[str]) -> Statuses:
        known = self._known(hosts)
        for host in known:
            host.request = None
        return self._set(known, M.NONE)

    def drain(self, hosts: Iterable[str]) -> Statuses:
        """Drain hosts now, whatever their jobs would say to it."""
        known = self._known(hosts)
        for host in known:
            host.request = Request(ZERO_PERCENT, self.world.now_ms)
        busy = [host for host in known if self._drain(host)]
        empty = [host for host in known if host not in busy]
        return self._set(empty, M.DRAINED) + self._set(busy, M.DRAINING)

    def sla_drain(self, hosts: Iterable[str], policy: SlaPolicy | None, timeout_s: int) -> Statuses:
        """Drain hosts as far as their jobs allow it; after the timeout, all the same."""
        known = self._known(hosts)
        for host in known:
            host.request = Request(policy, self.world.now_ms + 1000 * timeout_s)
        return self._set(known, M.DRAINING)

    # --- hearing of tasks

    def changed(self, task: Task, _was: ScheduleStatus) -> None:
        host = self.inventory.get(task.host or "")
        if task.ended and host is not None and host.mode is M.DRAINING:
            self.world.soon("left draining", host.name)

    def deleted(self, task: Task) -> None:
        pass

    def _left(self, name: str) -> None:
        """A host is drained once the last task has left it."""
        host = self.inventory.get(name)
        if host is not None and host.mode is M.DRAINING and not self.tasks.on_host(name):
            self._set([host], M.DRAINED)
            host.request = None

    # --- the work

    def _poll(self) -> None:
        for host in self.inventory:
            if host.mode is M.DRAINING and not self._drain(host):
                self._set([host], M.DRAINED)
        self.world.after(POLL_MS, "poll draining")

    def _drain(self, host: Known) -> bool:
        """Let the tasks of a host go that may, in no order; False if there is none."""
        tasks = list(self.tasks.on_host(host.name))
        self.world.chance.shuffle(tasks)
        for task in tasks:
            if host.request is not None and self._may_go(task, host.request):
                self.lifecycle.change(task, ScheduleStatus.DRAINING, DRAINING)
        return bool(tasks)

    def _may_go(self, task: Task, request: Request) -> bool:
        if self.world.now_ms > request.forced_ms:
            return True
        return self.sla.allows(task, task.config.slaPolicy or request.policy)

    def _known(self, hosts: Iterable[str]) -> list[Known]:
        found = (self.inventory.get(name) for name in sorted(set(hosts)))
        return [known for known in found if known is not None]

    def _set(self, hosts: list[Known], mode: MaintenanceMode) -> Statuses:
        for host in hosts:
            host.mode = mode
            self.offers.sort_again(host)
        return tuple(map(_shown, hosts))


def _shown(host: Known) -> HostStatus:
    return HostStatus(host=host.name, mode=host.mode)
