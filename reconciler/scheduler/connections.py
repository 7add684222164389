"""The connections to one cluster's schedulers: one pool, and deadlines that hold for a whole call.

httpx bounds each wait for bytes; a reply whose head or body drips would never end by that. So the
streams below it look at the moment by which the call must be over, and wait no longer than that.
"""

import contextlib
import ssl
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

CONNECTIONS_MAX = 16
PIECE = 1 << 16

_UNTIL: ContextVar[float | None] = ContextVar("_UNTIL", default=None)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[float]:
    """Let every call of this thread be over in so many seconds; yield the monotonic moment."""
    until = time.monotonic() + seconds
    token = _UNTIL.set(until)
    try:
        yield until
    finally:
        _UNTIL.reset(token)


def connections(verify: ssl.SSLContext | bool, agent: str) -> httpx.Client:
    """Return a client with one pool; it takes neither proxies nor logins from the environment."""
    return httpx.Client(
        transport=_Transport(verify),
        trust_env=False,
        headers={"User-Agent": agent, "Accept-Encoding": "gzip"},
    )


class _Transport(httpx.HTTPTransport):
    """As httpx's own, over streams that know the deadline."""

    def __init__(self, verify: ssl.SSLContext | bool) -> None:
        super().__init__(verify=verify, trust_env=False)
        # httpx has no argument for this; its own pool has not been used yet.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(verify=verify, trust_env=False),
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=CONNECTIONS_MAX,
            network_backend=_Network(),
        )


class _Network(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.connect_tcp(host, port, left, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, plain: httpcore.NetworkStream) -> None:
        self._plain = plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            left = _left(timeout, httpcore.WriteTimeout)
            self._plain.write(buffer[start : start + PIECE], left)

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def _left(timeout: float | None, fault: type[Exception]) -> float | None:
    """Return how long may be waited for the next bytes; `fault` when the time is over."""
    until = _UNTIL.get()
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise fault("the deadline of the call is over")
    return left if timeout is None else min(left, timeout)
