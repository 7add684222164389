"""Entries of getJobs are read once, and never as something else."""

import pytest

from reconciler.live.slices import Slices
from reconciler.model.live import LiveJob
from reconciler.thrift import tjson
from reconciler.thrift.structs import JobConfiguration, JobKey, TaskConfig
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


def test_jobs_of_another_cluster_have_its_name() -> None:
    found: LiveJob
    (found,) = Slices("elsewhere").read([a_slice("api")]).values()
    assert str(found.key) == "elsewhere/shop/prod/api"
