"""The parts of a scheduler and its cluster, and how they hear of each other."""

from dataclasses import dataclass

from reconciler.standin.acting import Acting
from reconciler.standin.agents import Agents
from reconciler.standin.configs import Rules
from reconciler.standin.counters import Counters
from reconciler.standin.cronjobs import CronJobs
from reconciler.standin.history import History
from reconciler.standin.holdings import Holdings
from reconciler.standin.inventory import Inventory
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.maintenance import Maintenance
from reconciler.standin.offers import Offers
from reconciler.standin.placement import Placement
from reconciler.standin.preemption import Preemption
from reconciler.standin.reasons import Reasons
from reconciler.standin.reconciliation import Reconciliation
from reconciler.standin.rolling import Rolling
from reconciler.standin.sla import Sla
from reconciler.standin.tasks import Tasks
from reconciler.standin.updates import Updates
from reconciler.standin.world import World
from reconciler.thrift.structs import ScheduleStatus


@dataclass(slots=True)
class Parts:
    """All that a scheduler and its cluster consist of, put together."""

    world: World
    rules: Rules
    tasks: Tasks
    agents: Agents
    inventory: Inventory
    offers: Offers
    lifecycle: Lifecycle
    reasons: Reasons
    preemption: Preemption
    placement: Placement
    updates: Updates
    rolling: Rolling
    crons: CronJobs
    maintenance: Maintenance
    holdings: Holdings
    history: History
    reconciliation: Reconciliation
    counters: Counters


def put_together(world: World, rules: Rules) -> Parts:
    """Return the parts of an Aurora that has nothing yet."""
    tasks, updates, inventory = Tasks(), Updates(), Inventory()
    agents = Agents(world)
    offers = Offers(world, agents, inventory, rules)
    lifecycle = Lifecycle(world, tasks, agents)
    agents.freed, agents.gone = offers.ask, offers.drop

    def hear(task_id: str, status: ScheduleStatus, message: str | None) -> None:
        task = tasks.by_id.get(task_id)
        if task is not None:
            lifecycle.change(task, status, message)
        elif status is not ScheduleStatus.LOST:
            agents.kill(task_id)

    agents.report = hear
    counters = Counters(tasks, inventory)
    lifecycle.listeners.append(counters)
    sla = Sla(world, tasks, rules)
    reasons = Reasons(world)
    preemption = Preemption(world, tasks, inventory, offers, lifecycle, reasons, rules)
    placement = Placement(
        world, tasks, agents, inventory, offers, lifecycle, preemption, reasons, rules
    )
    acting = Acting(world, tasks, lifecycle, updates, sla)
    crons = CronJobs(world, tasks, lifecycle, rules)
    return Parts(
        world=world,
        rules=rules,
        tasks=tasks,
        agents=agents,
        inventory=inventory,
        offers=offers,
        lifecycle=lifecycle,
        reasons=reasons,
        preemption=preemption,
        placement=placement,
        updates=updates,
        rolling=Rolling(world, tasks, lifecycle, updates, acting, counters),
        crons=crons,
        maintenance=Maintenance(world, tasks, inventory, offers, lifecycle, sla),
        holdings=Holdings(tasks, crons, updates),
        history=History(world, tasks, updates),
        reconciliation=Reconciliation(world, tasks, agents),
        counters=counters,
    )
