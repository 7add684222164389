"""The canonical form of a TaskConfig: what runs, told in one way.

Aurora compares whole configs, sets unordered, with `executorConfig.data` as a plain string. We
compare its meaning instead, so that a job made by another client can be adopted without restarting
it; when the meaning is equal the live bytes are sent again, which keeps Aurora content.

Left out: the owner (a live job keeps its own) and our marks (kept beside the text). Kept: all else.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.marks import PREFIX
from reconciler.model.task import CanonicalTask, Config
from reconciler.thrift import tjson
from reconciler.thrift.structs import (
    Constraint,
    Container,
    Image,
    MesosFetcherURI,
    PartitionPolicy,
    Resource,
    SlaPolicy,
    TaskConfig,
)
from reconciler.translate.thermos import EXECUTOR, meaning

# A union whose member came with a version of Aurora that we do not know.
UNKNOWN = {"unknown": True}

# Values of a constraint that the client's way of writing it could not tell from its syntax.
AMBIGUOUS = re.compile(r"$|!|\[|limit:|.*,", re.DOTALL)


def config_of(task: TaskConfig) -> Config:
    """Return the config of a struct, with the bytes that it travels as.

    tjson.ProtocolError when it cannot travel: a union in it has a member that we do not know.
    """
    return Config(canonical(task), tjson.encode(task))


def canonical(task: TaskConfig) -> CanonicalTask:
    """Return meaning and marks of a config; unset scalars count as zero, as Aurora counts them."""
    pairs = {(m.key or "", m.value) for m in task.metadata or ()}
    marks = sorted((key, value or "") for key, value in pairs if key.startswith(PREFIX))
    told = {
        "job": _job(task),
        "service": bool(task.isService),
        "priority": task.priority or 0,
        "max_task_failures": task.maxTaskFailures or 0,
        "production": bool(task.production),
        "tier": task.tier,
        "resources": _resources(task.resources or ()),
        "constraints": _constraints(task.constraints or ()),
        "fetcher_uris": _fetcher_uris(task.mesosFetcherUris or ()),
        "links": dict(task.taskLinks or {}),
        "contact": task.contactEmail,
        "executor": _executor(task),
        "metadata": _by_name((k, v) for k, v in pairs if not k.startswith(PREFIX)),
        "partition": _partition(task.partitionPolicy),
        "sla": _sla(task.slaPolicy),
        "container": _container(task.container),
    }
    kept = {name: value for name, value in told.items() if value not in (None, [], {})}
    # Of most jobs the live text is the desired one: kept once, and seen to be equal at a glance.
    return CanonicalTask(sys.intern(dumps(kept)), tuple(marks))


def dumps(value: object) -> str:
    """Return canonical JSON: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _job(task: TaskConfig) -> str | None:
    if task.job is None:
        return None
    return f"{task.job.role}/{task.job.environment}/{task.job.name}"


def _resources(resources: Iterable[Resource]) -> dict[str, object]:
    """Return amounts by name; what Aurora would refuse twice is summed, ports are a sorted list."""
    told: dict[str, Any] = {}
    ports: list[str] = []
    for resource in dict.fromkeys(resources):
        if resource.namedPort is not None:
            ports.append(resource.namedPort)
        if resource == Resource():
            told |= UNKNOWN
        for name, amount in (
            ("cpu", resource.numCpus),
            ("ram_mb", resource.ramMb),
            ("disk_mb", resource.diskMb),
            ("gpus", resource.numGpus),
            ("ips", resource.ipAddr),
        ):
            if amount is not None:
                told[name] = told.get(name, 0) + amount
    return {**told, "ports": sorted(ports)} if ports else told


def _fetcher_uris(uris: Iterable[MesosFetcherURI]) -> list[list[object]]:
    each = ([u.value, bool(u.extract), bool(u.cache), u.outputFile] for u in uris)
    return [json.loads(text) for text in sorted({dumps(uri) for uri in each})]


def _by_name(pairs: Iterable[tuple[str, str | None]]) -> dict[str, object]:
    """Return values by name: of a name that Aurora has several times, all of them in a list."""
    told: dict[str, set[str | None]] = {}
    for name, value in pairs:
        told.setdefault(name, set()).add(value)
    ordered = {n: sorted(found, key=lambda v: (v is not None, v)) for n, found in told.items()}
    return {name: found[0] if len(found) == 1 else found for name, found in ordered.items()}


def _constraints(constraints: Iterable[Constraint]) -> dict[str, object]:
    """Return constraints by attribute."""
    return _by_name((c.name or "", _constraint(c)) for c in constraints)


def _constraint(constraint: Constraint) -> str:
    """Return it as Aurora's own client writes it: `limit:2`, `a,b`, `!a,b`.

    That cannot tell every value from its own syntax; such ones are written as a JSON list.
    """
    held = constraint.constraint
    if held is None or (held.limit is None and held.value is None):
        return ""
    if held.limit is not None:
        return f"limit:{held.limit.limit or 0}"
    assert held.value is not None, "a union with neither member was returned above"
    values = sorted(set(held.value.values or ()))
    plain = values and not any(map(AMBIGUOUS.match, values))
    return ("!" if held.value.negated else "") + (",".join(values) if plain else dumps(values))


def _executor(task: TaskConfig) -> dict[str, object] | None:
    if task.executorConfig is None:
        return None
    name, data = task.executorConfig.name, task.executorConfig.data
    if name != EXECUTOR:
        return {"name": name, "data": data}
    ports = frozenset(r.namedPort for r in task.resources or () if r.namedPort is not None)
    return {"name": name, "data": meaning(data, _job_defaults(task), ports)}


def _job_defaults(task: TaskConfig) -> Mapping[str, str]:
    if task.job is None:
        return {}
    return {"role": task.job.role or "", "environment": task.job.environment or ""}


def _partition(policy: PartitionPolicy | None) -> dict[str, object] | None:
    if policy is None:
        return None
    return {"reschedule": bool(policy.reschedule), "delay_s": policy.delaySecs or 0}


def _sla(policy: SlaPolicy | None) -> Mapping[str, object] | None:
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
        status_key = "drain" if o.statusKey is None else o.statusKey
        return {"coordinator_url": o.coordinatorUrl, "status_key": status_key}
    return UNKNOWN


def _container(container: Container | None) -> Mapping[str, Any] | None:
    """Return None for the plain Mesos container, which is the default of api.thrift."""
    if container is None:
        return None
    if container.docker is not None:
        parameters = [[p.name, p.value] for p in container.docker.parameters or ()]
        return {"docker": {"image": container.docker.image, "parameters": parameters}}
    if container.mesos is None:
        return UNKNOWN
    told: dict[str, Any] = {}
    if container.mesos.image is not None:
        told["image"] = _image(container.mesos.image)
    volumes = [[v.hostPath, v.containerPath, v.mode] for v in container.mesos.volumes or ()]
    if volumes:
        told["volumes"] = volumes
    return {"mesos": told} if told else None


def _image(image: Image) -> object:
    if image.docker is not None:
        name, tag = image.docker.name, image.docker.tag
        # A tag has no colon; with one, it could not be told from a port of the registry.
        plain = name is not None and tag is not None and ":" not in tag
        return f"{name}:{tag}" if plain else {"name": name, "tag": tag}
    if image.appc is not None:
        return {"appc": image.appc.name, "image_id": image.appc.imageId}
    return UNKNOWN
