"""A rollout of the platform's menu, for one job, as the settings of an Aurora update."""

from math import floor

from reconciler.model.policy import Platform, Project, Rollout, Strategy
from reconciler.model.spec import JobSpec
from reconciler.model.update import UpdateSettings

# Aurora counts the time in milliseconds, in 32 bits.
WATCH_MAX_S = (2**31 - 1) // 1000


def rollout_of(spec: JobSpec, project: Project, platform: Platform) -> Rollout | None:
    """Return the rollout that holds for the job; None when no menu has its name."""
    return platform.rollouts.get(spec.rollout or project.rollout or platform.rollout)


def change(spec: JobSpec, rollout: Rollout) -> UpdateSettings:
    """Return how a change is rolled out: shares of the instances, rounded down, at least one."""
    return UpdateSettings(
        strategy=rollout.strategy,
        groups=tuple(_group(share, spec.instances) for share in rollout.shares),
        watch_ms=1000 * _watch_s(spec, rollout),
        # A budget of every instance would call a dead service updated.
        failed_instances_max=min(rollout.failed_instances_max, max(spec.instances - 1, 0)),
        failures_per_instance_max=rollout.failures_per_instance_max,
        rollback=rollout.rollback,
        sla_aware=spec.sla is not None,
        pause_between=rollout.pause_between,
    )


def creation(spec: JobSpec, rollout: Rollout) -> UpdateSettings:
    """Return how a first version comes up: all at once, and what fails stays to be looked at."""
    return UpdateSettings(
        strategy=Strategy.BATCH,
        groups=(max(spec.instances, 1),),
        watch_ms=1000 * _watch_s(spec, rollout),
        failed_instances_max=0,
        failures_per_instance_max=rollout.failures_per_instance_max,
        rollback=False,
        sla_aware=False,
    )


def _group(share: float, instances: int) -> int:
    """A share was written as a percentage, and binary floats make 28 of 29 % of 100."""
    return max(1, floor(round(share * instances, 6)))


def _watch_s(spec: JobSpec, rollout: Rollout) -> int:
    """With a health check RUNNING already means healthy; without, an early crash must be waited
    for (health_checker.py)."""
    return rollout.watch_s if spec.health is None else rollout.watch_with_health_s
