import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.standin.auth import BadCredentials, Users, implies
from reconciler.standin.configs import Rules
from reconciler.standin.door import Door, Elsewhere
from reconciler.standin.servlet import UNSECURE
from reconciler.standin.web import BINARY, JSON, TJSON, Answer, as_json
from reconciler.thrift import binary_calls
from reconciler.thrift.calls import (
    CALL,
    METHODS,
    ApplicationError,
    decode_reply,
    encode_call,
)
from reconciler.thrift.structs import (
    Container,
    DockerContainer,
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
    TaskQuery,
)
from tests.standin.raw import headers_of, line_of
from tests.standin.scene import Scene, a_config
from tests.standin.users import EXAMPLE_USERS
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

    def page(self, path: str, query: Mapping[str, str]) -> Answer | None:
        return as_json([path, dict(query)]) if path == "/quotas" else None


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


@pytest.mark.parametrize("exchange", https("doors"), ids=lambda e: e.http_call)
def test_the_door_opens_as_recorded(exchange: Http) -> None:
    if exchange.sent.get("method") == "GET" and exchange.sent.get("path") not in DOORS_OWN:
        return
    method, path = line_of(exchange)
    found = Door(Recorder(), EXAMPLE_USERS).answer(
        method, path, headers_of(exchange), exchange.body
    )
    told = {name.lower(): value for name, value in found.headers.items()}
    assert (found.status, told) == (exchange.http, dict(exchange.headers))
    if refused(exchange.reply) or not exchange.reply.startswith((b"[", b"<", b"\x80")):
        assert found.body == exchange.reply


# The other pages are those of what is behind it.
DOORS_OWN = (None, "/health", "/leaderhealth")


def refused(reply: bytes) -> bool:
    """Tell whether a recorded reply was the door's own, which has no server's name in it."""
    return reply.startswith(b"[1,") and b'"5":{"rec"' not in reply


def test_the_recording_has_replies_of_the_door_itself() -> None:
    assert sum(refused(e.reply) for e in https("doors")) == 3


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


def test_tasks_without_an_executor_cannot_be_told_without_its_data() -> None:
    rules = Rules(container_types=frozenset({"docker", "mesos"}), docker_needs_executor=False)
    scene = Scene(rules=rules)
    docker = Container(docker=DockerContainer(image="busybox"))
    scene.create(a_config(container=docker, executorConfig=None))
    door, query = Door(scene.aurora, None), TaskQuery(role="www")
    told = encode_call("getTasksWithoutConfigs", CALL, query=query)
    found = door.answer("POST", "/api", {}, told)
    assert (found.status, b"ExecutorConfig.unsetData()" in found.body) == (500, True)
    told = encode_call("getTasksStatus", CALL, query=query)
    assert response(door.answer("POST", "/api", {}, told), "getTasksStatus").result is not None


def test_what_thrift_cannot_write_is_a_fault_of_the_server() -> None:
    task = TaskConfig(container=Container())
    result = Result(populateJobResult=PopulateJobResult(taskConfig=task))
    behind = Recorder(Response(responseCode=ResponseCode.OK, result=result))
    assert ask("populateJobConfig", behind=behind).status == 500


# --- how messages are written


TYPES: dict[str, tuple[str | None, int]] = {
    "none": (None, 200),
    "TJSON": (TJSON, 200),
    "TJSON in capitals": ("Application/VND.Apache.Thrift.JSON", 200),
    "TJSON with its charset": (f"{TJSON}; charset=UTF-8", 200),
    "TJSON with its charset in quotes": (f'{TJSON};charset="utf-8"', 200),
    "TJSON with another charset": (f"{TJSON}; charset=ascii", 415),
    "TJSON with something else": (f"{TJSON}; charset=utf-8; q=1", 415),
    "JSON": (JSON, 200),
    "JSON with a charset": (f"{JSON}; charset=utf-8", 415),
    "another one": ("text/plain", 415),
    "binary": (BINARY, 500),
    "binary with a charset": (f"{BINARY}; charset=utf-8", 415),
    "no type": ("json", 500),
    "two types": (f"{TJSON}, {BINARY}", 500),
    "a type without an end": (f"{TJSON};", 500),
    "any type of one kind": ("*/json", 500),
}


@pytest.mark.parametrize("name", TYPES)
def test_the_type_of_a_request_says_how_it_is_read(name: str) -> None:
    told, status = TYPES[name]
    headers = {} if told is None else {"content-type": told}
    body = encode_call("getJobs", CALL)
    found = Door(Recorder(), None).answer("POST", "/api", headers, body)
    assert found.status == status
    if status == 415:
        assert found.body.decode() == f"Unsupported Content-Type: {told}"


ACCEPTED = {
    "nothing": (None, TJSON),
    "anything": ("*/*", TJSON),
    "JSON": (JSON, TJSON),
    "binary": (BINARY, BINARY),
    "binary in capitals": (BINARY.upper(), BINARY),
    "binary among others": (f"{BINARY}, */*", TJSON),
    "binary with a weight": (f"{BINARY};q=0.5", TJSON),
    "what is no type": ("binary", TJSON),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_accepted_says_how_the_answer_is_written(name: str) -> None:
    told, want = ACCEPTED[name]
    headers = {} if told is None else {"accept": told}
    for sent, ctype in ((encode_call, TJSON), (binary_calls.encode_call, BINARY)):
        door = Door(Recorder(), None)
        asked = {**headers, "content-type": ctype}
        found = door.answer("POST", "/api", asked, sent("getJobs", CALL))
        decode = binary_calls.decode_reply if want == BINARY else decode_reply
        assert found.headers["Content-Type"] == want
        assert decode(found.body, "getJobs") == OK


def test_what_cannot_be_called_is_told_in_the_protocol_that_is_accepted() -> None:
    door = Door(Recorder(), EXAMPLE_USERS)
    headers = {"content-type": BINARY, "accept": BINARY}
    call = binary_calls.encode_call("getJobs", 5, ownerRole="www")
    for sent, type_, words in (
        (call.replace(b"getJobs", b"getNuts"), 1, "Invalid method name: 'getNuts'"),
        (call.replace(b"\0\0\0\3www", b"\xff\xff\xff\xff"), 7, "Negative length: -1"),
    ):
        found = door.answer("POST", "/api", headers, sent)
        with pytest.raises(ApplicationError) as raised:
            binary_calls.decode_reply(found.body, "getNuts" if type_ == 1 else "getJobs")
        assert (found.status, raised.value.type, raised.value.message) == (200, type_, words)
    write = binary_calls.encode_call("killTasks", 5, job=KEY)
    found = door.answer("POST", "/api", headers, write)
    assert (found.status, found.headers["Content-Type"]) == (401, BINARY)


def test_a_get_with_a_body_is_a_call_too() -> None:
    door = Door(Recorder(), None)
    assert door.answer("GET", "/api", {}, encode_call("getJobs", CALL)).status == 200
    assert door.answer("HEAD", "/api", {}, b"").status == 500


# --- pages


def test_a_page_is_only_looked_at() -> None:
    door = Door(Recorder(), EXAMPLE_USERS)
    found = door.answer("GET", "/quotas?role=www&x", {}, b"")
    assert found.body == b'["/quotas",{"role":"www","x":""}]'
    assert door.answer("HEAD", "/quotas", {}, b"").status == 200
    allowed = {"Allow": "HEAD, GET, OPTIONS"}
    for method in ("POST", "PUT", "DELETE"):
        assert door.answer(method, "/quotas", {}, b"") == Answer(405, allowed)
    told = {**allowed, "Content-Type": "text/plain;charset=utf-8"}
    assert door.answer("OPTIONS", "/quotas", {}, b"") == Answer(200, told, b"HEAD, GET, OPTIONS")
    for path in ("/", "/quotas/x", "/nothing", "/api/"):
        assert door.answer("GET", path, {}, b"").status == 404


@pytest.mark.parametrize("page", ["/health", "/leaderhealth", "/quotas"])
def test_a_slash_at_the_end_of_a_page_is_nothing(page: str) -> None:
    door = Door(Recorder(), None)
    plain = door.answer("GET", page + "?role=www", {}, b"")
    assert plain.status == 200
    assert door.answer("GET", page + "/?role=www", {}, b"") == plain


# --- who leads

ELSEWHERE = Elsewhere("other:8081")


def test_one_who_does_not_lead_sends_on_what_only_the_leader_answers() -> None:
    door = Door(Recorder(), EXAMPLE_USERS, ELSEWHERE)
    call = encode_call("getJobs", CALL)
    for path in ("/api", "/api?x=1", "/apibeta/getJobs", "/quotas?role=www", "/slaves"):
        found = door.answer("POST", path, {}, call)
        assert (found.status, found.body) == (307, b"")
        assert found.headers == {"Location": f"http://other:8081{path}"}
    assert door.answer("GET", "/health", {}, b"").status == 200
    assert door.answer("GET", "/nothing", {}, b"").status == 404
    wrong = {"Authorization": "Basic !!!"}
    assert door.answer("POST", "/api", wrong, call).status == 401


def test_who_insists_is_answered_by_one_who_does_not_lead() -> None:
    behind = Recorder()
    door = Door(behind, None, ELSEWHERE)
    headers = {"Bypass-Leader-Redirect": ""}
    assert door.answer("POST", "/api", headers, encode_call("getJobs", CALL)).status == 200
    assert [method for method, _, _ in behind.seen] == ["getJobs"]


def test_without_a_leader_nobody_answers() -> None:
    door = Door(Recorder(), None, Elsewhere(None))
    found = door.answer("POST", "/api", {}, encode_call("getJobs", CALL))
    assert (found.status, found.headers) == (503, {})


LEADERS = {
    "we lead": (None, 200, "Current status: This is the leading scheduler."),
    "another one leads": (
        ELSEWHERE,
        503,
        "Current status: Another instance is the leading scheduler.",
    ),
    "nobody leads": (
        Elsewhere(None),
        502,
        "Current status: There is no leading scheduler or the leader is unknown.",
    ),
}


@pytest.mark.parametrize("name", LEADERS)
def test_a_balancer_can_ask_who_leads(name: str) -> None:
    elsewhere, status, words = LEADERS[name]
    found = Door(Recorder(), None, elsewhere).answer("GET", "/leaderhealth", {}, b"")
    assert (found.status, found.body.decode().splitlines()[0]) == (status, words)
