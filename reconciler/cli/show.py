"""What a terminal, a pipe and a log see. Colour and motion on a terminal only.

A reader who went away (`| head`) ends nothing: what a run does must not depend on who watches.
"""

import contextlib
import io
import logging
import os
import re
import shutil
import sys
import termios
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciler.loop.converge import Converged
from reconciler.model.round import Event, RoundEnded, RoundReport, Waiting
from reconciler.report import verdict
from reconciler.report.as_json.rounds import round_value, timeless
from reconciler.report.as_json.values import line
from reconciler.report.counts import counts
from reconciler.report.escape import escaped
from reconciler.report.outcomes import Said, going_on, lines, live_lines, refusals
from reconciler.report.text import text
from reconciler.report.view import View

COLOURS = {"-": "31", "~": "33", "+": "32", "*": "36", ".": "35", "!": "31"}
SIGN = re.compile(r"^[-~+*.!](?= )", re.MULTILINE)


def prepare() -> None:
    """Make streams and log fit for text from outside. Done once, before anything is shown."""
    # A stream that the caller has closed is none at all.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A locale without the arrows of a plan must not end a run.
            stream.reconfigure(errors="backslashreplace")
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_Line())
        root.addHandler(handler)


def _nowhere() -> Any:
    return Path(os.devnull).open("w", encoding="utf-8")


def interactive() -> bool:
    """Return whether a person can see a question and answer it, wherever the output goes."""
    # Without a standard input (`<&-`) there is none to be asked.
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def width() -> int | None:
    """Return the width of the terminal; None for a pipe, where nothing wraps."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def complain(message: str) -> None:
    """Write one line to standard error."""
    _written(sys.stderr, f"reconcile: {escaped(message)}\n")


def write(words: str) -> bool:
    """Write to standard output, as it is; return whether it could be, or nobody reads it."""
    return _written(sys.stdout, words)


def page(words: str) -> bool:
    """Write a plan to standard output, its signs in colour where that is wanted; as `write`."""
    return write(_coloured(words))


def finish(ended: Converged, view: View, *, stopped: bool) -> None:
    """Say how a run ended: what is left, or that nothing is."""
    report, found = ended.report, counts(ended.report)
    left = found.held or found.changes or report.problems or report.faults
    if ended.declined:
        complain("nothing was done")
    elif ended.converged and not left:
        more = f", {found.unmanaged} unmanaged" if found.unmanaged else ""
        page(f"converged: {found.kept} kept{more}\n")
    else:
        page(text(report, view))
    if ended.in_vain:
        complain(f"given up: nothing that was sent was taken: {refusals(report)}")
    if ended.timed_out:
        complain(f"not converged in time; {going_on(report)}")
    if stopped:
        complain(f"stopped; {going_on(report)}")


class Listener:
    """Shows what happens: plain lines, and on a terminal a few lines that move below them.

    With `json`, standard output belongs to the result: then the lines go to standard error.
    """

    def __init__(self, *, json: bool, command: str, watching: bool = False) -> None:
        self._json = json
        self._command = command
        self._watching = watching
        self._said = Said()
        self._told: RoundReport | None = None
        self._live: Any = None

    def __enter__(self) -> Self:
        moving = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        if moving and not self._json:
            self._live = _live()
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pause()

    def listen(self, event: Event) -> None:
        """Show one event."""
        self._said, told = lines(self._said, event, self._command, watching=self._watching)
        if self._live is None or not isinstance(event, Waiting):
            self._tell(told)
        moving = live_lines(event)
        if self._live is None or moving is None:
            return
        if moving:
            self._live.update(_moving(moving))
            self._live.start()
        else:
            self._pause()

    def say(self, line: str) -> None:
        """Show a line that belongs to no event; with `json` there is no place for it."""
        if not self._json:
            self._tell((line,))

    def watched(self, event: Event) -> None:
        """Show one event of a watch: with `json`, a round that tells something new is one line."""
        if not self._json:
            self.listen(event)
        elif isinstance(event, RoundEnded):
            told = timeless(event.report)
            if told != self._told:
                self._told = told
                report = event.report
                code = verdict.exit_code(report, detailed=False, converged=None, timed_out=False)
                write(line(round_value(report, code, self._command)))

    def _tell(self, told: tuple[str, ...]) -> None:
        if told:
            self._pause()
            # A log on a full disk must not end a run.
            with contextlib.suppress(OSError):
                _written(self._out, _coloured("".join(f"{line}\n" for line in told)))

    def ask(self, words: str) -> bool:
        """Show a plan and ask whether to go ahead, where that is seen: see `interactive`."""
        self._pause()
        plan = _coloured(words) if sys.stdout.isatty() and not self._json else words
        _written(sys.stderr, plan + "\n")
        # What was typed before the plan was shown is no consent to it.
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
        _written(sys.stderr, "Apply this plan? Only `yes` is taken as consent: ")
        answer = ""
        try:
            answer = sys.stdin.readline()
        finally:
            if not answer.endswith("\n"):
                # Ended by Ctrl-D or Ctrl-C: what follows begins a line of its own.
                _written(sys.stderr, "\n")
        return answer.strip() == "yes"

    @property
    def _out(self) -> Any:
        return sys.stderr if self._json else sys.stdout

    def _pause(self) -> None:
        if self._live is not None:
            self._live.stop()


class _Line(logging.Formatter):
    """A record in the form of all lines of a log, and no control characters of others in it."""

    def format(self, record: logging.LogRecord) -> str:
        told = "\n".join(map(escaped, super().format(record).split("\n")))
        return f"{record.levelname.lower():<10}{told}"


def _live() -> Any:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    return Live(console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def _moving(told: tuple[str, ...]) -> Any:
    """Return a spinner before the first line, and the rest below it, cut to the terminal."""
    from rich.console import Group
    from rich.spinner import Spinner
    from rich.text import Text

    first, *rest = (Text(line, no_wrap=True, overflow="ellipsis") for line in told)
    return Group(Spinner("dots", first), *rest)


def _written(stream: Any, words: str) -> bool:
    try:
        stream.write(words)
        stream.flush()
    except OSError as fault:
        # Python would complain again at the end, when it flushes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if stream is sys.stdout and not isinstance(fault, BrokenPipeError):
            complain(f"standard output cannot be written: {fault.strerror}")
            return False
    return True


def _coloured(words: str) -> str:
    """Return the text with the sign before a job in colour, where colour is wanted."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if plain or not sys.stdout.isatty():
        return words
    return SIGN.sub(lambda sign: f"\x1b[{COLOURS[sign[0]]}m{sign[0]}\x1b[0m", words)
