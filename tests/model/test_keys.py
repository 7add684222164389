"""Keys, patterns and instance ids."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.keys import InstanceIds, JobKey, JobPattern

KEY = JobKey("eu1", "www", "prod", "api")

MATCHES = {
    "api": True,
    "web": False,
    "prod/api": True,
    "prod/*": True,
    "devel/*": False,
    "www/*/api": True,
    "eu1/www/prod/api": True,
    "eu2/www/prod/api": False,
    "*": True,
    "a?i": True,
    "API": False,
}


@pytest.mark.parametrize(("pattern", "matches"), MATCHES.items(), ids=MATCHES)
def test_pattern_matches_segments_from_the_right(pattern: str, matches: bool) -> None:
    assert JobPattern.parse(pattern).matches(KEY) is matches


@pytest.mark.parametrize("text", ["", "/", "a//b", "a/b/c/d/e"])
def test_pattern_with_empty_or_too_many_segments_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="one to four segments"):
        JobPattern.parse(text)


@pytest.mark.parametrize("text", ["", "a/b/c", "a/b/c/d/e", "a/b/c/d e", "a/b/c/", "ä/b/c/d"])
def test_key_that_aurora_would_not_take_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"identifier|job key"):
        JobKey.parse(text)


def test_key_is_written_as_it_is_read() -> None:
    assert JobKey.parse("eu1/www/prod/api") == KEY
    assert str(KEY) == "eu1/www/prod/api"


RANGES = {
    "0": (0,),
    "0-9": tuple(range(10)),
    "0-9, 12": (*range(10), 12),
    "1, 3, 5": (1, 3, 5),
    "0-1, 3-4": (0, 1, 3, 4),
}


@pytest.mark.parametrize(("text", "ids"), RANGES.items(), ids=RANGES)
def test_ids_are_shown_as_ranges(text: str, ids: tuple[int, ...]) -> None:
    assert str(InstanceIds(ids)) == text


@pytest.mark.parametrize("ids", [(), (-1,), (2, 1), (1, 1)])
def test_ids_that_are_empty_or_out_of_order_cannot_be_made(ids: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="instance ids"):
        InstanceIds(ids)


@given(st.sets(st.integers(0, 200)))
def test_ranges_cover_exactly_the_ids(ids: set[int]) -> None:
    made = InstanceIds.of(ids)
    assert (made is None) == (not ids)
    if made is not None:
        ranges = made.ranges()
        assert {i for a, b in ranges for i in range(a, b + 1)} == ids
        assert all(b + 1 < c for (_, b), (c, _) in pairwise(ranges))
