"""The guard: what no commit, no order of acts and no name can get around."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.keys import JobKey, JobPattern
from reconciler.model.live import LiveJob
from reconciler.model.memory import FLEET, Absence, Deed, Limits, Memory, Spent
from reconciler.model.plan import AbortUpdate, Act, Hold, Keep, Reason
from reconciler.model.policy import Guard, Policies, Prune
from reconciler.model.rendered import RenderedJob
from reconciler.model.tree import DesiredTree, Revision
from reconciler.plan.guard import spent_by
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.plan.planner import limits, plan
from tests.support.builders import (
    CLUSTER,
    MASTER,
    NOW,
    PROJECT,
    REVISION_NOW,
    WORKERS,
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
from tests.support.plans import reasons

AS_EVER = Limits("r1", Guard(), Guard(), Prune.ON, Prune.ON)
OTHER = "0" * 64 + "/3"


def after(revision: str) -> Revision:
    return Revision(revision, frozenset({REVISION_NOW}), frozenset({REVISION_NOW}))


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


def undeclared(count: int, remaining: int, **differs: Any) -> PlanInput:
    """A project of which so many jobs are no longer declared, and so many still are."""
    gone = [a_key(f"gone-{i}") for i in range(count)]
    kept = [a_key(f"kept-{i}") for i in range(remaining)]
    seen = Absence(NOW - timedelta(minutes=1), REVISION_NOW)
    memory = owning(*gone, *kept, absences=dict.fromkeys(gone, seen))
    memory = replace(memory, **differs.pop("memory", {}))
    live = [a_live_job(k) for k in (*gone, *kept)]
    return a_round([a_job(k) for k in kept], live, memory=memory, **differs)


def held_and_done(given: PlanInput) -> tuple[int, int]:
    found = plan(given).decisions
    return (
        sum(d.reason is Reason.GUARDED for d in found),
        sum(isinstance(d, Act) for d in found),
    )


def pruned(name: str, hours_ago: float = 1) -> Spent:
    return Spent(NOW - timedelta(hours=hours_ago), PROJECT, a_key(name), Deed.PRUNE)


PRUNES: dict[str, tuple[PlanInput, tuple[int, int]]] = {
    "three of ten": (undeclared(3, 7), (0, 3)),
    "four of ten: none at all": (undeclared(4, 6), (4, 0)),
    "a fifth of thirty": (undeclared(6, 24), (0, 6)),
    "more than a fifth of thirty": (undeclared(7, 23), (7, 0)),
    "the last job": (undeclared(1, 0), (1, 0)),
    "the last two jobs": (undeclared(2, 0), (2, 0)),
    "three, after one earlier today": (
        undeclared(3, 7, memory={"spent": (pruned("x"),)}),
        (3, 0),
    ),
    "three, after one yesterday": (
        undeclared(3, 7, memory={"spent": (pruned("x", hours_ago=25),)}),
        (0, 3),
    ),
    "the second act of a kill already counted": (
        undeclared(1, 7, memory={"spent": (pruned("gone-0"), pruned("x"), pruned("y"))}),
        (0, 1),
    ),
}


@pytest.mark.parametrize("case", PRUNES.values(), ids=PRUNES)
def test_prunes_beyond_the_guard_are_held_all_of_them(
    case: tuple[PlanInput, tuple[int, int]],
) -> None:
    given, wanted = case
    assert held_and_done(given) == wanted


def test_too_many_prunes_are_held_before_their_second_look() -> None:
    seen_once = {a_key(f"gone-{i}"): Absence(NOW, REVISION_NOW) for i in range(4)}
    given = undeclared(4, 6, memory={"absences": seen_once})
    assert held_and_done(given) == (4, 0)
    approved = replace(given, orders=Orders(approve=frozenset({plan(given).digest})))
    assert {d.reason for d in plan(approved).decisions} == {Reason.SECOND_LOOK, Reason.CONVERGED}
    assert plan(approved).digest == "", "nothing is left to approve"
    later = replace(given, orders=Orders(approved=plan(approved).approved))
    assert held_and_done(replace(later, now=NOW + timedelta(minutes=1)))[0] == 0, "in a later round"


def removed_framework(live: list[JobKey], spent: tuple[JobKey, ...], kept: int = 7) -> PlanInput:
    """A project that no longer declares its framework b, of which this is still live."""
    seen = Absence(NOW - timedelta(minutes=1), REVISION_NOW)
    stay = [a_key(f"kept-{i}") for i in range(kept)]
    memory = owning(*live, *stay, absences=dict.fromkeys(live, seen))
    memory = replace(memory, spent=tuple(pruned(key.name) for key in spent))
    return a_round([a_job(k) for k in stay], [a_live_job(k) for k in (*live, *stay)], memory=memory)


BOTH = [MASTER, WORKERS]
TWO = (a_key("x"), a_key("y"))

FRAMEWORKS: dict[str, tuple[PlanInput, dict[str, Reason]]] = {
    "workers first": (
        removed_framework(BOTH, ()),
        {"b-master": Reason.WORKERS_FIRST, "b-workers": Reason.REMOVED},
    ),
    "counted as one job": (
        removed_framework(BOTH, TWO),
        {"b-master": Reason.WORKERS_FIRST, "b-workers": Reason.REMOVED},
    ),
    "workers that are held hold their master": (
        removed_framework(BOTH, (*TWO, a_key("z"))),
        {"b-master": Reason.WORKERS_HELD, "b-workers": Reason.GUARDED},
    ),
    "what was begun with the workers ends with the master": (
        removed_framework([MASTER], (*TWO, a_key("z"), WORKERS)),
        {"b-master": Reason.REMOVED},
    ),
    "the last of a project": (
        removed_framework(BOTH, (), kept=0),
        {"b-master": Reason.WORKERS_HELD, "b-workers": Reason.GUARDED},
    ),
    "the last of a project, begun": (
        removed_framework([MASTER], (WORKERS,), kept=0),
        {"b-master": Reason.REMOVED},
    ),
}


@pytest.mark.parametrize("case", FRAMEWORKS.values(), ids=FRAMEWORKS)
def test_framework_is_removed_as_one(case: tuple[PlanInput, dict[str, Reason]]) -> None:
    given, wanted = case
    found = reasons(given)
    assert {name: found[name] for name in wanted} == wanted


def test_what_is_held_with_its_framework_names_the_same_release() -> None:
    given, _ = FRAMEWORKS["workers that are held hold their master"]
    found = {d.key: d for d in plan(given).decisions if isinstance(d, Hold)}
    assert found[MASTER].reason is Reason.WORKERS_HELD
    assert found[MASTER].release == found[WORKERS].release != ""


def test_guard_says_that_a_framework_counts_as_one_where_the_list_is_longer() -> None:
    names = ["a-master", "a-workers", *(f"j{i}" for i in range(4))]
    given = a_round(
        [a_job(a_key(n), instances=0) for n in names],
        [a_live_job(a_key(n)) for n in names],
    )
    details = {d.detail for d in plan(given).decisions if d.reason is Reason.GUARDED}
    assert details == {
        f"5 jobs of project {PROJECT} would be killed (a framework counts as one);"
        " 3 allowed in a day"
    }


def test_scaling_to_zero_counts_as_a_kill() -> None:
    keys = [a_key(f"j{i}") for i in range(8)]
    jobs = [a_job(k, instances=0 if i < 4 else 3) for i, k in enumerate(keys)]
    assert held_and_done(a_round(jobs, [a_live_job(k) for k in keys])) == (4, 0)


SCALE_DOWNS = {"to half": (5, Reason.DRIFTED), "below half": (4, Reason.GUARDED)}


@pytest.mark.parametrize("case", SCALE_DOWNS.values(), ids=SCALE_DOWNS)
def test_a_scale_down_by_more_than_half_is_held(case: tuple[int, Reason]) -> None:
    count, reason = case
    given = a_round([a_job(instances=count)], [a_live_job(ids=range(10))])
    assert reasons(given) == {"web": reason}


def restarting(count: int, fleet: int, spent: int = 0) -> PlanInput:
    keys = [a_key(f"j{i:03}") for i in range(fleet)]
    jobs = [a_job(k, version="2" if i < count else "1") for i, k in enumerate(keys)]
    done = tuple(
        Spent(NOW - timedelta(minutes=5), PROJECT, a_key(f"done{i}"), Deed.RESTART)
        for i in range(spent)
    )
    return a_round(jobs, [a_live_job(k) for k in keys], memory=owning(*keys, spent=done))


RESTARTS: dict[str, tuple[PlanInput, tuple[int, int]]] = {
    "one job of a large fleet": (restarting(1, 20, spent=30), (0, 1)),
    "ten of twenty": (restarting(10, 20), (0, 10)),
    "eleven of twenty: none": (restarting(11, 20), (11, 0)),
    "a fifth of a hundred": (restarting(20, 100), (0, 20)),
    "more than a fifth": (restarting(21, 100), (21, 0)),
    "eight, after three in this hour": (restarting(8, 20, spent=3), (8, 0)),
}


@pytest.mark.parametrize("case", RESTARTS.values(), ids=RESTARTS)
def test_restarts_beyond_the_guard_are_held(case: tuple[PlanInput, tuple[int, int]]) -> None:
    given, wanted = case
    assert held_and_done(given) == wanted


def vanished(gone: int, there: int) -> PlanInput:
    keys = [a_key(f"j{i:03}") for i in range(gone + there)]
    live = [a_live_job(k) for k in keys[gone:]]
    memory = owning(*keys, running_jobs=len(keys))
    return a_round([a_job(k) for k in keys], live, memory=memory)


VANISHED = {"five of twenty": (5, 15, 0), "six of twenty": (6, 14, 6), "all": (20, 0, 20)}


@pytest.mark.parametrize("case", VANISHED.values(), ids=VANISHED)
def test_cluster_that_looks_emptied_is_not_filled_again(case: tuple[int, int, int]) -> None:
    gone, there, held = case
    found = plan(vanished(gone, there)).decisions
    assert sum(d.reason is Reason.CLUSTER_LOOKS_EMPTIED for d in found) == held
    assert sum(isinstance(d, Act) for d in found) == (0 if held else gone)


def test_first_run_on_an_empty_cluster_creates_everything() -> None:
    keys = [a_key(f"j{i}") for i in range(40)]
    given = a_round([a_job(k) for k in keys], memory=Memory("i"))
    assert all(d.reason is Reason.ABSENT for d in plan(given).decisions)


def test_approval_releases_exactly_that_plan() -> None:
    given = undeclared(4, 6)
    digest = plan(given).digest
    approved = replace(given, orders=Orders(approve=frozenset({digest})))
    assert held_and_done(approved) == (0, 4)
    assert plan(approved).digest == ""
    another = replace(undeclared(5, 5), orders=Orders(approve=frozenset({digest})))
    assert held_and_done(another) == (5, 0)


def test_approval_outlives_the_second_look_and_time() -> None:
    given = undeclared(4, 6)
    later = replace(given, now=NOW + timedelta(hours=1))
    assert plan(given).digest == plan(later).digest


def test_loosened_guard_takes_effect_one_revision_later() -> None:
    loose = Guard(prunes_max=100)
    before = Limits("r1", Guard(), Guard(), Prune.ON, Prune.ON)
    first = undeclared(
        4,
        6,
        memory={"limits": {PROJECT: before}},
        tree=a_tree(a_project(guard=loose), revision=after("r2")),
    )
    assert held_and_done(first) == (4, 0)
    again = replace(first, memory=replace(first.memory, limits=limits(first)))
    assert held_and_done(again) == (4, 0)
    next_tree = a_tree(a_project(guard=loose), revision=after("r3"))
    assert held_and_done(replace(again, tree=next_tree)) == (0, 4)


def test_tightened_guard_takes_effect_at_once() -> None:
    before = Limits("r1", Guard(), Guard(), Prune.ON, Prune.ON)
    tight = a_project(guard=Guard(prunes_max=0, prunes_share=0.0))
    given = undeclared(
        1,
        9,
        memory={"limits": {PROJECT: before}},
        tree=a_tree(tight, revision=after("r2")),
    )
    assert held_and_done(given) == (1, 0)


def test_partial_run_prunes_nothing_outside_its_target() -> None:
    given = undeclared(2, 6)
    only = replace(given, orders=Orders(only=(JobPattern.parse("gone-0"),)))
    assert [d.key.name for d in plan(only).decisions] == ["gone-0"]


def test_held_act_stays_visible() -> None:
    (found, *_) = [d for d in plan(undeclared(4, 6)).decisions if isinstance(d, Hold)]
    assert found.wanted is not None
    assert found.release == "--approve DIGEST of this plan"


def test_keys_of_other_clusters_are_another_plan() -> None:
    foreign = JobKey("other", PROJECT, "prod", "web")
    given = a_round([a_job()], [a_live_job()], memory=owning(a_key(), foreign))
    (found,) = plan(given).decisions
    assert isinstance(found, Keep)


def test_approved_removal_after_a_lost_record_ends_workers_before_their_master() -> None:
    keys = (a_key("x-master"), a_key("x-workers"))
    given = a_round(live=[a_live_job(key) for key in keys], memory=Memory("i", fresh=True))
    assert {d.reason for d in plan(given).decisions} == {Reason.RECORD_LOST}
    approved = replace(given, orders=Orders(approve=frozenset({plan(given).digest})))
    assert [act.key for act in plan(approved).acts()] == [keys[1], keys[0]]
