"""Which instances of an update come next."""

import pytest

from reconciler.standin.refusal import Refusal
from reconciler.standin.strategies import Progress, next_count, order, pauses, sizes, told
from reconciler.thrift.structs import (
    BatchJobUpdateStrategy,
    JobUpdateSettings,
    JobUpdateStrategy,
    QueueJobUpdateStrategy,
    ResponseCode,
    VariableBatchJobUpdateStrategy,
)


def queue(size: int) -> JobUpdateStrategy:
    return JobUpdateStrategy(queueStrategy=QueueJobUpdateStrategy(groupSize=size))


def batch(size: int, pausing: bool = False) -> JobUpdateStrategy:
    told = BatchJobUpdateStrategy(groupSize=size, autopauseAfterBatch=pausing)
    return JobUpdateStrategy(batchStrategy=told)


def steps(*group_sizes: int) -> JobUpdateStrategy:
    return JobUpdateStrategy(
        varBatchStrategy=VariableBatchJobUpdateStrategy(groupSizes=group_sizes)
    )


def groups(strategy: JobUpdateStrategy, total: int, *, forward: bool) -> list[int]:
    """Return the sizes of the groups if each is done before the next begins."""
    found, idle = [], total
    while idle:
        count = next_count(strategy, Progress(total, idle, 0), forward=forward)
        found.append(count)
        idle -= count
    return found


def test_new_ones_come_first_then_changed_ones_then_those_that_go() -> None:
    assert order({0, 1, 5, 6}, {0, 1, 2, 3}, forward=True) == [2, 3, 0, 1, 5, 6]
    assert order({0, 1, 5, 6}, {0, 1, 2, 3}, forward=False) == [6, 5, 1, 0, 3, 2]


CASES = {
    "a queue is refilled": (queue(3), Progress(10, 5, 2), 1),
    "a full queue is not": (queue(3), Progress(10, 5, 3), 0),
    "a queue takes what there is": (queue(30), Progress(10, 5, 0), 5),
    "a batch waits for all of it": (batch(3), Progress(10, 5, 1), 0),
    "a batch starts when it is done": (batch(3), Progress(10, 5, 0), 3),
    "so does a variable one": (steps(1, 2), Progress(10, 5, 1), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_how_many_are_started(case: str) -> None:
    strategy, at, count = CASES[case]
    assert next_count(strategy, at, forward=True) == count
    assert next_count(strategy, at, forward=False) == count


STEPS = {
    "as they are told": ((1, 2, 3), 6, [1, 2, 3], [3, 2, 1]),
    "the last one repeats": ((1, 2), 7, [1, 2, 2, 2], [2, 2, 2, 1]),
    "what is left over": ((1, 3), 6, [1, 3, 2], [2, 3, 1]),
    "one of several": ((4, 4), 3, [3], [3]),
}


@pytest.mark.parametrize("case", STEPS)
def test_variable_groups_are_replayed_backwards(case: str) -> None:
    told_sizes, total, forward, back = STEPS[case]
    assert groups(steps(*told_sizes), total, forward=True) == forward
    assert groups(steps(*told_sizes), total, forward=False) == back


def test_older_settings_are_a_queue_or_a_batch() -> None:
    assert told(JobUpdateSettings(updateGroupSize=3)) == queue(3)
    waiting = JobUpdateSettings(updateGroupSize=3, waitForBatchCompletion=True)
    assert told(waiting) == batch(3)
    assert told(JobUpdateSettings(updateGroupSize=3, updateStrategy=batch(2))) == batch(2)


def test_a_variable_batch_without_sizes_is_an_error() -> None:
    strategy = JobUpdateStrategy(varBatchStrategy=VariableBatchJobUpdateStrategy())
    with pytest.raises(Refusal, match=r"VariableBatchJobUpdateStrategy\.getGroupSizes") as caught:
        sizes(strategy)
    assert caught.value.code is ResponseCode.ERROR


def test_only_batches_pause() -> None:
    assert pauses(batch(1, pausing=True))
    assert not pauses(batch(1))
    assert not pauses(queue(1))
