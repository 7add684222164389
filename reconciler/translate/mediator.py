"""The mediator: WHAT an author declares becomes HOW Aurora runs it.

Pure, and held by golden files: another version of it must not restart the fleet. The TaskConfig is
independent of the number of instances, else every scale would restart everything; nothing that
varies from commit to commit enters it, for the same reason.
"""

import json
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from reconciler.model.marks import OWNER, PACKAGE, VERSION
from reconciler.model.policy import (
    Cluster,
    CoordinatorSla,
    CountSla,
    PercentageSla,
    Platform,
    Policies,
    Project,
    Rollout,
    Sla,
)
from reconciler.model.problem import Origin, Problem, one_of, suggestion
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import DesiredJob, JobKind
from reconciler.model.task import Config
from reconciler.thrift import structs as aurora
from reconciler.translate import crontab, rollout
from reconciler.translate.canonical import config_of, dumps
from reconciler.translate.document import (
    CHECKED,
    IMAGE,
    RUN,
    WHEEL,
    document,
    health_port,
    recipe_of,
)
from reconciler.translate.environment import defaults_of
from reconciler.translate.raw import FIELDS, RawError, overlaid, patched
from reconciler.translate.refused import RefusedError
from reconciler.translate.template import check_authored, check_document
from reconciler.translate.thermos import EXECUTOR


def render(job: DesiredJob, policies: Policies) -> RenderedJob | tuple[Problem, ...]:
    """Return what Aurora would be told, or every reason why it cannot be."""
    problems = sorted(set(_problems(job, policies)))
    if problems:
        return tuple(problems)
    platform, project = policies.platform, policies.projects[job.project]
    try:
        task = _task_config(job, project, platform)
    except RefusedError as fault:
        return (Problem(_origin(job, "aurora"), str(fault), fault.hint),)
    return _rendered(job, policies, task)


def config(job: DesiredJob, project: Project, platform: Platform) -> Config | None:
    """Return the config alone, of a job that need not be feasible; None when there can be none."""
    if recipe_of(job, platform) is None:
        return None
    if defaults_of(platform, project, job.key.environment) is None:
        return None
    try:
        return config_of(_task_config(job, project, platform))
    except RefusedError:
        return None


def _rendered(job: DesiredJob, policies: Policies, task: aurora.TaskConfig) -> RenderedJob:
    platform, project = policies.platform, policies.projects[job.project]
    chosen = rollout.rollout_of(job.spec, project, platform)
    assert chosen is not None, "an unknown rollout is a problem"
    service = job.spec.kind is JobKind.SERVICE
    checked = platform.health.initial_interval_s if job.spec.health is not None else 0
    return RenderedJob(
        desired=job,
        config=config_of(task),
        creation=rollout.creation(job.spec, chosen) if service else None,
        change=rollout.change(job.spec, chosen) if service else None,
        start_s=platform.start_s + round(checked),
        production=bool(task.production),
    )


def _task_config(job: DesiredJob, project: Project, platform: Platform) -> aurora.TaskConfig:
    spec, key = job.spec, job.key
    recipe = recipe_of(job, platform)
    defaults = defaults_of(platform, project, key.environment)
    assert recipe is not None, "a missing recipe is a problem"
    assert defaults is not None, "an unknown environment is a problem"
    raw = {name: json.loads(text) for name, text in spec.aurora}
    told = patched(document(job, platform, recipe), raw)
    check_document(told, spec.ports)
    marks = ((OWNER, platform.name), (PACKAGE, spec.package or spec.image), (VERSION, spec.version))
    task = aurora.TaskConfig(
        job=aurora.JobKey(role=key.role, environment=key.environment, name=key.name),
        owner=aurora.Identity(user=key.role),
        isService=spec.kind is JobKind.SERVICE,
        priority=defaults.priority,
        maxTaskFailures=platform.task_failures_max,
        tier=defaults.tier,
        resources=_resources(job),
        constraints=tuple(
            aurora.Constraint(
                name=limit.attribute,
                constraint=aurora.TaskConstraint(limit=aurora.LimitConstraint(limit=limit.limit)),
            )
            for limit in platform.spread
        ),
        contactEmail=project.contact or platform.contact,
        executorConfig=aurora.ExecutorConfig(name=EXECUTOR, data=dumps(told)),
        metadata=tuple(aurora.Metadata(key=k, value=v) for k, v in marks),
        slaPolicy=sla_policy(platform.slas[spec.sla]) if spec.sla else None,
        container=_container(job, platform),
    )
    return _completed(overlaid(task, raw), spec.ports, platform)


def _completed(
    task: aurora.TaskConfig, ports: tuple[str, ...], platform: Platform
) -> aurora.TaskConfig:
    """Aurora overwrites `production` by the tier, and fills in links where there are none
    (ConfigurationManager): say so from the beginning, or what is live would never be equal."""
    tier = platform.tiers.get(task.tier or "")
    if tier is None:
        raise RawError(f"tier: the platform has no tier {task.tier!r}", one_of(platform.tiers))
    return replace(task, production=tier.production, taskLinks=task.taskLinks or links_of(ports))


def _resources(job: DesiredJob) -> tuple[aurora.Resource, ...]:
    wanted = job.spec.resources
    return (
        aurora.Resource(numCpus=float(wanted.cpu)),
        aurora.Resource(ramMb=wanted.ram_mb),
        aurora.Resource(diskMb=wanted.disk_mb),
        *(aurora.Resource(namedPort=port) for port in sorted(job.spec.ports)),
    )


def links_of(ports: tuple[str, ...]) -> dict[str, str]:
    """Return the links that the scheduler would fill in by itself."""
    return {p: f"http://%host%:%port:{p}%" for p in ("health", "http") if p in ports}


def _container(job: DesiredJob, platform: Platform) -> aurora.Container:
    recipe = recipe_of(job, platform)
    if recipe is None or not recipe.in_image or job.spec.image is None:
        return aurora.Container(mesos=aurora.MesosContainer())
    image = aurora.DockerImage(name=job.spec.image, tag=job.spec.version)
    return aurora.Container(mesos=aurora.MesosContainer(image=aurora.Image(docker=image)))


def sla_policy(sla: Sla) -> aurora.SlaPolicy:
    """Return what Aurora is told of an SLA of the menu."""
    match sla:
        case PercentageSla(percentage, duration_s):
            share = aurora.PercentageSlaPolicy(percentage=percentage, durationSecs=duration_s)
            return aurora.SlaPolicy(percentageSlaPolicy=share)
        case CountSla(count, duration_s):
            number = aurora.CountSlaPolicy(count=count, durationSecs=duration_s)
            return aurora.SlaPolicy(countSlaPolicy=number)
        case CoordinatorSla(url, status_key):
            asked = aurora.CoordinatorSlaPolicy(coordinatorUrl=url, statusKey=status_key)
            return aurora.SlaPolicy(coordinatorSlaPolicy=asked)


# --- what cannot be rendered, and why


def _problems(job: DesiredJob, policies: Policies) -> Iterator[Problem]:
    platform, project = policies.platform, policies.projects[job.project]
    cluster = policies.clusters[job.key.cluster]
    yield from _recipe_problems(job, platform)
    yield from _text_problems(job)
    yield from _raw_problems(job, project)
    defaults = defaults_of(platform, project, job.key.environment)
    if defaults is None:
        known = ", ".join(pattern for pattern, _ in platform.environments)
        yield Problem(
            job.origin,
            f"the platform knows no environment {job.key.environment!r}",
            f"write one that its patterns match: {known}",
        )
    elif defaults.tier not in platform.tiers:
        message = f"environments: there is no tier {defaults.tier!r}"
        yield Problem(platform.origin, message, one_of(platform.tiers))
    if job.spec.schedule is not None:
        try:
            crontab.parsed(job.spec.schedule.cron)
        except crontab.CrontabError as fault:
            yield Problem(_origin(job, "schedule"), f"schedule: {fault}", fault.hint)
    yield from _service_problems(job, project, platform, cluster)


def _recipe_problems(job: DesiredJob, platform: Platform) -> Iterator[Problem]:
    recipe = recipe_of(job, platform)
    if recipe is None:
        kind = "package" if job.spec.package is not None else "image"
        name = WHEEL if kind == "package" else IMAGE
        yield Problem(
            _origin(job, kind),
            f"the platform has no recipe for a job with `{kind}:`",
            f"an operator adds the recipe `{name}` to {platform.origin.path}",
        )
    else:
        names = [RUN, *(step.name for step in recipe.steps)]
        # The executor would keep one of the two, and not say which.
        for name in sorted({n for n in names if names.count(n) > 1}):
            message = f"recipes.{recipe.name}: there are two processes {name!r}"
            hint = f"give each a name of its own ({RUN!r} is the author's command)"
            yield Problem(platform.origin, message, hint)
    yield from _health_problems(job, platform)


def _health_problems(job: DesiredJob, platform: Platform) -> Iterator[Problem]:
    if job.spec.health is not None and platform.health.interval_s <= 0:
        # The executor would divide by it.
        yield Problem(platform.origin, "health.interval: must be positive", "write 1s or more")
    if job.spec.health is not None and health_port(job, platform) is None:
        yield Problem(
            _origin(job, "health"),
            f"health: there is no port {platform.health.port!r} to check",
            f"add `ports: [{platform.health.port}]`",
        )
    if job.spec.health is None and CHECKED in job.spec.ports:
        yield Problem(
            _origin(job, "ports"),
            f"ports: the executor checks a port named {CHECKED!r}, asked or not",
            "say what it answers under `health:`, or give the port another name",
        )


def _text_problems(job: DesiredJob) -> Iterator[Problem]:
    spec = job.spec
    texts = [("run", spec.run), *((f"env.{name}", value) for name, value in spec.env)]
    if spec.health is not None:
        texts.append(("health", spec.health))
    for path, text in texts:
        for message, hint in check_authored(text):
            yield Problem(_origin(job, path), f"{path}: {message}", hint)


def _raw_problems(job: DesiredJob, project: Project) -> Iterator[Problem]:
    for name, _ in job.spec.aurora:
        where = _origin(job, f"aurora.{name}")
        if name not in FIELDS:
            granted = ", ".join(project.grants.aurora)
            hint = (
                f"remove it, or set what the project grants: {granted}" if granted else "remove it"
            )
            yield Problem(where, f"aurora.{name}: no such field can be set", hint)
        elif name not in project.grants.aurora:
            yield Problem(
                where,
                f"aurora.{name}: project {project.name} does not grant it",
                f"an operator adds it to `allow.aurora` in {project.origin.path}",
            )


def _service_problems(
    job: DesiredJob, project: Project, platform: Platform, cluster: Cluster
) -> Iterator[Problem]:
    spec = job.spec
    if spec.instances > cluster.tasks_per_job_max:
        yield Problem(
            _origin(job, "instances"),
            f"instances: {cluster.name} takes at most {cluster.tasks_per_job_max} of one job,"
            f" not the {spec.instances} of {job.key}",
            f"ask for {cluster.tasks_per_job_max} or fewer, or have `tasksPerJob` raised in"
            f" {cluster.origin.path}",
        )
    chosen = rollout.rollout_of(spec, project, platform)
    if chosen is None:
        name = spec.rollout or project.rollout or platform.rollout
        hint = suggestion(name, platform.rollouts)
        yield Problem(_origin(job, "rollout"), f"rollout: there is no {name!r}", hint)
    elif spec.kind is JobKind.SERVICE:
        yield from _rollout_problems(job, chosen, platform, cluster)
    if spec.sla is not None:
        yield from _sla_problems(job, project, platform, cluster)


def _rollout_problems(
    job: DesiredJob, chosen: Rollout, platform: Platform, cluster: Cluster
) -> Iterator[Problem]:
    if max(chosen.watch_s, chosen.watch_with_health_s) > rollout.WATCH_MAX_S:
        message = f"rollouts.{chosen.name}: Aurora watches for {rollout.WATCH_MAX_S} s at most"
        yield Problem(platform.origin, message, "write 24d or less")
    failures = chosen.failures_per_instance_max * job.spec.instances
    if failures > cluster.update_failures_max:
        yield Problem(
            _origin(job, "instances"),
            f"rollout {chosen.name} allows {job.key} {failures} failures in all,"
            f" {cluster.name} at most {cluster.update_failures_max}",
            f"ask for fewer instances or another rollout, or have `updateFailures` raised in"
            f" {cluster.origin.path}",
        )


def _sla_problems(
    job: DesiredJob, project: Project, platform: Platform, cluster: Cluster
) -> Iterator[Problem]:
    """Aurora's own checks (ConfigurationManager), before it is asked."""
    name, where = job.spec.sla, _origin(job, "sla")
    assert name is not None, "asked only about a job with an SLA"
    sla = platform.slas.get(name)
    if sla is None:
        yield Problem(where, f"sla: there is no {name!r}", suggestion(name, platform.slas))
        return
    defaults = defaults_of(platform, project, job.key.environment)
    tier = platform.tiers.get(defaults.tier) if defaults is not None else None
    if tier is not None and not tier.production and defaults is not None:
        yield Problem(
            where,
            f"sla: tier {defaults.tier!r} of environment {job.key.environment!r} can have none",
            f"remove it there: `environments: {{{job.key.environment}: {{sla: null}}}}`",
        )
    if isinstance(sla, CoordinatorSla):
        return
    count = job.spec.instances
    if count < cluster.sla_instances_min:
        yield Problem(
            where,
            f"sla: {cluster.name} keeps one for {cluster.sla_instances_min} instances or more,"
            f" not for the {count} of {job.key}",
            f"ask for {cluster.sla_instances_min} or more, or remove `sla`",
        )
    if sla.duration_s > cluster.sla_duration_max_s:
        most = cluster.sla_duration_max_s
        message = f"sla: {sla.duration_s} s is over the {most} s that {cluster.name} takes"
        hint = f"choose another, or have `slas.{name}.duration` lowered in {platform.origin.path}"
        yield Problem(where, message, hint)
    kept = sla.count if isinstance(sla, CountSla) else sla.percentage * count / 100
    if count and kept > count - 1:
        message = f"sla: {name} would let none of the {count} of {job.key} be replaced"
        yield Problem(where, message, "ask for more instances, or choose another `sla`")


def _origin(job: DesiredJob, path: str) -> Origin:
    """Return where a field was written, or the document when it was not."""
    found: Any = job.authored.get(path)
    while found is None and "." in path:
        path = path.rpartition(".")[0]
        found = job.authored.get(path)
    return found.origin if found is not None else job.origin
