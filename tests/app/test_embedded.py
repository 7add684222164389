"""The embedded cluster: one world for all commands, kept in a file, in a time of its own."""

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from reconciler.app.embedded import URL, World
from reconciler.model.policy import Embedded, EmbeddedHost
from reconciler.model.spec import Resources
from reconciler.record.fault import RecordError
from reconciler.scheduler.http import Deadlines, HttpDoor
from reconciler.thrift import structs
from tests.support.builders import a_cluster
from tests.support.person import Person

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EMBEDDED = Embedded(
    hosts=(EmbeddedHost("agent-1", 8.0, 16_384, 65_536, (("rack", "a"),)),),
    quotas=(("www", Resources(4.0, 1024, 2048)),),
    clock=20.0,
)
CLUSTER = a_cluster(name="dev", server_name="dev", scheduler=EMBEDDED)
QUOTA_OF_WWW = structs.ResourceAggregate(
    resources=(
        structs.Resource(numCpus=4.0),
        structs.Resource(ramMb=1024),
        structs.Resource(diskMb=2048),
    )
)


@dataclass(slots=True)
class Hand:
    """A clock that is moved by hand."""

    at: datetime = NOON
    worlds: list[World] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at


@contextmanager
def person(hand: Hand, path: Path, *, writing: bool = True) -> Iterator[Person]:
    world = World(CLUSTER, EMBEDDED, path, hand.now, writing=writing)
    hand.worlds.append(world)
    with httpx.Client(transport=world.transport()) as http:
        yield Person(HttpDoor(http, (URL,), None, Deadlines()))


def quota(told: Person, role: str) -> structs.ResourceAggregate | None:
    found = told.say("getQuota", ownerRole=role)
    assert found.result is not None
    assert found.result.getQuotaResult is not None
    return found.result.getQuotaResult.quota


def set_quota(told: Person, role: str) -> None:
    found = told.say("setQuota", ownerRole=role, quota=QUOTA_OF_WWW)
    assert found.responseCode is structs.ResponseCode.OK


def amounts(found: structs.ResourceAggregate | None) -> set[object]:
    assert found is not None
    return set(found.resources or ())


WANTED = set(QUOTA_OF_WWW.resources or ())


def test_its_document_says_what_it_has(tmp_path: Path) -> None:
    with person(Hand(), tmp_path / "w.json") as told:
        assert amounts(quota(told, "www")) == WANTED


def test_what_one_command_did_the_next_one_sees(tmp_path: Path) -> None:
    with person(Hand(), tmp_path / "w.json") as told:
        set_quota(told, "shop")
    with person(Hand(), tmp_path / "w.json") as told:
        assert amounts(quota(told, "shop")) == WANTED


def test_what_was_answered_is_kept_though_the_process_dies(tmp_path: Path) -> None:
    hand = Hand()
    with person(hand, tmp_path / "w.json") as told:
        set_quota(told, "shop")
        with person(hand, tmp_path / "w.json") as other:
            assert amounts(quota(other, "shop")) == WANTED


def test_a_command_that_only_looks_writes_nothing(tmp_path: Path) -> None:
    with person(Hand(), tmp_path / "w.json", writing=False) as told:
        set_quota(told, "shop")
    assert list(tmp_path.iterdir()) == []


def test_its_time_passes_faster_between_commands_and_within(tmp_path: Path) -> None:
    hand = Hand()
    with person(hand, tmp_path / "w.json") as told:
        set_quota(told, "shop")
        assert hand.worlds[-1].time(NOON + timedelta(seconds=3)) == NOON + timedelta(minutes=1)
        hand.at += timedelta(seconds=3)
    hand.at += timedelta(seconds=6)
    with person(hand, tmp_path / "w.json"):
        assert hand.worlds[-1].time(hand.now()) == NOON + timedelta(minutes=3)


def test_a_world_need_not_live_through_a_month_that_nobody_looked(tmp_path: Path) -> None:
    hand = Hand()
    with person(hand, tmp_path / "w.json") as told:
        set_quota(told, "shop")
    hand.at += timedelta(days=30)
    with person(hand, tmp_path / "w.json"):
        assert hand.worlds[-1].time(hand.now()) == NOON + timedelta(days=1)


def test_a_clock_that_is_set_back_does_not_turn_its_time(tmp_path: Path) -> None:
    hand = Hand()
    with person(hand, tmp_path / "w.json") as told:
        set_quota(told, "shop")
    hand.at -= timedelta(hours=1)
    with person(hand, tmp_path / "w.json") as told:
        assert hand.worlds[-1].time(hand.now()) == NOON
        assert amounts(quota(told, "shop")) == WANTED


NO_WORLDS = [
    "",
    "{",
    "[]",
    json.dumps({"here_s": 1}),
    json.dumps({"here_s": 1, "there_ms": 1, "world": {}}),
    json.dumps({"here_s": 1, "there_ms": 1, "world": []}),
    json.dumps({"here_s": 1, "there_ms": 1, "world": {"name": "x", "writes": 0, "version": 0}}),
]


@pytest.mark.parametrize("text", NO_WORLDS)
def test_a_file_that_is_no_world_is_said_to_be_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text(text)
    with pytest.raises(RecordError, match="move it away"), person(Hand(), path):
        pass
    assert path.read_text() == text


def test_a_world_that_cannot_be_kept_answers_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "no/such/w.json"
    with (
        pytest.raises(RecordError, match="cannot be written"),
        person(Hand(), missing) as told,
    ):
        set_quota(told, "shop")


def test_what_runs_there_is_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.with_name("world.json.new").touch(0o644)
    with person(Hand(), path):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
