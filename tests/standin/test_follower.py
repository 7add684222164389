import pytest

from reconciler.standin.door import Door, Elsewhere
from reconciler.standin.follower import NOT_READY, WITHOUT_STORAGE, Follower
from reconciler.standin.web import TJSON
from reconciler.thrift.calls import METHODS, decode_reply, encode_call
from reconciler.thrift.structs import Response, ResponseCode
from tests.standin.scene import T0_MS

INSISTING = {"content-type": TJSON, "bypass-leader-redirect": "yes"}


def asked(method: str) -> Response:
    door = Door(Follower("here", (), T0_MS), None, Elsewhere("other:8081"))
    answer = door.answer("POST", "/api", INSISTING, encode_call(method, 1))
    return decode_reply(answer.body, method)


@pytest.mark.parametrize("method", sorted(METHODS.keys() - WITHOUT_STORAGE))
def test_one_who_does_not_lead_has_no_storage(method: str) -> None:
    found = asked(method)
    assert found.responseCode is ResponseCode.ERROR_TRANSIENT
    assert [detail.message for detail in found.details or ()] == [NOT_READY]
    assert found.serverInfo is not None
    assert found.serverInfo.clusterName == "here"


def test_what_needs_no_storage_is_answered_by_anyone() -> None:
    assert asked("getTierConfigs").responseCode is ResponseCode.OK
    assert asked("populateJobConfig").responseCode is ResponseCode.ERROR


PAGES = {"/quotas": 500, "/agents": 500, "/tiers": 200, "/offers": 200, "/vars": 200}


@pytest.mark.parametrize("path", PAGES)
def test_so_it_is_with_pages(path: str) -> None:
    door = Door(Follower("here", (), T0_MS), None, Elsewhere("other:8081"))
    assert door.answer("GET", path, INSISTING, b"").status == PAGES[path]
