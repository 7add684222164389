"""Tell a story: let its events happen, hold the laws over them, and see that all comes to rest."""

import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.model.plan import Keep, Standing
from reconciler.plan.inputs import Orders
from reconciler.thrift.structs import JobUpdateStatus
from tests.world import laws, manners, sight
from tests.world.cases import Known, is_ours
from tests.world.deeds import do
from tests.world.events import Event, Story
from tests.world.intent import Content, Policy
from tests.world.wire import Asked
from tests.world.world import HOSTS, ROLES, World, quota

# Days until everything is right: a project loses so many jobs a day, and there are not more.
DAYS_MAX = 8
LOOSE = Policy(prunes_max=3, restarts_max=100, vanished_max=100)
PAUSED = (JobUpdateStatus.ROLL_FORWARD_PAUSED, JobUpdateStatus.ROLL_BACK_PAUSED)
QUIET_S, LOOK_S, LOOKS = 2 * 3600, 300, 8


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a story: what broke first, and after which event (None: at the end)."""

    broken: tuple[str, ...]
    after: int | None = None
    acts: tuple[str, ...] = ()

    @property
    def law(self) -> str:
        """Return the name of the law that was broken first, empty if none was."""
        return self.broken[0].partition(":")[0] if self.broken else ""


def told(story: Story) -> Told:
    """Tell a story from its beginning, up to the first law that it breaks."""
    with tempfile.TemporaryDirectory() as directory:
        return _Telling(Path(directory)).tell(story)


class _Telling:
    """One world while its story is told."""

    def __init__(self, path: Path) -> None:
        self.world = World(path)
        self.world.deed = do
        self.known = Known()
        self.world.wire.judge = self._judge

    def tell(self, story: Story) -> Told:
        world = self.world
        for number, event in enumerate(story):
            self._happen(event)
            if world.broken:
                return self._told(number)
        for wrong in self._end():
            world.broken.append(wrong)
        return self._told(None)

    def _told(self, after: int | None) -> Told:
        return Told(tuple(self.world.broken), after, tuple(map(str, self.world.asked)))

    def _happen(self, event: Event) -> None:
        world = self.world
        before = len(world.processes)
        try:
            world.happen(event)
        except Exception as fault:
            if len(world.processes) == before:
                raise
            world.processes[-1].broke = _innermost(fault)
        for process in world.processes[before:]:
            world.broken.extend(manners.judged(world, process))
            process.reports.clear()

    def _judge(self, asked: Asked) -> None:
        self.world.broken.extend(laws.judged(self.world, self.known, asked))

    # --- the end: everything comes to rest

    def _end(self) -> Iterator[str]:
        """Let the faults stop, then the people: it must become quiet, and then right."""
        self._faults_stop()
        yield from self._becomes_quiet()
        if not self.world.broken:
            yield from self._becomes_right()

    def _faults_stop(self) -> None:
        world = self.world
        world.armed.clear()
        self._happen(Event("sleep", seconds=3600))
        for number, host in enumerate(HOSTS):
            del host
            self._happen(Event("return host", number=number))
        for role in ROLES:
            world.wire.aurora.set_quota(role, quota(100))
        world.site.ahead_s = 0.0
        self._happen(Event("pull whole"))

    def _becomes_quiet(self) -> Iterator[str]:
        """Nobody does anything any more: nor, after a while, does the reconciler."""
        world = self.world
        self._happen(Event("watch", number=LOOK_S, seconds=QUIET_S))
        before = len(world.asked)
        self._happen(Event("watch", number=LOOK_S, seconds=QUIET_S))
        yield from (f"becomes_quiet: {a.call.method} of {a.key.name}" for a in world.asked[before:])
        yield from self._waits_for_nobody()
        yield from self._no_update_waits_by_itself()

    def _waits_for_nobody(self) -> Iterator[str]:
        """By then every job is as declared, or a person is told what it needs of him: if not now,
        then by one of the next looks, since a job that crashes now and then waits now and then."""
        found = self._waiting()
        for _ in range(LOOKS):
            self._happen(Event("sleep", seconds=LOOK_S // 4))
            found = {name: why for name, why in self._waiting().items() if name in found}
        yield from (f"waits_for_nobody: {name}: {why}" for name, why in found.items())

    def _waiting(self) -> dict[str, str]:
        """Return what moves or waits, but for workers whose master is as declared and does not get
        up: they tell so, and nothing but another version can help."""
        report = self.world.site.preview()
        decided = {d.key: d for told in report.rounds for d in told.plan.decisions}
        kept = {f"{d.key}: {d.detail}" for d in decided.values() if isinstance(d, Keep)}
        return {
            d.key.name: f"{d.reason.label} {d.detail}"
            for d in decided.values()
            if d.reason.standing in (Standing.ACT, Standing.WAITING) and d.detail not in kept
        }

    def _no_update_waits_by_itself(self) -> Iterator[str]:
        """Aurora pauses an update between its batches as it was told to when it began. Where that
        is no longer wanted, nobody but us will resume it. What nothing declares any more is not
        rolled on, nor what cannot be read: a person is asked."""
        aurora, wishes = self.world.wire.aurora, self.world.repository.head.readable()
        for update in sight.updates(aurora):
            status = update.state.status if update.state is not None else None
            job = update.key.job if update.key is not None else None
            if status not in PAUSED or not is_ours(update) or job is None:
                continue
            events = sight.details(aurora, update).updateEvents or ()
            wish = wishes.get((job.role or "", job.name or ""))
            if events and events[-1].user is None and wish is not None and not wish.pauses:
                yield f"no_update_waits_by_itself: {job}"

    def _becomes_right(self) -> Iterator[str]:
        """Every job gets a version that works, and people release what waits for them: within
        so many days everything is as declared, and the next plan is all keeps."""
        world = self.world
        # A limit that is loosened is in force one revision later than it can be read.
        world.repository.commit(
            lambda content: replace(content, policy=LOOSE, platform_broken=False)
        )
        self._happen(Event("converge", seconds=60))
        world.repository.commit(_mended)
        world.cause("everything is mended")
        for _ in range(DAYS_MAX):
            for verb in ("resume", "abort"):
                self._end_updates_of_others(verb)
            self._happen(Event("converge", "retry adopt approve", seconds=3600))
            self._happen(Event("converge", seconds=3600))
            if world.broken or self._all_kept():
                break
            self._happen(Event("sleep", seconds=25 * 3600))
        if not world.broken:
            yield from self._is_right()

    def _end_updates_of_others(self, verb: str) -> None:
        for _ in range(6):
            self._happen(Event(verb))

    def _all_kept(self) -> bool:
        report = self.world.site.preview(Orders())
        decisions = [d for told in report.rounds for d in told.plan.decisions]
        return bool(report.rounds) and all(isinstance(d, Keep) for d in decisions)

    def _is_right(self) -> Iterator[str]:
        yield from self._kept()
        yield from self._cluster_is_as_declared()
        yield from self._record_agrees()

    def _kept(self) -> Iterator[str]:
        report = self.world.site.preview()
        for told in report.rounds:
            for d in told.plan.decisions:
                if not isinstance(d, Keep):
                    yield f"all_is_kept: {d.key.name}: {d.reason.label} {d.detail}"
        yield from (f"all_is_kept: {fault}" for fault in report.faults)
        yield from (f"all_is_kept: {problem}" for problem in report.problems)

    def _cluster_is_as_declared(self) -> Iterator[str]:
        aurora = self.world.wire.aurora
        wishes = self.world.repository.head.wishes()
        live, templates = sight.tasks(aurora), sight.templates(aurora)
        names = sight.by_key(live) | sight.by_key(templates)
        for name in sorted(names - wishes.keys()):
            if name in self.known.ours.keys() - self.world.contested:
                yield f"cluster_is_as_declared: {name} is still there"
        for name, wish in wishes.items():
            tasks = next((t for k, t in live.items() if (k.role, k.name) == name), ())
            template = next((t for k, t in templates.items() if (k.role, k.name) == name), None)
            if wish.is_cron:
                right = template is not None and template.cronSchedule == wish.schedule
            else:
                ids = [t.instance for t in tasks]
                right = ids == list(range(wish.instances)) and template is None
                right = right and all(sight.fulfils(t.config, wish) for t in tasks)
            if not right:
                yield f"cluster_is_as_declared: {name} is not {wish}"

    def _record_agrees(self) -> Iterator[str]:
        memory = self.world.site.memory()
        owned = {(key.role, key.name) for key in memory.owned}
        wishes = self.world.repository.head.wishes().keys()
        if owned != wishes:
            yield f"record_agrees: it owns {sorted(owned ^ wishes)} wrongly or not"
        if memory.intents or memory.quarantined:
            yield f"record_agrees: {memory.intents} {memory.quarantined}"


def _innermost(fault: BaseException) -> str:
    """Return where a fault came from, in one line."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    at = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{type(fault).__name__}: {fault} ({at.filename}:{at.lineno})"


def _mended(content: Content) -> Content:
    """Return what everybody can live with: good versions, no suspension, no broken file."""
    jobs = {
        name: replace(
            job,
            behaviour="good",
            version=1000,
            instances=min(job.instances, 3),
            suspended=False,
            enabled=True,
            rollout="standard",
        )
        for name, job in content.jobs.items()
    }
    return replace(content, jobs=jobs, broken=frozenset(), platform_broken=False)
