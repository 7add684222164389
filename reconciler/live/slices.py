"""What entries of getJobs were read as, looked up by their digest.

Most entries of a large cluster are, byte for byte, those of the round before, and reading one costs
a hundred times its digest. What is kept may save work and cannot change an answer: an entry is
read the same whenever it is read, and another entry has another digest.
"""

import hashlib
from collections.abc import Iterable

from msgspec import Raw

from reconciler.model.keys import JobKey
from reconciler.model.live import LiveJob
from reconciler.thrift import structs as aurora
from reconciler.thrift import tjson
from reconciler.translate import from_wire
from reconciler.translate.canonical import canonical


class Slices:
    """Reads the entries of one cluster; keeps what the last reading held, and no more.

    Keyed by SHA-256: a digest that can be forged would let a crafted config hide a drift.
    `decodes` counts the entries that were new, for tests and the benchmark.
    """

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._known: dict[bytes, LiveJob] = {}
        self.decodes = 0

    def read(self, slices: Iterable[bytes | Raw]) -> dict[JobKey, LiveJob]:
        """Return the jobs by key; tjson.ProtocolError for an entry that is none."""
        before, known = self._known, {}
        for slice_ in slices:
            digest = hashlib.sha256(slice_).digest()
            job = before.get(digest)
            if job is None:
                self.decodes += 1
                job = _job(tjson.decode(aurora.JobConfiguration, slice_), self._cluster)
            known[digest] = job
        self._known = known
        return {job.key: job for job in known.values()}


def _job(found: aurora.JobConfiguration, cluster: str) -> LiveJob:
    key = from_wire.job_key(found.key, cluster)
    if found.taskConfig is None:
        raise tjson.ProtocolError(f"{key}: a job without a config")
    cron = from_wire.cron(found)
    if cron is not None:
        # Of a template nothing says whether a run goes on; its tasks are asked for where needed.
        return LiveJob(key, is_service=False, seen=None, count=0, cron=cron)
    return LiveJob(
        key=key,
        is_service=bool(found.taskConfig.isService),
        seen=canonical(found.taskConfig),
        count=found.instanceCount or 0,
    )
