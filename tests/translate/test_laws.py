"""What a TaskConfig may not depend on. Were it otherwise, every commit would restart the fleet."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.policy import Scheduler
from reconciler.model.problem import Origin
from reconciler.model.spec import Collision, JobKind, Schedule, Suspension
from tests.support import builders
from tests.translate.samples import (
    SAMPLES,
    a_cron,
    a_job,
    a_platform,
    a_project,
    a_spec,
    policies,
    rendered,
    written,
)


@given(st.sampled_from(sorted(SAMPLES)), st.integers(20, 4000))
def test_a_config_does_not_depend_on_the_number_of_instances(name: str, instances: int) -> None:
    job = SAMPLES[name]
    scaled = replace(job, spec=replace(job.spec, instances=instances))
    assert rendered(scaled).config == rendered(job).config


def test_a_config_does_not_depend_on_being_scaled_to_nothing() -> None:
    for spec in (a_spec(), a_cron()):
        assert rendered(a_job(replace(spec, instances=0))).config == rendered(a_job(spec)).config


# What a commit, another file or another hour changes, and what must not reach a TaskConfig.
ELSEWHERE: dict[str, dict[str, Any]] = {
    "the revision's blob": {"digest": "f" * 40},
    "the place in a file": {"origin": Origin("forecast/moved.yaml", 99, 7)},
    "where fields were written": {"authored": {"run": written(12), "version": written(13)}},
    "a suspension": {"suspended": Suspension("ann", "holiday", datetime(2027, 1, 1, tzinfo=UTC))},
}


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_config_does_not_depend_on(name: str, sample: str) -> None:
    job = SAMPLES[sample]
    assert rendered(replace(job, **ELSEWHERE[name])).config == rendered(job).config


POLICIES: dict[str, Any] = {
    "the revision of the policies": replace(policies(), digest="other"),
    "where the platform was written": policies(a_platform(origin=Origin("x.yaml", 3, 3))),
    "where the project was written": policies(project=a_project(origin=Origin("y.yaml", 3, 3))),
    "the guard": policies(
        a_platform(guard=replace(builders.a_platform().guard, prunes_max=1)),
        a_project(guard=replace(builders.a_project().guard, restarts_max=1)),
    ),
    "the address of the scheduler": policies(scheduler=Scheduler(("http://new.example:8081",))),
    "the limits of the cluster": policies(tasks_per_job_max=5000),
    "the rollouts": policies(
        a_platform(
            rollouts={
                name: replace(r, watch_s=1, failed_instances_max=2)
                for name, r in a_platform().rollouts.items()
            }
        )
    ),
    "how long a start takes": policies(a_platform(start_s=99)),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_config_does_not_depend_on_the_policys(name: str) -> None:
    for job in SAMPLES.values():
        assert rendered(job, POLICIES[name]).config == rendered(job).config


def test_a_config_does_not_depend_on_how_it_is_rolled_out() -> None:
    assert rendered(a_job(rollout="careful")).config == rendered(a_job(rollout="fast")).config


@given(st.sampled_from(["0 3 * * *", "*/5 * * * *"]), st.sampled_from(Collision), st.booleans())
def test_a_config_does_not_depend_on_when_it_runs(
    cron: str, collision: Collision, enabled: bool
) -> None:
    spec = a_cron(schedule=Schedule(cron, collision, enabled))
    assert rendered(a_job(spec)).config == rendered(a_job(a_cron())).config


CHANGES: dict[str, dict[str, Any]] = {
    "the version": {"version": "2.14.2"},
    "the package": {"package": "forecast"},
    "the command": {"run": "serve"},
    "a variable": {"env": (("A", "b"),)},
    "a secret": {"secrets": (("A", "b"),)},
    "the ports": {"ports": ("http", "admin")},
    "the health path": {"health": "/up"},
    "the cpu": {"resources": replace(a_spec().resources, cpu=1.0)},
    "the memory": {"resources": replace(a_spec().resources, ram_mb=1)},
    "the disk": {"resources": replace(a_spec().resources, disk_mb=1)},
    "an sla": {"sla": "asked"},
    "a raw field": {"aurora": (("priority", "3"),)},
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_an_author_changes_reaches_it(name: str) -> None:
    changed = rendered(a_job(**CHANGES[name])).config
    assert not changed.task.satisfied_by(rendered(a_job()).config.task)


def test_rendering_is_a_function() -> None:
    for job in SAMPLES.values():
        assert rendered(job) == rendered(job)


def test_samples_hold_every_kind() -> None:
    assert {job.spec.kind for job in SAMPLES.values()} == set(JobKind)
