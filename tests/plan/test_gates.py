"""What an act must pass beyond its own row: master, newer revisions, quota; and the guard."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.keys import JobKey, JobPattern
from reconciler.model.live import LiveJob, Quota, TaskStatus, Unknown
from reconciler.model.memory import Absence, Deed, Limits, Memory, Spent
from reconciler.model.plan import Act, Hold, Keep, Reason
from reconciler.model.policy import Guard, Prune
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import Suspension
from reconciler.model.tree import Revision
from reconciler.model.update import UpdateStatus
from reconciler.plan.facts import spec_of
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.plan.planner import limits, plan
from tests.support.builders import (
    NOW,
    PROJECT,
    REVISION_NOW,
    a_config,
    a_group,
    a_job,
    a_key,
    a_live_job,
    a_project,
    a_round,
    a_snapshot,
    a_task,
    a_tree,
    an_owned,
    an_update,
    owning,
)

MASTER, WORKERS = a_key("b-master"), a_key("b-workers")
OLD = "a" * 40


def reasons(given: PlanInput) -> dict[str, Reason]:
    return {d.key.name: d.reason for d in plan(given).decisions}


def framework(**workers: Any) -> list[RenderedJob]:
    return [a_job(MASTER, instances=1), a_job(WORKERS, master=MASTER, **workers)]


def master(**differs: Any) -> LiveJob:
    return a_live_job(MASTER, ids=(0,), **differs)


SETTLING: dict[str, tuple[list[LiveJob], dict[str, Any], Reason]] = {
    "no master yet": ([], {}, Reason.MASTER_NOT_SETTLED),
    "master is updated": (
        [master(update=an_update(spec=spec_of(a_job(MASTER, instances=1))))],
        {},
        Reason.MASTER_NOT_SETTLED,
    ),
    "master does not run yet": (
        [master(unsettled=(a_task(0, TaskStatus.STARTING),))],
        {},
        Reason.MASTER_NOT_SETTLED,
    ),
    "master failed": (
        [
            master(
                version="0",
                ended=(an_update(UpdateStatus.FAILED, spec=spec_of(a_job(MASTER, instances=1))),),
            )
        ],
        {},
        Reason.MASTER_HELD,
    ),
    "master runs": ([master()], {}, Reason.ABSENT),
}


@pytest.mark.parametrize("case", SETTLING.values(), ids=SETTLING)
def test_workers_follow_their_master(case: tuple[list[LiveJob], dict[str, Any], Reason]) -> None:
    live, differs, reason = case
    assert reasons(a_round(framework(**differs), live))["b-workers"] is reason


def test_workers_that_run_are_kept_whatever_the_master_does() -> None:
    live = [master(version="0"), a_live_job(WORKERS)]
    found = reasons(a_round(framework(), live))
    assert found == {"b-master": Reason.DRIFTED, "b-workers": Reason.CONVERGED}


NEWER: dict[str, tuple[Revision, bool, Reason]] = {
    "same": (Revision(OLD), False, Reason.DRIFTED),
    "came before": (
        Revision("c", frozenset({OLD}), frozenset({OLD})),
        False,
        Reason.DRIFTED,
    ),
    "not in our history": (Revision("c", asked=frozenset({OLD})), False, Reason.NEWER_APPLIED),
    "nobody can tell": (Revision("c"), False, Reason.NEWER_APPLIED),
    "nobody can tell, --allow-older": (Revision("c"), True, Reason.DRIFTED),
    "--allow-older": (Revision("c", asked=frozenset({OLD})), True, Reason.DRIFTED),
}


@pytest.mark.parametrize("case", NEWER.values(), ids=NEWER)
@pytest.mark.parametrize("told_by", ["record", "update"])
def test_old_checkout_downgrades_nothing(case: tuple[Revision, bool, Reason], told_by: str) -> None:
    revision, allowed, reason = case
    key = a_key()
    recorded = an_owned(revision=OLD if told_by == "record" else revision.id)
    update = an_update(UpdateStatus.ROLLED_FORWARD, revision=OLD)
    live = a_live_job(ended=(update,) if told_by == "update" else ())
    given = a_round(
        [a_job(version="2")],
        [live],
        memory=Memory("i", owned={key: recorded}),
        tree=a_tree(revision=revision),
        orders=Orders(allow_older=allowed),
    )
    assert reasons(given) == {"web": reason}


@pytest.mark.parametrize("case", NEWER.values(), ids=NEWER)
def test_old_checkout_brings_nothing_back_that_was_removed(
    case: tuple[Revision, bool, Reason],
) -> None:
    """What was removed is on no record, so the last tree stands for it."""
    revision, allowed, reason = case
    given = a_round(
        [a_job()],
        memory=Memory("i", newest=OLD),
        tree=a_tree(revision=revision),
        orders=Orders(allow_older=allowed),
    )
    assert reasons(given) == {"web": Reason.ABSENT if reason is Reason.DRIFTED else reason}


def test_job_of_ours_that_is_gone_comes_back_by_the_revision_it_had() -> None:
    """Whatever the last tree was: this job was never newer than ours."""
    given = a_round(
        [a_job()],
        memory=Memory("i", owned={a_key(): an_owned(revision=OLD)}, newest="d"),
        tree=a_tree(revision=Revision("c", frozenset({OLD}), frozenset({OLD, "d"}))),
    )
    assert reasons(given) == {"web": Reason.ABSENT}


DEDICATED = a_config(constraints={"dedicated": "www/db"})
QUOTAS: dict[str, tuple[Quota, list[RenderedJob], list[LiveJob], list[Reason]]] = {
    "room for all": (
        Quota(6, 1e6, 1e6, 0, 0, 0),
        [a_job(a_key("a")), a_job(a_key("b"))],
        [],
        [Reason.ABSENT, Reason.ABSENT],
    ),
    "each fits, both do not": (
        Quota(5, 1e6, 1e6, 0, 0, 0),
        [a_job(a_key("a")), a_job(a_key("b"))],
        [],
        [Reason.ABSENT, Reason.OVER_QUOTA],
    ),
    "not production: not charged": (
        Quota(0, 0, 0, 0, 0, 0),
        [a_job(a_key("a"), production=False)],
        [],
        [Reason.ABSENT],
    ),
    "dedicated hosts: not charged": (
        Quota(0, 0, 0, 0, 0, 0),
        [replace(a_job(a_key("a")), config=DEDICATED)],
        [],
        [Reason.ABSENT],
    ),
    "leaving dedicated hosts costs the whole": (
        Quota(2, 1e6, 1e6, 0, 0, 0),
        [a_job(a_key("a"), version="2")],
        [a_live_job(a_key("a"), groups=(a_group(DEDICATED, range(3)),))],
        [Reason.OVER_QUOTA],
    ),
    "replacing costs the larger of old and new": (
        Quota(3, 1e6, 1e6, 3, 384, 384),
        [a_job(a_key("a"), version="2")],
        [a_live_job(a_key("a"))],
        [Reason.DRIFTED],
    ),
    "one more does not fit": (
        Quota(3, 1e6, 1e6, 3, 384, 384),
        [a_job(a_key("a"), instances=4)],
        [a_live_job(a_key("a"))],
        [Reason.OVER_QUOTA],
    ),
}


@pytest.mark.parametrize("case", QUOTAS.values(), ids=QUOTAS)
def test_quota_is_checked_over_the_whole_plan(
    case: tuple[Quota, list[RenderedJob], list[LiveJob], list[Reason]],
) -> None:
    quota, declared, live, wanted = case
    snapshot = a_snapshot(*live, quotas={PROJECT: quota})
    found = reasons(a_round(declared, live, snapshot=snapshot))
    assert [found[job.desired.key.name] for job in declared] == wanted


def test_quota_that_nobody_told_holds_what_would_be_charged() -> None:
    unknown = a_snapshot(quotas={PROJECT: Unknown("timeout")})
    given = a_round([a_job()], snapshot=unknown, memory=Memory("i"))
    (found,) = plan(given).decisions
    assert (found.reason, found.detail) == (
        Reason.LIVE_UNKNOWN,
        f"the quota of role {PROJECT}: timeout",
    )
    free = a_round([a_job(production=False)], snapshot=unknown, memory=Memory("i"))
    assert reasons(free) == {"web": Reason.ABSENT}


def test_framework_whose_workers_do_not_fit_is_not_begun() -> None:
    """A master alone, or a new one before old workers, helps nobody."""
    narrow = a_snapshot(quotas={PROJECT: Quota(3, 1e6, 1e6, 0, 0, 0)})
    given = a_round(framework(), snapshot=narrow, memory=Memory("i"))
    assert reasons(given) == {"b-master": Reason.OVER_QUOTA, "b-workers": Reason.OVER_QUOTA}
    wide = a_snapshot(quotas={PROJECT: Quota(4, 1e6, 1e6, 0, 0, 0)})
    assert reasons(replace(given, snapshot=replace(wide, answers=given.snapshot.answers))) == {
        "b-master": Reason.ABSENT,
        "b-workers": Reason.MASTER_NOT_SETTLED,
    }


def renamed(**differs: Any) -> PlanInput:
    """A job that has another name now, in a role whose quota does not hold both."""
    kept = a_key("kept")
    live = (a_live_job(a_key("old")), a_live_job(kept))
    tight = a_snapshot(*live, quotas={PROJECT: Quota(4, 1e6, 1e6, 3, 384, 384)})
    seen = Absence(NOW - timedelta(minutes=1), REVISION_NOW)
    memory = owning(a_key("old"), kept, absences={a_key("old"): seen})
    jobs = [a_job(a_key("new")), a_job(kept)]
    return a_round(jobs, live, snapshot=tight, memory=memory, **differs)


def test_what_waits_for_quota_that_a_kill_gives_back_says_so() -> None:
    found = {d.key.name: d for d in plan(renamed()).decisions}
    assert found["old"].reason is Reason.REMOVED
    assert found["new"].reason is Reason.QUOTA_TAKEN
    assert "lacks 2 cores until" in found["new"].detail
    tight = a_project(guard=Guard(prunes_max=0, prunes_share=0.0))
    held = {d.key.name: d.reason for d in plan(renamed(tree=a_tree(tight))).decisions}
    assert (held["old"], held["new"]) == (Reason.GUARDED, Reason.OVER_QUOTA)


def test_abort_that_makes_way_for_what_does_not_fit_is_held() -> None:
    rolling = a_live_job(update=an_update(spec="0/3"))
    full = a_snapshot(rolling, quotas={PROJECT: Quota(3, 1e6, 1e6, 3, 384, 384)})
    given = a_round([a_job(instances=9)], [rolling], snapshot=full)
    assert reasons(given) == {"web": Reason.OVER_QUOTA}


def after(revision: str) -> Revision:
    """A revision that comes after the one that was applied."""
    return Revision(revision, frozenset({REVISION_NOW}), frozenset({REVISION_NOW}))


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
    live, _, _ = SETTLING["master failed"]
    held = {d.key: d for d in plan(a_round(framework(), live)).decisions if isinstance(d, Hold)}
    assert held[WORKERS].reason is Reason.MASTER_HELD
    assert held[WORKERS].release == f"declare another spec, or --retry {MASTER}"


def test_what_waits_for_a_suspended_master_says_what_ends_it() -> None:
    leave = a_job(MASTER, instances=1)
    suspended = replace(leave, desired=replace(leave.desired, suspended=Suspension("erin", "why")))
    given = a_round([suspended, a_job(WORKERS, master=MASTER)])
    found = {d.key: d for d in plan(given).decisions if isinstance(d, Hold)}
    assert found[WORKERS].release == f"end the suspension of {MASTER}"


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
