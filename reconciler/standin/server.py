"""The stand-in as a process of its own: HTTP on a socket."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from reconciler.standin.running import Running
from reconciler.standin.web import Answer

LOOPBACK = "127.0.0.1"
TICK_S = 0.2
IDLE_S = 30.0
BODY_MAX = 64 * 1024 * 1024

# As Jetty is set up there: what is shorter than this is not worth it.
GZIP_MIN = 16
GZIP_LEVEL = 6


# The longest line between two pieces of a body.
LINE_MAX = 1024


class BadBodyError(Exception):
    """A body that nobody knows the end of, or that is too long; `status` is what is answered."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Stream(Protocol):
    """What comes in on a connection."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class Server:
    """One stand-in behind a socket; `port` 0 picks a free one."""

    def __init__(self, running: Running, address: str = LOOPBACK, port: int = 0) -> None:
        self._running = running
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._serving = False
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self._http = _Http((address, port), running)

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
        self._running.close()

    def _tick(self) -> None:
        """Let time pass though nobody asks."""
        while not self._closing.wait(TICK_S):
            self._running.pass_time()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], running: Running) -> None:
        super().__init__(address, _Handler)
        self.running = running


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    server: _Http

    def _serve(self) -> None:
        told = dict(self.headers)
        try:
            body = read_body(told, self.rfile)
        except BadBodyError as fault:
            # What follows on this connection could not be told from the body.
            self.close_connection = True
            self._send(Answer(fault.status))
            return
        answer = self.server.running.answer(self.command, self.path, told, body)
        if self.command in ("GET", "POST"):
            answer = compressed(answer, self.headers.get("Accept-Encoding"))
        self._send(answer)

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


def read_body(headers: Mapping[str, str], stream: Stream) -> bytes:
    """Return the body of a request: as long as it says, or in pieces up to an empty one."""
    told = {name.lower(): value for name, value in headers.items()}
    if "transfer-encoding" in told:
        if told["transfer-encoding"].strip().lower() != "chunked":
            raise BadBodyError(501)
        return b"".join(_pieces(stream))
    return _exactly(stream, _number(told.get("content-length", "0"), 10))


def _pieces(stream: Stream) -> Iterator[bytes]:
    total = 0
    while size := _number(
        stream.readline(LINE_MAX).partition(b";")[0].strip().decode("latin-1"), 16
    ):
        total += size
        if total > BODY_MAX:
            raise BadBodyError(413)
        yield _exactly(stream, size)
        if stream.readline(LINE_MAX).strip():
            raise BadBodyError(400)
    # More headers may come after it; nobody wants them.
    while stream.readline(LINE_MAX).strip():
        pass


def _number(text: str, base: int) -> int:
    if not text.isascii() or not text.isalnum():
        raise BadBodyError(400)
    try:
        return int(text, base)
    except ValueError:
        raise BadBodyError(400) from None


def _exactly(stream: Stream, size: int) -> bytes:
    if size > BODY_MAX:
        raise BadBodyError(413)
    found = stream.read(size)
    if len(found) < size:
        raise BadBodyError(400)
    return found


def compressed(answer: Answer, accepted: str | None) -> Answer:
    """Return the answer as it goes to someone who accepts that encoding."""
    if not 200 <= answer.status < 300:
        return answer
    headers: Mapping[str, str] = {**answer.headers, "Vary": "Accept-Encoding, User-Agent"}
    if len(answer.body) < GZIP_MIN or not takes_gzip(accepted):
        return Answer(answer.status, dict(headers), answer.body)
    body = gzip.compress(answer.body, GZIP_LEVEL, mtime=0)
    return Answer(answer.status, {**headers, "Content-Encoding": "gzip"}, body)


def takes_gzip(accepted: str | None) -> bool:
    """Tell whether gzip is among what is accepted, and not only to be refused."""
    for told in (accepted or "").lower().split(","):
        name, *parameters = (part.strip() for part in told.split(";"))
        weights = [p.removeprefix("q=") for p in parameters if p.startswith("q=")]
        if name == "gzip":
            return not weights or any(c in "123456789" for c in weights[0])
    return False
