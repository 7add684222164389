"""A stand-in for one test: hosts, configs, calls that must go well, and what became of tasks.

Times are told in milliseconds since the beginning.
"""

import json
import random
from collections.abc import Mapping
from typing import Any

from reconciler.standin.aurora import Aurora
from reconciler.standin.configs import Rules
from reconciler.standin.hosts import Host
from reconciler.thrift.calls import METHODS
from reconciler.thrift.structs import (
    ACTIVE_STATES,
    Constraint,
    ExecutorConfig,
    Identity,
    JobConfiguration,
    JobKey,
    JobUpdateDetails,
    JobUpdateKey,
    JobUpdateQuery,
    JobUpdateRequest,
    JobUpdateSettings,
    LimitConstraint,
    Metadata,
    Range,
    Resource,
    Response,
    ResponseCode,
    ScheduledTask,
    TaskConfig,
    TaskConstraint,
    TaskQuery,
    ValueConstraint,
)

T0_MS = 1_795_000_000_000
KEY = JobKey(role="www", environment="prod", name="web")


def a_host(name: str, cpu: float = 16.0, **attributes: str) -> Host:
    return Host(name, cpu, 16_384.0, 102_400.0, (40_000, 41_000), attributes)


def hosts(count: int = 4, **differs: Any) -> tuple[Host, ...]:
    return tuple(a_host(f"host-{n}", **differs) for n in range(1, count + 1))


def a_config(
    version: str = "1",
    *,
    key: JobKey = KEY,
    sim: Mapping[str, object] | None = None,
    **differs: Any,
) -> TaskConfig:
    """A service that runs for ever; `sim` scripts its life."""
    plain: dict[str, Any] = {
        "job": key,
        "owner": Identity(user="root"),
        "isService": True,
        "maxTaskFailures": 1,
        "resources": some_resources(),
        "executorConfig": ExecutorConfig(name="AuroraExecutor", data=f"version {version}"),
        "metadata": tuple(
            Metadata(key=f"sim.{name}", value=str(value)) for name, value in (sim or {}).items()
        ),
    }
    return TaskConfig(**{**plain, **differs})


def some_resources(
    cpu: float = 1.0, ram_mb: int = 128, disk_mb: int = 128, ports: tuple[str, ...] = ()
) -> tuple[Resource, ...]:
    return (
        Resource(numCpus=cpu),
        Resource(ramMb=ram_mb),
        Resource(diskMb=disk_mb),
        *(Resource(namedPort=name) for name in ports),
    )


def settings(**differs: Any) -> JobUpdateSettings:
    plain: dict[str, Any] = {
        "updateGroupSize": 1,
        "maxPerInstanceFailures": 0,
        "maxFailedInstances": 0,
        "minWaitInInstanceRunningMs": 0,
        "rollbackOnFailure": True,
    }
    return JobUpdateSettings(**{**plain, **differs})


class Scene:
    """One stand-in and somebody who calls it."""

    def __init__(self, *cluster: Host, seed: int = 1, rules: Rules | None = None) -> None:
        self.aurora = Aurora("test", cluster or hosts(), T0_MS, random.Random(seed), rules)

    @property
    def now(self) -> int:
        return self.aurora.now_ms - T0_MS

    def at(self, ms: int) -> "Scene":
        """Let time pass until then."""
        self.aurora.advance(T0_MS + ms)
        return self

    def reopen(self) -> None:
        """Go on with what a file would have kept."""
        state = json.loads(json.dumps(self.aurora.dump()))
        self.aurora = Aurora.restore(state, self.aurora.now_ms)

    # --- calls

    def ask(self, method: str, **args: Any) -> Response:
        """Return whatever the answer is."""
        names = {param.name: None for param in METHODS[method].params}
        assert args.keys() <= names.keys(), args
        return self.aurora.call(method, {**names, **args}, "root")

    def do(self, method: str, **args: Any) -> Any:
        """Return what an OK carries; nothing else will do."""
        response = self.ask(method, **args)
        assert response.responseCode is ResponseCode.OK, response
        name = METHODS[method].result
        return getattr(response.result, name) if name and response.result is not None else None

    def refused(self, method: str, **args: Any) -> str | None:
        """Return the words of an answer that is not OK."""
        response = self.ask(method, **args)
        assert response.responseCode is not ResponseCode.OK, response
        assert response.details, response
        return response.details[0].message

    def create(self, config: TaskConfig, count: int = 1) -> None:
        job = JobConfiguration(
            key=config.job, owner=config.owner, taskConfig=config, instanceCount=count
        )
        self.do("createJob", description=job)

    def update(
        self,
        config: TaskConfig,
        count: int = 3,
        *,
        only: tuple[tuple[int, int], ...] = (),
        **differs: Any,
    ) -> JobUpdateKey:
        """Start an update, and return how it is called."""
        scope = tuple(Range(first=first, last=last) for first, last in only)
        request = JobUpdateRequest(
            taskConfig=config,
            instanceCount=count,
            settings=settings(updateOnlyTheseInstances=scope, **differs),
        )
        found = self.do("startJobUpdate", request=request, message="go")
        assert found is not None, "nothing to update"
        key: JobUpdateKey = found.key
        return key

    # --- what became of it

    def tasks(self, **query: Any) -> tuple[ScheduledTask, ...]:
        found: tuple[ScheduledTask, ...] = self.do("getTasksStatus", query=TaskQuery(**query)).tasks
        return found

    def states(self, instance: int, key: JobKey = KEY) -> list[str]:
        """Return the lives of an instance, one text for each task, the first one first."""
        tasks = [
            t
            for t in self.tasks(jobKeys=(key,))
            if t.assignedTask is not None and t.assignedTask.instanceId == instance
        ]
        lives = sorted([(e.timestamp, e.status) for e in t.taskEvents or ()] for t in tasks)
        return [" ".join(s.name for _, s in life if s is not None) for life in lives]

    def now_is(self, key: JobKey = KEY) -> dict[int, str]:
        """Return the states of the instances that are active."""
        tasks = self.tasks(jobKeys=(key,), statuses=tuple(ACTIVE_STATES))
        found = {t.assignedTask.instanceId or 0: t.status for t in tasks if t.assignedTask}
        return {i: status.name for i, status in sorted(found.items()) if status is not None}

    def details(self, key: JobUpdateKey) -> JobUpdateDetails:
        found: JobUpdateDetails
        (found,) = self.do("getJobUpdateDetails", query=JobUpdateQuery(key=key)).detailsList
        return found

    def statuses(self, key: JobUpdateKey) -> list[str]:
        """Return the states that an update went through."""
        return [e.status.name for e in self.details(key).updateEvents or () if e.status is not None]

    def actions(self, key: JobUpdateKey, instance: int) -> list[str]:
        """Return what happened to an instance of an update."""
        events = self.details(key).instanceEvents or ()
        return [
            e.action.name.removeprefix("INSTANCE_")
            for e in events
            if e.instanceId == instance and e.action is not None
        ]

    def reasons(self, key: JobKey = KEY) -> dict[str, str]:
        found = self.do("getPendingReason", query=TaskQuery(jobKeys=(key,)))
        return {r.taskId: r.reason for r in found.reasons}


def limit(attribute: str, most: int) -> Constraint:
    return Constraint(name=attribute, constraint=TaskConstraint(limit=LimitConstraint(limit=most)))


def value(attribute: str, *values: str, negated: bool = False) -> Constraint:
    told = TaskConstraint(value=ValueConstraint(negated=negated, values=values))
    return Constraint(name=attribute, constraint=told)
