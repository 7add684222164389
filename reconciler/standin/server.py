"""The stand-in as a process of its own: HTTP on a socket, a clock, and a world kept in a file.

One lock: requests and the passing of time come one after the other, as writes do in Aurora. What a
call changed is on disk before its answer goes out, so that a killed process loses nothing that
anyone was told.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from reconciler.standin.door import Door
from reconciler.standin.web import Answer

LOOPBACK = "127.0.0.1"
TICK_S = 0.2
IDLE_S = 30.0
BODY_MAX = 64 * 1024 * 1024


class Clocked(Protocol):
    """A world in which time passes, and which can be kept."""

    @property
    def now_ms(self) -> int: ...

    @property
    def writes(self) -> int: ...

    def advance(self, now_ms: int) -> None: ...

    def dump(self) -> Any: ...


class StateError(Exception):
    """The file of a world cannot be used."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A world as it was at `there_ms` of its own time, when here it was `here_s`."""

    here_s: float
    there_ms: int
    world: Any

    @classmethod
    def load(cls, path: Path) -> "Saved | None":
        """Return the world in a file; None if there is no file."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(float(told["here_s"]), int(told["there_ms"]), told["world"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise StateError(f"{path} is not a world of the stand-in: {fault}") from None

    def store(self, path: Path) -> None:
        """Write the file whole or not at all."""
        told = {"here_s": self.here_s, "there_ms": self.there_ms, "world": self.world}
        beside = path.with_name(f"{path.name}.new")
        with os.fdopen(_own(beside), "w", encoding="utf-8") as file:
            json.dump(told, file, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)


def _own(path: Path) -> int:
    """Open a file of our own for writing: what runs there, and with what, is nobody else's."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    # It may be left of a write that did not end.
    os.fchmod(file, 0o600)
    return file


class Server:
    """One stand-in behind a socket. Its time runs `clock` times as fast as ours.

    `since_s` is when here the world's time was its `now_ms`: now, unless it comes from a file.
    """

    def __init__(
        self,
        aurora: Clocked,
        door: Door,
        address: str = LOOPBACK,
        port: int = 0,
        clock: float = 1.0,
        state: Path | None = None,
        *,
        since_s: float | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._aurora = aurora
        self._door = door
        self._clock = clock
        self._now_s = now_s
        self._state = state
        self._since_s = now_s() if since_s is None else since_s
        self._since_ms = aurora.now_ms
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._serving = False
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self._http = _Http((address, port), self)

    @property
    def url(self) -> str:
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def serve_forever(self) -> None:
        """Answer until `close` is called from another thread."""
        with self._lock:
            if self._closing.is_set():
                return
            self._serving = True
        self._ticking.start()
        self._http.serve_forever()

    def close(self) -> None:
        """Stop answering, and keep the world as it is now."""
        with self._lock:
            self._closing.set()
            serving = self._serving
        if serving:
            self._http.shutdown()
        self._http.server_close()
        with self._lock:
            self._pass_time()
            self._save()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer to one request, at the time that it is there."""
        with self._lock:
            self._pass_time()
            written = self._aurora.writes
            found = self._door.answer(method, path, headers, body)
            if self._aurora.writes != written:
                self._save()
            return found

    def _tick(self) -> None:
        while not self._closing.wait(TICK_S):
            with self._lock:
                self._pass_time()

    def _pass_time(self) -> None:
        passed_s = self._now_s() - self._since_s
        now_ms = self._since_ms + int(passed_s * 1000 * self._clock)
        # The clock of a machine may be set back; time there does not follow.
        if now_ms > self._aurora.now_ms:
            self._aurora.advance(now_ms)

    def _save(self) -> None:
        if self._state is not None:
            Saved(self._now_s(), self._aurora.now_ms, self._aurora.dump()).store(self._state)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], server: Server) -> None:
        super().__init__(address, _Handler)
        self.stand_in = server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    server: _Http

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_MAX or "Transfer-Encoding" in self.headers:
            # What follows on this connection could not be told from the body.
            self.close_connection = True
            self._send(Answer(413))
            return
        body = self.rfile.read(int(length))
        told = dict(self.headers)
        self._send(self.server.stand_in.answer(self.command, self.path, told, body))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    # The names are those that http.server looks for.
    do_GET = do_HEAD = do_POST = do_PUT = _serve  # noqa: N815
    do_DELETE = do_OPTIONS = do_TRACE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: who serves it decides what is told."""
