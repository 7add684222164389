"""The conversations in tests/recordings, recorded from a running Aurora 0.27.0 scheduler.

What a line means is told in the README there.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, assert_never

import msgspec

from reconciler.thrift import calls
from reconciler.thrift.structs import Response

DIRECTORY = Path(__file__).parent.parent / "recordings"
NAMES = tuple(sorted(path.stem for path in DIRECTORY.glob("*.jsonl")))


@dataclass(frozen=True, slots=True)
class Header:
    """What a conversation is about, and when it began (ms since the epoch)."""

    scenario: str
    about: str
    t0_ms: int


@dataclass(frozen=True, slots=True)
class Rpc:
    """One call and its reply, both as they were on the wire.

    A call with `polls` was repeated until something was true, or until patience ended, which
    `reached` tells; the reply is the last one.
    """

    at_ms: int
    call: str
    user: str
    request: bytes
    http: int
    reply: bytes
    note: str = ""
    polled_from_ms: int | None = None
    polls: int | None = None
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Http:
    """One raw HTTP exchange; `sent` is how it departs from a POST of JSON to /api by root."""

    at_ms: int
    http_call: str
    sent: Mapping[str, Any]
    body: bytes
    http: int
    headers: Mapping[str, str]
    reply: bytes
    reply_cut: bool = False

    @property
    def is_tjson(self) -> bool:
        """True if both ways were TJSON, and the scheduler could read what it was sent."""
        return self.http == 200 and self.body.startswith(b"[") and self.reply.startswith(b"[")


@dataclass(frozen=True, slots=True)
class World:
    """Something done to the cluster from outside."""

    at_ms: int
    world: str
    detail: str


Exchange = Rpc | Http | World


@cache
def conversation(name: str) -> tuple[Header, tuple[Exchange, ...]]:
    """Return a recording by the name of its file, without the suffix."""
    first, *rest = (DIRECTORY / f"{name}.jsonl").read_bytes().splitlines()
    lines = [msgspec.json.decode(line, type=dict[str, Any]) for line in rest]
    return msgspec.json.decode(first, type=Header), tuple(_exchange(line) for line in lines)


def exchanges(name: str) -> tuple[Exchange, ...]:
    """Return all lines of a recording after its header."""
    return conversation(name)[1]


def rpcs(name: str) -> tuple[Rpc, ...]:
    """Return the RPCs of a recording, without raw HTTP and without what befell the cluster."""
    return tuple(e for e in exchanges(name) if isinstance(e, Rpc))


def https(name: str) -> tuple[Http, ...]:
    """Return the raw HTTP exchanges of a recording."""
    return tuple(e for e in exchanges(name) if isinstance(e, Http))


def tjson_pairs(name: str) -> tuple[tuple[str, bytes, bytes], ...]:
    """Return a label, request and reply of every exchange in which TJSON was understood."""
    found = []
    for exchange in exchanges(name):
        match exchange:
            case Rpc():
                label = f"{name}@{exchange.at_ms} {exchange.call}"
                found.append((label, exchange.request, exchange.reply))
            case Http():
                if exchange.is_tjson:
                    found.append((exchange.http_call, exchange.body, exchange.reply))
            case World():
                pass
            case _:
                assert_never(exchange)
    return tuple(found)


def recorded(method: str) -> Iterator[tuple[str, dict[str, Any], Response]]:
    """Yield label, arguments and reply of every recorded call of a method that was taken."""
    for name in NAMES:
        for rpc in rpcs(name):
            if rpc.call == method:
                response = calls.decode_reply(rpc.reply, method)
                args = dict(calls.decode_call(rpc.request).args)
                yield f"{name}@{rpc.at_ms}", args, response


def _exchange(line: dict[str, Any]) -> Exchange:
    for key in ("body", "reply"):
        if f"{key}_base64" in line:
            line[key] = base64.b64decode(line.pop(f"{key}_base64"))
    for key in ("request", "body", "reply"):
        if isinstance(line.get(key), str):
            line[key] = line[key].encode()
    if "call" in line:
        return Rpc(**line)
    return Http(**line) if "http_call" in line else World(**line)
