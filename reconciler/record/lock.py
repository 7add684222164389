"""One reconciler for each state directory: the second is told who holds it."""

import contextlib
import fcntl
import json
import os
import socket
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciler.model.round import Watch
from reconciler.record.fault import RecordError

FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Lock:
    """An advisory lock that ends with the process that holds it, however it ends."""

    def __init__(self, directory: Path, now: datetime) -> None:
        self._path = directory / "lock"
        self._now = now
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self._file = os.open(self._path, FLAGS, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sign(self._file, self._now)
        except BlockingIOError:
            self.close()
            raise RecordError(self._held_by()) from None
        except OSError as fault:
            self.close()
            raise RecordError(f"{self._path} cannot be used: {fault.strerror}") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def check(self) -> None:
        """Raise RecordError when the file that was locked is no longer where others look for it."""
        assert self._file is not None, "entered before"
        try:
            found = self._path.stat().st_ino
        except OSError:
            found = None
        if found != os.fstat(self._file).st_ino:
            raise RecordError(
                f"{self._path.parent} was moved, removed or replaced while it was in use: nothing"
                " more is done. Put it back, and start again"
            )

    def close(self) -> None:
        """Let go of the lock; harmless when it is not held."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None

    def _held_by(self) -> str:
        try:
            told = _signed(self._path)
            who = f"{_who(told)} since {told['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            who = "another process"
        return f"{self._path.parent} is in use by {who}: {self._remedy()}"

    def _remedy(self) -> str:
        # Never another directory: it would make a second writer for the same clusters.
        watch = watch_of(self._path.parent)
        if watch is not None and watch.runs:
            return "a watch, which does not end by itself. Stop it, run this, and start it again"
        return "wait until it has ended"


class Sign:
    """Says that a watch runs, as long as it does, in a file of its own.

    Whoever wants to know takes a shared lock for a moment. On the lock itself that would turn away
    a run that starts just then; here nobody but a watch, which waits for it, takes another.
    """

    def __init__(self, directory: Path, now: datetime) -> None:
        self._path = directory / "watch"
        self._now = now
        self._file: int | None = None

    def __enter__(self) -> Self:
        # A watch that cannot tell others of itself watches all the same.
        with contextlib.suppress(OSError):
            self._file = os.open(self._path, FLAGS, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            _sign(self._file, self._now)
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)


def watch_of(directory: Path) -> Watch | None:
    """Return the watch that runs on this directory, or ran last; None where there is no sign."""
    path = directory / "watch"
    try:
        told = _signed(path)
        return Watch(_who(told), datetime.fromisoformat(told["since"]), _is_held(path))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_held(path: Path) -> bool:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _sign(file: int, now: datetime) -> None:
    told = {"pid": os.getpid(), "host": socket.gethostname(), "since": now.isoformat()}
    os.ftruncate(file, 0)
    os.write(file, json.dumps(told).encode() + b"\n")


def _signed(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _who(told: Any) -> str:
    return f"process {told['pid']} on {told['host']}"
