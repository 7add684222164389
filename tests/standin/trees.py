"""An answer as a tree of plain values, in which what has no meaning is gone or in order."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from reconciler.standin.hosts import Host
from reconciler.thrift.calls import ApplicationError, decode_reply
from reconciler.thrift.structs import ThriftStruct, Union

# A task so young may have been given a host already, or not yet.
YOUNG_MS = 100

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Which host, port and scheduler it was differs from run to run; that there is one does not. What a
# task asked of its host, the host has.
ANYTHING = frozenset({"slaveId", "scheduler"})
TIMES = frozenset({"timestamp", "timestampMs", "createdTimestampMs", "lastModifiedTimestampMs"})


class Time(int):
    """Milliseconds since the epoch, equal to another within the tolerance."""


class Unordered(list[Any]):
    """Values in an order that is only made for comparing."""


def reply_tree(call: str, reply: bytes, roles: frozenset[str], now_ms: int) -> Any:
    """Return what an answer of that moment says about the roles.

    Other conversations left theirs behind, which are not ours to compare.
    """
    try:
        tree = tree_of(decode_reply(reply, call))
    except ApplicationError as fault:
        return {"exception": {"message": fault.message, "type": fault.type}}
    return _only(_with_young_tasks(tree, now_ms), roles)


def without_a_choice(tree: Any) -> Any:
    """Return the answer to a query for a part of all tasks: which ones these are is arbitrary."""
    if isinstance(tree, dict):
        return {
            name: len(value) if name == "tasks" else without_a_choice(value)
            for name, value in tree.items()
        }
    return tree


def _with_young_tasks(tree: Any, now_ms: int) -> Any:
    """Return the tree with tasks that have just come and got a host as if they had none yet."""
    if isinstance(tree, dict):
        if _is_young(tree.get("taskEvents", ()), now_ms):
            return _unassigned(tree)
        return {name: _with_young_tasks(value, now_ms) for name, value in tree.items()}
    if isinstance(tree, list):
        return type(tree)(_with_young_tasks(item, now_ms) for item in tree)
    return tree


def _is_young(events: Sequence[dict[str, Any]], now_ms: int) -> bool:
    """Tell whether all that a task has done is to get a host, and was that at once."""
    if [event.get("status") for event in events] != ["PENDING", "ASSIGNED"]:
        return False
    return now_ms - int(events[0]["timestamp"]) < YOUNG_MS


def _unassigned(task: dict[str, Any]) -> dict[str, Any]:
    assigned = {k: v for k, v in task["assignedTask"].items() if k not in ("slaveId", "slaveHost")}
    return {
        **task,
        "status": "PENDING",
        "taskEvents": task["taskEvents"][:1],
        "assignedTask": {**assigned, "assignedPorts": {}},
    }


def _only(tree: Any, roles: frozenset[str]) -> Any:
    if isinstance(tree, dict):
        return {name: _only(value, roles) for name, value in tree.items()}
    if isinstance(tree, list):
        kept = (_only(item, roles) for item in tree if _role(item) in (None, *roles))
        return type(tree)(kept)
    return tree


def _role(item: Any) -> str | None:
    """Return the role of an element of a list of jobs, roles, tasks or updates."""
    if not isinstance(item, dict):
        return None
    for path in (
        ("role",),
        ("key", "role"),
        ("job", "key", "role"),
        ("key", "job", "role"),
        ("assignedTask", "task", "job", "role"),
        ("update", "summary", "key", "job", "role"),
    ):
        found: Any = item
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found
    return None


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    """Return the type of each field as it stands in an annotation of `structs`."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: get_args(get_args(hints[name])[0])[0] for name in hints}


def tree_of(value: Any) -> Any:
    """Return a struct as plain values, without what has no meaning."""
    if isinstance(value, ThriftStruct | Union):
        kind = type(value)
        found = {
            name: _field(name, held, _hints(kind)[name])
            for name in kind.__struct_fields__
            if (held := getattr(value, name)) is not None
        }
        return ARRANGED[kind.__name__](found) if kind.__name__ in ARRANGED else found
    if isinstance(value, IntEnum):
        return value.name
    return value


def _field(name: str, value: Any, hint: Any) -> Any:
    if name in ANYTHING:
        return "*"
    if name in TIMES:
        return Time(value)
    if name == "assignedPorts":
        return dict.fromkeys(value, "*")
    if name in WORDS:
        return WORDS[name](value)
    if get_origin(hint) is Annotated:
        mark = get_args(hint)[1]
        if mark == "set":
            return Unordered(sorted(map(tree_of, value), key=_order))
        if mark == "lst":
            return [tree_of(item) for item in value]
        if mark == "map":
            return dict(sorted(value.items()))
    return tree_of(value)


def _order(tree: Any) -> str:
    """Return a text to sort by that does not depend on ids and times."""
    text = json.dumps(tree, sort_keys=True, default=str)
    return UUID.sub("*", re.sub(r"\b1[789]\d{11}\b", "T", text))


@cache
def recorded_hosts() -> tuple[Host, ...]:
    """Return the hosts of the cluster that was recorded."""
    racks = {1: "a", 2: "a", 3: "b", 4: "b", 5: "c", 6: "c"}
    return tuple(_host(number, rack) for number, rack in racks.items())


def _host(number: int, rack: str) -> Host:
    name = f"slave-{number}-hostname"
    attributes = {"host": name, "rack": rack}
    ports = (40_000, 41_000)
    if number < 5:
        return Host(name, 16.0, 16_384.0, 102_400.0, ports, attributes)
    attributes["dedicated"] = "database"
    return Host(name, 24.0, 131_072.0, 1_867_776.0, ports, attributes)


def _assigned(task: dict[str, Any]) -> dict[str, Any]:
    """Of the host only that remains whether it is what the task asked for."""
    if "slaveHost" not in task:
        return task
    (host,) = (h for h in recorded_hosts() if h.name == task["slaveHost"])
    suits = {
        constraint["name"]: (host.attributes.get(constraint["name"]) in value["values"])
        is not value["negated"]
        for constraint in task.get("task", {}).get("constraints", ())
        if (value := constraint.get("constraint", {}).get("value")) is not None
    }
    return {**task, "slaveHost": suits or "*"}


def _tasks(result: dict[str, Any]) -> dict[str, Any]:
    def order(task: dict[str, Any]) -> tuple[str, int, int]:
        assigned = task.get("assignedTask", {})
        job = json.dumps(assigned.get("task", {}).get("job"))
        events = task.get("taskEvents") or [{"timestamp": 0}]
        return job, assigned.get("instanceId", -1), int(events[0]["timestamp"])

    return {**result, "tasks": Unordered(sorted(result.get("tasks", ()), key=order))}


def _details(details: dict[str, Any]) -> dict[str, Any]:
    """Instance events have an order within an instance only, and the state sums up all events."""
    updates, instances = details.get("updateEvents", []), details.get("instanceEvents", [])
    times = [event.get("timestampMs") for event in (*updates, *instances)]
    apart: dict[str, list[Any]] = {}
    for event in instances:
        apart.setdefault(str(event.get("instanceId")), []).append(event)
    state = details.get("update", {}).get("summary", {}).get("state", {})
    for name, pick in (("createdTimestampMs", min), ("lastModifiedTimestampMs", max)):
        if times and state.get(name) == pick(times):
            state[name] = f"the {pick.__name__} of all events"
    found = {**details, "instanceEvents": dict(sorted(apart.items()))}
    return found if "instanceEvents" in details else details


ARRANGED: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "AssignedTask": _assigned,
    "ScheduleStatusResult": _tasks,
    "JobUpdateDetails": _details,
}


def _message(text: str) -> str:
    """Return a message without what chance put into it, and with its sets in order."""
    text = re.sub(r"DEFAULT\.[0-9a-f]+-" + UUID.pattern, "DEFAULT.*", text)
    text = re.sub(r"penalized for \d+ ms", "penalized for * ms", text)
    head, quota, rest = text.partition("Insufficient resource quota: ")
    if quota:
        return head + quota + "; ".join(sorted(rest.split("; ")))
    return re.sub(r"(resource(?:s|Vectors)[=:][\[{])([^\]\n]*?)(\]|\}(?=\}))", _sorted_set, text)


def _sorted_set(found: re.Match[str]) -> str:
    items = re.split(r", (?=IResource|<Resource|[A-Z_]+=)", found[2])
    return found[1] + ", ".join(sorted(items)) + found[3]


def _reason(text: str) -> str:
    return ",".join(sorted(text.split(",")))


WORDS: Mapping[str, Callable[[str], str]] = {"message": _message, "reason": _reason}
