"""Where HTTP itself is the point: real connections, deadlines, TLS."""

import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import trustme

from reconciler.scheduler.connections import connections
from reconciler.scheduler.http import Credentials, Deadlines, HttpDoor, Silence
from tests.scheduler.sockets import HEAD, Behaviour, answering, dripping, request, served

pytestmark = pytest.mark.slow

SOON = Deadlines(connect_s=0.4, read_s=0.4, write_s=0.4)


def a_door(http: httpx.Client, *urls: str, credentials: Credentials | None = None) -> HttpDoor:
    return HttpDoor(http, urls, credentials, SOON)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with connections(verify=True, agent="test") as client:
        yield client


def no_answer(connection: socket.socket) -> None:
    request(connection)
    connection.recv(1)


def cut(connection: socket.socket) -> None:
    request(connection)
    connection.sendall(HEAD + b"100\r\n\r\nnot all")


def not_http(connection: socket.socket) -> None:
    request(connection)
    connection.sendall(b"SSH-2.0-OpenSSH\r\n")


BAD: dict[str, Behaviour] = {
    "answers nothing": no_answer,
    "drips its body": dripping(HEAD + b"100000\r\n\r\n", 0.05),
    "drips its head": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", 0.05),
    "drips its status line": dripping(b"HTTP/1.", 0.05),
    "drips a compressed body that never says anything": dripping(
        HEAD.replace(b"text/plain", b"text/plain\r\nContent-Encoding: gzip")
        + b"100000\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\0",
        0.05,
    ),
    "breaks off in its body": cut,
    "does not speak HTTP": not_http,
}


@pytest.mark.parametrize("behaviour", BAD.values(), ids=BAD)
def test_call_is_over_by_its_deadline_and_may_have_been_carried_out(
    behaviour: Behaviour, http: httpx.Client
) -> None:
    with served(behaviour) as (host, _):
        began = time.monotonic()
        found = a_door(http, f"http://{host}").exchange(b"[1]", write=True)
        took = time.monotonic() - began
        http.close()
    assert isinstance(found, Silence)
    assert (found.sent, found.mute) == (True, True)
    assert took < 2 * SOON.write_s


def test_nobody_listens_so_nothing_was_sent(http: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    found = a_door(http, f"http://127.0.0.1:{port}").exchange(b"[1]", write=True)
    assert isinstance(found, Silence)
    assert (found.sent, found.mute) == (False, True)
    assert found.why == f"http://127.0.0.1:{port} cannot be reached: Connection refused"


def test_calls_share_one_connection(http: httpx.Client) -> None:
    with served(answering(b"hello")) as (host, accepted):
        door = a_door(http, f"http://{host}")
        assert [door.exchange(b"[1]", write=False) for _ in range(5)] == [b"hello"] * 5
        assert len(accepted) == 1
        http.close()


def test_calls_side_by_side_have_a_connection_each_within_one_pool(http: httpx.Client) -> None:
    with served(answering(b"hello")) as (host, accepted):
        door = a_door(http, f"http://{host}")
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: door.exchange(b"[1]", write=False), range(80)))
        assert found == [b"hello"] * 80
        assert 1 <= len(accepted) <= 8
        http.close()


def test_connection_that_the_server_has_closed_is_replaced(http: httpx.Client) -> None:
    def once(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(HEAD + b"5\r\n\r\nhello")

    with served(once) as (host, accepted):
        door = a_door(http, f"http://{host}")
        for _ in range(3):
            assert door.exchange(b"[1]", write=False) == b"hello"
            time.sleep(0.05)
        assert len(accepted) == 3


def test_environment_brings_neither_proxy_nor_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))
    heads: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        heads.append(request(connection))
        connection.sendall(HEAD + b"5\r\n\r\nhello")

    with connections(verify=True, agent="test") as http, served(behave) as (host, _):
        assert a_door(http, f"http://{host}").exchange(b"[1]", write=False) == b"hello"
    assert b"authorization" not in heads[0].lower()


# --- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """What 127.0.0.1 shows that this authority stands for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_scheduler_behind_tls_is_known_by_the_ca_file(authority: trustme.CA, ca_file: str) -> None:
    verify = ssl.create_default_context(cafile=ca_file)
    tls = server_tls(authority)
    with (
        connections(verify, "test") as http,
        served(answering(b"hello"), tls) as (host, accepted),
    ):
        secret = Credentials("root", "pw", (f"https://{host}",))
        door = a_door(http, f"https://{host}", credentials=secret)
        assert [door.exchange(b"[1]", write=True) for _ in range(2)] == [b"hello"] * 2
        assert len(accepted) == 1
        http.close()


def test_scheduler_that_the_ca_does_not_know_gets_nothing(authority: trustme.CA) -> None:
    heard: list[bytes] = []
    tls = server_tls(authority)
    with (
        connections(verify=True, agent="test") as http,
        served(lambda c: heard.append(request(c)), tls) as (host, _),
    ):
        secret = Credentials("root", "pw", (f"https://{host}",))
        door = a_door(http, f"https://{host}", credentials=secret)
        found = door.exchange(b"[1]", write=True)
    assert isinstance(found, Silence)
    assert (found.sent, heard) == (False, [])


def test_deadline_holds_behind_tls_too(authority: trustme.CA, ca_file: str) -> None:
    verify = ssl.create_default_context(cafile=ca_file)
    tls = server_tls(authority)
    drip = dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", 0.05)
    with connections(verify, "test") as http, served(drip, tls) as (host, _):
        began = time.monotonic()
        found = a_door(http, f"https://{host}").exchange(b"[1]", write=True)
        took = time.monotonic() - began
        http.close()
    assert isinstance(found, Silence)
    assert took < 2 * SOON.write_s
