"""Tell whoever supervises the process that it lives: systemd by its socket, anybody by a file.

Both speak only when something came to its end, an act, a round or a wait: a loop that hangs falls
silent.
"""

import contextlib
import json
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Where the loop says that it lives.

    `socket_path` is systemd's $NOTIFY_SOCKET, None without one. `every_s` is how often it wants to
    hear, None when it does not watch. `heartbeat` is a file that is replaced after every round.
    """

    heartbeat: Path
    socket_path: str | None = None
    every_s: float | None = None

    def ready(self) -> None:
        self._notify("READY=1")

    def alive(self) -> None:
        self._notify("WATCHDOG=1")

    def stopping(self) -> None:
        self._notify("STOPPING=1")

    def rounded(self, at: datetime, outcome: str, code: int) -> None:
        """Tell that a round ended, and how: in words, and as the exit code of a run by hand.

        What cannot be told must not end the loop.
        """
        self._notify(f"WATCHDOG=1\nSTATUS={outcome}")
        told = json.dumps({"at": at.isoformat(), "outcome": outcome, "exitCode": code})
        beside = self.heartbeat.with_suffix(".new")
        with contextlib.suppress(OSError):
            beside.write_text(told + "\n", encoding="utf-8")
            beside.replace(self.heartbeat)

    def _notify(self, words: str) -> None:
        if not self.socket_path:
            return
        # A leading @ stands for Linux's abstract name space.
        name = "\0" + self.socket_path[1:] if self.socket_path[0] == "@" else self.socket_path
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.sendto(words.encode(), name)
