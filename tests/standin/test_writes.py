"""The calls that change jobs, where they are refused."""

import pytest

from reconciler.thrift.structs import InstanceKey
from tests.standin.scene import KEY, Scene, a_config

# Of two instances that are live: which one more are asked to be like, how many, and the answer.
ADDED = {
    "none": (0, 0, "Instance count must be positive."),
    "fewer than none": (0, -1, "Instance count must be positive."),
    "like one that is not": (7, 1, "No active task found for a given instance ID."),
    "one too many": (0, 3999, "Instance count must be between 1 and 4000 inclusive."),
    "as many as there are numbers": (
        0,
        2**31 - 2,
        "Instance count must be between 1 and 4000 inclusive.",
    ),
    "more than there are numbers": (0, 2**31 - 1, "Invalid range: (1..-2147483648]"),
}


@pytest.mark.parametrize("case", ADDED)
def test_instances_are_not_added(case: str) -> None:
    like, count, words = ADDED[case]
    scene = Scene()
    scene.create(a_config(), 2)
    asked = InstanceKey(jobKey=KEY, instanceId=like)
    assert scene.refused("addInstances", key=asked, count=count) == words


def test_instances_are_added_behind_the_last_one() -> None:
    scene = Scene()
    scene.create(a_config(), 3)
    scene.do("killTasks", job=KEY, instances=(1,))
    scene.do("addInstances", key=InstanceKey(jobKey=KEY, instanceId=0), count=2)
    assert list(scene.now_is()) == [0, 2, 3, 4]
