"""How what is told is shown: on which terminal, how much of it, and with which command to copy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """How a plan is shown. `width` None means a pipe: nothing wraps.

    `command` is how this run was called, so that the next command can be copied; `only` are the
    patterns that narrowed it. `asking` says that a person is about to be asked for consent.
    """

    width: int | None = None
    verbose: bool = False
    command: str = "reconcile"
    only: tuple[str, ...] = ()
    asking: bool = False


PIPED = View()
