"""What a role's quota allows of a plan, as Aurora's QuotaManager will reckon it.

Only production jobs are charged, and none that asks for dedicated hosts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.model.keys import JobKey
from reconciler.model.live import LiveJob, LiveSnapshot, Quota, Unknown
from reconciler.model.plan import (
    APPROVABLE,
    Act,
    Decision,
    Hold,
    KillTasks,
    Reason,
    ScheduleCron,
    StartUpdate,
    coming,
)
from reconciler.model.rendered import RenderedJob
from reconciler.model.task import CanonicalTask
from reconciler.plan.gates import held, judged

# An embedded cluster has its quotas from its document.
MORE_QUOTA = (
    "ask for less, or raise the role's quota (aurora_admin set_quota; of an embedded cluster,"
    " spec.embedded.quotas of its document)"
)


@dataclass(frozen=True, slots=True)
class Need:
    """Cores, MiB of RAM and MiB of disk."""

    cpu: float = 0.0
    ram_mb: float = 0.0
    disk_mb: float = 0.0

    def __add__(self, other: "Need") -> "Need":
        return Need(self.cpu + other.cpu, self.ram_mb + other.ram_mb, self.disk_mb + other.disk_mb)

    def times(self, count: int) -> "Need":
        """Return what so many instances need."""
        return Need(self.cpu * count, self.ram_mb * count, self.disk_mb * count)

    def beyond(self, other: "Need") -> "Need":
        """Return how much more than `other` this is, per resource, never negative."""
        return Need(
            max(self.cpu - other.cpu, 0.0),
            max(self.ram_mb - other.ram_mb, 0.0),
            max(self.disk_mb - other.disk_mb, 0.0),
        )


def within_quota(
    decisions: Iterable[Decision], wanted: Mapping[JobKey, RenderedJob], snapshot: LiveSnapshot
) -> tuple[Decision, ...]:
    """Check what comes against the roles' quotas, in the order in which it will be sent.

    Each alone may fit and all together not: an update is charged max(old, new) per resource
    (QuotaManager), and what an earlier act takes is gone for a later one. Workers that wait for
    their master are charged, too, and hold it: else they would be left behind by a new master.
    """
    told = tuple(decisions)
    ledger = _Ledger(snapshot, {}, _freed(told, snapshot))
    judged: dict[JobKey, Decision] = {}
    for decision in told:
        act = decision if isinstance(decision, Act) else _waiting(decision)
        if act is not None:
            over = ledger.charge(act, wanted.get(act.key))
            judged[act.key] = decision if over is None else over
    short = {wanted[key].desired.spec.master: d for key, d in judged.items() if _is_short(d)}
    return tuple(_with_workers(judged.get(d.key, d), short) for d in told)


def _waiting(decision: Decision) -> Act | None:
    if isinstance(decision, Hold) and decision.reason is Reason.MASTER_NOT_SETTLED:
        return decision.wanted
    return None


def _is_short(decision: Decision) -> bool:
    return isinstance(decision, Hold) and decision.reason is Reason.OVER_QUOTA


def _with_workers(decision: Decision, short: Mapping[JobKey | None, Decision]) -> Decision:
    """Hold a master whose workers are held for want of quota."""
    workers = short.get(decision.key)
    if not isinstance(decision, Act) or not isinstance(workers, Hold):
        return decision
    return held(decision, workers.reason, f"{workers.key}: {workers.detail}", workers.release)


def _freed(decisions: Iterable[Decision], snapshot: LiveSnapshot) -> dict[str, Need]:
    """Return what the kills of a plan give back to each role, once they are carried out."""
    freed: dict[str, Need] = {}
    for act in map(coming, decisions):
        live = snapshot.jobs.get(act.key) if act is not None else None
        if act is not None and live is not None and isinstance(act.action, KillTasks):
            ids = frozenset(act.action.only)
            freed[act.key.role] = freed.get(act.key.role, Need()) + _falling(live, ids)
    return freed


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What is taken and given back so far, by role."""

    snapshot: LiveSnapshot
    taken: dict[str, Need]
    freed: Mapping[str, Need]

    def charge(self, act: Act, wanted: RenderedJob | None) -> Hold | None:
        """Take what the act needs, or return the hold of one for which there is too little."""
        role, more = act.key.role, _more(judged(act), wanted, self.snapshot)
        if more is None:
            return None
        quota = self.snapshot.quotas.get(role)
        if not isinstance(quota, Quota):
            return _unread(act, quota)
        before = self.taken.get(role, Need())
        total = Need(quota.cpu_used, quota.ram_mb_used, quota.disk_mb_used) + before + more
        has = Need(quota.cpu, quota.ram_mb, quota.disk_mb)
        lack = total.beyond(has)
        if lack != Need() and total.beyond(has + self.freed.get(role, Need())) != Need():
            return _over(act, has, lack)
        self.taken[role] = before + more
        return None if lack == Need() else _after_kills(act, lack)


def _unread(act: Act, quota: Unknown | None) -> Hold:
    why = quota.why if quota is not None else "it was not asked"
    detail = f"the quota of role {act.key.role}: {why}"
    return held(act, Reason.LIVE_UNKNOWN, detail, "")


def charged(act: Act, wanted: RenderedJob | None) -> bool:
    """Return whether Aurora checks this act against the role's quota: production, not dedicated."""
    if wanted is None or not wanted.production or _is_dedicated(wanted.config.task.value()):
        return False
    return isinstance(judged(act).action, StartUpdate | ScheduleCron)


def _is_dedicated(task: Mapping[str, object]) -> bool:
    """Return whether a task asks for dedicated hosts: no quota limits these (QuotaManager)."""
    constraints = task.get("constraints")
    return isinstance(constraints, dict) and "dedicated" in constraints


def _more(act: Act, wanted: RenderedJob | None, snapshot: LiveSnapshot) -> Need | None:
    if wanted is None or not charged(act, wanted):
        return None
    each, live = _each(wanted), snapshot.jobs.get(act.key)
    match act.action:
        case StartUpdate(only=only):
            rising = each.times(len(set(only) & set(range(act.action.instances))))
            return rising.beyond(_falling(live, frozenset(only)))
        case ScheduleCron(instances=instances):
            template = live.cron if live is not None else None
            before = _production(template.config.task, template.instances) if template else Need()
            return each.times(instances).beyond(before)
        case _:
            return None


def _each(wanted: RenderedJob) -> Need:
    r = wanted.desired.spec.resources
    return Need(r.cpu, r.ram_mb, r.disk_mb)


def _falling(live: LiveJob | None, scope: frozenset[int]) -> Need:
    """Return what the instances within the scope are charged now."""
    total = Need()
    for group in (live.groups if live is not None else None) or ():
        total += _production(group.config.task, len(scope & set(group.instances)))
    return total


def _production(task: CanonicalTask, count: int) -> Need:
    value = task.value()
    resources = value.get("resources")
    is_shared = value.get("production") and not _is_dedicated(value)
    if not is_shared or not isinstance(resources, dict):
        return Need()
    return Need(
        float(resources.get("cpu", 0)),
        float(resources.get("ram_mb", 0)),
        float(resources.get("disk_mb", 0)),
    ).times(count)


def _after_kills(act: Act, lack: Need) -> Hold:
    detail = f"role {act.key.role} lacks {_amounts(lack)} until other jobs of this plan are gone"
    return held(act, Reason.QUOTA_TAKEN, detail, "")


def without_kills(decision: Decision, decided: Mapping[JobKey, Decision]) -> Decision:
    """What waits for kills waits for a person, once the guard holds one of these."""
    if not isinstance(decision, Hold) or decision.reason is not Reason.QUOTA_TAKEN:
        return decision
    role = decision.key.role
    guarded = (d for d in decided.values() if isinstance(d, Hold) and d.key.role == role)
    kills = [d for d in guarded if d.wanted and isinstance(d.wanted.action, KillTasks)]
    if not any(d.reason in APPROVABLE for d in kills):
        return decision
    return replace(decision, reason=Reason.OVER_QUOTA, release=MORE_QUOTA)


def _over(act: Act, has: Need, lack: Need) -> Hold:
    role = act.key.role
    detail = f"role {role} lacks {_amounts(lack)}"
    if has == Need():
        detail += ": it has no quota"
    return held(act, Reason.OVER_QUOTA, detail, MORE_QUOTA)


def _amounts(need: Need) -> str:
    parts = (
        (need.cpu, "core" if need.cpu == 1 else "cores"),
        (need.ram_mb, "MiB RAM"),
        (need.disk_mb, "MiB disk"),
    )
    return ", ".join(f"{amount:g} {unit}" for amount, unit in parts if amount)
