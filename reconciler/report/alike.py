"""What a log says of many jobs at once in the same words: one line, which names a few of them.

An outage, or a guard that holds a whole project, must not bury everything else.
"""

from collections.abc import Iterable

from reconciler.model.keys import JobKey
from reconciler.model.plan import Hold
from reconciler.report.counts import counted
from reconciler.report.escape import escaped
from reconciler.report.release import argv, release
from reconciler.report.words import why

# So many are told one by one; of more, so many are named.
ALIKE_MAX = 3
# How what is held is released; during a watch, by a command.
RELEASED = {False: "release", True: "release (stop this watch, run it, start the watch again)"}


def waits(holds: Iterable[Hold]) -> list[str]:
    """Return what is waited for, in the order of the jobs."""
    lines: list[str] = []
    for alike in _alike(holds):
        if len(alike) <= ALIKE_MAX:
            lines += [f"{hold.key}  {wait(hold)}" for hold in alike]
        else:
            lines.append(f"{counted(len(alike), 'job')}  {_words(alike)}: {_named(alike)}")
    return lines


def wait(hold: Hold) -> str:
    """Return why one job waits."""
    return f"{hold.reason.label}: {escaped(hold.detail or hold.reason.meaning)}"


def blocks(holds: Iterable[Hold], digest: str, command: str, *, watching: bool) -> list[str]:
    """Return what a person must release, and how."""
    lines: list[str] = []
    for alike in _alike(holds):
        each = [[hold] for hold in alike] if len(alike) <= ALIKE_MAX else [alike]
        lines += [_blocked(told, digest, command, watching=watching) for told in each]
    return lines


def _blocked(alike: list[Hold], digest: str, command: str, *, watching: bool) -> str:
    first = alike[0]
    if len(alike) == 1:
        told = f"{first.key}  {why(first.reason, first.detail, first.origin)}"
    else:
        words = why(first.reason, _detail(alike), None)
        told = f"{counted(len(alike), 'job')}  {words}: {_named(alike)}"
    words = release(alike, command, digest)
    runs = argv(first.release, command) is not None
    return f"{told}; {RELEASED[watching and runs]}: {words}" if words else told


def _alike(holds: Iterable[Hold]) -> list[list[Hold]]:
    """Return the holds by what is said of them, but for their jobs."""
    found: dict[object, list[Hold]] = {}
    for hold in sorted(holds, key=lambda hold: hold.key):
        key = str(hold.key)
        detail, words = hold.detail.replace(key, "JOB"), hold.release.replace(key, "JOB")
        found.setdefault((hold.reason, detail, words), []).append(hold)
    return list(found.values())


def _words(alike: list[Hold]) -> str:
    detail = _detail(alike)
    return f"{alike[0].reason.label}: {escaped(detail or alike[0].reason.meaning)}"


def _detail(alike: list[Hold]) -> str:
    """Return what all have in common; what names its own job is no such thing."""
    return alike[0].detail if alike[0].detail == alike[-1].detail else ""


def _named(alike: list[Hold]) -> str:
    keys: list[JobKey] = [hold.key for hold in alike]
    more = len(keys) - ALIKE_MAX
    return f"{', '.join(map(str, keys[:ALIKE_MAX]))} and {more} more"
