"""The first run at a cluster that others have used before: what is theirs stays theirs."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.model.keys import JobPattern
from reconciler.model.plan import StartUpdate
from reconciler.plan.inputs import Orders
from reconciler.thrift import tjson
from reconciler.thrift.structs import (
    JobConfiguration,
    JobUpdateRequest,
    JobUpdateSettings,
    TaskConfig,
)
from tests.support.person import their_config
from tests.support.site import Site, decisions, reasons, service


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state")


def their_job(site: Site, name: str, role: str = "shop") -> None:
    config = their_config(name, role)
    job = JobConfiguration(key=config.job, taskConfig=config, instanceCount=2)
    site.cluster.by_hand("createJob", description=job)
    site.clock.pass_by(10)


def test_foreign_jobs_are_left_alone_and_counted(site: Site) -> None:
    their_job(site, "theirs")
    their_job(site, "others", role="another-team")
    before = site.cluster.tasks()
    site.declare(service("web"))
    ended = site.converge()
    assert ended.converged
    assert reasons(ended.report) == {
        "web": "Converged",
        "theirs": "Unmanaged",
        "others": "Unmanaged",
    }
    assert ended.report.rounds[0].plan.unmanaged == 2
    left = {t.assignedTask.taskId for t in site.cluster.tasks() if t.assignedTask is not None}
    assert {t.assignedTask.taskId for t in before if t.assignedTask is not None} <= left
    assert set(site.memory().owned) == {decisions(ended.report)["web"].key}


def test_job_that_differs_and_is_not_ours_is_held_until_it_is_adopted(site: Site) -> None:
    their_job(site, "web")
    site.declare(service("web"))
    held = site.converge()
    assert held.converged
    assert reasons(held.report) == {"web": "NotAdopted"}
    assert not site.memory().owned
    assert [c for c in site.cluster.writes if c.method == "startJobUpdate"] == []

    site.converge(Orders(adopt=(JobPattern.parse("web"),)))
    ended = site.converge()
    assert reasons(ended.report) == {"web": "Converged"}
    assert len(site.cluster.tasks("web")) == 3


def test_job_with_our_mark_becomes_ours_again_without_an_rpc(site: Site, tmp_path: Path) -> None:
    site.declare(service("web"))
    site.converge()
    written = len(site.cluster.writes)
    # Another installation, with no record, before a job without our mark.
    site.state = tmp_path / "another"
    first = site.step()
    assert reasons(first) == {"web": "Converged"}
    assert len(site.cluster.writes) == written
    assert site.memory().owned


def test_unmarked_job_that_is_equal_is_adopted(site: Site) -> None:
    """Somebody else's client made it as we would: it has no mark, and another owner."""
    site.declare(service("web"))
    act = site.preview().rounds[0].plan.acts()[0]
    assert isinstance(act.action, StartUpdate)
    config = tjson.decode(TaskConfig, act.action.config.wire)
    plain = replace(config, metadata=())
    request = JobUpdateRequest(
        taskConfig=plain,
        instanceCount=3,
        settings=JobUpdateSettings(updateGroupSize=3, minWaitInInstanceRunningMs=0),
    )
    site.cluster.by_hand("startJobUpdate", request=request, message=None)
    site.clock.pass_by(30)
    written = len(site.cluster.writes)
    first = site.step()
    assert reasons(first) == {"web": "Adopted"}
    assert len(site.cluster.writes) == written
    assert site.memory().owned
    assert reasons(site.step()) == {"web": "Converged"}


def test_preview_sends_nothing_and_leaves_no_trace(site: Site) -> None:
    their_job(site, "theirs")
    site.declare(service("web"))
    report = site.preview()
    assert report.preview
    assert reasons(report) == {"web": "Absent", "theirs": "Unmanaged"}
    assert site.cluster.writes == []
    assert not site.state.exists()


def test_plan_that_a_person_does_not_consent_to_is_not_carried_out(site: Site) -> None:
    site.declare(service("web"))
    report = site.step(consent=lambda _: False)
    assert report.preview
    assert site.cluster.writes == []
    assert not site.memory().owned
