"""How many batches an update takes, and which states are which."""

import pytest

from reconciler.model.update import UpdateStatus
from reconciler.thrift.structs import ACTIVE_UPDATE_STATES, JobUpdateStatus
from tests.support.builders import settings

BATCHES = {
    "one at a time": ((1,), 4, 4),
    "in threes": ((3,), 7, 3),
    "all at once": ((9,), 9, 1),
    "nothing to do": ((3,), 0, 0),
    "one, then the rest in threes": ((1, 3), 7, 3),
    "the last size repeats": ((1, 2), 7, 4),
}


@pytest.mark.parametrize("case", BATCHES.values(), ids=BATCHES)
def test_batches_go_through_all_instances(case: tuple[tuple[int, ...], int, int]) -> None:
    groups, instances, batches = case
    assert settings(groups=groups).batches(instances) == batches


@pytest.mark.parametrize("status", UpdateStatus, ids=str)
def test_an_update_is_active_when_aurora_says_so(status: UpdateStatus) -> None:
    assert status.active == (JobUpdateStatus[status.value] in ACTIVE_UPDATE_STATES)
