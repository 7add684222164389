"""Lines fit a terminal, and what is copied from several of them is still the command."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

from reconciler.report.wrap import columns, command_wrapped, wrapped

WORDS = st.lists(st.text("ab", min_size=1, max_size=30), min_size=1, max_size=20)
QUOTED = st.lists(st.text("ab c*", min_size=1, max_size=20), max_size=12)
WIDTHS = st.integers(40, 90)


@given(WORDS, WIDTHS)
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(
    words: list[str], width: int
) -> None:
    pieces = wrapped("  ".join(words), width, "    ")
    assert max(map(len, pieces)) <= width
    assert " ".join(pieces).split() == words


@given(QUOTED, WIDTHS)
def test_a_command_over_several_lines_is_the_same_command(words: list[str], width: int) -> None:
    command = shlex.join(["reconcile", *(f"--only={word}" for word in words)])
    pieces = command_wrapped(command, width, "    ")
    assert shlex.split("\n".join(pieces).replace("\\\n", "")) == shlex.split(command)
    assert all(piece.endswith(" \\") for piece in pieces[:-1])


def test_what_is_no_command_has_no_backslashes() -> None:
    deed = "make room, ask for less, or declare another spec"
    assert command_wrapped(deed, 40, "  ") == [
        "make room, ask for less, or declare",
        "  another spec",
    ]


def test_in_a_pipe_nothing_wraps() -> None:
    assert wrapped("a " * 500, None, "    ") == ["a " * 500]


def test_a_key_stays_whole_whatever_the_width() -> None:
    key = f"cluster/role/prod/{'x' * 90}"
    assert wrapped(f"at {key} now", 40, "  ") == ["at", f"  {key}", "  now"]


def test_wide_letters_take_two_columns_and_marks_none() -> None:
    assert (columns("設定"), columns("e\u0301"), columns("web")) == (4, 1, 3)
    assert wrapped("設定 " * 12, 40, "") == [("設定 " * 8).strip(), ("設定 " * 4).strip()]
