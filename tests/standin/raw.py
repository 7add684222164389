"""Raw HTTP exchanges: how they are sent again, and what two answers have in common."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from reconciler.standin.web import BINARY, JSON, TJSON, Answer
from reconciler.thrift import binary_calls, calls
from tests.standin.trees import reply_tree
from tests.standin.users import EXAMPLE_USERS
from tests.support.recordings import Http

COMPARED = ("content-type", "www-authenticate", "allow", "location")


def headers_of(exchange: Http) -> dict[str, str]:
    """Return the headers with which an exchange was sent."""
    sent = exchange.sent
    headers: dict[str, str] = dict(sent.get("headers", {}))
    if (ctype := sent.get("ctype", TJSON)) is not None:
        headers["Content-Type"] = ctype
    if "accept" in sent:
        headers["Accept"] = sent["accept"]
    if (user := sent.get("user", "root")) is not None:
        password = sent.get("password", EXAMPLE_USERS.passwords[user])
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    return headers


def line_of(exchange: Http) -> tuple[str, str]:
    """Return method and path."""
    return exchange.sent.get("method", "POST"), exchange.sent.get("path", "/api")


def heads_differ(exchange: Http, answer: Answer) -> tuple[str, ...]:
    """Return how the status and the headers of an answer differ from those recorded."""
    if answer.status != exchange.http:
        return (f"http status: {exchange.http} recorded, ours {answer.status}",)
    ours = {name.lower(): value for name, value in answer.headers.items()}
    return tuple(
        f"header {name}: {exchange.headers.get(name)!r} recorded, ours {ours.get(name)!r}"
        for name in COMPARED
        if exchange.headers.get(name) != ours.get(name)
    )


def tree(exchange: Http, told: str | None, body: bytes, roles: frozenset[str], now_ms: int) -> Any:
    """Return what an answer of that type says, as far as it is about the roles.

    Of pages for people, and of error pages, nothing: their words are not compared.
    """
    if exchange.reply_cut:
        return None
    method, path = line_of(exchange)
    if (method, path) == ("POST", "/api") and told in (TJSON, BINARY) and body:
        return _reply_tree(exchange, told, body, roles, now_ms)
    return _page_tree(path, body, roles) if told == JSON else body.decode()


def _reply_tree(
    exchange: Http, told: str, body: bytes, roles: frozenset[str], now_ms: int
) -> dict[str, Any]:
    wire = binary_calls if exchange.sent.get("ctype") == BINARY else calls
    try:
        call = wire.decode_call(exchange.body)
        method, seqid = call.method, call.seqid
    except calls.UnknownMethod as fault:
        method, seqid = fault.method, fault.seqid
    if told == BINARY:
        body = calls.encode_reply(method, seqid, binary_calls.decode_reply(body, method))
    head = json.loads(body)[:4]
    return {"head": head, "reply": reply_tree(method, body, roles, now_ms)}


def _page_tree(path: str, body: bytes, roles: frozenset[str]) -> Any:
    found = json.loads(body)
    match path:
        case "/quotas":
            return {role: quota for role, quota in found.items() if role in roles}
        case "/cron":
            jobs = found["scheduled"].items()
            kept = {key: when for key, when in jobs if key.split("/")[0] in roles}
            return {**found, "scheduled": kept}
        case "/offers":
            return {offer["hostname"]: _offer(offer) for offer in found}
        case _:
            return found


def _offer(offer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an offer without its id, and without how much: tasks of others are there as well."""
    resources = [{**r, "scalar": "*"} if r["type"] == "SCALAR" else r for r in offer["resources"]]
    return {**offer, "id": sorted(offer["id"]), "resources": resources}


def without_strangers(recorded: Any, ours: Any, path: str) -> Any:
    """Return our offers of the hosts that made one there: not each of them had one to make."""
    if path != "/offers":
        return ours
    return {host: offer for host, offer in ours.items() if host in recorded}
