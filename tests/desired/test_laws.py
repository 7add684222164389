"""What holds for every file: nothing raises, everything is told, and no order matters."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.tree import Memo, load
from reconciler.model.tree import DesiredTree, Files, Revision
from tests.desired.trees import (
    CONTENTS,
    CRON,
    FRAMEWORK,
    OPERATORS,
    SCHEMAS,
    SERVICE,
    WEB,
    a_file,
    everything_wrong,
    files,
    parse,
    read,
    recorded,
)


def names_in(schema: Any) -> Iterator[str]:
    """Yield every name of a field in a schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for member in schema.values():
            yield from names_in(member)
    elif isinstance(schema, list):
        for member in schema:
            yield from names_in(member)


NAMES = sorted({name for schema in CONTENTS.values() for name in names_in(schema)})
TEXTS = {**OPERATORS, WEB: SERVICE, "shop/night.yaml": CRON, "shop/crunch.yaml": FRAMEWORK}
TEXTS["shop/night.yaml"] = CRON.replace("name: web", "name: night")

keys = st.sampled_from([*NAMES, "prod", "devel", "standard", "A", ""]) | st.text(max_size=4)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["shop", "web", "eu1", "prod", "1GiB", "1GiB\n", "10m", "[", "root", "25%"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)


def is_told(tree: DesiredTree) -> None:
    """Everything is a problem with place, words and remedy, sorted; no job is held and declared."""
    problems = everything_wrong(tree)
    assert list(tree.problems) == sorted(set(tree.problems))
    for problem in problems:
        assert problem.origin.path
        assert problem.message
        assert "\n" not in str(problem)
    for problem in tree.problems:
        assert problem.hint, str(problem)
        assert problem.origin.line or "no Platform" in problem.message
    assert not tree.jobs.keys() & tree.broken.keys()
    assert all(held.problems for held in tree.broken.values())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within a value."""
    yield path
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from places(member, (*path, key))


def spoilt(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """Return a value with another one at a path."""
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = spoilt(value[path[0]], path[1:], other)
    return copy


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str | bytes]:
    """A sound tree in which some values are replaced by others, fields added and files cut off."""
    texts: dict[str, str | bytes] = dict(TEXTS)
    for path in draw(st.lists(st.sampled_from(sorted(TEXTS)), max_size=3, unique=True)):
        document = yaml.safe_load(TEXTS[path])
        where = draw(st.sampled_from(list(places(document))))
        text = yaml.safe_dump(spoilt(document, where, draw(values)), allow_unicode=True)
        texts[path] = text if draw(st.booleans()) else text[: draw(st.integers(0, len(text)))]
    return texts


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_never_raise_and_come_out_as_documents_or_problems(data: bytes) -> None:
    found = parse(data)
    assert found.documents or found.problems
    assert found.fatal == bool(found.problems)
    is_told(read({WEB: data}, recorded("web")))


@settings(max_examples=60, deadline=None)
@given(trees())
def test_mistakes_never_raise_and_come_out_as_problems(texts: dict[str, str | bytes]) -> None:
    is_told(read(texts, recorded("web", "night", "old")))


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(trees())
def test_a_great_many_mistakes_never_raise(texts: dict[str, str | bytes]) -> None:
    is_told(read(texts, recorded("web", "night", "old")))


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(st.binary(max_size=500) | st.text("-:[]{},&*!|>'\"%@`#? \nab0", max_size=80).map(str.encode))
def test_a_great_many_bytes_never_raise(data: bytes) -> None:
    found = parse(data)
    assert found.documents or found.problems


@settings(max_examples=60, deadline=None)
@given(trees(), st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_the_files(
    texts: dict[str, str | bytes], chance: Any
) -> None:
    shuffled = list({**OPERATORS, **texts}.items())
    chance.shuffle(shuffled)
    one = load(files(dict(shuffled)), SCHEMAS, recorded("web", "old"))
    other = load(files(dict(sorted(shuffled))), SCHEMAS, recorded("web", "old"))
    assert one == other
    assert list(one.jobs) == list(other.jobs)


@settings(max_examples=60, deadline=None)
@given(trees(), trees())
def test_what_was_read_before_changes_no_answer(
    first: dict[str, str | bytes], second: dict[str, str | bytes]
) -> None:
    memo = Memo()
    read(first, {}, memo)
    assert read(second, recorded("web"), memo) == read(second, recorded("web"))


def test_what_is_unchanged_is_neither_parsed_nor_checked_nor_composed_again() -> None:
    memo = Memo()
    before = read({WEB: SERVICE}, {}, memo)
    parses, calls = memo.parses, SCHEMAS.calls
    after = read({WEB: SERVICE}, {}, memo)
    assert (memo.parses, SCHEMAS.calls) == (parses, calls)
    assert [after.jobs[key] is before.jobs[key] for key in before.jobs] == [True]


def test_one_changed_file_is_parsed_alone_and_what_is_gone_is_forgotten() -> None:
    memo = Memo()
    read({WEB: SERVICE}, {}, memo)
    parses = memo.parses
    read({WEB: SERVICE.replace("1.0", "2.0")}, {}, memo)
    assert memo.parses == parses + 1
    assert len(memo.parsed) == len(OPERATORS) + 1
    assert len(memo.composed) == 1


def test_another_owner_of_a_role_is_another_answer_from_the_same_files() -> None:
    rival = OPERATORS["platform/projects/shop.yaml"].replace("name: shop", "name: bank")
    rival = rival.replace("shop/**", "bank/**").replace("  sources", "  role: shop\n  sources")
    texts, memo = {WEB: SERVICE, "platform/projects/bank.yaml": rival}, Memo()
    assert read(texts, {}, memo).jobs == {}
    assert len(read(texts, recorded("web"), memo).jobs) == 1
    assert read(texts, {}, memo).jobs == {}


def test_an_empty_tree_is_a_problem_and_no_removal() -> None:
    tree = load(Files(Revision("r1"), ()), SCHEMAS, recorded("web"))
    is_told(tree)
    assert tree.incomplete
    assert set(tree.broken) == set(recorded("web"))


def test_a_file_is_named_in_every_problem_with_it() -> None:
    tree = load(Files(Revision("r1"), (a_file("x/y.yaml", "a: ["),)), SCHEMAS, {})
    paths = {problem.origin.path for problem in tree.problems}
    assert paths == {"x/y.yaml", "platform/platform.yaml"}
