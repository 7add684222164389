"""What is remembered after each step of a round."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.keys import JobPattern
from reconciler.model.live import LiveJob
from reconciler.model.marks import TOKEN
from reconciler.model.memory import Absence, Deed, Intent, Memory, Owned, Quarantine
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import Act, Reason
from reconciler.model.spec import JobKind
from reconciler.model.tree import Revision
from reconciler.model.update import UpdateStatus
from reconciler.plan.facts import spec_of, trouble_of
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.plan.learn import carried_out, declared_again, intended, looked_again, rounded
from reconciler.plan.planner import plan
from reconciler.record import rows
from tests.support.builders import (
    NOW,
    PROJECT,
    REVISION_NOW,
    a_config,
    a_group,
    a_job,
    a_key,
    a_live_cron,
    a_live_job,
    a_round,
    a_snapshot,
    a_tree,
    an_owned,
    an_update,
    owning,
)

KEY = a_key()


def act_of(given: PlanInput) -> Act:
    (act,) = plan(given).acts()
    return act


def after(given: PlanInput) -> Memory:
    return rounded(given, given.memory, plan(given))


CREATION = a_round([a_job()], memory=Memory("i"))
CHANGE = a_round([a_job(version="2")], [a_live_job()])


def test_intent_is_there_before_and_gone_after() -> None:
    act = act_of(CREATION)
    sent = intended(CREATION, CREATION.memory, act, "t1")
    assert sent.intents[KEY].token == "t1"
    assert not carried_out(CREATION, sent, Applied(act)).intents


OUTCOMES: dict[str, tuple[Any, bool, bool]] = {
    "applied": (Applied, True, False),
    "refused": (lambda act: Refused(act, "no"), False, False),
    "deferred": (lambda act: Deferred(act, "stale"), False, False),
    "lost": (lambda act: Indeterminate(act, "timeout"), False, True),
}


@pytest.mark.parametrize("case", OUTCOMES.values(), ids=OUTCOMES)
def test_only_what_was_applied_is_owned_and_only_what_was_lost_is_pending(
    case: tuple[Any, bool, bool],
) -> None:
    make, owned, pending = case
    act = act_of(CREATION)
    outcome: Outcome = make(act)
    found = carried_out(CREATION, intended(CREATION, CREATION.memory, act, "t1"), outcome)
    assert (KEY in found.owned, KEY in found.intents) == (owned, pending)


def test_refused_word_to_an_update_says_nothing_of_the_spec() -> None:
    given = a_round([a_job(version="2")], [a_live_job(update=an_update(spec="0/3"))])
    act = act_of(given)
    found = carried_out(given, intended(given, given.memory, act, "t1"), Refused(act, "not now"))
    assert not found.quarantined
    assert not found.intents


def test_what_is_neither_declared_nor_ours_is_forgotten() -> None:
    gone = a_key("gone")
    trouble = Quarantine("s", "it crashed", NOW)
    memory = owning(KEY, quarantined={gone: trouble}, retried={gone: "u7"})
    found = after(a_round([a_job()], [a_live_job()], memory=memory))
    assert (dict(found.quarantined), dict(found.retried)) == ({}, {})
    torn = after(a_round([a_job()], [a_live_job()], memory=memory, tree=a_tree(incomplete="?")))
    assert (dict(torn.quarantined), dict(torn.retried)) == ({gone: trouble}, {gone: "u7"})


def test_job_that_carries_another_platforms_mark_is_no_longer_ours() -> None:
    config = a_config()
    theirs = replace(config, task=replace(config.task, marks=(("reconciler.owner", "x"),)))
    live = a_live_job(groups=(a_group(theirs, (0, 1, 2)),))
    assert not after(a_round([], [live], memory=owning(KEY))).owned


def test_job_with_nothing_to_run_is_remembered_as_such() -> None:
    given = a_round([a_job(instances=0)])
    assert after(given).owned[KEY].idle
    assert not after(a_round([a_job()], [a_live_job()])).owned[KEY].idle


def test_watermark_passes_by_no_update_of_a_job_that_was_not_judged() -> None:
    other = a_key("other")
    early, late = (
        replace(an_update(UpdateStatus.ROLLED_FORWARD), id=f"u{at}", modified_ms=at)
        for at in (1000, 2000)
    )
    jobs = [a_job(), a_job(other)]
    live = [a_live_job(ended=(late,)), a_live_job(other, ended=(early,))]
    assert after(a_round(jobs, live)).watermark_ms == 2000
    unclear = a_snapshot(*live, unclear={other: "timeout"})
    assert after(a_round(jobs, live, snapshot=unclear)).watermark_ms == 999


def test_cluster_that_looks_emptied_is_not_taken_for_its_normal_size() -> None:
    keys = [a_key(f"j{i}") for i in range(9)]
    memory = owning(*keys, running_jobs=9)
    given = a_round([a_job(k) for k in keys], [], memory=memory)
    assert after(given).running_jobs == 9


def test_first_look_that_is_yet_to_come_counts_anew() -> None:
    tomorrow = Absence(NOW + timedelta(days=1), REVISION_NOW)
    given = a_round([], [a_live_job()], memory=owning(KEY, absences={KEY: tomorrow}))
    assert after(given).absences == {KEY: Absence(NOW, REVISION_NOW)}


@pytest.mark.parametrize("case", OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("given", [CREATION, CHANGE], ids=["creation", "change"])
def test_an_act_changes_what_is_remembered_of_its_own_job_only(
    given: PlanInput, case: tuple[Any, bool, bool]
) -> None:
    """The record looks at no other job when it writes down what an act changed."""
    act, others = act_of(given), owning(a_key("a"), a_key("b"))
    before = replace(given.memory, owned={**others.owned, **given.memory.owned})
    sent = intended(given, before, act, "t1")
    done = carried_out(given, sent, case[0](act))
    for earlier, later in ((before, sent), (sent, done)):
        assert list(rows.changes(earlier, later, KEY)) == list(rows.changes(earlier, later))
    assert list(rows.changes(before, sent))


def test_updates_of_jobs_that_are_not_ours_are_not_remembered() -> None:
    ended = an_update(UpdateStatus.ROLLED_FORWARD, ours=False)
    theirs = a_round(live=[a_live_job(ended=(ended,))], memory=Memory("i"))
    assert not after(theirs).ended
    ours = a_round([a_job()], [a_live_job(ended=(ended,))], memory=Memory("i"))
    assert after(ours).ended == {KEY: ended}


LOST = Memory("i", fresh=True)
WEB = a_live_job()
NEEDED: dict[str, tuple[PlanInput, bool]] = {
    "nothing is live": (a_round(memory=LOST), False),
    "declared: owned from now on": (a_round([a_job()], [WEB], memory=LOST), False),
    "not declared": (a_round(live=[WEB], memory=LOST), True),
    "not declared by half a tree": (
        a_round(live=[WEB], memory=LOST, tree=replace(a_tree(), incomplete="half a pull")),
        True,
    ),
    "declared, and not looked at": (
        a_round([a_job()], [WEB], memory=LOST, orders=Orders(only=(JobPattern.parse("api"),))),
        True,
    ),
    "declared, and unclear": (
        a_round([a_job()], memory=LOST, snapshot=a_snapshot(WEB, unclear={KEY: "timeout"})),
        True,
    ),
    "not declared, and not marked": (
        a_round(live=[a_live_job(seen=None, groups=(), count=0)], memory=LOST),
        False,
    ),
}


@pytest.mark.parametrize("case", NEEDED.values(), ids=NEEDED)
def test_marks_count_after_a_loss_until_every_job_of_ours_is_on_record(
    case: tuple[PlanInput, bool],
) -> None:
    """Forgotten too soon, a job that nobody declares any more runs for ever, and nobody's."""
    given, needed = case
    assert after(given).fresh is needed


NEWER = "e" * 40
REVISIONS: dict[str, tuple[Revision, bool]] = {
    "this very one": (Revision(NEWER), False),
    "a later one": (Revision(REVISION_NOW, frozenset({NEWER}), frozenset({NEWER})), False),
    "an older one": (Revision(REVISION_NOW, frozenset(), frozenset({NEWER})), True),
    "one of which nobody knows": (Revision(REVISION_NOW), False),
}


@pytest.mark.parametrize("case", REVISIONS.values(), ids=REVISIONS)
def test_job_that_is_gone_is_forgotten_unless_by_an_old_checkout(
    case: tuple[Revision, bool],
) -> None:
    """It never knew the job: that it declares none says nothing."""
    revision, remembered = case
    memory = replace(owning(), owned={KEY: an_owned(revision=NEWER)})
    given = a_round(memory=memory, tree=replace(a_tree(), revision=revision))
    assert [d.reason for d in plan(given).decisions] == [Reason.GONE]
    assert (KEY in after(given).owned) is remembered


HALF: dict[str, dict[str, Any]] = {
    "not whole": {"incomplete": "files changed while they were read"},
    "without a platform": {"policies": None},
    "with a broken file of its project": {"unpruned": {PROJECT: "shop/web.yaml cannot be read"}},
}


@pytest.mark.parametrize("case", HALF)
def test_job_that_is_gone_is_not_forgotten_by_a_tree_that_cannot_be_trusted(case: str) -> None:
    """Half a pull while the scheduler looks emptied: the whole tree would refill it at once."""
    given = a_round(memory=owning(KEY), tree=replace(a_tree(), **HALF[case]))
    assert [d.reason for d in plan(given).decisions] == [Reason.GONE]
    assert after(given).owned.keys() == {KEY}


NEWEST: dict[str, tuple[dict[str, Any], bool, str]] = {
    "this very one": ({"revision": Revision(NEWER)}, False, NEWER),
    "a later one": (
        {"revision": Revision("c", frozenset({NEWER}), frozenset({NEWER}))},
        False,
        "c",
    ),
    "an older one": ({"revision": Revision("c", asked=frozenset({NEWER}))}, False, NEWER),
    "an older one, as ordered": ({"revision": Revision("c", asked=frozenset({NEWER}))}, True, "c"),
    "one of which nobody knows": ({"revision": Revision("c")}, False, "c"),
    "a later one that is not whole": (
        {"revision": Revision("c", frozenset({NEWER}), frozenset({NEWER})), "incomplete": "half"},
        False,
        NEWER,
    ),
}


@pytest.mark.parametrize("case", NEWEST)
def test_newest_revision_is_that_of_the_last_whole_tree_that_is_no_older(case: str) -> None:
    differs, allowed, newest = NEWEST[case]
    memory = Memory("i", newest=NEWER)
    tree, orders = a_tree(**differs), Orders(allow_older=allowed)
    assert after(a_round(memory=memory, tree=tree, orders=orders)).newest == newest


def test_refused_spec_is_quarantined_until_it_changes() -> None:
    act = act_of(CHANGE)
    found = carried_out(CHANGE, CHANGE.memory, Refused(act, "Invalid tier"))
    assert "Invalid tier" in found.quarantined[KEY].why
    again = replace(CHANGE, memory=found)
    assert [d.reason for d in plan(again).decisions] == [Reason.QUARANTINED]
    third = a_round([a_job(version="3")], [a_live_job()], memory=found)
    assert [d.reason for d in plan(third).decisions] == [Reason.DRIFTED]
    assert not after(third).quarantined


def test_stalled_update_quarantines_its_spec() -> None:
    wanted = a_job(version="2")
    live = a_live_job(update=an_update(spec=spec_of(wanted), age_s=86_400))
    given = a_round([wanted], [live])
    act = act_of(given)
    assert act.reason is Reason.STALLED
    found = carried_out(given, given.memory, Applied(act))
    assert found.quarantined[KEY].spec == trouble_of(spec_of(wanted))


COUNTED = {
    "while nobody knows": (None, True),
    "applied": (Applied, True),
    "lost": (lambda act: Indeterminate(act, "timeout"), True),
    "refused": (lambda act: Refused(act, "no"), False),
    "deferred": (lambda act: Deferred(act, "stale"), False),
}


@pytest.mark.parametrize("case", COUNTED.values(), ids=COUNTED)
def test_restart_counts_unless_it_is_known_not_to_have_been(case: tuple[Any, bool]) -> None:
    make, counted = case
    act = act_of(CHANGE)
    found = intended(CHANGE, CHANGE.memory, act, "t1")
    if make is not None:
        found = carried_out(CHANGE, found, make(act))
    expected = [(KEY, Deed.RESTART, PROJECT)] if counted else []
    assert [(s.key, s.deed, s.project) for s in found.spent] == expected


def test_creation_counts_as_no_deed() -> None:
    assert not intended(CREATION, CREATION.memory, act_of(CREATION), "t1").spent


def test_counts_are_forgotten_after_a_day() -> None:
    spent = intended(CHANGE, CHANGE.memory, act_of(CHANGE), "t1").spent
    given = a_round([a_job()], [a_live_job()], memory=owning(KEY, spent=spent))
    assert after(given).spent
    later = replace(given, now=NOW + timedelta(days=1))
    assert not after(later).spent


def test_equal_job_is_adopted_without_an_act() -> None:
    given = a_round([a_job()], [a_live_job()], memory=Memory("i"))
    assert not plan(given).acts()
    assert after(given).owned[KEY].project == PROJECT


def test_kept_job_keeps_the_revision_that_was_applied() -> None:
    """Else a checkout that is older than the last change, but changes nothing, would look newer."""
    memory = Memory("i", owned={KEY: an_owned(revision="r1")})
    given = a_round([a_job()], [a_live_job()], memory=memory)
    assert after(given).owned[KEY].revision == "r1"
    changed = a_round([a_job(version="2")], [a_live_job()], memory=memory)
    found = carried_out(changed, memory, Applied(act_of(changed)))
    assert found.owned[KEY].revision == REVISION_NOW


def test_ownership_ends_when_the_job_is_gone() -> None:
    other = a_key("other")
    given = a_round([a_job(other)], [a_live_job(other)], memory=owning(KEY, other))
    assert set(after(given).owned) == {other}


def test_absence_is_noted_once_and_cleared_when_declared_again() -> None:
    other = a_key("other")
    live = [a_live_job(), a_live_job(other)]
    first = a_round([a_job(other)], live, memory=owning(KEY, other))
    noted = after(first)
    assert noted.absences == {KEY: Absence(NOW, REVISION_NOW)}
    second = replace(first, memory=noted, now=NOW + timedelta(seconds=31))
    assert after(second).absences == noted.absences
    assert [a.reason for a in plan(second).acts()] == [Reason.REMOVED]
    back = a_round([a_job(), a_job(other)], live, memory=noted)
    assert not after(back).absences


UNTRUSTED: dict[str, dict[str, Any]] = {
    "incomplete": {"tree": a_tree(incomplete="half a pull")},
    "unreadable file": {"tree": a_tree(unpruned={PROJECT: "broken"})},
    "scheduler silent": {"snapshot": a_snapshot(unread="timeout")},
}


@pytest.mark.parametrize("case", UNTRUSTED.values(), ids=UNTRUSTED)
def test_reading_that_cannot_be_trusted_counts_as_no_look(case: dict[str, Any]) -> None:
    other = a_key("other")
    live = [] if "snapshot" in case else [a_live_job(), a_live_job(other)]
    given = a_round([a_job(other)], live, memory=owning(KEY, other), **case)
    assert not after(given).absences


def test_job_that_is_declared_again_was_never_missing() -> None:
    """Even of a round that dies half-way: a later deletion begins with its own first look."""
    other = a_key("other")
    memory = owning(KEY, other, absences={k: Absence(NOW, REVISION_NOW) for k in (KEY, other)})
    assert declared_again(memory, {KEY, a_key("third")}).absences.keys() == {other}
    assert declared_again(memory, {a_key("third")}) is memory


def test_second_look_starts_anew_on_an_unrelated_revision() -> None:
    other = a_key("other")
    memory = owning(KEY, other, absences={KEY: Absence(NOW, "b" * 40)})
    tree = a_tree(revision=Revision("c" * 40, asked=frozenset({"b" * 40})))
    given = a_round(
        [a_job(other)],
        [a_live_job(), a_live_job(other)],
        memory=memory,
        tree=tree,
        now=NOW + timedelta(hours=1),
    )
    assert after(given).absences == {KEY: Absence(NOW + timedelta(hours=1), "c" * 40)}


def test_silent_scheduler_changes_no_memory() -> None:
    given = a_round([a_job()], memory=owning(KEY), snapshot=a_snapshot(unread="timeout"))
    assert after(given) == given.memory


def test_retry_is_remembered_and_lifts_quarantine() -> None:
    wanted = a_job(version="2")
    memory = owning(KEY, quarantined={KEY: Quarantine(trouble_of(spec_of(wanted)), "x", NOW)})
    orders = Orders(retry=(JobPattern.parse("web"),))
    failed = replace(an_update(UpdateStatus.ROLLED_BACK), id="u7")
    live = a_live_job(ended=(failed, an_update(UpdateStatus.ROLLED_FORWARD)))
    found = after(a_round([wanted], [live], memory=memory, orders=orders))
    assert (dict(found.quarantined), dict(found.retried)) == ({}, {KEY: "u7"})
    silent = after(a_round([wanted], [a_live_job()], memory=found, orders=orders))
    assert dict(silent.retried) == {KEY: "u7"}


CRON = a_job(kind=JobKind.CRON)


# What is live after an act whose reply was lost, what was sent, and whether the act did it.
AFTER_LOSS: dict[str, tuple[LiveJob, str, bool]] = {
    "an update with its token": (a_live_job(update=an_update(metadata={TOKEN: "t1"})), "s", True),
    "what was sent, its update forgotten": (a_live_job(), spec_of(a_job()), True),
    "another count of what was sent": (a_live_job(ids=(0,)), spec_of(a_job()), True),
    "something else": (a_live_job(version="7"), spec_of(a_job()), False),
    "the template that was sent": (a_live_cron(), spec_of(CRON), True),
    "another schedule": (a_live_cron(schedule="5 3 * * *"), spec_of(CRON), False),
    "another template": (a_live_cron(version="0"), spec_of(CRON), False),
}


@pytest.mark.parametrize("case", AFTER_LOSS.values(), ids=AFTER_LOSS)
def test_act_whose_reply_was_lost_makes_its_job_ours(case: tuple[LiveJob, str, bool]) -> None:
    live, sent, ours = case
    intent = Intent("t1", "StartUpdate", sent, NOW, PROJECT, "shop/web.yaml", REVISION_NOW)
    found = looked_again(Memory("i", intents={KEY: intent}), a_snapshot(live))
    expected = {KEY: Owned(PROJECT, NOW, "shop/web.yaml", REVISION_NOW)} if ours else {}
    assert (dict(found.owned), dict(found.intents)) == (expected, {})


def test_lost_start_that_never_arrived_is_decided_anew() -> None:
    memory = Memory("i", intents={KEY: Intent("t1", "StartUpdate", "s", NOW)})
    stranger = a_live_job(ended=(an_update(UpdateStatus.ROLLED_FORWARD, ours=False),))
    found = looked_again(memory, a_snapshot(stranger))
    assert (dict(found.owned), dict(found.intents)) == ({}, {})


def test_lost_start_stays_pending_while_live_is_unknown() -> None:
    memory = Memory("i", intents={KEY: Intent("t1", "StartUpdate", "s", NOW)})
    assert looked_again(memory, a_snapshot(unread="timeout")) == memory
    assert looked_again(memory, a_snapshot(unclear={KEY: "?"})) == memory
