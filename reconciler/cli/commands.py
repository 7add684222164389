"""What each command does that looks at a cluster; and how every command ends."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from random import Random
from signal import SIGTERM, Signals
from typing import Any

from reconciler.app.wiring import NoPlatformError, OptionError, Wired, reader
from reconciler.cli import readings, show
from reconciler.cli.call import Call, made
from reconciler.cli.ending import Ending, stoppable
from reconciler.cli.failure import fail
from reconciler.cli.machine import Machine
from reconciler.cli.no_round import NoRound, why
from reconciler.cli.patterns import Check
from reconciler.loop.converge import Converged, Limits, converge
from reconciler.loop.garbage import uncollected
from reconciler.loop.patience import Patience
from reconciler.loop.round import Consent, Listen, always
from reconciler.loop.supervisor import Supervisor
from reconciler.loop.watch import Rhythm, watch
from reconciler.model.round import Event, RoundPlanned, RoundReport
from reconciler.record.fault import RecordError
from reconciler.report import verdict
from reconciler.report.approval import unapproved
from reconciler.report.as_json.rounds import round_value
from reconciler.report.as_json.values import dumped, line
from reconciler.report.escape import escaped
from reconciler.report.text import text
from reconciler.settings import SettingsError
from reconciler.sources.port import SourceError

log = logging.getLogger(__name__)


def run(command: str, told: Mapping[str, Any], machine: Machine) -> int:
    """Do one command and return its exit code. What escapes is an error of ours."""
    show.prepare()
    json = (told.get("output") or machine.environment.get("RECONCILE_OUTPUT")) == "json"
    try:
        call = made(told, machine)
        json = call.json
        try:
            with uncollected():
                return COMMANDS[command](call)
        except (NoPlatformError, SourceError, RecordError) as fault:
            return _without_round(command, call, fault)
    except (SettingsError, OptionError) as fault:
        return fail(int(verdict.ExitCode.USAGE), str(fault).split("\n"), json=json)


def plan(call: Call) -> int:
    """Show what would be done. No lock, no credentials, nothing written."""
    with call.wired(writing=False) as wired:
        report = wired.rounds.preview(call.machine.clock.now())
    Check(call)(report)
    code = _code(call, report)
    if not _told(call, report, code):
        return int(verdict.ExitCode.RECORD)
    for words in _unborn(wired):
        show.complain(words)
    return code


def _hearing(check: Check, listener: show.Listener, wired: Wired) -> Listen:
    """Return what checks and shows every event, and once, before anything is done, new worlds."""
    unborn = _unborn(wired)

    def heard(event: Event) -> None:
        check.heard(event)
        if isinstance(event, RoundPlanned):
            for words in unborn:
                listener.say(f"world     {words}")
        listener.listen(event)

    return heard


def _unborn(wired: Wired) -> Iterator[str]:
    """Yield where a world is that has nothing in it: one of another --state may have."""
    for name, path in wired.unborn.items():
        yield escaped(f"nothing ever ran on {name}: its world will be kept in {path}")


def apply(call: Call) -> int:
    """Do rounds until every job is kept, suspended or blocked."""
    if call.told.get("dry_run"):
        return plan(call)
    clock = call.machine.clock
    check = Check(call)
    patience = Patience(clock, call.settings.timeout_s)
    with (
        call.wired(writing=True, left=patience.to_answer) as wired,
        stoppable(clock.wake) as ending,
    ):
        try:
            with show.Listener(json=call.json, command=call.command) as listener:
                ended = converge(
                    wired.rounds,
                    clock,
                    Limits(patience.left, wired.haste),
                    _hearing(check, listener, wired),
                    _consent(call, listener, ending, patience),
                    ending.wished,
                )
        except KeyboardInterrupt:
            code = ending.code or int(verdict.ExitCode.INTERRUPTED)
            left = "what was under way is looked at next time"
            words = "nothing of this plan was done" if ending.at_once else left
            return fail(code, [f"interrupted: {words}"], json=call.json)
    return _finished(call, ended, ending)


def watch_(call: Call) -> int:
    """Do rounds for ever. A signal ends it with 0, once the act under way is done."""
    # Imported here: nothing else watches.
    from reconciler.sources.watch import Watcher

    clock = call.machine.clock
    check = Check(call)
    source, _ = reader(call.settings)
    with stoppable(clock.wake) as ending, Watcher(source.watched(), clock.wake):
        while not ending.wished():
            try:
                with (
                    call.wired(writing=True, left=ending.left) as wired,
                    show.Listener(json=call.json, command=call.command, watching=True) as listener,
                ):
                    listener.say(_watching(call, wired))
                    _watch(call, wired, check.warning(listener.watched), ending)
                    listener.say(f"watch     ended by {Signals(ending.signal or SIGTERM).name}")
            except (SourceError, NoPlatformError) as fault:
                # It may be there later: a disk that is not mounted yet, a clone that goes on.
                log.warning("%s", fault)
                clock.wait(call.settings.interval_s)
            except KeyboardInterrupt:
                # The second signal: what is under way is not waited for.
                return ending.code or int(verdict.ExitCode.INTERRUPTED)
    return 0


def _watching(call: Call, wired: Wired) -> str:
    places = f"{call.settings.desired} every {call.settings.interval_s:g} s"
    return f"watch     {escaped(places)}; the record is in {escaped(str(wired.record.directory))}"


def _watch(call: Call, wired: Wired, heard: Listen, ending: Ending) -> None:
    micros = call.machine.environment.get("WATCHDOG_USEC", "")
    supervisor = Supervisor(
        heartbeat=wired.record.directory / "heartbeat.json",
        socket_path=call.machine.environment.get("NOTIFY_SOCKET"),
        # A third of the time after which systemd takes us for dead.
        every_s=int(micros) / 3_000_000 if micros.isdigit() else None,
    )
    rhythm = Rhythm(call.settings.interval_s, Random(), wired.haste)
    clock = call.machine.clock
    with wired.record.sign():
        watch(wired.rounds, clock, rhythm, heard, supervisor, ending.wished)


def _consent(call: Call, listener: show.Listener, ending: Ending, patience: Patience) -> Consent:
    if call.told.get("yes") or not show.interactive():
        return always

    def ask(report: RoundReport) -> bool:
        Check(call)(report)
        with ending.asking(), patience.asking():
            return listener.ask(text(report, replace(call.view(report), asking=True)))

    return ask


def _finished(call: Call, ended: Converged, ending: Ending) -> int:
    code = ending.code
    if code is None:
        how = {
            "converged": ended.converged,
            "timed_out": ended.timed_out,
            "in_vain": ended.in_vain,
            # Whoever calls by a script must be able to tell that nothing was done.
            "detailed": call.detailed or ended.declined,
        }
        code = _code(call, ended.report, **how)
    if call.json:
        # What was done is done, whether or not it could be told.
        _told(call, ended.report, code)
        return code
    show.finish(ended, call.view(ended.report), stopped=ending.wished())
    _note(call, ended.report)
    return code


def _code(call: Call, report: RoundReport, **ended: Any) -> int:
    told = {"detailed": call.detailed, "converged": None, "timed_out": False, **ended}
    return verdict.exit_code(report, approve=call.orders.approve, **told)


def _told(call: Call, report: RoundReport, code: int) -> bool:
    view = call.view(report)
    if call.json:
        told = show.write(dumped(round_value(report, code, view.command)))
    else:
        told = show.page(text(report, view))
    _note(call, report)
    return told


def _note(call: Call, report: RoundReport) -> None:
    """Say what of the command line came to nothing."""
    if words := unapproved(report, call.orders.approve, f"{call.view(report).command} --dry-run"):
        show.complain(words)
    decisions = any(r.plan.decisions for r in report.rounds)
    if report.problems and call.orders.only and report.rounds and not decisions:
        show.complain(f"no job matches --only {' '.join(map(str, call.orders.only))}")


def _without_round(command: str, call: Call, fault: NoRound) -> int:
    """End a command that came to no round: say why, in the form that was asked for."""
    problems, faults = why(fault)
    report = RoundReport(call.machine.clock.now(), None, problems, (), faults)
    code = _code(call, report)
    if call.json and command == "watch":
        show.write(line(round_value(report, code, call.command)))
        return code
    if command in ROUNDS and (problems or call.json):
        _told(call, report, code)
        return code
    words = [*map(str, problems), *(f.message for f in faults)]
    return fail(code, words, json=call.json, problems=problems)


ROUNDS = ("apply", "plan", "watch")

COMMANDS: dict[str, Callable[[Call], int]] = {
    "apply": apply,
    "plan": plan,
    "watch": watch_,
    "validate": readings.validate,
    "render": readings.render,
    "status": readings.status,
}
