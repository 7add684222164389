"""The file of a world: in its first line the world as it was, below it what was done since.

What was done is appended and on disk before it is answered; now and then the world is written
whole, beside the file and then in its place. So a crash at any moment leaves either the old file or
the new one, and at its end at most a line that was not finished, of a call that nobody was told
about. A line is a call as it came over the wire: what became of it is found out again, since all of
a world, chance included, follows from where it began.
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.standin.aurora import Aurora
from reconciler.thrift import binary_calls, calls

MODE = 0o600


class StateError(Exception):
    """The file of a world cannot be used."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What time it was there when here it was `here_s`, and how much faster it passes there."""

    here_s: float
    there_ms: int
    clock: float = 1.0

    def there(self, here_s: float) -> int:
        """Return what time it is there, if all went on at this pace."""
        return self.there_ms + int((here_s - self.here_s) * 1000 * self.clock)


@dataclass(frozen=True, slots=True)
class Done:
    """A moment, and the call of it; without one, time just came that far."""

    moment: Moment
    user: str = ""
    body: bytes = b""

    def line(self) -> bytes:
        told: dict[str, Any] = _moment_told(self.moment)
        if self.body.startswith(b"["):
            told |= {"user": self.user, "tjson": self.body.decode()}
        elif self.body:
            told |= {"user": self.user, "binary": base64.b64encode(self.body).decode()}
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def of(cls, line: bytes) -> "Done":
        told = json.loads(line)
        body = told.get("tjson", "").encode() or base64.b64decode(told.get("binary", ""))
        return cls(_moment_of(told), told.get("user", ""), body)

    def redo(self, aurora: Aurora) -> None:
        """Let happen what happened."""
        aurora.advance(self.moment.there_ms)
        if self.body:
            wire = calls if self.body.startswith(b"[") else binary_calls
            call = wire.decode_call(self.body)
            aurora.call(call.method, call.args, self.user)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file holds."""

    path: Path
    begun: Moment
    world: Any
    done: tuple[Done, ...]

    @property
    def begun_work(self) -> int:
        """Return the measure of what had happened when the world was written whole."""
        return int(self.world["world"]["sequence"])

    @property
    def last(self) -> Moment:
        """Return until when it is known what happened."""
        return self.done[-1].moment if self.done else self.begun

    def aurora(self) -> Aurora:
        """Return the world as it was last; StateError when it is none of this stand-in."""
        try:
            found = Aurora.restore(self.world, self.begun.there_ms)
            for done in self.done:
                done.redo(found)
        except (LookupError, TypeError, ValueError) as fault:
            told = f"{self.path} is no world of this stand-in ({fault})"
            raise StateError(told) from None
        return found


class Journal:
    """One file, read once and then written by one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # How long the file is without a line that was not finished.
        self._length = 0
        self._file: int | None = None
        self.first_length = 0

    def load(self) -> Kept | None:
        """Return what is in the file; None if there is no file."""
        try:
            told = self.path.read_bytes()
            first, _, rest = told.partition(b"\n")
            head = json.loads(first)
            begun, world = _moment_of(head), head["world"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError) as fault:
            raise StateError(f"{self.path} is not a world of the stand-in: {fault}") from None
        self.first_length = len(first) + 1
        self._length = self.first_length
        return Kept(self.path, begun, world, tuple(self._done(rest)))

    def _done(self, rest: bytes) -> Iterator[Done]:
        """Return what was done; a last line that is not whole was never answered."""
        *lines, unfinished = rest.split(b"\n")
        del unfinished
        for number, line in enumerate(lines, start=2):
            try:
                done = Done.of(line)
            except (ValueError, LookupError, TypeError) as fault:
                if number - 1 == len(lines):
                    return
                raise StateError(f"{self.path}:{number} cannot be read: {fault}") from None
            self._length += len(line) + 1
            yield done

    def begin(self, moment: Moment, world: Any) -> None:
        """Write the world whole, or leave the file as it is."""
        self.close()
        told = json.dumps({**_moment_told(moment), "world": world}, separators=(",", ":"))
        line = told.encode() + b"\n"
        beside = self.path.with_name(f"{self.path.name}.new")
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
        try:
            # It may be left of a write that did not end, with other rights.
            os.fchmod(file, MODE)
            _write(file, line)
            os.fsync(file)
        finally:
            os.close(file)
        beside.replace(self.path)
        _sync_directory(self.path.parent)
        self.first_length = self._length = len(line)

    def add(self, done: Done, *, at_once: bool) -> None:
        """Append what was done; if at once, it is on disk when this returns.

        After an OSError the file may end in half a line, which the next one takes away.
        """
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(self._file, self._length)
        line = done.line()
        try:
            _write(self._file, line)
            if at_once:
                os.fsync(self._file)
        except OSError:
            self.close()
            raise
        self._length += len(line)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _write(file: int, told: bytes) -> None:
    left = memoryview(told)
    while left:
        left = left[os.write(file, left) :]


def _sync_directory(path: Path) -> None:
    """Have a new name of a file survive the machine, not only this process."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _moment_told(moment: Moment) -> dict[str, Any]:
    return {"here_s": moment.here_s, "there_ms": moment.there_ms, "clock": moment.clock}


def _moment_of(told: Any) -> Moment:
    return Moment(float(told["here_s"]), int(told["there_ms"]), float(told["clock"]))
