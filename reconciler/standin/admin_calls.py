"""The calls of administrators: hosts in maintenance, backups, reconciliation.

Not imitated: backups, of which there are never any.
"""

from dataclasses import dataclass

from reconciler.standin.answers import Told, check_not_blank, given
from reconciler.standin.maintenance import Maintenance
from reconciler.standin.nulls import (
    NO_HOSTS,
    NO_NAMES_TO_DRAIN,
    NO_NAMES_TO_FREE,
    NO_NAMES_TO_MARK,
    check_unions,
)
from reconciler.standin.reconciliation import Reconciliation
from reconciler.standin.refusal import Refusal
from reconciler.thrift.structs import (
    DrainHostsResult,
    EndMaintenanceResult,
    ExplicitReconciliationSettings,
    Hosts,
    ListBackupsResult,
    MaintenanceStatusResult,
    ResponseCode,
    Result,
    SlaPolicy,
    StartMaintenanceResult,
    TaskQuery,
)

NO_BACKUP = "No backup loaded."


@dataclass(slots=True)
class AdminCalls:
    """Each method is a call; its arguments have the names of Aurora's own."""

    maintenance: Maintenance
    reconciliation: Reconciliation

    # --- maintenance

    def startMaintenance(self, hosts: Hosts | None) -> Told:
        found = self.maintenance.schedule(_names(hosts, NO_NAMES_TO_MARK))
        return Told(Result(startMaintenanceResult=StartMaintenanceResult(statuses=found)))

    def drainHosts(self, hosts: Hosts | None) -> Told:
        found = self.maintenance.drain(_names(hosts, NO_NAMES_TO_DRAIN))
        return Told(Result(drainHostsResult=DrainHostsResult(statuses=found)))

    def slaDrainHosts(
        self, hosts: Hosts | None, defaultSlaPolicy: SlaPolicy | None, timeoutSecs: int | None
    ) -> Told:
        names = _names(hosts, NO_NAMES_TO_DRAIN)
        if names:
            check_unions(defaultSlaPolicy)
        found = self.maintenance.sla_drain(names, defaultSlaPolicy, timeoutSecs or 0)
        return Told(Result(drainHostsResult=DrainHostsResult(statuses=found)))

    def maintenanceStatus(self, hosts: Hosts | None) -> Told:
        found = self.maintenance.status(_names(hosts))
        return Told(Result(maintenanceStatusResult=MaintenanceStatusResult(statuses=found)))

    def endMaintenance(self, hosts: Hosts | None) -> Told:
        found = self.maintenance.end(_names(hosts, NO_NAMES_TO_FREE))
        return Told(Result(endMaintenanceResult=EndMaintenanceResult(statuses=found)))

    # --- storage

    def performBackup(self) -> Told:
        return Told()

    def snapshot(self) -> Told:
        return Told()

    def listBackups(self) -> Told:
        return Told(Result(listBackupsResult=ListBackupsResult(backups=())))

    def stageRecovery(self, backupId: str | None) -> Told:
        raise Refusal(f"Backup {check_not_blank(backupId)} does not exist.", ResponseCode.ERROR)

    def queryRecovery(self, query: TaskQuery | None) -> Told:
        raise Refusal(None if query is None else NO_BACKUP, ResponseCode.ERROR)

    def deleteRecoveryTasks(self, query: TaskQuery | None) -> Told:
        raise Refusal(None if query is None else NO_BACKUP, ResponseCode.ERROR)

    def commitRecovery(self) -> Told:
        raise Refusal(NO_BACKUP, ResponseCode.ERROR)

    def unloadRecovery(self) -> Told:
        return Told()

    # --- reconciliation

    def triggerExplicitTaskReconciliation(
        self, settings: ExplicitReconciliationSettings | None
    ) -> Told:
        size = given(settings).batchSize
        if size is not None and size <= 0:
            raise Refusal("Batch size must be greater than zero.")
        self.reconciliation.explicit()
        return Told()

    def triggerImplicitTaskReconciliation(self) -> Told:
        self.reconciliation.implicit()
        return Told()


def _names(hosts: Hosts | None, words: str | None = None) -> tuple[str, ...]:
    """Return the hosts that are named; the words are those for none named at all."""
    return given(given(hosts, NO_HOSTS).hostNames, words)
