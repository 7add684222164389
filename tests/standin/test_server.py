import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from reconciler.standin.aurora import Aurora
from reconciler.standin.hosts import Host
from reconciler.standin.journal import Journal, Moment
from reconciler.standin.running import Running
from reconciler.standin.server import Server, compressed, takes_gzip
from reconciler.standin.web import TJSON, Answer
from reconciler.thrift.calls import decode_reply, encode_call
from reconciler.thrift.structs import (
    ExecutorConfig,
    JobConfiguration,
    JobKey,
    Resource,
    ResponseCode,
    ScheduleStatus,
    TaskConfig,
    TaskQuery,
)
from tests.standin.users import EXAMPLE_USERS

pytestmark = pytest.mark.slow

KEY = JobKey(role="www", environment="prod", name="web")
NOW_MS = 1_795_000_000_000


def a_world() -> Aurora:
    hosts = (Host("a", 16.0, 16_384.0, 100_000.0, (31_000, 32_000), {"host": "a"}),)
    return Aurora("here", hosts, NOW_MS)


def a_job() -> JobConfiguration:
    resources = (Resource(numCpus=1.0), Resource(ramMb=128), Resource(diskMb=64))
    executor = ExecutorConfig(name="AuroraExecutor", data="{}")
    task = TaskConfig(job=KEY, resources=resources, executorConfig=executor)
    return JobConfiguration(key=KEY, taskConfig=task, instanceCount=1)


@contextmanager
def serving(server: Server) -> Iterator[httpx.Client]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with httpx.Client(base_url=server.url, headers={"Content-Type": TJSON}) as client:
            yield client
    finally:
        server.close()
        thread.join()


def post(client: httpx.Client, method: str, **args: object) -> httpx.Response:
    return client.post("/api", content=encode_call(method, 1, **args))


def statuses(client: httpx.Client) -> list[ScheduleStatus | None]:
    answer = post(client, "getTasksStatus", query=TaskQuery(jobKeys=(KEY,)))
    result = decode_reply(answer.content, "getTasksStatus").result
    assert result is not None
    assert result.scheduleStatusResult is not None
    return [task.status for task in result.scheduleStatusResult.tasks or ()]


def a_server(aurora: Aurora, clock: float = 1.0, state: Path | None = None) -> Server:
    journal = None if state is None else Journal(state)
    moment = Moment(time.time(), aurora.now_ms, clock)
    return Server(Running(aurora, time.time, moment, journal))


def test_it_answers_over_http_and_keeps_the_connection() -> None:
    with serving(a_server(a_world())) as client:
        assert client.get("/health").text == "OK\n"
        assert client.get("/health?x=/api").text == "OK\n"
        answer = post(client, "getJobs")
        assert answer.headers["content-type"] == TJSON
        assert decode_reply(answer.content, "getJobs").responseCode == ResponseCode.OK
        assert client.request("PUT", "/api").status_code == 405
        assert client.head("/nothing").status_code == 404


def test_a_body_may_come_in_pieces() -> None:
    with serving(a_server(a_world())) as client:
        body = encode_call("getJobs", 1)
        for _ in range(2):
            answer = client.post("/api", content=iter([body[:5], body[5:]]))
            assert answer.request.headers["transfer-encoding"] == "chunked"
            assert decode_reply(answer.content, "getJobs").responseCode == ResponseCode.OK


def test_after_a_body_without_an_end_nothing_more_is_read() -> None:
    with serving(a_server(a_world())) as client:
        line = HTTPConnection(client.base_url.host, client.base_url.port)
        line.request("POST", "/api", b"", {"Content-Length": "-1"})
        answer = line.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (400, "close")
        line.close()


def test_users_are_asked_who_they_are() -> None:
    aurora = a_world()
    with serving(Server(Running(aurora, time.time, users=EXAMPLE_USERS))) as client:
        assert post(client, "killTasks", job=KEY).status_code == 401
        client.auth = ("root", "secret")
        assert post(client, "killTasks", job=KEY).status_code == 200


def test_time_passes_there_faster_and_without_anyone_asking() -> None:
    aurora = a_world()
    with serving(a_server(aurora, clock=1000.0)) as client:
        post(client, "createJob", description=a_job())
        deadline = time.monotonic() + 10
        while aurora.now_ms < NOW_MS + 2000 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert statuses(client) == [ScheduleStatus.RUNNING]


def test_what_was_answered_is_in_the_file_before_the_server_ends(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    with serving(a_server(a_world(), state=path)) as client:
        post(client, "getJobs")
        assert not path.exists()
        post(client, "createJob", description=a_job())
        kept = path.read_bytes()
        post(client, "getJobs")
        assert path.read_bytes() == kept
        post(client, "killTasks", job=KEY)
        more = path.read_bytes()
        assert more.startswith(kept)
        assert more.count(b"\n") == 2
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "then.json").write_bytes(kept)
    saved = Journal(tmp_path / "then.json").load()
    assert saved is not None
    with serving(a_server(saved.aurora())) as client:
        assert len(statuses(client)) == 1


def test_a_server_that_never_served_can_be_closed(tmp_path: Path) -> None:
    server = a_server(a_world(), state=tmp_path / "world.json")
    server.close()
    server.serve_forever()
    assert (tmp_path / "world.json").exists()


def test_an_answer_is_compressed_for_who_takes_it() -> None:
    with serving(a_server(a_world())) as client:
        told = post(client, "getTierConfigs")
        assert (told.headers["content-encoding"], told.headers["vary"]) == (
            "gzip",
            "Accept-Encoding, User-Agent",
        )
        client.headers["Accept-Encoding"] = "identity"
        plain = post(client, "getTierConfigs")
        assert "content-encoding" not in plain.headers
        assert plain.headers["vary"] == "Accept-Encoding, User-Agent"
        assert plain.content == told.content
        client.headers["Accept-Encoding"] = "gzip"
        assert "content-encoding" not in client.get("/health").headers
        assert "vary" not in client.get("/nothing").headers
        assert "vary" not in client.options("/api").headers


ENCODINGS = {
    "nothing": (None, False),
    "gzip": ("gzip", True),
    "among others": ("deflate, GZIP;q=0.5, br", True),
    "refused": ("gzip;q=0, deflate", False),
    "refused with more zeros": ("gzip; q=0.00", False),
    "anything": ("*", False),
    "another one": ("x-gzip", False),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_gzip_is_for_who_says_so(name: str) -> None:
    accepted, want = ENCODINGS[name]
    assert takes_gzip(accepted) is want


def test_a_small_answer_and_a_failure_are_not_compressed() -> None:
    assert "Content-Encoding" not in compressed(Answer(200, {}, b"x" * 15), "gzip").headers
    assert "Content-Encoding" in compressed(Answer(200, {}, b"x" * 16), "gzip").headers
    assert compressed(Answer(500, {}, b"x" * 99), "gzip") == Answer(500, {}, b"x" * 99)
