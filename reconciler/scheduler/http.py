"""HTTP to one Aurora: which scheduler leads, deadlines, credentials, and what is known afterwards.

Every call ends in bytes or in a `Silence` that says whether it can have reached a scheduler.
Nothing is retried here that might have been carried out.
"""

import re
import time
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from reconciler.model.address import redacted
from reconciler.model.left import Left, forever
from reconciler.scheduler.connections import deadline

MEDIA_TYPE = "application/vnd.apache.thrift.json"
REDIRECTS_MAX = 3
BODY_MAX = 1 << 30
PORTS = {"http": 80, "https": 443}
NUMBER = re.compile(r"^\[Errno -?\d+\] ")


@dataclass(frozen=True, slots=True)
class Credentials:
    """HTTP Basic, from local configuration; sent to the `hosts` (URLs) listed there only."""

    user: str
    password: str
    hosts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: to connect, and for the whole of a read or of a write."""

    connect_s: float = 5.0
    read_s: float = 30.0
    write_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Silence:
    """No reply that can be read. `sent`: a scheduler may have got the call, and carried it out.

    `denied` is an answer about ourselves, which no other scheduler of the cluster would change;
    `mute` says that nobody answered at all, so that another call would wait as long again.
    """

    why: str
    sent: bool
    denied: bool = False
    mute: bool = False


class Door(Protocol):
    """One call, one reply. `leader` is the address that answered last, for messages."""

    @property
    def leader(self) -> str: ...

    def exchange(self, body: bytes, *, write: bool) -> bytes | Silence:
        """Return the reply's bytes."""
        ...


class HttpDoor:
    """The schedulers of one cluster, of which one leads.

    A non-leader answers 307 with the leader's address; it has not looked at the call, so that
    following is safe. Credentials go to a listed host only: an answer from the network, or a pull
    request, must not be able to point them elsewhere. `left` cuts reads short, and no writes: what
    became of a write that was not waited for would be in the dark.
    """

    def __init__(
        self,
        http: httpx.Client,
        urls: tuple[str, ...],
        credentials: Credentials | None,
        deadlines: Deadlines,
        left: Left = forever,
    ) -> None:
        self._http = http
        self._urls = tuple(_base(url) or url for url in urls)
        self._hosts = {_base(url) for url in (credentials.hosts if credentials else ())} - {None}
        self._credentials = credentials
        self._deadlines = deadlines
        self._left = left
        self._leader = self._urls[0]

    @property
    def leader(self) -> str:
        return self._leader

    def exchange(self, body: bytes, *, write: bool) -> bytes | Silence:
        """Try the scheduler that led last, then the others, until one answers.

        A write that may have arrived is not tried elsewhere; a read does no harm twice.
        """
        others = [url for url in self._urls if url != self._leader]
        failures: list[Silence] = []
        for url in (self._leader, *others):
            found = self._follow(url, body, write)
            if isinstance(found, bytes) or found.denied or (found.sent and write):
                return found
            failures.append(found)
        return Silence(
            "; ".join(dict.fromkeys(failure.why for failure in failures)),
            sent=any(failure.sent for failure in failures),
            mute=all(failure.mute for failure in failures),
        )

    def _follow(self, url: str, body: bytes, write: bool) -> bytes | Silence:
        if _base(url) is None:
            return Silence(f"{redacted(url)} is no address", sent=False)
        for _ in range(REDIRECTS_MAX + 1):
            if write and self._credentials is not None and url not in self._hosts:
                return Silence(
                    f"credentials go to listed hosts only: list {url} in the local configuration",
                    sent=False,
                    denied=True,
                )
            answer = self._post(url, body, write)
            if isinstance(answer, Silence):
                return answer
            status, location, content = answer
            if status != 307:
                return self._read(url, status, content)
            following = _base(location)
            if following is None:
                there = redacted(location)
                return Silence(f"{url} redirects to {there!r}, which is no address", sent=False)
            url = following
        return Silence(f"{url}: more than {REDIRECTS_MAX} redirects", sent=False)

    def _read(self, url: str, status: int, content: bytes) -> bytes | Silence:
        match status:
            case 200:
                self._leader = url
                return content
            case 401 | 403:
                said = "refuses the login" if self._auth(url) else "wants a login, and got none"
                return Silence(f"{url} {said} ({status})", sent=False, denied=True)
            case 503:
                return Silence(f"{url} knows no leader (503)", sent=False, mute=True)
            case 404 | 405 | 415:
                return Silence(f"{url} is no Aurora scheduler ({status})", sent=False)
            case _:
                return Silence(f"{url} answered with HTTP {status}", sent=True)

    def _post(self, url: str, body: bytes, write: bool) -> tuple[int, str, bytes] | Silence:
        limit = self._deadlines.write_s if write else min(self._deadlines.read_s, self._left())
        if limit <= 0:
            return Silence(f"{url} was not asked: the time of this run is over", False, mute=True)
        try:
            with (
                deadline(limit) as until,
                self._http.stream(
                    "POST",
                    f"{url}/api",
                    content=body,
                    headers={"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE},
                    auth=self._auth(url),
                    timeout=httpx.Timeout(limit, connect=min(self._deadlines.connect_s, limit)),
                ) as response,
            ):
                content = _content(url, response, until, limit)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
            return Silence(f"{url} cannot be reached: {_words(fault)}", sent=False, mute=True)
        except httpx.TimeoutException:
            return Silence(f"{url} did not answer within {limit:.3g} s", sent=True, mute=True)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as fault:
            # ValueError: a host name that no resolver would take (a label too long).
            return Silence(f"{url}: {_words(fault)}", sent=True, mute=True)
        # httpx ties an answer to its stream and back: in a round of thousands of calls, in which no
        # garbage is looked for, what is tied together would stay.
        del response.stream
        if isinstance(content, Silence):
            return content
        return response.status_code, response.headers.get("location", ""), content

    def _auth(self, url: str) -> httpx.Auth | None:
        if self._credentials is None or url not in self._hosts:
            return None
        return httpx.BasicAuth(self._credentials.user, self._credentials.password)


def _content(url: str, response: httpx.Response, until: float, limit: float) -> bytes | Silence:
    """Return the body, if it is complete in time and not too large to be meant.

    A compressed reply can drip without ever giving a byte to look at: `deadline` ends that one.
    """
    pieces, size = [], 0
    for piece in response.iter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > BODY_MAX:
            words = "sent an answer of more than 1 GiB, which no scheduler does"
            return Silence(f"{url} {words}: see what listens there", sent=True)
        if time.monotonic() > until:
            words = f"did not finish its answer within {limit:.3g} s"
            return Silence(f"{url} {words}", sent=True, mute=True)
    return b"".join(pieces)


def _base(url: str) -> str | None:
    """Return scheme, host and port in one spelling, which is what credentials are bound to.

    None when it is no address, or one that brings a login of its own.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or parts.username is not None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    plain = port is None or port == PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" if plain else f"{parts.scheme}://{host}:{port}"


def _words(fault: Exception) -> str:
    """Return a fault in words, without the number that an operating system gives it."""
    return NUMBER.sub("", str(fault)) or type(fault).__name__
