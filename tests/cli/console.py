"""The program as its user calls it, in this process: words in, output and exit status out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.cli.machine import Machine
from reconciler.cli.main import called
from tests.support.cluster import VirtualClock


class Alarm(VirtualClock):
    """A clock that moves when somebody waits, and can be told to ring."""

    def wake(self) -> None:
        """Nothing waits for real."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What one call came to."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Console:
    """Calls with one clock and one environment, in the current directory."""

    capture: pytest.CaptureFixture[str]
    clock: Alarm = field(default_factory=Alarm)
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, **environment: str) -> Ended:
        self.capture.readouterr()
        told: Mapping[str, str] = {**self.environment, **environment}
        code = called(words, Machine(self.clock, told))
        out, err = self.capture.readouterr()
        return Ended(code, out, err)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
