"""All that bears on one job, side by side: declared, live, remembered, ordered."""

import hashlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.model.keys import JobKey
from reconciler.model.live import Answer, LiveJob, Observation, Present
from reconciler.model.marks import INSTALLATION, OWNER, SPEC
from reconciler.model.memory import Absence, Intent, Owned, Quarantine
from reconciler.model.policy import Cluster, Platform, Project
from reconciler.model.problem import Origin, Problem
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import Collision
from reconciler.model.tree import Revision
from reconciler.model.update import LiveUpdate
from reconciler.plan.inputs import PlanInput


@dataclass(frozen=True, slots=True)
class Facts:
    """One job in one round.

    `answer` and `pending` (reasons by task id) are what was asked about it; `final` says that
    nothing more will be asked.
    """

    key: JobKey
    seen: Observation
    wanted: RenderedJob | None
    problems: tuple[Problem, ...]
    owned: Owned | None
    quarantine: Quarantine | None
    retried: str | None
    absence: Absence | None
    intent: Intent | None
    remembered: LiveUpdate | None
    cluster: Cluster
    project: Project | None
    platform: Platform | None
    revision: Revision
    newest: str
    fresh: bool
    recorded: bool
    now: datetime
    adopt: bool
    retry: bool
    answer: Answer | None
    pending: Mapping[str, str]
    final: bool

    @property
    def live(self) -> LiveJob | None:
        """Return the job as read; None when it is absent or unknown, which `seen` tells apart."""
        return self.seen.job if isinstance(self.seen, Present) else None

    @property
    def project_name(self) -> str:
        """Return the project that declares it, or else owns it; empty when none of ours does."""
        if self.wanted is not None:
            return self.wanted.desired.project
        if self.owned is not None:
            return self.owned.project
        return self.project.name if self.project is not None and self.by_mark else ""

    @property
    def origin(self) -> Origin | None:
        """Return where it is declared; None when it is not."""
        if self.wanted is not None:
            return self.wanted.desired.origin
        return self.problems[0].origin if self.problems else None

    @property
    def spec(self) -> str:
        """Return what names the desired config and count in an update's metadata."""
        return "" if self.wanted is None else spec_of(self.wanted)

    @property
    def last_ended(self) -> LiveUpdate | None:
        """Return the job's last update that has ended: read just now, or known from before."""
        ended = self.live.ended if self.live is not None else getattr(self.seen, "ended", ())
        return ended[0] if ended else self.remembered

    def ours(self, update: LiveUpdate) -> bool:
        """Return whether this platform started the update, whichever installation of it."""
        return self.platform is not None and (
            update.metadata.get(INSTALLATION) == self.platform.name
        )

    @property
    def is_ours(self) -> bool:
        """Return whether the job is ours: recorded, just started by us, or marked after a loss.

        What carries another platform's mark was taken over since, whatever is on record: two that
        each restored its own would restart it in turn for ever.
        """
        if self.intent is not None:
            return True
        if self.live is not None and self.live.update is not None and self.ours(self.live.update):
            return True
        if self.mark and not self.marked:
            return False
        return self.owned is not None or (self.fresh and self.marked)

    @property
    def by_mark(self) -> bool:
        """Return whether the job is ours by its mark and by nothing that is on record."""
        return self.fresh and self.owned is None and self.intent is None and self.marked

    @property
    def mark(self) -> str:
        """Return the platform whose mark the live config carries; a mark can be copied."""
        if self.live is None:
            return ""
        cron = self.live.cron
        task = cron.config.task if cron is not None else self.live.seen
        return dict(task.marks).get(OWNER, "") if task is not None else ""

    @property
    def marked(self) -> bool:
        """Return whether the live config carries this platform's mark."""
        return self.platform is not None and self.mark == self.platform.name

    def older_than(self, at: datetime | None, seconds: float) -> bool:
        """Return whether something was so long ago; what never was is not."""
        return at is not None and self.now - at >= timedelta(seconds=seconds)


def spec_of(wanted: RenderedJob) -> str:
    """Return the digest of all that is declared but the count, and the count behind a slash."""
    schedule = wanted.desired.spec.schedule
    digest = wanted.config.task.digest
    if schedule is not None:
        digest = _template_digest(digest, schedule.cron, schedule.collision)
    return f"{digest}/{wanted.desired.spec.instances}"


def trouble_of(spec: str) -> str:
    """Return what quarantine goes by: `spec_of` without the count, which heals no crash."""
    return spec.partition("/")[0]


def troubles_in(live: LiveJob) -> frozenset[str]:
    """Return the same of what is live: of its template, and of the configs that were seen."""
    tasks = (live.seen, *(group.config.task for group in live.groups or ()))
    found = {task.digest for task in tasks if task is not None}
    if live.cron is not None and live.cron.collision is not None:
        digest = live.cron.config.task.digest
        found.add(_template_digest(digest, live.cron.schedule, live.cron.collision))
    return frozenset(found)


def _template_digest(digest: str, schedule: str, collision: Collision) -> str:
    return hashlib.sha256(f"{digest} {schedule} {collision.value}".encode()).hexdigest()


def spec_in(update: LiveUpdate) -> str:
    """Return the spec that an update is to, as `spec_of` names it; empty when it tells none."""
    return update.metadata.get(SPEC, "")


def facts(
    given: PlanInput, *, final: bool, without: Set[JobKey] = frozenset()
) -> dict[JobKey, Facts]:
    """Return the facts of every known job of this cluster, but for those in `without`."""
    memory = given.memory
    problems = _problems(given)
    known = {*given.rendered, *problems, *given.snapshot.jobs, *memory.owned}
    mine = sorted(k for k in known - without if k.cluster == given.cluster.name)
    return facts_of(mine, given, final=final)


def facts_of(keys: Iterable[JobKey], given: PlanInput, *, final: bool) -> dict[JobKey, Facts]:
    """Return the facts of these jobs, in their order."""
    tree, memory, policies = given.tree, given.memory, given.tree.policies
    problems = _problems(given)
    by_role = {p.role: p.name for p in policies.projects.values()} if policies else {}
    found: dict[JobKey, Facts] = {}
    for key in keys:
        wanted = given.rendered.get(key) if key not in problems else None
        owned = memory.owned.get(key)
        # Whose a job is, a lost record no longer tells: then its role does.
        told = wanted.desired if wanted else owned
        name = told.project if told else by_role.get(key.role, "")
        found[key] = Facts(
            key=key,
            seen=given.snapshot.of(key),
            wanted=wanted,
            problems=problems.get(key, ()),
            owned=owned,
            quarantine=memory.quarantined.get(key),
            retried=memory.retried.get(key),
            absence=memory.absences.get(key),
            intent=memory.intents.get(key),
            remembered=_told(given, memory.ended.get(key)),
            cluster=given.cluster,
            project=policies.projects.get(name) if policies else None,
            platform=policies.platform if policies else None,
            revision=tree.revision,
            newest=memory.newest,
            fresh=memory.fresh,
            recorded=bool(memory.installation),
            now=given.now,
            adopt=any(p.matches(key) for p in given.orders.adopt),
            retry=any(p.matches(key) for p in given.orders.retry),
            answer=given.snapshot.answers.get(key),
            pending=given.snapshot.pending,
            final=final,
        )
    return found


def _problems(given: PlanInput) -> dict[JobKey, tuple[Problem, ...]]:
    broken = {key: found.problems for key, found in given.tree.broken.items()}
    return {**given.unrendered, **broken}


def _told(given: PlanInput, remembered: LiveUpdate | None) -> LiveUpdate | None:
    """Return a remembered update with what was asked about it just now."""
    if remembered is None or remembered.id not in given.snapshot.events:
        return remembered
    return replace(remembered, events=given.snapshot.events[remembered.id])
