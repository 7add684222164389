"""The sample: a retailer's desired state, which loads, renders and teaches."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.desired.documents import Document, parsed
from reconciler.desired.tree import load
from reconciler.model.policy import Embedded
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import JobKind
from reconciler.model.tree import DesiredTree, FileAt, Files, Revision
from reconciler.translate.mediator import render
from tests.desired.trees import SCHEMAS, a_file
from tests.support.schemas import REGISTRY

ROOT = Path(__file__).parent.parent.parent / "desired-state"
PATHS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.yaml"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def a_sample_file(path: str) -> FileAt:
    return a_file(path, (ROOT / path).read_bytes())


@pytest.fixture(scope="module")
def tree() -> DesiredTree:
    return load(Files(Revision("r1"), tuple(map(a_sample_file, PATHS))), SCHEMAS, {})


def documents(path: str) -> tuple[Document, ...]:
    found = parsed(a_sample_file(path))
    assert found.problems == ()
    return found.documents


def test_the_sample_has_no_problems_and_everything_of_it_renders(tree: DesiredTree) -> None:
    assert tree.problems == ()
    assert tree.incomplete is None
    assert not tree.unpruned
    assert tree.policies is not None
    for job in tree.jobs.values():
        assert isinstance(render(job, tree.policies), RenderedJob)


def test_the_sample_is_one_cluster_of_our_own_and_three_projects(tree: DesiredTree) -> None:
    assert tree.policies is not None
    assert [type(c.scheduler) for c in tree.policies.clusters.values()] == [Embedded]
    assert sorted(tree.policies.projects) == [
        "demand-forecast",
        "price-optimisation",
        "store-replenishment",
    ]


# project → what it declares: kind of document and the environments that it runs in.
DECLARED = {
    "demand-forecast": {
        "api": ("Service", ["devel", "prod"]),
        "backtest": ("BatchFramework", ["prod"]),
        "nightly-training": ("CronJob", ["prod"]),
    },
    "price-optimisation": {
        "competitor-prices": ("CronJob", ["prod"]),
        "optimiser": ("Service", ["devel", "prod"]),
        "price-feed": ("Service", ["devel", "prod"]),
    },
    "store-replenishment": {
        "orders": ("Service", ["prod"]),
        "simulation": ("BatchFramework", ["prod"]),
    },
}


def test_the_projects_declare_services_cron_jobs_and_frameworks() -> None:
    found: dict[str, dict[str, Any]] = {}
    for path in PATHS:
        for document in documents(path):
            value = document.value
            if "project" in value["metadata"]:
                told = (value["kind"], sorted(value["spec"]["environments"]))
                found.setdefault(value["metadata"]["project"], {})[value["metadata"]["name"]] = told
    assert found == DECLARED


def test_the_forecast_api_is_checked_and_trained_by_night(tree: DesiredTree) -> None:
    jobs = {(k.role, k.environment, k.name): job.spec for k, job in tree.jobs.items()}
    assert jobs["demand-forecast", "prod", "api"].health == "/health"
    training = jobs["demand-forecast", "prod", "nightly-training"]
    assert training.kind is JobKind.CRON
    assert training.schedule is not None
    assert training.schedule.cron == "0 3 * * *"


def test_the_optimiser_goes_first_to_a_share_of_its_instances(tree: DesiredTree) -> None:
    assert tree.policies is not None
    found = {k.environment: job for k, job in tree.jobs.items() if k.name == "optimiser"}
    rendered = render(found["prod"], tree.policies)
    assert isinstance(rendered, RenderedJob)
    assert rendered.change is not None
    first, *rest = rendered.change.groups
    assert first < found["prod"].spec.instances / 2
    assert rest
    assert found["devel"].spec.instances < found["prod"].spec.instances


def test_competitors_are_crawled_hourly(tree: DesiredTree) -> None:
    (job,) = (job for key, job in tree.jobs.items() if key.name == "competitor-prices")
    assert job.spec.schedule is not None
    minute, *rest = job.spec.schedule.cron.split()
    assert minute.isdigit()
    assert rest == ["*", "*", "*", "*"]


def test_production_fits_into_the_quota_of_its_cluster(tree: DesiredTree) -> None:
    assert tree.policies is not None
    (cluster,) = tree.policies.clusters.values()
    assert isinstance(cluster.scheduler, Embedded)
    for role, quota in cluster.scheduler.quotas:
        specs = [
            job.spec
            for key, job in tree.jobs.items()
            if key.role == role and key.environment == "prod"
        ]
        assert specs
        assert sum(s.instances * s.resources.cpu for s in specs) <= quota.cpu
        assert sum(s.instances * s.resources.ram_mb for s in specs) <= quota.ram_mb
        assert sum(s.instances * s.resources.disk_mb for s in specs) <= quota.disk_mb
    assert {role for role, _ in cluster.scheduler.quotas} == {key.role for key in tree.jobs}


@pytest.mark.parametrize("path", PATHS)
def test_an_editor_agrees_with_the_loader_about_every_file(path: str) -> None:
    """The modeline leads, relative to the file, to the schema by which the file is sound."""
    found = MODELINE.match((ROOT / path).read_text("utf-8"))
    assert found, "the first line tells editors the schema"
    schema = (ROOT / path).parent / found[1]
    content = json.loads(schema.read_text("utf-8"))
    for document in documents(path):
        assert content["properties"]["kind"]["const"] == document.value["kind"]
        Draft202012Validator(content, registry=REGISTRY).validate(document.value)


@pytest.mark.parametrize("path", [path for path in PATHS if not path.startswith("platform/")])
def test_a_data_scientist_writes_little_and_is_told_why(path: str) -> None:
    lines = (ROOT / path).read_text("utf-8").splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 100
    assert sum("#" in line for line in lines) >= 2, "a comment beside the modeline"


def test_a_release_is_one_line() -> None:
    for path in PATHS:
        if not path.startswith("platform/"):
            text = (ROOT / path).read_text("utf-8")
            assert len(re.findall(r"^  version: ", text, re.MULTILINE)) == 1, path
