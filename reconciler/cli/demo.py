"""`make demo`: the whole story in one minute, on the embedded cluster of the sample.

Every command is shown before it runs, as a process of its own, in a fresh temporary directory.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reconciler.app.packaged import sample

CHANGED = "desired-state/demand-forecast/api.yaml"
OLD, NEW = 'version: "2.14.1"', 'version: "2.15.0"'


def demo() -> int:
    """Return 0 when every command ended as it should."""
    with tempfile.TemporaryDirectory(prefix="reconcile-demo-") as folder:
        here = Path(folder)
        shutil.copytree(sample(), here / "desired-state")
        code = _story(here)
        say(f"It ended with {code}. Its files were in {here}: for some of your own see the tour.")
    return code


def _story(here: Path) -> int:
    say("A company's desired state, and nothing live yet. What would be done?")
    if code := reconcile(here, "--dry-run"):
        return code
    say("Do it. The embedded cluster's clock runs 20 times as fast as ours.")
    if code := reconcile(here, "--yes"):
        return code
    say("A release changes one line.")
    edit(here / CHANGED)
    if code := reconcile(here, "--dry-run"):
        return code
    if code := reconcile(here, "--yes"):
        return code
    say("And now? Ends with 2 if anything were left to do.")
    return reconcile(here, "--dry-run", "--detailed-exitcode")


def say(words: str) -> None:
    print(f"\n# {words}", flush=True)


def reconcile(here: Path, *options: str) -> int:
    """Show a command and run it; return its exit code."""
    told = ("--state", "state", *options)
    print(f"\n$ reconcile {shlex.join(told)}\n", flush=True)
    return called(here, told)


def called(here: Path, options: Sequence[str]) -> int:
    """Run a command there; what this machine is configured to otherwise has no say in it."""
    command = (sys.executable, "-m", "reconciler.cli.main", *options)
    told = {k: v for k, v in os.environ.items() if not k.startswith(("RECONCILE_", "STATE_DIR"))}
    return subprocess.run(command, cwd=here, env=told, check=False).returncode


def edit(path: Path) -> None:
    """Change the version in one document, as an author would."""
    text = path.read_text(encoding="utf-8")
    assert OLD in text, "the sample declares the version that the demo changes"
    print(f"\n$ sed -i 's/{OLD}/{NEW}/' {CHANGED}", flush=True)
    path.write_text(text.replace(OLD, NEW, 1), encoding="utf-8")
