"""What it costs to start: counted by what is imported, not by a clock."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
from reconciler.cli.main import called
from reconciler.cli.machine import Machine
called({words!r}, Machine())
"""
LOADED = "print(); print(json.dumps(sorted(sys.modules)))"


def loaded(script: str) -> list[str]:
    """Return the modules that are loaded at the end of a script."""
    told = f"import sys; sys.path[:] = {sys.path!r}\n{script}\nimport json\n{LOADED}"
    # Without site, whose path files import what they like; our own path is handed on.
    command = (sys.executable, "-S", "-c", told)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def imported(*words: str) -> set[str]:
    """Return the packages that one call imports, the standard library left out."""
    packages = {name.partition(".")[0] for name in loaded(SCRIPT.format(words=words))}
    return packages - sys.stdlib_module_names - {"__main__"}


CALLS = {
    "help": ("--help",),
    "the help of a command": ("watch", "--help"),
    "the version": ("--version",),
    "a completion script": ("completion", "zsh"),
    "a mistake": ("--no-such-option",),
    "an option before a command that has it not": ("--dry-run", "watch"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_nothing_but_click_is_imported_for(name: str) -> None:
    assert imported(*CALLS[name]) == {"click", "reconciler"}


@pytest.mark.slow
def test_help_loads_at_most_eight_times_what_a_bare_interpreter_does() -> None:
    assert len(loaded(SCRIPT.format(words=("--help",)))) <= 8 * len(loaded(""))
