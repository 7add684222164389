"""What the interpreter announces to its audit hooks: files that are opened, programs that are run.

A hook cannot be taken away again: so there is one for all tests, and it does nothing between them.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

Hear = Callable[..., None]


class _Hook:
    def __init__(self) -> None:
        self.event, self.hear = "", _nothing
        sys.addaudithook(self._call)

    def _call(self, event: str, facts: tuple[Any, ...]) -> None:
        if event == self.event:
            # What comes of hearing is not heard itself.
            self.event = ""
            self.hear(*facts)
            self.event = event


def _nothing(*facts: Any) -> None:
    del facts


@cache
def _hook() -> _Hook:
    return _Hook()


@contextmanager
def hearing(event: str, hear: Hear) -> Iterator[None]:
    """Call `hear` in the very moment before each event of a kind, like `open`, in the block."""
    hook = _hook()
    hook.event, hook.hear = event, hear
    try:
        yield
    finally:
        hook.event, hook.hear = "", _nothing


@contextmanager
def listening(event: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what is heard of one kind of event in the block."""
    heard: list[tuple[Any, ...]] = []
    with hearing(event, lambda *facts: heard.append(facts)):
        yield heard


@contextmanager
def opening(path: Path, act: Callable[[], None]) -> Iterator[None]:
    """Let something happen in the very moment before a file is opened, each time in the block."""

    def hear(opened: object, *how: object) -> None:
        del how
        if opened == os.fsencode(path):
            act()

    with hearing("open", hear):
        yield


@contextmanager
def documents_opened() -> Iterator[list[str]]:
    """Yield the names of the documents that are opened in the block, when it has ended."""
    names: list[str] = []
    with listening("open") as heard:
        yield names
    paths = (p.decode() if isinstance(p, bytes) else str(p) for p, *_ in heard)
    names += sorted(path.rpartition("/")[2] for path in paths if path.endswith(".yaml"))
