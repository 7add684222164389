"""Jobs of clusters that no sound document declares: nothing is asked there, and nothing done.

They are told all the same, since a document that is broken or removed must not make them vanish
from a plan that would then look as if all were well.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.model.keys import JobKey
from reconciler.model.memory import Owned
from reconciler.model.plan import Decision, Hold, Plan, Reason
from reconciler.model.problem import Problem
from reconciler.model.tree import DesiredTree
from reconciler.plan.holds import invalid
from reconciler.plan.inputs import Orders
from reconciler.plan.order import ordered

GIVE_UP = "declare the cluster again, or, if it is gone for good, --prune-now"


def unserved(
    tree: DesiredTree, owned: Mapping[JobKey, Owned], orders: Orders, now: datetime
) -> Iterator[Plan]:
    """Yield a plan of holds for each cluster that has jobs, and no document that can be used."""
    known = tree.policies.clusters.keys() if tree.policies is not None else frozenset[str]()
    keys = {key for key in (*owned, *tree.broken) if key.cluster not in known}
    for name in sorted({key.cluster for key in keys}):
        mine = (k for k in keys if k.cluster == name and orders.selects(k))
        yield Plan(
            cluster=name,
            revision=tree.revision,
            made_at=now,
            decisions=ordered(_held(key, owned.get(key), tree) for key in mine),
            problems=tree.problems,
            unmanaged=0,
            digest="",
        )


def _held(key: JobKey, owned: Owned | None, tree: DesiredTree) -> Decision:
    project = owned.project if owned is not None else ""
    broken = tree.broken.get(key)
    problems: tuple[Problem, ...] = broken.problems if broken is not None else ()
    if problems:
        return invalid(key, project, problems)
    return Hold(key, project, Reason.NO_CLUSTER, detail=f"cluster {key.cluster}", release=GIVE_UP)


def may_give_up(tree: DesiredTree, orders: Orders) -> bool:
    """Return whether the jobs of clusters that are gone may be forgotten: at a person's word, by a
    whole tree."""
    return orders.prune_now and tree.incomplete is None and tree.policies is not None
