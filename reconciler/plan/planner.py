"""The plan of one cluster: questions first, then exactly one decision for every known job.

Decisions are taken job by job (`decide`), then pass the gates that look beyond one job, in this
order: master, newer revisions, quota, a lost record, guard.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.keys import JobKey
from reconciler.model.live import Absent, Present
from reconciler.model.memory import Limits
from reconciler.model.plan import APPROVABLE, Act, Decision, Hold, Plan, Reason
from reconciler.model.questions import Questions
from reconciler.plan.decide import decide
from reconciler.plan.facts import Facts, facts, facts_of
from reconciler.plan.gates import (
    behind_master,
    behind_workers,
    confirmed,
    not_older,
)
from reconciler.plan.guard import Watched, guarded, limits_of
from reconciler.plan.inputs import PlanInput
from reconciler.plan.order import deed_of, deeds, digest, ordered
from reconciler.plan.quiet import Past, quiet
from reconciler.plan.quota import charged, within_quota, without_kills
from reconciler.plan.updates import Step


@dataclass(frozen=True, slots=True)
class Draft:
    """What is decided job by job so far. `known` are the facts that each step rests on; `going` the
    undeclared jobs of ours that are live, which wait for each other."""

    known: Mapping[JobKey, Facts]
    steps: Mapping[JobKey, Step]
    going: frozenset[JobKey]


def drafted(given: PlanInput, past: Past | None = None) -> Draft:
    """Return a first decision, or first questions, about every known job.

    The past may save work, and changes no decision.
    """
    still = frozenset(quiet(given, past)) if past is not None else frozenset[JobKey]()
    known = facts(given, final=False, without=still)
    going = _going(known)
    steps = _steps(known, given, going)
    if past is not None:
        known |= {key: past.known[key] for key in still}
        steps |= {key: past.steps[key] for key in still}
    return Draft(known, steps, going)


def redrafted(draft: Draft, given: PlanInput, *, final: bool = False) -> Draft:
    """Return the draft with the answers that came: only what was asked about is decided anew.

    `final` says that nothing more will be asked; it bears on open questions alone.
    """
    asked = [key for key, step in draft.steps.items() if isinstance(step, Questions)]
    known = {**draft.known, **facts_of(asked, given, final=final)}
    going = _going(known)
    again = asked if going == draft.going else sorted({*asked, *draft.going, *going})
    steps = _steps({key: known[key] for key in again}, given, going)
    return Draft(known, {**draft.steps, **steps}, going)


def asked_by(draft: Draft, given: PlanInput) -> Questions:
    """Return what must still be asked before the plan is exact; falsy when nothing is."""
    asked = merged(tuple(s for s in draft.steps.values() if isinstance(s, Questions)))
    acts = (s for s in draft.steps.values() if isinstance(s, Act))
    roles = {
        act.key.role
        for act in acts
        if charged(act, given.rendered.get(act.key)) and act.key.role not in given.snapshot.quotas
    }
    return merged((asked, Questions(quotas=frozenset(roles))))


def questions(given: PlanInput) -> Questions:
    """Return what must still be asked about an input."""
    return asked_by(drafted(given), given)


def plan(given: PlanInput) -> Plan:
    """Return the plan for an input about which nothing more will be asked."""
    return concluded(redrafted(drafted(given), given, final=True), given)


def concluded(draft: Draft, given: PlanInput) -> Plan:
    """Return exactly one decision for every known job that the orders select."""
    known = draft.known
    decided = {key: _settled(known[key], step) for key, step in draft.steps.items()}
    gated = {key: _gated(decided[key], known[key], decided, given) for key in decided}
    chosen = [d for key, d in gated.items() if given.orders.selects(key)]
    paid = within_quota(ordered(chosen), given.rendered, given.snapshot)
    sure = [confirmed(d, known[d.key]) for d in paid]
    judged = _guarded(sure, known, given)
    guarded = {d.key: d for d in judged.decisions}
    decisions = ordered(_behind_guard(d, known[d.key], guarded) for d in guarded.values())
    assert len(decisions) == len(chosen), "two decisions for one job"
    return Plan(
        cluster=given.cluster.name,
        revision=given.tree.revision,
        made_at=given.now,
        decisions=decisions,
        problems=given.tree.problems,
        unmanaged=sum(d.reason is Reason.UNMANAGED for d in decisions),
        digest=judged.digest,
        unread=given.snapshot.unread,
        clock=given.cluster.clock,
        by_mark=sum(f.by_mark for f in known.values()),
        recorded=bool(given.memory.installation),
        approved=judged.approved,
    )


def limits(given: PlanInput) -> dict[str, Limits]:
    """Return the limits as this plan used them: to be recorded with the round."""
    if given.tree.policies is None:
        return dict(given.memory.limits)
    return limits_of(given.tree.policies, given.memory, given.tree.revision.id)


def merged(asked: tuple[Questions, ...]) -> Questions:
    """Return one value with all the questions, in a stable order."""
    return Questions(
        groups=frozenset[JobKey]().union(*(q.groups for q in asked)),
        tasks=frozenset[JobKey]().union(*(q.tasks for q in asked)),
        details=frozenset[tuple[JobKey, str]]().union(*(q.details for q in asked)),
        pending=frozenset[JobKey]().union(*(q.pending for q in asked)),
        diffs=tuple(d for q in asked for d in q.diffs),
        accepted=tuple(a for q in asked for a in q.accepted),
        quotas=frozenset[str]().union(*(q.quotas for q in asked)),
    )


def _going(known: Mapping[JobKey, Facts]) -> frozenset[JobKey]:
    """Return the undeclared jobs of ours that are live, or may be."""
    return frozenset(
        key
        for key, f in known.items()
        if f.wanted is None and not f.problems and f.is_ours and not isinstance(f.seen, Absent)
    )


def _steps(
    known: Mapping[JobKey, Facts], given: PlanInput, going: frozenset[JobKey]
) -> dict[JobKey, Step]:
    in_force = limits(given)
    return {
        key: decide(f, given, in_force.get(f.key.role), going - {key}) for key, f in known.items()
    }


def _settled(f: Facts, step: Step) -> Decision:
    """A question that nobody answered is an unknown, and an unknown is a hold."""
    if not isinstance(step, Questions):
        return step
    return Hold(
        f.key,
        f.project_name,
        Reason.LIVE_UNKNOWN,
        detail="the scheduler did not say what was asked",
        origin=f.origin,
    )


def _gated(
    decision: Decision, f: Facts, decided: Mapping[JobKey, Decision], given: PlanInput
) -> Decision:
    followed = behind_master(decision, f, decided)
    return not_older(followed, f, allow_older=given.orders.allow_older)


@dataclass(frozen=True, slots=True)
class Judged:
    """Decisions after the guard and a person's approval, the digest of what is still held, and the
    acts that were approved."""

    decisions: tuple[Decision, ...]
    digest: str
    approved: frozenset[str]


def _guarded(decisions: list[Decision], known: Mapping[JobKey, Facts], given: PlanInput) -> Judged:
    recorded = bool(given.memory.installation)
    watched = Watched(
        memory=given.memory,
        limits=limits(given),
        ours=frozenset(
            given.memory.owned if recorded else (k for k, f in known.items() if f.by_mark)
        ),
        live=frozenset(k for k, f in known.items() if isinstance(f.seen, Present)),
        now=given.now,
    )
    judged = guarded(decisions, watched)
    named = digest(judged) in given.orders.approve
    approved = deeds(judged) if named else given.orders.approved
    if approved:
        pairs = zip(decisions, judged, strict=True)
        judged = tuple(_approved(d) if deed_of(j) in approved else j for d, j in pairs)
    return Judged(judged, digest(judged), approved)


def _behind_guard(decision: Decision, f: Facts, guarded: Mapping[JobKey, Decision]) -> Decision:
    """What waits for another job waits for a person, once the guard holds that one."""
    if isinstance(decision, Hold) and decision.reason is Reason.MASTER_NOT_SETTLED:
        assert decision.wanted is not None, "workers that wait would act"
        return behind_master(decision.wanted, f, guarded)
    return behind_workers(without_kills(decision, guarded), guarded)


def _approved(decision: Decision) -> Decision:
    if isinstance(decision, Hold) and decision.reason in APPROVABLE and decision.wanted is not None:
        return decision.wanted
    return decision
