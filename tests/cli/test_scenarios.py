"""Conversations with the program, as text files: see scenarios/README.md."""

import json
import os
import shlex
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from reconciler.app.embedded import URL, World
from reconciler.app.serve import cluster_in
from reconciler.model.policy import Cluster, Embedded
from reconciler.record.store import Record
from reconciler.scheduler.http import Deadlines, HttpDoor
from reconciler.thrift import structs
from tests.cli.console import Console, write
from tests.cli.masks import masked
from tests.support.person import Person

SCENARIOS = Path(__file__).parent / "scenarios"
NAMES = sorted(path.stem for path in SCENARIOS.glob("*.txt"))

RECORD = Path("states/reconcile/retail")


@dataclass(frozen=True, slots=True)
class Turn:
    """One command with the lines before it that are none, and what was recorded of it."""

    before: str
    command: str
    recorded: str


def turns(text: str) -> Iterator[Turn]:
    """Yield the turns of a conversation; nothing of the file is lost in them."""
    before: list[str] = []
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#"):
            before.append(line)
            continue
        command = [line]
        while (line := next(lines)) != "----":
            command.append(line)
        recorded = []
        while (line := next(lines, "")) != "":
            recorded.append("" if line == "." else line)
        yield Turn("\n".join([*before, ""]), "\n".join(command), "\n".join(recorded))
        before = []


def shown(turn: Turn, output: str) -> str:
    # A dot stands for an empty line, since an empty line ends the output.
    told = "\n".join(line or "." for line in output.splitlines())
    return f"{turn.before}{turn.command}\n----\n{told}\n\n"


def done(console: Console, command: str) -> str:
    """Do one command and return what came of it."""
    word, _, rest = command.partition(" ")
    deeds: dict[str, Callable[[], str]] = {
        "reconcile": lambda: called(console, rest),
        "edit": lambda: edited(rest),
        "write": lambda: written(rest),
        "remove": lambda: removed(Path(rest)),
        "wait": lambda: waited(console, float(rest)),
        "person": lambda: by_a_person(console, *rest.split()),
        "forget": forgotten,
        "locked": lambda: meanwhile(console, rest),
    }
    return deeds[word]()


def called(console: Console, words: str) -> str:
    ended = console(*shlex.split(words))
    text = f"{ended.out}{ended.err}[exit {ended.code}]".replace(str(Path.cwd()), "<here>")
    return masked(text)


def edited(told: str) -> str:
    path, _, change = told.partition(": ")
    old, _, new = change.partition(" => ")
    new = new.replace("\\n", "\n")
    text = Path(path).read_text(encoding="utf-8")
    assert old in text, f"{path} holds no {old!r}"
    Path(path).write_text(text.replace(old, new), encoding="utf-8")
    return "ok"


def written(told: str) -> str:
    path, _, text = told.partition("\n")
    write(Path.cwd(), {path: textwrap.dedent(text) + "\n"})
    return "ok"


def removed(path: Path) -> str:
    path.unlink()
    return "ok"


def waited(console: Console, seconds: float) -> str:
    console.clock.wait(seconds)
    return "ok"


def by_a_person(console: Console, verb: str, job: str, *instances: str) -> str:
    """Do something to a job in Aurora itself, as one may without us."""
    role, environment, name = job.split("/")
    key = structs.JobKey(role=role, environment=environment, name=name)
    with elsewhere(console) as person:
        if verb == "creates":
            return answered(person.say("createJob", description=a_job_of_theirs(key)))
        if verb == "kills":
            ids = tuple(map(int, instances))
            return answered(person.say("killTasks", job=key, instances=ids))
        query = structs.JobUpdateQuery(jobKey=key)
        found = person.say("getJobUpdateSummaries", jobUpdateQuery=query)
        assert found.result is not None
        told = found.result.getJobUpdateSummariesResult
        assert told is not None
        assert told.updateSummaries
        method = {"pauses": "pauseJobUpdate", "resumes": "resumeJobUpdate"}[verb]
        return answered(person.say(method, key=told.updateSummaries[0].key, message="by hand"))


def a_job_of_theirs(key: structs.JobKey) -> structs.JobConfiguration:
    """Return a service of two instances as another client might create it."""
    task = {
        "name": "run",
        "processes": [{"name": "run", "cmdline": "run.sh"}],
        "resources": {"cpu": 1, "ram": 1 << 30, "disk": 1 << 30},
    }
    data = {"role": key.role, "environment": key.environment, "name": key.name, "task": task}
    config = structs.TaskConfig(
        job=key,
        owner=structs.Identity(user="dave"),
        isService=True,
        priority=0,
        maxTaskFailures=1,
        tier="preferred",
        resources=(
            structs.Resource(numCpus=1.0),
            structs.Resource(ramMb=1024),
            structs.Resource(diskMb=1024),
        ),
        executorConfig=structs.ExecutorConfig(name="AuroraExecutor", data=json.dumps(data)),
        container=structs.Container(mesos=structs.MesosContainer()),
    )
    return structs.JobConfiguration(
        key=key,
        owner=config.owner,
        cronCollisionPolicy=structs.CronCollisionPolicy.KILL_EXISTING,
        taskConfig=config,
        instanceCount=2,
    )


def forgotten() -> str:
    """Lose the record, and keep the cluster."""
    for path in RECORD.glob("record.sqlite*"):
        path.unlink()
    return "ok"


def answered(found: structs.Response) -> str:
    assert found.responseCode is not None
    return found.responseCode.name


@contextmanager
def elsewhere(console: Console) -> Iterator[Person]:
    """Yield a client of the embedded cluster that is none of ours."""
    path = RECORD / "embedded-devcluster.json"
    found = cluster_in(Path("desired-state/platform/clusters/devcluster.yaml"))
    assert isinstance(found, Cluster)
    assert isinstance(found.scheduler, Embedded)
    world = World(found, found.scheduler, path, console.clock.now, writing=True)
    with httpx.Client(transport=world.transport()) as http:
        yield Person(HttpDoor(http, (URL,), None, Deadlines()))


def meanwhile(console: Console, command: str) -> str:
    """Do a command while another process holds the record."""
    with Record(RECORD, console.clock.now(), writing=True):
        return done(console, command)


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_goes_as_recorded(name: str, console: Console) -> None:
    path = SCENARIOS / f"{name}.txt"
    text = path.read_text(encoding="utf-8")
    told = [(turn, done(console, turn.command)) for turn in turns(text)]
    if os.environ.get("REWRITE"):
        path.write_text("".join(shown(turn, out) for turn, out in told), encoding="utf-8")
    for turn, out in told:
        assert out == turn.recorded or os.environ.get("REWRITE"), f"{path.name}: {turn.command}"
