"""The laws of whole processes and rounds: what a run may come to, and what it must have told.

As those of single calls (`laws.py`), they look from outside: at calls, at reports as anybody reads
them, at what is declared and what is live.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from reconciler.model.plan import Hold, Reason, Standing
from reconciler.model.round import RoundReport
from reconciler.record.store import Record
from tests.world.world import Process, World

Law = Callable[[World, Process], Iterator[str]]
# Of one job, with nothing new to be answered: abort, deschedule, kill, create, and a word or two.
ACTS_MAX = 6
# A call may take its whole deadline, and a round has many: so much grace beyond two intervals.
GRACE_S = 240


def survive_everything(world: World, process: Process) -> Iterator[str]:
    """Whatever the world does, a process ends in words, never in a traceback."""
    del world
    if process.broke:
        yield process.broke


def send_nothing_from_a_preview(world: World, process: Process) -> Iterator[str]:
    """A dry run is asked for because nothing shall happen."""
    if process.command == "preview":
        for asked in world.asked:
            if asked.process == process.number:
                yield f"{asked.call.method} of {asked.key.name}"


def decide_about_every_job_once(world: World, process: Process) -> Iterator[str]:
    """A job without a decision is forgotten, one with two is fought over; and a decision without a
    reason, or a blocked one without a way out, helps nobody."""
    for _, report in process.reports:
        yield from _decisions(world, report)


def _decisions(world: World, report: RoundReport) -> Iterator[str]:
    for told in report.rounds:
        decisions = told.plan.decisions
        counted = Counter((d.key.role, d.key.name) for d in decisions)
        yield from (f"{name} has {n} decisions" for name, n in counted.items() if n > 1)
        commit = world.repository.of(told.plan.revision.id)
        assert commit is not None, "a revision that there is"
        if told.plan.unread is None and not report.problems:
            lacking = commit.content.readable().keys() - counted.keys()
            yield from (f"{name} has no decision" for name in sorted(lacking))
        for d in decisions:
            if not isinstance(d, Hold) or d.reason.standing is not Standing.BLOCKED:
                continue
            if not d.release:
                yield f"{d.key.name} is blocked ({d.reason.label}), and nobody says by what"


def leave_no_job_unlooked_without_a_word(world: World, process: Process) -> Iterator[str]:
    """A job that nobody could judge for two intervals must be told about: a loop that is blind and
    says that all is well is worse than none."""
    if process.command != "watch" or process.ended is None or process.killed:
        return
    last = {name: at for at, report in process.reports for name in _judged(report)}
    began = process.host_began
    # By the reconciler's own clock throughout: what it can know.
    now = world.site.host.now()
    late = timedelta(seconds=2 * process.interval_s + GRACE_S)
    declared = world.reading.commit.content.readable() if world.reading is not None else {}
    blind = [name for name in declared if now - last.get(name, began) > late]
    if blind and not _alarmed(world, blind):
        yield f"{blind} were not judged for {late}, and nobody says so"


def _judged(report: RoundReport) -> Iterator[tuple[str, str]]:
    for told in report.rounds:
        for d in told.plan.decisions:
            if d.reason is not Reason.LIVE_UNKNOWN:
                yield d.key.role, d.key.name


def _alarmed(world: World, blind: list[tuple[str, str]]) -> bool:
    heartbeat = world.site.state / "heartbeat.json"
    told = heartbeat.read_text(encoding="utf-8") if heartbeat.exists() else ""
    if any(word in told for word in ("faults", "problems", "failed")):
        return True
    with Record(world.site.state, world.site.host.now(), writing=False) as record:
        held = {
            (c.key.role, c.key.name)
            for c in record.conditions()
            if c.reason in (Reason.LIVE_UNKNOWN, Reason.INVALID)
        }
    return set(blind) <= held


def never_fight(world: World, process: Process) -> Iterator[str]:
    """With nothing new to answer, a job needs a handful of acts and no more: two parties that undo
    each other's work, or one that undoes its own, never come to an end."""
    since = world.causes[-1][0] if world.causes else 0
    acts = Counter(
        f"{asked.key.role}/{asked.key.name}" for asked in world.asked[since:] if asked.taken
    )
    del process
    yield from (
        f"{name}: {n} acts since {world.causes[-1][1] if world.causes else 'the beginning'}"
        for name, n in acts.items()
        if n > ACTS_MAX
    )


PROCESS_LAWS: tuple[Law, ...] = (
    survive_everything,
    send_nothing_from_a_preview,
    decide_about_every_job_once,
    leave_no_job_unlooked_without_a_word,
    never_fight,
)


def judged(world: World, process: Process) -> Iterator[str]:
    """Yield what is wrong with a process that has ended."""
    for law in PROCESS_LAWS:
        for wrong in law(world, process):
            yield f"{law.__name__}: {process.command} {process.number}: {wrong}"
