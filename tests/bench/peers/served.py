"""Canned replies over loopback, in a process of its own: the one live cluster of all contenders.

Speaks both protocols of Aurora's. A reply is made once and is bytes from then on, so that what is
measured is who asks.
"""

import multiprocessing
import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.thrift import binary_calls, calls
from tests.bench.canned import CannedDoor

Key = tuple[bytes, bytes]


class Answers:
    """The reply to each call that came once; only its number differs from time to time."""

    def __init__(self, door: CannedDoor) -> None:
        self._door = door
        self._known: dict[Key, Key] = {}

    def answer(self, body: bytes) -> bytes:
        """Return the reply to a call, in the protocol of the call."""
        before, seqid, after = cut(body)
        if (before, after) not in self._known:
            self._known[before, after] = self._made(body)
        head, tail = self._known[before, after]
        return head + seqid + tail

    def _made(self, body: bytes) -> Key:
        speech = calls if body.startswith(b"[") else binary_calls
        call = speech.decode_call(body)
        reply = speech.encode_reply(call.method, call.seqid, self._door.respond(call))
        head, _, tail = cut(reply)
        return head, tail


def cut(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Return a message's number, and what stands before and behind it."""
    if message.startswith(b"["):
        # [version,"method",type,number,...
        version, method, kind, seqid, rest = message.split(b",", 4)
        return b",".join((version, method, kind, b"")), seqid, b"," + rest
    at = 8 + int.from_bytes(message[4:8])
    return message[:at], message[at : at + 4], message[at + 4 :]


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: "_Server"

    def handle(self) -> None:
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = self.server.answers.answer(self.rfile.read(length))
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            self.request.sendall(head.encode())
            self.request.sendall(body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, door: CannedDoor) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = Answers(door)


@contextmanager
def served(door: CannedDoor) -> Iterator[str]:
    """Yield the URL of a process that answers for this door."""
    server = _Server(door)
    assert server.socket.family is socket.AF_INET
    process = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        process.terminate()
        process.join()
        server.server_close()
