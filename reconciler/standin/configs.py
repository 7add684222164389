"""Check and complete what jobs and tasks are configured with, and tell when two mean the same.

The order of the checks is Aurora's, and so are the words: of two faults it names the first.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from reconciler.standin.completion import completed
from reconciler.standin.nulls import NO_CONSTRAINT, NO_NAME, check_unions
from reconciler.standin.refusal import Refusal
from reconciler.standin.struct_text import member_of, thrift_text, wrapper_text
from reconciler.thrift.structs import (
    Container,
    CountSlaPolicy,
    DockerContainer,
    DockerParameter,
    JobConfiguration,
    JobKey,
    MesosContainer,
    PercentageSlaPolicy,
    Resource,
    ResponseCode,
    TaskConfig,
    ThriftStruct,
    Union,
)

IDENTIFIER = re.compile(r"[\w\-.]+", re.ASCII)
IDENTIFIER_LENGTH_MAX = 255
DEDICATED = "dedicated"

LINKS: Mapping[str, str] = {
    "health": "http://%host%:%port:health%",
    "http": "http://%host%:%port:http%",
}

# What Aurora calls the resources of which a task has one value at most.
SINGLE: Mapping[str, str] = {
    "numCpus": "CPU",
    "ramMb": "RAM",
    "diskMb": "disk",
    "numGpus": "GPU",
    "ipAddr": "IP",
}
REQUIRED: Mapping[str, str] = {"numCpus": "num_cpus", "ramMb": "ram_mb", "diskMb": "disk_mb"}


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier of tiers.json; production is what is neither preemptible nor revocable."""

    preemptible: bool
    revocable: bool

    @property
    def production(self) -> bool:
        return not self.preemptible and not self.revocable


def _tiers() -> Mapping[str, Tier]:
    return {
        "preferred": Tier(preemptible=False, revocable=False),
        "preemptible": Tier(preemptible=True, revocable=False),
        "revocable": Tier(preemptible=True, revocable=True),
    }


@dataclass(frozen=True, slots=True)
class Rules:
    """The flags of a scheduler, with Aurora's defaults."""

    tasks_per_job_max: int = 4000
    update_failures_max: int = 20_000
    environments: str = r"^(prod|devel|test|staging\d*)$"
    tiers: Mapping[str, Tier] = field(default_factory=_tiers)
    default_tier: str = "preemptible"
    executors: frozenset[str] = frozenset({"AuroraExecutor"})
    container_types: frozenset[str] = frozenset({"mesos"})
    docker_parameters: bool = False
    default_docker_parameters: tuple[DockerParameter, ...] = ()
    docker_needs_executor: bool = True
    gpus: bool = False
    fetcher: bool = False
    container_volumes: bool = False
    sla_instances_min: int = 20
    sla_duration_max_s: int = 7200
    sla_without_production: bool = False
    cron_timezone: str = "GMT"
    offer_hold_ms: int = 5 * 60 * 1000
    offer_hold_jitter_ms: int = 60 * 1000


# --- keys


def is_identifier(text: str | None) -> bool:
    """Tell whether Aurora takes a text as a role, environment, name, tier or user."""
    return (
        text is not None
        and len(text) <= IDENTIFIER_LENGTH_MAX
        and IDENTIFIER.fullmatch(text) is not None
    )


def is_job_key(key: JobKey | None) -> bool:
    """Tell whether a key names a job."""
    return key is not None and all(map(is_identifier, (key.role, key.environment, key.name)))


def check_job_key(key: JobKey | None) -> JobKey:
    """Return the key if it names a job; Aurora answers ERROR without a word if it does not."""
    if key is None or not is_job_key(key):
        raise Refusal(None, ResponseCode.ERROR)
    return key


def key_text(key: JobKey) -> str:
    """Return a key as in `Job role/env/name already exists`."""
    return f"{key.role}/{key.environment}/{key.name}"


# --- jobs


def populated_job(job: JobConfiguration, rules: Rules) -> JobConfiguration:
    """Return a job checked and completed, as createJob and the cron calls take it."""
    check_unions(job)
    if job.taskConfig is None:
        raise Refusal("Job configuration must have taskConfig set.")
    count = job.instanceCount or 0
    if count <= 0:
        raise Refusal("Instance count must be positive.")
    if job.key is None or not is_job_key(job.key):
        raise Refusal(f"Job key {wrapper_text(job.key)} is invalid.")
    _check_environment(job.key.environment or "", rules)
    if job.owner is not None and not is_identifier(job.owner.user):
        user = "null" if job.owner.user is None else job.owner.user
        raise Refusal(f"Job user contains illegal characters: {user}")
    found = replace(job, taskConfig=populated(job.taskConfig, count, rules), instanceCount=count)
    if job.cronSchedule and found.taskConfig is not None and found.taskConfig.isService:
        text = thrift_text(found)
        raise Refusal(f"A service task may not be run on a cron schedule: {text}")
    return found


def _check_environment(environment: str, rules: Rules) -> None:
    if re.fullmatch(rules.environments, environment, re.ASCII) is None:
        raise Refusal(f"Job environment {environment} doesn't match: {rules.environments}")


# --- tasks


def populated(config: TaskConfig, instances: int, rules: Rules) -> TaskConfig:
    """Return a task checked and completed; `instances` is how many of it the job will have."""
    check_unions(config)
    if config.container is None:
        config = replace(config, container=Container(mesos=MesosContainer()))
    task = completed(config)
    task = _with_tier(task, rules)
    if not is_job_key(task.job):
        raise Refusal(f"Job key {wrapper_text(task.job)} is invalid.")
    _check_executor(task, rules)
    _check_dedicated(task)
    task = _with_container(task, rules)
    _check_resources(task, rules)
    if task.mesosFetcherUris and not rules.fetcher:
        raise Refusal("Mesos Fetcher for individual jobs is disabled in this cluster.")
    _check_volumes(task, rules)
    _check_sla(task, instances, rules)
    return replace(task, taskLinks=_links(task))


def _with_tier(task: TaskConfig, rules: Rules) -> TaskConfig:
    if task.tier is not None and not is_identifier(task.tier):
        raise Refusal(f"Tier contains illegal characters: {task.tier}")
    name = rules.default_tier if task.tier is None else task.tier
    tier = rules.tiers.get(name)
    if tier is None:
        raise Refusal(f"Invalid tier '{name}' in TaskConfig.")
    return replace(task, tier=name, production=tier.production)


def _docker(task: TaskConfig) -> DockerContainer | None:
    return None if task.container is None else task.container.docker


def _check_executor(task: TaskConfig, rules: Rules) -> None:
    executor = task.executorConfig
    if executor is None:
        if _docker(task) is None:
            raise Refusal("Configuration may not be null.")
        return
    if executor.name is None:
        raise Refusal("Executor name may not be left unset.")
    if executor.name not in rules.executors:
        raise Refusal(f"Configuration for executor '{executor.name}' doesn't exist.")


def is_dedicated(task: TaskConfig) -> bool:
    """Tell whether a task asks for hosts that are dedicated to something."""
    return any(constraint.name == DEDICATED for constraint in task.constraints or ())


def _check_dedicated(task: TaskConfig) -> None:
    if any(constraint.name is None for constraint in task.constraints or ()):
        raise Refusal(NO_NAME, ResponseCode.ERROR)
    found = next((c for c in task.constraints or () if c.name == DEDICATED), None)
    if found is None:
        return
    if found.constraint is None:
        raise Refusal(NO_CONSTRAINT, ResponseCode.ERROR)
    if found.constraint.value is None:
        raise Refusal("A dedicated constraint must be of value type.")
    values = found.constraint.value.values or ()
    if len(values) != 1:
        raise Refusal("A dedicated constraint must have exactly one value")
    role = values[0].split("/")[0]
    if task.job is not None and role not in ("*", task.job.role):
        raise Refusal(f"Only {role} may use hosts dedicated for that role.")


def _with_container(task: TaskConfig, rules: Rules) -> TaskConfig:
    """Return the task with the parameters of its Docker container, if it may have one."""
    container = task.container
    assert container is not None, "one that is unset was filled in"
    kind, _ = member_of(container)
    docker = _docker(task)
    if docker is not None:
        task = _with_docker(task, docker, rules)
    if kind not in rules.container_types:
        raise Refusal(
            f"This scheduler is not configured to allow the container type {kind.upper()}"
        )
    return task


def _with_docker(task: TaskConfig, docker: DockerContainer, rules: Rules) -> TaskConfig:
    if docker.image is None:
        raise Refusal("A container must specify an image.")
    if docker.parameters and not rules.docker_parameters:
        raise Refusal("This scheduler is configured to disallow Docker parameters.")
    if task.executorConfig is None and rules.docker_needs_executor:
        raise Refusal("This scheduler is configured to require an executor for Docker-based tasks.")
    parameters = docker.parameters or rules.default_docker_parameters
    return replace(task, container=Container(docker=replace(docker, parameters=parameters)))


def _check_resources(task: TaskConfig, rules: Rules) -> None:
    kinds = Counter(member_of(resource)[0] for resource in task.resources or ())
    repeated = sorted(SINGLE[kind] for kind, count in kinds.items() if count > 1 and kind in SINGLE)
    if repeated:
        raise Refusal(f"Multiple resource values are not supported for {', '.join(repeated)}")
    for kind, name in REQUIRED.items():
        if not amount(task.resources or (), kind) > 0:
            raise Refusal(f"{name} must be greater than 0.0")
    if "numGpus" in kinds and not rules.gpus:
        raise Refusal("GPU resource support is disabled in this cluster.")


def amount(resources: tuple[Resource, ...], kind: str) -> float:
    """Return how much of one kind the resources have together; `kind` is the member's name."""
    return float(sum(getattr(resource, kind) or 0 for resource in resources))


def _check_volumes(task: TaskConfig, rules: Rules) -> None:
    mesos = None if task.container is None else task.container.mesos
    if mesos is not None and mesos.volumes and not rules.container_volumes:
        raise Refusal("This scheduler is configured to disallow container volumes.")


def _links(task: TaskConfig) -> dict[str, str]:
    if task.taskLinks:
        return task.taskLinks
    ports = {resource.namedPort for resource in task.resources or ()}
    return {port: link for port, link in LINKS.items() if port in ports}


# --- what an update may take down


def _check_sla(task: TaskConfig, instances: int, rules: Rules) -> None:
    policy = task.slaPolicy
    if policy is None:
        return
    if not task.production and not rules.sla_without_production:
        raise Refusal(f"Tier '{task.tier}' does not support SlaPolicy.")
    least = rules.sla_instances_min
    if policy.coordinatorSlaPolicy is None and instances < least:
        raise Refusal(
            f"Job with fewer than {least} instances cannot have Percentage/Count SlaPolicy."
        )
    if policy.countSlaPolicy is not None:
        _check_count(policy.countSlaPolicy, instances, rules)
    if policy.percentageSlaPolicy is not None:
        _check_percentage(policy.percentageSlaPolicy, instances, rules)


def _check_count(policy: CountSlaPolicy, instances: int, rules: Rules) -> None:
    count = policy.count or 0
    if instances - count < 1:
        raise Refusal(
            f"Current CountSlaPolicy: count={count} will not allow any instances to be killed. "
            f"Must be less than instanceCount={instances}."
        )
    _check_duration("CountSlaPolicy", policy.durationSecs or 0, rules)


def _check_percentage(policy: PercentageSlaPolicy, instances: int, rules: Rules) -> None:
    percentage = policy.percentage or 0.0
    if instances - instances * (percentage / 100.0) < 1:
        most = (instances - 1) / instances * 100.0
        raise Refusal(
            f"Current PercentageSlaPolicy: percentage={percentage:f} will not allow any instances "
            f"to be killed. Must be less than {most:f}."
        )
    _check_duration("PercentageSlaPolicy", policy.durationSecs or 0, rules)


def _check_duration(name: str, duration_s: int, rules: Rules) -> None:
    most = rules.sla_duration_max_s
    if duration_s > most:
        raise Refusal(
            f"{name}: durationSecs={duration_s} must be less than cluster-wide maximum of "
            f"{most} secs."
        )


# --- equality

# By identity, with the config itself, so that its identity is not given to another.
_meanings: dict[int, tuple[TaskConfig, bytes]] = {}
_MEANINGS_MAX = 50_000


def meaning(config: TaskConfig) -> bytes:
    """Return a key that two configs share exactly if Aurora holds them for equal.

    Sets have no order, unset collections are empty, unset numbers and flags zero; an unset text or
    struct is unlike any that is set, and what is in the executor's data is not looked at.
    """
    known = _meanings.get(id(config))
    if known is not None:
        return known[1]
    if len(_meanings) >= _MEANINGS_MAX:
        _meanings.clear()
    found = msgspec.json.encode(_plain(completed(config)))
    _meanings[id(config)] = (config, found)
    return found


def _plain(value: Any) -> Any:
    """Return a completed value as JSON can hold it, sets in an order of their own."""
    if isinstance(value, ThriftStruct | Union):
        return dict(_plain_fields(value))
    if isinstance(value, Mapping):
        return sorted(value.items())
    return value


# Lists keep their order: volumes and docker parameters are compared as they stand.
_LISTS = frozenset({"volumes", "parameters"})


def _plain_fields(value: ThriftStruct | Union) -> Iterator[tuple[str, Any]]:
    for name in value.__struct_fields__:
        held = getattr(value, name)
        if held is None:
            continue
        if isinstance(held, tuple):
            items = [_plain(item) for item in held]
            yield name, items if name in _LISTS else sorted(items, key=msgspec.json.encode)
        else:
            yield name, _plain(held)
