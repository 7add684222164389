"""Servers on the loopback that behave badly, byte by byte."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Behaviour = Callable[[socket.socket], None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "


@contextlib.contextmanager
def served(
    behaviour: Behaviour, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[int]]]:
    """Serve each connection by `behaviour`; yield host and port, and a list with one entry each."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[int] = []
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if tls is None:
                behaviour(connection)
            else:
                with tls.wrap_socket(connection, server_side=True) as secure:
                    behaviour(secure)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                accepted.append(connection.fileno())
                thread = threading.Thread(target=one, args=(connection,), daemon=True)
                thread.start()
                threads.append(thread)

    server = threading.Thread(target=accept, daemon=True)
    server.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", accepted
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        server.join(5)
        for thread in threads:
            thread.join(5)


def request(connection: socket.socket) -> bytes:
    """Read one request with its body; empty when the client has gone."""
    told = b""
    while b"\r\n\r\n" not in told:
        piece = connection.recv(65536)
        if not piece:
            return b""
        told += piece
    head, _, body = told.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.splitlines()
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answering(body: bytes) -> Behaviour:
    """Answer every request of a connection with the same body."""

    def behave(connection: socket.socket) -> None:
        while request(connection):
            connection.sendall(HEAD + str(len(body)).encode() + b"\r\n\r\n" + body)

    return behave


def dripping(start: bytes, every_s: float) -> Behaviour:
    """Send `start`, then one byte at a time until the client goes away."""

    def behave(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(start)
        gone = threading.Event()
        while not gone.wait(every_s):
            connection.sendall(b"x")

    return behave
