"""What a role may use, what it uses, and whether more fits: arithmetic, no state.

Only production that is not dedicated is limited. While an update is active, its instances count as
the larger of before and after, each resource by itself; a cron job as the larger of one run of its
template and what runs now.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from reconciler.standin.configs import amount, is_dedicated
from reconciler.standin.nulls import NO_RESOURCES, check_unions
from reconciler.standin.refusal import Refusal
from reconciler.standin.struct_text import java_double, member_of, wrapper_text
from reconciler.thrift.structs import (
    InstanceTaskConfig,
    JobConfiguration,
    JobKey,
    JobUpdateInstructions,
    Range,
    Resource,
    ResourceAggregate,
    ResponseCode,
    TaskConfig,
)

KINDS = frozenset({"numCpus", "ramMb", "diskMb"})


@dataclass(frozen=True, slots=True)
class Usage:
    """An amount of the three resources that quota knows."""

    cpu: float = 0.0
    ram_mb: float = 0.0
    disk_mb: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu + other.cpu, self.ram_mb + other.ram_mb, self.disk_mb + other.disk_mb)

    def __sub__(self, other: "Usage") -> "Usage":
        return self + other * -1

    def __mul__(self, times: int) -> "Usage":
        return Usage(self.cpu * times, self.ram_mb * times, self.disk_mb * times)

    def or_more(self, other: "Usage") -> "Usage":
        """Return the larger of the two, each resource by itself."""
        return Usage(
            max(self.cpu, other.cpu),
            max(self.ram_mb, other.ram_mb),
            max(self.disk_mb, other.disk_mb),
        )

    def aggregate(self) -> ResourceAggregate:
        """Return the amount as it goes over the wire."""
        return ResourceAggregate(
            resources=(
                Resource(numCpus=self.cpu),
                Resource(ramMb=int(self.ram_mb)),
                Resource(diskMb=int(self.disk_mb)),
            )
        )


def of_config(config: TaskConfig) -> Usage:
    """Return what one instance takes; the executor's own needs do not count."""
    return of_resources(config.resources or ())


def of_resources(resources: tuple[Resource, ...]) -> Usage:
    return Usage(
        amount(resources, "numCpus"), amount(resources, "ramMb"), amount(resources, "diskMb")
    )


def of_aggregate(quota: ResourceAggregate) -> Usage:
    return of_resources(quota.resources or ())


def total(usages: Iterable[Usage]) -> Usage:
    return reduce(Usage.__add__, usages, Usage())


# --- consumption


@dataclass(frozen=True, slots=True)
class Pool:
    """One of the four figures that consumption is told in."""

    production: bool
    dedicated: bool

    def holds(self, config: TaskConfig) -> bool:
        return bool(config.production) == self.production and is_dedicated(config) == self.dedicated


PROD_SHARED = Pool(production=True, dedicated=False)
NON_PROD_SHARED = Pool(production=False, dedicated=False)
PROD_DEDICATED = Pool(production=True, dedicated=True)
NON_PROD_DEDICATED = Pool(production=False, dedicated=True)


@dataclass(frozen=True, slots=True)
class Held:
    """What one role has: active instances and cron templates by job, and its active updates."""

    active: Mapping[JobKey, Mapping[int, TaskConfig]]
    crons: Mapping[JobKey, JobConfiguration]
    updates: Mapping[JobKey, JobUpdateInstructions]


def consumption(held: Held, pool: Pool) -> Usage:
    """Return how much of one pool a role consumes."""
    plain = (
        of_config(config)
        for key, instances in held.active.items()
        if key not in held.crons
        for instance, config in instances.items()
        if pool.holds(config) and not _is_updated(held.updates.get(key), instance)
    )
    updates = (_of_update(update, pool) for update in held.updates.values())
    crons = (
        _of_cron(job, held.active.get(key, {}), pool)
        for key, job in held.crons.items()
        if job.taskConfig is not None and pool.holds(job.taskConfig)
    )
    return total((*plain, *updates, *crons))


def _is_updated(update: JobUpdateInstructions | None, instance: int) -> bool:
    if update is None:
        return False
    sides = (*(update.initialState or ()), update.desiredState)
    return any(side is not None and _contains(side.instances, instance) for side in sides)


def _contains(ranges: tuple[Range, ...] | None, instance: int) -> bool:
    return any((r.first or 0) <= instance <= (r.last or 0) for r in ranges or ())


def _of_update(update: JobUpdateInstructions, pool: Pool) -> Usage:
    before = total(_of_side(side, pool) for side in update.initialState or ())
    return before.or_more(_of_side(update.desiredState, pool))


def _of_side(side: InstanceTaskConfig | None, pool: Pool) -> Usage:
    if side is None or side.task is None or not pool.holds(side.task):
        return Usage()
    count = sum((r.last or 0) - (r.first or 0) + 1 for r in side.instances or ())
    return of_config(side.task) * count


def _of_cron(job: JobConfiguration, running: Mapping[int, TaskConfig], pool: Pool) -> Usage:
    now = total(of_config(config) for config in running.values() if pool.holds(config))
    return of_template(job).or_more(now)


def of_template(job: JobConfiguration | None) -> Usage:
    """Return what one run of a cron job takes."""
    if job is None or job.taskConfig is None:
        return Usage()
    return of_config(job.taskConfig) * (job.instanceCount or 0)


# --- checks


def is_limited(config: TaskConfig) -> bool:
    """Tell whether quota is asked at all for instances of a config."""
    return PROD_SHARED.holds(config)


def check_addition(quota: Usage, held: Held, config: TaskConfig, count: int) -> None:
    """Raise Refusal if `count` more instances are more than the quota has room for."""
    if is_limited(config):
        check_fits(quota, consumption(held, PROD_SHARED) + of_config(config) * count)


def check_update(quota: Usage, held: Held, update: JobUpdateInstructions) -> None:
    """Raise Refusal if the quota has no room for an update that `held` counts as active."""
    goal = update.desiredState
    if goal is not None and goal.task is not None and is_limited(goal.task):
        check_fits(quota, consumption(held, PROD_SHARED))


def check_cron(quota: Usage, held: Held, job: JobConfiguration) -> None:
    """Raise Refusal if the quota has no room for a cron template in place of the present one."""
    # Other than elsewhere, dedicated ones are limited, too.
    if job.key is None or job.taskConfig is None or not job.taskConfig.production:
        return
    change = of_template(job) - of_template(held.crons.get(job.key))
    check_fits(quota, consumption(held, PROD_SHARED) + change)


def check_fits(quota: Usage, needed: Usage) -> None:
    """Raise Refusal, naming every resource of which there is not enough."""
    left = quota - needed
    rows = (
        ("disk", left.disk_mb, "MB"),
        ("RAM", left.ram_mb, "MB"),
        ("CPU", left.cpu, "core(s)"),
    )
    over = [f"{name} quota exceeded by {-rest:.2f} {unit}" for name, rest, unit in rows if rest < 0]
    if over:
        raise Refusal(f"Insufficient resource quota: {'; '.join(over)}")


def check_new_quota(quota: ResourceAggregate, consumed: Usage) -> ResourceAggregate:
    """Return a quota if it can be set for a role whose shared production consumes that much."""
    if quota.resources is None:
        raise Refusal(NO_RESOURCES, ResponseCode.ERROR)
    resources = tuple(dict.fromkeys(quota.resources))
    if len(resources) > len(KINDS):
        raise Refusal("Too many resource values in quota.", ResponseCode.ERROR)
    check_unions(resources)
    if Counter(member_of(r)[0] for r in resources).keys() != KINDS:
        raise Refusal(
            "Quota resources must be exactly: [CPUS, RAM_MB, DISK_MB]", ResponseCode.ERROR
        )
    told = ResourceAggregate(resources=resources)
    if any(member_of(resource)[1] < 0 for resource in resources):
        raise Refusal(f"Negative values in: {wrapper_text(told)}")
    left = of_aggregate(told) - consumed
    if min(left.cpu, left.ram_mb, left.disk_mb) < 0:
        raise Refusal(
            f"Quota: {wrapper_text(told)} is less then current prod reservation: {_bag(consumed)}"
        )
    return told


def _bag(usage: Usage) -> str:
    vectors = (
        f"DISK_MB={java_double(usage.disk_mb)}",
        f"RAM_MB={java_double(usage.ram_mb)}",
        f"CPUS={java_double(usage.cpu)}",
    )
    return f"ResourceBag{{resourceVectors={{{', '.join(vectors)}}}}}"
