"""Which scheduler is asked, who gets the credentials, and what is known when no reply comes."""

import base64
import gc
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.loop.garbage import uncollected
from reconciler.scheduler.http import Credentials, Deadlines, HttpDoor, Silence

ONE, TWO, LEADER = "http://one:8081", "http://two:8081", "http://leader:8081"
SECRET = Credentials("root", "pass:word", (ONE, TWO))

Script = dict[str, Any]


class Wire:
    """The schedulers behind a transport: what each host answers, and what each was sent."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._script[f"{request.url.scheme}://{request.url.netloc.decode()}"]
        if isinstance(answer, type) and issubclass(answer, Exception):
            raise answer("as told")
        found: httpx.Response = answer(request) if callable(answer) else answer
        return found

    @property
    def hosts(self) -> list[str]:
        return [request.url.host for request in self.requests]

    @property
    def logins(self) -> list[str | None]:
        return [request.headers.get("authorization") for request in self.requests]


def a_door(
    script: Script, *urls: str, credentials: Credentials | None = None
) -> tuple[HttpDoor, Wire]:
    wire = Wire(script)
    http = httpx.Client(transport=httpx.MockTransport(wire))
    return HttpDoor(http, urls or (ONE, TWO), credentials, Deadlines()), wire


def says(body: bytes = b"hello", status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, content=body)


def leads(url: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(307, headers={"Location": f"{url}/api"})


def test_call_is_a_post_of_tjson_to_the_api() -> None:
    door, wire = a_door({ONE: says()})
    assert door.exchange(b"[1]", write=False) == b"hello"
    (request,) = wire.requests
    assert (request.method, request.url.path, request.read()) == ("POST", "/api", b"[1]")
    assert request.headers["content-type"] == "application/vnd.apache.thrift.json"
    assert request.headers["accept"] == "application/vnd.apache.thrift.json"


# What the first scheduler does; whether a read and a write go on to the second one; and what is
# known of the call when there is no second one: sent, denied, mute.
FIRST: dict[str, tuple[Any, bool, bool, tuple[bool, bool, bool]]] = {
    "refuses the connection": (httpx.ConnectError, True, True, (False, False, True)),
    "cannot be connected in time": (httpx.ConnectTimeout, True, True, (False, False, True)),
    "knows no leader": (says(status=503), True, True, (False, False, True)),
    "is no Aurora": (says(status=404), True, True, (False, False, False)),
    "takes no such content": (says(status=415), True, True, (False, False, False)),
    "redirects nowhere": (leads("ftp://x"), True, True, (False, False, False)),
    "redirects to itself": (leads(ONE), True, True, (False, False, False)),
    "does not answer in time": (httpx.ReadTimeout, True, False, (True, False, True)),
    "breaks off": (httpx.ReadError, True, False, (True, False, True)),
    "ends without an answer": (httpx.RemoteProtocolError, True, False, (True, False, True)),
    "answers with 500": (says(status=500), True, False, (True, False, False)),
    "answers with a redirect of another kind": (
        says(status=301),
        True,
        False,
        (True, False, False),
    ),
    "refuses the login": (says(status=401), False, False, (False, True, False)),
    "forbids": (says(status=403), False, False, (False, True, False)),
}


@pytest.mark.parametrize("case", FIRST.values(), ids=FIRST)
def test_second_scheduler_is_asked_unless_the_first_may_have_done_it(case: Any) -> None:
    first, read_goes_on, write_goes_on, _ = case
    for write, goes_on in ((False, read_goes_on), (True, write_goes_on)):
        door, wire = a_door({ONE: first, TWO: says()})
        found = door.exchange(b"[1]", write=write)
        assert (found == b"hello", "two" in wire.hosts) == (goes_on, goes_on)


@pytest.mark.parametrize("case", FIRST.values(), ids=FIRST)
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
def test_silence_says_what_is_known_of_the_call(case: Any, write: bool) -> None:
    first, *_, known = case
    door, _ = a_door({ONE: first}, ONE)
    found = door.exchange(b"[1]", write=write)
    assert isinstance(found, Silence)
    assert (found.sent, found.denied, found.mute) == known
    assert "http://one:8081" in found.why


@pytest.mark.parametrize("credentials", [SECRET, None], ids=["with a login", "without"])
def test_refused_login_is_not_one_that_was_never_sent(credentials: Credentials | None) -> None:
    door, _ = a_door({ONE: says(status=401)}, ONE, credentials=credentials)
    found = door.exchange(b"[1]", write=False)
    assert isinstance(found, Silence)
    words = "refuses the login" if credentials else "wants a login, and got none"
    assert found.why.startswith(f"http://one:8081 {words} (401)")


def test_silence_of_several_schedulers_names_each() -> None:
    door, _ = a_door({ONE: httpx.ConnectError, TWO: says(status=503)})
    found = door.exchange(b"[1]", write=True)
    assert isinstance(found, Silence)
    assert "one:8081 cannot be reached" in found.why
    assert "two:8081 knows no leader" in found.why
    assert (found.sent, found.mute) == (False, True)


def test_read_that_only_some_may_have_got_was_sent() -> None:
    door, _ = a_door({ONE: httpx.ReadTimeout, TWO: httpx.ConnectError})
    found = door.exchange(b"[1]", write=False)
    assert isinstance(found, Silence)
    assert found.sent


def test_leader_is_followed_and_asked_first_from_then_on() -> None:
    door, wire = a_door({ONE: httpx.ConnectError, TWO: leads(LEADER), LEADER: says()})
    assert door.exchange(b"[1]", write=True) == b"hello"
    assert door.exchange(b"[2]", write=True) == b"hello"
    assert wire.hosts == ["one", "two", "leader", "leader"]
    assert wire.requests[2].method == "POST"
    assert wire.requests[2].read() == b"[1]"


def test_former_leader_that_is_gone_is_no_end() -> None:
    script: Script = {ONE: leads(LEADER), TWO: says(b"two"), LEADER: says()}
    door, wire = a_door(script)
    assert door.exchange(b"[1]", write=False) == b"hello"
    script |= {LEADER: httpx.ConnectError, ONE: leads(TWO)}
    assert door.exchange(b"[1]", write=False) == b"two"
    assert wire.hosts == ["one", "leader", "leader", "one", "two"]


def test_redirects_end() -> None:
    door, wire = a_door({ONE: leads(TWO), TWO: leads(ONE)}, ONE)
    assert isinstance(door.exchange(b"[1]", write=False), Silence)
    assert len(wire.requests) == 4


# --- credentials


def test_listed_hosts_get_the_credentials_however_they_are_spelled() -> None:
    secret = Credentials("root", "pass:word", ("HTTP://ONE:8081/api", "https://leader:443"))
    script = {ONE: leads("https://leader"), "https://leader": says()}
    door, wire = a_door(script, f"{ONE}/", credentials=secret)
    assert door.exchange(b"[1]", write=True) == b"hello"
    login = "Basic " + base64.b64encode(b"root:pass:word").decode()
    assert wire.logins == [login, login]


UNLISTED: dict[str, str] = {
    "another host": "http://evil:8081",
    "another port": "http://one:8082",
    "the same host without TLS": "http://secure",
    "a host that ends alike": "http://one.evil:8081",
    "a login in front": "http://one:8081@evil",
}


@pytest.mark.parametrize("evil", UNLISTED.values(), ids=UNLISTED)
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
def test_redirect_never_takes_credentials_to_an_unlisted_host(evil: str, write: bool) -> None:
    secret = Credentials("root", "pw", (ONE, "https://secure"))
    wire = Wire({ONE: leads(evil)})

    def anywhere(request: httpx.Request) -> httpx.Response:
        known = request.url.netloc == b"one:8081"
        wire.requests.append(request)
        return leads(evil)(request) if known else httpx.Response(200, content=b"mine now")

    http = httpx.Client(transport=httpx.MockTransport(anywhere))
    door = HttpDoor(http, (ONE,), secret, Deadlines())
    found = door.exchange(b"[1]", write=write)
    strangers = [r for r in wire.requests if r.url.netloc != b"one:8081"]
    assert all("authorization" not in r.headers for r in strangers)
    if write:
        assert isinstance(found, Silence)
        assert not strangers
        assert not found.sent


def test_leader_that_a_read_found_gets_no_write_unless_it_is_listed() -> None:
    """Reads need no login, so an unlisted leader may be read; it must not be written to."""
    door, wire = a_door({ONE: leads(LEADER), LEADER: says()}, ONE, credentials=SECRET)
    assert door.exchange(b"[1]", write=False) == b"hello"
    found = door.exchange(b"[2]", write=True)
    assert isinstance(found, Silence)
    assert (found.sent, found.denied) == (False, True)
    assert "list http://leader:8081" in found.why
    assert wire.hosts == ["one", "leader"]


def test_without_credentials_a_write_follows_anywhere() -> None:
    door, wire = a_door({ONE: leads(LEADER), LEADER: says()}, ONE)
    assert door.exchange(b"[1]", write=True) == b"hello"
    assert wire.logins == [None, None]


def test_password_is_not_in_the_text_of_credentials() -> None:
    assert "pass:word" not in repr(SECRET)


def test_address_that_cannot_be_meant_is_a_silence() -> None:
    door, _ = a_door({}, "http://one:99999")
    found = door.exchange(b"[1]", write=False)
    assert isinstance(found, Silence)
    assert "one:99999 is no address" in found.why


def test_host_name_that_no_resolver_takes_is_a_silence() -> None:
    http = httpx.Client()
    for host in ("a..b", "x" * 70):
        found = HttpDoor(http, (f"http://{host}",), None, Deadlines()).exchange(b"", write=False)
        assert isinstance(found, Silence)
    http.close()


class Endless(httpx.SyncByteStream):
    """A body that goes on for so many MiB, each of which is the same one."""

    def __init__(self, mib: int) -> None:
        self.left = mib

    def __iter__(self) -> Iterator[bytes]:
        piece = bytes(1 << 20)
        while self.left:
            self.left -= 1
            yield piece


@pytest.mark.parametrize("status", [200, 500])
def test_answer_that_is_too_large_is_told_as_such_and_heard_no_further(status: int) -> None:
    body = Endless(2000)
    door, _ = a_door({ONE: lambda _: httpx.Response(status, stream=body)}, ONE)
    found = door.exchange(b"[1]", write=True)
    words = f"{ONE} sent an answer of more than 1 GiB, which no scheduler does"
    assert found == Silence(f"{words}: see what listens there", sent=True)
    assert body.left == 2000 - 1025


def test_login_within_an_address_is_not_told() -> None:
    answer = httpx.Response(307, headers={"location": "http://me:secret@two/api"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    found = HttpDoor(http, (ONE,), None, Deadlines()).exchange(b"", write=False)
    assert isinstance(found, Silence)
    assert "redirects to 'http://***@two/api', which is no address" in found.why


def test_time_of_the_run_cuts_reads_short_and_no_write() -> None:
    asked: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, content=b"{}")

    left = [7.0]
    http = httpx.Client(transport=httpx.MockTransport(answer))
    door = HttpDoor(http, (ONE,), None, Deadlines(), lambda: left[0])
    door.exchange(b"", write=False)
    door.exchange(b"", write=True)
    assert asked == [7.0, Deadlines().write_s]
    left[0] = 0.0
    found = door.exchange(b"", write=False)
    assert found == Silence(
        f"{ONE} was not asked: the time of this run is over", sent=False, mute=True
    )
    assert len(asked) == 2


def test_answer_leaves_nothing_for_the_collector_which_rests_during_a_round() -> None:
    door, _ = a_door({ONE: says()})
    door.exchange(b"[1]", write=False)
    gc.collect()
    with uncollected():
        assert door.exchange(b"[1]", write=False) == b"hello"
        assert gc.collect() == 0
