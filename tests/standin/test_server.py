import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from reconciler.standin.aurora import Aurora
from reconciler.standin.auth import EXAMPLE_USERS
from reconciler.standin.door import Door
from reconciler.standin.hosts import Host
from reconciler.standin.server import Saved, Server, StateError
from reconciler.standin.web import TJSON
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
    return Server(aurora, Door(aurora, None), clock=clock, state=state)


def test_it_answers_over_http_and_keeps_the_connection() -> None:
    with serving(a_server(a_world())) as client:
        assert client.get("/health").text == "OK\n"
        assert client.get("/health?x=/api").text == "OK\n"
        answer = post(client, "getJobs")
        assert answer.headers["content-type"] == TJSON
        assert decode_reply(answer.content, "getJobs").responseCode == ResponseCode.OK
        assert client.request("PUT", "/api").status_code == 405
        assert client.head("/nothing").status_code == 404


def test_a_body_without_a_length_is_not_read() -> None:
    with serving(a_server(a_world())) as client:
        answer = client.post("/api", content=iter([b"[1,", b"2]"]))
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")


def test_users_are_asked_who_they_are() -> None:
    aurora = a_world()
    with serving(Server(aurora, Door(aurora, EXAMPLE_USERS))) as client:
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
    saved = Saved.load(path)
    assert saved is not None
    aurora = Aurora.restore(json.loads(kept)["world"], saved.there_ms)
    with serving(a_server(aurora)) as client:
        assert len(statuses(client)) == 1


def test_time_goes_on_between_two_lives_of_a_world(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    with serving(a_server(a_world(), state=path)):
        pass
    saved = Saved.load(path)
    assert saved is not None
    aurora = Aurora.restore(saved.world, saved.there_ms)
    door = Door(aurora, None)
    with serving(Server(aurora, door, since_s=saved.here_s - 3600)) as client:
        post(client, "getJobs")
        assert aurora.now_ms >= saved.there_ms + 3_600_000


def test_a_clock_that_is_set_back_does_not_turn_time_there_back() -> None:
    aurora, told_s = a_world(), [1000.0]
    server = Server(aurora, Door(aurora, None), clock=2.0, now_s=lambda: told_s[0])
    for now_s, want_ms in ((1003.0, 6000), (900.0, 6000), (1004.0, 8000)):
        told_s[0] = now_s
        server.answer("GET", "/health", {}, b"")
        assert aurora.now_ms == NOW_MS + want_ms
    server.close()


def test_a_server_that_never_served_can_be_closed(tmp_path: Path) -> None:
    server = a_server(a_world(), state=tmp_path / "world.json")
    server.close()
    server.serve_forever()
    assert (tmp_path / "world.json").exists()


def test_a_file_that_is_no_world_is_told(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    assert Saved.load(path) is None
    path.write_text("{")
    with pytest.raises(StateError, match=r"world\.json is not a world"):
        Saved.load(path)
