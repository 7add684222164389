"""The canonical form of a TaskConfig: what runs, told in one way.

Aurora compares whole configs, sets unordered, with `executorConfig.data` as a plain string. We
compare its meaning instead, so that a job made by another client can be adopted without restarting
it; when the meaning is equal the live bytes are sent again, which keeps Aurora content.

Left out: the owner (a live job keeps its own) and our marks (kept beside the text). Kept: all else.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.task import CanonicalTask, Config
from reconciler.thrift import tjson
from reconciler.thrift.structs import (
    Constraint,
    Container,
    PartitionPolicy,
    Resource,
    SlaPolicy,
    TaskConfig,
)
from reconciler.translate.thermos import meaning

MARK = "reconciler."


def config_from(wire: bytes) -> Config:
    """Return the config of a live slice; tjson.ProtocolError when it is no TaskConfig."""
    return Config(canonical(tjson.decode(TaskConfig, wire)), wire)


def config_of(task: TaskConfig) -> Config:
    """Return the config of a struct, with the bytes that it travels as."""
    return Config(canonical(task), tjson.encode(task))


def canonical(task: TaskConfig) -> CanonicalTask:
    """Return meaning and marks of a config; unset scalars count as zero, as Aurora counts them."""
    pairs = sorted((m.key or "", m.value or "") for m in task.metadata or ())
    marks = tuple(pair for pair in pairs if pair[0].startswith(MARK))
    told = {
        "job": _job(task),
        "service": bool(task.isService),
        "priority": task.priority or 0,
        "max_task_failures": task.maxTaskFailures or 0,
        "production": bool(task.production),
        "tier": task.tier,
        "resources": _resources(task.resources or ()),
        "constraints": _constraints(task.constraints or ()),
        "fetcher_uris": sorted(
            [uri.value, bool(uri.extract), bool(uri.cache), uri.outputFile]
            for uri in task.mesosFetcherUris or ()
        ),
        "links": dict(task.taskLinks or {}),
        "contact": task.contactEmail,
        "executor": _executor(task),
        "metadata": [f"{k}={v}" for k, v in pairs if not k.startswith(MARK)],
        "partition": _partition(task.partitionPolicy),
        "sla": _sla(task.slaPolicy),
        "container": _container(task.container),
    }
    kept = {name: value for name, value in told.items() if value not in (None, [], {})}
    return CanonicalTask(dumps(kept), marks)


def dumps(value: object) -> str:
    """Return canonical JSON: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _job(task: TaskConfig) -> str | None:
    if task.job is None:
        return None
    return f"{task.job.role}/{task.job.environment}/{task.job.name}"


def _resources(resources: Iterable[Resource]) -> dict[str, object]:
    """Return amounts by name; what Aurora would refuse twice is summed, ports are a sorted list."""
    told: dict[str, float] = {}
    ports: list[str] = []
    for resource in resources:
        if resource.namedPort is not None:
            ports.append(resource.namedPort)
        for name, amount in (
            ("cpu", resource.numCpus),
            ("ram_mb", resource.ramMb),
            ("disk_mb", resource.diskMb),
            ("gpus", resource.numGpus),
            ("ips", resource.ipAddr),
        ):
            if amount is not None:
                told[name] = told.get(name, 0) + amount
    plain = {name: float(amount) if name == "cpu" else amount for name, amount in told.items()}
    return {**plain, "ports": sorted(ports)} if ports else {**plain}


def _constraints(constraints: Iterable[Constraint]) -> dict[str, object]:
    """Return constraints by attribute; a second one of the same attribute is `rack#2`."""
    told: dict[str, object] = {}
    for name, text in sorted((c.name or "", _constraint(c)) for c in constraints):
        count = sum(known.partition("#")[0] == name for known in told)
        told[f"{name}#{count + 1}" if count else name] = text
    return told


def _constraint(constraint: Constraint) -> str:
    """Return it as Aurora's own client writes it: `limit:2`, `a,b`, `!a,b`."""
    held = constraint.constraint
    if held is None or (held.limit is None and held.value is None):
        return ""
    if held.limit is not None:
        return f"limit:{held.limit.limit or 0}"
    assert held.value is not None, "a union with neither member was returned above"
    return ("!" if held.value.negated else "") + ",".join(sorted(held.value.values or ()))


def _executor(task: TaskConfig) -> dict[str, object] | None:
    if task.executorConfig is None:
        return None
    return {
        "name": task.executorConfig.name,
        "data": meaning(task.executorConfig.data, _job_defaults(task)),
    }


def _job_defaults(task: TaskConfig) -> Mapping[str, str]:
    if task.job is None:
        return {}
    return {"role": task.job.role or "", "environment": task.job.environment or ""}


def _partition(policy: PartitionPolicy | None) -> dict[str, object] | None:
    if policy is None:
        return None
    return {"reschedule": bool(policy.reschedule), "delay_s": policy.delaySecs or 0}


def _sla(policy: SlaPolicy | None) -> dict[str, object] | None:
    if policy is None:
        return None
    if policy.percentageSlaPolicy is not None:
        p = policy.percentageSlaPolicy
        return {"percentage": float(p.percentage or 0), "duration_s": p.durationSecs or 0}
    if policy.countSlaPolicy is not None:
        c = policy.countSlaPolicy
        return {"count": c.count or 0, "duration_s": c.durationSecs or 0}
    if policy.coordinatorSlaPolicy is not None:
        o = policy.coordinatorSlaPolicy
        return {"coordinator_url": o.coordinatorUrl, "status_key": o.statusKey or "drain"}
    return {"unknown": True}


def _container(container: Container | None) -> dict[str, Any] | None:
    """Return None for the plain Mesos container, which is the default of api.thrift."""
    if container is None or (container.mesos is None and container.docker is None):
        return None
    if container.docker is not None:
        parameters = [[p.name, p.value] for p in container.docker.parameters or ()]
        return {"docker": {"image": container.docker.image, "parameters": parameters}}
    assert container.mesos is not None, "a union with neither member was returned above"
    told: dict[str, Any] = {}
    image = container.mesos.image
    if image is not None and image.docker is not None:
        told["image"] = f"{image.docker.name}:{image.docker.tag}"
    elif image is not None and image.appc is not None:
        told["image"] = f"appc {image.appc.name} {image.appc.imageId}"
    volumes = [[v.hostPath, v.containerPath, v.mode] for v in container.mesos.volumes or ()]
    if volumes:
        told["volumes"] = volumes
    return {"mesos": told} if told else None
