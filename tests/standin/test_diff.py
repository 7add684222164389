from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.standin.configs import Rules, populated
from reconciler.standin.diff import Diff, diff, groups, instances_of, ranges
from reconciler.standin.refusal import Refusal
from reconciler.thrift.calls import decode_call, decode_reply
from reconciler.thrift.structs import ConfigGroup, Range, ResponseCode, TaskConfig
from tests.standin.trees import tree_of
from tests.support.recordings import NAMES, rpcs

OLD, NEW = TaskConfig(priority=1), TaskConfig(priority=2)


def live(old: Iterable[int] = (), new: Iterable[int] = ()) -> dict[int, TaskConfig]:
    return dict.fromkeys(old, OLD) | dict.fromkeys(new, NEW)


CASES: dict[str, tuple[dict[int, TaskConfig], int, set[int], Diff]] = {
    "nothing live": (live(), 2, set(), Diff((0, 1), (), (), ())),
    "nothing to do": (live(new=(0, 1)), 2, set(), Diff((), (), (), (0, 1))),
    "a change": (live(old=(0, 1)), 2, set(), Diff((), (0, 1), (), ())),
    "a hole is filled and what is too many goes": (
        live(new=(0, 2, 5)),
        3,
        set(),
        Diff((1,), (), (5,), (0, 2)),
    ),
    "old ones beyond the count are removed": (
        live(old=(0, 3), new=(1,)),
        2,
        set(),
        Diff((), (0,), (3,), (1,)),
    ),
    "a scope leaves the others alone": (
        live(old=(0, 1, 7)),
        3,
        {1, 2},
        Diff((2,), (1,), (), (0, 7)),
    ),
    "none wanted": (live(old=(0,)), 0, set(), Diff((), (), (0,), ())),
}


@pytest.mark.parametrize("name", CASES)
def test_a_diff_says_what_becomes_of_each_instance(name: str) -> None:
    current, count, scope, want = CASES[name]
    assert diff(current, NEW, count, frozenset(scope)) == want


def test_a_negative_count_is_an_error() -> None:
    with pytest.raises(Refusal) as told:
        diff({}, NEW, -1)
    assert (told.value.message, told.value.code) == ("Invalid range: [0..-1)", ResponseCode.ERROR)


def test_strangers_are_neither_live_nor_wanted() -> None:
    scope = frozenset({0, 3, 6, 5})
    assert diff(live(old=(3,)), NEW, 1, scope).strangers(scope) == (5, 6)


def recorded() -> list[Any]:
    """Return every recorded getJobUpdateDiff that was answered."""
    return [
        pytest.param(request, reply.getJobUpdateDiffResult, id=f"{name}@{rpc.at_ms}")
        for name in NAMES
        for rpc in rpcs(name)
        if rpc.call == "getJobUpdateDiff"
        for request in [decode_call(rpc.request).args["request"]]
        for reply in [decode_reply(rpc.reply, rpc.call).result]
        if reply is not None
    ]


@pytest.mark.parametrize(("request_", "reply"), recorded())
def test_a_diff_is_as_recorded(request_: Any, reply: Any) -> None:
    # All but what is added is told with its live config.
    current = {
        instance: group.config
        for side in (reply.remove, reply.update, reply.unchanged)
        for group in side
        for instance in instances_of(group.instances)
    }
    wanted = populated(request_.taskConfig, request_.instanceCount, Rules())
    scope = instances_of(request_.settings.updateOnlyTheseInstances or ())
    found = diff(current, wanted, request_.instanceCount, scope)
    assert shown(dict.fromkeys(found.add, wanted)) == sides(reply.add)
    for ids, side in (
        (found.remove, reply.remove),
        (found.update, reply.update),
        (found.unchanged, reply.unchanged),
    ):
        assert shown({i: current[i] for i in ids}) == sides(side)


def shown(configs: Mapping[int, TaskConfig]) -> Any:
    return sides(groups(configs))


def sides(found: tuple[ConfigGroup, ...]) -> Any:
    return sorted(map(repr, map(tree_of, found)))


def test_there_are_recorded_diffs_of_every_kind() -> None:
    found = [param.values[1] for param in recorded()]
    for side in ("add", "remove", "update", "unchanged"):
        assert any(getattr(reply, side) for reply in found), side


# --- ranges


def test_groups_hold_equal_configs_and_their_ranges() -> None:
    found = groups(live(old=(4, 0, 1), new=(2, 3, 7)))
    assert found == (
        ConfigGroup(config=OLD, instances=(Range(first=0, last=1), Range(first=4, last=4))),
        ConfigGroup(config=NEW, instances=(Range(first=2, last=3), Range(first=7, last=7))),
    )


@given(st.sets(st.integers(0, 40)))
def test_ranges_hold_the_same_ids_and_never_touch(ids: set[int]) -> None:
    found = ranges(ids)
    assert instances_of(found) == ids
    bounds = [(r.first or 0, r.last or 0) for r in found]
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(bounds))


BAD_RANGES = {
    "inverted": (((3, 1),), "Invalid range: [3..1]"),
    "overlapping": (
        ((1, 3), (0, 2)),
        "Overlapping ranges not permitted but found [0..2] overlapping [1..3]",
    ),
    "one inside of another": (
        ((0, 9), (4, 5)),
        "Overlapping ranges not permitted but found [0..9] overlapping [4..5]",
    ),
    "more than fits into memory": (((0, 2**31 - 1),), "Java heap space"),
}


@pytest.mark.parametrize("name", BAD_RANGES)
def test_ranges_that_cannot_be_taken_are_an_error(name: str) -> None:
    bounds, words = BAD_RANGES[name]
    with pytest.raises(Refusal) as told:
        instances_of(Range(first=first, last=last) for first, last in bounds)
    assert (told.value.message, told.value.code) == (words, ResponseCode.ERROR)


def test_ranges_that_follow_each_other_do_not_overlap() -> None:
    assert instances_of((Range(first=0, last=1), Range(first=2, last=2))) == {0, 1, 2}
