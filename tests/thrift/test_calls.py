"""The table of RPCs against api.thrift, where a wrong id means the whole job."""

import pytest

from reconciler.thrift import calls
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    ACTIVE_UPDATE_STATES,
    TERMINAL_STATES,
    TERMINAL_UPDATE_STATES,
    JobUpdateStatus,
    Response,
    Result,
    ScheduleStatus,
)

# Of api.thrift, those that do not simply count from 1.
IRREGULAR = {
    "descheduleCronJob": {"job": 4},
    "startCronJob": {"job": 4},
    "restartShards": {"job": 5, "shardIds": 3},
    "killTasks": {"job": 4, "instances": 5, "message": 6},
    "addInstances": {"key": 3, "count": 4},
    "startJobUpdate": {"request": 1, "message": 3},
    "pauseJobUpdate": {"key": 1, "message": 3},
    "resumeJobUpdate": {"key": 1, "message": 3},
    "abortJobUpdate": {"key": 1, "message": 3},
    "rollbackJobUpdate": {"key": 1, "message": 2},
}


def test_arguments_count_from_one_but_for_those_that_do_not() -> None:
    for name, method in calls.METHODS.items():
        ids = {p.name: p.field_id for p in method.params}
        regular = {p.name: i for i, p in enumerate(method.params, start=1)}
        assert ids == IRREGULAR.get(name, regular), name


def test_the_three_services_have_the_methods_of_api_thrift() -> None:
    manager = calls.METHODS.keys() - calls.READ_ONLY_METHODS - calls.ADMIN_METHODS
    assert (len(calls.READ_ONLY_METHODS), len(manager), len(calls.ADMIN_METHODS)) == (13, 14, 18)
    assert {n for n in calls.METHODS if n.startswith("get")} <= calls.READ_ONLY_METHODS
    assert "populateJobConfig" in calls.READ_ONLY_METHODS
    assert {"killTasks", "startJobUpdate", "createJob"} <= manager
    assert {"setQuota", "pruneTasks", "forceTaskState"} <= calls.ADMIN_METHODS


def test_every_result_is_a_member_of_the_union_of_results() -> None:
    named = {m.result for m in calls.METHODS.values() if m.result is not None}
    assert named == set(Result.__struct_fields__)


def test_an_argument_that_is_none_is_not_sent() -> None:
    assert calls.encode_call("getJobs", 0, ownerRole=None) == b'[1,"getJobs",1,0,{}]'
    assert calls.encode_call("getJobs", 0) == b'[1,"getJobs",1,0,{}]'
    assert calls.decode_call(b'[1,"getJobs",1,0,{}]').args == {"ownerRole": None}


def test_an_argument_that_no_method_has_is_our_own_fault() -> None:
    with pytest.raises(AssertionError, match="killTasks has no argument"):
        calls.encode_call("killTasks", 0, shardIds=(1,))


def test_a_server_reads_a_call_whatever_its_message_type_says() -> None:
    for message_type in (1, 2, 3, 4):
        call = calls.decode_call(f'[1,"getJobs",{message_type},5,{{}}]'.encode())
        assert (call.method, call.message_type, call.seqid) == ("getJobs", message_type, 5)


def test_a_method_that_aurora_does_not_have_is_known_by_its_name() -> None:
    with pytest.raises(calls.UnknownMethod) as raised:
        calls.decode_call(b'[1,"dropJobs",1,9,{}]')
    assert (raised.value.method, raised.value.seqid) == ("dropJobs", 9)


def test_an_exception_tells_of_itself_even_without_words() -> None:
    data = calls.encode_exception("getJobs", 1, "", calls.INTERNAL_ERROR)
    with pytest.raises(calls.ApplicationError, match="exception 6"):
        calls.decode_reply(data, "getJobs")


def test_a_reply_is_read_whatever_its_number() -> None:
    """One message travels per HTTP exchange: there is no other call that it could answer."""
    data = calls.encode_reply("getJobs", 77, Response())
    assert calls.decode_reply(data, "getJobs") == Response()


def test_the_states_of_tasks_and_updates_are_either_active_or_at_an_end() -> None:
    assert frozenset(ScheduleStatus) == ACTIVE_STATES | TERMINAL_STATES | {ScheduleStatus.INIT}
    assert {s.name for s in TERMINAL_STATES} == {"FINISHED", "FAILED", "KILLED", "LOST"}
    assert frozenset(JobUpdateStatus) == ACTIVE_UPDATE_STATES | TERMINAL_UPDATE_STATES
    assert len(ACTIVE_UPDATE_STATES) == 6
    assert ACTIVE_UPDATE_STATES.isdisjoint(TERMINAL_UPDATE_STATES)
