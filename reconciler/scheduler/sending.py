"""The one RPC of each act."""

from typing import assert_never

from reconciler.model.marks import TOKEN
from reconciler.model.outcome import Outcome
from reconciler.model.plan import (
    AbortUpdate,
    Act,
    DescheduleCron,
    KillTasks,
    PulseUpdate,
    ResumeUpdate,
    RollbackUpdate,
    ScheduleCron,
    StartUpdate,
)
from reconciler.scheduler.client import Client
from reconciler.translate import requests

# Aurora fails, without a word, on a longer message (recordings, refusals).
MESSAGE_MAX = 1024


def send(client: Client, act: Act, token: str, message: str) -> Outcome:
    """Send the RPC of an act, once, and return what became of it."""
    match act.action:
        case StartUpdate() as start:
            request = requests.update_request(start, **{TOKEN: token})
            words = short(message)
            return client.tell(act, token, "startJobUpdate", request=request, message=words)
        case KillTasks(only=only):
            told = {"job": requests.job_key(act.key), "instances": only.ids}
            return client.tell(act, token, "killTasks", **told, message=short(message))
        case ScheduleCron() as template:
            job = requests.cron_job(act.key, template)
            return client.tell(act, token, "scheduleCronJob", description=job)
        case DescheduleCron():
            return client.tell(act, token, "descheduleCronJob", job=requests.job_key(act.key))
        case AbortUpdate() | ResumeUpdate() | RollbackUpdate() | PulseUpdate():
            return _to_update(client, act, act.action, token, message)
        case _:
            assert_never(act.action)


def _to_update(
    client: Client,
    act: Act,
    action: AbortUpdate | ResumeUpdate | RollbackUpdate | PulseUpdate,
    token: str,
    message: str,
) -> Outcome:
    key, words = requests.update_key(act.key, action.update_id), short(message)
    match action:
        case AbortUpdate():
            return client.tell(act, token, "abortJobUpdate", key=key, message=words)
        case ResumeUpdate():
            return client.tell(act, token, "resumeJobUpdate", key=key, message=words)
        case RollbackUpdate():
            return client.tell(act, token, "rollbackJobUpdate", key=key, message=words)
        case PulseUpdate():
            return client.tell(act, token, "pulseJobUpdate", key=key)
        case _:
            assert_never(action)


def short(message: str) -> str:
    """Return as much of a message as Aurora takes. Java counts units of UTF-16, and so do we."""
    units = message.encode("utf-16-le", "replace")[: 2 * MESSAGE_MAX]
    return units.decode("utf-16-le", "ignore")
