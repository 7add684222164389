"""Who decided each field of a rendered job."""

import json
from typing import Any

import pytest

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
}
PROJECT = Origin("platform/projects/forecast.yaml", 1, 1)
PLATFORM = Origin("platform/platform.yaml", 1, 1)


def fields(job: DesiredJob, **given: Any) -> dict[str, FieldLayer]:
    found = policies(**given)
    return {f.path: f for f in fields_of(rendered(job, found), found)}


def author(line: int) -> tuple[Layer, Origin]:
    return Layer.AUTHOR, written(line).origin


PROCESSES = "executor.data.task.processes"
HEALTH = "executor.data.health_check_config"

LAYERS: dict[str, tuple[Layer, Origin | None]] = {
    "job": (Layer.PROJECT, PROJECT),
    "executor.data.role": (Layer.PROJECT, PROJECT),
    "executor.data.environment": (Layer.PROJECT, PROJECT),
    "service": (Layer.AUTHOR, Origin("forecast/api.yaml", 2, 1)),
    "resources.cpu": author(13),
    "resources.ram_mb": (Layer.ENVIRONMENT, written(14).origin),
    "resources.disk_mb": author(15),
    "resources.ports": author(16),
    "executor.data.task.resources.cpu": author(13),
    "executor.data.task.resources.ram": (Layer.ENVIRONMENT, written(14).origin),
    "executor.data.task.resources.gpu": (Layer.BUILT_IN, None),
    f"{PROCESSES}.run.cmdline": author(10),
    f"{PROCESSES}.run.logger.destination": (Layer.PLATFORM, PLATFORM),
    f"{PROCESSES}.run.max_failures": (Layer.BUILT_IN, None),
    f"{PROCESSES}.run.daemon": (Layer.BUILT_IN, None),
    f"{PROCESSES}.install.cmdline": (Layer.PLATFORM, PLATFORM),
    f"{PROCESSES}.install.max_failures": (Layer.PLATFORM, PLATFORM),
    f"{PROCESSES}.install.min_duration": (Layer.BUILT_IN, None),
    "executor.data.task.finalization_wait": (Layer.PLATFORM, PLATFORM),
    "executor.data.task.constraints": (Layer.PLATFORM, PLATFORM),
    "executor.data.task.max_concurrency": (Layer.BUILT_IN, None),
    "executor.data.announce.primary_port": author(16),
    f"{HEALTH}.health_checker.http.endpoint": author(17),
    f"{HEALTH}.health_checker.http.expected_response_code": (Layer.PLATFORM, PLATFORM),
    f"{HEALTH}.interval_secs": (Layer.PLATFORM, PLATFORM),
    "executor.data.lifecycle": (Layer.BUILT_IN, None),
    "executor.name": (Layer.BUILT_IN, None),
    "links.http": author(16),
    "tier": (Layer.PLATFORM, PLATFORM),
    "production": (Layer.PLATFORM, PLATFORM),
    "priority": (Layer.PLATFORM, PLATFORM),
    "contact": (Layer.PLATFORM, PLATFORM),
    "constraints.host": (Layer.PLATFORM, PLATFORM),
    "max_task_failures": (Layer.PLATFORM, PLATFORM),
    "marks.reconciler.owner": (Layer.PLATFORM, PLATFORM),
    "marks.reconciler.version": author(11),
    "marks.reconciler.package": author(12),
    "instances": (Layer.ENVIRONMENT, written(18).origin),
    "update.groups": (Layer.PLATFORM, PLATFORM),
}


@pytest.mark.parametrize("path", LAYERS)
def test_the_field_was_decided_by(path: str) -> None:
    field = fields(a_job(authored=AUTHORED))[path]
    assert (field.layer, field.origin) == LAYERS[path]


CASES: dict[str, tuple[DesiredJob, dict[str, Any], str, tuple[Layer, Origin | None]]] = {
    "a tier of the project": (
        a_job(),
        {"project": a_project(tiers={"prod": "revocable"})},
        "tier",
        (Layer.PROJECT, PROJECT),
    ),
    "a contact of the project": (
        a_job(),
        {"project": a_project(contact="a@b.example")},
        "contact",
        (Layer.PROJECT, PROJECT),
    ),
    "a rollout of the project": (
        a_job(),
        {"project": a_project(rollout="careful")},
        "update.watch_ms",
        (Layer.PROJECT, PROJECT),
    ),
    "a rollout of the author": (
        a_job(rollout="fast", authored={"rollout": written(20)}),
        {"project": a_project(rollout="careful")},
        "update.rollback",
        author(20),
    ),
    "an image": (
        a_job(image="feed", authored={"image": written(21)}),
        {},
        "container.mesos.image",
        author(21),
    ),
    "the image, where a mark names it": (
        a_job(image="feed", authored={"image": written(21)}),
        {},
        "marks.reconciler.package",
        author(21),
    ),
    "an sla": (
        a_job(sla="available", instances=20, authored={"sla": written(22)}),
        {},
        "sla.percentage",
        author(22),
    ),
    "a schedule": (
        a_job(a_cron(), authored={"schedule": written(23)}),
        {},
        "schedule",
        author(23),
    ),
    "a collision that nobody wrote": (
        a_job(a_cron(), authored={"schedule": written(23)}),
        {},
        "collision",
        (Layer.BUILT_IN, None),
    ),
    "instances that nobody wrote": (a_job(), {}, "instances", (Layer.BUILT_IN, None)),
    "checks of a job without one, which the executor's schema has all the same": (
        a_job(health=None),
        {},
        f"{HEALTH}.interval_secs",
        (Layer.BUILT_IN, None),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_was_decided_by_the_right_one(name: str) -> None:
    job, given, path, expected = CASES[name]
    field = fields(job, **given)[path]
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
