import re
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.standin.completion import completed
from reconciler.standin.configs import (
    Rules,
    check_job_key,
    is_job_key,
    key_text,
    meaning,
    populated,
    populated_job,
)
from reconciler.standin.nulls import NO_CONSTRAINT, NO_NAME
from reconciler.standin.refusal import Refusal
from reconciler.standin.struct_text import java_double, thrift_text, wrapper_text
from reconciler.thrift.calls import decode_call, decode_reply
from reconciler.thrift.structs import (
    Constraint,
    Container,
    CountSlaPolicy,
    DockerContainer,
    DockerParameter,
    ExecutorConfig,
    Identity,
    JobConfiguration,
    JobKey,
    JobUpdateKey,
    LimitConstraint,
    MesosContainer,
    MesosFetcherURI,
    Metadata,
    PartitionPolicy,
    PercentageSlaPolicy,
    Resource,
    Response,
    ResponseCode,
    ResponseDetail,
    ScheduleStatus,
    SlaPolicy,
    TaskConfig,
    TaskConstraint,
    TaskQuery,
    ValueConstraint,
    Volume,
)
from tests.standin.trees import tree_of
from tests.support.recordings import NAMES, Rpc, rpcs

RULES = Rules()
KEY = JobKey(role="www", environment="prod", name="web")


def a_task(**differs: Any) -> TaskConfig:
    plain = TaskConfig(
        job=KEY,
        isService=True,
        resources=(Resource(numCpus=1.0), Resource(ramMb=128), Resource(diskMb=64)),
        executorConfig=ExecutorConfig(name="AuroraExecutor", data="{}"),
    )
    return replace(plain, **differs)


def a_job(**differs: Any) -> JobConfiguration:
    plain = JobConfiguration(key=KEY, taskConfig=a_task(isService=False), instanceCount=1)
    return replace(plain, **differs)


def refusal(config: TaskConfig, instances: int = 1, rules: Rules = RULES) -> str | None:
    """Return the words with which a task is refused; it has to be."""
    with pytest.raises(Refusal) as told:
        populated(config, instances, rules)
    return told.value.message


# --- the recordings

# What startJobUpdate refuses before or after it looks at the task.
ELSEWHERE = re.compile(
    r"Missing or invalid job key|Updates are not supported|All update group sizes"
    r"|Update results in no instance|must be (non-negative|positive)\.|Your update allows"
    r"|slaAware is true|Cron jobs|The update request|Instance count must be between"
    r"|Insufficient resource quota|An active update"
)

# What is refused when the job itself is found good.
AFTERWARDS = re.compile(
    r"already exists|cron schedule\.|Invalid cron schedule|has no cron|will never fire|RUN_OVERLAP"
    r"|No cron job|Cron jobs may only|Insufficient|must be between"
)


def calls(*methods: str) -> list[Any]:
    return [
        pytest.param(rpc, id=f"{name}@{rpc.at_ms}")
        for name in NAMES
        for rpc in rpcs(name)
        if rpc.call in methods
    ]


def response(rpc: Rpc) -> Response:
    return decode_reply(rpc.reply, rpc.call)


def words(found: Response) -> str | None:
    return found.details[0].message if found.details else None


@pytest.mark.parametrize("rpc", calls("startJobUpdate", "getJobUpdateDiff"))
def test_the_task_of_an_update_is_refused_as_recorded(rpc: Rpc) -> None:
    request = decode_call(rpc.request).args["request"]
    found = response(rpc)
    told = words(found) or ""
    if request is None or request.taskConfig is None or ELSEWHERE.search(told):
        return
    if found.responseCode == ResponseCode.INVALID_REQUEST:
        assert refusal(request.taskConfig, request.instanceCount or 0) == told
    elif found.responseCode == ResponseCode.OK:
        populated(request.taskConfig, request.instanceCount or 0, RULES)


@pytest.mark.parametrize("rpc", calls("populateJobConfig"))
def test_a_job_is_completed_as_recorded(rpc: Rpc) -> None:
    job = decode_call(rpc.request).args["description"]
    found = response(rpc)
    if found.responseCode == ResponseCode.OK:
        assert found.result is not None
        assert found.result.populateJobResult is not None
        want = found.result.populateJobResult.taskConfig
        assert tree_of(populated_job(job, RULES).taskConfig) == tree_of(want)
        return
    with pytest.raises(Refusal) as told:
        populated_job(job, RULES)
    assert f"Invalid configuration: {told.value.message}" == words(found)


@pytest.mark.parametrize("rpc", calls("createJob", "scheduleCronJob", "replaceCronTemplate"))
def test_a_job_is_taken_or_refused_as_recorded(rpc: Rpc) -> None:
    (job,) = decode_call(rpc.request).args.values()
    found = response(rpc)
    told = words(found) or ""
    if found.responseCode == ResponseCode.OK or AFTERWARDS.search(told):
        populated_job(job, RULES)
    elif found.responseCode == ResponseCode.INVALID_REQUEST and "job key" not in told:
        with pytest.raises(Refusal) as refused:
            populated_job(job, RULES)
        ours = ResponseDetail(message=refused.value.message)
        assert [tree_of(ours)] == [tree_of(detail) for detail in found.details or ()]


def recorded_configs() -> list[TaskConfig]:
    """Return every config that a recorded scheduler showed in full."""
    found: dict[bytes, TaskConfig] = {}
    for name in NAMES:
        for rpc in rpcs(name):
            if rpc.call == "getTasksStatus":
                result = response(rpc).result
                assert result is not None
                assert result.scheduleStatusResult is not None
                for task in result.scheduleStatusResult.tasks or ():
                    assert task.assignedTask is not None
                    config = task.assignedTask.task
                    assert config is not None
                    found[meaning(config)] = config
    return list(found.values())


def test_what_aurora_keeps_is_complete_already() -> None:
    configs = recorded_configs()
    assert len(configs) > 30
    for config in configs:
        assert completed(config) == config
        assert tree_of(populated(config, 20, RULES)) == tree_of(config)


# --- the order and the words

SLA = Rules(sla_instances_min=2)


def with_sla(**policy: Any) -> TaskConfig:
    return a_task(tier="preferred", slaPolicy=SlaPolicy(**policy))


def dedicated(constraint: TaskConstraint | None) -> TaskConfig:
    return a_task(constraints=(Constraint(name="dedicated", constraint=constraint),))


def in_docker(**docker: Any) -> TaskConfig:
    return a_task(container=Container(docker=DockerContainer(**docker)))


REFUSED: dict[str, tuple[TaskConfig, str | None]] = {
    "tier of bad characters": (
        a_task(tier="a b"),
        "Tier contains illegal characters: a b",
    ),
    "tier before key": (a_task(tier="gold", job=None), "Invalid tier 'gold' in TaskConfig."),
    "no key": (a_task(job=None), "Job key null is invalid."),
    "key of bad characters": (
        a_task(job=JobKey(role="a/b", environment="prod", name="x")),
        "Job key IJobKey{role=a/b, environment=prod, name=x} is invalid.",
    ),
    "key without a name": (
        a_task(job=JobKey(role="a", environment="prod")),
        "Job key IJobKey{role=a, environment=prod, name=null} is invalid.",
    ),
    "no executor": (a_task(executorConfig=None), "Configuration may not be null."),
    "executor without a name": (
        a_task(executorConfig=ExecutorConfig(data="")),
        "Executor name may not be left unset.",
    ),
    "dedicated without a constraint": (dedicated(None), NO_CONSTRAINT),
    "constraint without a name": (a_task(constraints=(Constraint(),)), NO_NAME),
    "dedicated by limit": (
        dedicated(TaskConstraint(limit=LimitConstraint(limit=1))),
        "A dedicated constraint must be of value type.",
    ),
    "dedicated to two": (
        dedicated(TaskConstraint(value=ValueConstraint(values=("www/a", "www/b")))),
        "A dedicated constraint must have exactly one value",
    ),
    "dedicated to another role": (
        dedicated(TaskConstraint(value=ValueConstraint(values=("www2/a",)))),
        "Only www2 may use hosts dedicated for that role.",
    ),
    "dedicated before container": (
        replace(
            dedicated(TaskConstraint(limit=LimitConstraint())),
            container=Container(docker=DockerContainer()),
        ),
        "A dedicated constraint must be of value type.",
    ),
    "docker without an image": (in_docker(), "A container must specify an image."),
    "docker with parameters": (
        in_docker(image="i", parameters=(DockerParameter(name="a", value="b"),)),
        "This scheduler is configured to disallow Docker parameters.",
    ),
    "docker": (
        in_docker(image="i"),
        "This scheduler is not configured to allow the container type DOCKER",
    ),
    "container of an unknown kind": (
        a_task(container=Container()),
        'Cannot invoke "org.apache.aurora.gen.Container$_Fields.ordinal()" because the return '
        'value of "org.apache.aurora.scheduler.storage.entities.IContainer.getSetField()" is null',
    ),
    "an unknown kind before all that is refused": (
        a_task(tier="a b", resources=(Resource(numCpus=1.0), Resource())),
        'Cannot invoke "org.apache.aurora.gen.Resource$_Fields.ordinal()" because the return '
        'value of "org.apache.aurora.scheduler.storage.entities.IResource.getSetField()" is null',
    ),
    "two of several resources": (
        a_task(
            resources=(
                *(Resource(diskMb=1), Resource(diskMb=2), Resource(ramMb=1), Resource(ramMb=2)),
                *(Resource(numCpus=1.0), Resource(numCpus=2.0)),
            )
        ),
        "Multiple resource values are not supported for CPU, RAM, disk",
    ),
    "no ram": (
        a_task(resources=(Resource(numCpus=1.0), Resource(diskMb=1))),
        "ram_mb must be greater than 0.0",
    ),
    "gpu": (
        a_task(resources=(*(a_task().resources or ()), Resource(numGpus=1))),
        "GPU resource support is disabled in this cluster.",
    ),
    "fetcher before volumes": (
        a_task(
            mesosFetcherUris=(MesosFetcherURI(value="x"),),
            container=Container(mesos=MesosContainer(volumes=(Volume(),))),
        ),
        "Mesos Fetcher for individual jobs is disabled in this cluster.",
    ),
    "sla of a tier without production": (
        a_task(slaPolicy=SlaPolicy(countSlaPolicy=CountSlaPolicy(count=1))),
        "Tier 'preemptible' does not support SlaPolicy.",
    ),
    "count of all": (
        with_sla(countSlaPolicy=CountSlaPolicy(count=3)),
        "Current CountSlaPolicy: count=3 will not allow any instances to be killed. "
        "Must be less than instanceCount=3.",
    ),
    "percentage that leaves none": (
        with_sla(percentageSlaPolicy=PercentageSlaPolicy(percentage=70.0)),
        "Current PercentageSlaPolicy: percentage=70.000000 will not allow any instances to be "
        "killed. Must be less than 66.666667.",
    ),
    "count for too long": (
        with_sla(countSlaPolicy=CountSlaPolicy(count=1, durationSecs=7201)),
        "CountSlaPolicy: durationSecs=7201 must be less than cluster-wide maximum of 7200 secs.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_task_is_refused_in_auroras_words(name: str) -> None:
    config, words = REFUSED[name]
    assert refusal(config, 3, SLA) == words


def test_what_aurora_cannot_wrap_is_an_error() -> None:
    with pytest.raises(Refusal) as told:
        populated(a_task(container=Container()), 1, RULES)
    assert told.value.code == ResponseCode.ERROR


JOBS: dict[str, tuple[JobConfiguration, str]] = {
    "no task": (a_job(taskConfig=None), "Job configuration must have taskConfig set."),
    "count before key": (a_job(instanceCount=None, key=None), "Instance count must be positive."),
    "no key": (a_job(key=None), "Job key null is invalid."),
    "environment": (
        a_job(key=replace(KEY, environment="staging5x")),
        r"Job environment staging5x doesn't match: ^(prod|devel|test|staging\d*)$",
    ),
    "owner without a user": (a_job(owner=Identity()), "Job user contains illegal characters: null"),
    "owner with an empty user": (
        a_job(owner=Identity(user="")),
        "Job user contains illegal characters: ",
    ),
    "owner before task": (
        a_job(owner=Identity(user="a b"), taskConfig=a_task(tier="gold")),
        "Job user contains illegal characters: a b",
    ),
    "task before schedule": (
        a_job(cronSchedule="* * * * *", taskConfig=a_task(tier="gold")),
        "Invalid tier 'gold' in TaskConfig.",
    ),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_refused_in_auroras_words(name: str) -> None:
    job, words = JOBS[name]
    with pytest.raises(Refusal) as told:
        populated_job(job, RULES)
    assert told.value.message == words


def test_a_service_without_a_schedule_is_a_job_like_any_other() -> None:
    job = populated_job(a_job(taskConfig=a_task(), cronSchedule=""), RULES)
    assert job.taskConfig is not None
    assert job.taskConfig.production is False


def test_what_a_cluster_allows_is_taken() -> None:
    rules = Rules(
        docker_parameters=True,
        container_types=frozenset({"docker"}),
        default_docker_parameters=(DockerParameter(name="rm", value="1"),),
        docker_needs_executor=False,
        gpus=True,
        fetcher=True,
        sla_without_production=True,
    )
    task = replace(
        in_docker(image="i"),
        executorConfig=None,
        resources=(*(a_task().resources or ()), Resource(numGpus=1), Resource(namedPort="http")),
        mesosFetcherUris=(MesosFetcherURI(value="x"),),
        slaPolicy=SlaPolicy(countSlaPolicy=CountSlaPolicy(count=-1)),
    )
    found = populated(task, 20, rules)
    assert found.container is not None
    assert found.container.docker is not None
    assert found.container.docker.parameters == rules.default_docker_parameters
    assert found.taskLinks == {"http": "http://%host%:%port:http%"}


def test_the_tier_decides_on_production_whatever_was_sent() -> None:
    assert populated(a_task(production=True), 1, RULES).production is False
    assert populated(a_task(tier="preferred", production=False), 1, RULES).production is True


def test_links_that_were_sent_are_left_alone() -> None:
    ports = (*(a_task().resources or ()), Resource(namedPort="health"))
    links = {"mine": "x"}
    assert populated(a_task(resources=ports, taskLinks=links), 1, RULES).taskLinks == links
    assert populated(a_task(resources=ports), 1, RULES).taskLinks == {
        "health": "http://%host%:%port:health%"
    }


# --- keys

KEYS: dict[str, tuple[JobKey | None, bool]] = {
    "plain": (KEY, True),
    "dots, dashes and underscores": (JobKey(role="a.b", environment="c-d", name="e_f"), True),
    "none": (None, False),
    "no role": (replace(KEY, role=None), False),
    "empty name": (replace(KEY, name=""), False),
    "letters outside of ASCII": (replace(KEY, name="wéb"), False),
    "line end": (replace(KEY, name="web\n"), False),
    "255 characters": (replace(KEY, name="a" * 255), True),
    "256 characters": (replace(KEY, name="a" * 256), False),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_checked(name: str) -> None:
    key, good = KEYS[name]
    assert is_job_key(key) == good
    if good:
        assert check_job_key(key) == key
        return
    with pytest.raises(Refusal) as told:
        check_job_key(key)
    assert (told.value.message, told.value.code) == (None, ResponseCode.ERROR)


def test_keys_are_printed_in_three_ways() -> None:
    update = JobUpdateKey(job=KEY, id="1")
    assert key_text(KEY) == "www/prod/web"
    assert wrapper_text(update) == (
        "IJobUpdateKey{job=IJobKey{role=www, environment=prod, name=web}, id=1}"
    )
    query = TaskQuery(role="www", statuses=(ScheduleStatus.PENDING,))
    assert thrift_text(query) == "TaskQuery(role:www, statuses:[PENDING])"


DOUBLES = {
    0.0: "0.0",
    1.0: "1.0",
    0.25: "0.25",
    -1.0: "-1.0",
    0.001: "0.001",
    0.0001: "1.0E-4",
    9999999.0: "9999999.0",
    12345678.0: "1.2345678E7",
    1e22: "1.0E22",
    1.5e-7: "1.5E-7",
    float("inf"): "Infinity",
}


@pytest.mark.parametrize("value", DOUBLES)
def test_a_double_is_printed_as_java_does(value: float) -> None:
    assert java_double(value) == DOUBLES[value]


# --- equality

SAME = {
    "unset numbers and zero": (
        a_task(),
        a_task(priority=0, maxTaskFailures=0, production=False),
    ),
    "unset sets and empty": (
        a_task(),
        a_task(constraints=(), metadata=(), mesosFetcherUris=(), taskLinks={}),
    ),
    "order within a set": (a_task(), a_task(resources=tuple(reversed(a_task().resources or ())))),
    "one cpu and 1.0": (
        a_task(resources=(Resource(numCpus=1),)),
        a_task(resources=(Resource(numCpus=1.0),)),
    ),
    "twice in a set": (
        a_task(metadata=(Metadata(key="a", value="b"),)),
        a_task(metadata=(Metadata(key="a", value="b"), Metadata(key="a", value="b"))),
    ),
    "unset flag of a policy": (
        a_task(partitionPolicy=PartitionPolicy()),
        a_task(partitionPolicy=PartitionPolicy(reschedule=False, delaySecs=0)),
    ),
    "links in another order": (
        a_task(taskLinks={"a": "1", "b": "2"}),
        a_task(taskLinks={"b": "2", "a": "1"}),
    ),
}
UNLIKE = {
    "no owner and one without a user": (a_task(), a_task(owner=Identity())),
    "unset and empty text": (a_task(), a_task(contactEmail="")),
    "metadata": (a_task(), a_task(metadata=(Metadata(key="a", value="b"),))),
    "priority": (a_task(), a_task(priority=1)),
    "no partition policy and an empty one": (a_task(), a_task(partitionPolicy=PartitionPolicy())),
    "white space in the executor's data": (
        a_task(),
        a_task(executorConfig=ExecutorConfig(name="AuroraExecutor", data="{ }")),
    ),
    "order of volumes": (
        a_task(container=Container(mesos=MesosContainer(volumes=(Volume(), Volume(hostPath="a"))))),
        a_task(container=Container(mesos=MesosContainer(volumes=(Volume(hostPath="a"), Volume())))),
    ),
    "limit and value": (
        a_task(
            constraints=(Constraint(name="a", constraint=TaskConstraint(limit=LimitConstraint())),)
        ),
        a_task(
            constraints=(Constraint(name="a", constraint=TaskConstraint(value=ValueConstraint())),)
        ),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_configs_are_equal(name: str) -> None:
    one, other = SAME[name]
    assert meaning(one) == meaning(other)


@pytest.mark.parametrize("name", UNLIKE)
def test_configs_differ(name: str) -> None:
    one, other = UNLIKE[name]
    assert meaning(one) != meaning(other)


def test_a_meaning_is_not_that_of_a_config_gone_before() -> None:
    # Identity is reused: a key remembered for a dead config must not be given out again.
    seen = {meaning(a_task(priority=number)) for number in range(500)}
    assert len(seen) == 500


@pytest.mark.parametrize("rpc", calls("getJobUpdateDetails"))
def test_an_update_brings_what_was_asked_for_completed(rpc: Rpc) -> None:
    """The recorded goal is a fixed point: asked for again, it would be no change."""
    found = response(rpc).result
    if found is None or found.getJobUpdateDetailsResult is None:
        return
    for details in found.getJobUpdateDetailsResult.detailsList or ():
        assert details.update is not None
        assert details.update.instructions is not None
        goal = details.update.instructions.desiredState
        if goal is not None:
            assert goal.task is not None
            assert meaning(populated(goal.task, 20, RULES)) == meaning(goal.task)


def test_trees_tell_a_completed_config_from_another() -> None:
    """The comparison that these tests lean on sees a field that is not there."""
    want = tree_of(populated(a_task(), 1, RULES))
    assert tree_of(populated(a_task(contactEmail=""), 1, RULES)) != want
