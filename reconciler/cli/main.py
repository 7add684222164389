"""`reconcile`: its commands and their options. Libraries are imported when a command runs."""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.machine import Machine
from reconciler.cli.options import (
    CODE,
    DRY_RUN,
    DRY_RUN_ANYHOW,
    ORDERS,
    PLACE,
    RUN,
    SELECTION,
    STATUS,
    Pattern,
    Speed,
    merged,
    options,
)

INTERNAL, UNWRITTEN, USAGE, INTERRUPTED = 1, 9, 64, 130
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
CODES = """\b
Exit codes:
    0  success, also with changes pending
    1  an error of ours
    2  changes are pending (with --detailed-exitcode, or when the plan was declined)
    3  the desired state is invalid; the rest was applied
    4  something is blocked until a person acts
    5  an act failed, or its spec is quarantined
    6  scheduler or desired state not reached
    7  the plan is stale: live moved, or another plan was approved
    8  not converged in time
    9  local state locked, full or unreadable, or the output not written; nothing was done
   64  a mistake on the command line or in the local configuration
  130, 143  interrupted, terminated
"""


@click.group(context_settings=CONTEXT, invoke_without_command=True, epilog=CODES)
@click.version_option(__version__, prog_name="reconcile")
@options(PLACE, SELECTION, ORDERS, DRY_RUN, RUN, CODE)
@click.pass_context
def cli(ctx: click.Context, /, **_: Any) -> int | None:
    """Bring the jobs of an Apache Aurora to what a directory of YAML declares.

    Without a command: apply, in rounds, until every job is kept, suspended or blocked. Options
    may stand before or after the command.
    """
    return None if ctx.invoked_subcommand else _run(ctx, "apply")


@cli.command(short_help="Apply what is declared; the default.")
@options(PLACE, SELECTION, ORDERS, DRY_RUN, RUN, CODE)
@click.pass_context
def apply(ctx: click.Context, /, **_: Any) -> int:
    """Apply what is declared: the same as no command at all.

    On a terminal it shows the plan and asks before anything restarts or dies; elsewhere it never
    asks.
    """
    return _run(ctx, "apply")


@cli.command(short_help="Show what would be done; --dry-run.")
@options(PLACE, SELECTION, ORDERS, DRY_RUN_ANYHOW, CODE)
@click.pass_context
def plan(ctx: click.Context, /, **_: Any) -> int:
    """Show what would be done, and change nothing: the same as --dry-run."""
    return _run(ctx, "plan")


@cli.command(short_help="Check the desired state; asks no cluster.")
@options(PLACE)
@click.pass_context
def validate(ctx: click.Context, /, **_: Any) -> int:
    """Check form and meaning of everything that is declared. Asks no cluster."""
    return _run(ctx, "validate")


@cli.command(short_help="Apply for ever.")
@options(PLACE, SELECTION, ORDERS)
@click.option("--interval", metavar="DURATION", help="Time between two rounds.  [default: 60s]")
@click.pass_context
def watch(ctx: click.Context, /, **_: Any) -> int:
    """Apply for ever: a round every interval, and at once when the desired state changes.

    No failure ends it. SIGTERM or SIGINT does, with 0, once the act under way is done.
    """
    return _run(ctx, "watch")


@cli.command(short_help="Show the condition of every job.")
@options(PLACE, STATUS, CODE)
@click.pass_context
def status(ctx: click.Context, /, **_: Any) -> int:
    """Show the condition of every job as the last round left it, and what would release it.

    Reads the record; asks no cluster.
    """
    return _run(ctx, "status")


@cli.command(short_help="Show a job's config, and who decided it.")
@options(PLACE)
@click.argument("job", type=Pattern(), metavar="JOB")
@click.pass_context
def render(ctx: click.Context, /, **_: Any) -> int:
    """Show the Aurora config of JOB and, for every field, the layer and place it comes from.

    JOB is a pattern, as in api, 'prod/*' or eu1/www/prod/api. Asks no cluster.
    """
    return _run(ctx, "render")


@cli.command(short_help="Serve a small Aurora to try things on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8081, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--clock", type=Speed(), default="1x", show_default=True, help="Speed of its time.")
@click.option("--state", metavar="FILE", help="Keep its world in this file.")
@click.option(
    "--hosts",
    metavar="FILE",
    help="A Cluster document: its hosts, quotas and name.  [default: that of the sample]",
)
@click.option("--users", metavar="FILE", help="Ask for a login: a shiro.ini, as Aurora takes it.")
@click.option(
    "--leader",
    metavar="HOST:PORT|none",
    help="Be a scheduler that does not lead, and send callers on to the one that does.",
)
def standin(**told: Any) -> int:
    """Serve the stand-in, a small Aurora 0.27, over HTTP, for this and for other tools."""
    from reconciler.app.serve import Wishes, serve

    return serve(Wishes(**told))


@cli.command(short_help="Write the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Write the completion script of a shell: eval "$(reconcile completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None, "click knows these shells"
    click.echo(found(cli, {}, "reconcile", "_RECONCILE_COMPLETE").source())


@cli.command("help", hidden=True)
@click.argument("command", required=False)
@click.pass_context
def help_(ctx: click.Context, command: str | None) -> None:
    """Show the help of a command, or of all: the same as --help."""
    group = ctx.find_root()
    if command is None:
        click.echo(group.get_help())
        return
    found = cli.get_command(group, command)
    if found is None:
        raise click.UsageError(f"No such command {command!r}.", group)
    with click.Context(found, info_name=command, parent=group, **CONTEXT) as told:
        click.echo(found.get_help(told))


@cli.command(hidden=True)
def demo() -> int:
    """Show the whole story on an embedded cluster, in a temporary directory."""
    from reconciler.cli.demo import demo

    return demo()


def _run(ctx: click.Context, command: str) -> int:
    told = merged(ctx)
    from reconciler.cli import commands

    return commands.run(command, told, ctx.find_object(Machine) or Machine())


def called(arguments: Sequence[str], machine: Machine) -> int:
    """Return the exit code of one call; what escapes is an error of ours."""
    try:
        return int(cli.main(list(arguments), "reconcile", standalone_mode=False, obj=machine) or 0)
    except click.ClickException as fault:
        fault.show()
        return _failed(USAGE, fault.format_message(), arguments, machine)
    except (click.Abort, KeyboardInterrupt):
        return _failed(INTERRUPTED, "interrupted", arguments, machine)
    except OSError as fault:
        if fault.filename is not None or fault.errno not in (errno.ENOSPC, errno.EPIPE):
            _failed(INTERNAL, f"an error of ours: {fault!r}", arguments, machine)
            raise
        return _unwritten(fault)
    except Exception as fault:
        _failed(INTERNAL, f"an error of ours: {fault!r}", arguments, machine)
        raise


def _unwritten(fault: OSError) -> int:
    """End a call whose help, version or completion could not be written to standard output."""
    # Python would complain again at the end, when it flushes what is left.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if fault.errno == errno.EPIPE:
        return 0
    click.echo(f"reconcile: standard output cannot be written: {fault.strerror}", err=True)
    return UNWRITTEN


def _failed(code: int, message: str, arguments: Sequence[str], machine: Machine) -> int:
    # Imported here: it needs what a call that is understood does not.
    from reconciler.cli.failure import asks_json, tell

    if asks_json(arguments, machine.environment):
        tell(code, message)
    return code


def main() -> None:
    """Run the command line. Python ends with 1 for what escapes: an error of ours."""
    sys.exit(called(sys.argv[1:], Machine()))


if __name__ == "__main__":
    main()
