"""One call of the program: what was asked, of which machine, and what it works with."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.app.wiring import Terms, Wired, reader, wired
from reconciler.cli import show
from reconciler.cli.machine import Machine
from reconciler.loop.desired import Declared
from reconciler.model.left import Left, forever
from reconciler.model.round import RoundReport
from reconciler.plan.inputs import Orders
from reconciler.report.view import View
from reconciler.settings import Settings, settings

# What a copied command needs to mean the same jobs; and, after a preview, the same acts.
PLACE = ("config", "desired", "state", "cluster", "only")
ORDERS = ("adopt", "retry", "allow_older", "prune_now")
# What a run does not use up: without it, the digest of its plan is that of another.
LASTING = ("adopt", "allow_older")


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked (`told`: options by name), and what follows from it."""

    told: Mapping[str, Any]
    settings: Settings
    machine: Machine

    @property
    def json(self) -> bool:
        return self.settings.output == "json"

    @property
    def detailed(self) -> bool:
        return bool(self.told.get("detailed_exitcode"))

    @property
    def cluster(self) -> str | None:
        found: str | None = self.told.get("cluster")
        return found

    @property
    def orders(self) -> Orders:
        """Return what the person who calls asks for beyond the desired state."""
        return Orders(
            only=tuple(self.told.get("only") or ()),
            adopt=tuple(self.told.get("adopt") or ()),
            retry=tuple(self.told.get("retry") or ()),
            approve=frozenset(self.told.get("approve") or ()),
            allow_older=bool(self.told.get("allow_older")),
            prune_now=bool(self.told.get("prune_now")),
        )

    @property
    def command(self) -> str:
        """Return how to go on from this run: its orders are done, but for those that last."""
        return command(self.told, (*PLACE, *LASTING))

    @property
    def place(self) -> str:
        """Return how to call for the same record, whichever jobs were looked at here."""
        return command(self.told, [name for name in PLACE if name != "only"])

    def view(self, report: RoundReport) -> View:
        """Return how to show a plan: as this terminal wants it, with commands to copy.

        After a preview everything that was ordered is part of them. An approval is, if it released
        anything.
        """
        used = any(r.plan.approved for r in report.rounds)
        told = {**self.told, "approve": tuple(sorted(self.orders.approve)) if used else ()}
        previewed = command(told, (*PLACE, *ORDERS, "approve"))
        return View(
            width=show.width(),
            verbose=bool(self.told.get("verbose")),
            command=previewed if report.preview else self.command,
            only=tuple(str(pattern) for pattern in self.orders.only),
        )

    def wired(self, *, writing: bool, left: Left = forever) -> AbstractContextManager[Wired]:
        """Return everything wired; without `writing` no lock, no credentials, no change."""
        terms = Terms(self.orders, writing, self.cluster, left)
        return wired(self.settings, terms, self.machine.clock, self.machine.environment)

    def declared(self) -> Declared:
        """Read what is desired, knowing nothing of earlier rounds."""
        _, reading = reader(self.settings)
        return reading.read({})


def made(told: Mapping[str, Any], machine: Machine) -> Call:
    """Return the call; SettingsError for options and configuration that cannot be meant."""
    config = told.get("config") or machine.environment.get("RECONCILE_CONFIG")
    found = settings(told, machine.environment, Path(config) if config else None)
    return Call(told, found, machine)


def command(told: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return how this run was called, as far as these options go, so that it can be copied."""
    parts = ["reconcile"]
    for name in names:
        option = f"--{name.replace('_', '-')}"
        value = told.get(name) or ()
        if value is True:
            parts.append(option)
        else:
            words = value if isinstance(value, tuple) else (value,)
            parts += [f"{option} {shlex.quote(str(word))}" for word in words]
    return " ".join(parts)
