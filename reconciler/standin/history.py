"""How long updates are remembered (JobUpdateHistoryPruner)."""

from collections import defaultdict
from dataclasses import dataclass

from reconciler.standin.tasks import Tasks
from reconciler.standin.updates import Update, Updates
from reconciler.standin.world import World
from reconciler.thrift.structs import JobKey

PRUNE_MS = 15 * 60 * 1000
KEPT_MS = 30 * 24 * 60 * 60 * 1000
KEPT_PER_JOB = 10


@dataclass(slots=True)
class History:
    """Forgets updates that have ended: old ones, those beyond the newest few of a job, and those
    of jobs of which there is no task left."""

    world: World
    tasks: Tasks
    updates: Updates

    def __post_init__(self) -> None:
        self.world.on("prune updates", self._prune)

    def begin(self) -> None:
        self.world.after(PRUNE_MS, "prune updates")

    def _prune(self) -> None:
        jobs = set(self.tasks.jobs())
        by_job: defaultdict[JobKey, list[Update]] = defaultdict(list)
        gone: dict[str, Update] = {}
        for update in self.updates:
            if update.active:
                continue
            expired = update.created_ms < self.world.now_ms - KEPT_MS
            if expired or update.job not in jobs:
                gone[update.id] = update
            if not expired:
                by_job[update.job].append(update)
        for ended in by_job.values():
            ended.sort(key=lambda u: u.created_ms)
            gone.update((u.id, u) for u in ended[: max(0, len(ended) - KEPT_PER_JOB)])
        for update in gone.values():
            self.updates.remove(update)
        self.world.after(PRUNE_MS, "prune updates")
