"""One reconciler for each state directory: the second is told who holds it."""

import contextlib
import fcntl
import json
import os
import socket
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.record.fault import RecordError


class Lock:
    """An advisory lock that ends with the process that holds it, however it ends."""

    def __init__(self, directory: Path, now: datetime) -> None:
        self._path = directory / "lock"
        self._now = now
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sign(self._file)
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

    def close(self) -> None:
        """Let go of the lock; harmless when it is not held."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None

    def _sign(self, file: int) -> None:
        told = {"pid": os.getpid(), "host": socket.gethostname(), "since": self._now.isoformat()}
        os.ftruncate(file, 0)
        os.write(file, json.dumps(told).encode() + b"\n")

    def _held_by(self) -> str:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            who = f"process {told['pid']} on {told['host']} since {told['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            who = "another process"
        return f"{self._path.parent} is in use by {who}: wait for it, or choose another --state"
