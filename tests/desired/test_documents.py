"""The bounded YAML reader: what it takes, what it refuses, and where it says so."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.desired import documents
from tests.desired.trees import parse

# Plain scalar as typed → the value. JSON's own words and numbers have a type; all else is text.
SCALARS: dict[str, Any] = {
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "": None,
    "yes": "yes",
    "No": "No",
    "on": "on",
    "OFF": "OFF",
    "y": "y",
    "tRuE": "tRuE",
    "0": 0,
    "-7": -7,
    "1.10": 1.1,
    "1e3": 1000.0,
    "-0": 0,
    "0x10": "0x10",
    "010": "010",
    "0o17": "0o17",
    "+1": "+1",
    "1_000": "1_000",
    ".5": ".5",
    "1.": "1.",
    ".inf": ".inf",
    ".nan": ".nan",
    "1e999": "1e999",
    "12:30:45": "12:30:45",
    "2026-11-24": "2026-11-24",
    "2026-11-24T03:00:00Z": "2026-11-24T03:00:00Z",
    "123456789012345678": 123456789012345678,
    "1234567890123456789": "1234567890123456789",
    "=": "=",
    '"1.10"': "1.10",
    "'null'": "null",
    '"\\u0041"': "A",
    "grüße 🚲": "grüße 🚲",
}


@pytest.mark.parametrize("typed", SCALARS, ids=lambda typed: typed or "nothing")
def test_a_scalar_has_a_type_only_where_json_gives_it_one(typed: str) -> None:
    found = parse(f"a: {typed}\n")
    assert found.problems == ()
    value = found.documents[0].value["a"]
    assert value == SCALARS[typed]
    assert type(value) is type(SCALARS[typed])


def test_a_plain_scalar_keeps_what_was_typed_and_a_quoted_one_does_not() -> None:
    members = parse('a: 2.10\nb: "2.10"\n').documents[0].mark.members
    assert members is not None
    assert (members["a"].text, members["b"].text) == ("2.10", None)


def test_every_value_and_key_has_line_and_column() -> None:
    document = parse("# why\na: 1\nlist:\n  - x\n  - {k: v}\n").documents[0]
    assert str(document.of(("a",))) == "a.yaml:2:4"
    assert str(document.of(("list", 0))) == "a.yaml:4:5"
    assert str(document.of(("list", 1, "k"))) == "a.yaml:5:9"
    assert str(document.of_key(("list", 1), "k")) == "a.yaml:5:6"
    assert str(document.of(("list", 7, "no"))) == "a.yaml:4:3", "the nearest around it"
    assert str(document.of_key(("a",), "no")) == "a.yaml:2:4"


REFUSED: dict[str, tuple[str | bytes, list[str]]] = {
    "a duplicate key": (
        "a: 1\nb: 2\na: 3\n",
        ["a.yaml:3:1: the key 'a' is already at line 1, column 1; keep one of them"],
    ),
    "two duplicate keys, both told": (
        "x: {k: 1, k: 2}\nx: 3\n",
        [
            "a.yaml:1:11: the key 'k' is already at line 1, column 5; keep one of them",
            "a.yaml:2:1: the key 'x' is already at line 1, column 1; keep one of them",
        ],
    ),
    "a duplicate key and an alias, both told": (
        "a: 1\na: 2\nb: *x\n",
        [
            "a.yaml:2:1: the key 'a' is already at line 1, column 1; keep one of them",
            "a.yaml:3:4: an alias; write the value out where it is used",
        ],
    ),
    "an anchor": ("a: &x 1\n", ["a.yaml:1:4: an anchor; write the value where it is used"]),
    "an anchor on a key": ("&x a: 1", ["a.yaml:1:1: an anchor; write the value where it is used"]),
    "an alias as a key": ("*x : 1", ["a.yaml:1:1: an alias; write the value out where it is used"]),
    "a tag": (
        "a: !!python/object:os.system x\n",
        ["a.yaml:1:4: the tag tag:yaml.org,2002:python/object:os.system; leave the tag out"],
    ),
    "a tag that says nothing": ("a: ! 12\n", ["a.yaml:1:4: the tag !; leave the tag out"]),
    "a merge key": ("a:\n  <<: {b: 1}\n", ["a.yaml:2:3: a merge key `<<`; write the values out"]),
    "a key that is a list": ("? [a]\n: 1", ["a.yaml:1:3: a key that is no text; write a word as"]),
    "a NUL byte": (b"a: x\x00y\n", ["a.yaml:1:5: the character U+0000 cannot stand in YAML; rem"]),
    "an escaped NUL": ('a: "\\0"\n', ["a.yaml:1:4: text with a NUL character; remove it"]),
    "a bell": (b"a: 1\nb: \x07\n", ["a.yaml:2:4: the character U+0007 cannot stand in YAML; re"]),
    "an invisible line end": ("a: \u2028b", ["a.yaml:1:4: the character U+2028 cannot stand in"]),
    "a byte order mark within": ("a: \ufeffb", ["a.yaml:1:4: the character U+FEFF cannot stand"]),
    "invalid UTF-8": (b"a: 1\nb: \xff\n", ["a.yaml:2:4: not UTF-8; save the file as UTF-8"]),
    "invalid UTF-8 after a mark": (b"\xef\xbb\xbfa: \xc3", ["a.yaml:1:4: not UTF-8; save the"]),
    "UTF-16": ("a: 1".encode("utf-16"), ["a.yaml:1:1: not UTF-8; save the file as UTF-8"]),
    "a tab as indentation": ("a:\n\tb: 1\n", ["a.yaml:2:1: not YAML: while scanning for the"]),
    "a colon too many": ("a: b: c\n", ["a.yaml:1:5: not YAML: mapping values are not allowed"]),
    "an open quote": ("a: 'x\n", ["a.yaml:2:1: not YAML: while scanning a quoted scalar found"]),
    "another YAML": ("%YAML 3.0\n---\na: 1\n", ["a.yaml:1:1: not YAML: found incompatible YAML"]),
    "a merge that is not resolved": (
        "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> release\n",
        ["a.yaml:2:1: a merge that is not resolved: here are both sides of a conflict; keep what"],
    ),
    "an empty file": ("", ["a.yaml:1:1: there is no document in this file; write one, or delete"]),
    "only a comment": ("# soon\n", ["a.yaml:1:1: there is no document in this file; write one"]),
    "only separators": ("---\n---\n", ["a.yaml:1:1: there is no document in this file; write"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_with_place_and_remedy(case: str) -> None:
    content, wanted = REFUSED[case]
    found = parse(content)
    assert found.fatal
    said = [str(problem) for problem in found.problems]
    assert len(said) == len(wanted)
    for line, beginning in zip(said, wanted, strict=True):
        assert line.startswith(beginning)
    assert all(problem.hint for problem in found.problems)


def test_a_tab_is_told_as_a_tab() -> None:
    (problem,) = parse("a:\n\tb: 1\n").problems
    assert problem.hint == "indent with blanks, not with tabs"


def test_an_unfinished_quote_tells_where_it_begins() -> None:
    (problem,) = parse("a: 1\nb: 'x\nc: 2\n").problems
    assert "(it begins at line 2)" in problem.message


ACCEPTED = {
    "carriage returns": (b"a: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
    "a byte order mark": (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
    "keys that YAML would retype": (b"yes: 1\nnull: 2\n1: 3\n", {"yes": 1, "null": 2, "1": 3}),
    "a quoted merge key is a word": (b'"<<": 1\n', {"<<": 1}),
    "a directive": (b"%YAML 1.1\n---\na: 1\n", {"a": 1}),
    "a tab within text": (b"a: 'x\ty'\n", {"a": "x\ty"}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_harmless_is_accepted(case: str) -> None:
    content, value = ACCEPTED[case]
    found = parse(content)
    assert found.problems == ()
    assert [document.value for document in found.documents] == [value]


def test_places_are_those_of_an_editor_behind_a_byte_order_mark_and_carriage_returns() -> None:
    document = parse(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n").documents[0]
    assert [str(document.of(("a",))), str(document.of(("b",)))] == ["a.yaml:1:4", "a.yaml:2:4"]


def test_empty_documents_between_others_are_passed_over() -> None:
    found = parse("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n")
    assert [(d.index, d.value) for d in found.documents] == [(0, {"a": 1}), (1, {"b": 2})]


BOUNDS: dict[str, tuple[Callable[[int], str], int, str]] = {
    "depth, as blocks": (
        lambda n: "".join(f"{' ' * i}a:\n" for i in range(n)) + " " * n + "b",
        documents.DEPTH_MAX,
        "levels",
    ),
    "depth, in brackets": (lambda n: "[" * n + "]" * n, documents.DEPTH_MAX + 1, "levels"),
    "text": (lambda n: "a: " + "x" * n, documents.SCALAR_MAX, "characters"),
    "a key": (lambda n: f"? {'x' * n}\n: 1", documents.SCALAR_MAX, "characters"),
    "values": (lambda n: "- 1\n" * (n - 1), documents.NODES_MAX, "values"),
    "documents": (lambda n: "--- a\n" * n, documents.DOCUMENTS_MAX, "documents"),
    "size": (lambda n: "#" * (n - 2) + "\n1", documents.BYTES_MAX, "1 MiB"),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_every_bound_takes_its_limit_and_refuses_one_more(case: str) -> None:
    made, limit, word = BOUNDS[case]
    assert parse(made(limit)).problems == ()
    found = parse(made(limit + 1))
    assert found.fatal
    assert found.documents == ()
    assert word in found.problems[-1].message
    assert found.problems[-1].origin.line > 0
    assert found.problems[-1].hint


def test_keys_that_stand_twice_are_told_up_to_a_bound() -> None:
    found = parse("a: 1\n" * 5000)
    assert len(found.problems) == documents.DUPLICATES_MAX + 1
    assert "more than 100 keys stand twice" in found.problems[-1].message


# Each would take minutes or all memory if it were read further than a bound allows.
HOSTILE = {
    "brackets": b"[" * 1_000_000,
    "braces": b"{" * 1_000_000,
    "question marks": b"? " * 500_000,
    "dashes": b"- " * 500_000,
    "anchors": b"".join(b"- &a%d x\n" % i for i in range(60_000)),
    "laughing lines": b"a: &a [x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n",
    "a long line": b"a: " + b"x " * 500_000,
    "a long quoted line": b'a: "' + b"\\n" * 500_000 + b'"',
    "comments": b"#\n" * 500_000,
    "separators": b"---\n" * 250_000,
    "colons": b":" * 1_000_000,
    "blanks": b" " * 1_000_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_at_once(case: str) -> None:
    begun = time.monotonic()
    found = parse(HOSTILE[case])
    assert found.fatal
    assert found.documents == ()
    assert time.monotonic() - begun < 20
