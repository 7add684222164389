"""The owner of a live job is kept: another one would restart what nothing else changes."""

import pytest
from msgspec.structs import replace

from reconciler.model.task import Config
from reconciler.thrift import tjson
from reconciler.thrift.structs import Identity, TaskConfig
from reconciler.translate.canonical import config_of
from reconciler.translate.owner import with_owner_of
from tests.translate import samples


def owned(owner: Identity | None) -> Config:
    return config_of(replace(samples.config_of(samples.a_job()), owner=owner))


OWNERS: dict[str, tuple[Identity | None, Identity | None]] = {
    "another": (Identity(user="fc"), Identity(user="ann")),
    "none": (Identity(user="fc"), None),
    "one without a user": (Identity(user="fc"), Identity()),
    "one where we had none": (None, Identity(user="ann")),
    "the same": (Identity(user="fc"), Identity(user="fc")),
}


@pytest.mark.parametrize("name", OWNERS)
def test_the_owner_becomes_that_of_the_live_job(name: str) -> None:
    ours, theirs = OWNERS[name]
    found = with_owner_of(owned(ours), owned(theirs))
    assert found == owned(theirs)


def test_only_the_owner_is_taken_over() -> None:
    live = config_of(TaskConfig(owner=Identity(user="ann"), tier="preemptible", priority=9))
    ours = samples.rendered(samples.a_job()).config
    found = with_owner_of(ours, live)
    assert found.task == ours.task
    before, after = (tjson.decode(TaskConfig, c.wire) for c in (ours, found))
    assert replace(after, owner=before.owner) == before
    assert after.owner == Identity(user="ann")


def test_the_same_owner_leaves_the_very_bytes() -> None:
    ours = samples.rendered(samples.a_job()).config
    assert with_owner_of(ours, owned(Identity(user="fc"))) is ours
