"""`reconcile status`: every job, its condition, since when, why, and what would release it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from reconciler.model.plan import Standing
from reconciler.model.round import Failing, JobStatus, LastRound, PastAct, StatusReport, Watch
from reconciler.report.counts import counted
from reconciler.report.escape import escaped
from reconciler.report.release import argv, runnable
from reconciler.report.text import FAULTS, faults, scoped
from reconciler.report.view import PIPED, View
from reconciler.report.words import clock, duration, place, utc
from reconciler.report.wrap import columns, command_wrapped, wrapped

HANGING = "    "
UNKNOWN = "-"
TIME = re.compile(r"\d\d:\d\d")
HEADINGS = ("JOB", "CONDITION", "SINCE", "WHY")
# What a person must look at comes first.
ORDER = (Standing.BLOCKED, Standing.ACT, Standing.WAITING, Standing.MEANT, Standing.KEPT)


def status(report: StatusReport, view: View = PIPED) -> str:
    """Return the table, headed by a count of conditions, ending with a line feed."""
    jobs = sorted(report.jobs, key=lambda job: (ORDER.index(job.reason.standing), job.key))
    said = [*map(_failing, report.failing), *_unjudged(report)]
    said += [_summary(report), *_elsewhere(report)]
    said += [*_watch(report.watch), *faults(report.faults, ())]
    said += [escaped(str(p)) for p in sorted(set(report.problems))]
    lines = [piece for line in said for piece in wrapped(line, view.width, HANGING)]
    if jobs:
        lines += ["", *_jobs([_row(job, report.at) for job in jobs], view.width)]
    if view.verbose:
        lines += [piece for line in _acts(report) for piece in wrapped(line, view.width, HANGING)]
    more = [*_releases(jobs, view), *_locked(report, view), *_theirs(report, view)]
    return "\n".join([*lines, *([""] if more else []), *more]) + "\n"


def _summary(report: StatusReport) -> str:
    last = report.last
    good = "good " if report.failing or report.unjudged else ""
    if not report.found:
        return "no record was read: which one, a Platform says; name it by --state"
    if last is None:
        return f"no {good}round has been recorded yet"
    found = Counter(job.reason for job in report.jobs)
    by_concern = sorted(found, key=lambda r: (ORDER.index(r.standing), r.label))
    parts = [f"{found[reason]} {reason.label}" for reason in by_concern]
    if report.unmanaged:
        parts.append(f"{report.unmanaged} unmanaged")
    jobs = counted(len(report.jobs), "job")
    return f"{jobs}{': ' if parts else ''}{', '.join(parts)}; last {good}round {_when(last)}"


def _when(found: LastRound) -> str:
    return f"{utc(found.at)} at {escaped(found.revision)}"


def _failing(found: Failing) -> str:
    """Say what failed: before all else, since what follows is as old as the last good round."""
    fault, last = found.fault, utc(found.at)
    times = f"in {found.rounds} rounds in a row since {utc(found.since)}, last {last}"
    if found.rounds == 1:
        times = f"in the last round, {last}"
    return f"! {FAULTS[fault.kind]} {times}: {scoped(fault.scope, fault.message)}"


def _unjudged(report: StatusReport) -> Iterable[str]:
    """Say whose conditions are of the past: no round looks there until a document is mended."""
    for cluster, why in report.unjudged:
        jobs = sum(job.key.cluster == cluster for job in report.jobs)
        are = f"{counted(jobs, 'job')} {'is' if jobs == 1 else 'are'}"
        told = "what is told of it is what the last good round found"
        yield f"! {escaped(cluster)}: {are} not judged, since {escaped(why)}; {told}"


def _elsewhere(report: StatusReport) -> Iterable[str]:
    """Say of each cluster when it was looked at, where that was not in the last round of all."""
    last = report.last
    failing = {found.fault.scope for found in report.failing}
    for found in report.rounds:
        lags = last is not None and (found.revision != last.revision or found.cluster in failing)
        if found is not last and lags:
            yield f"{escaped(found.cluster)}: last good round {_when(found)}"


def _watch(found: Watch | None) -> Iterable[str]:
    if found is None:
        return
    who = escaped(found.who)
    if found.runs:
        yield f"watched by {who} since {utc(found.since)}"
    else:
        yield f"nobody watches; the last watch was {who}, begun {utc(found.since)}"


def _row(job: JobStatus, now: datetime) -> tuple[str, str, str, str]:
    detail = escaped(job.detail or job.reason.meaning)
    where = f" ({place(job.origin)})" if job.origin is not None else ""
    return (str(job.key), job.reason.label, _age(job.since, now), f"{detail}{where}")


def _age(since: datetime | None, now: datetime) -> str:
    if since is None:
        return UNKNOWN
    return duration(max(0, int((now - since).total_seconds())))


def _jobs(rows: Sequence[tuple[str, ...]], width: int | None) -> Iterable[str]:
    """Return a table; on a terminal that is too narrow for it, each job's key above the rest."""
    table = list(_table([HEADINGS, *rows]))
    if width is None or max(map(columns, table)) <= width:
        return table
    return [line for row in rows for line in _stacked(row, width)]


def _stacked(row: tuple[str, ...], width: int) -> Iterable[str]:
    key, condition, since, detail = row
    yield key
    age = "" if since == UNKNOWN else f"  for {since}"
    yield from wrapped(f"{HANGING}{condition}{age}  {detail}", width, HANGING)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _acts(report: StatusReport) -> Iterable[str]:
    """Say, of each job, which acts came last and what became of them; newest first."""
    jobs = sorted((j for j in report.jobs if report.acts.get(j.key)), key=lambda job: job.key)
    if jobs:
        yield ""
    for job in jobs:
        for at, act in enumerate(report.acts[job.key]):
            # What was taken may have come to nothing since: the last act led to what is told above.
            now = "" if at else f", now {job.reason.label}"
            yield f"{utc(act.at)}  {job.key}  {_act(act)}{now}  [{escaped(act.revision)}]"


def _act(act: PastAct) -> str:
    why = f" ({act.reason})" if act.reason else ""
    said = f": {escaped(act.message)}" if act.message else ""
    times = f" {act.times} times" if act.times > 1 else ""
    return f"{act.action}{why}  {act.outcome}{times}{said}"


def _releases(jobs: Sequence[JobStatus], view: View) -> list[str]:
    """Return how each blocked job is released; what releases several is told once."""
    found: dict[str, list[JobStatus]] = {}
    for job in jobs:
        if job.release:
            found.setdefault(job.release, []).append(job)
    lines = (f"{_of(held)}: {runnable([told], view.command)}" for told, held in found.items())
    return [piece for line in lines for piece in command_wrapped(line, view.width, HANGING)]


def _locked(report: StatusReport, view: View) -> list[str]:
    """Say why none of these commands would get at the record as it is."""
    watched = report.watch is not None and report.watch.runs
    if not watched or all(argv(job.release, view.command) is None for job in report.jobs):
        return []
    told = "The watch holds the record: stop it, run the command, start the watch again"
    return wrapped(told, view.width, HANGING)


def _theirs(report: StatusReport, view: View) -> list[str]:
    """Say by whose clock the times in the details are, where it is not ours."""
    timed = {job.key.cluster for job in report.jobs if TIME.search(job.detail)}
    lines = [
        f"Times in WHY are by {clock(name, times)}"
        for name, times in report.clocks
        if name in timed
    ]
    return [piece for line in lines for piece in wrapped(line, view.width, HANGING)]


def _of(jobs: Sequence[JobStatus]) -> str:
    labels = sorted({job.reason.label for job in jobs})
    return str(jobs[0].key) if len(jobs) == 1 else f"{len(jobs)} jobs, {' and '.join(labels)}"
