"""What holds for every plan, whatever is declared, live and remembered."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given as over
from hypothesis import strategies as st

from reconciler.model.live import LiveJob, TaskStatus
from reconciler.model.memory import Absence, Memory
from reconciler.model.plan import Act, Keep, KillTasks, Reason, Standing, StartUpdate
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import JobKind
from reconciler.model.update import UpdateStatus
from reconciler.plan import diff
from reconciler.plan.inputs import PlanInput
from reconciler.plan.planner import plan
from tests.support.builders import (
    NOW,
    REVISION_NOW,
    a_config,
    a_group,
    a_job,
    a_key,
    a_live_cron,
    a_live_job,
    a_round,
    a_task,
    a_tree,
    an_owned,
    an_update,
)

NAMES = st.sampled_from(["a", "b", "c-master", "c-workers", "d"])
VERSIONS = st.sampled_from(["1", "2"])
IDS = st.lists(st.integers(0, 5), unique=True, max_size=5)


@st.composite
def declared_jobs(draw: st.DrawFn) -> list[RenderedJob]:
    found = []
    for name in draw(st.lists(NAMES, unique=True)):
        version = draw(VERSIONS)
        if draw(st.booleans()):
            found.append(a_job(a_key(name), version=version, kind=JobKind.CRON))
        else:
            count = draw(st.integers(0, 5))
            found.append(a_job(a_key(name), version=version, instances=count))
    return found


@st.composite
def live_jobs(draw: st.DrawFn) -> list[LiveJob]:
    found = []
    for name in draw(st.lists(NAMES, unique=True)):
        key = a_key(name)
        if draw(st.integers(0, 3)) == 0:
            found.append(a_live_cron(key, version=draw(VERSIONS)))
            continue
        ids, cut = sorted(draw(IDS)), draw(st.integers(0, 5))
        parts = [("1", ids[:cut]), ("2", ids[cut:])]
        groups = tuple(a_group(a_config(v), some) for v, some in parts if some)
        status = draw(st.sampled_from([None, *UpdateStatus]))
        update = an_update(status, ours=draw(st.booleans())) if status else None
        odd = draw(st.sampled_from([None, TaskStatus.KILLING, TaskStatus.PENDING]))
        found.append(
            a_live_job(
                key,
                groups=groups,
                is_service=draw(st.booleans()),
                unsettled=(a_task(ids[0], odd),) if odd and ids else (),
                update=update if update and update.status.active else None,
                ended=(update,) if update and not update.status.active else (),
            )
        )
    return found


@st.composite
def rounds(draw: st.DrawFn) -> PlanInput:
    owned = [a_key(n) for n in draw(st.lists(NAMES, unique=True))]
    seen = Absence(NOW - timedelta(minutes=1), REVISION_NOW)
    memory = Memory(
        "i",
        fresh=draw(st.booleans()),
        owned={k: an_owned() for k in owned},
        absences={k: seen for k in owned if draw(st.booleans())},
    )
    tree = a_tree(incomplete=draw(st.sampled_from([None, "half a pull"])))
    return a_round(draw(declared_jobs()), draw(live_jobs()), memory=memory, tree=tree)


@over(rounds())
def test_every_known_job_has_exactly_one_decision(given: PlanInput) -> None:
    keys = [d.key for d in plan(given).decisions]
    known = {*given.rendered, *given.snapshot.jobs, *given.memory.owned}
    assert sorted(keys) == sorted(known)


@over(rounds())
def test_plan_does_not_depend_on_the_order_of_its_inputs(given: PlanInput) -> None:
    turned = replace(
        given,
        rendered=dict(reversed(list(given.rendered.items()))),
        snapshot=replace(given.snapshot, jobs=dict(reversed(list(given.snapshot.jobs.items())))),
        memory=replace(given.memory, owned=dict(reversed(list(given.memory.owned.items())))),
    )
    assert plan(turned) == plan(given)


@over(rounds())
def test_incomplete_tree_prunes_nothing(given: PlanInput) -> None:
    acts = plan(given).acts()
    assert given.tree.incomplete is None or not any(a.prune for a in acts)


@over(rounds())
def test_job_that_is_not_ours_is_never_touched(given: PlanInput) -> None:
    for act in plan(given).acts():
        live = given.snapshot.jobs.get(act.key)
        ours = act.key in given.memory.owned or given.memory.fresh
        started = live is not None and live.update is not None
        assert ours or live is None or (not live.count and not live.cron) or started


@over(rounds())
def test_foreign_update_is_never_spoken_to(given: PlanInput) -> None:
    for act in plan(given).acts():
        live = given.snapshot.jobs.get(act.key)
        assert live is None or live.update is None or live.update.metadata


@over(rounds())
def test_silence_is_followed_by_silence(given: PlanInput) -> None:
    silent = replace(given, snapshot=replace(given.snapshot, unread="timeout"))
    assert all(d.reason is Reason.LIVE_UNKNOWN for d in plan(silent).decisions)


@over(rounds())
def test_kill_names_only_live_instances_and_start_only_what_differs(given: PlanInput) -> None:
    for act in plan(given).acts():
        live = given.snapshot.jobs.get(act.key)
        ids = live.ids() if live is not None else frozenset()
        if isinstance(act.action, KillTasks):
            assert set(act.action.only) == ids
        if isinstance(act.action, StartUpdate):
            impact = act.impact
            scope = {i for s in (impact.restarts, impact.adds, impact.kills) if s for i in s}
            assert set(act.action.only) == scope


@over(rounds())
def test_reason_agrees_with_the_kind_of_decision(given: PlanInput) -> None:
    for found in plan(given).decisions:
        if isinstance(found, Act):
            assert found.reason.standing is Standing.ACT
        elif isinstance(found, Keep):
            assert found.reason.standing is Standing.KEPT
        else:
            assert found.reason.standing in (Standing.WAITING, Standing.BLOCKED, Standing.MEANT)


@over(VERSIONS, VERSIONS, st.integers(0, 3), st.integers(0, 3))
def test_difference_is_explained_exactly_when_there_is_one(a: str, b: str, x: int, y: int) -> None:
    live, desired = a_config(a, extra={"n": [x]}).task, a_config(b, extra={"n": [y]}).task
    assert bool(diff.changes(live, desired)) == (not desired.satisfied_by(live))
