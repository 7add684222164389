"""The pages beside the RPCs: what tools and people look at, in Aurora's words where it is JSON."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reconciler.standin.agents import Agent
from reconciler.standin.configs import key_text
from reconciler.standin.offers import Offer
from reconciler.standin.parts import Parts
from reconciler.standin.quota import of_aggregate
from reconciler.standin.tasks import agent_id
from reconciler.standin.web import HTML, Answer, as_json, as_text, escaped
from reconciler.thrift.structs import MaintenanceMode

Query = Mapping[str, str]

FRAMEWORK = "frameworkId"

# What a scheduler goes through; one that answers has come to ACTIVE.
LIFE = (
    "IDLE",
    "PREPARING_STORAGE",
    "STORAGE_PREPARED",
    "LEADER_AWAITING_REGISTRATION",
    "ACTIVE",
    "DEAD",
)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one scheduler that leads."""

    cluster: str
    parts: Parts

    def answer(self, path: str, query: Query) -> Answer | None:
        """Return a page; None if there is no such page."""
        pages: Mapping[str, Callable[[Query], Answer]] = {
            "/agents": self._agents,
            "/cron": self._cron,
            "/maintenance": self._maintenance,
            "/offers": self._offers,
            "/pendingtasks": self._pending,
            "/quotas": self._quotas,
            "/slaves": self._agents,
            "/tiers": self._tiers,
            "/vars": self._vars,
            "/vars.json": self._vars_json,
        }
        page = pages.get(path)
        return None if page is None else page(query)

    def _agents(self, _: Query) -> Answer:
        rows = [
            f"<tr><td>{escaped(known.name)}<td>{escaped(agent_id(known.name))}<td>"
            f"{known.mode.name}<td>{escaped(_attributes(known.attributes))}"
            for known in self.parts.inventory
        ]
        table = "\n".join(("<table>", *rows, "</table>"))
        page = f"<!doctype html>\n<title>Aurora {escaped(self.cluster)}</title>\n{table}\n"
        return Answer(200, {"Content-Type": HTML}, page.encode())

    def _cron(self, _: Query) -> Answer:
        crons = self.parts.crons
        scheduled = {key_text(key): crons.templates[key].cronSchedule for key in crons.triggers}
        return as_json({"scheduled": scheduled})

    def _maintenance(self, _: Query) -> Answer:
        hosts: dict[MaintenanceMode, list[str]] = {}
        for known in self.parts.inventory:
            hosts.setdefault(known.mode, []).append(known.name)
        there = {
            name: [task.id for task in self.parts.tasks.on_host(name)]
            for name in hosts.get(MaintenanceMode.DRAINING, ())
        }
        return as_json(
            {
                "DRAINED": hosts.get(MaintenanceMode.DRAINED, []),
                "SCHEDULED": hosts.get(MaintenanceMode.SCHEDULED, []),
                "DRAINING": {name: ids for name, ids in there.items() if ids},
            }
        )

    def _offers(self, _: Query) -> Answer:
        agents = self.parts.agents.all
        return as_json([_offer(offer, agents[offer.host.name]) for offer in self.parts.offers])

    def _pending(self, _: Query) -> Answer:
        return as_json(list(self._groups()))

    def _groups(self) -> Iterator[dict[str, Any]]:
        for group in self.parts.placement.groups.values():
            assert group.config.job is not None, "a config without a job is refused"
            reasons = (veto.reason for veto in self.parts.reasons.of(group.config))
            yield {
                "penaltyMs": group.penalty_ms,
                "taskIds": list(group.waiting),
                "name": key_text(group.config.job),
                # A list as Java prints it.
                "reason": f"[{', '.join(reasons)}]",
            }

    def _quotas(self, query: Query) -> Answer:
        granted, role = self.parts.holdings.granted, query.get("role")
        return as_json(
            {
                name: {
                    "cpu_cores": usage.cpu,
                    "ram_mb": int(usage.ram_mb),
                    "disk_mb": int(usage.disk_mb),
                }
                for name, quota in granted.items()
                if role in (None, name)
                for usage in (of_aggregate(quota),)
            }
        )

    def _tiers(self, _: Query) -> Answer:
        rules = self.parts.rules
        tiers = {
            name: {"preemptible": tier.preemptible, "revocable": tier.revocable}
            for name, tier in rules.tiers.items()
        }
        return as_json({"default": rules.default_tier, "tiers": tiers})

    def _vars(self, _: Query) -> Answer:
        lines = sorted(f"{name} {value}" for name, value in self._figures().items())
        return as_text("\n".join(lines))

    def _vars_json(self, _: Query) -> Answer:
        return as_json(self._figures())

    def _figures(self) -> dict[str, int]:
        return {
            "framework_registered": 1,
            "outstanding_offers": len(self.parts.offers.held),
            **{f"scheduler_lifecycle_{state}": int(state == "ACTIVE") for state in LIFE},
            **self.parts.counters.figures(),
        }


def _attributes(attributes: Mapping[str, str]) -> str:
    return ", ".join(f"{name}=[{value}]" for name, value in sorted(attributes.items()))


# --- offers, as Mesos tells them


def _offer(offer: Offer, agent: Agent) -> dict[str, Any]:
    host = offer.host
    return {
        "id": {"value": offer_id(offer)},
        "framework_id": {"value": FRAMEWORK},
        "agent_id": {"value": agent_id(host.name)},
        "hostname": host.name,
        "resources": [
            _scalar("cpus", offer.room.free.cpu),
            _scalar("mem", offer.room.free.ram_mb),
            _scalar("disk", offer.room.free.disk_mb),
            _ports(agent.free_ports()),
        ],
        "attributes": [
            {"name": name, "type": "TEXT", "text": {"value": value}}
            for name, value in host.attributes.items()
        ],
        "executor_ids": [],
    }


def offer_id(offer: Offer) -> str:
    """Return how Mesos names an offer."""
    return f"00000000-0000-4000-8000-{offer.id:012x}"


def _scalar(name: str, amount: float) -> dict[str, Any]:
    return {"name": name, "type": "SCALAR", "scalar": {"value": amount}, "reservations": []}


def _ports(free: tuple[int, ...]) -> dict[str, Any]:
    ends = [i for i, (one, other) in enumerate(pairwise(free)) if other != one + 1]
    first = [0, *(i + 1 for i in ends)] if free else []
    last = [*ends, len(free) - 1] if free else []
    ranges = [{"begin": free[i], "end": free[j]} for i, j in zip(first, last, strict=True)]
    return {"name": "ports", "type": "RANGES", "ranges": {"range": ranges}, "reservations": []}
