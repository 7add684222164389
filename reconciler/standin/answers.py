"""What calls answer with, and what they do about arguments that are missing."""

from dataclasses import dataclass
from typing import TypeVar

from reconciler.standin.refusal import Refusal
from reconciler.thrift.structs import ResponseCode, Result

T = TypeVar("T")

BLANK = "Argument cannot be blank"


@dataclass(frozen=True, slots=True)
class Told:
    """What a call is answered with when it went well."""

    result: Result | None = None
    message: str | None = None


def given(argument: T | None) -> T:
    """Return an argument without which Aurora fails, and has no words for it."""
    if argument is None:
        raise Refusal(None, ResponseCode.ERROR)
    return argument


def check_not_blank(text: str | None) -> str:
    """Return an argument that must say something."""
    if text is None or not text.strip():
        raise Refusal(BLANK, ResponseCode.ERROR)
    return text
