"""Somebody else who speaks to a scheduler, as other clients do."""

from typing import Any

from reconciler.scheduler.http import Door
from reconciler.thrift import calls
from reconciler.thrift.structs import ExecutorConfig, JobKey, Resource, Response, TaskConfig


class Person:
    """Says one thing after another through a door, whatever the replies are."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def say(self, method: str, **args: Any) -> Response:
        writes = method not in calls.READ_ONLY_METHODS
        data = self._door.exchange(calls.encode_call(method, 1, **args), write=writes)
        assert isinstance(data, bytes), data
        return calls.decode_reply(data, method)


def their_config(name: str, role: str = "shop") -> TaskConfig:
    """Return what somebody else runs, which no document of ours would become."""
    return TaskConfig(
        job=JobKey(role=role, environment="prod", name=name),
        isService=True,
        executorConfig=ExecutorConfig(name="AuroraExecutor", data='{"theirs":1}'),
        resources=(Resource(numCpus=1.0), Resource(ramMb=64), Resource(diskMb=64)),
        contactEmail="them@acme.example",
    )
