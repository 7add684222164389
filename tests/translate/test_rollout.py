"""The menu of rollouts, as arithmetic."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.policy import Rollout, Strategy
from reconciler.translate.rollout import change, creation, rollout_of
from tests.translate.samples import a_platform, a_project, a_spec

GROUPS: dict[str, tuple[tuple[float, ...], int, tuple[int, ...]]] = {
    "a quarter": ((0.25,), 40, (10,)),
    "a quarter, rounded down": ((0.25,), 7, (1,)),
    "one instance goes at least": ((0.1,), 3, (1,)),
    "all at once": ((1.0,), 12, (12,)),
    "nothing of nothing is one": ((1.0,), 0, (1,)),
    "a first share, then the rest": ((0.1, 0.5), 40, (4, 20)),
    "a first share of few": ((0.1, 0.5), 3, (1, 1)),
    "29 % of a hundred is 29": ((0.29,), 100, (29,)),
    "57 % of a hundred is 57": ((0.57,), 100, (57,)),
    "58 % of a hundred is 58": ((0.58,), 100, (58,)),
    "33.3 % of a thousand is 333": ((33.3 / 100,), 1000, (333,)),
    "a share of almost one is not one more": ((0.999,), 1000, (999,)),
    "a third is rounded down": ((0.333,), 10, (3,)),
}


@pytest.mark.parametrize("name", GROUPS)
def test_shares_become_groups(name: str) -> None:
    shares, instances, groups = GROUPS[name]
    assert change(a_spec(instances=instances), Rollout("r", shares)).groups == groups


@given(st.integers(1, 100), st.integers(1, 4000))
def test_a_percentage_is_exact(percent: int, instances: int) -> None:
    [group] = change(a_spec(instances=instances), Rollout("r", (percent / 100,))).groups
    assert group == max(1, percent * instances // 100)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=4), st.integers(0, 4000))
def test_every_group_has_an_instance_and_none_has_more_than_there_are(
    shares: list[float], instances: int
) -> None:
    groups = change(a_spec(instances=instances), Rollout("r", tuple(shares))).groups
    assert len(groups) == len(shares)
    assert all(1 <= group <= max(instances, 1) for group in groups)


def test_the_last_group_repeats() -> None:
    settings = change(a_spec(instances=40), Rollout("r", (0.1, 0.25)))
    assert settings.groups == (4, 10)
    assert settings.batches(40) == 5


WATCHES: dict[str, tuple[str | None, int]] = {
    "a health check says when it is up": ("/health", 0),
    "without one, an early crash is waited for": (None, 45_000),
}


@pytest.mark.parametrize("name", WATCHES)
def test_an_instance_is_watched_only_where_no_health_check_says_when_it_is_up(name: str) -> None:
    health, watch_ms = WATCHES[name]
    spec = a_spec(health=health)
    for settings in (change(spec, Rollout("r", (1.0,))), creation(spec, Rollout("r", (1.0,)))):
        assert settings.watch_ms == watch_ms


def test_a_platform_may_watch_checked_services_too() -> None:
    rollout = Rollout("r", (1.0,), watch_s=60, watch_with_health_s=5)
    assert change(a_spec(), rollout).watch_ms == 5_000
    assert change(a_spec(health=None), rollout).watch_ms == 60_000


BUDGETS: dict[str, tuple[int, int, int]] = {
    "as the platform says": (2, 10, 2),
    "never all of them": (10, 10, 9),
    "nothing of one": (3, 1, 0),
    "nothing of none": (3, 0, 0),
}


@pytest.mark.parametrize("name", BUDGETS)
def test_failures_are_forgiven(name: str) -> None:
    budget, instances, forgiven = BUDGETS[name]
    rollout = Rollout("r", (1.0,), failed_instances_max=budget)
    assert change(a_spec(instances=instances), rollout).failed_instances_max == forgiven


CARRIED: dict[str, tuple[dict[str, Any], str, Any]] = {
    "no rollback": ({"rollback": False}, "rollback", False),
    "a rollback": ({}, "rollback", True),
    "a queue": ({"strategy": Strategy.QUEUE}, "strategy", Strategy.QUEUE),
    "a pause": ({"pause_between": True}, "pause_between", True),
    "failures of an instance": (
        {"failures_per_instance_max": 2},
        "failures_per_instance_max",
        2,
    ),
}


@pytest.mark.parametrize("name", CARRIED)
def test_a_change_has_what_its_rollout_has(name: str) -> None:
    fields, field, expected = CARRIED[name]
    assert getattr(change(a_spec(), Rollout("r", (1.0,), **fields)), field) == expected


@given(st.integers(0, 4000))
def test_a_first_version_comes_up_at_once_and_what_fails_stays(instances: int) -> None:
    rollout = Rollout("r", (0.1, 0.5), Strategy.QUEUE, failed_instances_max=5, pause_between=True)
    settings = creation(a_spec(instances=instances, sla="available"), rollout)
    assert settings.groups == (max(instances, 1),)
    assert settings.strategy is Strategy.BATCH
    assert not settings.rollback
    assert not settings.sla_aware
    assert not settings.pause_between
    assert settings.failed_instances_max == 0


def test_the_author_chooses_before_the_project_and_the_project_before_the_platform() -> None:
    platform, project = a_platform(), a_project()
    assert rollout_of(a_spec(), project, platform) == platform.rollouts["standard"]
    careful = replace(project, rollout="careful")
    assert rollout_of(a_spec(), careful, platform) == platform.rollouts["careful"]
    assert rollout_of(a_spec(rollout="fast"), careful, platform) == platform.rollouts["fast"]
    assert rollout_of(a_spec(rollout="reckless"), careful, platform) is None
