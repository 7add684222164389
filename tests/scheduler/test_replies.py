"""One table for every reply to a write: each recorded one, and those that only the source tells."""

import re
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.model.marks import TOKEN
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import Act
from reconciler.scheduler.replies import message, outcome
from reconciler.thrift import calls
from reconciler.thrift.structs import Metadata, Response, ResponseCode
from tests.scheduler.doors import coded, ok, started
from tests.support.plans import a_kill, a_start, an_act
from tests.support.recordings import NAMES, https, rpcs

C = ResponseCode
START = an_act(a_start())
KILL = an_act(a_kill(0, 1))


@dataclass(frozen=True, slots=True)
class Written:
    """One recorded write."""

    label: str
    act: Act
    response: Response

    @property
    def words(self) -> str:
        return message(self.response)


def recorded() -> list[Written]:
    writes = calls.METHODS.keys() - calls.READ_ONLY_METHODS - calls.ADMIN_METHODS
    found = []
    for name in NAMES:
        told = [(f"{name}@{r.at_ms} {r.call}", r.call, r.reply) for r in rpcs(name)]
        told += [(h.http_call, _method(h.reply), h.reply) for h in https(name) if h.is_tjson]
        for label, method, reply in told:
            if method in writes:
                act = START if method == "startJobUpdate" else KILL
                found.append(Written(label, act, calls.decode_reply(reply, method)))
    return found


def _method(reply: bytes) -> str:
    return reply.split(b'"', 2)[1].decode()


# Code, message, whether a result comes with it, and what it means. Of a start, OK with and without
# a result are two things.
MEANING: dict[str, tuple[ResponseCode, str, bool | None, type[Outcome]]] = {
    "update started": (C.OK, "OK without a message", True, Applied),
    "anything else was done": (C.OK, "OK without a message", False, Applied),
    "nobody to kill": (C.OK, "No tasks to kill.", False, Applied),
    "no template to remove": (C.OK, r"Job .* is not scheduled with cron", False, Applied),
    "unchanged is no success": (C.OK, "Job is unchanged by proposed update.", False, Deferred),
    "another update came first": (C.INVALID_REQUEST, "An active update already", True, Deferred),
    "job is being updated": (C.JOB_UPDATING_ERROR, "Job is currently updating", False, Deferred),
    "not permitted": (C.AUTH_FAILED, "Subject ksweeney is not permitted", False, Deferred),
    "instances are others by now": (C.INVALID_REQUEST, "The update request", False, Deferred),
    "job is there by now": (C.INVALID_REQUEST, "Job .* already exists", False, Deferred),
    "template came first": (C.INVALID_REQUEST, "Cron jobs may only be", False, Deferred),
    "template is gone": (C.INVALID_REQUEST, ".*No cron job found for", False, Deferred),
    "update has ended": (C.INVALID_REQUEST, "Cannot transition update", False, Deferred),
    "update is gone": (C.INVALID_REQUEST, "Update does not exist", False, Deferred),
    "shards are gone": (C.INVALID_REQUEST, "Not all requested shards", False, Deferred),
    "instance is gone": (C.INVALID_REQUEST, "No active task found", False, Deferred),
    "quota is used up": (C.INVALID_REQUEST, "Insufficient resource quota", False, Deferred),
    "error within Aurora": (C.ERROR, "", False, Refused),
}

# Messages of INVALID_REQUEST that the same request would get again.
REFUSALS = (
    r"A dedicated constraint must ",
    r"A service task may not be run on a cron schedule",
    r"All update group sizes must be positive",
    r"blockIfNoPulsesAfterMs must be positive",
    r"Configuration for executor '.*' doesn't exist",
    r"Configuration may not be null",
    r"Current (Count|Percentage)SlaPolicy: .* will not allow any instances to be killed",
    # Its template was accepted, though its schedule never comes (org.quartz, below).
    r"Failed to start cron job - org\.quartz\.JobPersistenceException: ",
    r"GPU resource support is disabled",
    r"Instance count must be ",
    r"Instances may not be added to cron jobs",
    r"Invalid cron schedule: ",
    r"Invalid tier '",
    r"Job has an empty cron schedule",
    r"Job .* has no cron schedule",
    r"Job with fewer than 20 instances cannot have",
    r"max(PerInstanceFailures|FailedInstances) must be non-negative",
    r"Mesos Fetcher for individual jobs is disabled",
    r"minWaitInInstanceRunningMs must be non-negative",
    r"Missing or invalid job key from request",
    r"Multiple resource values are not supported",
    r"(num_cpus|ram_mb|disk_mb) must be greater than 0.0",
    r"Only .* may use hosts dedicated for that role",
    r"org\.quartz\.SchedulerException: .* will never fire",
    r"PercentageSlaPolicy: durationSecs=\d+ must be less than",
    r"slaAware is true, but no task slaPolicy",
    r"The RUN_OVERLAP collision policy has been removed",
    r"This scheduler is (not )?configured to ",
    r"Tier '.*' does not support SlaPolicy",
    r"Update results in no instance being modified",
    r"Updates are not supported for non-service tasks",
    r"Your update allows too many failures to occur",
)
ROWS = [
    *MEANING.values(),
    *((C.INVALID_REQUEST, pattern, False, Refused) for pattern in REFUSALS),
]


def row_of(written: Written) -> tuple[ResponseCode, str, bool | None, type[Outcome]]:
    starts = written.act is START
    fits = [
        row
        for row in ROWS
        if row[0] is written.response.responseCode
        and re.match(row[1], written.words)
        and row[2] == (starts and written.response.result is not None)
    ]
    assert len(fits) == 1, f"{written.label}: {written.words!r} is in {len(fits)} rows"
    return fits[0]


def test_every_recorded_reply_to_a_write_means_what_the_table_says() -> None:
    wrong = []
    found = recorded()
    assert len(found) > 300
    for written in found:
        meant = row_of(written)[3]
        got = outcome(written.act, written.response, "token")
        if type(got) is not meant:
            wrong.append((written.label, written.words, type(got).__name__, meant.__name__))
    assert wrong == []


def test_every_row_of_the_table_was_recorded() -> None:
    used = {row_of(written) for written in recorded()}
    assert [row for row in ROWS if row not in used] == []


UNRECORDED: dict[str, tuple[Act, Response, type[Outcome]]] = {
    "scheduler is not ready": (START, coded(C.ERROR_TRANSIENT, "Storage is not READY"), Deferred),
    "in memory but not on disk": (
        KILL,
        coded(C.ERROR, "Failed to persist storage changes"),
        Indeterminate,
    ),
    "no code at all": (KILL, coded(None), Indeterminate),
    "warning": (KILL, coded(C.WARNING, "careful"), Applied),
    "start that names no update": (START, ok(), Indeterminate),
    "error of a deed without words": (KILL, coded(C.ERROR), Refused),
}


@pytest.mark.parametrize("case", UNRECORDED.values(), ids=UNRECORDED)
def test_reply_that_was_not_recorded_has_its_meaning_too(case: Any) -> None:
    act, response, meant = case
    assert type(outcome(act, response, "token")) is meant


def test_started_update_is_named() -> None:
    assert outcome(START, ok(started("u7")), "token") == Applied(START, "u7")


def test_what_aurora_said_beside_ok_is_kept() -> None:
    assert outcome(KILL, ok(None, "No tasks to kill."), "t") == Applied(
        KILL, message="No tasks to kill."
    )


def test_active_update_with_our_token_is_our_own_earlier_call() -> None:
    mine = started("u7", metadata=(Metadata(key=TOKEN, value="mine"),))
    busy = coded(C.INVALID_REQUEST, "An active update already exists", result=mine)
    found = outcome(START, busy, "mine")
    assert isinstance(found, Applied)
    assert found.update_id == "u7"
    assert isinstance(outcome(START, busy, "another"), Deferred)


def test_error_without_a_message_is_told_by_its_code() -> None:
    assert message(coded(C.ERROR)) == "ERROR without a message"
    assert message(coded(None)) == "no code without a message"
