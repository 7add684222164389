"""A team's document that is sound, for one environment, as job specs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.desired import units
from reconciler.desired.documents import Document
from reconciler.desired.provenance import Merged, Provenance
from reconciler.model.keys import MASTER, WORKERS, JobKey
from reconciler.model.policy import Project
from reconciler.model.spec import (
    Collision,
    DesiredJob,
    JobKind,
    JobSpec,
    Resources,
    Schedule,
    Suspension,
)
from reconciler.translate.canonical import dumps


def jobs_of(
    document: Document, spec: Mapping[str, Any], environment: str, project: Project
) -> list[DesiredJob]:
    """Return the jobs of one environment, given the spec with its overrides merged."""
    kind, name = document.value["kind"], document.value["metadata"]["name"]
    key = JobKey(project.environments[environment], project.role, environment, name)
    place = Merged(document, environment)
    job = DesiredJob(
        key=key,
        project=project.name,
        spec=JobSpec(JobKind.SERVICE, "", "", Resources(0, 0, 0), package=""),
        origin=document.of(("kind",)),
        digest=f"{document.file.blob}:{document.index}",
        authored=Provenance(place),
        suspended=_suspension(spec.get("suspend")),
    )
    if kind != "BatchFramework":
        return [replace(job, spec=_spec(spec, spec, kind))]
    master = replace(key, name=name + MASTER)
    workers = replace(key, name=name + WORKERS)
    leading, working = _part(spec, "master"), _part(spec, "workers")
    return [
        replace(
            job, key=master, spec=_spec(leading, spec, kind), authored=Provenance(place, "master")
        ),
        replace(
            job,
            key=workers,
            spec=replace(_spec(working, spec, kind), master=master),
            authored=Provenance(place, "workers"),
        ),
    ]


def _part(spec: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return one part of a framework; what both share is beneath what the part says itself."""
    own = dict(spec[part])
    for shared in ("env", "secrets"):
        own[shared] = {**spec.get(shared, {}), **own.get(shared, {})}
    return own


def _spec(told: Mapping[str, Any], release: Mapping[str, Any], kind: str) -> JobSpec:
    cron = kind == "CronJob"
    return JobSpec(
        kind=JobKind.CRON if cron else JobKind.SERVICE,
        run=told["run"],
        version=release["version"],
        resources=units.resources(told["resources"]),
        package=release.get("package"),
        image=release.get("image"),
        env=tuple(sorted(told.get("env", {}).items())),
        secrets=tuple(sorted(told.get("secrets", {}).items())),
        ports=tuple(told.get("ports", ())),
        health=told.get("health"),
        instances=told.get("instances", 1),
        rollout=told.get("rollout"),
        sla=told.get("sla"),
        schedule=_schedule(told) if cron else None,
        aurora=tuple(sorted((k, dumps(v)) for k, v in told.get("aurora", {}).items())),
    )


def _schedule(told: Mapping[str, Any]) -> Schedule:
    collision = Collision(told.get("collision", "cancel-new"))
    return Schedule(told["schedule"], collision, told.get("enabled", True))


def _suspension(told: Mapping[str, Any] | None) -> Suspension | None:
    if told is None:
        return None
    until = instant(told["until"]) if "until" in told else None
    return Suspension(told["by"], told["why"], until)


def instant(text: str) -> datetime | None:
    """Return the instant; None for one that is in no calendar, as the 30th of February."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
