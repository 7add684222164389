"""Entries of getJobs are read once, and never as something else."""

import pytest

from reconciler.live.slices import Slices
from reconciler.model.live import LiveJob
from reconciler.thrift import tjson
from reconciler.thrift.structs import (
    Container,
    JobConfiguration,
    JobKey,
    MesosContainer,
    TaskConfig,
)
from tests.support.builders import CLUSTER


def a_slice(name: str, count: int = 3) -> bytes:
    key = JobKey(role="shop", environment="prod", name=name)
    config = TaskConfig(job=key, isService=True)
    return tjson.encode(JobConfiguration(key=key, taskConfig=config, instanceCount=count))


def counts(slices: Slices, *entries: bytes) -> dict[str, int]:
    return {job.key.name: job.count for job in slices.read(entries).values()}


def test_entry_that_did_not_change_is_not_read_again() -> None:
    slices = Slices(CLUSTER)
    first = slices.read([a_slice("api"), a_slice("web")])
    again = slices.read([a_slice("api"), a_slice("web", 4)])
    assert slices.decodes == 3
    kept, changed = sorted(again.values(), key=lambda job: job.key)
    assert kept is first[kept.key]
    assert changed.count == 4


def test_only_what_the_last_reading_held_is_kept() -> None:
    slices = Slices(CLUSTER)
    assert counts(slices, a_slice("api"), a_slice("web")) == {"api": 3, "web": 3}
    assert counts(slices, a_slice("api")) == {"api": 3}
    assert counts(slices, a_slice("api"), a_slice("web")) == {"api": 3, "web": 3}
    assert slices.decodes == 3


def test_entry_that_cannot_be_read_is_refused_each_time() -> None:
    slices = Slices(CLUSTER)
    for _ in range(2):
        with pytest.raises(tjson.ProtocolError):
            slices.read([a_slice("api"), b"[]"])
    assert counts(slices, a_slice("api")) == {"api": 3}


def test_config_with_a_part_that_only_a_later_aurora_knows_is_told_as_that() -> None:
    """It is like no desired one, so that its job is looked at in depth; the others are known."""
    key = JobKey(role="shop", environment="prod", name="later")
    config = TaskConfig(job=key, isService=True, container=Container(mesos=MesosContainer()))
    entry = tjson.encode(JobConfiguration(key=key, taskConfig=config, instanceCount=1))
    later = entry.replace(b'{"rec":{"1":{"rec":{}}}}', b'{"rec":{"9":{"rec":{}}}}')
    assert later != entry
    found = Slices(CLUSTER).read([a_slice("api"), later])
    assert len(found) == 2
    (job,) = (job for job in found.values() if job.key.name == "later")
    assert job.seen is not None
    assert job.seen.value()["container"] == {"unknown": True}


def test_jobs_of_another_cluster_have_its_name() -> None:
    found: LiveJob
    (found,) = Slices("elsewhere").read([a_slice("api")]).values()
    assert str(found.key) == "elsewhere/shop/prod/api"
