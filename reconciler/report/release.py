"""What releases a hold: in words to read, and as a command that can be copied as it stands.

A hold names an option or a deed (`--adopt eu1/www/prod/api`, `mend web.yaml:3:1`). Here it becomes
whole: the digest of this very plan, and how the run was called, without which the same option
would mean another plan.
"""

import re
import shlex
from collections.abc import Iterable, Sequence

from reconciler.model.plan import APPROVAL, Hold
from reconciler.report.escape import escaped

ONE = r"--[a-z][a-z-]*(?: (?:'[^']*'|[^\s,-][^\s,]*))?"
OPTION = re.compile(ONE)
# What a release names, and whatever else the run was called with before it.
OPTIONS = re.compile(rf"{ONE}(?: {ONE})*")


def release(holds: Sequence[Hold], command: str, digest: str) -> str:
    """Return how all of these are released: one command, ready to copy, or the deed that does."""
    return runnable([exact(h.release, digest) for h in holds], command)


def exact(text: str, digest: str) -> str:
    """Return the release of a hold with the digest of its plan in it."""
    return text.replace(APPROVAL, f"--approve {digest}")


def runnable(texts: Sequence[str], command: str) -> str:
    """Return the first text, with the options in all of them as one command to copy."""
    told = f"{command} {' '.join(_options(texts))}"
    return escaped(OPTIONS.sub(lambda _: told, texts[0], count=1))


def argv(text: str, command: str) -> list[str] | None:
    """Return the words of the command that releases; None when only a deed does."""
    options = _options([text])
    return shlex.split(f"{command} {' '.join(options)}") if options else None


def as_called(only: Iterable[object], adopt: Iterable[object], *, allow_older: bool) -> str:
    """Return the options of a run without which the digest of its plan is that of another."""
    words = [f"--only {shlex.quote(str(pattern))}" for pattern in only]
    words += [f"--adopt {shlex.quote(str(pattern))}" for pattern in adopt]
    return " ".join([*words, *(["--allow-older"] if allow_older else [])])


def remembered(text: str, called: str) -> str:
    """Return the release as it is kept for later calls: with how this run was called."""
    if not called:
        return text
    return OPTIONS.sub(lambda found: f"{called} {found[0]}", text, count=1)


def _options(texts: Iterable[str]) -> list[str]:
    found = (OPTIONS.search(text) for text in texts)
    return sorted({one for run in found if run is not None for one in OPTION.findall(run[0])})
