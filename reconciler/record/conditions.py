"""The condition of one job as a row, and back."""

from dataclasses import replace
from datetime import datetime

import msgspec

from reconciler.model.keys import JobKey
from reconciler.model.plan import Reason
from reconciler.model.problem import Origin
from reconciler.model.round import JobStatus

REASONS = {reason.label: reason for reason in Reason}


class _Row(msgspec.Struct, frozen=True):
    key: str
    project: str
    reason: str
    detail: str
    release: str
    since: datetime | None
    revision: str | None
    origin: tuple[str, int, int] | None


def encode(job: JobStatus) -> bytes:
    """Return the row of a condition."""
    origin = job.origin
    return msgspec.json.encode(
        _Row(
            key=str(job.key),
            project=job.project,
            reason=job.reason.label,
            detail=job.detail,
            release=job.release,
            since=job.since,
            revision=job.revision,
            origin=(origin.path, origin.line, origin.column) if origin is not None else None,
        )
    )


def decode(row: bytes) -> JobStatus:
    """Return the condition; ValueError for what is no row of ours."""
    told = msgspec.json.decode(row, type=_Row)
    if told.reason not in REASONS:
        raise ValueError(f"an unknown reason {told.reason!r}")
    return JobStatus(
        key=JobKey.parse(told.key),
        project=told.project,
        reason=REASONS[told.reason],
        detail=told.detail,
        release=told.release,
        since=told.since,
        revision=told.revision,
        origin=Origin(*told.origin) if told.origin is not None else None,
    )


def readable(row: bytes) -> JobStatus | None:
    """Return the condition, or None for what is no row of ours."""
    try:
        return decode(row)
    except ValueError:
        return None


def continued(job: JobStatus, before: JobStatus | None) -> JobStatus:
    """Return the condition with the time since when it has had this reason; if nothing else of it
    changed, the one from before itself."""
    if before is None or before.reason is not job.reason:
        return job
    same = (job.project, job.detail, job.release, job.revision, job.origin) == (
        before.project,
        before.detail,
        before.release,
        before.revision,
        before.origin,
    )
    return before if same else replace(job, since=before.since)
