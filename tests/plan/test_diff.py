"""A change is told in its author's words; Aurora's fields follow for what these do not explain."""

import json
from dataclasses import replace
from typing import Any

import deepdiff
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from reconciler.model.plan import FieldChange
from reconciler.model.rendered import RenderedJob
from reconciler.model.task import CanonicalTask
from reconciler.plan import diff
from reconciler.thrift.structs import Constraint, TaskConfig, TaskConstraint, ValueConstraint
from reconciler.translate.canonical import canonical
from tests.support import builders
from tests.support.structs import a
from tests.translate.samples import (
    SAMPLES,
    a_job,
    a_platform,
    a_project,
    a_spec,
    config_of,
    policies,
    rendered,
)

WANTED = rendered(a_job(a_spec(env=(("LOG_LEVEL", "debug"),))))


def live(spec: dict[str, Any], **strange: Any) -> CanonicalTask:
    """Return what once was declared, and what a stranger made of it since."""
    return canonical(structs.replace(config_of(a_job(a_spec(**spec))), **strange))


def told(seen: CanonicalTask, wanted: RenderedJob = WANTED) -> list[FieldChange]:
    return list(diff.explained(seen, wanted, a_platform(), a_project()))


OURS = {"env": (("LOG_LEVEL", "info"),)}
LEVEL = FieldChange("env.LOG_LEVEL", '"info"', '"debug"', authored=True)
CASES: dict[str, tuple[CanonicalTask, list[FieldChange]]] = {
    "what the author changed": (live(OURS), [LEVEL]),
    "and a stranger": (
        live(OURS, priority=7),
        [LEVEL, FieldChange("priority", "7", "10")],
    ),
    "a stranger alone": (
        live({"env": (("LOG_LEVEL", "debug"),)}, priority=7),
        [FieldChange("priority", "7", "10")],
    ),
    "nobody": (WANTED.config.task, []),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_explained(name: str) -> None:
    seen, changes = CASES[name]
    assert told(seen) == changes


def test_what_the_platform_changed_is_no_word_of_an_author() -> None:
    longer = policies(a_platform(finalization_wait_s=60))
    found = diff.explained(
        WANTED.config.task, rendered(WANTED.desired, longer), longer.platform, a_project()
    )
    path = "executor.data.task.finalization_wait"
    assert found == (FieldChange(path, "45", "60"),)


@pytest.mark.parametrize("one", SAMPLES)
@pytest.mark.parametrize("other", SAMPLES)
def test_something_is_told_exactly_when_something_differs(one: str, other: str) -> None:
    mine = rendered(SAMPLES[one])
    # Not every environment takes an SLA.
    spec = replace(SAMPLES[other].spec, sla=None)
    theirs = rendered(replace(SAMPLES[other], key=SAMPLES[one].key, spec=spec)).config.task
    assert bool(told(theirs, mine)) == (not mine.config.task.satisfied_by(theirs))


# What stands where Aurora's own client would write a limit, a negation or a list.
ODD = ["limit:x", "limit:", "!a", "", ",", "a,b", "[]", "[1", "![x"]
CONSTRAINTS = st.builds(
    lambda name, values, negated: Constraint(
        name=name,
        constraint=TaskConstraint(value=ValueConstraint(negated=negated, values=tuple(values))),
    ),
    st.sampled_from(["rack", "host", ""]),
    st.lists(st.sampled_from(ODD), max_size=3),
    st.sampled_from([None, True, False]),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(a(TaskConfig), st.lists(CONSTRAINTS, max_size=2))
def test_whatever_is_live_can_be_told(task: TaskConfig, constraints: list[Constraint]) -> None:
    """Others write what is live: a config that is read back in vain must not end the round."""
    seen = canonical(structs.replace(task, constraints=tuple(constraints)))
    assert bool(told(seen)) != WANTED.config.task.satisfied_by(seen)


def test_a_reading_that_explains_nothing_is_not_used() -> None:
    wanted = builders.a_job(version="2", env=(("A", "1"),))
    seen = builders.a_config("1").task
    assert told(seen, wanted) == list(diff.changes(seen, wanted.config.task)) != []


def test_a_difference_is_explained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person must release differs in the same way in every round until he does."""

    def again() -> tuple[FieldChange, ...]:
        return diff.changes(builders.a_config("1").task, builders.a_config("once").task)

    first = again()
    monkeypatch.setattr(deepdiff, "DeepDiff", None)
    assert again() == first != ()


LEAVES = st.sampled_from([None, False, True, 0, 1, 1.0, "", "1", "a"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(MAPPINGS, MAPPINGS)
def test_what_is_left_out_beforehand_differs_in_nothing(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    there, wanted = (CanonicalTask(json.dumps(v, sort_keys=True)) for v in (one, other))
    whole = deepdiff.DeepDiff(one, other, view="tree", threshold_to_diff_deeper=0)
    paths = [diff.dotted(at.path(output_format="list")) for found in whole.values() for at in found]
    assert [change.path for change in diff.changes(there, wanted)] == sorted(paths)
