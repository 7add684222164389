"""A console in a directory of its own, with a copy of the sample in it."""

import shutil
from pathlib import Path

import pytest

from reconciler.app.packaged import sample
from tests.cli.console import Console


@pytest.fixture
def console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Console:
    """Return a console that starts where ./desired-state is the sample."""
    shutil.copytree(sample(), tmp_path / "desired-state")
    monkeypatch.chdir(tmp_path)
    return Console(capsys, environment={"XDG_STATE_HOME": str(tmp_path / "states")})
