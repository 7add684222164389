"""What others wrote must not drive the terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.report.escape import escaped

CASES = {
    "plain text stays": ("serve --port 80", "serve --port 80"),
    "accents and other scripts stay": ("café 作業 ×", "café 作業 ×"),
    "an escape sequence": ("\x1b[2Jgone", "\\x1b[2Jgone"),
    "a C1 control is an escape sequence, too": ("\x9b31m", "\\x9b31m"),
    "a line feed cannot start a line of its own": ("a\nb\r\tc", "a\\nb\\r\\tc"),
    "a bidi override cannot turn the text round": ("\u202egnp.exe", "\\u202egnp.exe"),
    "a bidi isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "zero width": ("pro\u200bd", "pro\\u200bd"),
    "a line separator": ("a\u2028b", "a\\u2028b"),
    "a lone surrogate cannot be printed": ("\ud800", "\\ud800"),
    "a tag beyond the basic plane": ("\U000e0041", "\\U000e0041"),
    "delete": ("\x7f", "\\x7f"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_visible_is_written_out(name: str) -> None:
    text, shown = CASES[name]
    assert escaped(text) == shown


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    shown = escaped(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode()  # raises on a lone surrogate
