"""The owner of a job: part of Aurora's equality, and nothing that we decide."""

from msgspec.structs import replace

from reconciler.model.task import Config
from reconciler.thrift import tjson
from reconciler.thrift.structs import TaskConfig


def with_owner_of(config: Config, live: Config) -> Config:
    """Return the config with the live one's owner, absent included; its meaning is the same.

    Aurora compares the owner with all the rest: another one would restart instances that nothing
    else changes.
    """
    ours = tjson.decode(TaskConfig, config.wire)
    theirs = tjson.decode(TaskConfig, live.wire)
    if ours.owner == theirs.owner:
        return config
    return Config(config.task, tjson.encode(replace(ours, owner=theirs.owner)))
