"""A TaskConfig field by field, and its Thermos document, against what the executor reads."""

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.policy import HealthCheck, Logs, Recipe, RecipeStep, SpreadLimit
from reconciler.model.spec import DesiredJob, JobKind, Resources
from reconciler.thrift.structs import (
    CoordinatorSlaPolicy,
    CountSlaPolicy,
    DockerImage,
    Identity,
    JobKey,
    PercentageSlaPolicy,
    SlaPolicy,
)
from tests.translate.samples import (
    MASTER,
    a_cron,
    a_job,
    a_platform,
    a_project,
    a_spec,
    config_of,
    policies,
    rendered,
)


def data_of(job: DesiredJob, **platform: Any) -> dict[str, Any]:
    """Return the Thermos document of a job, as the executor will parse it."""
    config = config_of(job, policies(a_platform(**platform)))
    assert config.executorConfig is not None
    assert config.executorConfig.data is not None
    found = json.loads(config.executorConfig.data)
    assert isinstance(found, dict)
    return found


def process(job: DesiredJob, name: str = "run", **platform: Any) -> dict[str, Any]:
    [found] = [p for p in data_of(job, **platform)["task"]["processes"] if p["name"] == name]
    assert isinstance(found, dict)
    return found


# --- the TaskConfig


def test_who_a_job_is_stands_in_the_config_and_in_the_document() -> None:
    config, data = config_of(a_job()), data_of(a_job())
    assert config.job == JobKey(role="fc", environment="prod", name="api")
    assert config.owner == Identity(user="fc")
    assert (data["role"], data["environment"]) == ("fc", "prod")
    assert data["task"]["name"] == "api"


def test_a_service_runs_for_ever_and_a_cron_job_does_not() -> None:
    assert config_of(a_job()).isService is True
    assert config_of(a_job(a_cron())).isService is False


def test_resources_are_the_same_to_the_scheduler_and_to_the_executor() -> None:
    job = a_job(resources=Resources(2, 4096, 10240), ports=("http", "admin"))
    told = [(r.numCpus, r.ramMb, r.diskMb, r.namedPort) for r in config_of(job).resources or ()]
    assert told == [
        (2.0, None, None, None),
        (None, 4096, None, None),
        (None, None, 10240, None),
        (None, None, None, "admin"),
        (None, None, None, "http"),
    ]
    assert data_of(job)["task"]["resources"] == {"cpu": 2, "ram": 4 * 2**30, "disk": 10 * 2**30}


ENVIRONMENTS = {
    "production": ("prod", "preferred", 10, True),
    "staging, by pattern": ("staging1", "preemptible", 0, False),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_tier_and_priority_are_of_the_environment(name: str) -> None:
    environment, tier, priority, production = ENVIRONMENTS[name]
    job = a_job(environment=environment)
    config = config_of(job)
    assert (config.tier, config.priority, config.production) == (tier, priority, production)
    assert rendered(job).production is production


def test_a_project_may_have_another_tier_for_an_environment() -> None:
    config = config_of(a_job(), policies(project=a_project(tiers={"prod": "revocable"})))
    assert (config.tier, config.priority, config.production) == ("revocable", 10, False)


def test_spread_limits_are_constants_and_not_shares_of_the_instances() -> None:
    platform = a_platform(spread=(SpreadLimit("host", 1), SpreadLimit("zone", 9)))
    for instances in (1, 400):
        config = config_of(a_job(instances=instances), policies(platform))
        limits = [
            (c.name, c.constraint.limit.limit)
            for c in config.constraints or ()
            if c.constraint is not None and c.constraint.limit is not None
        ]
        assert limits == [("host", 1), ("zone", 9)]


def test_marks_are_functions_of_the_spec() -> None:
    told = {m.key: m.value for m in config_of(a_job()).metadata or ()}
    assert told == {
        "reconciler.owner": "retail",
        "reconciler.package": "demand-forecast",
        "reconciler.version": "2.14.1",
    }


def test_the_contact_is_the_projects_or_else_the_platforms() -> None:
    assert config_of(a_job()).contactEmail == "platform@retail.example"
    given = policies(project=a_project(contact="fc@retail.example"))
    assert config_of(a_job(), given).contactEmail == "fc@retail.example"
    nobody = policies(a_platform(contact=None))
    assert config_of(a_job(), nobody).contactEmail is None


def test_links_are_those_that_the_scheduler_would_fill_in() -> None:
    job = a_job(ports=("http", "health", "admin"))
    assert config_of(job).taskLinks == {
        "health": "http://%host%:%port:health%",
        "http": "http://%host%:%port:http%",
    }
    assert config_of(a_job(ports=("admin",), health=None)).taskLinks == {}


SLAS = {
    "available": SlaPolicy(
        percentageSlaPolicy=PercentageSlaPolicy(percentage=90.0, durationSecs=600)
    ),
    "counted": SlaPolicy(countSlaPolicy=CountSlaPolicy(count=10, durationSecs=600)),
    "asked": SlaPolicy(
        coordinatorSlaPolicy=CoordinatorSlaPolicy(
            coordinatorUrl="http://sla.example/", statusKey="drain"
        )
    ),
}


@pytest.mark.parametrize("name", SLAS)
def test_an_sla_of_the_menu_becomes_a_policy_that_updates_respect(name: str) -> None:
    job = a_job(sla=name, instances=20)
    assert config_of(job).slaPolicy == SLAS[name]
    change, creation = rendered(job).change, rendered(job).creation
    assert change is not None
    assert creation is not None
    assert (change.sla_aware, creation.sla_aware) == (True, False)


def test_without_an_sla_there_is_no_policy() -> None:
    assert config_of(a_job()).slaPolicy is None
    change = rendered(a_job()).change
    assert change is not None
    assert not change.sla_aware


def test_a_package_runs_without_an_image_and_an_image_in_it() -> None:
    plain = config_of(a_job()).container
    assert plain is not None
    assert plain.mesos is not None
    assert plain.mesos.image is None
    job = a_job(image="registry.example:5000/feed", version="1.10")
    container = config_of(job).container
    assert container is not None
    assert container.mesos is not None
    assert container.mesos.image is not None
    assert container.mesos.image.docker == DockerImage(
        name="registry.example:5000/feed", tag="1.10"
    )


def test_what_is_not_said_is_not_sent() -> None:
    config = config_of(a_job())
    assert config.partitionPolicy is None
    assert config.mesosFetcherUris is None
    assert config.maxTaskFailures == 2


# --- the processes


def test_a_wheel_is_installed_before_the_command_runs_and_in_order() -> None:
    task = data_of(a_job())["task"]
    assert [p["name"] for p in task["processes"]] == ["venv", "install", "run"]
    assert task["constraints"] == [{"order": ["venv", "install", "run"]}]
    install = process(a_job(), "install")
    assert install["cmdline"] == "venv/bin/pip install demand-forecast==2.14.1"
    assert install["max_failures"] == 3


def test_one_process_needs_no_order() -> None:
    task = data_of(a_job(image="feed"))["task"]
    assert [p["name"] for p in task["processes"]] == ["run"]
    assert "constraints" not in task


def test_what_a_value_brings_is_not_filled_in_again() -> None:
    recipe = Recipe("wheel", (RecipeStep("say", "echo {package} {version}"),), "a; {run}; b")
    job = a_job(package="{version}", version="{run}", run="echo {package} {unknown} ${X}")
    recipes = {"wheel": recipe}
    assert process(job, "say", recipes=recipes)["cmdline"] == "echo {version} {run}"
    assert process(job, recipes=recipes)["cmdline"].endswith("a; echo {package} {unknown} ${X}; b")


def test_a_document_has_only_keys_that_the_executor_reads_and_no_null() -> None:
    """An unknown key within a process, and null in many a place, would end the executor itself."""
    data = data_of(a_job(a_spec(secrets=(("A", "a"),), env=(("B", "b"),))))
    assert data.keys() <= {
        "announce",
        "environment",
        "health_check_config",
        "lifecycle",
        "role",
        "task",
    }
    assert data["task"].keys() == {
        "constraints",
        "finalization_wait",
        "name",
        "processes",
        "resources",
    }
    for found in data["task"]["processes"]:
        assert found.keys() <= {"name", "cmdline", "max_failures", "logger"}
    assert "null" not in json.dumps(data)


# --- environment, secrets, ports


def test_the_command_finds_what_was_promised_to_it() -> None:
    job = a_job(ports=("http", "admin-ui"), env=(("LOG_LEVEL", "info"),))
    lines = process(job)["cmdline"].splitlines()
    assert lines[:6] == [
        "export PORT_HTTP={{thermos.ports[http]}}",
        "export PORT_ADMIN_UI={{thermos.ports[admin-ui]}}",
        "export INSTANCE={{mesos.instance}}",
        "export HOST={{mesos.hostname}}",
        "export TASK_ID={{thermos.task_id}}",
        "export LOG_LEVEL=info",
    ]
    assert lines[-1] == "serve --port $PORT_HTTP"


def test_every_port_that_is_asked_for_is_named_by_a_process() -> None:
    """The executor's own client asks for exactly those: a port nobody names would be strange."""
    job = a_job(ports=("http", "admin", "debug"))
    named = {p for p in ("http", "admin", "debug") if f"[{p}]" in process(job)["cmdline"]}
    asked = {r.namedPort for r in config_of(job).resources or () if r.namedPort is not None}
    assert named == asked == {"http", "admin", "debug"}


def test_a_secret_is_a_file_that_is_read_at_start_and_its_value_is_nowhere() -> None:
    job = a_job(secrets=(("DB_PASSWORD", "forecast-db"),))
    lines = process(job)["cmdline"].splitlines()
    assert lines[4:6] == [
        'DB_PASSWORD="$(cat /etc/aurora/secrets/forecast-db)" || { echo \'secret file'
        " /etc/aurora/secrets/forecast-db for DB_PASSWORD cannot be read' >&2; exit 78; }",
        "export DB_PASSWORD",
    ]
    assert "DB_PASSWORD" not in json.dumps(process(job, "install"))


def test_workers_are_told_where_their_master_announces_itself() -> None:
    job = a_job(master=MASTER, ports=(), health=None)
    assert (
        "export MASTER_PATH=/aurora/fc/prod/backtest-master" in process(job)["cmdline"].splitlines()
    )
    assert "MASTER_PATH" not in process(a_job())["cmdline"]


# --- announce


ANNOUNCED: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "a checked port: the executor looks for one called health": (
        {"ports": ("http",)},
        {"primary_port": "http", "portmap": {"aurora": "http", "health": "http"}},
    ),
    "a checked port beside http is not the one to talk to": (
        {"ports": ("http", "health")},
        {"primary_port": "http", "portmap": {"aurora": "http"}},
    ),
    "the only port is checked, whatever its name": (
        {"ports": ("web",)},
        {"primary_port": "web", "portmap": {"aurora": "web", "health": "web"}},
    ),
    "a port called health is checked, and is a port of its own": (
        {"ports": ("web", "health")},
        {"primary_port": "health", "portmap": {"aurora": "health"}},
    ),
    "nothing is checked": (
        {"ports": ("scheduler", "ui"), "health": None},
        {"primary_port": "scheduler", "portmap": {"aurora": "scheduler"}},
    ),
    "http comes first where there is one": (
        {"ports": ("admin", "http"), "health": None},
        {"primary_port": "http", "portmap": {"aurora": "http"}},
    ),
    "without a port there is nothing to announce": ({"ports": (), "health": None}, None),
}


@pytest.mark.parametrize("name", ANNOUNCED)
def test_ports_are_announced(name: str) -> None:
    spec, expected = ANNOUNCED[name]
    assert data_of(a_job(**spec)).get("announce") == expected


def test_a_platform_without_announcing_announces_only_what_a_check_needs() -> None:
    assert "announce" not in data_of(a_job(health=None), announce=False)
    assert data_of(a_job(), announce=False)["announce"]["portmap"]["health"] == "http"


# --- health check and stopping


def test_a_health_check_wants_200_and_no_word() -> None:
    data = data_of(a_job(health="/status"), health=HealthCheck("http", 30, 5, 2, 3, 2))
    assert data["health_check_config"] == {
        "initial_interval_secs": 30,
        "interval_secs": 5,
        "timeout_secs": 2,
        "max_consecutive_failures": 3,
        "min_consecutive_successes": 2,
        "health_checker": {
            "http": {
                "endpoint": "/status",
                "expected_response": "",
                "expected_response_code": 200,
            }
        },
    }
    assert "health_check_config" not in data_of(a_job(health=None))


def test_the_usual_port_is_checked_where_there_are_several() -> None:
    job = a_job(ports=("admin", "web"))
    check = HealthCheck("web", 30, 5, 2, 3, 2)
    assert data_of(job, health=check)["announce"]["portmap"]["health"] == "web"


def test_an_instance_is_expected_to_start_later_when_it_is_checked() -> None:
    check = HealthCheck("http", 40, 5, 2, 3, 2)
    given = policies(a_platform(health=check, start_s=7))
    assert rendered(a_job(), given).start_s == 47
    assert rendered(a_job(health=None), given).start_s == 7


def test_a_task_is_stopped_by_signal_and_not_by_http() -> None:
    """The executor's default would post to every health port, and wait up to ten seconds."""
    for job in (a_job(), a_job(health=None), a_job(a_cron())):
        assert data_of(job)["lifecycle"] == {}
    assert data_of(a_job(), finalization_wait_s=55)["task"]["finalization_wait"] == 55


# --- logs


LOGS = {
    "to files, rotated": (
        Logs("file", 100, 5),
        {
            "destination": "file",
            "mode": "rotate",
            "rotate": {"log_size": 104_857_600, "backups": 5},
        },
    ),
    "to both, files rotated": (
        Logs("both", 1, 2),
        {"destination": "both", "mode": "rotate", "rotate": {"log_size": 1_048_576, "backups": 2}},
    ),
    "to the console: nothing to rotate": (Logs("console", 100, 5), {"destination": "console"}),
    "nowhere": (Logs("none", 100, 5), {"destination": "none"}),
}


@pytest.mark.parametrize("name", LOGS)
def test_every_process_logs_as_the_platform_says(name: str) -> None:
    logs, expected = LOGS[name]
    for found in data_of(a_job(), logs=logs)["task"]["processes"]:
        assert found["logger"] == expected


# --- cron


def test_a_cron_job_has_no_update_settings_and_a_service_has_both() -> None:
    cron, service = rendered(a_job(a_cron())), rendered(a_job())
    assert (cron.creation, cron.change) == (None, None)
    assert service.creation is not None
    assert service.change is not None


def test_when_a_cron_job_runs_is_no_part_of_what_it_runs() -> None:
    spec = a_cron()
    assert spec.schedule is not None
    later = replace(spec, schedule=replace(spec.schedule, cron="0 4 * * *"))
    assert rendered(a_job(spec)).config == rendered(a_job(later)).config


def test_every_kind_is_covered_here() -> None:
    assert set(JobKind) == {JobKind.SERVICE, JobKind.CRON}
