"""The structs, unions and enums of Aurora's api.thrift (0.27) that travel on the wire.

Names, field ids and types are Aurora's own. A field that is not on the wire is None, which is not
the same as zero or empty: Aurora itself treats an unset string unlike an empty one. Sets arrive in
no particular order and are kept as tuples, in the order in which they came.

Nothing here knows how a struct becomes bytes; see `tjson`.
"""

from enum import IntEnum
from typing import Annotated, TypeVar

from msgspec import Struct

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

# The wire type of a value where Python's own type does not tell it.
I32 = Annotated[int, "i32"]
I64 = Annotated[int, "i64"]
Set = Annotated[tuple[T, ...], "set"]
List = Annotated[tuple[T, ...], "lst"]
Map = Annotated[dict[K, V], "map"]


class ThriftStruct(Struct, frozen=True, kw_only=True, gc=False):
    """A struct: every field is optional, and is annotated with its id in api.thrift."""


class Union(Struct, frozen=True, kw_only=True, gc=False):
    """A union: on the wire exactly one member is set (TUnion of libthrift 0.10)."""


class ResponseCode(IntEnum):
    INVALID_REQUEST = 0
    OK = 1
    ERROR = 2
    WARNING = 3
    AUTH_FAILED = 4
    JOB_UPDATING_ERROR = 5
    ERROR_TRANSIENT = 6


class MaintenanceMode(IntEnum):
    NONE = 1
    SCHEDULED = 2
    DRAINING = 3
    DRAINED = 4


class Mode(IntEnum):
    """Of a volume."""

    RW = 1
    RO = 2


class CronCollisionPolicy(IntEnum):
    KILL_EXISTING = 0
    CANCEL_NEW = 1
    RUN_OVERLAP = 2


class ScheduleStatus(IntEnum):
    PENDING = 0
    STARTING = 1
    RUNNING = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5
    KILLING = 6
    LOST = 7
    ASSIGNED = 9
    INIT = 11
    RESTARTING = 12
    PREEMPTING = 13
    THROTTLED = 16
    DRAINING = 17
    PARTITIONED = 18


TERMINAL_STATES = frozenset(
    {ScheduleStatus.FINISHED, ScheduleStatus.FAILED, ScheduleStatus.KILLED, ScheduleStatus.LOST}
)
ACTIVE_STATES = frozenset(ScheduleStatus) - TERMINAL_STATES - {ScheduleStatus.INIT}


class JobUpdateStatus(IntEnum):
    ROLLING_FORWARD = 0
    ROLLING_BACK = 1
    ROLL_FORWARD_PAUSED = 2
    ROLL_BACK_PAUSED = 3
    ROLLED_FORWARD = 4
    ROLLED_BACK = 5
    ABORTED = 6
    ERROR = 7
    FAILED = 8
    ROLL_FORWARD_AWAITING_PULSE = 9
    ROLL_BACK_AWAITING_PULSE = 10


TERMINAL_UPDATE_STATES = frozenset(
    {
        JobUpdateStatus.ROLLED_FORWARD,
        JobUpdateStatus.ROLLED_BACK,
        JobUpdateStatus.ABORTED,
        JobUpdateStatus.ERROR,
        JobUpdateStatus.FAILED,
    }
)
ACTIVE_UPDATE_STATES = frozenset(JobUpdateStatus) - TERMINAL_UPDATE_STATES


class JobUpdateAction(IntEnum):
    INSTANCE_UPDATED = 1
    INSTANCE_ROLLED_BACK = 2
    INSTANCE_UPDATING = 3
    INSTANCE_ROLLING_BACK = 4
    INSTANCE_UPDATE_FAILED = 5
    INSTANCE_ROLLBACK_FAILED = 6


class JobUpdatePulseStatus(IntEnum):
    OK = 1
    FINISHED = 2


class Identity(ThriftStruct, frozen=True, kw_only=True):
    user: Annotated[str | None, 2] = None


class JobKey(ThriftStruct, frozen=True, kw_only=True):
    role: Annotated[str | None, 1] = None
    environment: Annotated[str | None, 2] = None
    name: Annotated[str | None, 3] = None


class InstanceKey(ThriftStruct, frozen=True, kw_only=True):
    jobKey: Annotated[JobKey | None, 1] = None
    instanceId: Annotated[I32 | None, 2] = None


class Metadata(ThriftStruct, frozen=True, kw_only=True):
    key: Annotated[str | None, 1] = None
    value: Annotated[str | None, 2] = None


class ValueConstraint(ThriftStruct, frozen=True, kw_only=True):
    negated: Annotated[bool | None, 1] = None
    values: Annotated[Set[str] | None, 2] = None


class LimitConstraint(ThriftStruct, frozen=True, kw_only=True):
    limit: Annotated[I32 | None, 1] = None


class TaskConstraint(Union, frozen=True, kw_only=True):
    value: Annotated[ValueConstraint | None, 1] = None
    limit: Annotated[LimitConstraint | None, 2] = None


class Constraint(ThriftStruct, frozen=True, kw_only=True):
    name: Annotated[str | None, 1] = None
    constraint: Annotated[TaskConstraint | None, 2] = None


class MesosFetcherURI(ThriftStruct, frozen=True, kw_only=True):
    value: Annotated[str | None, 1] = None
    extract: Annotated[bool | None, 2] = None
    cache: Annotated[bool | None, 3] = None
    outputFile: Annotated[str | None, 4] = None


class ExecutorConfig(ThriftStruct, frozen=True, kw_only=True):
    name: Annotated[str | None, 1] = None
    data: Annotated[str | None, 2] = None


class Volume(ThriftStruct, frozen=True, kw_only=True):
    containerPath: Annotated[str | None, 1] = None
    hostPath: Annotated[str | None, 2] = None
    mode: Annotated[Mode | None, 3] = None


class DockerImage(ThriftStruct, frozen=True, kw_only=True):
    name: Annotated[str | None, 1] = None
    tag: Annotated[str | None, 2] = None


class AppcImage(ThriftStruct, frozen=True, kw_only=True):
    name: Annotated[str | None, 1] = None
    imageId: Annotated[str | None, 2] = None


class Image(Union, frozen=True, kw_only=True):
    docker: Annotated[DockerImage | None, 1] = None
    appc: Annotated[AppcImage | None, 2] = None


class MesosContainer(ThriftStruct, frozen=True, kw_only=True):
    image: Annotated[Image | None, 1] = None
    volumes: Annotated[List[Volume] | None, 2] = None


class DockerParameter(ThriftStruct, frozen=True, kw_only=True):
    name: Annotated[str | None, 1] = None
    value: Annotated[str | None, 2] = None


class DockerContainer(ThriftStruct, frozen=True, kw_only=True):
    image: Annotated[str | None, 1] = None
    parameters: Annotated[List[DockerParameter] | None, 2] = None


class Container(Union, frozen=True, kw_only=True):
    mesos: Annotated[MesosContainer | None, 1] = None
    docker: Annotated[DockerContainer | None, 2] = None


class Resource(Union, frozen=True, kw_only=True):
    numCpus: Annotated[float | None, 1] = None
    ramMb: Annotated[I64 | None, 2] = None
    diskMb: Annotated[I64 | None, 3] = None
    namedPort: Annotated[str | None, 4] = None
    numGpus: Annotated[I64 | None, 5] = None
    ipAddr: Annotated[I64 | None, 6] = None


class ResourceAggregate(ThriftStruct, frozen=True, kw_only=True):
    resources: Annotated[Set[Resource] | None, 4] = None


class PartitionPolicy(ThriftStruct, frozen=True, kw_only=True):
    reschedule: Annotated[bool | None, 1] = None
    delaySecs: Annotated[I64 | None, 2] = None


class PercentageSlaPolicy(ThriftStruct, frozen=True, kw_only=True):
    percentage: Annotated[float | None, 1] = None
    durationSecs: Annotated[I64 | None, 2] = None


class CountSlaPolicy(ThriftStruct, frozen=True, kw_only=True):
    count: Annotated[I64 | None, 1] = None
    durationSecs: Annotated[I64 | None, 2] = None


class CoordinatorSlaPolicy(ThriftStruct, frozen=True, kw_only=True):
    coordinatorUrl: Annotated[str | None, 1] = None
    statusKey: Annotated[str | None, 2] = None


class SlaPolicy(Union, frozen=True, kw_only=True):
    percentageSlaPolicy: Annotated[PercentageSlaPolicy | None, 1] = None
    countSlaPolicy: Annotated[CountSlaPolicy | None, 2] = None
    coordinatorSlaPolicy: Annotated[CoordinatorSlaPolicy | None, 3] = None


class TaskConfig(ThriftStruct, frozen=True, kw_only=True):
    job: Annotated[JobKey | None, 28] = None
    owner: Annotated[Identity | None, 17] = None
    isService: Annotated[bool | None, 7] = None
    priority: Annotated[I32 | None, 11] = None
    maxTaskFailures: Annotated[I32 | None, 13] = None
    production: Annotated[bool | None, 18] = None
    tier: Annotated[str | None, 30] = None
    resources: Annotated[Set[Resource] | None, 32] = None
    constraints: Annotated[Set[Constraint] | None, 20] = None
    mesosFetcherUris: Annotated[Set[MesosFetcherURI] | None, 33] = None
    taskLinks: Annotated[Map[str, str] | None, 22] = None
    contactEmail: Annotated[str | None, 23] = None
    executorConfig: Annotated[ExecutorConfig | None, 25] = None
    metadata: Annotated[Set[Metadata] | None, 27] = None
    partitionPolicy: Annotated[PartitionPolicy | None, 34] = None
    slaPolicy: Annotated[SlaPolicy | None, 35] = None
    container: Annotated[Container | None, 29] = None


class JobConfiguration(ThriftStruct, frozen=True, kw_only=True):
    key: Annotated[JobKey | None, 9] = None
    owner: Annotated[Identity | None, 7] = None
    cronSchedule: Annotated[str | None, 4] = None
    cronCollisionPolicy: Annotated[CronCollisionPolicy | None, 5] = None
    taskConfig: Annotated[TaskConfig | None, 6] = None
    instanceCount: Annotated[I32 | None, 8] = None


class TaskEvent(ThriftStruct, frozen=True, kw_only=True):
    timestamp: Annotated[I64 | None, 1] = None
    status: Annotated[ScheduleStatus | None, 2] = None
    message: Annotated[str | None, 3] = None
    scheduler: Annotated[str | None, 4] = None


class AssignedTask(ThriftStruct, frozen=True, kw_only=True):
    taskId: Annotated[str | None, 1] = None
    slaveId: Annotated[str | None, 2] = None
    slaveHost: Annotated[str | None, 3] = None
    task: Annotated[TaskConfig | None, 4] = None
    assignedPorts: Annotated[Map[str, I32] | None, 5] = None
    instanceId: Annotated[I32 | None, 6] = None


class ScheduledTask(ThriftStruct, frozen=True, kw_only=True):
    assignedTask: Annotated[AssignedTask | None, 1] = None
    status: Annotated[ScheduleStatus | None, 2] = None
    failureCount: Annotated[I32 | None, 3] = None
    timesPartitioned: Annotated[I32 | None, 6] = None
    taskEvents: Annotated[List[TaskEvent] | None, 4] = None
    ancestorId: Annotated[str | None, 5] = None


class ScheduleStatusResult(ThriftStruct, frozen=True, kw_only=True):
    tasks: Annotated[List[ScheduledTask] | None, 1] = None


class TaskQuery(ThriftStruct, frozen=True, kw_only=True):
    role: Annotated[str | None, 14] = None
    environment: Annotated[str | None, 9] = None
    jobName: Annotated[str | None, 2] = None
    taskIds: Annotated[Set[str] | None, 4] = None
    statuses: Annotated[Set[ScheduleStatus] | None, 5] = None
    instanceIds: Annotated[Set[I32] | None, 7] = None
    slaveHosts: Annotated[Set[str] | None, 10] = None
    jobKeys: Annotated[Set[JobKey] | None, 11] = None
    offset: Annotated[I32 | None, 12] = None
    limit: Annotated[I32 | None, 13] = None


class JobStats(ThriftStruct, frozen=True, kw_only=True):
    activeTaskCount: Annotated[I32 | None, 1] = None
    finishedTaskCount: Annotated[I32 | None, 2] = None
    failedTaskCount: Annotated[I32 | None, 3] = None
    pendingTaskCount: Annotated[I32 | None, 4] = None


class JobSummary(ThriftStruct, frozen=True, kw_only=True):
    job: Annotated[JobConfiguration | None, 1] = None
    stats: Annotated[JobStats | None, 2] = None
    nextCronRunMs: Annotated[I64 | None, 3] = None


class Range(ThriftStruct, frozen=True, kw_only=True):
    first: Annotated[I32 | None, 1] = None
    last: Annotated[I32 | None, 2] = None


class ConfigGroup(ThriftStruct, frozen=True, kw_only=True):
    config: Annotated[TaskConfig | None, 1] = None
    instances: Annotated[Set[Range] | None, 3] = None


class ConfigSummary(ThriftStruct, frozen=True, kw_only=True):
    key: Annotated[JobKey | None, 1] = None
    groups: Annotated[Set[ConfigGroup] | None, 2] = None


class RoleSummary(ThriftStruct, frozen=True, kw_only=True):
    role: Annotated[str | None, 1] = None
    jobCount: Annotated[I32 | None, 2] = None
    cronJobCount: Annotated[I32 | None, 3] = None


class PendingReason(ThriftStruct, frozen=True, kw_only=True):
    taskId: Annotated[str | None, 1] = None
    reason: Annotated[str | None, 2] = None


class PopulateJobResult(ThriftStruct, frozen=True, kw_only=True):
    taskConfig: Annotated[TaskConfig | None, 2] = None


class GetJobsResult(ThriftStruct, frozen=True, kw_only=True):
    configs: Annotated[Set[JobConfiguration] | None, 1] = None


class GetQuotaResult(ThriftStruct, frozen=True, kw_only=True):
    quota: Annotated[ResourceAggregate | None, 1] = None
    prodSharedConsumption: Annotated[ResourceAggregate | None, 2] = None
    nonProdSharedConsumption: Annotated[ResourceAggregate | None, 3] = None
    prodDedicatedConsumption: Annotated[ResourceAggregate | None, 4] = None
    nonProdDedicatedConsumption: Annotated[ResourceAggregate | None, 5] = None


class RoleSummaryResult(ThriftStruct, frozen=True, kw_only=True):
    summaries: Annotated[Set[RoleSummary] | None, 1] = None


class JobSummaryResult(ThriftStruct, frozen=True, kw_only=True):
    summaries: Annotated[Set[JobSummary] | None, 1] = None


class ConfigSummaryResult(ThriftStruct, frozen=True, kw_only=True):
    summary: Annotated[ConfigSummary | None, 1] = None


class GetPendingReasonResult(ThriftStruct, frozen=True, kw_only=True):
    reasons: Annotated[Set[PendingReason] | None, 1] = None


class TierConfig(ThriftStruct, frozen=True, kw_only=True):
    name: Annotated[str | None, 1] = None
    settings: Annotated[Map[str, str] | None, 2] = None


class GetTierConfigResult(ThriftStruct, frozen=True, kw_only=True):
    defaultTierName: Annotated[str | None, 1] = None
    tiers: Annotated[Set[TierConfig] | None, 2] = None


class JobUpdateKey(ThriftStruct, frozen=True, kw_only=True):
    job: Annotated[JobKey | None, 1] = None
    id: Annotated[str | None, 2] = None


class QueueJobUpdateStrategy(ThriftStruct, frozen=True, kw_only=True):
    groupSize: Annotated[I32 | None, 1] = None


class BatchJobUpdateStrategy(ThriftStruct, frozen=True, kw_only=True):
    groupSize: Annotated[I32 | None, 1] = None
    autopauseAfterBatch: Annotated[bool | None, 2] = None


class VariableBatchJobUpdateStrategy(ThriftStruct, frozen=True, kw_only=True):
    groupSizes: Annotated[List[I32] | None, 1] = None
    autopauseAfterBatch: Annotated[bool | None, 2] = None


class JobUpdateStrategy(Union, frozen=True, kw_only=True):
    queueStrategy: Annotated[QueueJobUpdateStrategy | None, 1] = None
    batchStrategy: Annotated[BatchJobUpdateStrategy | None, 2] = None
    varBatchStrategy: Annotated[VariableBatchJobUpdateStrategy | None, 3] = None


class JobUpdateSettings(ThriftStruct, frozen=True, kw_only=True):
    updateGroupSize: Annotated[I32 | None, 1] = None
    maxPerInstanceFailures: Annotated[I32 | None, 2] = None
    maxFailedInstances: Annotated[I32 | None, 3] = None
    minWaitInInstanceRunningMs: Annotated[I32 | None, 5] = None
    rollbackOnFailure: Annotated[bool | None, 6] = None
    updateOnlyTheseInstances: Annotated[Set[Range] | None, 7] = None
    waitForBatchCompletion: Annotated[bool | None, 8] = None
    blockIfNoPulsesAfterMs: Annotated[I32 | None, 9] = None
    slaAware: Annotated[bool | None, 10] = None
    updateStrategy: Annotated[JobUpdateStrategy | None, 11] = None


class JobUpdateEvent(ThriftStruct, frozen=True, kw_only=True):
    status: Annotated[JobUpdateStatus | None, 1] = None
    timestampMs: Annotated[I64 | None, 2] = None
    user: Annotated[str | None, 3] = None
    message: Annotated[str | None, 4] = None


class JobInstanceUpdateEvent(ThriftStruct, frozen=True, kw_only=True):
    instanceId: Annotated[I32 | None, 1] = None
    timestampMs: Annotated[I64 | None, 2] = None
    action: Annotated[JobUpdateAction | None, 3] = None
    message: Annotated[str | None, 4] = None


class InstanceTaskConfig(ThriftStruct, frozen=True, kw_only=True):
    task: Annotated[TaskConfig | None, 1] = None
    instances: Annotated[Set[Range] | None, 2] = None


class JobUpdateState(ThriftStruct, frozen=True, kw_only=True):
    status: Annotated[JobUpdateStatus | None, 1] = None
    createdTimestampMs: Annotated[I64 | None, 2] = None
    lastModifiedTimestampMs: Annotated[I64 | None, 3] = None


class JobUpdateSummary(ThriftStruct, frozen=True, kw_only=True):
    key: Annotated[JobUpdateKey | None, 5] = None
    user: Annotated[str | None, 3] = None
    state: Annotated[JobUpdateState | None, 4] = None
    metadata: Annotated[Set[Metadata] | None, 6] = None


class JobUpdateInstructions(ThriftStruct, frozen=True, kw_only=True):
    initialState: Annotated[Set[InstanceTaskConfig] | None, 1] = None
    desiredState: Annotated[InstanceTaskConfig | None, 2] = None
    settings: Annotated[JobUpdateSettings | None, 3] = None


class JobUpdate(ThriftStruct, frozen=True, kw_only=True):
    summary: Annotated[JobUpdateSummary | None, 1] = None
    instructions: Annotated[JobUpdateInstructions | None, 2] = None


class JobUpdateDetails(ThriftStruct, frozen=True, kw_only=True):
    update: Annotated[JobUpdate | None, 1] = None
    updateEvents: Annotated[List[JobUpdateEvent] | None, 2] = None
    instanceEvents: Annotated[List[JobInstanceUpdateEvent] | None, 3] = None


class JobUpdateRequest(ThriftStruct, frozen=True, kw_only=True):
    taskConfig: Annotated[TaskConfig | None, 1] = None
    instanceCount: Annotated[I32 | None, 2] = None
    settings: Annotated[JobUpdateSettings | None, 3] = None
    metadata: Annotated[Set[Metadata] | None, 4] = None


class JobUpdateQuery(ThriftStruct, frozen=True, kw_only=True):
    role: Annotated[str | None, 2] = None
    key: Annotated[JobUpdateKey | None, 8] = None
    jobKey: Annotated[JobKey | None, 3] = None
    user: Annotated[str | None, 4] = None
    updateStatuses: Annotated[Set[JobUpdateStatus] | None, 5] = None
    offset: Annotated[I32 | None, 6] = None
    limit: Annotated[I32 | None, 7] = None


class StartJobUpdateResult(ThriftStruct, frozen=True, kw_only=True):
    key: Annotated[JobUpdateKey | None, 1] = None
    updateSummary: Annotated[JobUpdateSummary | None, 2] = None


class GetJobUpdateSummariesResult(ThriftStruct, frozen=True, kw_only=True):
    updateSummaries: Annotated[List[JobUpdateSummary] | None, 1] = None


class GetJobUpdateDetailsResult(ThriftStruct, frozen=True, kw_only=True):
    details: Annotated[JobUpdateDetails | None, 1] = None
    detailsList: Annotated[List[JobUpdateDetails] | None, 2] = None


class PulseJobUpdateResult(ThriftStruct, frozen=True, kw_only=True):
    status: Annotated[JobUpdatePulseStatus | None, 1] = None


class GetJobUpdateDiffResult(ThriftStruct, frozen=True, kw_only=True):
    add: Annotated[Set[ConfigGroup] | None, 1] = None
    remove: Annotated[Set[ConfigGroup] | None, 2] = None
    update: Annotated[Set[ConfigGroup] | None, 3] = None
    unchanged: Annotated[Set[ConfigGroup] | None, 4] = None


class HostStatus(ThriftStruct, frozen=True, kw_only=True):
    host: Annotated[str | None, 1] = None
    mode: Annotated[MaintenanceMode | None, 2] = None


class Hosts(ThriftStruct, frozen=True, kw_only=True):
    hostNames: Annotated[Set[str] | None, 1] = None


class ListBackupsResult(ThriftStruct, frozen=True, kw_only=True):
    backups: Annotated[Set[str] | None, 1] = None


class StartMaintenanceResult(ThriftStruct, frozen=True, kw_only=True):
    statuses: Annotated[Set[HostStatus] | None, 1] = None


class DrainHostsResult(ThriftStruct, frozen=True, kw_only=True):
    statuses: Annotated[Set[HostStatus] | None, 1] = None


class MaintenanceStatusResult(ThriftStruct, frozen=True, kw_only=True):
    statuses: Annotated[Set[HostStatus] | None, 1] = None


class EndMaintenanceResult(ThriftStruct, frozen=True, kw_only=True):
    statuses: Annotated[Set[HostStatus] | None, 1] = None


class QueryRecoveryResult(ThriftStruct, frozen=True, kw_only=True):
    tasks: Annotated[Set[ScheduledTask] | None, 1] = None


class ExplicitReconciliationSettings(ThriftStruct, frozen=True, kw_only=True):
    batchSize: Annotated[I32 | None, 1] = None


class ServerInfo(ThriftStruct, frozen=True, kw_only=True):
    clusterName: Annotated[str | None, 1] = None
    statsUrlPrefix: Annotated[str | None, 3] = None


class ResponseDetail(ThriftStruct, frozen=True, kw_only=True):
    message: Annotated[str | None, 1] = None


class Result(Union, frozen=True, kw_only=True):
    populateJobResult: Annotated[PopulateJobResult | None, 1] = None
    scheduleStatusResult: Annotated[ScheduleStatusResult | None, 3] = None
    getJobsResult: Annotated[GetJobsResult | None, 4] = None
    getQuotaResult: Annotated[GetQuotaResult | None, 5] = None
    listBackupsResult: Annotated[ListBackupsResult | None, 6] = None
    startMaintenanceResult: Annotated[StartMaintenanceResult | None, 7] = None
    drainHostsResult: Annotated[DrainHostsResult | None, 8] = None
    queryRecoveryResult: Annotated[QueryRecoveryResult | None, 9] = None
    maintenanceStatusResult: Annotated[MaintenanceStatusResult | None, 10] = None
    endMaintenanceResult: Annotated[EndMaintenanceResult | None, 11] = None
    roleSummaryResult: Annotated[RoleSummaryResult | None, 17] = None
    jobSummaryResult: Annotated[JobSummaryResult | None, 18] = None
    configSummaryResult: Annotated[ConfigSummaryResult | None, 20] = None
    getPendingReasonResult: Annotated[GetPendingReasonResult | None, 21] = None
    startJobUpdateResult: Annotated[StartJobUpdateResult | None, 22] = None
    getJobUpdateSummariesResult: Annotated[GetJobUpdateSummariesResult | None, 23] = None
    getJobUpdateDetailsResult: Annotated[GetJobUpdateDetailsResult | None, 24] = None
    pulseJobUpdateResult: Annotated[PulseJobUpdateResult | None, 25] = None
    getJobUpdateDiffResult: Annotated[GetJobUpdateDiffResult | None, 26] = None
    getTierConfigResult: Annotated[GetTierConfigResult | None, 27] = None


class Response(ThriftStruct, frozen=True, kw_only=True):
    responseCode: Annotated[ResponseCode | None, 1] = None
    serverInfo: Annotated[ServerInfo | None, 5] = None
    result: Annotated[Result | None, 3] = None
    details: Annotated[List[ResponseDetail] | None, 6] = None
