"""One field in one line, and of long values only what differs."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.report.difference import difference
from tests.report.reports import change

LONG = "exec forecast serve --port {{thermos.ports[http]}} --threads 8 --model /srv/models/current"
PIP = "./venv/bin/pip install --no-index --find-links /wheels 'forecast==2.14.1' && touch .ready"

CASES: dict[str, tuple[object, object, str]] = {
    "numbers": (2048, 4096, "2048 → 4096"),
    "short text keeps its quotes": ("info", "debug", '"info" → "debug"'),
    "text is told from a number": ("4", 4, '"4" → 4'),
    "a field that was not there": (None, "debug", '(none) → "debug"'),
    "a field that goes away": ("debug", None, '"debug" → (none)'),
    "one word of a command line": (
        LONG,
        LONG.replace("8 ", "16 "),
        "… --threads {8 → 16} --model …",
    ),
    "a version inside quotes": (
        PIP,
        PIP.replace("2.14.1", "2.15.0"),
        "… /wheels 'forecast=={2.14.1 → 2.15.0}' && touch .ready\"",
    ),
    "two places of a command line": (
        LONG,
        LONG.replace("8 ", "16 ").replace("serve", "run"),
        '"exec forecast {serve → run} --port {{thermos.ports[http]}} --threads {8 → 16} --model …',
    ),
    "an added word": (LONG, LONG + " --verbose", '… /srv/models/current {(none) → --verbose}"'),
    "a removed word": (
        LONG,
        LONG.replace(" --threads 8", ""),
        "…{{thermos.ports[http]}} {--threads 8 → (none)} --model …",
    ),
    "space alone": (
        LONG,
        LONG.replace(" --port", "  --port"),
        "\"exec forecast serve{' ' → '  '}--port …",
    ),
    "control characters are written out": ("a\x1b[2J", "b", '"a\\x1b[2J" → "b"'),
    "nothing in common is shown as two values": (
        "a" * 200,
        "b" * 10,
        f'"{"a" * 58}…{"a" * 58}" → "{"b" * 10}"',
    ),
    "objects are sorted": ({"b": 1, "a": 2}, {"a": 2}, '{"a": 2, "b": 1} → {"a": 2}'),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_shown_by_what_differs(name: str) -> None:
    live, desired, shown = CASES[name]
    assert difference(change("x", live, desired, raw=True)) == shown


AUTHORED: dict[str, tuple[object, object, str]] = {
    "text has no quotes": ("info", "debug", "info → debug"),
    "text that looks like nothing keeps them": ("", "(none)", '"" → "(none)"'),
    "so does space at an end": ("a ", "a", '"a " → a'),
    "a list is its members": (["http"], ["http", "admin"], "http → http, admin"),
    "a list of mappings is what it is": ([{"a": "x"}], [], '[{"a": "x"}] → '),
    "one word of a command": (LONG, LONG.replace("8 ", "16 "), "… --threads {8 → 16} --model …"),
    "numbers": (1.0, 2.5, "1.0 → 2.5"),
    "control characters are written out": (["a\x1b"], "b\x1b", "a\\x1b → b\\x1b"),
}


@pytest.mark.parametrize("name", AUTHORED)
def test_in_an_authors_words_a_value_is_as_it_is_written(name: str) -> None:
    live, desired, shown = AUTHORED[name]
    assert difference(change("x", live, desired)) == shown


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_change_is_one_short_visible_line(live: str, desired: str) -> None:
    assume(live != desired)
    shown = difference(change("x", live, desired))
    assert shown.splitlines() == [shown]
    assert "→" in shown


def test_very_long_values_are_still_shown_by_what_differs() -> None:
    words = " ".join(f"--flag-{i}" for i in range(2_000))
    shown = difference(change("x", words, words.replace("--flag-1000 ", "--flag-x ")))
    assert "{--flag-1000 → --flag-x}" in shown
    assert len(shown) < 100
