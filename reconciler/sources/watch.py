"""Wake someone when files change. A convenience: who is woken looks for himself.

Nothing rests on a wake-up being exact. One too many costs a round without work; one that is lost
(a file system without notifications, a path that is not there) costs waiting for the interval.
"""

from collections.abc import Callable
from contextlib import suppress
from os import fsdecode
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

_SETTLE_S = 0.2
_SETTLE_MAX_S = 2.0

# Not opening and closing: reading the tree would wake its reader for ever.
_CHANGES: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class Watcher:
    """Calls `wake` from its own thread, once a burst of changes is over. `wake` must not raise."""

    def __init__(self, paths: tuple[Path, ...], wake: Callable[[], None]) -> None:
        self._paths = tuple(Path(path).absolute() for path in paths)
        self._wake = wake
        self._changed = Event()
        self._ended = Event()
        self._observer: BaseObserver | None = None
        self._thread = Thread(target=self._run, name="watcher", daemon=True)

    def __enter__(self) -> Self:
        # No notifications to be had (their number is limited): then the interval must do.
        with suppress(OSError):
            observer = Observer()
            observer.start()
            self._observer = observer
        self._arm()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._changed.set()
        self._thread.join()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._settle()
            if self._ended.is_set():
                return
            # First the watches, then the wake-up: what changes between old and new watches is
            # seen by the reading that follows.
            self._arm()
            self._wake()

    def _settle(self) -> None:
        """Wait until nothing changed for a moment, but not for ever."""
        for _ in range(int(_SETTLE_MAX_S / _SETTLE_S)):
            self._changed.clear()
            if self._ended.wait(_SETTLE_S) or not self._changed.is_set():
                return

    def _arm(self) -> None:
        """Watch each path, and its parent for the case that it is replaced or not there yet."""
        if self._observer is None:
            return
        self._observer.unschedule_all()
        for path in self._paths:
            _schedule(self._observer, path.parent, _Changes(self._changed, only=path))
            # What is no folder, or cannot be one: reading says so.
            with suppress(OSError):
                if path.is_dir():
                    _schedule(self._observer, path.resolve(), _Changes(self._changed), deep=True)


class _Changes(FileSystemEventHandler):
    """Sets an event when something changes; with `only`, when that very path does."""

    def __init__(self, changed: Event, only: Path | None = None) -> None:
        self._event = changed
        self._only = None if only is None else str(only)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note a change."""
        touched = (fsdecode(event.src_path), fsdecode(event.dest_path))
        if self._only is None or self._only in touched:
            self._event.set()


def _schedule(observer: BaseObserver, path: Path, handler: _Changes, *, deep: bool = False) -> None:
    # No such folder, or no more watches to be had: then the interval must do.
    with suppress(OSError):
        observer.schedule(handler, str(path), recursive=deep, event_filter=_CHANGES)
