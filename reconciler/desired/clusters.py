"""The Cluster documents: one Aurora each, and how it is reached."""

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.desired import units
from reconciler.desired.documents import Document
from reconciler.model.policy import Cluster, Embedded, EmbeddedHost, Scheduler
from reconciler.model.problem import Problem


def cluster_problems(document: Document) -> Iterator[Problem]:
    """Return what a schema cannot see."""
    zone = document.value["spec"].get("timeZone", "GMT")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        place = document.of(("spec", "timeZone"))
        yield Problem(
            place, f"there is no time zone {zone[:60]!r}", "write one as in Europe/Berlin"
        )
    hosts = document.value["spec"].get("embedded", {}).get("hosts", ())
    names = [host["name"] for host in hosts]
    for i, name in enumerate(names):
        if name in names[:i]:
            place = document.of(("spec", "embedded", "hosts", i, "name"))
            yield Problem(place, f"a second host {name!r}", "give each host a name of its own")


def cluster_of(document: Document) -> Cluster:
    """Return the cluster of a document without problems."""
    spec, name = document.value["spec"], document.value["metadata"]["name"]
    return Cluster(
        name=name,
        origin=document.of(("kind",)),
        scheduler=_embedded(spec["embedded"]) if "embedded" in spec else _scheduler(spec),
        server_name=spec.get("serverName", name),
        time_zone=spec.get("timeZone", "GMT"),
        tasks_per_job_max=spec.get("tasksPerJob", 4000),
        sla_instances_min=spec.get("slaInstances", 20),
        update_failures_max=spec.get("updateFailures", 20_000),
        sla_duration_max_s=units.seconds(spec.get("slaDuration", "2h")),
    )


def _scheduler(spec: Mapping[str, Any]) -> Scheduler:
    told = spec["scheduler"]
    return Scheduler(tuple(url.rstrip("/") for url in told["urls"]), told.get("caFile"))


def _embedded(told: Mapping[str, Any]) -> Embedded:
    hosts = tuple(
        EmbeddedHost(
            name=host["name"],
            cpu=float(host["cpu"]),
            ram_mb=units.mib(host["ram"]),
            disk_mb=units.mib(host["disk"]),
            attributes=tuple(sorted(host.get("attributes", {}).items())),
        )
        for host in told["hosts"]
    )
    quotas = tuple((role, units.resources(r)) for role, r in sorted(told.get("quotas", {}).items()))
    return Embedded(hosts, quotas, float(told.get("clock", 1)))
