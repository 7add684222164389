"""A small Aurora 0.27: its calls, its update engine, its cron, its hosts and tasks.

Time is virtual and moves with `advance`. Everything that it is can be dumped and restored, what is
due included. Deliberately not imitated: elections, the persistence of Aurora itself, webhooks,
SLA statistics, Mesos maintenance, and what the docstrings of the parts name.
"""

import inspect
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.standin import saved
from reconciler.standin.admin_calls import AdminCalls
from reconciler.standin.answers import Told
from reconciler.standin.configs import Rules
from reconciler.standin.hosts import Host
from reconciler.standin.pages import Pages
from reconciler.standin.parts import Parts, put_together
from reconciler.standin.reads import Reads
from reconciler.standin.refusal import Refusal, Unwritable
from reconciler.standin.update_calls import UpdateCalls
from reconciler.standin.web import Answer
from reconciler.standin.world import World
from reconciler.standin.writes import Writes
from reconciler.thrift.calls import METHODS, READ_ONLY_METHODS
from reconciler.thrift.structs import (
    ResourceAggregate,
    Response,
    ResponseCode,
    ResponseDetail,
    Result,
    ServerInfo,
)


class Aurora:
    """One scheduler with its cluster. `writes` counts the calls that changed something."""

    def __init__(
        self,
        name: str,
        hosts: Iterable[Host],
        now_ms: int,
        chance: random.Random | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.name = name
        self.writes = 0
        self._parts = put_together(World(now_ms, chance or random.Random(0)), rules or Rules())
        self._handlers = _handlers(self._parts)
        self._parts.maintenance.begin()
        self._parts.placement.begin()
        self._parts.history.begin()
        self._parts.reconciliation.begin()
        self.set_hosts(hosts)

    # --- calls

    def call(self, method: str, args: Mapping[str, Any], user: str) -> Response:
        """Answer a call, and let everything happen that it sets off at this moment.

        Raises Unwritable where Aurora cannot write its answer.
        """
        try:
            told = self._handlers[method](args, user)
        except Refusal as refusal:
            return self._response(refusal.code, refusal.message, refusal.result, refused=True)
        except Unwritable:
            raise
        except Exception as fault:
            # As in Aurora, whatever goes wrong within a call is an answer to it.
            words = f"{type(fault).__name__}: {fault}"
            return self._response(ResponseCode.ERROR, words, None, refused=True)
        finally:
            self._parts.world.settle()
        if method not in READ_ONLY_METHODS:
            self.writes += 1
        return self._response(ResponseCode.OK, told.message, told.result, refused=False)

    def page(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """Return a page, most of them JSON; None if there is no such page."""
        return Pages(self.name, self._parts).answer(path, query)

    def _response(
        self, code: ResponseCode, message: str | None, result: Result | None, *, refused: bool
    ) -> Response:
        details = (ResponseDetail(message=message),) if refused or message is not None else ()
        info = ServerInfo(clusterName=self.name, statsUrlPrefix="")
        return Response(responseCode=code, serverInfo=info, result=result, details=details)

    # --- time and the cluster

    @property
    def now_ms(self) -> int:
        return self._parts.world.now_ms

    @property
    def work(self) -> int:
        """Return a measure of all that ever happened; it grows with everything that does."""
        return self._parts.world.sequence

    @property
    def rules(self) -> Rules:
        return self._parts.rules

    @property
    def hosts(self) -> tuple[Host, ...]:
        return tuple(agent.host for agent in self._parts.agents.all.values())

    @property
    def parts(self) -> Parts:
        """Return what it consists of: to look at. Whoever moves a part lets the world settle."""
        return self._parts

    def quota(self, role: str) -> ResourceAggregate:
        """Return the quota of a role; one that was never set is zero."""
        return self._parts.holdings.quota(role)

    def advance(self, now_ms: int) -> None:
        """Let everything happen that is due until then."""
        self._parts.world.advance(now_ms)

    def set_hosts(self, hosts: Iterable[Host]) -> None:
        """Have these hosts and no others; one that is no longer named is lost."""
        self._parts.agents.set_hosts(hosts)
        self._parts.world.settle()

    def set_quota(self, role: str, quota: ResourceAggregate) -> None:
        """Give a role a quota, whatever it uses."""
        self._parts.holdings.granted[role] = quota

    def lose_host(self, name: str) -> None:
        """Lose an agent with its tasks."""
        self._parts.agents.lose_host(name)
        self._parts.world.settle()

    def return_host(self, name: str) -> None:
        self._parts.agents.return_host(name)
        self._parts.world.settle()

    def partition_host(self, name: str) -> None:
        """Lose sight of the tasks of an agent, which run on."""
        self._parts.agents.partition_host(name)
        self._parts.world.settle()

    def heal_host(self, name: str) -> None:
        self._parts.agents.heal_host(name)
        self._parts.world.settle()

    def fail_task(self, task_id: str, message: str) -> None:
        """Let a task fail now, in these words."""
        self._parts.agents.fail(task_id, message)
        self._parts.world.settle()

    # --- keeping it

    def dump(self) -> Any:
        """Return everything as data that JSON can hold."""
        return {"name": self.name, "writes": self.writes, **saved.dump(self._parts)}

    @classmethod
    def restore(cls, state: Any, now_ms: int, rules: Rules | None = None) -> "Aurora":
        """Return the Aurora that was dumped, as it has become since; under other rules, if any."""
        aurora = cls.__new__(cls)
        aurora.name, aurora.writes = state["name"], state["writes"]
        aurora._parts = saved.load(state, rules)
        aurora._handlers = _handlers(aurora._parts)
        aurora.advance(now_ms)
        return aurora


Handle = Callable[[Mapping[str, Any], str], Told]


def _handlers(parts: Parts) -> Mapping[str, Handle]:
    """Return what answers each call."""
    p = parts
    writes = Writes(p.tasks, p.updates, p.crons, p.lifecycle, p.holdings, p.rules)
    answering = (
        Reads(p.tasks, p.updates, p.crons, p.reasons, p.holdings, p.rules),
        writes,
        UpdateCalls(p.tasks, p.updates, p.crons, p.rolling, p.holdings, writes, p.rules),
        AdminCalls(p.maintenance, p.reconciliation),
    )
    return {
        method: _handle(getattr(part, method))
        for method in METHODS
        for part in answering
        if hasattr(part, method)
    }


def _handle(call: Callable[..., Told]) -> Handle:
    """Give a call its arguments, and who asks if it wants to know."""
    if "user" in inspect.signature(call).parameters:
        return lambda args, user: call(**args, user=user)
    return lambda args, _: call(**args)
