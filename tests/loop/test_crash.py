"""A kill at every point where something reaches the disk or the scheduler, and a fresh start.

Nothing may be done twice, nothing forgotten. Every position is tried, one after the other, and in
each the process also dies once more while it starts anew.
"""

from collections import Counter
from pathlib import Path

import pytest

from reconciler.plan.inputs import Orders
from reconciler.thrift.structs import JobUpdateQuery
from tests.support.cluster import Crash, Died, Fault, Once
from tests.support.site import Site, cron, reasons, service


def a_site(path: Path) -> Site:
    """One service to change, one to create, one to remove, and a template of each."""
    site = Site(path / "state")
    site.declare(service("web"), service("old"), cron("nightly"))
    assert site.converge().converged
    site.declare(service("web", version='"2"'), service("api"), cron("hourly"))
    site.cluster.calls.clear()
    return site


def updates(site: Site) -> Counter[str]:
    found = site.cluster.by_hand("getJobUpdateSummaries", jobUpdateQuery=JobUpdateQuery()).result
    assert found is not None
    assert found.getJobUpdateSummariesResult is not None
    keys = [s.key for s in found.getJobUpdateSummariesResult.updateSummaries or ()]
    return Counter(key.job.name or "" for key in keys if key is not None and key.job is not None)


def what_it_comes_to(site: Site) -> dict[str, object]:
    """Return everything that must be the same however often we died on the way."""
    decided = reasons(site.step())
    memory = site.memory()
    return {
        "decisions": decided,
        "tasks": [
            (t.assignedTask.task.job.name, t.assignedTask.instanceId)
            for t in site.cluster.tasks()
            if t.assignedTask and t.assignedTask.task and t.assignedTask.task.job
        ],
        "updates": updates(site),
        "owned": sorted(key.name for key in memory.owned),
        "intents": memory.intents,
        "quarantined": memory.quarantined,
        "absences": memory.absences,
    }


def points(path: Path) -> int:
    site = a_site(path)
    site.crash = Crash()
    assert site.converge().converged
    return site.crash.points


def killed(site: Site, at: int) -> bool:
    """Run until it dies there; return whether it got so far."""
    site.crash = Crash(at)
    try:
        site.converge()
    except Died:
        return True
    finally:
        site.crash = Crash()
    return False


@pytest.mark.slow
def test_a_kill_at_any_point_neither_repeats_an_act_nor_forgets_one(tmp_path: Path) -> None:
    untouched = a_site(tmp_path / "untouched")
    assert untouched.converge().converged
    expected = what_it_comes_to(untouched)
    assert expected["updates"] == {"web": 2, "old": 1, "api": 1}
    count = points(tmp_path / "counted")
    assert count > 40
    for at in range(1, count + 1):
        site = a_site(tmp_path / f"at-{at}")
        assert killed(site, at)
        killed(site, 1 + at % 7)
        assert site.converge().converged, at
        assert what_it_comes_to(site) == expected, at


def test_kill_between_intent_and_reply_is_resolved_by_the_token(tmp_path: Path) -> None:
    """The start was carried out, and the process died before it heard of it."""
    site = Site(tmp_path / "state")
    site.declare(service("web"))
    last = 0
    while killed(site, last + 1) and not site.cluster.writes:
        last += 1
        site = Site(tmp_path / f"state-{last}")
        site.declare(service("web"))
    (call,) = site.cluster.writes
    assert call.method == "startJobUpdate"
    assert site.memory().intents
    assert not site.memory().owned
    # `writes` counts the call before it is carried out: one point later, it was.
    site = Site(tmp_path / "after")
    site.declare(service("web"))
    assert killed(site, last + 2)
    assert len(site.cluster.tasks("web")) == 3
    assert site.converge().converged
    assert updates(site) == {"web": 1}
    assert [key.name for key in site.memory().owned] == ["web"]
    assert not site.memory().intents


def died(site: Site, at: int) -> bool:
    site.crash = Crash(at)
    try:
        site.step()
    except Died:
        return True
    finally:
        site.crash = Crash()
    return False


def test_act_that_nobody_lived_to_tell_of_is_told_by_history_as_it_was_found(
    tmp_path: Path,
) -> None:
    told = set()
    for at in range(1, 40):
        site = Site(tmp_path / str(at))
        site.declare(service("web"))
        if not died(site, at):
            break
        sent, known = len(site.cluster.writes), site.history("web")
        site.step()
        if not known and site.history("web"):
            told.add((sent, site.history("web")[0]))
    assert told == {
        (0, ("StartUpdate", "found not carried out")),
        (0, ("StartUpdate", "Applied")),
        (1, ("StartUpdate", "found carried out")),
        (1, ("StartUpdate", "found not carried out")),
    }


LOST: dict[str, tuple[Fault, list[tuple[str, str]]]] = {
    "on the way there": (
        Fault.LOST_REQUEST,
        [
            ("KillTasks", "Indeterminate"),
            ("KillTasks", "looked at again"),
            ("KillTasks", "Applied"),
        ],
    ),
    "on the way back": (
        Fault.LOST_REPLY,
        [("KillTasks", "Indeterminate"), ("KillTasks", "found carried out")],
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_history_tells_what_was_found_of_a_kill_whose_reply_was_lost(
    name: str, tmp_path: Path
) -> None:
    fault, told = LOST[name]
    site = Site(tmp_path)
    site.declare(service("web"), service("old"))
    assert site.converge().converged
    site.declare(service("web"), service("old", instances=0))
    site.cluster.befall = Once(fault, "killTasks")
    site.converge(Orders(approve=frozenset({site.preview().rounds[0].plan.digest})))
    assert site.history("old")[-len(told) :] == told
