"""What operators decide: HOW jobs run, on which clusters, and how far a reconciler may go.

One `Policies` value holds the platform, its clusters and its projects as they stand at one
revision of the desired state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from reconciler.model.problem import Origin
from reconciler.model.spec import Resources

# Path of a field within the spec of a document → where it was written; what is not there, nobody
# wrote. A list counts its members from 0.
Written = Mapping[tuple[str | int, ...], Origin]


@dataclass(frozen=True, slots=True)
class RecipeStep:
    """One process that prepares the sandbox before the author's command runs."""

    name: str
    command: str
    max_failures: int = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """How `package` + `version` (or `image` + `version`) become processes.

    `{package}` or `{image}`, whichever the recipe is for, and `{version}` are filled in in `steps`
    and `run`; in `run`, which stands around the author's command, `{run}` is that command. With
    `in_image` an instance runs in the image that the author names.
    """

    name: str
    steps: tuple[RecipeStep, ...]
    run: str
    in_image: bool = False


@dataclass(frozen=True, slots=True)
class Tier:
    """Of the scheduler's tier file (TierInfo): production is neither."""

    preemptible: bool
    revocable: bool

    @property
    def production(self) -> bool:
        """Return what Aurora makes of `production` by the tier."""
        return not (self.preemptible or self.revocable)


class Strategy(Enum):
    """QUEUE refills as each instance finishes; BATCH waits for the whole group."""

    QUEUE = "queue"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a changed service is rolled out.

    `shares` of the instances go at once, each rounded down but at least 1; the last one repeats.
    Several shares make a variable batch: a first share, then the rest. Times are seconds.
    """

    name: str
    shares: tuple[float, ...]
    strategy: Strategy = Strategy.BATCH
    watch_s: int = 45
    watch_with_health_s: int = 0
    failed_instances_max: int = 0
    failures_per_instance_max: int = 0
    rollback: bool = True
    pause_between: bool = False


@dataclass(frozen=True, slots=True)
class PercentageSla:
    """So many percent of a job's instances have run for `duration_s` before another may go."""

    percentage: float
    duration_s: int


@dataclass(frozen=True, slots=True)
class CountSla:
    """So many of a job's instances have run for `duration_s` before another may go."""

    count: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class CoordinatorSla:
    """A service at `url` is asked whether an instance may go; its answer is at `status_key`."""

    url: str
    status_key: str


Sla = PercentageSla | CountSla | CoordinatorSla


@dataclass(frozen=True, slots=True)
class Logs:
    """Of every process: destination `file|console|both|none`; rotated by size."""

    destination: str
    rotate_mb: int
    backups: int


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """HTTP check of the port `health` points at. Seconds, as the executor counts them."""

    port: str
    initial_interval_s: float
    interval_s: float
    timeout_s: float
    failures_max: int
    successes_min: int


@dataclass(frozen=True, slots=True)
class SpreadLimit:
    """At most `limit` instances of a job on hosts that share a value of `attribute`."""

    attribute: str
    limit: int


@dataclass(frozen=True, slots=True)
class Guard:
    """How far one reconciler may go before a person must approve.

    A limit is the larger of a count and a share: of a project's jobs for `prunes`, of the fleet
    for `restarts` and `vanished`. `scale_down_share` is of one job's instances.
    """

    prunes_max: int = 3
    prunes_share: float = 0.20
    scale_down_share: float = 0.50
    restarts_max: int = 10
    restarts_share: float = 0.20
    vanished_max: int = 5
    vanished_share: float = 0.20

    def stricter(self, other: "Guard") -> "Guard":
        """Return limits that both allow."""
        return Guard(
            prunes_max=min(self.prunes_max, other.prunes_max),
            prunes_share=min(self.prunes_share, other.prunes_share),
            scale_down_share=min(self.scale_down_share, other.scale_down_share),
            restarts_max=min(self.restarts_max, other.restarts_max),
            restarts_share=min(self.restarts_share, other.restarts_share),
            vanished_max=min(self.vanished_max, other.vanished_max),
            vanished_share=min(self.vanished_share, other.vanished_share),
        )


@dataclass(frozen=True, slots=True)
class EnvironmentDefaults:
    """What the platform decides per environment."""

    tier: str
    priority: int


@dataclass(frozen=True, slots=True)
class Platform:
    """The one Platform document. `environments` maps a pattern of names to defaults, in order.

    `rollout` is what a project without one of its own uses. `start_s` is how long an instance may
    take until RUNNING; `finalization_wait_s` how long a stop may take. Without a `contact`, jobs
    of projects that have none either have none.
    """

    name: str
    origin: Origin
    environments: tuple[tuple[str, EnvironmentDefaults], ...]
    tiers: Mapping[str, Tier]
    recipes: Mapping[str, Recipe]
    rollouts: Mapping[str, Rollout]
    rollout: str
    slas: Mapping[str, Sla]
    logs: Logs
    health: HealthCheck
    spread: tuple[SpreadLimit, ...]
    guard: Guard
    contact: str | None
    announce: bool
    finalization_wait_s: int
    task_failures_max: int
    secrets_dir: str
    secret_keys: tuple[str, ...]
    start_s: int
    written: Written = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EmbeddedHost:
    """A host of the stand-in, with what its tasks may use: cores and MiB."""

    name: str
    cpu: float
    ram_mb: int
    disk_mb: int
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Embedded:
    """The stand-in as a cluster of its own: hosts, quota per role, and how fast its clock runs."""

    hosts: tuple[EmbeddedHost, ...]
    quotas: tuple[tuple[str, Resources], ...]
    clock: float


@dataclass(frozen=True, slots=True)
class Scheduler:
    """Where a real scheduler is reached: any of the addresses, the leader is found from there.

    Without a `ca_file` its TLS is checked with the CAs that httpx brings.
    """

    urls: tuple[str, ...]
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """One Aurora. `server_name` is what its serverInfo.clusterName must say.

    The limits are those that its scheduler was started with; `time_zone` is that of its cron.
    """

    name: str
    origin: Origin
    scheduler: Scheduler | Embedded
    server_name: str
    time_zone: str
    tasks_per_job_max: int
    sla_instances_min: int
    update_failures_max: int = 20_000
    sla_duration_max_s: int = 7_200

    @property
    def clock(self) -> float:
        """Return how many times as fast as ours its time passes: 1 but for an embedded one."""
        return self.scheduler.clock if isinstance(self.scheduler, Embedded) else 1.0


class Prune(Enum):
    """What becomes of jobs that a project no longer declares."""

    ON = "on"
    OFF = "off"


class OnRemove(Enum):
    """What becomes of the running tasks of a cron job that is removed."""

    FINISH = "finish"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Grants:
    """What a project's authors may ask for."""

    resources_max: Resources
    instances_max: int
    aurora: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """One team's project. `environments` maps an environment to its cluster, `tiers` one to a tier
    other than the platform's. Without `contact` or `rollout` the platform's are used."""

    name: str
    origin: Origin
    role: str
    sources: tuple[str, ...]
    environments: Mapping[str, str]
    grants: Grants
    guard: Guard
    prune: Prune
    on_remove: OnRemove
    contact: str | None
    tiers: Mapping[str, str]
    rollout: str | None
    supersede_foreign_updates: bool = False
    written: Written = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that operators declare at one revision; `digest` names it."""

    platform: Platform
    clusters: Mapping[str, Cluster]
    projects: Mapping[str, Project]
    digest: str
