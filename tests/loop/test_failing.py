"""What failed in the last rounds, as it is written down for whoever asks later."""

from pathlib import Path

import pytest

from reconciler.loop.failing import failing as after
from reconciler.loop.failing import of_source
from reconciler.model.round import Failing, FaultKind, RoundReport
from reconciler.model.tree import Revision
from reconciler.record.store import Record
from tests.support.builders import NOW
from tests.support.cluster import Fault, always_on, never
from tests.support.site import NAME, Site, service


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.declare(service("web"))
    return site


def failing(site: Site) -> list[tuple[str, str, int]]:
    """Return kind, scope and rounds of all that fails."""
    return [(f.fault.kind.value, f.fault.scope, f.rounds) for f in recorded(site)]


def recorded(site: Site) -> tuple[Failing, ...]:
    with Record(site.state, site.clock.now(), writing=False) as record:
        return record.failing()


def test_good_round_fails_in_nothing(site: Site) -> None:
    site.step()
    assert recorded(site) == ()


def test_scheduler_that_is_silent_counts_until_it_answers(site: Site) -> None:
    site.cluster.befall = always_on(Fault.UNREACHABLE)
    began = site.clock.now()
    site.step()
    site.clock.wait(60)
    site.step()
    (found,) = recorded(site)
    assert (found.fault.kind, found.fault.scope) == (FaultKind.SCHEDULER, NAME)
    assert "cannot be reached" in found.fault.message
    assert found.rounds == 2
    assert began <= found.since < found.at
    assert (found.at - found.since).total_seconds() >= 60
    site.cluster.befall = never
    site.step()
    assert recorded(site) == ()


def test_tree_that_cannot_be_read_hides_no_cluster_that_failed_before(site: Site) -> None:
    site.cluster.befall = always_on(Fault.UNREACHABLE)
    site.step()
    site.tree.error = "no such ref"
    site.step()
    site.step()
    assert failing(site) == [("scheduler", NAME, 1), ("source", "", 2)]
    site.tree.error = None
    site.step()
    assert failing(site) == [("scheduler", NAME, 2)]


def test_acts_of_which_none_is_taken_are_told_with_what_the_scheduler_said(site: Site) -> None:
    site.cluster.befall = always_on(Fault.DENIED, "startJobUpdate")
    site.step()
    (found,) = recorded(site)
    assert (found.fault.kind, found.fault.scope, found.rounds) == (FaultKind.ACTS, NAME, 1)
    assert "wants a login, and got none" in found.fault.message
    site.cluster.befall = never
    site.step()
    assert recorded(site) == ()


def test_acts_that_nobody_got_to_send_were_not_refused(site: Site) -> None:
    with site.rounds() as rounds:
        rounds.step(site.clock.now(), lambda _: True, site.events.append, lambda: True)
    assert recorded(site) == ()


def test_plan_that_a_person_declined_is_no_failure_and_ends_none(site: Site) -> None:
    site.tree.error = "no such ref"
    site.step()
    site.tree.error = None
    site.step(consent=lambda _: False)
    assert failing(site) == [("source", "", 1)]


def test_cluster_that_was_left_alone_fails_as_before(tmp_path: Path) -> None:
    site = Site(tmp_path, "eu1", "us1")
    for cluster in site.clusters.values():
        cluster.befall = always_on(Fault.UNREACHABLE)
    site.step()
    assert failing(site) == [("scheduler", "eu1", 1), ("scheduler", "us1", 1)]
    nothing = RoundReport(NOW, Revision("r"), (), ())
    alone = after(recorded(site), nothing, NOW, "eu1")
    assert [(f.fault.scope, f.rounds) for f in alone] == [("us1", 1)]
    assert after(recorded(site), nothing, NOW) == ()
    site.clusters["eu1"].befall = never
    site.step()
    assert failing(site) == [("scheduler", "us1", 2)]


def test_run_that_comes_to_no_round_counts_on() -> None:
    once = of_source((), "no such directory", NOW)
    (found,) = of_source(once, "no such directory", NOW)
    assert (found.fault.kind, found.rounds) == (FaultKind.SOURCE, 2)
