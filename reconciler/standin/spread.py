"""How the tasks of a job are spread over hosts: what a limit constraint counts."""

from reconciler.standin.inventory import Inventory
from reconciler.standin.tasks import Tasks
from reconciler.standin.transitions import ON_AN_AGENT
from reconciler.standin.vetoes import Crowd
from reconciler.thrift.structs import JobKey


def crowd(tasks: Tasks, inventory: Inventory, job: JobKey) -> Crowd:
    """Return how many tasks of the job are on hosts with a value of an attribute.

    They are counted when that is first asked for, and then taken to stay as they are.
    """
    counted: dict[tuple[str, str], int] | None = None

    def count(name: str, value: str) -> int:
        nonlocal counted
        if counted is None:
            counted = _count(tasks, inventory, job)
        return counted.get((name, value), 0)

    return count


def _count(tasks: Tasks, inventory: Inventory, job: JobKey) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for task in tasks.some_active(job):
        host = inventory.get(task.host or "")
        if host is not None and task.status in ON_AN_AGENT:
            for pair in host.attributes.items():
                found[pair] = found.get(pair, 0) + 1
    return found
