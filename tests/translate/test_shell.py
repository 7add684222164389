"""The command, run by the shell that the executor runs: what an author wrote arrives as written."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.policy import Platform, Recipe
from reconciler.model.spec import DesiredJob
from reconciler.translate.document import command
from tests.translate.samples import MASTER, a_job, a_platform, rendered

pytestmark = pytest.mark.slow

# What the agent puts in the place of a reference.
AGENT = {
    "{{mesos.instance}}": "7",
    "{{mesos.hostname}}": "agent-1.example",
    "{{thermos.task_id}}": "fc-prod-api-7-0f",
    "{{thermos.ports[http]}}": "31000",
    "{{thermos.ports[admin-ui]}}": "31001",
}


def run(job: DesiredJob, platform: Platform | None = None) -> "subprocess.CompletedProcess[bytes]":
    """Run the command of a job as an agent does, in an environment with nothing in it."""
    given_platform = platform or plain()
    text = command(job, given_platform, given_platform.recipes["wheel"])
    for reference, value in AGENT.items():
        text = text.replace(reference, value)
    return subprocess.run(
        ["/bin/bash", "-c", text], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )


def plain(**differs: Any) -> Platform:
    return a_platform(recipes={"wheel": Recipe("wheel", (), "{run}")}, **differs)


def printed(variable: str) -> str:
    return f'printf %s "${variable}"'


VALUES = {
    "plain": "info",
    "empty": "",
    "a blank": "a b",
    "blanks at both ends": "  a  ",
    "a single quote": "it's",
    "double quotes": 'say "hi"',
    "both quotes": "'\"'\"'",
    "a dollar": "$HOME ${PATH} $$",
    "a command": "$(touch /tmp/x) `id`",
    "a newline": "line 1\nline 2\n",
    "a tab and a return": "a\tb\rc",
    "a backslash": "a\\nb\\",
    "an end of the statement": "a; exit 3",
    "a comment": "# a",
    "a background": "a & b | c > d < e",
    "a pattern": "* ? [a-z] ~ !! {a,b}",
    "a single brace": "{ } } {",
    "a leading dash": "-n",
    "an equals sign": "A=B",
    "other control characters": "\x01\x1b[31m",
}


@pytest.mark.parametrize("name", VALUES)
def test_a_variable_arrives_as_it_was_written(name: str) -> None:
    found = run(a_job(env=(("VALUE", VALUES[name]),), run=printed("VALUE")))
    assert found.stdout.decode() == VALUES[name]
    assert found.returncode == 0


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=20))
def test_any_variable_arrives_as_it_was_written(value: str) -> None:
    found = run(a_job(env=(("VALUE", value),), run=printed("VALUE")))
    assert found.stdout.decode() == value


def test_a_value_never_runs(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    for attempt in (f"$(touch {witness})", f"`touch {witness}`", f"'; touch {witness}; '"):
        run(a_job(env=(("VALUE", attempt),), run=printed("VALUE")))
    assert not witness.exists()


def test_the_command_finds_ports_and_who_it_is() -> None:
    job = a_job(
        ports=("http", "admin-ui"),
        master=MASTER,
        run='echo "$PORT_HTTP $PORT_ADMIN_UI $INSTANCE $HOST $TASK_ID $MASTER_PATH"',
    )
    assert run(job).stdout.decode().split() == [
        "31000",
        "31001",
        "7",
        "agent-1.example",
        "fc-prod-api-7-0f",
        "/aurora/fc/prod/backtest-master",
    ]


def test_what_starts_a_process_hands_its_variables_on() -> None:
    job = a_job(env=(("VALUE", "x"),), run="bash -c 'echo $VALUE $PORT_HTTP $INSTANCE'")
    assert run(job).stdout.decode().split() == ["x", "31000", "7"]


SECRETS = {
    "plain": "s3cret",
    "quotes and dollars": "p'a\"s$(id)`w`$HOME",
    "several lines": "-----BEGIN-----\nabc\n-----END-----",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_arrives_from_its_file_and_stands_nowhere_else(name: str, tmp_path: Path) -> None:
    (tmp_path / "forecast-db").write_text(SECRETS[name] + "\n", encoding="ascii")
    platform = plain(secrets_dir=str(tmp_path))
    job = a_job(
        secrets=(("DB_PASSWORD", "forecast-db"),), run="bash -c 'printf %s \"$DB_PASSWORD\"'"
    )
    assert run(job, platform).stdout.decode() == SECRETS[name]
    assert SECRETS[name].encode() not in rendered(job).config.wire


def test_a_secret_that_cannot_be_read_stops_the_command_and_says_which(tmp_path: Path) -> None:
    platform = plain(secrets_dir=str(tmp_path))
    job = a_job(secrets=(("DB_PASSWORD", "forecast-db"),), run="echo started")
    found = run(job, platform)
    assert found.returncode == 78
    assert found.stdout == b""
    assert f"secret file {tmp_path}/forecast-db for DB_PASSWORD".encode() in found.stderr


def test_a_directory_with_odd_characters_is_quoted(tmp_path: Path) -> None:
    odd = tmp_path / "it's $HOME here"
    odd.mkdir()
    (odd / "a").write_text("value", encoding="ascii")
    job = a_job(secrets=(("A", "a"),), run=printed("A"))
    assert run(job, plain(secrets_dir=str(odd))).stdout == b"value"


RUNS = {
    "several lines": ("echo a\necho b\n", "a\nb\n"),
    "a comment at the end": ("echo a # b", "a\n"),
    "a here document": ("cat <<'EOF'\n$A 'b'\nEOF\n", "$A 'b'\n"),
    "a pipe": ("echo ab | tr a c", "cb\n"),
    "quotes": ("echo \"a 'b' c\" 'd \"e\"'", "a 'b' c d \"e\"\n"),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_command_is_the_authors_own_shell(name: str) -> None:
    text, expected = RUNS[name]
    assert run(a_job(run=text)).stdout.decode() == expected


def test_the_exit_status_is_that_of_the_command() -> None:
    assert run(a_job(run="exit 5")).returncode == 5
    assert run(a_job(run="false")).returncode == 1


def test_a_recipe_surrounds_the_command() -> None:
    recipe = Recipe("wheel", (), "cd /\n{run}\necho after")
    platform = replace(plain(), recipes={"wheel": recipe})
    assert run(a_job(run="pwd"), platform).stdout == b"/\nafter\n"
