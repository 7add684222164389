"""The document from which the stand-in takes its hosts."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.app.packaged import sample
from reconciler.app.serve import SAMPLE, Wishes, cluster_in, greeting, made, serve
from reconciler.model.policy import Cluster, Embedded
from reconciler.standin.web import TJSON
from reconciler.thrift.calls import encode_call

GOOD = (sample() / SAMPLE).read_text(encoding="utf-8")

BAD = {
    "no YAML": ("kind: [", "not YAML"),
    "no document at all": ("", "there is no document"),
    "a document of another kind": ("kind: Project\n", "one document of kind Cluster is needed"),
    "two of them": (f"{GOOD}\n---\n{GOOD}", "one document of kind Cluster is needed"),
    "a field that is none": (GOOD.replace("cpu: 16", "cpus: 16"), "cpu"),
    "a host twice": (GOOD.replace("agent-2", "agent-1"), "a second host 'agent-1'"),
    "a real cluster": (
        "apiVersion: reconciler/v1\nkind: Cluster\nmetadata: {name: eu1}\n"
        'spec: {scheduler: {urls: ["http://aurora:8081"]}}\n',
        "a cluster with `embedded` is needed",
    ),
}


def test_the_sample_has_a_cluster_to_serve() -> None:
    found = cluster_in(sample() / SAMPLE)
    assert isinstance(found, Cluster)
    assert isinstance(found.scheduler, Embedded)
    assert len(found.scheduler.hosts) == 6


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_is_none_is_told_with_its_place(name: str, tmp_path: Path) -> None:
    text, words = BAD[name]
    path = tmp_path / "hosts.yaml"
    path.write_text(text, encoding="utf-8")
    found = cluster_in(path)
    assert not isinstance(found, Cluster)
    assert words in str(found[0])
    assert str(found[0]).startswith(str(path))


def test_an_attribute_of_a_host_stays_what_was_typed(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(GOOD.replace("rack: a", "rack: 1.10"), encoding="utf-8")
    found = cluster_in(path)
    assert isinstance(found, Cluster)
    assert isinstance(found.scheduler, Embedded)
    assert ("rack", "1.10") in found.scheduler.hosts[0].attributes


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = cluster_in(tmp_path / "no.yaml")
    assert not isinstance(found, Cluster)
    assert "cannot be read: No such file" in str(found[0])


def wishes(**differs: str | None) -> Wishes:
    plain = dict.fromkeys(("state", "hosts", "users", "leader"))
    return Wishes(port=0, address="127.0.0.1", clock=1.0, **{**plain, **differs})


def the_sample() -> Cluster:
    found = cluster_in(sample() / SAMPLE)
    assert isinstance(found, Cluster)
    return found


USERS = "[users]\ndeployer = secret, deploy\n[roles]\ndeploy = thrift.AuroraSchedulerManager:*\n"


def test_users_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "shiro.ini"
    path.write_text(USERS, encoding="utf-8")
    running = made(the_sample(), wishes(users=str(path)))
    call = encode_call("setQuota", 1, ownerRole="www")
    assert running.answer("POST", "/api", {"Content-Type": TJSON}, call).status == 401
    login = {"Content-Type": TJSON, "Authorization": "Basic ZGVwbG95ZXI6c2VjcmV0"}
    refused = running.answer("POST", "/api", login, call)
    assert b"Subject deployer lacks permission" in refused.body


UNUSABLE = {
    "no file": (None, "shiro.ini cannot be used: No such file"),
    "no users": (b"[roles]\n", "shiro.ini:1: no user in [users]"),
    "no text": (b"\xff", "shiro.ini:1: 'utf-8' codec"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_users_that_cannot_be_read_are_told(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told, words = UNUSABLE[name]
    if told is not None:
        (tmp_path / "shiro.ini").write_bytes(told)
    assert serve(wishes(users=str(tmp_path / "shiro.ini"))) == 64
    assert words in capsys.readouterr().err


def test_port_that_is_taken_is_a_fault_and_no_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve(replace(wishes(), port=port)) == 9
    assert f"127.0.0.1:{port} cannot be used: Address already in use" in capsys.readouterr().err


def test_a_file_that_is_no_world_is_told_and_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "world.json"
    path.write_text("{", encoding="utf-8")
    assert serve(wishes(state=str(path))) == 9
    assert "world.json is not a world of the stand-in" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "{"


LEADERS = {
    "another one": ("other:8081", 307, 503),
    "nobody": ("none", 503, 502),
}


@pytest.mark.parametrize("name", LEADERS)
def test_it_can_be_one_that_does_not_lead(name: str) -> None:
    leader, api, health = LEADERS[name]
    running = made(the_sample(), wishes(leader=leader))
    call = encode_call("getJobs", 1)
    assert running.answer("POST", "/api", {"Content-Type": TJSON}, call).status == api
    assert running.answer("GET", "/leaderhealth", {}, b"").status == health


def test_what_is_said_at_the_start_can_be_pasted() -> None:
    assert greeting(the_sample(), "http://127.0.0.1:8081", 1.0).splitlines() == [
        "devcluster at http://127.0.0.1:8081. In a Cluster document:",
        '    scheduler: {urls: ["http://127.0.0.1:8081"]}',
    ]
    fast = greeting(the_sample(), "http://127.0.0.1:8081", 2.5).splitlines()[0]
    assert "8081, its time 2.5 times as fast as ours. In" in fast
