"""Questions beyond the bulk, what an act rests on, and the RPC that each act is."""

from threading import Barrier
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.model import basis
from reconciler.model.keys import InstanceIds
from reconciler.model.live import (
    Accepted,
    DiffAnswer,
    LiveSnapshot,
    Present,
    Quota,
    RefusedAnswer,
    Unknown,
)
from reconciler.model.marks import TOKEN
from reconciler.model.outcome import Applied, Indeterminate
from reconciler.model.plan import (
    AbortUpdate,
    CronBasis,
    DescheduleCron,
    InstancesBasis,
    KillTasks,
    PulseUpdate,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
    TasksBasis,
    UpdateBasis,
)
from reconciler.model.questions import Questions
from reconciler.model.spec import Collision
from reconciler.scheduler.port import Silent
from reconciler.scheduler.sending import MESSAGE_MAX, short
from reconciler.thrift import calls
from reconciler.thrift.calls import Call
from reconciler.thrift.structs import (
    AssignedTask,
    ConfigSummaryResult,
    GetJobsResult,
    GetJobUpdateDetailsResult,
    GetJobUpdateSummariesResult,
    JobKey,
    JobUpdateDetails,
    JobUpdateEvent,
    JobUpdateStatus,
    Response,
    ResponseCode,
    Result,
    ScheduledTask,
    ScheduleStatus,
    ScheduleStatusResult,
    TaskEvent,
)
from reconciler.translate.canonical import config_of
from tests.scheduler.doors import EMPTY, TIMEOUT, ScriptedDoor, a_port, coded, ok, recorded, started
from tests.support.builders import a_config, a_key, a_live_job, a_snapshot, an_update
from tests.support.plans import a_kill, a_start, an_act
from tests.support.recordings import rpcs

KEY = a_key()
OTHER = a_key("other")
C = ResponseCode


def examined(
    questions: Questions, snapshot: LiveSnapshot | None = None, **told: Any
) -> LiveSnapshot:
    plain = a_snapshot(a_live_job(groups=None), a_live_job(OTHER, groups=None), quotas={})
    return a_port(ScriptedDoor(**told)).examine(snapshot or plain, questions)


def test_groups_tell_both_configs_and_the_hole() -> None:
    asked = Questions(groups=frozenset({KEY}))
    mixed = examined(asked, getConfigSummary=recorded("failing_stays", 1565)).jobs[KEY]
    assert [str(g.instances) for g in mixed.groups or ()] == ["0", "1-2"]
    holed = examined(asked, getConfigSummary=recorded("canary", 5204)).jobs[KEY]
    assert [str(g.instances) for g in holed.groups or ()] == ["0-1, 3-4"]


def test_tasks_are_those_that_are_active_and_count() -> None:
    found = examined(
        Questions(tasks=frozenset({KEY})), getTasksWithoutConfigs=recorded("kills", 852)
    )
    job = found.jobs[KEY]
    assert [t.instance for t in job.tasks or ()] == [0, 2]
    assert job.count == 2


def test_details_are_put_where_the_update_stands() -> None:
    update = an_update(ours=True)
    asked = Questions(details=frozenset({(KEY, update.id)}))
    reply = recorded("pulses", 2990)
    active = examined(asked, a_snapshot(a_live_job(update=update)), getJobUpdateDetails=reply)
    told = active.jobs[KEY].update
    assert told is not None
    assert told.events is not None
    assert [e.status.value for e in told.events][-1] == "ROLL_FORWARD_PAUSED"
    assert told.events[-1].user == "root"
    ended = examined(asked, a_snapshot(ended={KEY: (update,)}), getJobUpdateDetails=reply)
    assert ended.ended[KEY][0].events == told.events
    # Of an update that is known from before there is no summary to put them in.
    assert examined(asked, a_snapshot(), getJobUpdateDetails=reply).events == {
        update.id: told.events
    }


def a_failure(*, at_ms: int = 100, message: str = "Latest failure: instance 2 exited.") -> Response:
    """Return the details of an update that went back."""
    event = JobUpdateEvent(status=JobUpdateStatus.ROLLING_BACK, timestampMs=at_ms, message=message)
    details = JobUpdateDetails(updateEvents=(event,))
    return ok(Result(getJobUpdateDetailsResult=GetJobUpdateDetailsResult(detailsList=(details,))))


def a_failed_task(at_ms: int, message: str | None) -> ScheduledTask:
    told = TaskEvent(timestamp=at_ms, status=ScheduleStatus.FAILED, message=message)
    return ScheduledTask(
        assignedTask=AssignedTask(taskId=f"t{at_ms}"), status=told.status, taskEvents=(told,)
    )


def failed_tasks(*tasks: ScheduledTask) -> Response:
    return ok(Result(scheduleStatusResult=ScheduleStatusResult(tasks=tasks)))


FAILURE = "Latest failure: instance 2 exited."
LAST_WORDS: dict[str, tuple[Any, str]] = {
    "the task that failed last before it": (
        failed_tasks(a_failed_task(50, "no model"), a_failed_task(90, "no such model")),
        "Latest failure: instance 2 exited, its task FAILED: no such model",
    ),
    "tasks that failed after it": (failed_tasks(a_failed_task(101, "later")), FAILURE),
    "a task without a word": (failed_tasks(a_failed_task(90, None)), FAILURE),
    "no task that is kept": (failed_tasks(), FAILURE),
    "no answer": (TIMEOUT, FAILURE),
}


@pytest.mark.parametrize("name", LAST_WORDS)
def test_update_that_failed_is_told_with_the_last_words_of_its_task(name: str) -> None:
    tasks, words = LAST_WORDS[name]
    asked = Questions(details=frozenset({(KEY, "u1")}))
    door = ScriptedDoor(
        getJobUpdateDetails=a_failure(), getTasksWithoutConfigs=tasks, getTasksStatus=tasks
    )
    found = a_port(door).examine(a_snapshot(a_live_job()), asked)
    assert [event.message for event in found.events["u1"]] == [words]
    query = next(call for call in door.calls if call.method == "getTasksWithoutConfigs")
    assert query.args["query"].instanceIds == (2,)


def test_update_that_ended_otherwise_asks_no_task() -> None:
    door = ScriptedDoor(getJobUpdateDetails=a_failure(message="by hand"))
    asked = Questions(details=frozenset({(KEY, "u1")}))
    a_port(door).examine(a_snapshot(a_live_job()), asked)
    assert door.methods == ["getJobUpdateDetails"]


def test_pending_reasons_are_told_by_task_in_a_fixed_order() -> None:
    found = examined(
        Questions(pending=frozenset({KEY})), getPendingReason=recorded("pending", 4029)
    ).pending
    assert "Insufficient: CPU, Insufficient: RAM, Insufficient: disk" in found.values()
    assert all(words.split(", ") == sorted(words.split(", ")) for words in found.values())


def test_diff_is_the_schedulers_own() -> None:
    found = examined(
        Questions(diffs=((KEY, a_start()),)), getJobUpdateDiff=recorded("scale", 3089)
    ).answers[KEY]
    assert isinstance(found, DiffAnswer)
    assert (found.add, found.remove, found.update, found.unchanged) == ((2, 3), (), (0, 1), ())


def test_quota_is_what_is_granted_and_used() -> None:
    rpc = next(r for r in _rpcs("quota", "getQuota"))
    found = examined(Questions(quotas=frozenset({"shop"})), getQuota=rpc).quotas
    assert isinstance(found["shop"], Quota)


def _rpcs(name: str, call: str) -> list[Any]:
    return [
        recorded(name, r.at_ms)
        for r in rpcs(name)
        if r.call == call and b'"1":{"i32":1}' in r.reply
    ]


def test_config_is_accepted_as_the_scheduler_completes_it() -> None:
    reply = recorded("busy", 987)
    found = examined(Questions(accepted=((KEY, a_start()),)), populateJobConfig=reply).answers[KEY]
    assert isinstance(found, Accepted)
    assert reply.result is not None
    assert reply.result.populateJobResult is not None
    assert reply.result.populateJobResult.taskConfig is not None
    assert found.config == config_of(reply.result.populateJobResult.taskConfig)


def test_refusal_keeps_the_schedulers_words() -> None:
    told = coded(C.INVALID_REQUEST, "Invalid configuration: Invalid tier 'gold' in TaskConfig.")
    refused = RefusedAnswer("Invalid tier 'gold' in TaskConfig.")
    asked = Questions(accepted=((KEY, a_start()),))
    assert examined(asked, populateJobConfig=told).answers[KEY] == refused
    asked = Questions(diffs=((KEY, a_start()),))
    assert examined(asked, getJobUpdateDiff=told).answers[KEY] == RefusedAnswer(
        "Invalid configuration: Invalid tier 'gold' in TaskConfig."
    )


def test_questions_of_all_kinds_are_asked_side_by_side() -> None:
    """Each answer waits for the other question: one after the other, both would wait in vain."""
    both = Barrier(2, timeout=10)

    def answer(call: Call) -> Response:
        both.wait()
        return ok(EMPTY[call.method])

    door = ScriptedDoor(getConfigSummary=answer, getTasksWithoutConfigs=answer)
    asked = Questions(groups=frozenset({KEY}), tasks=frozenset({OTHER}))
    snapshot = a_snapshot(a_live_job(groups=None), a_live_job(OTHER, groups=None))
    found = a_port(door).examine(snapshot, asked)
    assert (found.jobs[KEY].groups, found.jobs[OTHER].tasks) == ((), ())


def test_config_with_a_part_that_cannot_be_told_is_not_accepted() -> None:
    told = calls.encode_reply("populateJobConfig", 1, recorded("busy", 987))
    odd = told.replace(b'{"1":{"dbl":1.0}}', b'{"44":{"dbl":1.0}}')
    assert odd != told
    asked = Questions(accepted=((KEY, a_start()),))
    assert isinstance(examined(asked, populateJobConfig=told).answers[KEY], Accepted)
    found = examined(asked, populateJobConfig=odd).answers[KEY]
    assert found == Unknown("Resource: a union with 0 members set")


ABOUT: dict[str, tuple[Questions, str]] = {
    "groups": (Questions(groups=frozenset({KEY})), "getConfigSummary"),
    "tasks": (Questions(tasks=frozenset({KEY})), "getTasksWithoutConfigs"),
    "details": (Questions(details=frozenset({(KEY, "u1")})), "getJobUpdateDetails"),
    "pending reasons": (Questions(pending=frozenset({KEY})), "getPendingReason"),
}


@pytest.mark.parametrize("case", ABOUT.values(), ids=ABOUT)
@pytest.mark.parametrize("failure", [TIMEOUT, b"garbage", ok(), coded(C.ERROR)])
def test_question_that_fails_makes_its_job_unclear_and_no_other(case: Any, failure: Any) -> None:
    asked, method = case
    found = examined(asked, **{method: failure, "getTasksStatus": failure})
    assert isinstance(found.of(KEY), Unknown)
    assert isinstance(found.of(OTHER), Present)
    assert found.unread is None


@pytest.mark.parametrize("failure", [TIMEOUT, b"garbage", ok(), coded(C.ERROR)])
def test_scheduler_that_says_nothing_of_a_plan_has_not_agreed(failure: Any) -> None:
    diff = examined(Questions(diffs=((KEY, a_start()),)), getJobUpdateDiff=failure)
    assert isinstance(diff.answers[KEY], Unknown)
    taken = examined(Questions(accepted=((KEY, a_start()),)), populateJobConfig=failure)
    assert isinstance(taken.answers[KEY], Unknown)
    quota = examined(Questions(quotas=frozenset({"shop"})), getQuota=failure)
    assert isinstance(quota.quotas["shop"], Unknown)


# --- what an act rests on


def rests_on(basis_: Any, **told: Any) -> Any:
    door = ScriptedDoor(**told)
    return a_port(door).basis(an_act(basis=basis_)), door


def test_start_rests_on_groups_and_on_what_dies() -> None:
    reply = recorded("failing_stays", 1565)
    live = examined(Questions(groups=frozenset({KEY})), getConfigSummary=reply).jobs[KEY]
    planned = basis.of_job(live)
    assert rests_on(InstancesBasis(""), getConfigSummary=reply)[0] == planned
    moved = {
        "another group": {"getConfigSummary": recorded("canary", 1765)},
        "nothing left": {"getConfigSummary": ok(EMPTY["getConfigSummary"])},
        "tasks dying": {
            "getConfigSummary": reply,
            "getTasksWithoutConfigs": recorded("kills", 1740),
        },
    }
    for told in moved.values():
        found, _ = rests_on(InstancesBasis(""), **told)
        assert isinstance(found, InstancesBasis)
        assert found != planned


def test_absent_job_and_job_without_tasks_are_one_basis() -> None:
    assert rests_on(InstancesBasis(""))[0] == basis.of_job(None)


def test_creation_rests_on_one_question_while_nothing_is_there() -> None:
    found, door = rests_on(basis.NOTHING_THERE)
    assert found == basis.NOTHING_THERE
    assert [call.method for call in door.calls] == ["getTasksWithoutConfigs"]
    moved, _ = rests_on(
        basis.NOTHING_THERE,
        getTasksWithoutConfigs=recorded("lost_hosts", 794),
        getConfigSummary=recorded("failing_stays", 1565),
    )
    assert isinstance(moved, InstancesBasis)
    assert moved != basis.NOTHING_THERE
    assert isinstance(rests_on(basis.NOTHING_THERE, getTasksWithoutConfigs=TIMEOUT)[0], Unknown)


def test_kill_rests_on_task_ids_not_on_instances() -> None:
    first, _ = rests_on(TasksBasis(frozenset()), getTasksWithoutConfigs=recorded("lost_hosts", 794))
    later, _ = rests_on(
        TasksBasis(frozenset()), getTasksWithoutConfigs=recorded("lost_hosts", 2808)
    )
    assert len(first.task_ids) == len(later.task_ids) == 2
    assert first != later


def test_word_to_an_update_rests_on_its_status() -> None:
    found, door = rests_on(
        UpdateBasis("u", "ROLLING_FORWARD"), getJobUpdateSummaries=recorded("pulses", 5833)
    )
    assert isinstance(found, UpdateBasis)
    assert found.status == "ROLL_FORWARD_AWAITING_PULSE"
    (call,) = door.calls
    assert call.args["jobUpdateQuery"].key.id == "u"
    gone, _ = rests_on(UpdateBasis("u", "ROLLING_FORWARD"))
    assert gone == UpdateBasis("u", "gone")


def test_template_rests_on_its_own_content() -> None:
    reply = _rpcs("cron", "getJobs")[0]
    assert reply.result is not None
    (template,) = [c for c in reply.result.getJobsResult.configs if c.cronSchedule]
    key = a_key(template.key.name, template.key.environment, template.key.role)
    port = a_port(ScriptedDoor(getJobs=reply))
    found = port.basis(an_act(key=key, basis=CronBasis(None)))
    assert found == basis.cron_basis(port.survey(0).jobs[key])
    changed = replace(template, cronSchedule="1 2 * * *")
    other = ok(Result(getJobsResult=GetJobsResult(configs=(changed,))))
    assert (
        a_port(ScriptedDoor(getJobs=other)).basis(an_act(key=key, basis=CronBasis(None))) != found
    )
    none = a_port(ScriptedDoor()).basis(an_act(key=key, basis=CronBasis("x")))
    assert none == CronBasis(None)


def test_template_rests_on_no_other_job_of_its_role() -> None:
    """Of a large role nothing else is built, so nothing else can fail."""
    reply = _rpcs("cron", "getJobs")[0]
    (template,) = [c for c in reply.result.getJobsResult.configs if c.cronSchedule]
    key = a_key(template.key.name, template.key.environment, template.key.role)
    act = an_act(key=key, basis=CronBasis(None))
    alone = a_port(ScriptedDoor(getJobs=reply)).basis(act)
    other = replace(template, key=replace(template.key, name="other"), cronSchedule="NONSENSE")
    several = ok(Result(getJobsResult=GetJobsResult(configs=(other, template))))
    spoiled = calls.encode_reply("getJobs", 1, several).replace(b'"str":"NONSENSE"', b'"str":5')
    assert a_port(ScriptedDoor(getJobs=spoiled)).basis(act) == alone
    nobody = spoiled.replace(b'"other"', b'"' + template.key.name.encode() + b'"')
    assert isinstance(a_port(ScriptedDoor(getJobs=nobody)).basis(act), Unknown)
    door = ScriptedDoor(getJobs=spoiled)
    a_port(door).basis(act)
    assert [call.args["ownerRole"] for call in door.calls] == [key.role]


BASES: dict[str, Any] = {
    "groups": InstancesBasis(""),
    "tasks": TasksBasis(frozenset()),
    "update": UpdateBasis("u", "ROLLING_FORWARD"),
    "template": CronBasis(None),
}
READS = (
    "getConfigSummary",
    "getTasksWithoutConfigs",
    "getTasksStatus",
    "getJobUpdateSummaries",
    "getJobs",
)


@pytest.mark.parametrize("case", BASES.values(), ids=BASES)
def test_basis_that_cannot_be_read_is_unknown_and_silence_is_told_apart(case: Any) -> None:
    mute, _ = rests_on(case, **dict.fromkeys(READS, TIMEOUT))
    assert isinstance(mute, Silent)
    garbage, _ = rests_on(case, **dict.fromkeys(READS, b"<html>"))
    assert isinstance(garbage, Unknown)
    assert not isinstance(garbage, Silent)


def test_update_without_a_status_is_no_basis() -> None:
    reply = recorded("pulses", 5833)
    assert reply.result is not None
    result = reply.result.getJobUpdateSummariesResult
    assert result is not None
    (summary,) = result.updateSummaries or ()
    spoiled = ok(
        Result(
            getJobUpdateSummariesResult=GetJobUpdateSummariesResult(
                updateSummaries=(replace(summary, state=None),)
            )
        )
    )
    found, _ = rests_on(UpdateBasis("u", "ROLLING_FORWARD"), getJobUpdateSummaries=spoiled)
    assert isinstance(found, Unknown)
    groups = ok(Result(configSummaryResult=ConfigSummaryResult()))
    still, _ = rests_on(InstancesBasis(""), getConfigSummary=groups, getJobUpdateSummaries=spoiled)
    assert isinstance(still, InstancesBasis)


# --- the act itself

TEMPLATE = ScheduleCron(a_config(), "0 3 * * *", Collision.CANCEL_NEW, 1)
RPCS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "start": (a_start(), "startJobUpdate", {"message": "why"}),
    "kill": (a_kill(0, 2), "killTasks", {"message": "why", "instances": (0, 2)}),
    "schedule": (TEMPLATE, "scheduleCronJob", {}),
    "deschedule": (DescheduleCron(), "descheduleCronJob", {}),
    "abort": (AbortUpdate("u"), "abortJobUpdate", {"message": "why"}),
    "resume": (ResumeUpdate("u"), "resumeJobUpdate", {"message": "why"}),
    "roll back": (RollbackUpdate("u"), "rollbackJobUpdate", {"message": "why"}),
    "pulse": (PulseUpdate("u"), "pulseJobUpdate", {}),
}


@pytest.mark.parametrize("case", RPCS.values(), ids=RPCS)
def test_each_act_is_one_call_about_its_job_and_no_other(case: Any) -> None:
    action, method, args = case
    door = ScriptedDoor(startJobUpdate=ok(started("u7")))
    found = a_port(door).carry_out(an_act(action), "token", "why")
    assert isinstance(found, Applied)
    (call,) = door.calls
    assert call.method == method
    assert {name: call.args[name] for name in args} == args
    about = next((v for v in call.args.values() if not isinstance(v, str | tuple)), None)
    named = getattr(about, "job", None) or getattr(about, "key", None) or about
    if method != "startJobUpdate":
        assert named == JobKey(role="shop", environment="prod", name="web")
    assert door.writes == [True]


def test_start_carries_the_token_and_exactly_the_planned_instances() -> None:
    door = ScriptedDoor(startJobUpdate=ok(started("u7")))
    found = a_port(door).carry_out(an_act(a_start()), "token-1", "why")
    assert found == Applied(an_act(a_start()), "u7")
    request = door.calls[0].args["request"]
    assert (TOKEN, "token-1") in {(m.key, m.value) for m in request.metadata}
    assert [(r.first, r.last) for r in request.settings.updateOnlyTheseInstances] == [(0, 2)]


def test_kill_without_instances_cannot_be_said() -> None:
    with pytest.raises(ValueError, match="empty set means all"):
        KillTasks(InstanceIds(()))


def test_lost_reply_is_indeterminate() -> None:
    door = ScriptedDoor(startJobUpdate=TIMEOUT)
    assert isinstance(a_port(door).carry_out(an_act(), "t", "why"), Indeterminate)
    assert len(door.calls) == 1


CUT: dict[str, tuple[str, str]] = {
    "short enough": ("a" * 1024, "a" * 1024),
    "too long": ("a" * 1025, "a" * 1024),
    "long in units of UTF-16": ("🚀" * 1024, "🚀" * 512),
    "a pair would be torn": ("a" + "🚀" * 600, "a" + "🚀" * 511),
    "half a pair": ("a\ud800b", "a?b"),
}


@pytest.mark.parametrize("case", CUT.values(), ids=CUT)
def test_message_is_cut_to_what_aurora_takes(case: tuple[str, str]) -> None:
    told, expected = case
    assert short(told) == expected
    assert len(short(told).encode("utf-16-le")) <= 2 * MESSAGE_MAX
    door = ScriptedDoor()
    a_port(door).carry_out(an_act(AbortUpdate("u")), "t", told)
    assert door.calls[0].args["message"] == expected


def test_recorded_scheduler_fails_on_a_longer_message_without_a_word() -> None:
    told = [
        (calls.decode_call(r.request).args["message"] or "", r.reply)
        for r in rpcs("refusals")
        if r.call == "startJobUpdate"
    ]
    (reply,) = [reply for message, reply in told if len(message) > MESSAGE_MAX]
    response = calls.decode_reply(reply, "startJobUpdate")
    assert response.responseCode is C.ERROR
    assert not any(d.message for d in response.details or ())
