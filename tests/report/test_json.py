"""The JSON of rounds and conditions keeps to the published schemas, whatever it holds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.model.plan import (
    AbortUpdate,
    CronBasis,
    DescheduleCron,
    InstancesBasis,
    KillTasks,
    Plan,
    PulseUpdate,
    Reason,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
    Standing,
    StartUpdate,
    TasksBasis,
    UpdateBasis,
)
from reconciler.model.problem import Origin, Problem
from reconciler.model.round import ClusterRound, RoundReport
from reconciler.model.spec import JobKind
from reconciler.model.tree import BrokenJob
from reconciler.model.update import UpdateStatus
from reconciler.plan.planner import plan
from reconciler.report.as_json.conditions import status_value
from reconciler.report.as_json.rounds import round_value
from reconciler.report.as_json.values import dumped, line
from reconciler.report.validation import validation_value
from tests.report.everything import PROBLEM, every_condition, everything, outcomes
from tests.report.reports import holds
from tests.support.builders import (
    NOW,
    PROJECT,
    a_config,
    a_group,
    a_job,
    a_key,
    a_live_cron,
    a_live_job,
    a_round,
    a_tree,
    an_update,
    owning,
)
from tests.support.plans import DIGEST, a_report
from tests.support.schemas import CONTENTS, valid

NAMES = ("plan", "status", "validation", "failure")


def real_plans() -> Iterator[Plan]:
    """Plans as the planner makes them, of every kind of decision."""
    there, gone = a_live_job(), owning(a_key())
    update = an_update(UpdateStatus.ROLLING_FORWARD, spec="of/3")
    broken = BrokenJob(a_key(), (Problem(Origin("shop/web.yaml", 1, 1), "no", "mend it"),))
    for given in (
        a_round([a_job()], []),
        a_round([a_job(version="2")], [there]),
        a_round([a_job(instances=0)], [there]),
        a_round([a_job()], [there]),
        a_round([a_job(version="2")], [there], memory=owning()),
        a_round([a_job(kind=JobKind.CRON)], []),
        a_round([a_job(kind=JobKind.CRON)], [there]),
        a_round([a_job(kind=JobKind.CRON, version="2")], [a_live_cron()]),
        a_round([a_job()], [a_live_job(update=update)]),
        a_round([], [there], memory=gone),
        a_round([], [a_live_cron()], memory=gone),
        a_round([], [there], memory=gone, tree=a_tree(broken={a_key(): broken})),
        a_round([], [there], memory=owning()),
    ):
        yield plan(given)


REAL = list(real_plans())


def test_real_plans_keep_to_the_schema() -> None:
    report = RoundReport(NOW, REAL[0].revision, (), tuple(map(ClusterRound, REAL)), preview=True)
    value: Any = round_value(report, 0)
    assert valid("plan", value) == []
    found = {d["decision"] for c in value["clusters"] for d in c["decisions"]}
    assert found == {"act", "hold", "keep"}


def test_a_round_that_says_everything_keeps_to_the_schema() -> None:
    value: Any = round_value(everything(), 9)
    assert valid("plan", value) == []
    acts = [d for c in value["clusters"] for d in c["decisions"] if d["decision"] == "act"]
    assert {act["action"]["type"] for act in acts} == types("action")
    assert {act["basis"]["type"] for act in acts} == types("basis")
    assert valid("plan", round_value(a_report(outcomes=outcomes()), 5)) == []
    assert valid("plan", round_value(RoundReport(NOW, None, (), ()), 6)) == []


def types(name: str) -> set[str]:
    """The kinds of actions or bases that the schema knows."""
    return {one["properties"]["type"]["const"] for one in CONTENTS["plan"]["$defs"][name]["oneOf"]}


def test_the_schema_knows_what_the_model_knows() -> None:
    defs = CONTENTS["plan"]["$defs"]
    assert defs["reason"]["enum"] == [reason.label for reason in Reason]
    assert defs["standing"]["enum"] == [standing.value for standing in Standing]
    actions = (
        StartUpdate,
        KillTasks,
        ScheduleCron,
        DescheduleCron,
        AbortUpdate,
        ResumeUpdate,
        PulseUpdate,
        RollbackUpdate,
    )
    bases = (InstancesBasis, TasksBasis, UpdateBasis, CronBasis)
    assert types("action") == {a.__name__[0].lower() + a.__name__[1:] for a in actions}
    assert types("basis") == {b.__name__.removesuffix("Basis").lower() for b in bases}


def test_every_condition_keeps_to_the_schema() -> None:
    assert valid("status", status_value(every_condition(), 5)) == []


VALIDATIONS = {
    "a sound tree": a_tree(),
    "a tree without a platform": a_tree(policies=None, incomplete="there is no Platform"),
}


@pytest.mark.parametrize("name", VALIDATIONS)
def test_a_validation_keeps_to_the_schema(name: str) -> None:
    assert valid("validation", validation_value(VALIDATIONS[name], [PROBLEM], [PROBLEM], 3)) == []


def objects(schema: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        yield path, schema
        for name, inner in schema.items():
            yield from objects(inner, f"{path}.{name}")
    elif isinstance(schema, list):
        for i, inner in enumerate(schema):
            yield from objects(inner, f"{path}[{i}]")


@pytest.mark.parametrize("name", NAMES)
def test_schemas_are_closed_and_say_what_each_field_is(name: str) -> None:
    Draft202012Validator.check_schema(CONTENTS[name])
    open_, silent = [], []
    for path, schema in objects(CONTENTS[name]):
        if schema.get("type") == "object" and schema.get("additionalProperties") is None:
            open_.append(path)
        silent += [
            f"{path}.{field}"
            for field, told in schema.get("properties", {}).items()
            if "$ref" not in told and not (told.get("title") and told.get("description"))
        ]
    # The canonical form of a task is Aurora's: its fields grow with Aurora.
    assert open_ == (["$.$defs.config.properties.task"] if name == "plan" else [])
    assert silent == []


def test_a_change_of_some_instances_names_them_as_the_schema_shows() -> None:
    """An example is what programs are written by: it is what is sent, blank and all."""
    shown = CONTENTS["plan"]["$defs"]["change"]["properties"]["instances"]["examples"]
    some = a_group(a_config("1"), (0, 1, 2, 5))
    live = a_live_job(groups=(some, a_group(a_config("2"), (3, 4))))
    found = plan(a_round([a_job(version="2", instances=6)], [live]))
    report = RoundReport(NOW, found.revision, (), (ClusterRound(found),), preview=True)
    value: Any = round_value(report, 0)
    assert valid("plan", value) == []
    (act,) = value["clusters"][0]["decisions"]
    assert [c["instances"] for c in act["changes"] if c["path"] == "version"] == shown


def test_equal_rounds_are_equal_bytes_in_ascii() -> None:
    shown = dumped(round_value(everything(), 4))
    assert shown == dumped(round_value(everything(), 4))
    assert shown.isascii()
    assert "\x1b" not in shown


def test_a_stream_has_one_line_for_each_round() -> None:
    told = line(round_value(everything(), 4))
    assert told.count("\n") == 1
    assert json.loads(told) == json.loads(dumped(round_value(everything(), 4)))


def test_a_release_is_a_command_to_run() -> None:
    guarded = holds("web", Reason.GUARDED, release="--approve DIGEST of this plan")
    value: Any = round_value(a_report(guarded), 4, "reconcile --only 'prod/*'")
    (held,) = value["clusters"][0]["decisions"]
    assert held["release"] == f"--approve {DIGEST}"
    assert held["releaseCommand"] == ["reconcile", "--only", "prod/*", "--approve", DIGEST]
    asked: Any = status_value(every_condition(), 4, "reconcile --state s")
    told = {job["condition"]: job["releaseCommand"] for job in asked["jobs"]}
    assert told["NotAdopted"] == ["reconcile", "--state", "s", "--adopt", "dev/shop/prod/x"]
    assert told["Paused"] is None


def test_an_act_tells_what_it_makes_way_for() -> None:
    value: Any = round_value(everything(), 4)
    told = {d["key"].split("/")[-1]: d for c in value["clusters"] for d in c["decisions"]}
    assert told["was-service"]["then"]["action"]["type"] == "scheduleCron"
    assert told["legacy"]["then"] is None


def test_a_field_that_is_not_there_is_told_by_null() -> None:
    value: Any = round_value(everything(), 4)
    (held,) = (
        d
        for c in value["clusters"]
        for d in c["decisions"]
        if d["key"] == f"dev/{PROJECT}/prod/second"
    )
    assert held["origin"] is None
    assert held["wanted"]["action"] == {"type": "killTasks", "only": [0, 1, 2]}
