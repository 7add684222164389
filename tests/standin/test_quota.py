from collections.abc import Iterable
from typing import Any

import pytest

from reconciler.standin.quota import (
    NON_PROD_DEDICATED,
    NON_PROD_SHARED,
    PROD_DEDICATED,
    PROD_SHARED,
    Held,
    Usage,
    check_addition,
    check_cron,
    check_fits,
    check_new_quota,
    check_update,
    consumption,
    of_aggregate,
)
from reconciler.standin.refusal import Refusal
from reconciler.thrift.calls import decode_call, decode_reply
from reconciler.thrift.structs import (
    Constraint,
    InstanceTaskConfig,
    JobConfiguration,
    JobKey,
    JobUpdateInstructions,
    Range,
    Resource,
    ResourceAggregate,
    ResponseCode,
    ResponseDetail,
    TaskConfig,
)
from tests.standin.trees import tree_of
from tests.support.recordings import rpcs

WEB = JobKey(role="www", environment="prod", name="web")
OTHER = JobKey(role="www", environment="prod", name="other")
NIGHTLY = JobKey(role="www", environment="prod", name="nightly")


def a_task(
    cpu: float = 1.0, ram: int = 100, *, production: bool = True, dedicated: bool = False
) -> TaskConfig:
    resources = (Resource(numCpus=cpu), Resource(ramMb=ram), Resource(diskMb=10))
    constraints = (Constraint(name="dedicated"),) if dedicated else ()
    return TaskConfig(
        production=production,
        constraints=constraints,
        resources=(*resources, Resource(namedPort="http"), Resource(numGpus=3)),
    )


def held(
    active: dict[JobKey, dict[int, TaskConfig]] | None = None,
    crons: Iterable[JobConfiguration] = (),
    updates: dict[JobKey, JobUpdateInstructions] | None = None,
) -> Held:
    templates = {job.key: job for job in crons if job.key is not None}
    return Held(active or {}, templates, updates or {})


def side(config: TaskConfig, first: int, last: int) -> InstanceTaskConfig:
    return InstanceTaskConfig(task=config, instances=(Range(first=first, last=last),))


def an_update(
    before: Iterable[InstanceTaskConfig], after: InstanceTaskConfig | None
) -> JobUpdateInstructions:
    return JobUpdateInstructions(initialState=tuple(before), desiredState=after)


def a_cron(config: TaskConfig, count: int) -> JobConfiguration:
    return JobConfiguration(key=NIGHTLY, taskConfig=config, instanceCount=count)


BIG_CPU, BIG_RAM = a_task(cpu=4.0, ram=100), a_task(cpu=1.0, ram=400)
NON_PROD = a_task(production=False)

CONSUMED: dict[str, tuple[Held, Usage]] = {
    "nothing": (held(), Usage()),
    "active tasks": (
        held({WEB: {0: a_task(), 1: a_task()}, OTHER: {0: a_task()}}),
        Usage(3, 300, 30),
    ),
    "the larger side of an update, each resource by itself": (
        held(
            {WEB: {0: BIG_CPU, 1: BIG_RAM}},
            updates={WEB: an_update([side(BIG_CPU, 0, 1)], side(BIG_RAM, 0, 1))},
        ),
        Usage(8, 800, 20),
    ),
    "what an update leaves alone counts as it is": (
        held(
            {WEB: {0: a_task(), 1: a_task(), 5: a_task()}},
            updates={WEB: an_update([side(a_task(), 1, 1)], side(a_task(cpu=2.0), 1, 1))},
        ),
        Usage(4, 300, 30),
    ),
    "an update that only removes": (
        held(
            {WEB: {0: a_task(), 1: a_task()}},
            updates={WEB: an_update([side(a_task(), 1, 1)], None)},
        ),
        Usage(2, 200, 20),
    ),
    "of an update to production only that side": (
        held(
            {WEB: {0: NON_PROD}},
            updates={WEB: an_update([side(NON_PROD, 0, 0)], side(a_task(cpu=0.5), 0, 0))},
        ),
        Usage(0.5, 100, 10),
    ),
    "a cron job that does not run": (held(crons=[a_cron(a_task(), 3)]), Usage(3, 300, 30)),
    "a cron job whose run is larger than its template": (
        held({NIGHTLY: {0: BIG_CPU}}, crons=[a_cron(BIG_RAM, 1)]),
        Usage(4, 400, 10),
    ),
    "a run of a cron job that left production": (
        held({NIGHTLY: {0: a_task()}}, crons=[a_cron(NON_PROD, 1)]),
        Usage(),
    ),
}


@pytest.mark.parametrize("name", CONSUMED)
def test_shared_production_consumes(name: str) -> None:
    found, want = CONSUMED[name]
    assert consumption(found, PROD_SHARED) == want


def test_every_task_is_in_one_pool() -> None:
    found = held(
        {
            WEB: {
                0: a_task(cpu=1.0),
                1: a_task(cpu=2.0, production=False),
                2: a_task(cpu=4.0, dedicated=True),
                3: a_task(cpu=8.0, production=False, dedicated=True),
            }
        }
    )
    pools = (PROD_SHARED, NON_PROD_SHARED, PROD_DEDICATED, NON_PROD_DEDICATED)
    assert [consumption(found, pool).cpu for pool in pools] == [1.0, 2.0, 4.0, 8.0]


QUOTA = Usage(4, 1000, 1000)


def test_what_fits_exactly_is_taken_and_one_more_is_not() -> None:
    found = held({WEB: {0: a_task()}})
    check_addition(QUOTA, found, a_task(), 3)
    with pytest.raises(Refusal, match=r"CPU quota exceeded by 1\.00 core"):
        check_addition(QUOTA, found, a_task(), 4)


@pytest.mark.parametrize("config", [NON_PROD, a_task(dedicated=True)])
def test_what_is_not_shared_production_needs_no_quota(config: TaskConfig) -> None:
    check_addition(Usage(), held(), config, 100)
    check_update(Usage(), held(), an_update([], side(config, 0, 99)))


def test_an_update_is_checked_as_if_it_were_active() -> None:
    update = an_update([], side(a_task(), 0, 4))
    with pytest.raises(Refusal, match=r"CPU quota exceeded by 1\.00 core"):
        check_update(QUOTA, held(updates={WEB: update}), update)
    shrink = an_update([side(a_task(), 0, 4)], None)
    check_update(Usage(), held(updates={WEB: shrink}), shrink)


def test_a_cron_template_is_checked_against_the_one_it_replaces() -> None:
    found = held({WEB: {0: a_task()}}, crons=[a_cron(a_task(), 3)])
    check_cron(QUOTA, found, a_cron(a_task(), 3))
    with pytest.raises(Refusal, match=r"CPU quota exceeded by 1\.00 core"):
        check_cron(QUOTA, found, a_cron(a_task(), 4))
    check_cron(Usage(), found, a_cron(NON_PROD, 9))


def test_a_dedicated_cron_template_is_limited_other_than_a_job() -> None:
    with pytest.raises(Refusal, match="Insufficient resource quota"):
        check_cron(Usage(), held(), a_cron(a_task(dedicated=True), 1))


def test_all_that_is_missing_is_named() -> None:
    with pytest.raises(Refusal) as told:
        check_fits(Usage(1, 2, 3), Usage(1.5, 2.25, 4))
    assert told.value.message == (
        "Insufficient resource quota: disk quota exceeded by 1.00 MB; "
        "RAM quota exceeded by 0.25 MB; CPU quota exceeded by 0.50 core(s)"
    )


def test_too_much_of_one_kind_is_no_quota() -> None:
    resources = (Resource(numCpus=1.0), Resource(ramMb=1), Resource(diskMb=1), Resource(diskMb=2))
    with pytest.raises(Refusal) as told:
        check_new_quota(ResourceAggregate(resources=resources), Usage())
    assert told.value.message == "Too many resource values in quota."
    assert told.value.code == ResponseCode.ERROR


def test_a_resource_sent_twice_is_one() -> None:
    resources = (Resource(numCpus=1.0), Resource(ramMb=1), Resource(diskMb=1), Resource(diskMb=1))
    assert of_aggregate(check_new_quota(ResourceAggregate(resources=resources), Usage())) == (
        Usage(1, 1, 1)
    )


# --- the recording


def quotas() -> list[Any]:
    """Return every recorded setQuota, and what the role's production consumed by then."""
    consumed = Usage()
    found = []
    for rpc in rpcs("quota"):
        result = decode_reply(rpc.reply, rpc.call).result
        if rpc.call == "getQuota" and result is not None:
            assert result.getQuotaResult is not None
            assert result.getQuotaResult.prodSharedConsumption is not None
            consumed = of_aggregate(result.getQuotaResult.prodSharedConsumption)
        if rpc.call == "setQuota":
            # The last one comes after everything was killed.
            found.append(pytest.param(rpc, consumed, id=f"quota@{rpc.at_ms}"))
    return found[:-1]


@pytest.mark.parametrize(("rpc", "consumed"), quotas())
def test_a_quota_is_set_or_refused_as_recorded(rpc: Any, consumed: Usage) -> None:
    quota = decode_call(rpc.request).args["quota"]
    response = decode_reply(rpc.reply, rpc.call)
    if response.responseCode == ResponseCode.OK:
        assert of_aggregate(check_new_quota(quota, consumed)) == of_aggregate(quota)
        return
    with pytest.raises(Refusal) as told:
        check_new_quota(quota, consumed)
    assert told.value.code == response.responseCode
    ours = ResponseDetail(message=told.value.message)
    assert [tree_of(ours)] == [tree_of(detail) for detail in response.details or ()]


def test_consumption_goes_over_the_wire_as_recorded() -> None:
    (rpc,) = (r for r in rpcs("quota") if r.note == "during")
    result = decode_reply(rpc.reply, rpc.call).result
    assert result is not None
    assert result.getQuotaResult is not None
    want = result.getQuotaResult.prodSharedConsumption
    assert want is not None
    assert tree_of(of_aggregate(want).aggregate()) == tree_of(want)
