"""What goes back over HTTP, and the names of what is in it."""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

TJSON = "application/vnd.apache.thrift.json"
BINARY = "application/vnd.apache.thrift.binary"
JSON = "application/json"
TEXT = "text/plain;charset=utf-8"
HTML = "text/html;charset=utf-8"
ERROR_HTML = "text/html;charset=iso-8859-1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def as_json(value: Any) -> Answer:
    return Answer(200, {"Content-Type": JSON}, msgspec.json.encode(value))


def as_text(text: str, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": TEXT}, text.encode())


def error_page(status: int, reason: str) -> Answer:
    """Return an error page; its text is for people and is not that of Jetty."""
    head = f"<html>\n<head>\n<title>Error {status} </title>\n</head>\n"
    page = f"{head}<body>\n<pre>{escaped(reason)}</pre>\n</body>\n</html>\n"
    return Answer(status, {"Content-Type": ERROR_HTML}, page.encode())


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


# --- media types


class UnreadableTypeError(ValueError):
    """A media type that is none."""


_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_TYPE = re.compile(rf"({_TOKEN})/({_TOKEN})")
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")')

MediaType = tuple[str, tuple[tuple[str, str], ...]]


def media_type(told: str) -> MediaType:
    """Return a media type in the one form in which two can be compared, as Guava does it.

    UnreadableTypeError if it is none, or more than one.
    """
    head = _TYPE.match(told)
    if head is None or (head[1] == "*" and head[2] != "*"):
        raise UnreadableTypeError(told)
    at, parameters = head.end(), []
    while at < len(told):
        found = _PARAMETER.match(told, at)
        if found is None:
            raise UnreadableTypeError(told)
        name = found[1].lower()
        value = found[2] or re.sub(r"\\(.)", r"\1", found[3] or "")
        parameters.append((name, value.lower() if name == "charset" else value))
        at = found.end()
    return head[0].lower(), tuple(sorted(parameters))
