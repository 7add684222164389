"""The script that anybody would write: one RPC a job, PyYAML's safe_load, DeepDiff.

`python obvious.py URL FOLDER`, in an environment of its own with thrift, PyYAML and deepdiff. The
folder has one file a job (role, environment, name, instances, and the config as Aurora tells it),
and in `aurora.json` the structs as a compiler of Thrift would have written them.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from deepdiff import DeepDiff
from thrift.protocol.TBase import TBase
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TMessageType, TType
from thrift.transport.THttpClient import THttpClient
from thrift.transport.TTransport import TBufferedTransport

PLAIN = {
    "bool": TType.BOOL,
    "i32": TType.I32,
    "i64": TType.I64,
    "double": TType.DOUBLE,
    "string": TType.STRING,
}
CONTAINERS = {"set": TType.SET, "list": TType.LIST, "map": TType.MAP}


def structs(told: dict[str, list[list[Any]]]) -> dict[str, Any]:
    """Return a class for each struct, as `thrift --gen py:dynamic` has them."""
    made: dict[str, Any] = {}
    for name, fields in told.items():
        # What was generated cannot be put into a set as it is, and Aurora's replies have such sets.
        body = {"__slots__": [field for _, field, _ in fields], "__hash__": object.__hash__}
        made[name] = type(name, (TBase,), {**body, "__init__": empty})
    for name, fields in told.items():
        spec: list[Any] = [None] * (1 + max((number for number, _, _ in fields), default=0))
        for number, field, kind in fields:
            spec[number] = (number, *typed(kind, made, field), None)
        made[name].thrift_spec = tuple(spec)
    for cls in made.values():
        for entry in filter(None, cls.thrift_spec):
            filled(entry[3])
    return made


def empty(self: Any, **fields: object) -> None:
    for name in self.__slots__:
        setattr(self, name, fields.get(name))


def typed(kind: Any, made: dict[str, Any], name: str | None = None) -> list[Any]:
    """Return type and arguments of a type; between them the name of the field, if it has one."""
    more: Any
    if isinstance(kind, str):
        number, more = PLAIN[kind], "UTF8" if kind == "string" else None
    elif kind[0] == "struct":
        number, more = TType.STRUCT, [made[kind[1]], None]
    else:
        items = [part for item in kind[1:] for part in typed(item, made)]
        number, more = CONTAINERS[kind[0]], (*items, False)
    return [number, more] if name is None else [number, name, more]


def filled(more: Any) -> None:
    """Put the fields of each struct where its class stands."""
    if isinstance(more, list):
        more[1] = more[0].thrift_spec
    elif isinstance(more, tuple):
        for part in more:
            filled(part)


class Scheduler:
    """What a generated client does, for one method after the other."""

    def __init__(self, url: str, made: dict[str, Any]) -> None:
        http = THttpClient(f"{url}/api")
        http.setCustomHeaders({"Content-Type": "application/vnd.apache.thrift.binary"})
        self._transport = TBufferedTransport(http)
        self._protocol = TBinaryProtocolAccelerated(self._transport)
        self._made = made

    def config_summary(self, role: str, environment: str, name: str) -> Any:
        key = self._made["JobKey"](role=role, environment=environment, name=name)
        self._protocol.writeMessageBegin("getConfigSummary", TMessageType.CALL, 0)
        self._made["getConfigSummary_args"](job=key).write(self._protocol)
        self._protocol.writeMessageEnd()
        self._transport.flush()
        self._protocol.readMessageBegin()
        reply = self._made["Reply"]()
        reply.read(self._protocol)
        self._protocol.readMessageEnd()
        return reply.success.result.configSummaryResult.summary


def plain(value: Any) -> Any:
    """Return a struct as what YAML would have made of it."""
    if isinstance(value, TBase):
        told = ((name, getattr(value, name)) for name in value.__slots__)
        return {name: plain(item) for name, item in told if item is not None}
    if isinstance(value, (set, list)):
        return [plain(item) for item in value]
    return value


def differing(scheduler: Scheduler, jobs: list[Any], timed: "Timed") -> Iterator[str]:
    for job in jobs:
        with timed("rpc"):
            found = scheduler.config_summary(job["role"], job["environment"], job["name"])
            [group] = found.groups
            live = {"config": plain(group.config), "instances": group.instances.copy()}
        with timed("diff"):
            [span] = live["instances"]
            live["instances"] = span.last - span.first + 1
            wanted = {"config": job["config"], "instances": job["instances"]}
            if DeepDiff(with_data(wanted), with_data(live), ignore_order=True):
                yield job["name"]


def with_data(job: dict[str, Any]) -> dict[str, Any]:
    """Return the job with the executor's data as what it means."""
    executor = job["config"]["executorConfig"]
    read = {**executor, "data": json.loads(executor["data"])}
    return {**job, "config": {**job["config"], "executorConfig": read}}


class Timed:
    """How many seconds each part took: `with timed("rpc"): ...`."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._part, self._start = "", 0.0

    def __call__(self, part: str) -> "Timed":
        self._part = part
        return self

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        took = time.perf_counter() - self._start
        self.spent[self._part] = self.spent.get(self._part, 0.0) + took


def main(url: str, folder: Path, load: Callable[[str], Any] = yaml.safe_load) -> None:
    timed = Timed()
    with timed("yaml"):
        jobs = [load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
    made = structs(json.loads((folder / "aurora.json").read_text()))
    differ = list(differing(Scheduler(url, made), jobs, timed))
    versions = {name: version(name) for name in ("thrift", "PyYAML", "deepdiff")}
    print(f"{len(jobs)} jobs, {len(differ)} differ")
    print(json.dumps({"spent": timed.spent, "versions": versions}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
