import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.standin.auth import EXAMPLE_USERS, BadCredentials, Users, implies
from reconciler.standin.door import TJSON, UNSECURE, Answer, Door
from reconciler.thrift.calls import (
    CALL,
    METHODS,
    decode_reply,
    encode_call,
)
from reconciler.thrift.structs import (
    Container,
    InstanceKey,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    JobUpdateRequest,
    PopulateJobResult,
    Response,
    ResponseCode,
    Result,
    ServerInfo,
    TaskConfig,
)
from tests.support.recordings import Http, https

OK = Response(responseCode=ResponseCode.OK, serverInfo=ServerInfo(clusterName="local"), details=())
KEY = JobKey(role="www", environment="prod", name="web")


@dataclass
class Recorder:
    """What is behind the door here: it keeps what reaches it, and answers what it was given."""

    response: Response = OK
    seen: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)

    def call(self, method: str, args: Mapping[str, Any], user: str) -> Response:
        self.seen.append((method, args, user))
        return self.response


def login(user: str, password: str | None = None) -> dict[str, str]:
    word = EXAMPLE_USERS.passwords[user] if password is None else password
    token = base64.b64encode(f"{user}:{word}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def ask(
    method: str,
    user: str | None = "root",
    users: Users | None = EXAMPLE_USERS,
    behind: Recorder | None = None,
    **args: Any,
) -> Answer:
    headers = {"Content-Type": TJSON} | ({} if user is None else login(user))
    door = Door(behind or Recorder(), users)
    return door.answer("POST", "/api", headers, encode_call(method, CALL, **args))


def response(answer: Answer, method: str) -> Response:
    assert answer.status == 200
    return decode_reply(answer.body, method)


# --- the recording


# The pages for people and the binary protocol are not imitated.
IMITATED = [
    e
    for e in https("doors")
    if not e.http_call.endswith(" page")
    and "binary" not in str(e.sent.get("accept")) + str(e.sent.get("ctype"))
]


@pytest.mark.parametrize("exchange", IMITATED, ids=lambda e: e.http_call)
def test_the_door_opens_as_recorded(exchange: Http) -> None:
    found = knock(exchange)
    told = {name.lower(): value for name, value in found.headers.items()}
    assert (found.status, told) == (exchange.http, dict(exchange.headers))
    if exchange.http != 500 and exchange.http != 405 and not exchange.reply.startswith(b"["):
        assert found.body[:40] == exchange.reply[:40]
    if exchange.reply.startswith(b"[") and refused(exchange.reply):
        assert found.body == exchange.reply


def knock(exchange: Http) -> Answer:
    sent = exchange.sent
    headers: dict[str, str] = dict(sent.get("headers", {}))
    ctype = sent.get("ctype", TJSON)
    headers |= {} if ctype is None else {"Content-Type": ctype}
    user = sent.get("user", "root")
    headers |= {} if user is None else login(user, sent.get("password"))
    method, path = sent.get("method", "POST"), sent.get("path", "/api")
    return Door(Recorder(), EXAMPLE_USERS).answer(method, path, headers, exchange.body)


def refused(reply: bytes) -> bool:
    """Tell whether a recorded reply was the door's own, which has no server's name in it."""
    return b"clusterName" not in reply and b'"5":{"rec"' not in reply


def test_the_recording_has_replies_of_the_door_itself() -> None:
    assert sum(1 for e in IMITATED if e.reply.startswith(b"[") and refused(e.reply)) == 3


# --- who may what


def test_without_users_anyone_is_unsecure_and_nothing_is_checked() -> None:
    behind = Recorder()
    for method, user in (("killTasks", None), ("setQuota", None), ("getJobs", "root")):
        assert response(ask(method, user, None, behind), method) == OK
    assert [user for _, _, user in behind.seen] == [UNSECURE] * 3


def test_a_reader_is_known_only_if_he_says_so() -> None:
    behind = Recorder()
    ask("getJobs", None, behind=behind)
    ask("getJobs", "ksweeney", behind=behind)
    assert [user for _, _, user in behind.seen] == [UNSECURE, "ksweeney"]


def test_whoever_is_refused_reaches_nothing() -> None:
    behind = Recorder()
    ask("killTasks", "ksweeney", behind=behind, job=KEY)
    ask("killTasks", None, behind=behind, job=KEY)
    ask("killTasks", "root", behind=behind)
    ask("snapshot", "wfarner", behind=behind)
    assert behind.seen == []


KEYED: dict[str, dict[str, Any]] = {
    "createJob": {"description": JobConfiguration(key=KEY)},
    "scheduleCronJob": {"description": JobConfiguration(key=KEY)},
    "replaceCronTemplate": {"config": JobConfiguration(key=KEY)},
    "descheduleCronJob": {"job": KEY},
    "startCronJob": {"job": KEY},
    "restartShards": {"job": KEY},
    "killTasks": {"job": KEY},
    "addInstances": {"key": InstanceKey(jobKey=KEY)},
    "startJobUpdate": {"request": JobUpdateRequest(taskConfig=TaskConfig(job=KEY))},
    "pauseJobUpdate": {"key": JobUpdateKey(job=KEY)},
    "resumeJobUpdate": {"key": JobUpdateKey(job=KEY)},
    "abortJobUpdate": {"key": JobUpdateKey(job=KEY)},
    "rollbackJobUpdate": {"key": JobUpdateKey(job=KEY)},
    "pulseJobUpdate": {"key": JobUpdateKey(job=KEY)},
}


@pytest.mark.parametrize("method", KEYED)
def test_every_write_is_allowed_by_its_job(method: str) -> None:
    who = "permittedJob=IJobKey{role=www, environment=prod, name=web}}."
    found = response(ask(method, "ksweeney", **KEYED[method]), method)
    assert found.responseCode == ResponseCode.AUTH_FAILED
    assert found.details is not None
    assert found.details[0].message is not None
    assert found.details[0].message.endswith(who)
    assert found.serverInfo is None
    assert response(ask(method, "wfarner", **KEYED[method]), method) == OK


@pytest.mark.parametrize("method", KEYED)
def test_a_write_without_a_job_is_refused_even_to_root(method: str) -> None:
    found = response(ask(method), method)
    assert found.responseCode == ResponseCode.INVALID_REQUEST
    assert found.details is not None
    assert found.details[0].message == "Missing or invalid job key from request."
    assert found.serverInfo is None


def test_every_write_is_in_one_of_the_groups() -> None:
    admin = {m for m in METHODS if m not in KEYED and not m.startswith(("get", "populate"))}
    assert len(admin) == 18
    for method in admin:
        found = response(ask(method, "wfarner"), method)
        assert found.responseCode == ResponseCode.AUTH_FAILED, method


PERMISSIONS = {
    "everything": ("*", "thrift.AuroraAdmin:setQuota", True),
    "a domain": ("thrift.AuroraAdmin", "thrift.AuroraAdmin:setQuota", True),
    "another domain": ("thrift.AuroraSchedulerManager:*", "thrift.AuroraAdmin:setQuota", False),
    "case does not matter": ("THRIFT.auroraadmin:SETQUOTA", "thrift.AuroraAdmin:setQuota", True),
    "one of two": ("a:b,c", "a:c", True),
    "none of two": ("a:b,c", "a:d", False),
    "jobs of a role": ("m:*:www", "m:killTasks:www:prod:web", True),
    "jobs of another role": ("m:*:www", "m:killTasks:ads:prod:web", False),
    "longer than what is asked": ("a:b:c", "a:b", False),
    "longer by anything": ("a:b:*", "a:b", True),
}


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_permission_covers_another(name: str) -> None:
    held, asked, want = PERMISSIONS[name]
    assert implies(held, asked) is want


CREDENTIALS = {
    "no colon": "Basic " + base64.b64encode(b"root").decode(),
    "not base64": "Basic !!!",
    "not text": "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    "nobody": "Basic " + base64.b64encode(b"nobody:").decode(),
    "nothing": "Basic ",
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_bad_credentials_are_not_those_of_nobody(name: str) -> None:
    with pytest.raises(BadCredentials):
        EXAMPLE_USERS.user(CREDENTIALS[name])


def test_a_colon_may_be_in_a_password() -> None:
    users = Users({"a": "b:c"}, {}, {})
    assert users.user("basic " + base64.b64encode(b"a:b:c").decode()) == "a"


# --- what cannot be said


def test_what_thrift_cannot_write_is_a_fault_of_the_server() -> None:
    task = TaskConfig(container=Container())
    result = Result(populateJobResult=PopulateJobResult(taskConfig=task))
    behind = Recorder(Response(responseCode=ResponseCode.OK, result=result))
    assert ask("populateJobConfig", behind=behind).status == 500


def test_a_query_is_not_part_of_the_path_and_other_json_is_refused() -> None:
    door = Door(Recorder(), None)
    plain = {"content-type": "application/json; charset=utf-8"}
    assert door.answer("POST", "/api", plain, b"[]").status == 415
    assert door.answer("HEAD", "/api", {}, b"").status == 500
    assert door.answer("GET", "/", {}, b"").status == 404
