"""Faults by chance, kills and edits; then the faults stop, and everything must come to rest."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from reconciler.model.keys import JobPattern
from reconciler.plan.inputs import Orders
from reconciler.thrift.structs import JobConfiguration, JobKey, ScheduledTask
from tests.loop.test_first_sight import their_config
from tests.support.cluster import Crash, Died, Fault, by_chance, never
from tests.support.site import Site, cron, reasons, service

FAULTS = [fault for fault in Fault if fault is not Fault.EMPTIED]
NAMES = ("web", "api", "search", "mail")


def a_tree(chance: Random) -> list[str]:
    """Some services and a template; the first is always there, so that the project has a job."""
    documents = [service("web", version=f'"{chance.randint(1, 3)}"')]
    for name in NAMES[1:]:
        if chance.random() < 0.8:
            version = f'"{chance.randint(1, 3)}"'
            documents.append(service(name, version=version, instances=chance.randint(0, 4)))
    if chance.random() < 0.7:
        documents.append(cron("nightly", schedule=f'"{chance.randint(0, 9)} 4 * * *"'))
    return documents


def meddle(site: Site, chance: Random) -> None:
    """Somebody kills an instance of ours."""
    tasks = [t for t in site.cluster.tasks() if _job(t).name != "theirs"]
    if not tasks or chance.random() < 0.5:
        return
    task = chance.choice(tasks)
    assert task.assignedTask is not None
    assert task.assignedTask.instanceId is not None
    site.cluster.aurora.call(
        "killTasks",
        {"job": _job(task), "instances": (task.assignedTask.instanceId,), "message": None},
        "bob",
    )


def _job(task: ScheduledTask) -> JobKey:
    assert task.assignedTask is not None
    assert task.assignedTask.task is not None
    assert task.assignedTask.task.job is not None
    return task.assignedTask.task.job


def a_spell(site: Site, chance: Random) -> None:
    """One process: it may be killed, it may be stopped, everything may fail it."""
    site.crash = Crash(chance.randint(1, 40) if chance.random() < 0.4 else None)
    site.cluster.befall = by_chance(chance, 0.1, FAULTS)
    commands: list[Callable[[], object]] = [
        lambda: site.converge(timeout_s=chance.randint(1, 90)),
        lambda: site.watch(chance.randint(1, 200)),
        site.step,
    ]
    try:
        chance.choice(commands)()
    except Died:
        pass
    finally:
        site.crash = Crash()
        site.cluster.befall = never


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_world_comes_to_rest_when_the_faults_stop(tmp_path: Path, seed: int) -> None:
    """To run one seed again: pytest tests/loop/test_chance.py -m slow -k '[SEED]'."""
    chance = Random(seed)
    site = Site(tmp_path / "state", agents=6)
    config = their_config("theirs")
    theirs = JobConfiguration(key=config.job, taskConfig=config, instanceCount=2)
    site.cluster.by_hand("createJob", description=theirs)
    site.clock.pass_by(5)
    untouched = site.cluster.tasks("theirs")
    for _ in range(12):
        if chance.random() < 0.6:
            site.declare(*a_tree(chance))
        meddle(site, chance)
        a_spell(site, chance)
        site.clock.pass_by(chance.randint(0, 100))
    # A day later the guard's window is empty again; a person releases what was quarantined.
    site.clock.pass_by(25 * 3600)
    final = [service("web", version='"9"'), service("api", instances=2), cron("nightly")]
    site.declare(*final)
    site.converge(Orders(retry=(JobPattern.parse("*"),)))
    ended = site.converge()
    assert ended.converged
    expected = {"web": "Converged", "api": "Converged", "nightly": "Converged"}
    assert reasons(ended.report) == {**expected, "theirs": "Unmanaged"}
    services = [_job(t).name for t in site.cluster.tasks() if _job(t).name != "nightly"]
    assert services == ["api"] * 2 + ["theirs"] * 2 + ["web"] * 3
    assert site.cluster.tasks("theirs") == untouched
    memory = site.memory()
    assert {key.name for key in memory.owned} == set(expected)
    assert (memory.intents, memory.quarantined) == ({}, {})
