"""Values for tests, complete and unremarkable: a case says only what it differs in."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.live import (
    Accepted,
    Answer,
    DiffAnswer,
    LiveCron,
    LiveGroup,
    LiveJob,
    LiveSnapshot,
    LiveTask,
    Quota,
    TaskStatus,
)
from reconciler.model.marks import INSTALLATION, REVISION, SPEC
from reconciler.model.memory import Memory, Owned
from reconciler.model.policy import (
    Cluster,
    EnvironmentDefaults,
    Grants,
    Guard,
    HealthCheck,
    Logs,
    OnRemove,
    Platform,
    Policies,
    Project,
    Prune,
    Rollout,
    Scheduler,
    Strategy,
    Tier,
)
from reconciler.model.problem import Origin
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import (
    Collision,
    DesiredJob,
    JobKind,
    JobSpec,
    Resources,
    Schedule,
    Suspension,
)
from reconciler.model.task import CanonicalTask, Config
from reconciler.model.tree import DesiredTree, Revision
from reconciler.model.update import LiveUpdate, UpdateEvent, UpdateSettings, UpdateStatus
from reconciler.plan.inputs import Orders, PlanInput
from reconciler.thrift import tjson
from reconciler.thrift.structs import Identity, TaskConfig

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
CLUSTER = "dev"
PROJECT = "shop"
PLATFORM = "acme"
REVISION_NOW = "f" * 40


def a_key(name: str = "web", environment: str = "prod", role: str = PROJECT) -> JobKey:
    return JobKey(CLUSTER, role, environment, name)


def a_config(version: str = "1", *, owner: str | None = PROJECT, **fields: Any) -> Config:
    """A config whose meaning is its version; the owner is in the bytes only."""
    value = {
        "version": version,
        "production": True,
        "resources": {"cpu": 1.0, "ram_mb": 128, "disk_mb": 128},
        **fields,
    }
    task = CanonicalTask(
        json.dumps(value, sort_keys=True),
        (("reconciler.owner", PLATFORM), ("reconciler.version", version)),
    )
    told = TaskConfig(owner=Identity(user=owner) if owner else None, contactEmail=json.dumps(value))
    return Config(task, tjson.encode(told))


def settings(**differs: Any) -> UpdateSettings:
    plain = UpdateSettings(
        strategy=Strategy.BATCH,
        groups=(1,),
        watch_ms=0,
        failed_instances_max=0,
        failures_per_instance_max=0,
        rollback=True,
        sla_aware=False,
    )
    return replace(plain, **differs)


def a_spec(**differs: Any) -> JobSpec:
    plain = JobSpec(
        kind=JobKind.SERVICE,
        run="serve",
        version="1",
        resources=Resources(1.0, 128, 128),
        package="web",
        instances=3,
    )
    return replace(plain, **differs)


def a_cron_spec(**differs: Any) -> JobSpec:
    schedule = differs.pop("schedule", Schedule("0 3 * * *", Collision.CANCEL_NEW))
    return a_spec(kind=JobKind.CRON, schedule=schedule, instances=1, **differs)


def a_job(
    key: JobKey | None = None,
    *,
    version: str = "1",
    suspended: Suspension | None = None,
    project: str = PROJECT,
    production: bool = True,
    **spec: Any,
) -> RenderedJob:
    """A declared job, rendered. `kind=JobKind.CRON` makes it a cron job."""
    key = key or a_key()
    is_cron = spec.pop("kind", JobKind.SERVICE) is JobKind.CRON or "schedule" in spec
    made = a_cron_spec(version=version, **spec) if is_cron else a_spec(version=version, **spec)
    desired = DesiredJob(
        key=key,
        project=project,
        spec=made,
        origin=Origin(f"{project}/{key.name}.yaml", 1, 1),
        digest="0" * 40,
        authored={},
        suspended=suspended,
    )
    return RenderedJob(
        desired=desired,
        config=a_config(version),
        creation=None if is_cron else settings(groups=(max(made.instances, 1),), rollback=False),
        change=None if is_cron else settings(),
        start_s=10,
        production=production,
    )


def a_group(config: Config, ids: Iterable[int]) -> LiveGroup:
    instances = InstanceIds.of(ids)
    assert instances is not None, "a group has instances"
    return LiveGroup(config, instances)


def a_task(instance: int, status: TaskStatus = TaskStatus.RUNNING) -> LiveTask:
    return LiveTask(f"task-{instance}", instance, status)


def a_live_job(
    key: JobKey | None = None,
    *,
    version: str = "1",
    ids: Iterable[int] = (0, 1, 2),
    groups: tuple[LiveGroup, ...] | None = None,
    **differs: Any,
) -> LiveJob:
    """A live service, everything about it read."""
    ids = tuple(ids)
    config = a_config(version)
    made = groups if groups is not None else ((a_group(config, ids),) if ids else ())
    everything = tuple(i for g in made for i in g.instances)
    plain = LiveJob(
        key=key or a_key(),
        is_service=True,
        seen=made[0].config.task if made else None,
        count=len(everything),
        groups=made,
        tasks=tuple(a_task(i) for i in everything),
    )
    return replace(plain, **differs)


def a_live_cron(key: JobKey | None = None, *, version: str = "1", **differs: Any) -> LiveJob:
    template = LiveCron(
        config=a_config(version),
        schedule=differs.pop("schedule", "0 3 * * *"),
        collision=differs.pop("collision", Collision.CANCEL_NEW),
        instances=differs.pop("instances", 1),
    )
    plain = LiveJob(
        key=key or a_key(), is_service=False, seen=None, count=0, cron=template, groups=(), tasks=()
    )
    return replace(plain, **differs)


def an_update(
    status: UpdateStatus = UpdateStatus.ROLLING_FORWARD,
    *,
    ours: bool = True,
    spec: str = "",
    age_s: float = 5,
    events: tuple[UpdateEvent, ...] | None = None,
    revision: str = REVISION_NOW,
    metadata: Mapping[str, str] | None = None,
) -> LiveUpdate:
    told = dict(metadata or {})
    if ours:
        told |= {INSTALLATION: PLATFORM, SPEC: spec, REVISION: revision}
    at = NOW_MS - int(age_s * 1000)
    return LiveUpdate("u1", "root", status, at, at, told, events)


def an_owned(project: str = PROJECT, revision: str = REVISION_NOW, **differs: Any) -> Owned:
    plain = Owned(project, NOW - timedelta(days=9), f"{project}/web.yaml", revision)
    return replace(plain, **differs)


def a_project(name: str = PROJECT, **differs: Any) -> Project:
    plain = Project(
        name=name,
        origin=Origin(f"platform/projects/{name}.yaml", 1, 1),
        role=name,
        sources=(f"{name}/**",),
        environments={"prod": CLUSTER},
        grants=Grants(Resources(8, 8192, 8192), 100, ()),
        guard=Guard(),
        prune=Prune.ON,
        on_remove=OnRemove.FINISH,
        contact=None,
        tiers={},
        rollout=None,
    )
    return replace(plain, **differs)


def a_platform(**differs: Any) -> Platform:
    plain = Platform(
        name=PLATFORM,
        origin=Origin("platform/platform.yaml", 1, 1),
        environments=(("prod", EnvironmentDefaults("preferred", 0)),),
        tiers={"preferred": Tier(False, False), "preemptible": Tier(True, False)},
        recipes={},
        rollouts={"standard": Rollout("standard", (0.1,))},
        rollout="standard",
        slas={},
        logs=Logs("file", 100, 5),
        health=HealthCheck("http", 15, 10, 1, 0, 1),
        spread=(),
        guard=Guard(),
        contact=None,
        announce=False,
        finalization_wait_s=30,
        task_failures_max=1,
        secrets_dir="/etc/secrets",
        secret_keys=(),
        start_s=10,
    )
    return replace(plain, **differs)


def a_cluster(**differs: Any) -> Cluster:
    plain = Cluster(
        name=CLUSTER,
        origin=Origin("platform/clusters/dev.yaml", 1, 1),
        scheduler=Scheduler(("http://127.0.0.1:8081",)),
        server_name=CLUSTER,
        time_zone="UTC",
        tasks_per_job_max=4000,
        sla_instances_min=20,
    )
    return replace(plain, **differs)


def a_tree(*projects: Project, **differs: Any) -> DesiredTree:
    """A whole tree without jobs: those are given to `a_round` rendered."""
    known = {p.name: p for p in projects or (a_project(),)}
    policies = Policies(a_platform(), {CLUSTER: a_cluster()}, known, "p")
    plain = DesiredTree(
        revision=Revision(REVISION_NOW),
        policies=policies,
        jobs={},
        broken={},
        problems=(),
    )
    return replace(plain, **differs)


def all_answers(
    jobs: Iterable[RenderedJob], live: Mapping[JobKey, LiveJob]
) -> dict[JobKey, Answer]:
    """What an honest scheduler would answer about every declared job."""
    answers: dict[JobKey, Answer] = {}
    for job in jobs:
        key, there = job.desired.key, live.get(job.desired.key)
        if there is None or there.groups is None or not there.groups or there.cron is not None:
            answers[key] = Accepted(job.config)
            continue
        declared, ids = set(range(job.desired.spec.instances)), there.ids()
        wrong = {
            i
            for g in there.groups
            if not job.config.task.satisfied_by(g.config.task)
            for i in g.instances
        }
        answers[key] = DiffAnswer(
            tuple(sorted(declared - ids)),
            tuple(sorted(ids - declared)),
            tuple(sorted(wrong & declared)),
            tuple(sorted((ids & declared) - wrong)),
        )
    return answers


def a_snapshot(*jobs: LiveJob, **differs: Any) -> LiveSnapshot:
    plain = LiveSnapshot(
        cluster=CLUSTER,
        jobs={job.key: job for job in jobs},
        quotas={PROJECT: Quota(1000, 1e6, 1e6, 0, 0, 0)},
    )
    return replace(plain, **differs)


def a_round(
    declared: Iterable[RenderedJob] = (),
    live: Iterable[LiveJob] = (),
    *,
    memory: Memory | None = None,
    tree: DesiredTree | None = None,
    orders: Orders | None = None,
    snapshot: LiveSnapshot | None = None,
    unrendered: Mapping[JobKey, Any] | None = None,
    now: datetime = NOW,
) -> PlanInput:
    """One round with all questions answered; what is declared is owned unless memory is given."""
    declared, live = tuple(declared), tuple(live)
    there = {job.key: job for job in live}
    seen = snapshot or a_snapshot(*live)
    return PlanInput(
        cluster=a_cluster(),
        tree=tree or a_tree(),
        rendered={job.desired.key: job for job in declared},
        unrendered=unrendered or {},
        snapshot=replace(seen, answers={**all_answers(declared, there), **seen.answers}),
        memory=memory if memory is not None else owning(*(j.desired.key for j in declared)),
        now=now,
        orders=orders or Orders(),
    )


def owning(*keys: JobKey, **differs: Any) -> Memory:
    plain = Memory(installation="i", owned={key: an_owned(key.role) for key in keys})
    return replace(plain, **differs)


MASTER, WORKERS = a_key("b-master"), a_key("b-workers")


def framework(**workers: Any) -> list[RenderedJob]:
    """The two jobs of a batch framework; `workers` differ in this."""
    return [a_job(MASTER, instances=1), a_job(WORKERS, master=MASTER, **workers)]
