"""What the people of a world want: jobs and policies as values, and as the documents that say so.

This is the world's own knowledge. The laws judge by it, never by what the product makes of the
documents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

# How the tasks of a version behave: `sim.*` of the recordings.
BEHAVIOURS: Mapping[str, Mapping[str, int]] = {
    "good": {},
    "slow": {"run_ms": 20_000},
    "failing": {"fail_ms": 700},
    "stuck": {"run_ms": -1},
    "flaky": {"fail_ms": 240_000},
    "dies slowly": {"kill_ms": 30_000},
}
PLATFORM_NAME = "acme"


def script(behaviour: str, *, is_cron: bool) -> dict[str, int]:
    """Return what tasks do of themselves; those of a cron job come to an end."""
    return {**({"finish_ms": 90_000} if is_cron else {}), **BEHAVIOURS[behaviour]}


@dataclass(frozen=True, slots=True)
class Wish:
    """What one Aurora job shall be. `master` is the job that must be settled before."""

    role: str
    name: str
    is_cron: bool
    instances: int
    version: int
    behaviour: str
    noise: int
    schedule: str = ""
    collision: str = ""
    enabled: bool = True
    suspended: bool = False
    master: str | None = None
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One document. `noise` stands for whatever else of a config an author changes."""

    name: str
    project: str
    kind: str = "service"
    path: str = ""
    version: int = 1
    instances: int = 2
    behaviour: str = "good"
    noise: int = 0
    hour: int = 4
    collision: str = "cancel-new"
    enabled: bool = True
    suspended: bool = False
    rollout: str = "standard"

    def file(self) -> str:
        return self.path or f"{self.project}/{self.name}.yaml"

    def wishes(self) -> Iterator[Wish]:
        """Yield what each Aurora job of this document shall be."""
        each = Wish(
            role=self.project,
            name=self.name,
            is_cron=self.kind == "cron",
            instances=self.instances,
            version=self.version,
            behaviour=self.behaviour,
            noise=self.noise,
            suspended=self.suspended,
            pauses=self.rollout == "careful",
        )
        match self.kind:
            case "service":
                yield each
            case "cron":
                when = {"schedule": f"0 {self.hour} * * *", "collision": self.collision}
                yield replace(each, instances=1, enabled=self.enabled, **when)  # type: ignore[arg-type]
            case "framework":
                master, workers = f"{self.name}-master", f"{self.name}-workers"
                yield replace(each, name=master, instances=1)
                yield replace(each, name=workers, master=master)


@dataclass(frozen=True, slots=True)
class Policy:
    """What operators decide that a world changes: of the platform, and of every project."""

    prunes_max: int = 3
    restarts_max: int = 10
    vanished_max: int = 5
    projects: tuple[str, ...] = ("shop", "lab")
    prunes: bool = True
    supersedes: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """All that is declared. `broken` are names of jobs whose file cannot be read."""

    jobs: Mapping[str, Job] = field(default_factory=dict)
    policy: Policy = Policy()
    broken: frozenset[str] = frozenset()
    platform_broken: bool = False

    def with_job(self, job: Job) -> "Content":
        return replace(self, jobs={**self.jobs, job.name: job})

    def without(self, name: str) -> "Content":
        kept = {n: job for n, job in self.jobs.items() if n != name}
        return replace(self, jobs=kept, broken=self.broken - {name})

    def wishes(self) -> dict[tuple[str, str], Wish]:
        """Return what shall be, by role and name; of broken files, what they said before."""
        return {(w.role, w.name): w for job in self.jobs.values() for w in job.wishes()}

    def readable(self) -> dict[tuple[str, str], Wish]:
        """Return the same without the jobs of broken files."""
        jobs = (job for name, job in self.jobs.items() if name not in self.broken)
        return {(w.role, w.name): w for job in jobs for w in job.wishes()}


# --- as documents


def files(content: Content) -> dict[str, str]:
    """Return the tree that declares this."""
    told = {"platform/platform.yaml": _platform(content), "platform/clusters/dev.yaml": CLUSTER}
    for project in content.policy.projects:
        told[f"platform/projects/{project}.yaml"] = _project(project, content.policy)
    for job in content.jobs.values():
        told[job.file()] = BROKEN if job.name in content.broken else _document(job)
    return told


BROKEN = "apiVersion: reconciler/v1\nkind: [Service\n"

CLUSTER = """
apiVersion: reconciler/v1
kind: Cluster
metadata: {name: dev}
spec:
  timeZone: UTC
  scheduler: {urls: ["http://dev"]}
"""


def _platform(content: Content) -> str:
    if content.platform_broken:
        return "kind: ["
    policy = content.policy
    return f"""
apiVersion: reconciler/v1
kind: Platform
metadata: {{name: {PLATFORM_NAME}}}
spec:
  contact: ops@acme.example
  environments:
    - {{match: prod, tier: preferred}}
  recipes:
    wheel: {{run: "{{package}}=={{version}} {{run}}"}}
  rollouts:
    standard: {{batch: 25%, watch: 2s}}
    careful: {{batch: [1%, 50%], watch: 2s, pauseBetween: true}}
    queue: {{batch: 50%, strategy: queue, watch: 1s, failedInstances: 1}}
  rollout: standard
  guard:
    restarts: {{jobs: {policy.restarts_max}, share: 1%}}
    vanished: {{jobs: {policy.vanished_max}, share: 1%}}
  logs: {{destination: file, rotate: 100MiB, backups: 5}}
  start: 5s
"""


def _project(name: str, policy: Policy) -> str:
    return f"""
apiVersion: reconciler/v1
kind: Project
metadata: {{name: {name}}}
spec:
  sources: ["{name}/**"]
  environments:
    prod: {{cluster: dev}}
  allow: {{aurora: [metadata]}}
  guard: {{prunes: {{jobs: {policy.prunes_max}, share: 1%}}}}
  prune: {_word(policy.prunes)}
  supersedeForeignUpdates: {_word(policy.supersedes)}
"""


def _document(job: Job) -> str:
    kind = {"service": "Service", "cron": "CronJob", "framework": "BatchFramework"}[job.kind]
    return (
        f"apiVersion: reconciler/v1\nkind: {kind}\n"
        f"metadata: {{project: {job.project}, name: {job.name}}}\nspec:\n"
        f'  package: {job.name}\n  version: "{job.version}"\n  env: {{NOISE: "{job.noise}"}}\n'
        f"{''.join(_of_kind(job))}{_suspension(job)}  environments: {{prod: {{}}}}\n"
    )


def _of_kind(job: Job) -> Iterator[str]:
    resources = "resources: {cpu: 1, ram: 128MiB, disk: 128MiB}"
    match job.kind:
        case "service":
            yield f"  run: serve\n  instances: {job.instances}\n  rollout: {job.rollout}\n"
            yield f"  {resources}\n{_script(job, 2)}"
        case "cron":
            yield f'  run: work\n  schedule: "0 {job.hour} * * *"\n  collision: {job.collision}\n'
            yield f"  enabled: {_word(job.enabled)}\n  {resources}\n{_script(job, 2)}"
        case "framework":
            yield f"  master:\n    run: lead --port $PORT_IPC\n    ports: [ipc]\n    {resources}\n"
            yield _script(job, 4)
            yield f"  workers:\n    run: toil $MASTER_PATH\n    instances: {job.instances}\n"
            yield f"    {resources}\n{_script(job, 4)}"


def _script(job: Job, indent: int) -> str:
    told = script(job.behaviour, is_cron=job.kind == "cron")
    if not told:
        return ""
    pairs = ", ".join(f'{{key: sim.{k}, value: "{v}"}}' for k, v in told.items())
    return f"{' ' * indent}aurora: {{metadata: [{pairs}]}}\n"


def _suspension(job: Job) -> str:
    return "  suspend: {by: ada, why: a test}\n" if job.suspended else ""


def _word(told: bool) -> str:
    return "true" if told else "false"
