"""The escape hatch, read back: what stands live in a field that an author set, or could have."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.thrift.structs import TaskConfig
from reconciler.translate.canonical import UNKNOWN, canonical, dumps
from reconciler.translate.raw import RawError, overlaid

Pairs = tuple[tuple[str, str], ...]

# A union of which we do not know what it holds cannot be sent, so no reading with it is used.
UNREADABLE: dict[str, Any] = {}
# What the mediator never writes by itself: where it is live, somebody asked for it.
ASKED = ("mesosFetcherUris", "metadata", "partitionPolicy", "taskLinks")


def fields(live: Mapping[str, Any], desired: Pairs, links: Mapping[str, str]) -> Pairs:
    """Return the raw fields that make what is live, as far as they can be read back.

    `live` is a canonical config, and `links` are those that the scheduler fills in. What the
    platform writes, too, is read only where the author set it: else it may be the platform's.
    """
    told = dict(desired)
    names = sorted(told.keys() | set(ASKED))
    return tuple((name, text) for name in names for text in _one(name, live, told, links))


def _one(
    name: str, live: Mapping[str, Any], told: Mapping[str, str], links: Mapping[str, str]
) -> Iterator[str]:
    """Yield the text of one field, or nothing when it is not there."""
    if name not in READ:
        yield from (text for text in [told.get(name)] if text is not None)
        return
    at, read = READ[name]
    there, silent = live.get(at), (links or None) if name == "taskLinks" else None
    if name in told and _form(name, told[name]).get(at, silent) == there:
        yield told[name]
    elif there != silent:
        yield dumps(read(there))


def _form(name: str, text: str) -> Mapping[str, Any]:
    """Return what a raw field alone comes to; nothing for one that cannot be sent."""
    try:
        return canonical(overlaid(TaskConfig(), {name: json.loads(text)})).value()
    except RawError:
        return {}


def _same(form: Any) -> Any:
    return form


def _constraints(form: Mapping[str, Any]) -> list[Any]:
    pairs = ((n, one) for n, f in form.items() for one in (f if isinstance(f, list) else [f]))
    return [{"name": name, "constraint": _constraint(text)} for name, text in pairs]


def _constraint(text: str) -> dict[str, Any]:
    if not text:
        return UNREADABLE
    if text.startswith("limit:"):
        return {"limit": {"limit": int(text.removeprefix("limit:"))}}
    plain = text.removeprefix("!")
    values = json.loads(plain) if plain.startswith("[") else plain.split(",")
    negated = {"negated": True} if text.startswith("!") else {}
    return {"value": {**negated, "values": values}}


def _fetcher_uris(form: list[list[Any]]) -> list[Any]:
    names = ("value", "extract", "cache", "outputFile")
    return [{n: v for n, v in zip(names, uri, strict=True) if v} for uri in form]


def _metadata(form: Mapping[str, Any]) -> list[Any]:
    pairs = ((k, one) for k, v in form.items() for one in (v if isinstance(v, list) else [v]))
    return [{"key": key, "value": value} for key, value in pairs]


def _partition(form: Mapping[str, Any]) -> dict[str, Any]:
    delay = {"delaySecs": form["delay_s"]} if form["delay_s"] else {}
    return {"reschedule": form["reschedule"], **delay}


def _sla(form: Mapping[str, Any]) -> dict[str, Any]:
    if form == UNKNOWN:
        return UNREADABLE
    if "percentage" in form:
        told = {"percentage": form["percentage"], "durationSecs": form["duration_s"]}
        return {"percentageSlaPolicy": told}
    if "count" in form:
        return {"countSlaPolicy": {"count": form["count"], "durationSecs": form["duration_s"]}}
    told = {"coordinatorUrl": form.get("coordinator_url"), "statusKey": form.get("status_key")}
    return {"coordinatorSlaPolicy": told}


# Raw field → where the canonical form has it, and how its author would write it. What is not here
# is told in Aurora's words.
READ: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "constraints": ("constraints", _constraints),
    "contactEmail": ("contact", _same),
    "maxTaskFailures": ("max_task_failures", _same),
    "mesosFetcherUris": ("fetcher_uris", _fetcher_uris),
    "metadata": ("metadata", _metadata),
    "partitionPolicy": ("partition", _partition),
    "priority": ("priority", _same),
    "slaPolicy": ("sla", _sla),
    "taskLinks": ("links", _same),
    "tier": ("tier", _same),
}
