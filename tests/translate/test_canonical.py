"""The canonical form: equal text exactly where the same would run."""

import json
from dataclasses import replace as other
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.thrift import tjson
from reconciler.thrift.structs import (
    AppcImage,
    Constraint,
    Container,
    CoordinatorSlaPolicy,
    CountSlaPolicy,
    DockerContainer,
    DockerImage,
    DockerParameter,
    ExecutorConfig,
    Identity,
    Image,
    JobKey,
    LimitConstraint,
    MesosContainer,
    MesosFetcherURI,
    Metadata,
    Mode,
    PartitionPolicy,
    PercentageSlaPolicy,
    Resource,
    SlaPolicy,
    TaskConfig,
    TaskConstraint,
    ValueConstraint,
    Volume,
)
from reconciler.translate.canonical import canonical, config_of
from tests.support import structs

DATA = '{"task": {"name": "web", "processes": [{"name": "run", "cmdline": "run.sh"}]}}'
BASE = TaskConfig(
    job=JobKey(role="www", environment="prod", name="web"),
    owner=Identity(user="www"),
    isService=True,
    tier="preferred",
    production=True,
    resources=(Resource(numCpus=1.0), Resource(ramMb=128), Resource(diskMb=256)),
    executorConfig=ExecutorConfig(name="AuroraExecutor", data=DATA),
)


def text(task: TaskConfig) -> str:
    return canonical(task).text


def limit(name: str, most: int) -> Constraint:
    held = TaskConstraint(limit=LimitConstraint(limit=most))
    return Constraint(name=name, constraint=held)


def values(name: str, *found: str, negated: bool = False) -> Constraint:
    held = TaskConstraint(value=ValueConstraint(negated=negated, values=found))
    return Constraint(name=name, constraint=held)


def data(document: str) -> TaskConfig:
    return replace(BASE, executorConfig=ExecutorConfig(name="AuroraExecutor", data=document))


def of_image(image: Image) -> TaskConfig:
    return replace(BASE, container=Container(mesos=MesosContainer(image=image)))


def share(percentage: float, duration_s: int) -> TaskConfig:
    policy = PercentageSlaPolicy(percentage=percentage, durationSecs=duration_s)
    return replace(BASE, slaPolicy=SlaPolicy(percentageSlaPolicy=policy))


def count(most: int, duration_s: int) -> TaskConfig:
    policy = CountSlaPolicy(count=most, durationSecs=duration_s)
    return replace(BASE, slaPolicy=SlaPolicy(countSlaPolicy=policy))


def coordinator(url: str, status_key: str | None) -> TaskConfig:
    policy = CoordinatorSlaPolicy(coordinatorUrl=url, statusKey=status_key)
    return replace(BASE, slaPolicy=SlaPolicy(coordinatorSlaPolicy=policy))


def uri(**fields: Any) -> TaskConfig:
    return replace(BASE, mesosFetcherUris=(MesosFetcherURI(value="http://a", **fields),))


def volume(**fields: Any) -> TaskConfig:
    made = replace(Volume(hostPath="/h", containerPath="/c", mode=Mode.RO), **fields)
    return replace(BASE, container=Container(mesos=MesosContainer(volumes=(made,))))


def parameter(value: str) -> TaskConfig:
    held = DockerContainer(image="a:1", parameters=(DockerParameter(name="n", value=value),))
    return replace(BASE, container=Container(docker=held))


# Two that are the same to Aurora, or to the executor.
EQUAL: dict[str, tuple[TaskConfig, TaskConfig]] = {
    "another owner": (BASE, replace(BASE, owner=Identity(user="ann"))),
    "no owner": (BASE, replace(BASE, owner=None)),
    "resources in another order": (
        BASE,
        replace(BASE, resources=tuple(reversed(BASE.resources or ()))),
    ),
    "the same resource twice, which a set holds once": (
        BASE,
        replace(BASE, resources=(*(BASE.resources or ()), Resource(ramMb=128))),
    ),
    "constraints in another order": (
        replace(BASE, constraints=(limit("host", 1), values("rack", "a", "b"))),
        replace(BASE, constraints=(values("rack", "b", "a"), limit("host", 1))),
    ),
    "metadata in another order, one twice": (
        replace(BASE, metadata=(Metadata(key="a", value="1"), Metadata(key="b", value="2"))),
        replace(
            BASE,
            metadata=(
                Metadata(key="b", value="2"),
                Metadata(key="a", value="1"),
                Metadata(key="b", value="2"),
            ),
        ),
    ),
    "fetcher URIs in another order": (
        replace(
            BASE,
            mesosFetcherUris=(
                MesosFetcherURI(value="u"),
                MesosFetcherURI(value="u", outputFile="f"),
                MesosFetcherURI(),
            ),
        ),
        replace(
            BASE,
            mesosFetcherUris=(
                MesosFetcherURI(),
                MesosFetcherURI(value="u", outputFile="f"),
                MesosFetcherURI(value="u", extract=False, cache=False),
            ),
        ),
    ),
    "unset scalars are zero": (
        BASE,
        replace(BASE, priority=0, maxTaskFailures=0),
    ),
    "unset collections are empty": (
        BASE,
        replace(BASE, constraints=(), metadata=(), taskLinks={}, mesosFetcherUris=()),
    ),
    "no container is the plain one": (
        BASE,
        replace(BASE, container=Container(mesos=MesosContainer())),
    ),
    "the plain container, its volumes empty": (
        BASE,
        replace(BASE, container=Container(mesos=MesosContainer(volumes=()))),
    ),
    "an unset part of a partition policy is zero": (
        replace(BASE, partitionPolicy=PartitionPolicy()),
        replace(BASE, partitionPolicy=PartitionPolicy(reschedule=False, delaySecs=0)),
    ),
    "a coordinator asked about drain, which it is anyway": (
        replace(BASE, slaPolicy=SlaPolicy(coordinatorSlaPolicy=CoordinatorSlaPolicy())),
        replace(
            BASE,
            slaPolicy=SlaPolicy(coordinatorSlaPolicy=CoordinatorSlaPolicy(statusKey="drain")),
        ),
    ),
    "marks of ours": (
        BASE,
        replace(BASE, metadata=(Metadata(key="reconciler.version", value="7"),)),
    ),
    "data with other keys first and other blanks": (
        BASE,
        data('{"task":{"processes":[{"cmdline":"run.sh","name":"run"}],"name":"web"}}'),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_configs_that_mean_the_same_are_equal(name: str) -> None:
    one, two = EQUAL[name]
    assert text(one) == text(two)


def differs(**fields: Any) -> tuple[TaskConfig, TaskConfig]:
    return BASE, replace(BASE, **fields)


# Two that are not the same to Aurora, however alike they look.
DIFFERENT: dict[str, tuple[TaskConfig, TaskConfig]] = {
    "another name": differs(job=JobKey(role="www", environment="prod", name="api")),
    "no job": differs(job=None),
    "no service": differs(isService=False),
    "another priority": differs(priority=1),
    "other task failures": differs(maxTaskFailures=-1),
    "another tier": differs(tier="preemptible"),
    "not production": differs(production=False),
    "another cpu": differs(resources=(Resource(numCpus=1.00001), *(BASE.resources or ())[1:])),
    "another memory": differs(
        resources=(Resource(numCpus=1.0), Resource(ramMb=129), Resource(diskMb=256))
    ),
    "memory and disk exchanged": differs(
        resources=(Resource(numCpus=1.0), Resource(ramMb=256), Resource(diskMb=128))
    ),
    "a port": differs(resources=(*(BASE.resources or ()), Resource(namedPort="http"))),
    "a gpu": differs(resources=(*(BASE.resources or ()), Resource(numGpus=1))),
    "an address": differs(resources=(*(BASE.resources or ()), Resource(ipAddr=1))),
    "a resource that we do not know": differs(resources=(*(BASE.resources or ()), Resource())),
    "a constraint": differs(constraints=(limit("host", 1),)),
    "another limit": (
        replace(BASE, constraints=(limit("host", 1),)),
        replace(BASE, constraints=(limit("host", 2),)),
    ),
    "a limit and a value that reads like it": (
        replace(BASE, constraints=(limit("host", 2),)),
        replace(BASE, constraints=(values("host", "limit:2"),)),
    ),
    "two values and one with a comma": (
        replace(BASE, constraints=(values("host", "a", "b"),)),
        replace(BASE, constraints=(values("host", "a,b"),)),
    ),
    "a negation and a value that reads like it": (
        replace(BASE, constraints=(values("host", "a", negated=True),)),
        replace(BASE, constraints=(values("host", "!a"),)),
    ),
    "a list and a value that reads like it": (
        replace(BASE, constraints=(values("host", "a,b"),)),
        replace(BASE, constraints=(values("host", '["a,b"]'),)),
    ),
    "no values and an empty one": (
        replace(BASE, constraints=(values("host"),)),
        replace(BASE, constraints=(values("host", ""),)),
    ),
    "no values and no constraint": (
        replace(BASE, constraints=(values("host"),)),
        replace(BASE, constraints=(Constraint(name="host"),)),
    ),
    "one constraint and two of an attribute": (
        replace(BASE, constraints=(values("rack", "a"),)),
        replace(BASE, constraints=(values("rack", "a"), limit("rack", 1))),
    ),
    "a second constraint and one of a similar name": (
        replace(BASE, constraints=(values("r", "a"), values("r", "b"), values("r#2", "c"))),
        replace(BASE, constraints=(values("r", "a"), values("r#2", "c"))),
    ),
    "metadata": differs(metadata=(Metadata(key="a", value="1"),)),
    "metadata that joins to the same": (
        replace(BASE, metadata=(Metadata(key="a", value="b=c"),)),
        replace(BASE, metadata=(Metadata(key="a=b", value="c"),)),
    ),
    "metadata of one key, two values": (
        replace(BASE, metadata=(Metadata(key="a", value="1"),)),
        replace(BASE, metadata=(Metadata(key="a", value="1"), Metadata(key="a", value="2"))),
    ),
    "metadata without a value": (
        replace(BASE, metadata=(Metadata(key="a", value=""),)),
        replace(BASE, metadata=(Metadata(key="a"),)),
    ),
    "a contact that is empty": differs(contactEmail=""),
    "a link": differs(taskLinks={"http": "http://%host%"}),
    "a fetcher URI": differs(mesosFetcherUris=(MesosFetcherURI(value="u"),)),
    "a partition policy that says nothing": differs(partitionPolicy=PartitionPolicy()),
    "an sla": differs(slaPolicy=SlaPolicy(coordinatorSlaPolicy=CoordinatorSlaPolicy())),
    "an sla that we do not know": differs(slaPolicy=SlaPolicy()),
    "a container that we do not know": differs(container=Container()),
    "an image that we do not know": (BASE, of_image(Image())),
    "a docker container": differs(container=Container(docker=DockerContainer(image="a:1"))),
    "a docker container and an image of the same name": (
        replace(BASE, container=Container(docker=DockerContainer(image="a:1"))),
        of_image(Image(docker=DockerImage(name="a", tag="1"))),
    ),
    "docker parameters in another order, which is a list": (
        replace(
            BASE,
            container=Container(
                docker=DockerContainer(
                    parameters=(DockerParameter(name="a"), DockerParameter(name="b"))
                )
            ),
        ),
        replace(
            BASE,
            container=Container(
                docker=DockerContainer(
                    parameters=(DockerParameter(name="b"), DockerParameter(name="a"))
                )
            ),
        ),
    ),
    "another tag": (
        of_image(Image(docker=DockerImage(name="a", tag="1"))),
        of_image(Image(docker=DockerImage(name="a", tag="2"))),
    ),
    "a port of the registry and a strange tag": (
        of_image(Image(docker=DockerImage(name="host:5000/a", tag="1"))),
        of_image(Image(docker=DockerImage(name="host", tag="5000/a:1"))),
    ),
    "an appc image and a docker one that reads like it": (
        of_image(Image(appc=AppcImage(name="a", imageId="b"))),
        of_image(Image(docker=DockerImage(name="appc a b", tag="b"))),
    ),
    "a volume to write": (
        replace(BASE, container=Container(mesos=MesosContainer(volumes=(Volume(mode=Mode.RO),)))),
        replace(BASE, container=Container(mesos=MesosContainer(volumes=(Volume(mode=Mode.RW),)))),
    ),
    "a partition waited for longer": (
        replace(BASE, partitionPolicy=PartitionPolicy(reschedule=True, delaySecs=1)),
        replace(BASE, partitionPolicy=PartitionPolicy(reschedule=True, delaySecs=2)),
    ),
    "a partition not rescheduled": (
        replace(BASE, partitionPolicy=PartitionPolicy(reschedule=True)),
        replace(BASE, partitionPolicy=PartitionPolicy(reschedule=False)),
    ),
    "another percentage": (share(90.0, 600), share(91.0, 600)),
    "another duration of a percentage": (share(90.0, 600), share(90.0, 601)),
    "another count": (count(5, 600), count(6, 600)),
    "another duration of a count": (count(5, 600), count(5, 601)),
    "a count and a percentage": (count(90, 600), share(90.0, 600)),
    "another coordinator": (coordinator("http://a", None), coordinator("http://b", None)),
    "another question to it": (coordinator("http://a", "drain"), coordinator("http://a", "")),
    "a URI that is unpacked": (uri(), uri(extract=True)),
    "a URI that is cached": (uri(), uri(cache=True)),
    "a URI that is saved elsewhere": (uri(), uri(outputFile="f")),
    "another volume of the host": (volume(), volume(hostPath="/other")),
    "another place of a volume": (volume(), volume(containerPath="/other")),
    "another value of a docker parameter": (parameter("a"), parameter("b")),
    "another appc image": (
        of_image(Image(appc=AppcImage(name="a", imageId="1"))),
        of_image(Image(appc=AppcImage(name="a", imageId="2"))),
    ),
    "no executor": differs(executorConfig=None),
    "another executor": differs(executorConfig=ExecutorConfig(name="other", data=DATA)),
    "an executor without data": differs(executorConfig=ExecutorConfig(name="AuroraExecutor")),
    "another command": (
        BASE,
        data('{"task":{"name":"web","processes":[{"name":"run","cmdline":"stop"}]}}'),
    ),
    "blanks in the data of an executor that we do not know": (
        replace(BASE, executorConfig=ExecutorConfig(name="other", data='{"task":{}}')),
        replace(BASE, executorConfig=ExecutorConfig(name="other", data='{"task": {}}')),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_is_not_the_same(name: str) -> None:
    one, two = DIFFERENT[name]
    assert text(one) != text(two)


def test_every_field_but_the_owner_counts() -> None:
    covered = {
        field
        for one, two in DIFFERENT.values()
        for field in TaskConfig.__struct_fields__
        if getattr(one, field) != getattr(two, field)
    }
    assert set(TaskConfig.__struct_fields__) - covered == {"owner"}


# --- marks


def test_equal_meaning_is_one_text_in_memory() -> None:
    """Of ten thousand jobs that run what is declared, the texts would take 20 MB twice."""
    task = TaskConfig(isService=True, contactEmail="a@b.example")
    assert canonical(task).text is canonical(other_of(task)).text


def other_of(task: TaskConfig) -> TaskConfig:
    return tjson.decode(TaskConfig, tjson.encode(task))


def test_marks_stand_beside_the_text_and_are_sorted() -> None:
    task = replace(
        BASE,
        metadata=(
            Metadata(key="reconciler.version", value="7"),
            Metadata(key="team", value="x"),
            Metadata(key="reconciler.owner", value="retail"),
        ),
    )
    found = canonical(task)
    assert found.marks == (("reconciler.owner", "retail"), ("reconciler.version", "7"))
    assert found.value()["metadata"] == {"team": "x"}


def test_an_absent_mark_is_no_drift_and_another_version_is() -> None:
    ours = canonical(replace(BASE, metadata=(Metadata(key="reconciler.version", value="7"),)))
    theirs = canonical(replace(BASE, metadata=(Metadata(key="reconciler.version", value="8"),)))
    assert ours.satisfied_by(canonical(BASE))
    assert ours.satisfied_by(ours)
    assert not ours.satisfied_by(theirs)
    assert ours.digest != theirs.digest


def test_a_key_that_only_begins_alike_is_no_mark() -> None:
    task = replace(BASE, metadata=(Metadata(key="reconcilers", value="7"),))
    assert canonical(task).marks == ()
    assert text(task) != text(BASE)


# --- any config


@settings(max_examples=60, deadline=None)
@given(structs.a(TaskConfig))
def test_the_form_is_of_the_config_and_not_of_its_bytes(task: TaskConfig) -> None:
    once = config_of(task)
    assert config_of(tjson.decode(TaskConfig, once.wire)) == once


def in_another_order(value: Any) -> Any:
    """Return the value with every set of the config turned round; lists as they are."""
    turned = {
        field: tuple(reversed(found))
        for field in ("resources", "constraints", "mesosFetcherUris", "metadata")
        if (found := getattr(value, field)) is not None
    }
    return replace(value, **turned)


@settings(max_examples=60, deadline=None)
@given(structs.a(TaskConfig))
def test_order_within_sets_means_nothing(task: TaskConfig) -> None:
    assert canonical(in_another_order(task)) == canonical(task)


@settings(max_examples=50, deadline=None)
@given(structs.a(TaskConfig), structs.a(Identity))
def test_the_owner_is_left_out_of_any_config(task: TaskConfig, owner: Identity) -> None:
    assert canonical(replace(task, owner=owner)) == canonical(task)


@settings(max_examples=50, deadline=None)
@given(structs.a(TaskConfig))
def test_the_text_is_canonical_json_that_can_be_explained(task: TaskConfig) -> None:
    found = canonical(task)
    assert json.dumps(found.value(), sort_keys=True, separators=(",", ":")) == found.text
    assert found.text.isascii()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(st.sampled_from('ab,![]":l'), max_size=3), max_size=3, unique=True),
    st.lists(st.text(st.sampled_from('ab,![]":l'), max_size=3), max_size=3, unique=True),
    st.booleans(),
    st.booleans(),
)
def test_constraints_read_alike_only_when_they_are(
    one: list[str], two: list[str], no_one: bool, no_two: bool
) -> None:
    first = replace(BASE, constraints=(values("host", *one, negated=no_one),))
    second = replace(BASE, constraints=(values("host", *two, negated=no_two),))
    same = (set(one), no_one) == (set(two), no_two)
    assert (text(first) == text(second)) is same


# --- readable, for the plan explains with it


def test_constraints_are_written_as_auroras_own_client_writes_them() -> None:
    task = replace(
        BASE,
        constraints=(
            limit("host", 2),
            values("rack", *"hgfedcba"),
            values("zone", "x", negated=True),
            values("zone", "y"),
        ),
    )
    assert canonical(task).value()["constraints"] == {
        "host": "limit:2",
        "rack": "a,b,c,d,e,f,g,h",
        "zone": ["!x", "y"],
    }


def test_an_image_is_written_with_its_tag() -> None:
    task = of_image(Image(docker=DockerImage(name="host:5000/a", tag="1")))
    assert canonical(task).value()["container"] == {"mesos": {"image": "host:5000/a:1"}}


# --- what is no config, or cannot be sent again


UNKNOWN_MEMBERS: dict[str, bytes] = {
    "an sla": b'{"35":{"rec":{"9":{"rec":{}}}}}',
    "a resource": b'{"32":{"set":["rec",1,{"9":{"i64":1}}]}}',
    "a container": b'{"29":{"rec":{"9":{"rec":{}}}}}',
    "an image": b'{"29":{"rec":{"1":{"rec":{"1":{"rec":{"9":{"rec":{}}}}}}}}}',
    "a constraint": b'{"20":{"set":["rec",1,{"2":{"rec":{"9":{"rec":{}}}}}]}}',
}


@pytest.mark.parametrize("name", UNKNOWN_MEMBERS)
def test_a_union_of_a_later_aurora_is_seen_and_never_sent_again_without_it(name: str) -> None:
    found = tjson.decode(TaskConfig, UNKNOWN_MEMBERS[name])
    assert canonical(found) != canonical(TaskConfig())
    with pytest.raises(tjson.ProtocolError):
        config_of(found)


def test_the_digest_names_meaning_and_marks() -> None:
    found = canonical(BASE)
    assert found.digest == canonical(replace(BASE, owner=None)).digest
    assert found.digest != canonical(replace(BASE, tier="x")).digest
    assert found.digest != other(found, marks=(("a", "b"),)).digest
