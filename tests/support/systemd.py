"""The socket on which systemd listens to a unit."""

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(address)
        door.settimeout(5)
        yield door
