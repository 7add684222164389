"""A team's document that is sound, for one environment, as job specs."""

from collections.abc import Mapping
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
    Schedule,
    Suspension,
)
from reconciler.translate.canonical import dumps

# The parts of a batch framework, the first of which leads, and how their jobs are called after it.
PARTS = {"master": MASTER, "workers": WORKERS}


def keys_of(value: Mapping[str, Any], project: Project, environment: str) -> tuple[JobKey, ...]:
    """Return the keys of the jobs that a document is for; ValueError when its name cannot be one.

    Those of a framework come in the order of its parts.
    """
    cluster, name = project.environments[environment], value["metadata"]["name"]
    names = [name + end for end in PARTS.values()] if _is_framework(value) else [name]
    return tuple(JobKey(cluster, project.role, environment, n) for n in names)


def jobs_of(
    document: Document, spec: Mapping[str, Any], environment: str, project: Project
) -> list[DesiredJob]:
    """Return the jobs of one environment, given the spec with its overrides merged."""
    kind = document.value["kind"]
    keys = keys_of(document.value, project, environment)
    parts = tuple(PARTS) if _is_framework(document.value) else ("",)
    return [
        DesiredJob(
            key=key,
            project=project.name,
            spec=_spec(_part(spec, part), spec, kind, None if key == keys[0] else keys[0]),
            origin=document.of(("kind",)),
            digest=f"{document.file.blob}:{document.index}",
            authored=Provenance(Merged(document, environment), part),
            suspended=_suspension(spec.get("suspend")),
        )
        for key, part in zip(keys, parts, strict=True)
    ]


def _is_framework(value: Mapping[str, Any]) -> bool:
    return bool(value["kind"] == "BatchFramework")


def _part(spec: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    """Return one part of a framework; what both share is beneath what the part says itself."""
    if not part:
        return spec
    own = dict(spec[part])
    for shared in ("env", "secrets"):
        own[shared] = {**spec.get(shared, {}), **own.get(shared, {})}
    return own


def _spec(
    told: Mapping[str, Any], release: Mapping[str, Any], kind: str, master: JobKey | None
) -> JobSpec:
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
        master=master,
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
