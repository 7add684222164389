"""Lines as wide as a terminal, and not at all in a pipe: there, one fact stays one line.

A line goes on with a hanging indent. A command goes on behind a backslash, so that what is copied
over several lines is still the command. A word that is longer than a line stays whole: a job key
that is cut in two can be neither copied nor found.
"""

import re
import unicodedata
from collections.abc import Iterator

WORD = re.compile(r"(\s*)(\S+)")
# Of a command, what is quoted is one word.
ARGUMENT = re.compile(r"(\s*)((?:'[^']*'|[^\s'])+)")
COMMAND = re.compile(r"\b(?:reconcile|aurora) \S")
CONTINUED = " \\"
NARROWEST = 40


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide letters take two."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def wrapped(line: str, width: int | None, indent: str) -> list[str]:
    """Return the line in pieces no wider than `width`; None means a pipe."""
    if width is None or columns(line) <= width:
        return [line]
    return list(_pieces(WORD, line, max(width, NARROWEST), indent))


def command_wrapped(line: str, width: int | None, indent: str) -> list[str]:
    """Return the same of a line that ends with a command to copy."""
    if width is None or columns(line) <= width or not COMMAND.search(line):
        return wrapped(line, width, indent)
    room = max(width, NARROWEST) - len(CONTINUED)
    *pieces, last = _pieces(ARGUMENT, line, room, indent)
    return [*(piece + CONTINUED for piece in pieces), last]


def _pieces(word: re.Pattern[str], line: str, width: int, indent: str) -> Iterator[str]:
    piece = ""
    for space, text in word.findall(line):
        if piece.strip() and columns(piece) + columns(space + text) > width:
            yield piece
            piece, space = indent, ""
        piece += space + text
    yield piece
