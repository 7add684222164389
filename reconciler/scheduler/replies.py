"""What a reply to a write means: one table for every code and message that Aurora answers with.

A stale basis is not a refusal: it means that live moved, and quarantines nothing. Only what Aurora
would say again to the same request is `Refused`.
"""

import re

from reconciler.model.marks import TOKEN
from reconciler.model.outcome import Applied, Deferred, Indeterminate, Outcome, Refused
from reconciler.model.plan import Act, StartUpdate
from reconciler.thrift.structs import Response, ResponseCode, StartJobUpdateResult

# Messages of INVALID_REQUEST that mean: live is not what it was (recordings).
STALE = re.compile(
    r"some are irrelevant to the update"
    r"|already exists"
    r"|Not all requested shards are active"
    r"|No active task found"
    r"|Cannot transition update"
    r"|Update does not exist"
    r"|Insufficient resource quota"
    r"|No cron job found"
    # Said to the start of an update: somebody has scheduled a template of this name meanwhile.
    r"|Cron jobs may only be created/updated by calling scheduleCronJob"
)
UNCHANGED = "Job is unchanged by proposed update"
NOT_PERSISTED = "Failed to persist storage changes"


def outcome(act: Act, response: Response, token: str) -> Outcome:
    """Return what a reply means for the act that it answers."""
    words = message(response)
    started = _started(response)
    match response.responseCode:
        case ResponseCode.OK | ResponseCode.WARNING:
            return _accepted(act, started, _details(response))
        case ResponseCode.INVALID_REQUEST:
            if started is not None:
                return _occupied(act, started, token)
            if STALE.search(words):
                return Deferred(act, f"live moved: {words}")
            return Refused(act, words)
        case ResponseCode.JOB_UPDATING_ERROR:
            return Deferred(act, "an update of this job is active")
        case ResponseCode.ERROR_TRANSIENT:
            return Deferred(act, f"the scheduler is not ready: {words}")
        case ResponseCode.AUTH_FAILED:
            return Deferred(act, f"not permitted: {words}")
        case ResponseCode.ERROR if NOT_PERSISTED not in words:
            return Refused(act, f"an error within Aurora: {words}")
        case _:
            return Indeterminate(act, words)


def message(response: Response) -> str:
    """Return what the scheduler said. It may say nothing at all (recordings, refusals)."""
    code = response.responseCode
    nothing = f"{code.name if code is not None else 'no code'} without a message"
    return _details(response) or nothing


def _details(response: Response) -> str:
    return "; ".join(d.message for d in response.details or () if d.message)


def _accepted(act: Act, started: StartJobUpdateResult | None, told: str) -> Outcome:
    if not _starts(act):
        return Applied(act, message=told)
    if started is not None and started.key is not None:
        return Applied(act, started.key.id, told)
    if UNCHANGED in told:
        # Asked while old tasks die, or somebody was faster.
        return Deferred(act, f"Aurora found nothing to change: {told}")
    why = "OK, but without the update that it started"
    return Indeterminate(act, f"{why}: {told}" if told else why)


def _occupied(act: Act, started: StartJobUpdateResult, token: str) -> Outcome:
    """Another update is active: our own earlier call, if it carries our token."""
    summary = started.updateSummary
    found = {m.key: m.value for m in (summary.metadata if summary is not None else None) or ()}
    if found.get(TOKEN) == token and started.key is not None:
        return Applied(act, started.key.id, "already started by the same call")
    return Deferred(act, "another update of this job is active")


def _starts(act: Act) -> bool:
    return isinstance(act.action, StartUpdate)


def _started(response: Response) -> StartJobUpdateResult | None:
    return response.result.startJobUpdateResult if response.result is not None else None
