"""The escape hatch: raw TaskConfig fields, as far as a project grants them."""

import json
from typing import Any

import pytest

from reconciler.model.policy import Grants
from reconciler.model.spec import Resources
from reconciler.thrift.structs import (
    Constraint,
    LimitConstraint,
    Metadata,
    PartitionPolicy,
    TaskConfig,
    TaskConstraint,
)
from reconciler.translate.raw import FIELDS
from tests.translate.samples import a_job, a_project, config_of, policies, problems, rendered


def raw(**fields: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, json.dumps(value)) for name, value in fields.items()))


SET: dict[str, tuple[dict[str, Any], str, Any]] = {
    "a priority": ({"priority": 50}, "priority", 50),
    "failures without end": ({"maxTaskFailures": -1}, "maxTaskFailures", -1),
    "a contact": ({"contactEmail": "x@y.example"}, "contactEmail", "x@y.example"),
    "links": ({"taskLinks": {"a": "http://a"}}, "taskLinks", {"a": "http://a"}),
    "a policy": (
        {"partitionPolicy": {"reschedule": False}},
        "partitionPolicy",
        PartitionPolicy(reschedule=False),
    ),
    "constraints, in place of the platform's": (
        {"constraints": [{"name": "rack", "constraint": {"limit": {"limit": 1}}}]},
        "constraints",
        (Constraint(name="rack", constraint=TaskConstraint(limit=LimitConstraint(limit=1))),),
    ),
    "nothing, in place of the platform's": ({"constraints": None}, "constraints", None),
}


@pytest.mark.parametrize("name", SET)
def test_a_granted_field_is_set_as_it_was_written(name: str) -> None:
    fields, field, expected = SET[name]
    assert getattr(config_of(a_job(aurora=raw(**fields))), field) == expected


def test_metadata_is_added_to_the_marks() -> None:
    config = config_of(a_job(aurora=raw(metadata=[{"key": "team", "value": "x"}])))
    assert Metadata(key="team", value="x") in (config.metadata or ())
    assert len(config.metadata or ()) == 4


def test_another_tier_decides_whether_a_job_is_production() -> None:
    job = a_job(aurora=raw(tier="revocable"))
    assert (config_of(job).tier, config_of(job).production) == ("revocable", False)
    assert not rendered(job).production


def test_links_that_are_taken_away_are_those_that_the_scheduler_fills_in_again() -> None:
    """Else what is live would differ for ever, and every round would try to mend it."""
    expected = {"http": "http://%host%:%port:http%"}
    assert config_of(a_job(aurora=raw(taskLinks={}))).taskLinks == expected
    assert config_of(a_job(aurora=raw(taskLinks=None))).taskLinks == expected


def test_the_document_is_patched_and_not_replaced() -> None:
    patch = {"data": {"task": {"max_concurrency": 2, "finalization_wait": None}}}
    config = config_of(a_job(aurora=raw(executorConfig=patch)))
    assert config.executorConfig is not None
    assert config.executorConfig.name == "AuroraExecutor"
    task = json.loads(config.executorConfig.data or "")["task"]
    assert task["max_concurrency"] == 2
    assert "finalization_wait" not in task
    assert task["name"] == "api"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "who the job is": ({"job": {"role": "root"}}, "aurora.job: no such field can be set"),
    "the owner": ({"owner": {"user": "ann"}}, "aurora.owner: no such field"),
    "the kind": ({"isService": False}, "aurora.isService: no such field"),
    "production": ({"production": True}, "aurora.production: no such field"),
    "the resources, which have a cap": ({"resources": []}, "aurora.resources: no such field"),
    "a field that there is not": ({"prioritee": 1}, "aurora.prioritee: no such field"),
    "another executor": (
        {"executorConfig": {"name": "mine", "data": {}}},
        "executorConfig: only `data`",
    ),
    "a document as text": ({"executorConfig": {"data": "{}"}}, "executorConfig: only `data`"),
    "the document of one task": (
        {"executorConfig": {"data": {"instance": 0}}},
        "'instance' would make it",
    ),
    "text for a number": ({"priority": "high"}, "priority: Expected `int"),
    "a number beyond Aurora's": ({"priority": 2**31}, "priority: Expected `int` <="),
    "a number below Aurora's": ({"maxTaskFailures": -(2**40)}, "maxTaskFailures: Expected"),
    "a long number beyond Aurora's": (
        {"partitionPolicy": {"delaySecs": 2**63}},
        "partitionPolicy: ",
    ),
    "a misspelt key": (
        {"partitionPolicy": {"reshedule": False}},
        "partitionPolicy: Object contains unknown field `reshedule`",
    ),
    "a misspelt key within a list": (
        {"constraints": [{"nmae": "rack"}]},
        "unknown field `nmae` - at `$[0]`",
    ),
    "a union of two": (
        {"constraints": [{"name": "a", "constraint": {"limit": {}, "value": {}}}]},
        "exactly one of value, limit must be set",
    ),
    "a union of none": ({"slaPolicy": {}}, "exactly one of percentageSlaPolicy"),
    "a union of none within": (
        {"container": {"mesos": {"image": {}}}},
        "exactly one of docker, appc",
    ),
    "a tier that the platform has not": ({"tier": "gold"}, "no tier 'gold'"),
    "no tier": ({"tier": None}, "no tier None"),
    "half a character": ({"contactEmail": "\ud800"}, "half a character"),
    "a mark of ours": (
        {"metadata": [{"key": "reconciler.owner", "value": "other"}]},
        "'reconciler.owner' is written by the reconciler itself",
    ),
    "a reference that nothing binds": (
        {"executorConfig": {"data": {"task": {"name": "{{mesos.role}}"}}}},
        "nothing on the agent binds",
    ),
    "a port that is not asked for": (
        {"executorConfig": {"data": {"announce": {"zk_path": "{{thermos.ports[admin]}}"}}}},
        "a port that the job does not ask for",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_raw_field_that_cannot_be_told_aurora_is_refused(name: str) -> None:
    fields, why = REFUSED[name]
    [problem] = problems(a_job(aurora=raw(**fields)))
    assert why in problem.message


def test_a_field_needs_the_grant_of_the_project() -> None:
    project = a_project(grants=Grants(Resources(1, 1, 1), 1, ("taskLinks",)))
    [problem] = problems(a_job(aurora=raw(priority=1)), policies(project=project))
    assert problem.message == "aurora.priority: project forecast does not grant it"
    assert "allow.aurora" in problem.hint
    assert config_of(a_job(aurora=raw(taskLinks={"a": "b"})), policies(project=project)).taskLinks


def test_every_field_of_a_config_is_settable_or_never() -> None:
    never = {"job", "owner", "isService", "production", "resources"}
    assert FIELDS | never == set(TaskConfig.__struct_fields__)
    assert FIELDS.isdisjoint(never)


def test_a_live_config_with_the_fields_twice_is_still_equal() -> None:
    """A set holds an element once, and the scheduler shows it so."""
    pair = {"key": "team", "value": "x"}
    once = rendered(a_job(aurora=raw(metadata=[pair]))).config.task
    twice = rendered(a_job(aurora=raw(metadata=[pair, pair]))).config.task
    assert twice.satisfied_by(once)
