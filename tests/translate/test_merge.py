"""JSON merge patch, and what an environment decides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.policy import EnvironmentDefaults
from reconciler.translate.environment import defaults_of
from reconciler.translate.merge import merged
from tests.translate.samples import a_platform, a_project

# From the appendix of RFC 7396.
PATCHES: dict[str, tuple[Any, Any, Any]] = {
    "replaces": ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    "adds": ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    "removes": ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    "removes what is not there": ({"a": "b"}, {"c": None}, {"a": "b"}),
    "replaces a list": ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    "does not merge lists": ({"a": ["b"]}, {"a": ["c"]}, {"a": ["c"]}),
    "merges within": (
        {"a": {"b": "c", "d": "e"}},
        {"a": {"b": "d", "d": None}},
        {"a": {"b": "d"}},
    ),
    "replaces text by a mapping": ({"a": "b"}, {"a": {"c": 1}}, {"a": {"c": 1}}),
    "leaves no null behind": ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    "replaces all by a list": ({"a": "b"}, ["c"], ["c"]),
    "begins with nothing": ([1, 2], {"a": "b"}, {"a": "b"}),
    "changes nothing": ({"a": 1}, {}, {"a": 1}),
}


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_is_merged_as_the_standard_says(name: str) -> None:
    target, patch, expected = PATCHES[name]
    assert merged(target, patch) == expected


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=1), inner),
    max_leaves=6,
)


@given(values, values)
def test_a_patch_twice_is_a_patch_once_and_changes_neither_argument(a: Any, b: Any) -> None:
    before = repr((a, b))
    once = merged(a, b)
    assert merged(once, b) == once
    assert repr((a, b)) == before


DEFAULTS: dict[str, tuple[str, EnvironmentDefaults | None]] = {
    "by its name": ("prod", EnvironmentDefaults("preferred", 10)),
    "by a pattern": ("staging12", EnvironmentDefaults("preemptible", 0)),
    "by the other half of a pattern": ("test", EnvironmentDefaults("preemptible", 0)),
    "a pattern is of the whole name": ("prod2", None),
    "nor of its end": ("mytest", None),
    "unknown": ("nightly", None),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_environment_has_defaults(name: str) -> None:
    environment, expected = DEFAULTS[name]
    assert defaults_of(a_platform(), a_project(), environment) == expected


def test_a_project_changes_the_tier_and_leaves_the_priority() -> None:
    project = a_project(tiers={"prod": "revocable"})
    assert defaults_of(a_platform(), project, "prod") == EnvironmentDefaults("revocable", 10)
    assert defaults_of(a_platform(), project, "test") == EnvironmentDefaults("preemptible", 0)
