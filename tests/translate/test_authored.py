"""What is live is read back in its author's words; rendered again it is what is live."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.spec import DesiredJob, Resources
from reconciler.model.task import CanonicalTask
from reconciler.thrift import structs as aurora
from reconciler.translate import authored
from reconciler.translate.authored import Told
from reconciler.translate.canonical import canonical
from reconciler.translate.mediator import config
from tests.translate.samples import SAMPLES, a_job, a_platform, a_project, a_spec, config_of

SLAS = a_platform().slas
PLATFORM = a_platform(slas={**SLAS, "a-twin": SLAS["counted"], "twin": SLAS["counted"]})
PROJECT = a_project()


def made(job: DesiredJob) -> CanonicalTask:
    """Return the config of a job."""
    found = config(job, PROJECT, PLATFORM)
    assert found is not None, "the sample can be rendered"
    return found.task


def words(live: DesiredJob, desired: DesiredJob) -> tuple[Told, ...]:
    """Return the difference in words, where the one job is live and the other desired."""
    read = authored.of_live(made(live), desired, PLATFORM)
    assert made(read) == made(live), "what was read makes what is live"
    return authored.told(read.spec, desired.spec)


def versus(**live: Any) -> tuple[DesiredJob, DesiredJob]:
    return a_job(a_spec(**live)), a_job()


def sla_job(sla: str | None = None) -> DesiredJob:
    return a_job(a_spec(sla=sla, instances=40))


def raw_job(**fields: Any) -> DesiredJob:
    return a_job(a_spec(aurora=tuple(sorted((k, json.dumps(v)) for k, v in fields.items()))))


TEAM = {"key": "team", "value": "x"}
OWN_SLA = {"countSlaPolicy": {"count": 3, "durationSecs": 60}}
CASES: dict[str, tuple[tuple[DesiredJob, DesiredJob], tuple[Told, ...]]] = {
    "nothing": (versus(), ()),
    "a version": (versus(version="2.13.0"), (Told("version", "2.13.0", "2.14.1"),)),
    "another package": (
        versus(package="forecast"),
        (Told("package", "forecast", "demand-forecast"),),
    ),
    "a command": (
        versus(run="export A=1\nserve"),
        (Told("run", "export A=1\nserve", "serve --port $PORT_HTTP"),),
    ),
    "a variable that goes away": (
        versus(env=(("A", "it's\n1"),)),
        (Told("env.A", "it's\n1", None),),
    ),
    "a secret": (versus(secrets=(("PW", "db"),)), (Told("secrets.PW", "db", None),)),
    "resources": (
        versus(resources=Resources(2, 1024, 1000)),
        (
            Told("resources.cpu", 2, 0.5),
            Told("resources.disk", "1000MiB", "1GiB"),
            Told("resources.ram", "1GiB", "512MiB"),
        ),
    ),
    "ports, in their author's order": (
        versus(ports=("http", "admin")),
        (Told("ports", ["http", "admin"], ["http"]),),
    ),
    "no health check": (versus(health=None), (Told("health", None, "/health"),)),
    "an image instead of a package": (
        versus(image="registry:5000/x", version="1"),
        (
            Told("package", None, "demand-forecast"),
            Told("image", "registry:5000/x", None),
            Told("version", "1", "2.14.1"),
        ),
    ),
    "a package instead of an image": (
        (a_job(), a_job(a_spec(image="registry:5000/x"))),
        (Told("package", "demand-forecast", None), Told("image", None, "registry:5000/x")),
    ),
    "another SLA of the menu": (
        (sla_job("asked"), sla_job("available")),
        (Told("sla", "asked", "available"),),
    ),
    "an SLA that goes away": ((sla_job("asked"), sla_job()), (Told("sla", "asked", None),)),
    "a first SLA": ((sla_job(), sla_job("counted")), (Told("sla", None, "counted"),)),
    "of two alike, the one that is desired": ((sla_job("twin"), sla_job("twin")), ()),
    "a raw field that changes": (
        (raw_job(priority=7), raw_job(priority=9)),
        (Told("aurora.priority", 7, 9),),
    ),
    "a raw field in place of the platform's": (
        (raw_job(), raw_job(maxTaskFailures=-1)),
        (Told("aurora.maxTaskFailures", 2, -1),),
    ),
    "a raw field that was not there": (
        (raw_job(), raw_job(partitionPolicy={"reschedule": True, "delaySecs": 9})),
        (Told("aurora.partitionPolicy", None, {"reschedule": True, "delaySecs": 9}),),
    ),
    "raw fields that go away": (
        (raw_job(taskLinks={"a": "http://a"}, metadata=[TEAM]), raw_job()),
        (
            Told("aurora.metadata", [TEAM], None),
            Told("aurora.taskLinks", {"a": "http://a"}, None),
        ),
    ),
    "a raw field written in another way": (
        (
            raw_job(partitionPolicy={"reschedule": True, "delaySecs": 0}, priority=1),
            raw_job(partitionPolicy={"reschedule": True}, priority=2),
        ),
        (Told("aurora.priority", 1, 2),),
    ),
    "links that are as the scheduler fills them in": (
        (raw_job(priority=1), raw_job(priority=2, taskLinks={})),
        (Told("aurora.priority", 1, 2),),
    ),
    "an SLA of an author's own": (
        (raw_job(), raw_job(slaPolicy=OWN_SLA)),
        (Told("aurora.slaPolicy", None, OWN_SLA),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_difference_is_told_in_the_authors_words(name: str) -> None:
    (live, desired), told = CASES[name]
    assert words(live, desired) == told


RAW: dict[str, Any] = {
    "limits and values": {
        "constraints": [
            {"name": "rack", "constraint": {"limit": {"limit": 1}}},
            {"name": "zone", "constraint": {"value": {"values": ["a", "b"]}}},
            {"name": "kind", "constraint": {"value": {"values": ["limits"]}}},
            {"name": "disk", "constraint": {"value": {"negated": True, "values": ["limit"]}}},
            {"name": "odd", "constraint": {"value": {"values": ["a,b", "!c", "limit:2", ""]}}},
            {"name": "zone", "constraint": {"value": {"values": []}}},
        ]
    },
    "files": {
        "mesosFetcherUris": [
            {"value": "http://a", "extract": True},
            {"value": "http://b", "cache": True, "outputFile": "b"},
        ]
    },
    "metadata of one name": {"metadata": [TEAM, {"key": "team", "value": "y"}, {"key": "z"}]},
    "a share": {"slaPolicy": {"percentageSlaPolicy": {"percentage": 90, "durationSecs": 9}}},
    "whom to ask": {"slaPolicy": {"coordinatorSlaPolicy": {"coordinatorUrl": "http://a"}}},
    "another tier and contact": {"tier": "revocable", "contactEmail": "x@y.example"},
}


@pytest.mark.parametrize("name", RAW)
def test_raw_field_that_is_live_is_read_back(name: str) -> None:
    """Where its author wrote something else in its place, and so it can only be live."""
    desired = a_job(a_spec(aurora=tuple((field, "null") for field in sorted(RAW[name]))))
    told = words(raw_job(**RAW[name]), desired)
    assert {t.path for t in told} == {f"aurora.{field}" for field in RAW[name]}


def test_a_union_that_we_do_not_know_is_told_in_auroras_words() -> None:
    job = raw_job(constraints=[{"name": "rack", "constraint": {"limit": {"limit": 1}}}])
    strange = aurora.Constraint(name="rack", constraint=aurora.TaskConstraint())
    for unknown in ({"constraints": (strange,)}, {"slaPolicy": aurora.SlaPolicy()}):
        live = canonical(msgspec.structs.replace(config_of(job), **unknown))
        read = authored.of_live(live, raw_job(constraints=[], slaPolicy=None), PLATFORM)
        assert config(read, PROJECT, PLATFORM) is None


TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="{}"))
NAMES = st.sampled_from(["A", "B_2", "LOG_LEVEL"])
PAIRS = st.dictionaries(NAMES, TEXT | st.just('it\'s\na "line"'), max_size=3)


@given(st.sampled_from(sorted(SAMPLES)), PAIRS, TEXT.filter(bool), TEXT.filter(bool))
def test_whatever_an_author_wrote_is_read_back(
    name: str, env: dict[str, str], run: str, version: str
) -> None:
    desired = SAMPLES[name]
    spec = replace(desired.spec, env=tuple(sorted(env.items())), run=run)
    live = replace(desired, spec=replace(spec, version=version.replace(":", "")))
    assert {t.path.partition(".")[0] for t in words(live, desired)} <= {"env", "run", "version"}


STRANGE: dict[str, str] = {
    "no document at all": "run.sh",
    "a document that is no object": "[]",
    "processes that are no list": '{"task": {"processes": 3}}',
    "a command that is no text": '{"task": {"processes": [{"name": "run", "cmdline": 3}]}}',
    "a quote that never ends": (
        '{"task": {"processes": [{"name": "run", "cmdline": "export A=\'"}]}}'
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_has_another_form_keeps_the_desired_command(name: str) -> None:
    job = a_job()
    struct = config_of(job)
    theirs = aurora.ExecutorConfig(name="AuroraExecutor", data=STRANGE[name])
    live = canonical(msgspec.structs.replace(struct, executorConfig=theirs))
    assert authored.of_live(live, job, PLATFORM).spec.run == job.spec.run
    assert authored.of_live(CanonicalTask("{}"), job, PLATFORM).spec.run == job.spec.run
