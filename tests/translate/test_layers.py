"""Who decided each field of a rendered job."""

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.policy import Project
from reconciler.model.problem import Origin
from reconciler.model.rendered import FieldLayer
from reconciler.model.spec import Authored, DesiredJob, Layer
from reconciler.translate.layers import fields_of
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

AUTHORED = {
    "run": written(10),
    "version": written(11),
    "package": written(12),
    "resources.cpu": written(13),
    "resources.ram": written(14, Layer.ENVIRONMENT),
    "resources.disk": written(15),
    "ports": written(16),
    "health": written(17),
    "instances": written(18, Layer.ENVIRONMENT),
    "environments.prod": written(19),
}
PROJECT = Origin("platform/projects/forecast.yaml", 1, 1)
PLATFORM = Origin("platform/platform.yaml", 1, 1)

# What is written in the platform's document, and on which line. The rest is as it is built in.
LINES: dict[tuple[str | int, ...], int] = {
    ("contact",): 40,
    ("environments", 0, "tier"): 41,
    ("environments", 0, "priority"): 42,
    ("environments", 1, "tier"): 43,
    ("recipes", "wheel", "steps"): 44,
    ("recipes", "wheel", "steps", 1, "command"): 45,
    ("recipes", "wheel", "steps", 1, "maxFailures"): 46,
    ("rollouts", "standard", "batch"): 47,
    ("rollouts", "standard", "watch"): 48,
    ("rollouts", "careful", "batch"): 49,
    ("logs", "destination"): 50,
    ("health", "interval"): 51,
    ("spread", 0, "limit"): 52,
    ("spread", 1, "limit"): 53,
    ("taskFailures",): 54,
    ("finalizationWait",): 55,
}
PROJECT_LINES: dict[tuple[str | int, ...], int] = {
    ("role",): 60,
    ("environments", "prod", "tier"): 61,
    ("contact",): 62,
    ("rollout",): 63,
}


def places(path: str, lines: dict[tuple[str | int, ...], int]) -> dict[Any, Origin]:
    return {field: Origin(path, line, 1) for field, line in lines.items()}


def fields(job: DesiredJob, project: Project | None = None) -> dict[str, FieldLayer]:
    platform = a_platform(written=places(PLATFORM.path, LINES))
    project = replace(project or a_project(), written=places(PROJECT.path, PROJECT_LINES))
    found = policies(platform, project)
    return {f.path: f for f in fields_of(rendered(job, found), found)}


def author(line: int) -> tuple[Layer, Origin]:
    return Layer.AUTHOR, written(line).origin


def platform(line: int) -> tuple[Layer, Origin]:
    return Layer.PLATFORM, Origin(PLATFORM.path, line, 1)


def project(line: int) -> tuple[Layer, Origin]:
    return Layer.PROJECT, Origin(PROJECT.path, line, 1)


BUILT_IN: tuple[Layer, Origin | None] = (Layer.BUILT_IN, None)
PROCESSES = "executor.data.task.processes"
HEALTH = "executor.data.health_check_config"

LAYERS: dict[str, tuple[Layer, Origin | None]] = {
    "job": project(60),
    "executor.data.role": project(60),
    "executor.data.environment": author(19),
    "executor.data.task.name": (Layer.AUTHOR, Origin("forecast/api.yaml", 2, 1)),
    "service": (Layer.AUTHOR, Origin("forecast/api.yaml", 2, 1)),
    "resources.cpu": author(13),
    "resources.ram_mb": (Layer.ENVIRONMENT, written(14).origin),
    "resources.disk_mb": author(15),
    "resources.ports": author(16),
    "executor.data.task.resources.cpu": author(13),
    "executor.data.task.resources.ram": (Layer.ENVIRONMENT, written(14).origin),
    "executor.data.task.resources.gpu": BUILT_IN,
    f"{PROCESSES}.run.cmdline": author(10),
    f"{PROCESSES}.run.logger.destination": platform(50),
    f"{PROCESSES}.install.logger.destination": platform(50),
    f"{PROCESSES}.run.logger.mode": BUILT_IN,
    f"{PROCESSES}.run.logger.rotate.backups": BUILT_IN,
    f"{PROCESSES}.run.max_failures": BUILT_IN,
    f"{PROCESSES}.run.daemon": BUILT_IN,
    f"{PROCESSES}.install.cmdline": platform(45),
    f"{PROCESSES}.venv.cmdline": BUILT_IN,
    f"{PROCESSES}.install.max_failures": platform(46),
    f"{PROCESSES}.venv.max_failures": BUILT_IN,
    f"{PROCESSES}.install.min_duration": BUILT_IN,
    "executor.data.task.finalization_wait": platform(55),
    "executor.data.task.constraints": platform(44),
    "executor.data.task.max_concurrency": BUILT_IN,
    "executor.data.announce.primary_port": author(16),
    f"{HEALTH}.health_checker.http.endpoint": author(17),
    f"{HEALTH}.health_checker.http.expected_response_code": BUILT_IN,
    f"{HEALTH}.interval_secs": platform(51),
    f"{HEALTH}.timeout_secs": BUILT_IN,
    "executor.data.lifecycle": BUILT_IN,
    "executor.name": BUILT_IN,
    "links.http": author(16),
    "tier": platform(41),
    "production": platform(41),
    "priority": platform(42),
    "contact": platform(40),
    "constraints.host": platform(52),
    "constraints.rack": platform(53),
    "max_task_failures": platform(54),
    "marks.reconciler.owner": (Layer.PLATFORM, PLATFORM),
    "marks.reconciler.version": author(11),
    "marks.reconciler.package": author(12),
    "instances": (Layer.ENVIRONMENT, written(18).origin),
    "update.groups": platform(47),
    "update.rollback": BUILT_IN,
    "update.sla_aware": BUILT_IN,
}


@pytest.mark.parametrize("path", LAYERS)
def test_the_field_was_decided_by(path: str) -> None:
    field = fields(a_job(authored=AUTHORED))[path]
    assert (field.layer, field.origin) == LAYERS[path]


CASES: dict[str, tuple[DesiredJob, Project | None, str, tuple[Layer, Origin | None]]] = {
    "a tier of the project": (
        a_job(),
        a_project(tiers={"prod": "revocable"}),
        "tier",
        project(61),
    ),
    "a contact of the project": (
        a_job(),
        a_project(contact="a@b.example"),
        "contact",
        project(62),
    ),
    "a rollout of the project": (
        a_job(),
        a_project(rollout="careful"),
        "update.watch_ms",
        project(63),
    ),
    "a rollout of the author": (
        a_job(rollout="fast", authored={"rollout": written(20)}),
        a_project(rollout="careful"),
        "update.rollback",
        author(20),
    ),
    "an image": (
        a_job(image="feed", authored={"image": written(21)}),
        None,
        "container.mesos.image",
        author(21),
    ),
    "the image, where a mark names it": (
        a_job(image="feed", authored={"image": written(21)}),
        None,
        "marks.reconciler.package",
        author(21),
    ),
    "an sla": (
        a_job(sla="available", instances=20, authored={"sla": written(22)}),
        None,
        "sla.percentage",
        author(22),
    ),
    "a schedule": (
        a_job(a_cron(), authored={"schedule": written(23)}),
        None,
        "schedule",
        author(23),
    ),
    "a collision that nobody wrote": (
        a_job(a_cron(), authored={"schedule": written(23)}),
        None,
        "collision",
        BUILT_IN,
    ),
    "instances that nobody wrote": (a_job(), None, "instances", BUILT_IN),
    "checks of a job without one, which the executor's schema has all the same": (
        a_job(health=None),
        None,
        f"{HEALTH}.interval_secs",
        BUILT_IN,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_was_decided_by_the_right_one(name: str) -> None:
    job, project_, path, expected = CASES[name]
    field = fields(job, project_)[path]
    assert (field.layer, field.origin) == expected


RAW: dict[str, tuple[str, str, str]] = {
    "priority": ("priority", "5", "priority"),
    "task failures": ("maxTaskFailures", "5", "max_task_failures"),
    "tier": ("tier", '"revocable"', "tier"),
    "production, which follows the tier": ("tier", '"revocable"', "production"),
    "links": ("taskLinks", '{"a":"b"}', "links.a"),
    "contact": ("contactEmail", '"a@b.example"', "contact"),
    "metadata": ("metadata", '[{"key":"a","value":"b"}]', "metadata.a"),
    "partition policy": ("partitionPolicy", "{}", "partition.delay_s"),
    "constraints": (
        "constraints",
        '[{"name":"rack","constraint":{"limit":{"limit":3}}}]',
        "constraints.rack",
    ),
    "a field of the document": (
        "executorConfig",
        '{"data":{"task":{"max_concurrency":2}}}',
        "executor.data.task.max_concurrency",
    ),
    "a process of the document": (
        "executorConfig",
        '{"data":{"task":{"processes":[{"name":"run","cmdline":"x"}],"constraints":[]}}}',
        f"{PROCESSES}.run.cmdline",
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_a_raw_field_was_decided_by_whoever_wrote_it(name: str) -> None:
    field, text, path = RAW[name]
    authored: dict[str, Authored] = AUTHORED | {f"aurora.{field}": written(30, Layer.ENVIRONMENT)}
    found = fields(a_job(a_spec(aurora=((field, text),)), authored=authored))[path]
    assert (found.layer, found.origin) == (Layer.ENVIRONMENT, written(30).origin)


def test_a_patch_of_the_document_is_not_said_to_decide_the_rest_of_it() -> None:
    authored = AUTHORED | {"aurora.executorConfig": written(30)}
    patch = (("executorConfig", '{"data":{"task":{"max_concurrency":2}}}'),)
    found = fields(a_job(a_spec(aurora=patch), authored=authored))
    for path, (layer, origin) in LAYERS.items():
        if path != "executor.data.task.max_concurrency":
            assert (found[path].layer, found[path].origin) == (layer, origin), path


@pytest.mark.parametrize("name", SAMPLES)
def test_every_field_of_the_canonical_form_is_told_once_with_its_value(name: str) -> None:
    job = SAMPLES[name]
    found = fields_of(rendered(job), policies())
    paths = [f.path for f in found]
    assert paths == sorted(set(paths))
    told: dict[str, Any] = {}
    for field in found:
        told[field.path] = json.loads(field.value)
    expected = dict(flat(rendered(job).config.task.value(), ""))
    assert {path: told[path] for path in expected} == expected
    rest = {p.partition(".")[0] for p in told.keys() - expected.keys()}
    assert rest <= {"marks", "instances", "schedule", "collision", "update"}


def flat(value: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        return [(path, value)]
    return [item for k, v in value.items() for item in flat(v, f"{path}.{k}" if path else str(k))]


def test_the_platform_of_the_cases_is_where_it_is_said_to_be() -> None:
    assert (a_platform().origin, a_project().origin) == (PLATFORM, PROJECT)
