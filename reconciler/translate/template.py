"""Template references `{{...}}` in a Thermos document: only what the agent can bind may stay.

Anything else is refused on the agent, in words that help nobody, so it is refused at review time
instead.
"""

import re
from collections.abc import Iterator
from typing import Any

from reconciler.translate.refused import RefusedError

REFERENCE = re.compile(r"\{\{")
BINDABLE = re.compile(
    r"\{\{(?:mesos\.instance|mesos\.hostname|thermos\.task_id|thermos\.ports\[([^\]{}]+)\])\}\}"
)
BINDS = "use {{mesos.instance}}, {{mesos.hostname}}, {{thermos.task_id}} or {{thermos.ports[NAME]}}"


class TemplateError(RefusedError):
    """The document holds a reference that the agent could not bind."""


def check_authored(text: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a text of an author, and what to do."""
    if REFERENCE.search(text):
        yield (
            "`{{` starts a template of the executor",
            "use $PORT_..., $INSTANCE, $HOST or $TASK_ID; a literal `{{` is written '{''{'",
        )
    if not text.isascii():
        odd = next(c for c in text if not c.isascii())
        yield (
            f"{odd!r} is not ASCII, and the executor may not start it",
            "move the text to a file of the package",
        )
    if "\0" in text:
        yield "a NUL character cannot be passed to a process", "remove it"


def check_document(value: Any, ports: tuple[str, ...]) -> None:
    """Raise TemplateError for the first reference that nothing would bind."""
    for text in _texts(value):
        for start in REFERENCE.finditer(text):
            found = BINDABLE.match(text, start.start())
            shown = text[start.start() : start.start() + 40]
            if found is None:
                raise TemplateError(f"nothing on the agent binds {shown!r}", BINDS)
            if found[1] is not None and found[1] not in ports:
                message = f"{found[0]} refers to a port that the job does not ask for"
                raise TemplateError(message, f"add {found[1]!r} to `ports`")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
