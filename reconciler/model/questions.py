"""What must be asked beyond the bulk reading, before one plan can be exact.

The planner says what it needs to know; the scheduler client asks; the answers come back in the
`LiveSnapshot`.
"""

from dataclasses import dataclass

from reconciler.model.keys import JobKey
from reconciler.model.plan import ScheduleCron, StartUpdate


@dataclass(frozen=True, slots=True)
class Questions:
    """One RPC each, all on one job key or role, so indexed and cheap (but for `quotas`).

    groups: getConfigSummary, the exact instances of each config. tasks: the active tasks with
    their ids. details: getJobUpdateDetails of (job, update id), who paused or aborted it. pending:
    getPendingReason. diffs: getJobUpdateDiff of a start. accepted: populateJobConfig of a creation
    or a template. quotas: getQuota of a role.
    """

    groups: frozenset[JobKey] = frozenset()
    tasks: frozenset[JobKey] = frozenset()
    details: frozenset[tuple[JobKey, str]] = frozenset()
    pending: frozenset[JobKey] = frozenset()
    diffs: tuple[tuple[JobKey, StartUpdate], ...] = ()
    accepted: tuple[tuple[JobKey, StartUpdate | ScheduleCron], ...] = ()
    quotas: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return any(
            (
                self.groups,
                self.tasks,
                self.details,
                self.pending,
                self.diffs,
                self.accepted,
                self.quotas,
            )
        )
