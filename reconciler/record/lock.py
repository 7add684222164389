"""One reconciler for each state directory: the second is told who holds it."""

import fcntl
import json
import os
import socket
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from reconciler.record.fault import RecordError


class Lock:
    """An advisory lock that ends with the process that holds it, however it ends."""

    def __init__(self, directory: Path, now: datetime) -> None:
        self._path = directory / "lock"
        self._now = now
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("a+", encoding="utf-8")
        except OSError as fault:
            raise RecordError(f"{self._path} cannot be opened: {fault.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RecordError(self._held_by()) from None
        self._sign()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _sign(self) -> None:
        assert self._file is not None, "signed only while held"
        told = {"pid": os.getpid(), "host": socket.gethostname(), "since": self._now.isoformat()}
        try:
            self._file.truncate(0)
            self._file.write(json.dumps(told) + "\n")
            self._file.flush()
        except OSError as fault:
            raise RecordError(f"{self._path} cannot be written: {fault.strerror}") from None

    def _held_by(self) -> str:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            who = f"process {told['pid']} on {told['host']} since {told['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            who = "another process"
        return f"{self._path.parent} is in use by {who}: wait for it, or choose another --state"
