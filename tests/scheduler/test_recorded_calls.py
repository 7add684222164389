"""What our client sends for an intent is what another client sent for it, and was understood.

Through the whole client, message included; what an update request holds in detail is compared in
tests/translate/test_requests.py.
"""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.keys import InstanceIds
from reconciler.model.plan import (
    AbortUpdate,
    Action,
    DescheduleCron,
    KillTasks,
    PulseUpdate,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
)
from reconciler.model.spec import Collision
from reconciler.standin.servlet import job_of
from reconciler.thrift import calls
from reconciler.thrift.structs import CronCollisionPolicy
from reconciler.translate import from_wire
from reconciler.translate.canonical import config_of
from tests.scheduler.doors import ScriptedDoor, a_port
from tests.support.builders import CLUSTER
from tests.support.plans import an_act
from tests.support.recordings import NAMES, rpcs
from tests.support.structs import said

Args = dict[str, Any]


def kill(args: Args) -> Action | None:
    ids = InstanceIds.of(args["instances"] or ())
    return KillTasks(ids) if ids is not None else None  # of all: we cannot even say that


def schedule(args: Args) -> Action | None:
    job = args["description"]
    if job.taskConfig is None or job.cronCollisionPolicy is None or job.taskConfig.owner is None:
        return None
    if job.cronCollisionPolicy is CronCollisionPolicy.RUN_OVERLAP or not job.cronSchedule:
        return None
    policy = Collision(job.cronCollisionPolicy.name.lower().replace("_", "-"))
    config = config_of(job.taskConfig)
    return ScheduleCron(config, job.cronSchedule, policy, job.instanceCount or 0)


def deschedule(args: Args) -> Action | None:
    del args
    return DescheduleCron()


def word(make: Callable[[str], Action]) -> Callable[[Args], Action | None]:
    return lambda args: make(args["key"].id) if args["key"].id else None


# For each call how its intent is read off, and how many recorded ones there are to compare.
INTENTS: dict[str, tuple[Callable[[Args], Action | None], int]] = {
    "killTasks": (kill, 8),
    "scheduleCronJob": (schedule, 10),
    "descheduleCronJob": (deschedule, 3),
    "abortJobUpdate": (word(AbortUpdate), 10),
    "resumeJobUpdate": (word(ResumeUpdate), 8),
    "rollbackJobUpdate": (word(RollbackUpdate), 4),
    "pulseJobUpdate": (word(PulseUpdate), 4),
}


@pytest.mark.parametrize("method", INTENTS)
def test_call_is_the_recorded_one_for_the_same_intent(method: str) -> None:
    intent, least = INTENTS[method]
    compared = 0
    for rpc in (rpc for name in NAMES for rpc in rpcs(name) if rpc.call == method):
        recorded = dict(calls.decode_call(rpc.request).args)
        action = intent(recorded)
        job = job_of(recorded)
        if action is None or job is None or not (job.role and job.environment and job.name):
            continue
        door = ScriptedDoor()
        act = an_act(action, key=from_wire.job_key(job, CLUSTER))
        a_port(door).carry_out(act, "token", recorded.get("message") or "")
        (sent,) = door.calls
        assert sent.method == method
        assert told(dict(sent.args)) == told(recorded), f"{rpc.at_ms}: {rpc.note}"
        compared += 1
    assert compared >= least


def told(args: Args) -> Any:
    """Return arguments by meaning; an empty message and none are the same."""
    return {name: said(value) for name, value in args.items() if value not in (None, "")}
