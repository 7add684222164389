"""Where HTTP comes in: who leads, what reaches the RPCs, which pages there are.

A scheduler that does not lead sends callers on to the one that does, unless they insist
(LeaderRedirectFilter).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from reconciler.standin.auth import BadCredentials, Users
from reconciler.standin.servlet import CHALLENGE, Servlet
from reconciler.standin.web import TEXT, Answer, as_text
from reconciler.thrift.structs import Response

# Only the leader answers what begins like this.
LED = re.compile(
    "/(?:agents|api|cron|maintenance|mname|offers|pendingtasks|quotas|slaves|state|tiers"
    "|utilization|assets/scheduler)"
)
INSIST = "bypass-leader-redirect"

LEADERSHIP: Mapping[int, str] = {
    200: "This is the leading scheduler.",
    503: "Another instance is the leading scheduler.",
    502: "There is no leading scheduler or the leader is unknown.",
}
ABOUT_LEADERSHIP = (
    "This endpoint can indicate to a load balancer which among a group of schedulers is leading."
    "\n\nThe response codes are:\n"
)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another scheduler leads, at HOST:PORT; None if nobody does."""

    leader: str | None


class Scheduler(Protocol):
    """What is behind the door."""

    def call(self, method: str, args: Mapping[str, Any], user: str) -> Response: ...

    def page(self, path: str, query: Mapping[str, str]) -> Answer | None: ...


class Door:
    """The door of one scheduler; without users, whoever comes is let in as `UNSECURE`."""

    def __init__(
        self, aurora: Scheduler, users: Users | None = None, elsewhere: Elsewhere | None = None
    ) -> None:
        self._aurora = aurora
        self._servlet = Servlet(aurora, users)
        self._elsewhere = elsewhere

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer to one request; `path` may have a query."""
        told = {name.lower(): value for name, value in headers.items()}
        plain, _, query = path.partition("?")
        try:
            user = self._servlet.user(told) if plain == "/api" else None
        except BadCredentials:
            # Before anything else: a follower, too, refuses who says something wrong.
            return Answer(401, dict(CHALLENGE))
        if self._elsewhere is not None and LED.match(plain) and INSIST not in told:
            return _sent_on(self._elsewhere, path)
        if plain == "/api":
            return self._servlet.answer(method, told, user, body)
        # As Jersey sees it, a slash at the end of a page's path is nothing; the RPCs are no page.
        page = self._page(plain.removesuffix("/"), dict(parse_qsl(query, keep_blank_values=True)))
        return Answer(404) if page is None else _by_method(method, page)

    def _page(self, path: str, query: Mapping[str, str]) -> Answer | None:
        match path:
            case "/health":
                return as_text("OK\n")
            case "/leaderhealth":
                return _leaderhealth(self._elsewhere)
            case _:
                return self._aurora.page(path, query)


def _by_method(method: str, page: Answer) -> Answer:
    allowed = "HEAD, GET, OPTIONS"
    match method:
        case "GET" | "HEAD":
            return page
        case "OPTIONS":
            return Answer(200, {"Content-Type": TEXT, "Allow": allowed}, allowed.encode())
        case _:
            return Answer(405, {"Allow": allowed})


def _sent_on(elsewhere: Elsewhere, path: str) -> Answer:
    if elsewhere.leader is None:
        return Answer(503, {}, b"<!doctype html>\n<p>There is no leading scheduler.</p>\n")
    return Answer(307, {"Location": f"http://{elsewhere.leader}{path}"})


def _leaderhealth(elsewhere: Elsewhere | None) -> Answer:
    status = 200 if elsewhere is None else 502 if elsewhere.leader is None else 503
    codes = "\n".join(f"{code}: {words}" for code, words in LEADERSHIP.items())
    return as_text(f"Current status: {LEADERSHIP[status]}\n\n{ABOUT_LEADERSHIP}{codes}", status)
