"""Where something was written, and what is wrong with it.

A problem is the user's fault and is always a value: all of them are reported at once.
"""

from dataclasses import dataclass


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
    hint: str = ""

    def __str__(self) -> str:
        """Return one line, whatever is quoted in it."""
        told = f"{self.origin}: {self.message}" + (f"; {self.hint}" if self.hint else "")
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in told)
