"""What the interpreter announces to its audit hooks: files that are opened, programs that are run.

A hook cannot be taken away again: so there is one for all tests, and it does nothing between them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


class _Listener:
    def __init__(self) -> None:
        self.to: str | None = None
        self.heard: list[tuple[Any, ...]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, facts: tuple[Any, ...]) -> None:
        if event == self.to:
            self.heard.append(facts)


@cache
def _listener() -> _Listener:
    return _Listener()


@contextmanager
def listening(event: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what is heard of one kind of event, like `open`, in the block."""
    listener = _listener()
    listener.heard = []
    listener.to = event
    try:
        yield listener.heard
    finally:
        listener.to = None


@contextmanager
def documents_opened() -> Iterator[list[str]]:
    """Yield the names of the documents that are opened in the block, when it has ended."""
    names: list[str] = []
    with listening("open") as heard:
        yield names
    paths = (p.decode() if isinstance(p, bytes) else str(p) for p, *_ in heard)
    names += sorted(path.rpartition("/")[2] for path in paths if path.endswith(".yaml"))
