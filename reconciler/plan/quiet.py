"""Jobs about which nothing has changed since the round before: what was decided stands.

In most rounds that is nearly all of them, and to decide anew costs fifty times what it costs to see
that there is no need to. A job is quiet when it was converged and all that this rested on is the
very same value as then, not only an equal one; what hangs on the time, on an answer, or on a
person's word is decided anew. So the decisions are those that would be taken without a past.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.keys import JobKey
from reconciler.model.plan import Keep, Reason
from reconciler.plan.facts import Facts
from reconciler.plan.inputs import PlanInput
from reconciler.plan.service import is_due
from reconciler.plan.updates import Step


@dataclass(frozen=True, slots=True)
class Past:
    """The round before: what it was given at last, and what was decided by which facts."""

    given: PlanInput
    known: Mapping[JobKey, Facts]
    steps: Mapping[JobKey, Step]


def quiet(given: PlanInput, past: Past) -> Iterator[JobKey]:
    """Yield the jobs whose step of the round before stands."""
    before = past.given
    if not _comparable(given, before):
        return
    loud = _loud(given)
    rendered, live, ended = given.rendered, given.snapshot.jobs, given.memory.ended
    for key, step in past.steps.items():
        if type(step) is not Keep or step.reason is not Reason.CONVERGED or step.detail:
            continue
        job = rendered.get(key)
        if (
            job is not None
            and job is before.rendered.get(key)
            and live.get(key) is before.snapshot.jobs.get(key)
            and ended.get(key) is before.memory.ended.get(key)
            and key in given.memory.owned
            and key not in loud
            and job.desired.suspended is None
            and not is_due(key, given.now)
        ):
            yield key


def _comparable(given: PlanInput, before: PlanInput) -> bool:
    """Return whether what bears on every job is as it was."""
    policies, earlier = given.tree.policies, before.tree.policies
    return (
        policies is not None
        and earlier is not None
        and policies.digest == earlier.digest
        and given.cluster == before.cluster
        and given.snapshot.unread is None
        and given.orders == before.orders
        and given.memory.installation == before.memory.installation
        and not (given.memory.fresh or before.memory.fresh)
    )


def _loud(given: PlanInput) -> frozenset[JobKey]:
    """Return the jobs of which something special is known, now."""
    memory, snapshot = given.memory, given.snapshot
    return frozenset[JobKey]().union(
        given.unrendered,
        given.tree.broken,
        snapshot.unclear,
        snapshot.ended,
        snapshot.answers,
        memory.quarantined,
        memory.absences,
        memory.intents,
        memory.retried,
    )
