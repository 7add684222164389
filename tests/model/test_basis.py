"""What an act rests on: equal as long as nothing that matters has moved."""

from dataclasses import replace

import pytest

from reconciler.model import basis
from reconciler.model.live import LiveJob, TaskStatus
from reconciler.model.spec import Collision
from reconciler.model.update import UpdateStatus
from tests.support.builders import (
    a_config,
    a_group,
    a_live_cron,
    a_live_job,
    a_task,
    an_update,
)

TWO = (a_group(a_config("1"), (0,)), a_group(a_config("2"), (1, 2)))

MOVED: dict[str, tuple[LiveJob | None, LiveJob | None, bool]] = {
    "nothing": (a_live_job(), a_live_job(), False),
    "order of groups": (a_live_job(groups=TWO), a_live_job(groups=TWO[::-1]), False),
    "a task that waits": (
        a_live_job(),
        a_live_job(unsettled=(a_task(0, TaskStatus.PENDING),)),
        False,
    ),
    "absent and empty": (None, a_live_job(ids=()), False),
    "one instance": (a_live_job(), a_live_job(ids=(0, 1)), True),
    "one config": (a_live_job(), a_live_job(version="2"), True),
    "owner, in the bytes only": (
        a_live_job(),
        a_live_job(groups=(a_group(a_config(owner="x"), (0, 1, 2)),)),
        True,
    ),
    "an update began, which Aurora refuses itself": (
        a_live_job(),
        a_live_job(update=an_update()),
        False,
    ),
    "a task dies": (a_live_job(), a_live_job(unsettled=(a_task(0, TaskStatus.KILLING),)), True),
}


@pytest.mark.parametrize("case", MOVED.values(), ids=MOVED)
def test_basis_of_a_start(case: tuple[LiveJob | None, LiveJob | None, bool]) -> None:
    before, after, moved = case
    assert (basis.of_job(before) != basis.of_job(after)) is moved


def test_kill_rests_on_tasks_not_on_instances() -> None:
    heir = replace(a_task(0), task_id="task-0-heir")
    assert basis.tasks_basis([a_task(0)]) != basis.tasks_basis([heir])


def test_word_to_an_update_rests_on_its_status() -> None:
    paused = an_update(UpdateStatus.ROLL_FORWARD_PAUSED)
    assert basis.update_basis(an_update()) != basis.update_basis(paused)


CRONS = {
    "schedule": a_live_cron(schedule="1 3 * * *"),
    "policy": a_live_cron(collision=Collision.KILL_EXISTING),
    "count": a_live_cron(instances=2),
    "config": a_live_cron(version="2"),
    "gone": None,
}


@pytest.mark.parametrize("after", CRONS.values(), ids=CRONS)
def test_basis_of_a_template(after: LiveJob | None) -> None:
    assert basis.cron_basis(a_live_cron()) == basis.cron_basis(a_live_cron())
    assert basis.cron_basis(a_live_cron()) != basis.cron_basis(after)
