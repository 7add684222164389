"""The commands that ask no cluster and send nothing: validate, render, status."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.app.wiring import NoPlatformError, OptionError, check_known, state_directory
from reconciler.cli import show
from reconciler.cli.call import Call
from reconciler.cli.failure import fail
from reconciler.cli.no_round import why
from reconciler.cli.patterns import known, near
from reconciler.loop.desired import Declared, notes
from reconciler.model.keys import JobKey
from reconciler.model.problem import Problem
from reconciler.model.rendered import FieldLayer, RenderedJob
from reconciler.model.round import Failing, Fault, JobStatus, StatusReport
from reconciler.model.tree import DesiredTree, Revision
from reconciler.record.store import Record
from reconciler.report import fields, verdict
from reconciler.report.as_json.conditions import status_value
from reconciler.report.as_json.values import FORMAT, dumped
from reconciler.report.status import status as status_text
from reconciler.report.validation import validation_text, validation_value
from reconciler.report.verdict import ExitCode
from reconciler.report.view import View
from reconciler.sources.port import SourceError
from reconciler.translate.layers import fields_of

ACTS_MAX = 5


def validate(call: Call) -> int:
    """Check everything that can be checked without a cluster."""
    declared, faults = _read(call)
    check_known(call.cluster, declared)
    wrong = declared.problems or declared.tree.incomplete
    code = ExitCode.UNREACHABLE if faults else ExitCode.INVALID if wrong else ExitCode.SUCCESS
    noted = notes(declared.tree, _our_time(call, declared))
    if call.json:
        value = validation_value(declared.tree, declared.problems, noted, code)
        told = show.write(dumped(value))
    else:
        told = show.write(validation_text(declared.tree, declared.problems))
        for note in noted:
            show.complain(f"note: {note}")
    return code if told else ExitCode.RECORD


def render(call: Call) -> int:
    """Show rendered jobs field by field."""
    declared = call.declared()
    check_known(call.cluster, declared)
    found, problems = _asked_for(call, declared)
    policies = declared.tree.policies
    if problems and not found:
        words = [str(problem) for problem in problems]
        return fail(ExitCode.INVALID, words, json=call.json, problems=problems)
    for problem in problems:
        show.complain(str(problem))
    if not found:
        pattern = call.told["job"]
        raise OptionError(f"no job that is declared matches {pattern}{near(pattern, known(call))}")
    told = [(job, fields_of(job, policies)) for job in found] if policies is not None else []
    if not show.write(_fields(call, told)):
        return ExitCode.RECORD
    return ExitCode.INVALID if problems else ExitCode.SUCCESS


def status(call: Call) -> int:
    """Show the conditions on record."""
    report = _status(call)
    if report.rounds and not (report.jobs or report.problems or report.faults):
        _check_only(call)
    code = verdict.status_code(report, detailed=call.detailed)
    if call.json:
        told = show.write(dumped(status_value(report, code, call.place)))
    else:
        verbose = bool(call.told.get("verbose"))
        told = show.page(status_text(report, View(show.width(), verbose, call.place)))
    return code if told else ExitCode.RECORD


def _our_time(call: Call, declared: Declared) -> dict[str, datetime]:
    """Return what time it is on clusters at least: one whose time is faster than ours may be ahead
    of it, as only a round knows."""
    policies, now = declared.tree.policies, call.machine.clock.now()
    clusters = policies.clusters if policies is not None else {}
    return {name: now for name, c in clusters.items() if c.clock >= 1}


def _check_only(call: Call) -> None:
    """No job is shown: OptionError for a pattern that matches none that is declared, either."""
    there = known(call)
    for pattern in call.orders.only:
        if not any(map(pattern.matches, there.keys)):
            raise OptionError(f"--only {pattern}: no job matches{near(pattern, there)}")


def _asked_for(call: Call, declared: Declared) -> tuple[list[RenderedJob], list[Problem]]:
    """Return the jobs to render, and why others that were asked for cannot be."""
    pattern, tree = call.told["job"], declared.tree

    def asked(key: JobKey) -> bool:
        return bool(pattern.matches(key)) and call.cluster in (None, key.cluster)

    found = [declared.rendered[key] for key in sorted(declared.rendered) if asked(key)]
    wrong = {p for key, problems in declared.unrendered.items() if asked(key) for p in problems}
    wrong |= {p for key, job in tree.broken.items() if asked(key) for p in job.problems}
    if not found and not wrong:
        # A job that is not there may stand in a document that cannot be read.
        wrong = set(declared.problems)
    return found, sorted(wrong)


def _fields(call: Call, told: list[tuple[RenderedJob, tuple[FieldLayer, ...]]]) -> str:
    if call.json:
        jobs = [fields.fields_value(job, layers) for job, layers in told]
        return dumped({"format": FORMAT, "jobs": jobs})
    return "\n".join(fields.fields_text(job, layers, show.width()) for job, layers in told)


def _status(call: Call) -> StatusReport:
    """Return what is on record; a tree that cannot be read hides nothing that is known."""
    now = call.machine.clock.now()
    declared, faults = _read(call)
    try:
        directory = state_directory(call.settings, declared, call.machine.environment)
    except NoPlatformError as fault:
        problems, unread = why(fault)
        return StatusReport(now, (), (), problems=problems, faults=faults or unread, found=False)
    with Record(directory, now, writing=False) as record:
        jobs = tuple(job for job in record.conditions() if _selected(call, job))
        failing = tuple(f for f in record.failing() if _concerns(call, f))
        return StatusReport(
            at=now,
            rounds=tuple(r for r in record.rounds() if call.cluster in (None, r.cluster)),
            jobs=jobs,
            problems=declared.problems,
            faults=faults,
            clocks=_clocks(declared),
            failing=failing,
            watch=record.watch(),
            acts=record.acts(ACTS_MAX),
            unjudged=() if faults else tuple(_unjudged(declared, jobs, failing)),
        )


def _unjudged(
    declared: Declared, jobs: Iterable[JobStatus], failing: Iterable[Failing]
) -> Iterator[tuple[str, str]]:
    """Yield the clusters whose jobs no round can look at, for want of a document, and why."""
    policies = declared.tree.policies
    known = policies.clusters.keys() if policies is not None else set()
    needed = "Cluster document of its name" if policies is not None else "Platform"
    told = {found.fault.scope for found in failing}
    for name in sorted({job.key.cluster for job in jobs} - known - told):
        yield name, f"there is no {needed} that can be used"


def _concerns(call: Call, found: Failing) -> bool:
    return call.cluster is None or found.fault.scope in ("", call.cluster)


def _clocks(declared: Declared) -> tuple[tuple[str, float], ...]:
    policies = declared.tree.policies
    clusters = policies.clusters if policies is not None else {}
    return tuple((name, c.clock) for name, c in sorted(clusters.items()) if c.clock != 1)


def _read(call: Call) -> tuple[Declared, tuple[Fault, ...]]:
    """Return what is declared; when it cannot be read, nothing and why."""
    try:
        return call.declared(), ()
    except SourceError as fault:
        nothing = DesiredTree(Revision(""), None, {}, {}, (), incomplete=str(fault))
        return Declared(nothing, {}, {}), why(fault)[1]


def _selected(call: Call, job: JobStatus) -> bool:
    return call.orders.selects(job.key) and call.cluster in (None, job.key.cluster)
