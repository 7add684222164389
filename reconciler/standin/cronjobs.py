"""Cron templates, when they run, and what a run does about the one before (AuroraCronJob)."""

from dataclasses import dataclass, field

from reconciler.standin.configs import Rules, key_text
from reconciler.standin.crontab import Crontab
from reconciler.standin.lifecycle import Lifecycle
from reconciler.standin.refusal import Refusal
from reconciler.standin.tasks import Tasks
from reconciler.standin.world import World
from reconciler.thrift.structs import (
    CronCollisionPolicy,
    JobConfiguration,
    JobKey,
    ScheduleStatus,
    TaskConfig,
)

KILLED_BY = "Killed by cronScheduler"
OVERLAP_REMOVED = "The RUN_OVERLAP collision policy has been removed (AURORA-38)."
# Quartz speaks through Aurora here.
NEVER_FIRES = (
    "org.quartz.SchedulerException: Based on configured schedule, the given trigger "
    "'DEFAULT.{}' will never fire."
)
NO_SUCH_JOB = (
    "org.quartz.JobPersistenceException: The job (DEFAULT.{}) referenced by the trigger "
    "does not exist."
)
START_FIRST_MS, START_MOST_MS = 5 * 1000, 60 * 1000


@dataclass(slots=True)
class Delayed:
    """A run that waits until the tasks of the one before have ended. It was decided with the
    template of its time, and a later one does not change it."""

    job: JobKey
    config: TaskConfig
    instances: int
    task_ids: tuple[str, ...]
    waited_ms: int = 0


@dataclass(slots=True)
class CronJobs:
    """All templates; `triggers` tells which of them will ever run, by a number for each."""

    world: World
    tasks: Tasks
    lifecycle: Lifecycle
    rules: Rules
    templates: dict[JobKey, JobConfiguration] = field(default_factory=dict)
    triggers: dict[JobKey, int] = field(default_factory=dict)
    # By their trigger, which lets no other run pass meanwhile.
    delayed: dict[int, Delayed] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.world.on("cron due", self._due)
        self.world.on("cron run", self._run)
        self.world.on("cron delayed", self._retry)

    def check(self, job: JobConfiguration) -> None:
        """Raise Refusal for a schedule or a policy that Aurora does not take."""
        Crontab.parse(job.cronSchedule or "")
        if job.cronCollisionPolicy is CronCollisionPolicy.RUN_OVERLAP:
            raise Refusal(OVERLAP_REMOVED)

    def put(self, job: JobConfiguration) -> None:
        """Store a template. It stays even if its schedule, as is then told, never comes."""
        assert job.key is not None, "a job without a key is refused"
        self.templates[job.key] = job
        self.triggers.pop(job.key, None)
        self.count += 1
        if not self._await(job.key, self.count):
            raise Refusal(NEVER_FIRES.format(self._random_name()))
        self.triggers[job.key] = self.count

    def remove(self, key: JobKey) -> bool:
        self.triggers.pop(key, None)
        return self.templates.pop(key, None) is not None

    def require(self, key: JobKey) -> None:
        if key not in self.templates:
            raise Refusal(f"No cron job found for {key_text(key)}.")

    def trigger(self, key: JobKey) -> None:
        """Let a job run now, that is once this call is answered."""
        self.require(key)
        if key not in self.triggers:
            raise Refusal(NO_SUCH_JOB.format(key_text(key)))
        self.world.soon("cron run", key)

    def next_run_ms(self, job: JobConfiguration) -> int | None:
        schedule = Crontab.parse(job.cronSchedule or "")
        return schedule.next_after(self.world.now_ms, self.rules.cron_timezone)

    # --- runs

    def _await(self, key: JobKey, trigger: int) -> bool:
        due_ms = self.next_run_ms(self.templates[key])
        if due_ms is None:
            return False
        delay_ms = due_ms - self.world.now_ms
        self.world.after(delay_ms, "cron due", key.role, key.environment, key.name, trigger)
        return True

    def _due(self, role: str, environment: str, name: str, trigger: int) -> None:
        key = JobKey(role=role, environment=environment, name=name)
        if self.triggers.get(key) == trigger:
            self._await(key, trigger)
            self._run(key)

    def _run(self, key: JobKey) -> None:
        job, trigger = self.templates.get(key), self.triggers.get(key)
        if job is None or trigger is None or trigger in self.delayed:
            return
        assert job.taskConfig is not None, "a job without a config is refused"
        active = tuple(self.tasks.active(key).values())
        if not active:
            self._launch(job.taskConfig, job.instanceCount or 0)
        elif job.cronCollisionPolicy in (None, CronCollisionPolicy.KILL_EXISTING):
            ids = tuple(task.id for task in active)
            for task in active:
                self.lifecycle.change(task, ScheduleStatus.KILLING, KILLED_BY)
            self.delayed[trigger] = Delayed(key, job.taskConfig, job.instanceCount or 0, ids)
            self._retry(trigger)

    def _retry(self, trigger: int) -> None:
        run = self.delayed[trigger]
        if any((t := self.tasks.by_id.get(i)) is not None and not t.ended for i in run.task_ids):
            run.waited_ms = self.world.backoff(run.waited_ms, START_FIRST_MS, START_MOST_MS)
            self.world.after(run.waited_ms, "cron delayed", trigger)
            return
        del self.delayed[trigger]
        self._launch(run.config, run.instances)

    def _launch(self, config: TaskConfig, instances: int) -> None:
        # With an instance that somebody else started meanwhile, the whole run is lost.
        if not any(self.tasks.instance(_job(config), i) for i in range(instances)):
            self.lifecycle.insert(config, range(instances))

    def _random_name(self) -> str:
        """Return what Quartz calls a trigger without a name."""
        chance = self.world.chance
        groups = (12, 8, 4, 4, 4, 12)
        return "-".join(f"{chance.getrandbits(4 * digits):0{digits}x}" for digits in groups)


def _job(config: TaskConfig) -> JobKey:
    assert config.job is not None, "a config without a job is refused"
    return config.job
