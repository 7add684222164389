"""Our own requests against those that a real scheduler understood, for the same intent."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from reconciler.model.keys import InstanceIds, JobKey
from reconciler.model.plan import ScheduleCron, StartUpdate
from reconciler.model.policy import Strategy
from reconciler.model.spec import Collision
from reconciler.model.update import UpdateSettings
from reconciler.thrift import calls, tjson
from reconciler.thrift import structs as aurora
from reconciler.translate import from_wire, requests
from reconciler.translate.canonical import canonical, config_of
from tests.support import builders
from tests.support.recordings import NAMES, recorded, rpcs
from tests.support.structs import said

CLUSTER = builders.CLUSTER


def accepted(method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for label, args, response in recorded(method):
        if response.responseCode is aurora.ResponseCode.OK:
            yield label, args


def sent(method: str, **args: Any) -> Any:
    """Return what a server makes of the bytes that our client sends."""
    call = calls.decode_call(calls.encode_call(method, 0, **args))
    return {k: said(v) for k, v in call.args.items()}


# --- startJobUpdate and getJobUpdateDiff


def intent(request: aurora.JobUpdateRequest, only: InstanceIds) -> StartUpdate | None:
    """Return the act that a recorded request carries out; None for what we never ask."""
    config, settings = request.taskConfig, request.settings
    if config is None or settings is None or settings.blockIfNoPulsesAfterMs:
        return None
    strategy = settings.updateStrategy
    queue = strategy.queueStrategy if strategy is not None else None
    batch = strategy.batchStrategy if strategy is not None else None
    varying = strategy.varBatchStrategy if strategy is not None else None
    if queue is not None:
        groups: tuple[int, ...] = (queue.groupSize or 0,)
    elif batch is not None:
        groups = (batch.groupSize or 0,)
    else:
        groups = (varying.groupSizes if varying is not None else None) or ()
    if not groups or (varying is not None and len(groups) == 1):
        return None
    paused = batch or varying
    return StartUpdate(
        config=config_of(config),
        instances=request.instanceCount or 0,
        only=only,
        settings=UpdateSettings(
            strategy=Strategy.QUEUE if queue is not None else Strategy.BATCH,
            groups=groups,
            watch_ms=settings.minWaitInInstanceRunningMs or 0,
            failed_instances_max=settings.maxFailedInstances or 0,
            failures_per_instance_max=settings.maxPerInstanceFailures or 0,
            rollback=bool(settings.rollbackOnFailure),
            sla_aware=bool(settings.slaAware),
            pause_between=bool(paused.autopauseAfterBatch) if paused is not None else False,
        ),
        metadata=tuple((m.key or "", m.value or "") for m in request.metadata or ()),
    )


def scope(request: aurora.JobUpdateRequest) -> tuple[tuple[int, int], ...]:
    ranges = (request.settings.updateOnlyTheseInstances if request.settings else None) or ()
    return tuple((r.first or 0, r.last or 0) for r in ranges)


def without_legacy(told: Any) -> Any:
    """Leave out what a strategy supersedes, as a scheduler does that knows strategies."""
    settings = told["request"]["settings"]
    for legacy in ("updateGroupSize", "waitForBatchCompletion"):
        settings.pop(legacy, None)
    return told


@pytest.mark.parametrize("method", ["startJobUpdate", "getJobUpdateDiff"])
def test_our_update_says_what_the_recorded_one_said(method: str) -> None:
    compared = scoped = 0
    for label, args in accepted(method):
        request = args["request"]
        ranges = scope(request)
        ids = InstanceIds.of(i for first, last in ranges for i in range(first, last + 1))
        start = intent(request, ids or InstanceIds.first(max(request.instanceCount or 0, 1)))
        if start is None:
            continue
        ours = sent(method, **(args | {"request": requests.update_request(start)}))
        theirs = sent(method, **args)
        if not ranges:
            # What we start is always scoped; all of them, and no scope, are the same.
            ours["request"]["settings"].pop("updateOnlyTheseInstances")
        assert without_legacy(ours) == without_legacy(theirs), label
        compared, scoped = compared + 1, scoped + bool(ranges)
    assert compared > 25
    assert scoped > 2 or method == "getJobUpdateDiff"


def test_a_request_is_scoped_to_exactly_the_planned_instances() -> None:
    start = StartUpdate(
        builders.a_config(),
        9,
        InstanceIds((0, 1, 2, 5, 7, 8)),
        builders.settings(),
        (("reconciler.spec", "s"), ("reconciler.revision", "r")),
    )
    request = requests.update_request(start, **{"reconciler.token": "t"})
    assert scope(request) == ((0, 2), (5, 5), (7, 8))
    assert request.instanceCount == 9
    assert [(m.key, m.value) for m in request.metadata or ()] == [
        ("reconciler.revision", "r"),
        ("reconciler.spec", "s"),
        ("reconciler.token", "t"),
    ]


def test_update_metadata_never_reaches_the_config() -> None:
    start = StartUpdate(
        builders.a_config(), 1, InstanceIds.first(1), builders.settings(), (("a", "b"),)
    )
    assert requests.update_request(start).taskConfig == requests.task_config(start.config)


STRATEGIES: dict[str, tuple[UpdateSettings, aurora.JobUpdateStrategy]] = {
    "one batch after another": (
        builders.settings(groups=(3,)),
        aurora.JobUpdateStrategy(
            batchStrategy=aurora.BatchJobUpdateStrategy(groupSize=3, autopauseAfterBatch=False)
        ),
    ),
    "a queue": (
        builders.settings(strategy=Strategy.QUEUE, groups=(3,)),
        aurora.JobUpdateStrategy(queueStrategy=aurora.QueueJobUpdateStrategy(groupSize=3)),
    ),
    "a first share, then the rest": (
        builders.settings(groups=(1, 5), pause_between=True),
        aurora.JobUpdateStrategy(
            varBatchStrategy=aurora.VariableBatchJobUpdateStrategy(
                groupSizes=(1, 5), autopauseAfterBatch=True
            )
        ),
    ),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_is_one_of_auroras_three(name: str) -> None:
    settings, expected = STRATEGIES[name]
    assert requests.strategy(settings) == expected


def test_a_scheduler_that_knows_no_strategies_does_the_same_by_its_own_fields() -> None:
    only = InstanceIds.first(1)
    batch = requests.settings(builders.settings(groups=(3,)), only)
    queue = requests.settings(builders.settings(strategy=Strategy.QUEUE, groups=(4,)), only)
    assert (batch.updateGroupSize, batch.waitForBatchCompletion) == (3, True)
    assert (queue.updateGroupSize, queue.waitForBatchCompletion) == (4, False)


def test_every_setting_has_a_field_of_its_own() -> None:
    found = requests.settings(
        builders.settings(
            groups=(4,),
            watch_ms=45_000,
            failed_instances_max=2,
            failures_per_instance_max=1,
            rollback=False,
            sla_aware=True,
            pause_between=True,
        ),
        InstanceIds((0, 1, 5)),
    )
    assert found == aurora.JobUpdateSettings(
        updateGroupSize=4,
        maxPerInstanceFailures=1,
        maxFailedInstances=2,
        minWaitInInstanceRunningMs=45_000,
        rollbackOnFailure=False,
        updateOnlyTheseInstances=(aurora.Range(first=0, last=1), aurora.Range(first=5, last=5)),
        waitForBatchCompletion=True,
        slaAware=True,
        updateStrategy=aurora.JobUpdateStrategy(
            batchStrategy=aurora.BatchJobUpdateStrategy(groupSize=4, autopauseAfterBatch=True)
        ),
    )


def test_no_update_of_ours_waits_for_pulses() -> None:
    found = requests.settings(builders.settings(), InstanceIds.first(1))
    assert found.blockIfNoPulsesAfterMs is None


# --- killTasks


def test_our_kill_says_what_the_recorded_one_said() -> None:
    compared = 0
    for label, args in accepted("killTasks"):
        if not args["instances"]:
            continue  # of the whole job, which we cannot even say
        key = from_wire.job_key(args["job"], CLUSTER)
        only = InstanceIds.of(args["instances"])
        assert only is not None
        ours = sent(
            "killTasks",
            job=requests.job_key(key),
            instances=only.ids,
            message=args["message"],
        )
        assert ours == sent("killTasks", **args), label
        compared += 1
    assert compared > 3


# --- scheduleCronJob


def test_our_cron_template_says_what_the_recorded_one_said() -> None:
    compared = 0
    for label, args in accepted("scheduleCronJob"):
        job = args["description"]
        collision = {0: Collision.KILL_EXISTING, 1: Collision.CANCEL_NEW}.get(
            job.cronCollisionPolicy
        )
        if collision is None:
            continue  # unset, which we never send
        template = ScheduleCron(
            config_of(job.taskConfig), job.cronSchedule, collision, job.instanceCount
        )
        key = from_wire.job_key(job.key, CLUSTER)
        ours = sent("scheduleCronJob", description=requests.cron_job(key, template))
        assert ours == sent("scheduleCronJob", **args), label
        compared += 1
    assert compared > 3


def test_a_template_names_its_job_twice_and_its_owner_too() -> None:
    key = JobKey(CLUSTER, "www", "prod", "web")
    config = aurora.TaskConfig(job=requests.job_key(key), owner=aurora.Identity(user="ann"))
    template = ScheduleCron(config_of(config), "0 3 * * *", Collision.CANCEL_NEW, 2)
    job = requests.cron_job(key, template)
    assert job == aurora.JobConfiguration(
        key=aurora.JobKey(role="www", environment="prod", name="web"),
        owner=aurora.Identity(user="ann"),
        cronSchedule="0 3 * * *",
        cronCollisionPolicy=aurora.CronCollisionPolicy.CANCEL_NEW,
        taskConfig=config,
        instanceCount=2,
    )


def test_a_service_is_shown_to_the_scheduler_without_a_schedule() -> None:
    key = JobKey(CLUSTER, "www", "prod", "web")
    start = StartUpdate(builders.a_config(), 3, InstanceIds.first(3), builders.settings(), ())
    job = requests.job(key, start)
    assert job.cronSchedule is None
    assert (job.instanceCount, job.key) == (3, requests.job_key(key))
    assert job.taskConfig == requests.task_config(start.config)


def test_an_update_is_named_by_its_job_and_its_id() -> None:
    key = JobKey(CLUSTER, "www", "prod", "web")
    found = requests.update_key(key, "u1")
    assert found == aurora.JobUpdateKey(job=requests.job_key(key), id="u1")


# --- the canonical form, held to what the scheduler itself called equal


def completed(told: dict[str, object]) -> dict[str, object]:
    """Leave out what the scheduler fills in or overwrites by its own tables."""
    return {k: v for k, v in told.items() if k not in ("tier", "production", "links")}


def test_what_the_scheduler_completed_is_what_was_sent() -> None:
    compared = 0
    for label, args, response in recorded("populateJobConfig"):
        result = response.result.populateJobResult if response.result is not None else None
        if result is None or result.taskConfig is None:
            continue
        ours = completed(canonical(args["description"].taskConfig).value())
        assert ours == completed(canonical(result.taskConfig).value()), label
        compared += 1
    assert compared > 5


# Requests that differ from what is live in something that we do not count: the owner, and how the
# same document is written.
OTHER_OWNER, OTHER_TEXT = {"unchanged@683"}, {"unchanged@697", "unchanged@701"}


def test_what_the_scheduler_calls_unchanged_or_changed_we_call_the_same_way() -> None:
    unchanged, changed, disagreed = 0, 0, set()
    for label, args, response in recorded("getJobUpdateDiff"):
        result = response.result.getJobUpdateDiffResult if response.result is not None else None
        if result is None:
            continue
        ours = args["request"].taskConfig
        # Of a scoped question, `unchanged` is also what lies out of its scope.
        for group in () if scope(args["request"]) else result.unchanged or ():
            assert completed(canonical(ours).value()) == completed(
                canonical(group.config or aurora.TaskConfig()).value()
            ), label
            unchanged += 1
        for group in result.update or ():
            live = group.config or aurora.TaskConfig()
            if canonical(ours).value() == canonical(live).value():
                disagreed.add(label)
            changed += 1
    assert unchanged >= 10
    assert changed > 5
    assert disagreed == OTHER_OWNER | OTHER_TEXT


def test_only_the_owner_or_the_text_of_the_document_tells_those_apart() -> None:
    for label, args, response in recorded("getJobUpdateDiff"):
        if label in OTHER_OWNER | OTHER_TEXT:
            assert response.result is not None
            assert response.result.getJobUpdateDiffResult is not None
            [group] = response.result.getJobUpdateDiffResult.update or ()
            ours, live = args["request"].taskConfig, group.config
            assert live is not None
            assert canonical(ours) == canonical(live)
            assert (ours.owner != live.owner) is (label in OTHER_OWNER)
            assert (ours.executorConfig != live.executorConfig) is (label in OTHER_TEXT)


def test_every_live_config_travels_as_it_came() -> None:
    """Live bytes are sent again where the meaning is equal: they must be the very same."""
    seen = 0
    for name in NAMES:
        for rpc in rpcs(name):
            if rpc.call != "getJobs" or b'"4":{"rec"' not in rpc.reply:
                continue
            for slice_ in calls.decode_get_jobs(rpc.reply).configs or ():
                boxes = msgspec.json.decode(slice_, type=dict[str, dict[str, msgspec.Raw]])
                raw = bytes(boxes["6"]["rec"])
                assert config_of(tjson.decode(aurora.TaskConfig, raw)).wire == raw
                seen += 1
    assert seen > 50
