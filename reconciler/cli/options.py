"""The options that commands share: understood before and after the command's name."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from reconciler.model.keys import JobPattern

F = TypeVar("F", bound=Callable[..., Any])

SPEED = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)x?")


class Digest(click.ParamType[str]):
    """What names a plan's held acts."""

    name = "digest"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the digest that was typed."""
        if not re.fullmatch("[0-9a-f]{16}", str(value)):
            self.fail(f"{value!r} is no digest: copy the one that the plan shows", param, ctx)
        return str(value)


class Pattern(click.ParamType["JobPattern"]):
    """Jobs by the segments of their key, from the right."""

    name = "pattern"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "JobPattern":
        """Return the pattern that was typed."""
        from reconciler.model.keys import JobPattern

        try:
            return JobPattern.parse(str(value))
        except ValueError as fault:
            self.fail(str(fault), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list["CompletionItem"]:
        """Return what is declared that begins so."""
        del param
        from click.shell_completion import CompletionItem

        from reconciler.cli.completing import ends

        before = ctx.parent.params if ctx.parent is not None else {}
        told = {**before, **{k: v for k, v in ctx.params.items() if v is not None}}
        return [CompletionItem(word) for word in ends(told, incomplete)]


class Speed(click.ParamType[float]):
    """How much faster than ours time passes, written as 20x."""

    name = "speed"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the factor."""
        found = SPEED.fullmatch(str(value))
        if found is None or not 0 < float(found[1]) <= 1000:
            self.fail(f"{value!r} is no speed: write 1x to 1000x", param, ctx)
        return float(found[1])


PLACE = (
    click.option(
        "--desired",
        metavar="DIR|REPO@REF",
        help="Where the desired state lies: a directory, or a local repository at a ref,"
        " as in git:/srv/platform.git@main:deploy.  [default: ./desired-state]",
    ),
    click.option(
        "--state",
        metavar="DIR",
        help="Where the record is kept, outside of the tree."
        "  [default: one directory per platform, below ~/.local/state]",
    ),
    click.option("--config", metavar="FILE", help="Local configuration (TOML), credentials in it."),
    click.option("--cluster", metavar="NAME", help="Leave every other cluster alone."),
    click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        help="Form of what is written to standard output.  [default: text]",
    ),
)
SELECTION = (
    click.option(
        "--only",
        type=Pattern(),
        multiple=True,
        metavar="PATTERN",
        help="Only these jobs, as in api, 'prod/*' or eu1/www/prod/api; may be repeated.",
    ),
    click.option("--verbose", "-v", is_flag=True, help="Show what is kept, too."),
)
# Of a status everything is shown anyway, but for what was done.
STATUS = (
    SELECTION[0],
    click.option("--verbose", "-v", is_flag=True, help="Show the last acts of each job, too."),
)
CODE = (
    click.option("--detailed-exitcode", is_flag=True, help="End with 2 when changes are pending."),
)
ORDERS = (
    click.option(
        "--adopt",
        type=Pattern(),
        multiple=True,
        metavar="PATTERN",
        help="Take over live jobs that are not ours and differ.",
    ),
    click.option(
        "--approve",
        type=Digest(),
        multiple=True,
        metavar="DIGEST",
        help="Release what the guard holds of the plan with this digest.",
    ),
    click.option(
        "--retry",
        type=Pattern(),
        multiple=True,
        metavar="PATTERN",
        help="Try again what failed or was aborted.",
    ),
    click.option(
        "--allow-older",
        is_flag=True,
        help="Apply a revision that does not contain the one that ran last.",
    ),
    click.option(
        "--prune-now",
        is_flag=True,
        help="Prune without a second look 30 s later; the guard still holds.",
    ),
)
DRY_RUN = (click.option("--dry-run", is_flag=True, help="Show the plan and change nothing."),)
# `reconcile --dry-run plan` says the same thing twice, and no harm in that.
DRY_RUN_ANYHOW = (click.option("--dry-run", is_flag=True, hidden=True),)
RUN = (
    click.option("--yes", "-y", is_flag=True, help="Do not ask before anything restarts or dies."),
    click.option(
        "--timeout", metavar="DURATION", help="Give up waiting after so long.  [default: 30m]"
    ),
)


def options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Return a decorator that adds all options of the groups."""

    def decorate(command: F) -> F:
        for group in reversed(groups):
            for option in reversed(group):
                command = option(command)
        return command

    return decorate


def merged(ctx: click.Context) -> dict[str, Any]:
    """Return what was given before and after the command's name; what comes after goes first.

    What may be repeated is taken from both places. An option that the command does not have is
    refused: `--dry-run watch` must not change anything, so it must not run.
    """
    own = dict(ctx.params)
    before = ctx.parent.params if ctx.parent is not None else {}
    for name, value in before.items():
        if not value:
            continue
        if name not in own:
            raise click.UsageError(f"{ctx.info_name} has no option {_spelled(ctx, name)}.", ctx)
        own[name] = (*value, *own[name]) if isinstance(value, tuple) else own[name] or value
    return own


def _spelled(ctx: click.Context, name: str) -> str:
    assert ctx.parent is not None, "options before a name belong to the group"
    params = ctx.parent.command.params
    return next(param.opts[0] for param in params if param.name == name)
