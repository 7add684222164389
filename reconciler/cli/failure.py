"""The end of a command that came to no report of its own: words for people, a document for others.

Whoever asked for JSON gets one document from every ending, and must not have to read words for it.
What a mistake on the command line needs, imports nothing but click: it must be told at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.problem import Problem


def fail(
    code: int, messages: Sequence[str], *, json: bool, problems: "Iterable[Problem]" = ()
) -> int:
    """Say why on standard error, and as a document where that was asked for; return the code."""
    from reconciler.cli import show

    for message in messages:
        show.complain(message)
    if json:
        tell(code, "\n".join(messages), problems)
    return code


def tell(code: int, message: str, problems: "Iterable[Problem]" = ()) -> None:
    """Write the document. One line, so that it can end a stream of them, too."""
    from reconciler.cli import show
    from reconciler.report.as_json.failure import failure_value
    from reconciler.report.as_json.values import line

    show.write(line(failure_value(code, message, problems)))


def asks_json(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether JSON was asked for, of a command line that may be none."""
    joined = [a.removeprefix("--output=") for a in arguments if a.startswith("--output=")]
    apart = [b for a, b in pairwise(arguments) if a == "--output"]
    return "json" in (*joined, *apart) or (
        not joined and not apart and environment.get("RECONCILE_OUTPUT") == "json"
    )
