"""Where something was written, and what is wrong with it.

A problem is the user's fault and is always a value: all of them are reported at once.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

# Of a word that may be anything, so much is compared.
WORD_MAX = 60


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in the desired state: path below its root, line and column from 1; 0 is unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.path
        return (
            f"{self.path}:{self.line}:{self.column}" if self.column else f"{self.path}:{self.line}"
        )


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at `origin`, and what to do about it."""

    origin: Origin
    message: str
    hint: str

    def __post_init__(self) -> None:
        assert self.hint, f"{self.message!r} does not say what to do"

    def __str__(self) -> str:
        """Return one line, whatever is quoted in it."""
        told = f"{self.origin}: {self.message}; {self.hint}"
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in told)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `did you mean ...?` when a known word is near, else what could be written."""
    # Of a document that is wrong itself, the name may be anything.
    words = sorted(w for w in known if w.isprintable())
    near = difflib.get_close_matches(word[:WORD_MAX], words, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return one_of(words)


def one_of(known: Iterable[str]) -> str:
    """Return what to do about a word that is none of these."""
    words = sorted(known)
    if len(words) > 1:
        return f"write one of {', '.join(words)}"
    return f"write {words[0]}" if words else "remove it"
