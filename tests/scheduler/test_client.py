"""What comes back of a call: a reply of our cluster that carries what it should, or a reason."""

from typing import Any

import pytest

from reconciler.model.live import Unknown
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome
from reconciler.scheduler.client import Client, Invalid
from reconciler.scheduler.http import Silence
from reconciler.scheduler.port import Silent
from reconciler.thrift import calls
from reconciler.thrift.calls import JobsReply
from reconciler.thrift.structs import (
    GetTierConfigResult,
    ResponseCode,
    Result,
    ScheduleStatusResult,
    ServerInfo,
)
from tests.scheduler.doors import EMPTY, REFUSED_CONNECTION, TIMEOUT, ScriptedDoor, coded, ok
from tests.support.builders import CLUSTER
from tests.support.plans import a_kill, an_act
from tests.support.recordings import https

C = ResponseCode
ELSEWHERE = ServerInfo(clusterName="eu1", statsUrlPrefix="")
TIERS = ok(Result(getTierConfigResult=GetTierConfigResult()))
KILL = an_act(a_kill())


def asked(*answers: Any) -> tuple[GetTierConfigResult | Invalid | Unknown, ScriptedDoor]:
    door = ScriptedDoor(getTierConfigs=list(answers))
    return Client(door, CLUSTER).ask("getTierConfigs", GetTierConfigResult), door


READS: dict[str, tuple[Any, type[Any], str]] = {
    "as it should be": (TIERS, GetTierConfigResult, ""),
    "of another cluster": (
        ok(TIERS.result, server=ELSEWHERE),
        Unknown,
        "the scheduler is of cluster 'eu1', not of 'dev'",
    ),
    "of nobody knows which cluster": (ok(TIERS.result, server=None), Unknown, "of cluster None"),
    "OK and empty": (ok(), Unknown, "OK, but without a result"),
    "OK with a result of another kind": (ok(EMPTY["getJobs"]), Unknown, "without a result"),
    "an error": (coded(C.ERROR), Unknown, "ERROR without a message"),
    "not ready": (coded(C.ERROR_TRANSIENT, "Storage is not READY"), Unknown, "not READY"),
    "no code": (coded(None), Unknown, "no code"),
    "invalid": (coded(C.INVALID_REQUEST, "Invalid tier"), Invalid, "Invalid tier"),
    "invalid elsewhere": (coded(C.INVALID_REQUEST, "no", server=ELSEWHERE), Unknown, "'eu1'"),
    "not permitted, which carries no name": (
        coded(C.AUTH_FAILED, "Subject x", server=None),
        Unknown,
        "not permitted: Subject x",
    ),
    "garbage": (b"<html>", Unknown, "scripted sent a reply to getTierConfigs that cannot"),
    "cut short": (
        calls.encode_reply("getTierConfigs", 1, TIERS)[:-4],
        Unknown,
        "http://scripted sent a reply to getTierConfigs that cannot be read: ",
    ),
    "an answer to something else": (
        calls.encode_reply("getJobs", 1, TIERS),
        Unknown,
        "asked getTierConfigs, answered 'getJobs'",
    ),
    "an exception": (
        calls.encode_exception("getTierConfigs", 1, "Invalid method name", 1),
        Unknown,
        "Invalid method name",
    ),
    "no answer": (TIMEOUT, Silent, "did not answer within 20 s, asked twice"),
    "an HTTP error": (Silence("answered with HTTP 500", sent=True), Unknown, "HTTP 500"),
}


@pytest.mark.parametrize("case", READS.values(), ids=READS)
def test_read_is_a_whole_reply_of_our_cluster_or_unknown(case: Any) -> None:
    answer, kind, words = case
    found, _ = asked(answer)
    assert type(found) is kind
    assert words in str(found)


AGAIN: dict[str, tuple[Any, int]] = {
    "silence": (TIMEOUT, 2),
    "garbage": (b"<html>", 2),
    "not ready": (coded(C.ERROR_TRANSIENT, "no"), 2),
    "a refused login, which locks accounts": (Silence("401", sent=False, denied=True), 1),
    "an error": (coded(C.ERROR), 1),
    "another cluster": (ok(TIERS.result, server=ELSEWHERE), 1),
}


@pytest.mark.parametrize("case", AGAIN.values(), ids=AGAIN)
def test_read_is_asked_again_once_where_that_may_help(case: Any) -> None:
    answer, times = case
    found, door = asked(answer, TIERS)
    assert len(door.calls) == times
    assert isinstance(found, GetTierConfigResult) == (times == 2)


def jobs(answer: Any) -> JobsReply | Unknown:
    return Client(ScriptedDoor(getJobs=answer), CLUSTER).jobs()


JOBS: dict[str, tuple[Any, str]] = {
    "without a result": (ok(), "OK, but without jobs to tell"),
    "with a result of another kind": (ok(TIERS.result), "without jobs to tell"),
    "of another cluster": (ok(EMPTY["getJobs"], server=ELSEWHERE), "of cluster 'eu1'"),
    "an error": (coded(C.ERROR, "boom"), "boom"),
    "invalid": (coded(C.INVALID_REQUEST, "boom"), "boom"),
    "garbage": (b"[1]", "http://scripted sent a reply to getJobs that cannot be read: "),
    "silence": (TIMEOUT, "did not answer"),
}


@pytest.mark.parametrize("case", JOBS.values(), ids=JOBS)
def test_jobs_that_were_not_told_are_not_no_jobs(case: Any) -> None:
    answer, words = case
    found = jobs(answer)
    assert isinstance(found, Unknown)
    assert words in found.why


def test_cluster_without_jobs_says_so() -> None:
    found = jobs(ok(EMPTY["getJobs"]))
    assert isinstance(found, JobsReply)
    assert found.configs == ()


DENIED = Silence("401", sent=False, denied=True)
WRITES: dict[str, tuple[Any, type[Outcome], str]] = {
    "done": (ok(), Applied, ""),
    "reply lost": (TIMEOUT, Indeterminate, "did not answer"),
    "never arrived": (REFUSED_CONNECTION, Deferred, "cannot be reached"),
    "login refused": (DENIED, Deferred, "401"),
    "HTTP 500": (Silence("HTTP 500", sent=True), Indeterminate, "500"),
    "garbage": (b"<html>", Indeterminate, "cannot be read"),
    "an exception": (
        calls.encode_exception("killTasks", 1, "Internal error", 6),
        Indeterminate,
        "Internal error",
    ),
    "carried out by another cluster": (ok(server=ELSEWHERE), Indeterminate, "of cluster 'eu1'"),
    "carried out by nobody knows whom": (ok(server=None), Indeterminate, "of cluster None"),
    "not permitted, which carries no name": (
        coded(C.AUTH_FAILED, "Subject x", server=None),
        Deferred,
        "not permitted: Subject x",
    ),
}


@pytest.mark.parametrize("case", WRITES.values(), ids=WRITES)
def test_write_is_sent_once_and_its_loss_is_not_taken_for_a_refusal(case: Any) -> None:
    answer, kind, words = case
    door = ScriptedDoor(killTasks=answer)
    found = Client(door, CLUSTER).tell(KILL, "t", "killTasks")
    assert type(found) is kind
    assert words in str(found)
    assert door.writes == [True]


def test_recorded_auth_failure_carries_no_server_info_and_means_just_that() -> None:
    (reply,) = [h.reply for h in https("doors") if h.http_call.startswith("write of a user with")]
    assert calls.decode_reply(reply, "startJobUpdate").serverInfo is None
    found = Client(ScriptedDoor(startJobUpdate=reply), "local").tell(KILL, "t", "startJobUpdate")
    assert isinstance(found, Deferred)
    assert "not permitted: Subject ksweeney is not permitted" in found.why


def test_calls_are_counted_by_method() -> None:
    client = Client(ScriptedDoor(), CLUSTER)
    client.jobs()
    client.ask("getTasksStatus", ScheduleStatusResult)
    client.ask("getTasksStatus", ScheduleStatusResult)
    assert client.calls == {"getJobs": 1, "getTasksStatus": 2}
