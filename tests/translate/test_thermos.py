"""`executorConfig.data` by meaning: as the executor of Aurora 0.23 reads it, whoever wrote it."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.spec import DesiredJob
from reconciler.thrift import tjson
from reconciler.thrift.structs import ExecutorConfig, TaskConfig
from reconciler.translate.canonical import canonical, dumps
from reconciler.translate.thermos import REPEATED, meaning
from tests.translate.samples import SAMPLES, a_job, a_spec, config_of, rendered

JOB = {"role": "www", "environment": "prod"}
NONE: frozenset[str] = frozenset()
HEALTH = frozenset({"health"})
ADMIN = frozenset({"admin"})


def of(document: Any, ports: frozenset[str] = NONE) -> Any:
    """Return what a document, given as plain values, means."""
    return meaning(json.dumps(document), JOB, ports)


def task(**differs: Any) -> dict[str, Any]:
    plain = {
        "name": "web",
        "processes": [{"name": "run", "cmdline": "run.sh"}],
        "resources": {"cpu": 1, "ram": 128, "disk": 256},
    }
    return plain | differs


def process(**differs: Any) -> dict[str, Any]:
    return {"task": task(processes=[{"name": "run", "cmdline": "run.sh"} | differs])}


def check(**differs: Any) -> dict[str, Any]:
    return {"task": task(), "health_check_config": differs}


PLAIN = {"task": task()}

EQUAL: dict[str, tuple[Any, Any]] = {
    "role and environment of the key": (PLAIN, PLAIN | JOB),
    "whole numbers with a fraction of zero": (
        PLAIN,
        {"task": task(resources={"cpu": 1.0, "ram": 128.0, "disk": 256})},
    ),
    "numbers as text": (
        PLAIN,
        {"task": task(resources={"cpu": "1", "ram": "128", "disk": "256.0"})},
    ),
    "no gpu": (PLAIN, {"task": task(resources={"cpu": 1, "ram": 128, "disk": 256, "gpu": 0})}),
    "defaults of the task": (
        PLAIN,
        {"task": task(finalization_wait=30, max_concurrency=0, max_failures=1, constraints=[])},
    ),
    "defaults of a process": (
        PLAIN,
        process(daemon=False, ephemeral=False, final=False, max_failures=1, min_duration=5),
    ),
    "defaults of a process as text": (
        PLAIN,
        process(daemon="false", ephemeral="False", max_failures="1"),
    ),
    "what nobody reads": (PLAIN, {"task": task(user="www")}),
    "resources of a process, which are reserved": (PLAIN, process(resources={"cpu": 1})),
    "defaults of the health check": (
        PLAIN,
        check(
            initial_interval_secs=15.0,
            interval_secs=10.0,
            timeout_secs=1.0,
            max_consecutive_failures=0,
            min_consecutive_successes=1,
            health_checker={
                "http": {
                    "endpoint": "/health",
                    "expected_response": "ok",
                    "expected_response_code": 0,
                }
            },
        ),
    ),
    "an empty health check": (PLAIN, check()),
    "an empty check by http": (PLAIN, check(health_checker={"http": {}})),
    "a check by http beside one by shell, which wins": (
        check(health_checker={"shell": {"shell_command": "true"}}),
        check(health_checker={"shell": {"shell_command": "true"}, "http": {"endpoint": "/x"}}),
    ),
    "defaults of a logger": (
        process(logger={}),
        process(logger={"destination": "file", "mode": "standard"}),
    ),
    "a rotation that does not happen": (
        process(logger={"mode": "standard"}),
        process(logger={"mode": "standard", "rotate": {"backups": 9}}),
    ),
    "defaults of a rotation": (
        process(logger={"mode": "rotate"}),
        process(logger={"mode": "rotate", "rotate": {"backups": 5, "log_size": 104857600}}),
    ),
    "defaults of an announcement": (
        PLAIN | {"announce": {}},
        PLAIN | {"announce": {"primary_port": "http", "portmap": {"aurora": "http"}}},
    ),
    "a default portmap follows its port": (
        PLAIN | {"announce": {"primary_port": "web"}},
        PLAIN | {"announce": {"primary_port": "web", "portmap": {"aurora": "web"}}},
    ),
    "no lifecycle where nothing listens": (PLAIN, PLAIN | {"lifecycle": {}}),
    "order constraints in another order": (
        {"task": task(constraints=[{"order": ["a", "b"]}, {"order": ["c", "d"]}])},
        {"task": task(constraints=[{"order": ["c", "d"]}, {"order": ["a", "b"]}])},
    ),
    "processes in another order": (
        {"task": task(processes=[{"name": "a"}, {"name": "b"}])},
        {"task": task(processes=[{"name": "b"}, {"name": "a"}])},
    ),
    "a task named as its first process": (
        {"task": {"name": "a", "processes": [{"name": "a"}, {"name": "b"}]}},
        {"task": {"processes": [{"name": "a"}, {"name": "b"}]}},
    ),
    "null for what is not there": (
        PLAIN,
        PLAIN | {"contact": None, "tier": None, "announce": None},
    ),
    "what the scheduler knows anyway": (PLAIN, PLAIN | dict.fromkeys(sorted(REPEATED), "x")),
}


@pytest.mark.parametrize("name", EQUAL)
def test_documents_that_mean_the_same_are_equal(name: str) -> None:
    one, two = EQUAL[name]
    assert of(one) == of(two)


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "another role": (PLAIN, PLAIN | {"role": "other"}),
    "another environment": (PLAIN, PLAIN | {"environment": "test"}),
    "another command": (PLAIN, process(cmdline="stop.sh")),
    "a command with other blanks": (PLAIN, process(cmdline="run.sh ")),
    "a process more": (
        PLAIN,
        {"task": task(processes=[{"name": "run", "cmdline": "run.sh"}, {"name": "b"}])},
    ),
    "a daemon": (PLAIN, process(daemon=True)),
    "a final process": (PLAIN, process(final=True)),
    "an ephemeral process": (PLAIN, process(ephemeral="true")),
    "failures without end": (PLAIN, process(max_failures=0)),
    "another pause between runs": (PLAIN, process(min_duration=6)),
    "a logger is not the cluster's own": (PLAIN, process(logger={})),
    "a logger to the console": (process(logger={}), process(logger={"destination": "console"})),
    "a rotated log": (process(logger={}), process(logger={"mode": "rotate"})),
    "another rotation": (
        process(logger={"mode": "rotate"}),
        process(logger={"mode": "rotate", "rotate": {"backups": 4}}),
    ),
    "another cpu": (PLAIN, {"task": task(resources={"cpu": 2, "ram": 128, "disk": 256})}),
    "a gpu": (PLAIN, {"task": task(resources={"cpu": 1, "ram": 128, "disk": 256, "gpu": 1})}),
    "longer finalization": (PLAIN, {"task": task(finalization_wait=31)}),
    "an order": (PLAIN, {"task": task(constraints=[{"order": ["run"]}])}),
    "an order the other way round": (
        {"task": task(constraints=[{"order": ["a", "b"]}])},
        {"task": task(constraints=[{"order": ["b", "a"]}])},
    ),
    "another check": (PLAIN, check(interval_secs=5)),
    "another endpoint": (PLAIN, check(health_checker={"http": {"endpoint": "/up"}})),
    "another answer": (PLAIN, check(health_checker={"http": {"expected_response": ""}})),
    "a check by shell": (PLAIN, check(health_checker={"shell": {"shell_command": "true"}})),
    "an announcement": (PLAIN, PLAIN | {"announce": {}}),
    "another path of it": (
        PLAIN | {"announce": {}},
        PLAIN | {"announce": {"zk_path": "/other"}},
    ),
    "a key that we do not know": (PLAIN, PLAIN | {"instance": 0}),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_does_not_mean_the_same(name: str) -> None:
    one, two = DIFFERENT[name]
    assert of(one) != of(two)


LIFECYCLES: dict[str, tuple[Any, frozenset[str], bool]] = {
    "said nothing, with a health port": ({}, HEALTH, True),
    "said nothing, without one": ({}, NONE, False),
    "switched off, with a health port": ({"lifecycle": {}}, HEALTH, False),
    "by default, health as an alias": ({"announce": {"portmap": {"health": "http"}}}, NONE, True),
    "another port, which there is": ({"lifecycle": {"http": {"port": "admin"}}}, ADMIN, True),
    "another port, which there is not": ({"lifecycle": {"http": {"port": "x"}}}, HEALTH, False),
}


@pytest.mark.parametrize("name", LIFECYCLES)
def test_a_task_is_asked_to_stop_by_http_only_on_a_port_that_it_has(name: str) -> None:
    said, ports, asked = LIFECYCLES[name]
    assert ("http" in of(PLAIN | said, ports)["lifecycle"]) is asked


def test_defaults_of_the_lifecycle_are_filled_in() -> None:
    assert of(PLAIN, HEALTH) == of(PLAIN | {"lifecycle": {"http": {"port": "health"}}}, HEALTH)
    assert of(PLAIN, HEALTH)["lifecycle"]["http"]["graceful_shutdown_endpoint"] == "/quitquitquit"
    assert of(PLAIN, HEALTH) != of(
        PLAIN | {"lifecycle": {"http": {"shutdown_wait_secs": 9}}}, HEALTH
    )


NO_DOCUMENTS = {
    "nothing": None,
    "empty": "",
    "a word": "run.sh",
    "JSON that is no object": "[1, 2]",
    "an object without a task": '{"name": "web"}',
    "a task that is no object": '{"task": "web"}',
    "a task that is null": '{"task": null}',
    "an enormous number": '{"task":{"max_failures":' + "9" * 5000 + "}}",
    "deeper than any document": '{"task":{},"x":' + "[" * 45 + "]" * 45 + "}",
    "deeper than the stack": '{"task":{},"x":' + "[" * 100_000 + "]" * 100_000 + "}",
}


@pytest.mark.parametrize("name", NO_DOCUMENTS)
def test_what_is_no_document_stays_text_and_is_compared_as_such(name: str) -> None:
    assert meaning(NO_DOCUMENTS[name], JOB, NONE) == NO_DOCUMENTS[name]


STRANGE: dict[str, Any] = {
    "constraints that are a number": {"task": task(constraints=5)},
    "constraints that are an object": {"task": task(constraints={"order": []})},
    "constraints of several types": {"task": task(constraints=[1, "a", {"order": [1]}, None])},
    "processes that are text": {"task": task(processes="run")},
    "processes of several types": {"task": task(processes=[1, {"name": "a"}])},
    "processes without names": {"task": task(processes=[{}, {"cmdline": "x"}])},
    "a name that is a list": {"task": task(processes=[{"name": ["x"]}])},
    "two processes of a name": {"task": task(processes=[{"name": "a"}, {"name": "a"}])},
    "resources that are a list": {"task": task(resources=[1])},
    "a check that is text": PLAIN | {"health_check_config": "yes"},
    "a checker that is a number": check(health_checker=5),
    "a checker that is a list": check(health_checker=[5]),
    "a check by http that is a number": check(health_checker={"http": 5}),
    "a check by http that is a list": check(health_checker={"http": [1]}),
    "a lifecycle that is a number": PLAIN | {"lifecycle": 5},
    "a lifecycle by text": PLAIN | {"lifecycle": {"http": "x"}},
    "a lifecycle on a list": PLAIN | {"lifecycle": {"http": {"port": ["x"]}}},
    "an announcement that is a number": PLAIN | {"announce": 5},
    "a portmap that is a list": PLAIN | {"announce": {"portmap": ["x"]}},
    "a primary port that is an object": PLAIN | {"announce": {"primary_port": {}}},
    "a logger that is text": process(logger="file"),
    "a mode that is a list": process(logger={"mode": ["rotate"]}),
    "a rotation that is text": process(logger={"mode": "rotate", "rotate": "x"}),
    "a number that is a word": process(max_failures="many"),
    "a number without bounds": process(max_failures="1e400"),
    "no number at all": process(max_failures="nan"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_document_of_any_form_has_a_meaning_of_its_own(name: str) -> None:
    found = of(STRANGE[name], HEALTH)
    assert found != of(PLAIN, HEALTH)
    assert json.dumps(found)


# --- any document

names = st.sampled_from(["a", "b", "health", "http"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 5.0, "5", "true", "x", ""])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


def mapping(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(keys), anything, max_size=4)


processes = st.lists(
    mapping("name", "cmdline", "max_failures", "daemon", "logger", "min_duration"), max_size=3
)
documents = st.fixed_dictionaries(
    {
        "task": st.fixed_dictionaries(
            {},
            optional={
                "name": anything,
                "processes": processes | anything,
                "constraints": st.lists(mapping("order"), max_size=3) | anything,
                "resources": mapping("cpu", "ram", "disk", "gpu") | anything,
                "max_failures": anything,
            },
        )
    },
    optional={
        "health_check_config": mapping("health_checker", "interval_secs", "http") | anything,
        "lifecycle": mapping("http") | anything,
        "announce": mapping("portmap", "primary_port") | anything,
        "role": anything,
        "unknown": anything,
    },
)
ports = st.frozensets(names, max_size=2)


def check_idempotent(document: Any, given_ports: frozenset[str]) -> None:
    once = of(document, given_ports)
    assert of(once, given_ports) == once
    assert json.loads(dumps(once)) == once


@settings(max_examples=50, deadline=None)
@given(documents, ports)
def test_the_meaning_of_a_meaning_is_itself(document: Any, given_ports: frozenset[str]) -> None:
    check_idempotent(document, given_ports)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(documents, ports)
def test_the_meaning_of_many_meanings_is_itself(document: Any, given_ports: frozenset[str]) -> None:
    check_idempotent(document, given_ports)


@settings(max_examples=40, deadline=None)
@given(documents, ports, st.randoms(use_true_random=False))
def test_order_of_keys_and_blanks_mean_nothing(
    document: Any, given_ports: frozenset[str], random: Any
) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {k: shuffled(value[k]) for k in keys}
        return [shuffled(v) for v in value] if isinstance(value, list) else value

    written = json.dumps(shuffled(document), indent=random.choice([None, 1]))
    assert meaning(written, JOB, given_ports) == of(document, given_ports)


# --- the official client


def official(document: dict[str, Any], config: TaskConfig) -> dict[str, Any]:
    """Return a document as the client of Aurora 0.23 would write it for the same job.

    It fills in every default, and repeats the fields of the TaskConfig but the number of instances.
    """
    told = deepcopy(document)
    health = {"initial_interval_secs": 15.0, "interval_secs": 10.0, "timeout_secs": 1.0}
    health |= {"max_consecutive_failures": 0, "min_consecutive_successes": 1}
    http = {"endpoint": "/health", "expected_response": "ok", "expected_response_code": 0}
    checked = told.get("health_check_config", {})
    floats = {
        k: float(v) if k.endswith("_secs") else v
        for k, v in checked.items()
        if k != "health_checker"
    }
    checker = {"http": http | checked.get("health_checker", {}).get("http", {})}
    task = told["task"]
    for found in task["processes"]:
        defaults = {"daemon": False, "ephemeral": False, "final": False}
        found |= defaults | {"max_failures": 1, "min_duration": 5} | found
    task |= {"max_concurrency": 0, "max_failures": 1, "constraints": []} | task
    task["resources"] |= {"gpu": 0, "cpu": float(task["resources"]["cpu"])}
    assert config.job is not None
    return told | {
        "name": config.job.name,
        "cluster": "eu1",
        "contact": config.contactEmail,
        "constraints": {"host": "limit:2", "rack": "limit:10"},
        "cron_collision_policy": "KILL_EXISTING",
        "enable_hooks": False,
        "executor_config": {"data": "", "name": "AuroraExecutor"},
        "health_check_config": health | floats | {"health_checker": checker},
        "max_task_failures": config.maxTaskFailures,
        "metadata": [{"key": m.key, "value": m.value} for m in config.metadata or ()],
        "priority": config.priority,
        "production": config.production,
        "service": config.isService,
        "tier": config.tier,
    }


def as_written(document: dict[str, Any]) -> str:
    """Python 2 wrote no order that anybody could name, and blanks after its separators."""
    return json.dumps(dict(reversed(document.items())))


def live(job: DesiredJob, **differs: Any) -> TaskConfig:
    """Return the job as the official client would have made it: by ann, and without our marks."""
    config = config_of(job)
    assert config.executorConfig is not None
    document = json.loads(config.executorConfig.data or "")
    told = official(document, config) | differs
    return replace(
        config,
        owner=None,
        metadata=(),
        executorConfig=ExecutorConfig(name="AuroraExecutor", data=as_written(told)),
    )


ADOPTABLE = sorted(name for name, job in SAMPLES.items() if not job.spec.aurora)


@pytest.mark.parametrize("name", ADOPTABLE)
def test_a_job_of_the_official_client_is_adopted_without_a_restart(name: str) -> None:
    ours = rendered(SAMPLES[name]).config
    theirs = live(SAMPLES[name])
    assert theirs.executorConfig != config_of(SAMPLES[name]).executorConfig
    assert ours.task.satisfied_by(canonical(theirs))


def test_the_official_default_lifecycle_is_ours_where_no_port_is_checked() -> None:
    job = a_job(ports=("http",), health=None)
    default = {
        "http": {
            "port": "health",
            "graceful_shutdown_endpoint": "/quitquitquit",
            "graceful_shutdown_wait_secs": 5,
            "shutdown_endpoint": "/abortabortabort",
            "shutdown_wait_secs": 5,
        }
    }
    ours = rendered(job).config.task
    assert ours.satisfied_by(canonical(live(job, lifecycle=default)))
    checked = a_job()
    theirs = canonical(live(checked, lifecycle=default))
    assert not rendered(checked).config.task.satisfied_by(theirs)


def test_a_job_of_the_official_client_that_runs_something_else_is_not_equal() -> None:
    theirs = live(a_job(run="serve --debug"))
    assert not rendered(a_job()).config.task.satisfied_by(canonical(theirs))


def test_a_minimal_document_of_another_client_is_a_document() -> None:
    """gorealis sends a task of processes, an order and resources, and nothing else."""
    job = a_job(a_spec(image="feed", ports=(), health=None))
    config = config_of(job)
    assert config.executorConfig is not None
    document = json.loads(config.executorConfig.data or "")
    minimal = {"task": document["task"]}
    config = replace(
        config, executorConfig=ExecutorConfig(name="AuroraExecutor", data=as_written(minimal))
    )
    assert rendered(job).config.task.satisfied_by(canonical(config))


def test_meaning_reads_what_travels() -> None:
    wire = rendered(a_job()).config.wire
    assert canonical(tjson.decode(TaskConfig, wire)) == rendered(a_job()).config.task
