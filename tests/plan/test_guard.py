"""The guard: what no commit, no order of acts and no name can get around."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from reconciler.model.keys import JobKey
from reconciler.model.live import LiveJob
from reconciler.model.memory import FLEET, Deed, Limits, Memory, Spent
from reconciler.model.plan import AbortUpdate, Act, Hold, Reason
from reconciler.model.policy import Guard, Policies, Prune
from reconciler.model.rendered import RenderedJob
from reconciler.model.tree import DesiredTree, Revision
from reconciler.plan.guard import spent_by
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.plan.planner import limits, plan
from tests.support.builders import (
    CLUSTER,
    NOW,
    PROJECT,
    REVISION_NOW,
    a_cluster,
    a_job,
    a_key,
    a_live_job,
    a_platform,
    a_project,
    a_round,
    a_tree,
    an_owned,
    an_update,
    owning,
)

AS_EVER = Limits("r1", Guard(), Guard(), Prune.ON, Prune.ON)
OTHER = "0" * 64 + "/3"


def after(revision: str) -> Revision:
    return Revision(revision, frozenset({REVISION_NOW}), frozenset({REVISION_NOW}))


def reasons(given: PlanInput) -> dict[str, Reason]:
    return {d.key.name: d.reason for d in plan(given).decisions}


def keys(count: int) -> list[JobKey]:
    return [a_key(f"j{i:02}") for i in range(count)]


def a_fleet(guard: Guard, revision: str) -> DesiredTree:
    policies = Policies(
        a_platform(guard=guard), {CLUSTER: a_cluster()}, {PROJECT: a_project()}, "p"
    )
    return a_tree(policies=policies, revision=after(revision))


def released(count: int, **differs: Any) -> PlanInput:
    """A round in which every one of so many jobs has another version."""
    given = keys(count)
    memory = owning(*given, limits={FLEET: AS_EVER, PROJECT: AS_EVER})
    return a_round(
        [a_job(k, version="2") for k in given],
        [a_live_job(k) for k in given],
        memory=replace(memory, **differs.pop("memory", {})),
        **differs,
    )


def test_loosened_limit_of_the_fleet_takes_effect_one_revision_later() -> None:
    loose = Guard(restarts_max=1000)
    first = released(20, tree=a_fleet(loose, "r2"))
    assert set(reasons(first).values()) == {Reason.GUARDED}
    kept = replace(first.memory, limits=limits(first))
    then = replace(first, memory=kept, tree=a_fleet(loose, "r3"))
    assert set(reasons(then).values()) == {Reason.DRIFTED}


def test_limits_stay_while_their_project_cannot_be_read() -> None:
    strict = replace(AS_EVER, prune=Prune.OFF, prune_in_force=Prune.OFF)
    memory = owning(a_key(), limits={PROJECT: strict})
    policies = Policies(a_platform(), {CLUSTER: a_cluster()}, {}, "p")
    given = a_round([], [a_live_job()], memory=memory, tree=a_tree(policies=policies))
    assert limits(given)[PROJECT] == strict
    assert reasons(given) == {"web": Reason.PRUNE_OFF}
    nobody = replace(given, memory=replace(memory, owned={}))
    assert PROJECT not in limits(nobody), "who has no job needs no limits"


def test_renamed_project_is_held_to_the_limits_and_the_kills_of_before() -> None:
    given = keys(12)
    renamed = a_project("other", role=PROJECT, guard=Guard(prunes_max=1000))
    jobs = [a_job(k, instances=0 if i < 3 else 3, project="other") for i, k in enumerate(given)]
    done = tuple(Spent(NOW - timedelta(hours=1), PROJECT, a_key(f"x{i}"), Deed.KILL) for i in "123")
    memory = owning(*given, limits={PROJECT: AS_EVER}, spent=done)
    tree = a_tree(renamed, revision=after("r2"))
    found = reasons(a_round(jobs, [a_live_job(k) for k in given], memory=memory, tree=tree))
    assert {found[k.name] for k in given[:3]} == {Reason.GUARDED}


def rolling(*, instances: int) -> PlanInput:
    """A job of ten whose update of ours is in flight, and that is now wanted with so many."""
    update = an_update(spec=OTHER)
    return a_round([a_job(instances=instances)], [a_live_job(ids=range(10), update=update)])


def test_abort_is_judged_by_what_it_makes_way_for() -> None:
    assert reasons(rolling(instances=4)) == {"web": Reason.GUARDED}
    (decision,) = plan(rolling(instances=9)).decisions
    assert isinstance(decision, Act)
    assert isinstance(decision.action, AbortUpdate)
    (held,) = plan(rolling(instances=4)).decisions
    assert isinstance(held, Hold)
    assert held.wanted is not None
    assert isinstance(held.wanted.action, AbortUpdate), "an approval begins with it"


def test_digest_of_an_abort_names_what_it_makes_way_for() -> None:
    assert plan(rolling(instances=4)).digest != plan(rolling(instances=3)).digest


def test_digest_names_how_a_release_rolls() -> None:
    given = released(20)

    def hasty(job: RenderedJob) -> RenderedJob:
        assert job.change is not None
        return replace(job, change=replace(job.change, groups=(3,), rollback=False))

    faster = {key: hasty(job) for key, job in given.rendered.items()}
    assert plan(given).digest != plan(replace(given, rendered=faster)).digest


def frameworks(count: int) -> tuple[list[RenderedJob], list[LiveJob]]:
    jobs, live = [], []
    for name in (f"f{i:02}" for i in range(count)):
        master, workers = a_key(f"{name}-master"), a_key(f"{name}-workers")
        jobs.append(a_job(master, version="2", instances=1))
        jobs.append(a_job(workers, version="2", master=master))
        live += [a_live_job(master, ids=(0,)), a_live_job(workers)]
    return jobs, live


def test_framework_that_restarts_counts_as_one_from_its_master_to_its_workers() -> None:
    jobs, live = frameworks(8)
    first = a_round(jobs, live)
    assert set(reasons(first).values()) == {Reason.DRIFTED, Reason.MASTER_NOT_SETTLED}
    spent = tuple(s for act in plan(first).acts() for s in spent_by(act, NOW))
    assert len(spent) == 8
    done = [a_live_job(j.key, version="2", ids=(0,)) if j.count == 1 else j for j in live]
    then = a_round(jobs, done, memory=replace(first.memory, spent=spent))
    assert {d.key.name for d in plan(then).acts()} == {f"f{i:02}-workers" for i in range(8)}


def test_workers_that_wait_are_judged_with_what_restarts_now() -> None:
    jobs, live = frameworks(11)
    found = reasons(a_round(jobs, live))
    assert set(found.values()) == {Reason.GUARDED}


def test_scale_downs_of_a_day_are_one() -> None:
    spent = (Spent(NOW - timedelta(hours=23), PROJECT, a_key(), Deed.SCALE_DOWN, before=40),)
    given = a_round([a_job(instances=10)], [a_live_job(ids=range(20))])
    assert reasons(given) == {"web": Reason.DRIFTED}
    (act,) = plan(given).acts()
    assert [s.before for s in spent_by(act, NOW) if s.deed is Deed.SCALE_DOWN] == [20]
    again = replace(given, memory=replace(given.memory, spent=spent))
    assert reasons(again) == {"web": Reason.GUARDED}
    tomorrow = replace(again, now=NOW + timedelta(hours=2))
    assert reasons(tomorrow) == {"web": Reason.DRIFTED}


def switched_off(jobs: Iterable[RenderedJob]) -> set[Reason]:
    jobs = list(jobs)
    return set(reasons(a_round(jobs, [a_live_job(j.desired.key) for j in jobs])).values())


def test_commit_that_switches_off_all_jobs_of_a_project_is_held() -> None:
    assert switched_off(a_job(k, instances=0) for k in keys(2)) == {Reason.GUARDED}
    assert switched_off([a_job(instances=0)]) == {Reason.SCALED_TO_ZERO}, "its only one, on purpose"


def test_jobs_that_were_switched_off_have_not_vanished() -> None:
    given = keys(9)
    idle = {k: an_owned(idle=True) for k in given[:6]}
    memory = owning(*given, running_jobs=3)
    memory = replace(memory, owned={**memory.owned, **idle})
    live = [a_live_job(k) for k in given[6:]]
    woken = a_round([a_job(k) for k in given], live, memory=memory)
    assert set(reasons(woken).values()) == {Reason.ABSENT, Reason.CONVERGED}
    gone = replace(woken, memory=owning(*given, running_jobs=9))
    assert Reason.CLUSTER_LOOKS_EMPTIED in reasons(gone).values()


def test_job_of_a_lost_record_that_goes_while_it_is_looked_at_is_nothing_to_approve() -> None:
    going = replace(a_live_job(), tasks=())
    given = a_round([], [going], memory=Memory("i", fresh=True))
    assert reasons(given) == {"web": Reason.RECORD_LOST}
    assert plan(given).digest == ""


def test_approval_holds_for_what_waits_for_another_round() -> None:
    given = released(12)
    approved = plan(replace(given, orders=Orders(approve=frozenset({plan(given).digest})))).approved
    assert len(approved) == 12
    two = given.rendered.keys() - set(keys(2))
    left = replace(given, rendered={k: given.rendered[k] for k in two})
    later = replace(left, memory=owning(*two), orders=Orders(approved=approved))
    assert {d.reason for d in plan(later).acts()} == {Reason.DRIFTED}
    more = replace(released(13), orders=Orders(approved=approved))
    assert [d.key for d in plan(more).decisions if d.reason is Reason.GUARDED] == [keys(13)[-1]]


def test_preview_beside_no_record_shows_what_a_removal_would_come_to() -> None:
    """As in a pull request: what is ours is known by its mark, and is asked about elsewhere."""
    kept = [a_job(k) for k in keys(6)]
    live = [a_live_job(j.desired.key) for j in kept]
    elsewhere = Memory("", fresh=True)
    one = a_round(kept[1:], live, memory=elsewhere)
    assert reasons(one)["j00"] is Reason.SECOND_LOOK
    many = reasons(a_round(kept[4:], live, memory=elsewhere))
    assert [many[f"j0{i}"] for i in range(4)] == [Reason.GUARDED] * 4
    here = reasons(replace(one, memory=Memory("i", fresh=True)))
    assert here["j00"] is Reason.RECORD_LOST
