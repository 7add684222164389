"""Real git repositories in temporary folders, made and changed with the git CLI."""

import os
import subprocess
from pathlib import Path

_WHO = {"NAME": "An Author", "EMAIL": "author@example.org", "DATE": "2026-01-05T12:00:00+0000"}
_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_{what}": it for role in ("AUTHOR", "COMMITTER") for what, it in _WHO.items()},
}

# The user who owns nothing.
NOBODY = 65534


def git(where: Path, *words: str, given: str = "") -> str:
    """Run git in a folder and return what it printed."""
    done = subprocess.run(
        ["git", "-C", str(where), *words],
        input=given,
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, f"git {words}: {done.stderr}"
    return done.stdout.strip()


def a_repository(top: Path, *more: str) -> Path:
    """Make an empty repository with the branch main."""
    top.mkdir(parents=True, exist_ok=True)
    git(top, "init", "-q", "-b", "main", *more)
    return top


def write(top: Path, files: dict[str, str]) -> None:
    """Write files, folders included."""
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commit(top: Path, files: dict[str, str] | None = None) -> str:
    """Write files, commit everything that is in the work tree, and return the commit's id."""
    write(top, files or {})
    git(top, "add", "-A")
    git(top, "commit", "-q", "--allow-empty", "-m", "change")
    return git(top, "rev-parse", "HEAD")
