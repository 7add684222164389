"""The stand-in, held to what a real scheduler said; and the comparison, to what it must notice."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.thrift.calls import REPLY, decode_reply, encode_reply
from reconciler.thrift.structs import JobUpdateStatus, ThriftStruct, Union
from tests.standin.compare import Ids, differences
from tests.standin.replay import replay, roles_of
from tests.standin.trees import UUID, reply_tree
from tests.support.recordings import Rpc, conversation, rpcs

# Every recording that the stand-in meets in full.
REPLAYED = (
    "add_instances",
    "adhoc",
    "ask",
    "busy",
    "canary",
    "change_rolls",
    "control",
    "create_service",
    "cron",
    "cron_meets",
    "doors",
    "failing_rolls_back",
    "failing_stays",
    "flapping",
    "heartbeats",
    "history",
    "kills",
    "lost_again",
    "lost_hosts",
    "maintenance",
    "pending",
    "pulses",
    "queries",
    "quota",
    "random_jobs_1",
    "random_jobs_2",
    "random_jobs_3",
    "random_updates_1",
    "random_updates_2",
    "refusals",
    "restarts",
    "rollback_fails",
    "scale",
    "strategies",
    "stuck",
    "unchanged",
)


@pytest.mark.parametrize("name", REPLAYED)
def test_the_stand_in_answers_as_recorded(name: str) -> None:
    held = replay(name)
    assert held.exchanges == len(conversation(name)[1])
    assert not held.mismatches, "\n".join(map(str, held.mismatches))


@pytest.mark.parametrize(
    "name", ["control", "cron", "flapping", "lost_hosts", "pulses", "strategies"]
)
def test_the_stand_in_forgets_nothing_in_a_file(name: str) -> None:
    held = replay(name, kept=True)
    assert not held.mismatches, "\n".join(map(str, held.mismatches))


# --- the comparison


def compared(rpc: Rpc, ours: bytes, scenario: str, ids: Ids | None = None) -> tuple[str, ...]:
    roles, t0_ms = roles_of(scenario), conversation(scenario)[0].t0_ms
    now_ms = t0_ms + rpc.at_ms
    recorded = reply_tree(rpc.call, rpc.reply, roles, now_ms)
    return differences(recorded, reply_tree(rpc.call, ours, roles, now_ms), ids or Ids(), t0_ms)


def recorded(scenario: str, at_ms: int) -> Rpc:
    (found,) = (rpc for rpc in rpcs(scenario) if rpc.at_ms == at_ms)
    return found


def changed(rpc: Rpc, old: str, new: str) -> bytes:
    """Return the recorded reply with one text in it replaced, wherever it is."""
    reply = rpc.reply.decode()
    assert old in reply, old
    return reply.replace(old, new).encode()


def reshaped(rpc: Rpc, change: Callable[[Any], Any]) -> bytes:
    """Return the recorded reply with a change made to every struct in it, from the inside out."""

    def walk(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(walk, value))
        if isinstance(value, ThriftStruct | Union):
            parts = {name: walk(getattr(value, name)) for name in value.__struct_fields__}
            return change(type(value)(**parts))
        return value

    return encode_reply(rpc.call, REPLY, walk(decode_reply(rpc.reply, rpc.call)))


FINAL_DETAILS = ("change_rolls", 5238)
TASKS = ("create_service", 2006)
REFUSED = ("quota", 11)
SUMMARY = ("create_service", 2024)

NOTICED: dict[str, tuple[tuple[str, int], Callable[[Rpc], bytes]]] = {
    "another word in a message": (
        REFUSED,
        lambda rpc: changed(rpc, "Insufficient resource quota", "Insufficient quota"),
    ),
    "another amount in a message": (REFUSED, lambda rpc: changed(rpc, "4.00", "5.00")),
    "another response code": (
        REFUSED,
        lambda rpc: changed(rpc, '{"0":{"rec":{"1":{"i32":0}', '{"0":{"rec":{"1":{"i32":2}'),
    ),
    "no server info": (
        REFUSED,
        lambda rpc: changed(rpc, '"5":{"rec":{"1":{"str":"local"},"3":{"str":""}}},', ""),
    ),
    "a field that is not there": (TASKS, lambda rpc: changed(rpc, '"3":{"i32":0},', "")),
    "a field that was not there": (
        TASKS,
        lambda rpc: changed(rpc, '"3":{"i32":0},', '"3":{"i32":0},"5":{"str":"x"},'),
    ),
    "no host": (TASKS, lambda rpc: re.sub(rb'"3":\{"str":"slave-\d-hostname"\},', b"", rpc.reply)),
    "another host than was asked for": (
        ("lost_hosts", 1780),
        lambda rpc: changed(rpc, '"3":{"str":"slave-4', '"3":{"str":"slave-1'),
    ),
    "another name of a port": (TASKS, lambda rpc: changed(rpc, '{"http":4', '{"admin":4')),
    "another state on the way": (
        TASKS,
        # STARTING, which all of them went through, as if it had been ASSIGNED again.
        lambda rpc: changed(
            rpc, '"2":{"i32":1},"3":{"str":"Init', '"2":{"i32":9},"3":{"str":"Init'
        ),
    ),
    "another message of an event": (
        TASKS,
        lambda rpc: changed(rpc, "Initializing sandbox.", "Initializing."),
    ),
    "another range of instances": (
        SUMMARY,
        lambda rpc: changed(rpc, '"2":{"i32":2}}]}}]', '"2":{"i32":3}}]}}]'),
    ),
    "another final state": (FINAL_DETAILS, lambda rpc: reshaped(rpc, _rolled_back)),
    "an event of an instance that is missing": (
        FINAL_DETAILS,
        lambda rpc: reshaped(rpc, _without_an_event),
    ),
    "instances in another order": (FINAL_DETAILS, lambda rpc: reshaped(rpc, _backwards)),
    "a step that took no time": (FINAL_DETAILS, lambda rpc: reshaped(rpc, _at_once)),
    "a time of creation that no event has": (
        FINAL_DETAILS,
        lambda rpc: reshaped(rpc, _created_before),
    ),
}


def _differs(value: Any, kind: str, **fields: Any) -> Any:
    parts = {name: getattr(value, name) for name in value.__struct_fields__}
    return type(value)(**parts | fields) if type(value).__name__ == kind else value


def _rolled_back(value: Any) -> Any:
    return _differs(value, "JobUpdateState", status=JobUpdateStatus.ROLLED_BACK)


def _without_an_event(value: Any) -> Any:
    events = getattr(value, "instanceEvents", None) or ()
    return _differs(value, "JobUpdateDetails", instanceEvents=events[:-1])


def _backwards(value: Any) -> Any:
    if type(value).__name__ != "JobInstanceUpdateEvent":
        return value
    return _differs(value, "JobInstanceUpdateEvent", instanceId=2 - value.instanceId)


def _at_once(value: Any) -> Any:
    events = getattr(value, "instanceEvents", None) or ()
    first = events[0].timestampMs if events else 0
    quick = tuple(_differs(e, "JobInstanceUpdateEvent", timestampMs=first) for e in events)
    return _differs(value, "JobUpdateDetails", instanceEvents=quick)


def _created_before(value: Any) -> Any:
    if type(value).__name__ != "JobUpdateState":
        return value
    return _differs(value, "JobUpdateState", createdTimestampMs=value.createdTimestampMs - 1)


@pytest.mark.parametrize("name", NOTICED)
def test_a_difference_is_noticed(name: str) -> None:
    (scenario, at_ms), change = NOTICED[name]
    rpc = recorded(scenario, at_ms)
    ours = change(rpc)
    assert ours != rpc.reply
    assert compared(rpc, rpc.reply, scenario) == ()
    assert compared(rpc, ours, scenario) != ()


def fresh(reply: bytes) -> bytes:
    """Return a reply with other ids, each in place of one."""
    ids: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        return ids.setdefault(found[0], f"{len(ids):08x}-0000-4000-8000-000000000000")

    return UUID.sub(other, reply.decode()).encode()


def _shifted(value: Any) -> Any:
    moved = {
        name: held + 90
        for name in ("timestamp", "timestampMs", "createdTimestampMs", "lastModifiedTimestampMs")
        if (held := getattr(value, name, None)) is not None
    }
    return _differs(value, type(value).__name__, **moved) if moved else value


def _reversed_sets(value: Any) -> Any:
    names = ("resources", "groups", "configs", "initialState", "metadata")
    turned = {name: tuple(reversed(held)) for name in names if (held := getattr(value, name, None))}
    return _differs(value, type(value).__name__, **turned) if turned else value


MEANINGLESS: dict[str, tuple[tuple[str, int], Callable[[Rpc], bytes]]] = {
    "other ids": (TASKS, lambda rpc: fresh(rpc.reply)),
    "another host": (TASKS, lambda rpc: changed(rpc, "slave-4", "slave-1")),
    "another port": (TASKS, lambda rpc: re.sub(rb'"http":4\d+', b'"http":1', rpc.reply)),
    "a little later": (FINAL_DETAILS, lambda rpc: reshaped(rpc, _shifted)),
    "sets in another order": (TASKS, lambda rpc: reshaped(rpc, _reversed_sets)),
    "what is missing in another order": (
        REFUSED,
        lambda rpc: changed(
            rpc,
            "disk quota exceeded by 1024.00 MB; RAM quota exceeded by 1024.00 MB; CPU quota "
            "exceeded by 4.00 core(s)",
            "CPU quota exceeded by 4.00 core(s); RAM quota exceeded by 1024.00 MB; disk quota "
            "exceeded by 1024.00 MB",
        ),
    ),
}


@pytest.mark.parametrize("name", MEANINGLESS)
def test_what_has_no_meaning_is_no_difference(name: str) -> None:
    (scenario, at_ms), change = MEANINGLESS[name]
    rpc = recorded(scenario, at_ms)
    ours = change(rpc)
    assert ours != rpc.reply
    assert compared(rpc, ours, scenario) == ()


def test_a_task_has_its_host_or_not_only_while_it_is_young() -> None:
    rpc = recorded("create_service", 128)
    roles, t0_ms = roles_of("create_service"), conversation("create_service")[0].t0_ms

    def shown(at_ms: int) -> list[str]:
        tree = reply_tree(rpc.call, rpc.reply, roles, t0_ms + at_ms)
        return [task["status"] for task in tree["result"]["scheduleStatusResult"]["tasks"]]

    assert shown(128) == ["PENDING", "PENDING"]
    assert shown(1128) == ["PENDING", "ASSIGNED"]


def test_of_two_that_failed_together_either_may_be_told() -> None:
    rpc = recorded("failing_rolls_back", 11756)
    told = "Latest failure: instance {} exited."
    assert compared(rpc, reshaped(rpc, _zero_and_one_swapped), "failing_rolls_back") == ()
    # But what is told has to go with what befell the instances, and with who they are.
    for other in (0, 5):
        ours = changed(rpc, told.format(1), told.format(other))
        assert compared(rpc, ours, "failing_rolls_back") != ()


def _zero_and_one_swapped(value: Any) -> Any:
    if type(value).__name__ == "JobInstanceUpdateEvent" and value.instanceId in (0, 1):
        return _differs(value, "JobInstanceUpdateEvent", instanceId=1 - value.instanceId)
    message = getattr(value, "message", None) or ""
    return _differs(value, "JobUpdateEvent", message=message.replace(" 1 ", " 0 ") or None)


def test_an_id_stands_for_one_id_everywhere() -> None:
    rpc = recorded(*TASKS)
    ids = Ids()
    assert compared(rpc, fresh(rpc.reply), TASKS[0], ids) == ()
    # Read again, the same tasks must have the ids that they had.
    assert compared(rpc, fresh(rpc.reply), TASKS[0], ids) == ()
    assert compared(rpc, rpc.reply, TASKS[0], ids) != ()


def test_two_ids_do_not_stand_for_one() -> None:
    rpc = recorded(*TASKS)
    same = UUID.sub("00000000-0000-4000-8000-000000000000", rpc.reply.decode()).encode()
    assert compared(rpc, same, TASKS[0]) != ()


def test_a_recorded_id_is_replaced_in_a_request() -> None:
    rpc = recorded(*TASKS)
    ids = Ids()
    compared(rpc, fresh(rpc.reply), TASKS[0], ids)
    assert ids.ours(rpc.reply) == fresh(rpc.reply)


def every_reply() -> Iterator[tuple[str, Rpc]]:
    for name in ("refusals", "cron", "control", "history"):
        for rpc in rpcs(name):
            yield name, rpc


def test_every_reply_equals_itself() -> None:
    for name, rpc in every_reply():
        assert compared(rpc, rpc.reply, name) == (), f"{name}@{rpc.at_ms}"
