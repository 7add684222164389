"""A round that knows the one before decides as one that does not, with less work."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.keys import JobKey, JobPattern
from reconciler.model.live import LiveTask, TaskStatus
from reconciler.model.memory import Absence, Intent, Memory, Quarantine
from reconciler.model.problem import Origin, Problem
from reconciler.model.spec import Suspension
from reconciler.model.update import UpdateStatus
from reconciler.plan.facts import spec_of, trouble_of
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.plan.planner import concluded, drafted, plan, redrafted
from reconciler.plan.quiet import Past, quiet
from tests.support.builders import (
    NOW,
    REVISION_NOW,
    a_job,
    a_key,
    a_live_job,
    a_round,
    a_snapshot,
    a_tree,
    an_owned,
    an_update,
)

KEY = a_key()


def past_of(before: PlanInput) -> Past:
    draft = redrafted(drafted(before), before, final=True)
    return Past(before, draft.known, draft.steps)


WANTED, LIVE = a_job(), a_live_job()
OWNED = an_owned()
CALM = a_round([WANTED], [LIVE], memory=Memory("i", owned={KEY: OWNED}), snapshot=a_snapshot(LIVE))
CALM = replace(CALM, snapshot=replace(CALM.snapshot, answers={}))
SOON = timedelta(seconds=30)


def differing(**changes: Any) -> PlanInput:
    """The next round, in which something is not as it was."""
    for name in ("memory", "snapshot", "tree"):
        changes[name] = replace(getattr(CALM, name), **changes.get(name, {}))
    return replace(CALM, now=CALM.now + SOON, **changes)


UNREAD = Problem(Origin("a.yaml"), "no", "mend it")
INTENT = Intent("t", "StartUpdate", "s", NOW)
ENDED = an_update(UpdateStatus.ROLLED_FORWARD)
assert CALM.tree.policies is not None
OTHER = replace(CALM.tree.policies, digest="other")
LOUD: dict[str, PlanInput] = {
    "another spec": differing(rendered={KEY: a_job(version="2")}),
    "an equal spec, made anew": differing(rendered={KEY: a_job()}),
    "declared no more": differing(rendered={}),
    "live is another value": differing(snapshot={"jobs": {KEY: a_live_job()}}),
    "live is gone": differing(snapshot={"jobs": {}}),
    "unclear": differing(snapshot={"unclear": {KEY: "timeout"}}),
    "nothing was read": differing(snapshot={"unread": "timeout", "jobs": {}}),
    "an update that ended": differing(memory={"ended": {KEY: ENDED}}),
    "owned no more": differing(memory={"owned": {}}),
    "quarantined": differing(memory={"quarantined": {KEY: Quarantine("x", "bad", NOW)}}),
    "missing before": differing(memory={"absences": {KEY: Absence(NOW, REVISION_NOW)}}),
    "an act of unknown outcome": differing(memory={"intents": {KEY: INTENT}}),
    "given another try": differing(memory={"retried": {KEY: "u1"}}),
    "a record that was lost": differing(memory={"fresh": True}),
    "a document that cannot be read": differing(unrendered={KEY: (UNREAD,)}),
    "other policies": differing(tree={"policies": OTHER}),
    "no platform": differing(tree={"policies": None}),
    "a person's word": differing(orders=Orders(retry=(JobPattern.parse("*"),))),
}


def test_job_about_which_nothing_changed_is_quiet() -> None:
    assert list(quiet(differing(), past_of(CALM))) == [KEY]


@pytest.mark.parametrize("case", LOUD)
def test_job_about_which_something_changed_is_not(case: str) -> None:
    assert list(quiet(LOUD[case], past_of(CALM))) == []


def test_quiet_job_has_its_turn_to_be_looked_at_all_the_same() -> None:
    past = past_of(CALM)
    minutes = [replace(CALM, now=CALM.now + timedelta(minutes=n)) for n in range(1, 62)]
    assert sum(list(quiet(minute, past)) == [] for minute in minutes) == 1


def test_suspended_job_is_not_quiet_since_its_time_passes() -> None:
    until = NOW + timedelta(seconds=10)
    ends = a_job(suspended=Suspension("ada", "why", until))
    ended = replace(CALM, rendered={KEY: ends}, now=until)
    assert list(quiet(replace(ended, now=until + SOON), past_of(ended))) == []


def test_only_converged_jobs_are_quiet() -> None:
    adopted = replace(CALM, memory=Memory("i"))
    assert list(quiet(differing(), past_of(adopted))) == []
    dying = a_live_job(unsettled=(LiveTask("t", 0, TaskStatus.STARTING),))
    unsettled = replace(CALM, snapshot=replace(CALM.snapshot, jobs={KEY: dying}))
    assert list(quiet(replace(unsettled, now=NOW + SOON), past_of(unsettled))) == []


KEYS = [a_key(name) for name in ("a", "b", "c")]
UNTIL = NOW + timedelta(minutes=20)


def variants(key: JobKey) -> dict[str, list[Any]]:
    """All that one job may be: the same few values again and again, as from round to round."""
    v1, v2 = a_job(key), a_job(key, version="2")
    dying = LiveTask("t", 0, TaskStatus.KILLING)
    failed = an_update(UpdateStatus.ROLLED_BACK, spec=spec_of(v1))
    return {
        "rendered": [v1, v1, v1, v2, None, a_job(key, suspended=Suspension("ada", "x", UNTIL))],
        "live": [
            *(3 * [a_live_job(key)]),
            a_live_job(key, version="2"),
            a_live_job(key, ids=(0, 1)),
            a_live_job(key, unsettled=(dying,)),
            a_live_job(key, update=an_update(spec=spec_of(v1))),
            a_live_job(key, ended=(failed,)),
            None,
        ],
        "owned": [*(4 * [an_owned()]), None],
        "quarantined": [*(4 * [None]), Quarantine(trouble_of(spec_of(v1)), "bad", NOW)],
        "absences": [*(3 * [None]), Absence(NOW - timedelta(hours=1), REVISION_NOW)],
        "intents": [*(6 * [None]), Intent("t", "StartUpdate", "s", NOW)],
        "ended": [*(3 * [None]), failed, an_update(UpdateStatus.ROLLED_FORWARD)],
        "unclear": [*(8 * [None]), "timeout"],
        "problems": [*(8 * [None]), (Problem(Origin("a.yaml"), "no", "mend it"),)],
    }


POOL = {key: variants(key) for key in KEYS}
TREES = [a_tree(), a_tree(), a_tree(), a_tree(incomplete="half a pull")]
ORDERS = [Orders(), Orders(), Orders(), Orders(retry=(JobPattern.parse("*"),))]


@st.composite
def inputs(draw: st.DrawFn) -> PlanInput:
    def drawn(name: str) -> dict[JobKey, Any]:
        found = {key: draw(st.sampled_from(POOL[key][name])) for key in KEYS}
        return {key: value for key, value in found.items() if value is not None}

    problems = drawn("problems")
    rendered = {k: job for k, job in drawn("rendered").items() if k not in problems}
    found = a_round(
        rendered.values(),
        drawn("live").values(),
        memory=Memory(
            "i",
            fresh=draw(st.sampled_from([False, False, False, True])),
            owned=drawn("owned"),
            quarantined=drawn("quarantined"),
            absences=drawn("absences"),
            intents=drawn("intents"),
            ended=drawn("ended"),
        ),
        tree=draw(st.sampled_from(TREES)),
        orders=draw(st.sampled_from(ORDERS)),
        unrendered=problems,
        now=NOW + timedelta(seconds=draw(st.integers(0, 3600))),
    )
    # Answers make a job loud: a round in which nothing was asked has none.
    answers = found.snapshot.answers if draw(st.booleans()) else {}
    seen = replace(found.snapshot, answers=answers, unclear=drawn("unclear"))
    return replace(found, snapshot=seen)


@settings(max_examples=200, deadline=None)
@given(st.lists(inputs(), min_size=2, max_size=5))
def test_round_with_a_past_decides_as_one_without(rounds: list[PlanInput]) -> None:
    past = past_of(rounds[0])
    for now in rounds[1:]:
        draft = redrafted(drafted(now, past), now, final=True)
        assert concluded(draft, now) == plan(now)
        past = Past(now, draft.known, draft.steps)
