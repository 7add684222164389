"""What calls answer with, and what they do about arguments that are missing."""

from dataclasses import dataclass
from typing import TypeVar

from reconciler.standin.configs import check_job_key
from reconciler.standin.nulls import NO_JOB_KEY
from reconciler.standin.refusal import Refusal
from reconciler.thrift.structs import JobKey, ResponseCode, Result

T = TypeVar("T")

BLANK = "Argument cannot be blank"


@dataclass(frozen=True, slots=True)
class Told:
    """What a call is answered with when it went well."""

    result: Result | None = None
    message: str | None = None


def given(argument: T | None, words: str | None = None) -> T:
    """Return an argument without which Aurora fails, in the words of the machine or in none."""
    if argument is None:
        raise Refusal(words, ResponseCode.ERROR)
    return argument


def given_job_key(key: JobKey | None) -> JobKey:
    """Return an argument that has to name a job."""
    return check_job_key(given(key, NO_JOB_KEY))


def check_not_blank(text: str | None) -> str:
    """Return an argument that must say something."""
    if text is None or not text.strip():
        raise Refusal(BLANK, ResponseCode.ERROR)
    return text
