"""README is held to its word: its tour is run, its tables are compared, its links followed."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model.plan import Reason, Standing
from reconciler.report.verdict import PRECEDENCE, ExitCode
from reconciler.settings import CHOICES
from tests.cli import masks
from tests.cli.console import Console

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What stands for lines that README leaves out.
CUT = "..."


def turns() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the tour with the output that README shows of it."""
    for block in re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        for turn in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *output = turn.rstrip("\n").split("\n")
            yield command, [line for line in output if line.strip()]


def masked(text: str) -> str:
    text = re.sub(r"(next run) \w+ 20[0-9-]+ [0-9:]+", r"\1 <time>", text)
    text = re.sub(r"20\d\d-\d\d-\d\d [0-9:]{8}Z", "<time>", text)
    return re.sub(r" {2,}", "  ", masks.masked(text))


def missing(shown: list[str], output: str) -> list[str]:
    """Return the lines that README shows and the program does not say, in that order."""
    said = iter(masked(output).splitlines())
    wanted = masked("".join(f"{line}\n" for line in shown)).splitlines()
    return [line for line in wanted if line.strip() != CUT and line not in said]


def test_the_tour_goes_as_shown(console: Console) -> None:
    wrong = {}
    for command, shown in turns():
        word, *rest = shlex.split(command)
        if word == "reconcile":
            ended = console(*rest)
            output = f"{ended.out}{ended.err}"
        else:
            assert word in ("sed", "rm"), f"the tour may not run {word}"
            output = subprocess.run([word, *rest], check=True, text=True, stdout=-1).stdout
        if lines := missing(shown, output):
            wrong[command] = (lines, output)
    assert not wrong


def test_the_tour_is_one() -> None:
    commands = [command for command, _ in turns()]
    assert len(commands) >= 8, commands
    assert len([c for c in commands if c.startswith("reconcile")]) >= 6


def test_every_exit_code_is_told() -> None:
    table = README.partition("## Exit codes")[2].partition("\n## ")[0]
    told = {
        int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for code in row.split(",")
    }
    assert told == {int(code) for code in ExitCode}
    order = re.findall(r"first of ([\d, ]+) is", table)[0]
    assert tuple(map(int, order.split(","))) == PRECEDENCE


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_setting_is_named() -> None:
    told = README.partition("**Configuration.**")[2].partition("\n\n")[0]
    variables = {f"RECONCILE_{name.upper()}" for name in (*CHOICES, "config")}
    assert set(re.findall(r"RECONCILE_[A-Z_]+", told)) == variables
    (keys, tables) = re.findall(r"\(keys (.*?); tables (.*?)\)", told)[0]
    assert set(re.findall(r"\w+", keys)) == set(CHOICES)
    assert set(re.findall(r"\w+", tables)) == {"clusters", "deadlines"}


@pytest.mark.parametrize("name", ["demo", "test", "check", "world", "bench", "help"])
def test_every_make_target_is_there(name: str) -> None:
    assert f"make {name}" in README
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


def test_the_service_of_readme_is_sound(console: Console) -> None:
    (document,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    Path("desired-state/demand-forecast/api.yaml").write_text(document, encoding="utf-8")
    assert console("validate").code == 0


def test_the_configuration_of_readme_is_sound(console: Console) -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    Path("password").write_text("secret\n", encoding="utf-8")
    Path("config.toml").write_text(
        text.replace("/etc/reconcile/eu1.password", str(Path("password").absolute())),
        encoding="utf-8",
    )
    assert console("validate", "--config", "config.toml").code == 0


def test_every_reason_is_told_and_of_holds_what_releases_them() -> None:
    section = README.partition("**Reasons.**")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", section, re.M)
    held = (Standing.WAITING, Standing.BLOCKED, Standing.MEANT)
    assert [(label, says) for label, says, _ in rows] == [
        (reason.label, reason.meaning) for reason in Reason if reason.standing in held
    ]
    named = set(re.findall(r"`([A-Z]\w+)`", section.partition("| reason |")[0]))
    assert named == {reason.label for reason in Reason if reason.standing not in held}
