"""Which instances of an update come next.

Pure. Forward, instances are added first, then changed, then removed, each from the lowest id;
backward is exactly the reverse. A strategy says how many may be worked on at once.
"""

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.standin.nulls import NO_SIZES
from reconciler.standin.refusal import Refusal
from reconciler.thrift.structs import (
    BatchJobUpdateStrategy,
    JobUpdateSettings,
    JobUpdateStrategy,
    QueueJobUpdateStrategy,
    ResponseCode,
)


def order(initial: Collection[int], desired: Collection[int], *, forward: bool) -> list[int]:
    """Return the instances in the order in which they are worked on."""
    before, after = set(initial), set(desired)
    found = [*sorted(after - before), *sorted(after & before), *sorted(before - after)]
    return found if forward else found[::-1]


def told(settings: JobUpdateSettings) -> JobUpdateStrategy:
    """Return the strategy of settings, made of the older fields if there is none."""
    if settings.updateStrategy is not None:
        return settings.updateStrategy
    size = settings.updateGroupSize or 0
    if settings.waitForBatchCompletion:
        batch = BatchJobUpdateStrategy(groupSize=size, autopauseAfterBatch=False)
        return JobUpdateStrategy(batchStrategy=batch)
    return JobUpdateStrategy(queueStrategy=QueueJobUpdateStrategy(groupSize=size))


def sizes(strategy: JobUpdateStrategy) -> tuple[int, ...]:
    """Return the sizes of the groups; only a variable batch has more than one."""
    if strategy.varBatchStrategy is not None:
        told = strategy.varBatchStrategy.groupSizes
        if told is None:
            raise Refusal(NO_SIZES, ResponseCode.ERROR)
        return told
    plain = strategy.batchStrategy or strategy.queueStrategy
    assert plain is not None, "a strategy that is none is refused"
    return (plain.groupSize or 0,)


def pauses(strategy: JobUpdateStrategy) -> bool:
    """Tell whether an update pauses by itself after each group."""
    batch = strategy.batchStrategy or strategy.varBatchStrategy
    return batch is not None and bool(batch.autopauseAfterBatch)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an update is in one direction: of `total` instances, some idle, some at work."""

    total: int
    idle: int
    working: int


def next_count(strategy: JobUpdateStrategy, at: Progress, *, forward: bool) -> int:
    """Return how many of the idle instances to start."""
    if at.working and strategy.queueStrategy is None:
        return 0
    steps = sizes(strategy)
    if strategy.varBatchStrategy is None:
        size = steps[0]
    else:
        size = _forward_size(steps, at.total - at.idle) if forward else _back_size(steps, at.idle)
    return max(0, min(at.idle, size - at.working))


def _forward_size(steps: tuple[int, ...], done: int) -> int:
    """Return the group in which so many are done; the last one repeats."""
    reached = 0
    for size in steps:
        reached += size
        if reached > done:
            return size
    return steps[-1]


def _back_size(steps: tuple[int, ...], left: int) -> int:
    """Return the groups from the last to the first, beginning with what of the last there was."""
    for size in steps:
        if left <= size:
            return left
        left -= size
    return left % steps[-1] or steps[-1]
