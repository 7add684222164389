"""A platform with something in every place, and jobs of every kind and recipe on it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.keys import JobKey
from reconciler.model.policy import (
    CoordinatorSla,
    CountSla,
    EnvironmentDefaults,
    Grants,
    HealthCheck,
    Logs,
    PercentageSla,
    Platform,
    Policies,
    Project,
    Recipe,
    RecipeStep,
    Rollout,
    SpreadLimit,
    Tier,
)
from reconciler.model.problem import Origin, Problem
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import (
    Authored,
    Collision,
    DesiredJob,
    JobKind,
    JobSpec,
    Layer,
    Resources,
    Schedule,
)
from reconciler.thrift import tjson
from reconciler.thrift.structs import TaskConfig
from reconciler.translate.mediator import render
from tests.support import builders

CLUSTER, PROJECT, ROLE = builders.CLUSTER, "forecast", "fc"
RAW_FIELDS = (
    "constraints",
    "container",
    "contactEmail",
    "executorConfig",
    "maxTaskFailures",
    "mesosFetcherUris",
    "metadata",
    "partitionPolicy",
    "priority",
    "slaPolicy",
    "taskLinks",
    "tier",
)


def a_platform(**differs: Any) -> Platform:
    plain = builders.a_platform(
        name="retail",
        environments=(
            ("prod", EnvironmentDefaults("preferred", 10)),
            ("staging[0-9]*|test", EnvironmentDefaults("preemptible", 0)),
        ),
        tiers={
            "preferred": Tier(False, False),
            "preemptible": Tier(True, False),
            "revocable": Tier(True, True),
        },
        recipes={
            "wheel": Recipe(
                "wheel",
                (
                    RecipeStep("venv", "python3 -m venv venv"),
                    RecipeStep("install", "venv/bin/pip install {package}=={version}", 3),
                ),
                'export PATH="$PWD/venv/bin:$PATH"\n{run}',
            ),
            "image": Recipe("image", (), "{run}", in_image=True),
        },
        rollouts={
            "standard": Rollout("standard", (0.25,)),
            "careful": Rollout("careful", (0.1, 0.5), watch_s=120, failed_instances_max=1),
            "fast": Rollout("fast", (1.0,), watch_s=10, rollback=False),
        },
        slas={
            "available": PercentageSla(90.0, 600),
            "counted": CountSla(10, 600),
            "asked": CoordinatorSla("http://sla.example/", "drain"),
        },
        logs=Logs("file", 50, 4),
        health=HealthCheck("http", 20, 5, 2, 3, 2),
        spread=(SpreadLimit("host", 2), SpreadLimit("rack", 10)),
        contact="platform@retail.example",
        announce=True,
        finalization_wait_s=45,
        task_failures_max=2,
        secrets_dir="/etc/aurora/secrets",
        start_s=20,
    )
    return replace(plain, **differs)


def a_project(**differs: Any) -> Project:
    plain = builders.a_project(
        PROJECT,
        role=ROLE,
        environments={"prod": CLUSTER, "staging1": CLUSTER},
        grants=Grants(Resources(64, 65536, 65536), 4000, RAW_FIELDS),
    )
    return replace(plain, **differs)


def policies(
    platform: Platform | None = None, project: Project | None = None, **cluster: Any
) -> Policies:
    found = project or a_project()
    return Policies(
        platform or a_platform(),
        {CLUSTER: builders.a_cluster(**cluster)},
        {found.name: found},
        "digest",
    )


def a_spec(**differs: Any) -> JobSpec:
    plain = JobSpec(
        kind=JobKind.SERVICE,
        run="serve --port $PORT_HTTP",
        version="2.14.1",
        resources=Resources(0.5, 512, 1024),
        package="demand-forecast",
        ports=("http",),
        health="/health",
        instances=4,
    )
    if "image" in differs:
        differs.setdefault("package", None)
    return replace(plain, **differs)


def a_job(
    spec: JobSpec | None = None,
    *,
    name: str = "api",
    environment: str = "prod",
    authored: Mapping[str, Authored] | None = None,
    **differs: Any,
) -> DesiredJob:
    """A declared job; what is not said of the spec is unremarkable."""
    return DesiredJob(
        key=JobKey(CLUSTER, ROLE, environment, name),
        project=PROJECT,
        spec=spec or a_spec(**differs),
        origin=Origin(f"forecast/{name}.yaml", 2, 1),
        digest="0" * 40,
        authored=authored or {},
    )


def a_cron(**differs: Any) -> JobSpec:
    plain: dict[str, Any] = {
        "kind": JobKind.CRON,
        "schedule": Schedule("0 3 * * *", Collision.CANCEL_NEW),
        "ports": (),
        "health": None,
        "instances": 1,
        "run": "train --horizon 28d",
    }
    return a_spec(**(plain | differs))


def written(line: int, layer: Layer = Layer.AUTHOR) -> Authored:
    return Authored(layer, Origin("forecast/api.yaml", line, 3))


def rendered(job: DesiredJob, given: Policies | None = None) -> RenderedJob:
    """Render what can be rendered."""
    found = render(job, given or policies())
    assert isinstance(found, RenderedJob), found
    return found


def problems(job: DesiredJob, given: Policies | None = None) -> tuple[Problem, ...]:
    """Return why a job cannot be rendered."""
    found = render(job, given or policies())
    assert not isinstance(found, RenderedJob), "it was rendered"
    return found


def config_of(job: DesiredJob, given: Policies | None = None) -> TaskConfig:
    """Return the struct that a job becomes, as Aurora will read it."""
    return tjson.decode(TaskConfig, rendered(job, given).config.wire)


MASTER = JobKey(CLUSTER, ROLE, "prod", "backtest-master")

# One for each recipe and kind, and one with everything that an author may set.
SAMPLES: dict[str, DesiredJob] = {
    "wheel_service": a_job(),
    "image_service": a_job(
        a_spec(image="registry.example:5000/price-feed", version="1.10", ports=(), health=None),
        name="price-feed",
    ),
    "wheel_cron": a_job(a_cron(), name="nightly-training"),
    "image_cron": a_job(
        a_cron(
            image="registry.example/crawl",
            schedule=Schedule("*/15 8-18 * * MON-FRI", Collision.KILL_EXISTING),
        ),
        name="crawl",
        environment="staging1",
    ),
    "framework_master": a_job(
        a_spec(run="backtest master --port $PORT_SCHEDULER", ports=("scheduler",), health=None,
               instances=1),
        name="backtest-master",
    ),
    "framework_workers": a_job(
        a_spec(run="backtest worker --master $MASTER_PATH", ports=(), health=None, instances=12,
               master=MASTER),
        name="backtest-workers",
    ),
    "everything": a_job(
        a_spec(
            env=(("GREETING", "it's $HOME,\n\"quoted\""), ("LOG_LEVEL", "info")),
            secrets=(("DB_PASSWORD", "forecast-db"),),
            ports=("http", "admin-ui"),
            rollout="careful",
            sla="available",
            instances=40,
            aurora=(
                ("executorConfig", '{"data":{"task":{"max_failures":2}}}'),
                ("metadata", '[{"key":"team","value":"pricing"}]'),
                ("partitionPolicy", '{"delaySecs":120,"reschedule":true}'),
                ("taskLinks", '{"dashboard":"https://grafana.example/d/1"}'),
            ),
        ),
    ),
}  # fmt: skip
