"""One round that says everything there is to say: every kind of act, hold, keep, outcome, fault."""

from datetime import timedelta
from typing import Any

from reconciler.model.keys import JobKey
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    Decision,
    Impact,
    Keep,
    PulseUpdate,
    Reason,
    ResumeUpdate,
    RollbackUpdate,
    Standing,
    UpdateBasis,
)
from reconciler.model.problem import Origin, Problem
from reconciler.model.round import (
    Failing,
    Fault,
    FaultKind,
    JobStatus,
    LastRound,
    PastAct,
    RoundReport,
    StatusReport,
    Watch,
)
from tests.report.reports import (
    aborts,
    at,
    change,
    creates,
    deschedules,
    holds,
    ids,
    keeps,
    kills,
    many_keeps,
    of_kind,
    prunes,
    schedules,
    shrinks,
    updates,
)
from tests.support.builders import NOW, PROJECT, REVISION_NOW, a_key
from tests.support.plans import a_plan, a_report

COMMAND = "exec forecast serve --port {{thermos.ports[http]}} --threads 8 --model /srv/current"

PROBLEM = Problem(Origin("shop/cart.yaml", 31, 8), 'unknown field "instnaces"', "did you mean it?")


CRON = Reason.CRON_ABSENT


def makes_way(act: Act) -> dict[str, Any]:
    """Return what an abort says of the act that it makes way for."""
    return {"impact": act.impact, "changes": act.changes, "then": act}


def words_to_updates() -> list[Decision]:
    told = {
        "auto-paused": (Reason.AUTO_PAUSED, ResumeUpdate("u2")),
        "pulsed": (Reason.AUTO_PAUSED, PulseUpdate("u3")),
        "stalled": (Reason.STALLED, RollbackUpdate("u4")),
        "stalled-first": (Reason.STALLED, AbortUpdate("u5")),
    }
    basis = UpdateBasis("u", "ROLLING_FORWARD")
    return [
        of_kind(name, {"reason": reason, "action": action, "basis": basis}, {})
        for name, (reason, action) in told.items()
    ]


def acts() -> list[Decision]:
    big = Impact(
        restarts=ids(*range(10), 12),
        adds=ids(10, 11),
        kills=ids(13),
        batches=4,
        batch="1 then 5 at a time",
        shortest_s=840,
        failures_max=2,
        rollback=True,
        sla="available (kept while updating)",
    )
    changes = (
        change("env.LOG_LEVEL", "info", "debug"),
        change("instances", 14, 13),
        change("resources.ram", "2GiB", "4GiB"),
        change("run", COMMAND, COMMAND.replace("threads 8", "threads 16")),
        change("executor.data.task.name", "web", "frontend", raw=True),
    )
    same = (change("version", "2.14.1", "2.15.0"),)
    return [
        *words_to_updates(),
        aborts("superseding", **makes_way(updates("superseding", 4))),
        kills("was-service", reason=Reason.KIND_CHANGED, then=schedules("was-service", CRON)),
        deschedules(
            "was-cron",
            reason=Reason.KIND_CHANGED,
            prune=False,
            detail="1 running task is killed after it",
            then=creates("was-cron", 2),
        ),
        aborts("removing", Reason.REMOVED, key=a_key("removing"), origin=None),
        creates("new", 3),
        updates("frontend", 13, impact=big, changes=changes),
        *(updates(f"shard-{i:02}", 2, changes=same) for i in range(12)),
        shrinks("worker", 2, ids(2, 3)),
        schedules("nightly"),
        schedules("hourly", CRON),
        kills("parked"),
        deschedules("weekly"),
        prunes("legacy", 12),
    ]


def held() -> list[Decision]:
    hidden = "\x1b[2Jall is well"
    return [
        holds("b-workers", Reason.MASTER_NOT_SETTLED, wanted=creates("b-workers", 8)),
        holds("second", Reason.SECOND_LOOK, origin=None, wanted=prunes("second")),
        holds("rolling", Reason.UPDATE_IN_FLIGHT, detail="rolling since 02:59:30Z, 3 running"),
        holds("unseen", Reason.LIVE_UNKNOWN, detail=hidden),
        holds("paused", Reason.PAUSED, detail="by dave", release="resume it in Aurora"),
        *(
            holds(
                name,
                Reason.NOT_ADOPTED,
                release=f"--adopt {a_key(name)}",
                changes=(change("version", "1", "2"),),
            )
            for name in ("foreign-a", "foreign-b")
        ),
        holds(
            "guarded",
            Reason.GUARDED,
            detail="12 jobs would restart, 10 may",
            release="--approve DIGEST of this plan",
            wanted=updates("guarded", 6),
        ),
        holds("invalid", Reason.INVALID, detail=str(PROBLEM), release="mend the document"),
        holds("suspended", Reason.SUSPENDED, detail="by erin: migration, until 2026-12-01"),
    ]


def kept() -> list[Keep]:
    return [
        *many_keeps(3),
        keeps("adopted", Reason.ADOPTED),
        keeps("disabled", Reason.DISABLED),
        *many_keeps(2, Reason.UNMANAGED),
    ]


def outcomes() -> tuple[Outcome, ...]:
    return (
        Applied(creates("new"), "u9"),
        Applied(prunes("legacy", 12), message="Killed 12"),
        Refused(updates("frontend"), "no such executor\x1b[31m"),
        Deferred(kills("parked"), "live moved since it was read"),
        Indeterminate(schedules("nightly"), "no answer within 20 s"),
    )


def everything(**differs: Any) -> RoundReport:
    far = a_plan(
        holds("web", Reason.LIVE_UNKNOWN, key=JobKey("far", PROJECT, "prod", "web")),
        cluster="far",
        unread="http://far:8081 cannot be reached: connection refused",
    )
    plans = (a_plan(*acts(), *held(), *kept()), far)
    faults = (Fault(FaultKind.RECORD, "dev", "the disk is full"),)
    return a_report(plans=plans, problems=[PROBLEM], faults=faults, **differs)


def every_condition() -> StatusReport:
    """Return a job for every reason there is."""
    releases = {Reason.NOT_ADOPTED: "--adopt dev/shop/prod/x", Reason.PAUSED: "resume it"}
    jobs = tuple(
        JobStatus(
            key=a_key(reason.label.lower()),
            project=PROJECT,
            reason=reason,
            detail="\x1b[2J" if reason is Reason.DRIFTED else "",
            release=releases.get(reason, ""),
            since=None if reason is Reason.GONE else NOW - timedelta(minutes=90),
            revision=REVISION_NOW if reason.standing is Standing.KEPT else None,
            origin=at(reason.label.lower()) if reason.standing is not Standing.KEPT else None,
        )
        for reason in Reason
        if reason is not Reason.UNMANAGED
    )
    fault = Fault(FaultKind.SOURCE, "", "no such directory")
    failing = Failing(
        Fault(FaultKind.SCHEDULER, "far", "http://far:8081 refuses the login (401)"),
        NOW - timedelta(minutes=7),
        NOW - timedelta(minutes=1),
        4,
    )
    rounds = (
        LastRound("dev", NOW, REVISION_NOW, 2),
        LastRound("far", NOW - timedelta(minutes=8), "e" * 40, 0),
    )
    return StatusReport(
        NOW,
        rounds,
        jobs,
        (PROBLEM,),
        (fault,),
        failing=(failing,),
        watch=Watch("process 7 on host", NOW - timedelta(hours=1), runs=True),
        acts={
            a_key("paused"): (
                PastAct(NOW, "StartUpdate", "", "found carried out", "its reply was lost", "e1"),
                PastAct(NOW, "KillTasks", "Drifted", "Refused", "no\x1b[31m", "e0"),
            )
        },
    )
