"""How the program is called: what it understands, and what it refuses with 64."""

import re

import pytest
from click.shell_completion import ShellComplete

from reconciler.cli.main import cli
from tests.cli.console import Console

COMMANDS = sorted(name for name, command in cli.commands.items() if not command.hidden)


def test_there_are_the_documented_commands() -> None:
    assert COMMANDS == [
        "apply",
        "completion",
        "plan",
        "render",
        "standin",
        "status",
        "validate",
        "watch",
    ]


MISUSED = {
    "no such command": (("aply",), "No such command 'aply'"),
    "no such option": (("--dryrun",), "No such option '--dryrun'"),
    "an output that is none": (("--output", "xml"), "'xml' is not one of"),
    "a pattern that is none": (("--only", "a//b"), "a pattern has one to four segments"),
    "an approval of no digest": (("--approve", "*"), "'*' is no digest"),
    "a duration that is none": (("--timeout", "soon"), "'soon' is no duration"),
    "render without a job": (("render",), "Missing argument 'JOB'"),
    "render of an unknown job": (("render", "nope"), "no job that is declared matches nope"),
    "a shell that is none": (("completion", "tcsh"), "'tcsh' is not one of"),
    "a speed that is none": (("standin", "--clock", "0x"), "'0x' is no speed"),
    "a remote place": (("validate", "--desired", "https://x/y.git"), "is remote"),
    "a cluster that is none": (("plan", "--cluster", "dev"), "write devcluster"),
    "a config that is not there": (("validate", "--config", "no.toml"), "no.toml cannot be read"),
    "a config that is no path": (("validate", "--config", "a\0b"), "is no path"),
    "a state that is no path": (("plan", "--state", "a\0b"), "--state: 'a\\x00b' is no text"),
    "a record within the tree": (
        ("plan", "--state", "desired-state/state"),
        "lies within the desired state",
    ),
    "a preview that would go on for ever": (
        ("--dry-run", "watch"),
        "watch has no option --dry-run",
    ),
    "a choice of jobs that a check does not make": (
        ("--only", "api", "validate"),
        "validate has no option --only",
    ),
}


@pytest.mark.parametrize("name", MISUSED)
def test_a_mistake_on_the_command_line_ends_with_64(name: str, console: Console) -> None:
    words, message = MISUSED[name]
    ended = console(*words)
    assert ended.code == 64
    assert ended.out == ""
    assert message in ended.err


def test_all_mistakes_in_the_configuration_are_said_at_once(console: Console) -> None:
    ended = console("plan", "--timeout", "5 s", RECONCILE_OUTPUT="xml")
    assert ended.code == 64, "plan has no --timeout"
    ended = console("--timeout", "5 s", RECONCILE_OUTPUT="xml")
    assert ended.code == 64
    assert ended.err == (
        "reconcile: RECONCILE_OUTPUT: 'xml' is no output: write text or json\n"
        "reconcile: --timeout: '5 s' is no duration: write 90s, 30m or 1h\n"
    )


PLACES = {
    "before": ("--desired", "{}", "validate"),
    "after": ("validate", "--desired", "{}"),
    "both: what comes after goes first": ("--desired", "nowhere", "validate", "--desired", "{}"),
}


@pytest.mark.parametrize("name", PLACES)
def test_shared_options_work_before_and_after_the_command(name: str, console: Console) -> None:
    ended = console(*(word.format("./desired-state") for word in PLACES[name]))
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_command_has_a_help_that_reads_well(name: str, console: Console) -> None:
    ended = console(*name.split(), "--help")
    assert ended.code == 0
    text = " ".join(ended.out.split())
    # click cuts a help that is too long for its line.
    assert "..." not in text.replace("[ARGS]...", "")


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_a_command_too(name: str, console: Console) -> None:
    ended = console("help", *name.split())
    assert (ended.code, ended.out) == (0, console(*name.split(), "--help").out)


def test_help_of_an_unknown_command_is_a_mistake(console: Console) -> None:
    ended = console("help", "aply")
    assert (ended.code, "No such command 'aply'" in ended.err) == (64, True)


def test_the_help_tells_the_exit_codes(console: Console) -> None:
    told = re.findall(r"^ {4,}(\d+)(?:, (\d+))?  ", console("--help").out, re.MULTILINE)
    codes = [int(code) for pair in told for code in pair if code]
    assert codes == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130, 143]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_clicks_own(shell: str, console: Console) -> None:
    ended = console("completion", shell)
    assert ended.code == 0
    assert "_RECONCILE_COMPLETE" in ended.out


OFFERED: dict[str, tuple[tuple[str, ...], str, list[str]]] = {
    "a name": (("--only",), "a", ["api"]),
    "a name in an environment": (
        ("status", "--only"),
        "devel/",
        ["devel/api", "devel/optimiser", "devel/price-feed"],
    ),
    "a whole key": (
        ("render",),
        "devcluster/pricing/prod/o",
        ["devcluster/pricing/prod/optimiser"],
    ),
    "elsewhere": (("--desired", "nowhere", "plan", "--retry"), "", []),
}


@pytest.mark.parametrize("name", OFFERED)
@pytest.mark.usefixtures("console")
def test_a_shell_offers_the_jobs_that_are_declared(name: str) -> None:
    words, typed, offered = OFFERED[name]
    shell = ShellComplete(cli, {}, "reconcile", "_RECONCILE_COMPLETE")
    assert [item.value for item in shell.get_completions(list(words), typed)] == offered


def test_the_version_is_said(console: Console) -> None:
    assert re.fullmatch(r"reconcile, version \d+\.\d+\.\d+\n", console("--version").out)
