"""What people do to our updates, and updates that come to no good."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.loop.round import always
from reconciler.model.keys import JobPattern
from reconciler.model.outcome import Deferred
from reconciler.model.plan import Hold, Reason
from reconciler.plan.inputs import Orders
from reconciler.record.store import Record
from reconciler.thrift.calls import Call
from reconciler.thrift.structs import (
    InstanceKey,
    JobKey,
    JobUpdateKey,
    JobUpdateQuery,
    JobUpdateRequest,
    JobUpdateSettings,
    JobUpdateStatus,
    JobUpdateSummary,
)
from tests.support.cluster import Crash, Died
from tests.support.person import their_config
from tests.support.site import Site, cron, decisions, reasons, service

WEB = JobKey(role="shop", environment="prod", name="web")
FAILING = {"fail_ms": 700}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state")


@pytest.fixture
def running(site: Site) -> Site:
    site.declare(service("web"), service("api"))
    assert site.converge().converged
    site.cluster.calls.clear()
    return site


def updates(site: Site) -> tuple[JobUpdateSummary, ...]:
    """Return the job's updates, newest first."""
    query = JobUpdateQuery(jobKey=WEB)
    found = site.cluster.by_hand("getJobUpdateSummaries", jobUpdateQuery=query).result
    assert found is not None
    assert found.getJobUpdateSummariesResult is not None
    return found.getJobUpdateSummariesResult.updateSummaries or ()


def newest(site: Site) -> JobUpdateKey:
    key = updates(site)[0].key
    assert key is not None
    return key


def status(site: Site) -> JobUpdateStatus | None:
    state = updates(site)[0].state
    return state.status if state is not None else None


def started(site: Site) -> int:
    return sum(call.method == "startJobUpdate" for call in site.cluster.writes)


def roll(site: Site) -> None:
    """Start a change that takes long, and stop watching it in the middle."""
    site.declare(service("web", version='"2"', sim={"run_ms": 20_000}), service("api"))
    site.step()
    site.clock.pass_by(1)
    site.cluster.calls.clear()


def hold(site: Site) -> Hold:
    found = decisions(site.converge().report)["web"]
    assert isinstance(found, Hold)
    return found


def test_update_that_a_person_paused_is_held_and_says_who(running: Site) -> None:
    roll(running)
    running.cluster.by_hand("pauseJobUpdate", key=newest(running), message="lunch", user="alice")
    held = hold(running)
    assert held.reason is Reason.PAUSED
    assert "alice" in held.detail
    assert "lunch" in held.detail
    assert running.cluster.writes == []
    running.cluster.by_hand("resumeJobUpdate", key=newest(running), message=None)
    ended = running.converge()
    assert reasons(ended.report)["web"] == "Converged"
    assert running.cluster.writes == []


def test_job_whose_update_a_person_paused_is_not_removed(running: Site) -> None:
    roll(running)
    running.cluster.by_hand("pauseJobUpdate", key=newest(running), message="lunch", user="alice")
    running.declare(service("api"))
    running.watch(200)
    held = hold(running)
    assert held.reason is Reason.PAUSED
    assert "alice" in held.detail
    assert running.cluster.writes == []
    running.cluster.by_hand("abortJobUpdate", key=newest(running), message=None)
    running.watch(200)
    assert running.cluster.tasks("web") == ()


def test_update_that_rolls_says_first_how_far_it_is(running: Site) -> None:
    roll(running)
    found = decisions(running.preview())["web"]
    assert found.reason is Reason.UPDATE_IN_FLIGHT
    assert re.fullmatch(
        r"\d of 3 tasks running, rolling since 2026-11-24 03:00:\d\dZ", found.detail
    )


def test_update_that_a_person_aborted_is_not_started_again(running: Site) -> None:
    roll(running)
    running.cluster.by_hand("abortJobUpdate", key=newest(running), message="no!", user="alice")
    held = hold(running)
    assert held.reason is Reason.ABORTED
    assert "alice" in held.detail
    assert "--retry dev/shop/prod/web" in held.release
    running.clock.pass_by(3600)
    assert hold(running).reason is Reason.ABORTED
    assert running.cluster.writes == []


def test_aborted_update_goes_on_when_a_person_releases_it(running: Site) -> None:
    roll(running)
    running.cluster.by_hand("abortJobUpdate", key=newest(running), message=None)
    assert hold(running).reason is Reason.ABORTED
    running.converge(Orders(retry=(JobPattern.parse("web"),)))
    assert reasons(running.converge().report)["web"] == "Converged"


def test_aborted_update_is_forgotten_when_another_spec_is_declared(running: Site) -> None:
    roll(running)
    running.cluster.by_hand("abortJobUpdate", key=newest(running), message=None)
    assert hold(running).reason is Reason.ABORTED
    running.declare(service("web", version='"3"'), service("api"))
    assert reasons(running.converge().report)["web"] == "Converged"


def test_update_that_somebody_else_started_is_left_alone(running: Site) -> None:
    request = JobUpdateRequest(
        taskConfig=their_config("web"),
        instanceCount=3,
        settings=JobUpdateSettings(updateGroupSize=1, minWaitInInstanceRunningMs=20_000),
    )
    running.cluster.by_hand("startJobUpdate", request=request, message=None, user="alice")
    held = hold(running)
    assert held.reason is Reason.FOREIGN_UPDATE
    assert "alice" in held.detail
    assert running.cluster.writes == []
    # Once it has ended the job differs from what is declared, and is brought back.
    running.clock.pass_by(300)
    assert reasons(running.converge().report)["web"] == "Converged"


def test_update_to_an_older_spec_makes_way_for_the_newer(running: Site) -> None:
    roll(running)
    running.declare(service("web", version='"3"'), service("api"))
    ended = running.converge()
    assert reasons(ended.report)["web"] == "Converged"
    assert [call.method for call in running.cluster.writes] == ["abortJobUpdate", "startJobUpdate"]
    told = [u.state.status for u in updates(running) if u.state is not None]
    assert told[:2] == [JobUpdateStatus.ROLLED_FORWARD, JobUpdateStatus.ABORTED]


def test_abort_of_ours_is_not_taken_for_a_persons(running: Site) -> None:
    """It was read in a round that had no reason to ask who had done it."""
    roll(running)
    rolling = dict(running.tree.files)
    running.declare(service("web", version='"3"'), service("api"))
    running.crash = Crash(6)  # after the abort, before its outcome is written down
    with pytest.raises(Died):
        running.step()
    running.crash = Crash()
    assert [call.method for call in running.cluster.writes] == ["abortJobUpdate"]
    running.tree.files["shop/doc-0.yaml"] += "  nonsense: 1\n"
    assert reasons(running.step())["web"] == "Invalid"
    running.tree.files = rolling
    assert reasons(running.converge().report)["web"] == "Converged"


def test_update_that_a_person_rolled_back_waits_for_a_person_and_names_him(running: Site) -> None:
    roll(running)
    running.cluster.by_hand("rollbackJobUpdate", key=newest(running), message="too slow")
    held = hold(running)
    assert held.reason is Reason.ABORTED
    assert re.search(r'is ROLLED_BACK, by bob at .* \("too slow"\)$', held.detail)
    assert held.release == "--retry dev/shop/prod/web, or declare another spec"
    assert status(running) is JobUpdateStatus.ROLLED_BACK
    assert running.cluster.writes == []
    running.watch(600)
    assert hold(running).detail == held.detail
    assert running.cluster.writes == []
    retry = Orders(retry=(JobPattern.parse("web"),))
    assert reasons(running.converge(retry).report)["web"] == "Converged"


# --- updates that fail


def test_update_that_fails_rolls_back_and_is_not_tried_again(running: Site) -> None:
    running.declare(service("web", version='"2"', sim=FAILING), service("api"))
    held = hold(running)
    assert held.reason is Reason.QUARANTINED
    assert status(running) is JobUpdateStatus.ROLLED_BACK
    assert started(running) == 1
    running.watch(3600, interval_s=120)
    assert started(running) == 1
    assert reasons(running.step())["web"] == "Quarantined"
    assert [t.status.name for t in running.cluster.tasks("web") if t.status] == ["RUNNING"] * 3


def test_quarantine_ends_with_another_spec(running: Site) -> None:
    running.declare(service("web", version='"2"', sim=FAILING), service("api"))
    assert hold(running).reason is Reason.QUARANTINED
    running.declare(service("web", version='"3"'), service("api"))
    assert reasons(running.converge().report)["web"] == "Converged"
    assert not running.memory().quarantined


def test_word_to_try_again_is_for_once(running: Site) -> None:
    running.declare(service("web", version='"2"', sim=FAILING), service("api"))
    assert hold(running).reason is Reason.QUARANTINED
    ended = running.converge(Orders(retry=(JobPattern.parse("web"),)))
    assert reasons(ended.report)["web"] == "Quarantined"
    assert started(running) == 2


def test_quarantine_outlives_the_record(running: Site, tmp_path: Path) -> None:
    """Aurora's own history of updates tells what failed."""
    running.declare(service("web", version='"2"', sim=FAILING), service("api"))
    assert hold(running).reason is Reason.QUARANTINED
    running.state = tmp_path / "another"
    assert reasons(running.step())["web"] == "Quarantined"
    running.watch(600)
    assert reasons(running.step())["web"] == "Quarantined"
    assert started(running) == 1


def test_first_version_that_fails_stays_visible_and_is_not_restarted(site: Site) -> None:
    site.declare(service("web", sim=FAILING), service("api"))
    ended = site.converge()
    assert reasons(ended.report) == {"web": "Quarantined", "api": "Converged"}
    assert status(site) is JobUpdateStatus.FAILED
    assert started(site) == 2
    site.watch(3600, interval_s=120)
    assert started(site) == 2


def test_first_version_that_never_gets_up_is_given_up_at_its_deadline(site: Site) -> None:
    site.declare(service("web", sim={"run_ms": -1}), service("api"))
    began = site.clock.monotonic()
    ended = site.converge()
    assert reasons(ended.report) == {"web": "Quarantined", "api": "Converged"}
    assert 600 < site.clock.monotonic() - began < 900
    assert status(site) is JobUpdateStatus.ABORTED
    assert len(site.cluster.tasks("web")) == 3
    site.watch(3600, interval_s=120)
    assert started(site) == 2


def test_first_version_that_was_given_up_is_known_when_it_is_declared_again(site: Site) -> None:
    """No update rolled back: only our own words in Aurora's history tell of it."""
    stuck = service("web", sim={"run_ms": -1})
    site.declare(stuck, service("api"))
    assert reasons(site.converge().report)["web"] == "Quarantined"
    site.declare(service("web", version='"2"', suspend="{by: ada, why: lunch}"), service("api"))
    assert reasons(site.converge().report)["web"] == "Suspended"
    assert not site.memory().quarantined
    site.declare(stuck, service("api"))
    assert reasons(site.converge().report)["web"] == "Quarantined"
    assert started(site) == 2


def test_change_that_never_gets_up_is_rolled_back_at_its_deadline(running: Site) -> None:
    running.declare(service("web", version='"2"', sim={"run_ms": -1}), service("api"))
    ended = running.converge()
    assert reasons(ended.report)["web"] == "Quarantined"
    assert status(running) is JobUpdateStatus.ROLLED_BACK
    assert [t.status.name for t in running.cluster.tasks("web") if t.status] == ["RUNNING"] * 3
    assert started(running) == 1


def test_update_without_room_waits_for_a_person_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path / "state", agents=1)
    site.declare(service("web", instances=40))
    ended = site.converge()
    assert ended.converged
    found = decisions(ended.report)["web"]
    assert isinstance(found, Hold)
    assert found.reason is Reason.NO_ROOM
    assert "Insufficient: CPU" in found.detail
    site.declare(service("web", instances=20))
    assert reasons(site.converge().report)["web"] == "Converged"


def test_instances_that_a_person_adds_during_the_last_look_are_not_removed(running: Site) -> None:
    """The look is two questions; what comes between them must be seen by the last."""
    added: list[str] = []

    def add(call: Call) -> None:
        about_web = call.method.startswith("getTasks") and call.args["query"].jobKeys == (WEB,)
        if about_web and not added:
            added.append(call.method)
            web = InstanceKey(jobKey=WEB, instanceId=0)
            running.cluster.by_hand("addInstances", key=web, count=2)

    running.declare(service("web", instances=2), service("api"))
    running.cluster.befall = add
    (outcome,) = running.step().rounds[0].outcomes
    assert added
    assert isinstance(outcome, Deferred)
    assert started(running) == 0


@pytest.mark.parametrize("declared", ["web", "new"])
def test_update_that_a_person_starts_during_the_last_look_is_not_overwritten(
    declared: str, running: Site
) -> None:
    """Nobody looks for it: Aurora itself refuses to start a second one."""
    job = JobKey(role="shop", environment="prod", name=declared)
    theirs = JobUpdateRequest(
        taskConfig=their_config(declared),
        instanceCount=3,
        settings=JobUpdateSettings(updateGroupSize=1, minWaitInInstanceRunningMs=20_000),
    )
    begun: list[str] = []

    def begin(call: Call) -> None:
        if call.method == "startJobUpdate" and not begun:
            begun.append(declared)
            running.cluster.by_hand("startJobUpdate", request=theirs, message=None, user="alice")

    kept = [service(name) for name in ("web", "api") if name != declared]
    running.declare(service(declared, version='"2"', instances=2), *kept)
    running.cluster.befall = begin
    (outcome,) = running.step().rounds[0].outcomes
    assert begun
    assert isinstance(outcome, Deferred)
    assert "another update of this job is active" in outcome.why
    found = running.cluster.by_hand(
        "getJobUpdateSummaries", jobUpdateQuery=JobUpdateQuery(jobKey=job)
    ).result
    assert found is not None
    assert found.getJobUpdateSummariesResult is not None
    (newest_, *_) = found.getJobUpdateSummariesResult.updateSummaries or ()
    assert newest_.user == "alice"


# --- a record that was lost


def test_lost_record_takes_our_jobs_by_their_marks_and_ends_none(
    running: Site, tmp_path: Path
) -> None:
    running.state = tmp_path / "another"
    running.declare(service("web"))
    first = running.step()
    assert reasons(first) == {"web": "Converged", "api": "RecordLost"}
    assert first.rounds[0].plan.by_mark == 2
    second = running.step()
    assert reasons(second) == {"web": "Converged", "api": "RecordLost"}
    assert second.rounds[0].plan.by_mark == 1
    running.watch(600)
    assert len(running.cluster.tasks("api")) == 3
    assert reasons(running.step())["api"] == "RecordLost"
    digest = running.preview().rounds[0].plan.digest
    running.converge(Orders(approve=frozenset({digest})))
    running.clock.pass_by(10)
    assert len(running.cluster.tasks("api")) == 0
    assert [key.name for key in running.memory().owned] == ["web"]


def test_lost_record_lets_nothing_of_ours_change_until_a_person_says_so(
    running: Site, tmp_path: Path
) -> None:
    """Keeps and creations go on; what differs waits, round after round, and then goes at once."""
    running.state = tmp_path / "another"
    running.declare(service("web", version='"2"'), service("api"), service("new"))
    running.watch(300)
    report = running.step()
    assert reasons(report) == {"web": "RecordLost", "api": "Converged", "new": "Converged"}
    assert started(running) == 1, "the creation of new"
    approval = Orders(approve=frozenset({report.rounds[0].plan.digest}))
    assert reasons(running.converge(approval).report)["web"] == "Converged"
    assert started(running) == 2
    assert not running.memory().fresh
    running.declare(service("web", version='"3"'), service("api"), service("new"))
    assert reasons(running.step())["web"] == "Drifted"


def test_job_whose_declaration_came_back_needs_no_confirmation(
    running: Site, tmp_path: Path
) -> None:
    running.state = tmp_path / "another"
    running.declare(service("web", version='"2"'), service("api"))
    assert reasons(running.step())["web"] == "RecordLost"
    running.declare(service("web"), service("api"))
    assert reasons(running.step())["web"] == "Converged"
    running.declare(service("web", version='"2"'), service("api"))
    assert reasons(running.step())["web"] == "Drifted"


def test_preview_beside_no_record_shows_what_would_come(running: Site, tmp_path: Path) -> None:
    running.state = tmp_path / "nowhere"
    running.declare(service("web", version='"2"'), service("api"))
    with running.rounds(writing=False) as rounds:
        plan = rounds.preview(running.clock.now()).rounds[0].plan
    assert {d.key.name: d.reason.label for d in plan.decisions} == {
        "web": "Drifted",
        "api": "Converged",
    }
    assert (plan.by_mark, plan.recorded) == (2, False)


def test_guard_holds_what_is_too_much_and_an_approval_releases_exactly_that(site: Site) -> None:
    documents = [service(f"job-{n}", instances=1) for n in range(6)]
    site.declare(*documents)
    site.converge()
    site.declare(*documents[:1])
    ended = site.converge()
    assert sorted(reasons(ended.report).values()) == ["Converged"] + ["Guarded"] * 5
    assert len(site.cluster.tasks()) == 6
    digest = ended.report.rounds[0].plan.digest
    assert reasons(site.converge(Orders(approve=frozenset({"0" * 16}))).report) == (
        reasons(ended.report)
    )
    site.converge(Orders(approve=frozenset({digest})))
    site.clock.pass_by(10)
    assert len(site.cluster.tasks()) == 1


def remembered(site: Site) -> set[str]:
    with Record(site.state, site.clock.now(), writing=False) as record:
        return {job.release for job in record.conditions() if job.reason is Reason.GUARDED}


def test_release_on_record_names_the_plan_of_the_next_call(site: Site) -> None:
    documents = [service(f"job-{n}", instances=1) for n in range(6)]
    site.declare(*documents, cron("nightly"))
    site.converge()
    site.declare(documents[0], cron("nightly", schedule='"0 5 * * *"'))
    acted = site.step().rounds[0].plan
    assert site.preview().rounds[0].plan.digest == acted.digest, "whatever was done beside it"
    assert remembered(site) == {f"--approve {acted.digest}"}
    site.declare(documents[0], cron("nightly", schedule='"0 6 * * *"'))
    narrow = Orders(only=(JobPattern.parse("prod/job-*"),))
    narrowed = site.step(narrow).rounds[0].plan.digest
    assert remembered(site) == {f"--only 'prod/job-*' --approve {narrowed}"}
    approved = replace(narrow, approve=frozenset({narrowed}))
    assert "Guarded" not in reasons(site.step(approved)).values()


def a_large_change(tmp_path: Path) -> tuple[Site, Orders]:
    """Twelve releases and five removals, and the approval of what the guard holds of them."""
    site = Site(tmp_path / "large", agents=12)
    names = [f"job-{n:02}" for n in range(12)]
    site.declare(*(service(n, instances=1) for n in [*names, *(f"old-{n}" for n in range(5))]))
    assert site.converge().converged
    site.declare(*(service(n, instances=1, version='"2"') for n in names))
    plan = site.preview().rounds[0].plan
    assert sum(d.reason is Reason.GUARDED for d in plan.decisions) == 17
    return site, Orders(approve=frozenset({plan.digest}))


def test_approval_covers_what_waits_for_a_second_look(tmp_path: Path) -> None:
    site, approved = a_large_change(tmp_path)
    ended = site.converge(approved)
    assert ended.converged
    assert set(reasons(ended.report).values()) <= {"Converged", "Gone"}
    assert len(site.cluster.tasks()) == 12


def test_approval_is_no_longer_one_after_an_hour(tmp_path: Path) -> None:
    site, approved = a_large_change(tmp_path)
    with site.rounds(approved) as rounds:
        rounds.step(site.host.now(), always, site.events.append, lambda: False)
        site.clock.pass_by(3700)
        late = rounds.step(site.host.now(), always, site.events.append, lambda: False)
    assert {r for n, r in reasons(late).items() if n.startswith("old")} == {"Guarded"}


def test_window_of_the_guard_outlives_the_process_and_slides(site: Site) -> None:
    """Three prunes a day: many small rounds must not do what one large one may not."""
    documents = [service(f"job-{n}", instances=1) for n in range(8)]
    site.declare(*documents)
    site.converge()
    left = 8
    for _ in range(3):
        left -= 1
        site.declare(*documents[:left])
        site.converge()
    assert len(site.cluster.tasks()) == 5
    site.declare(*documents[: left - 1])
    assert "Guarded" in reasons(site.converge().report).values()
    assert len(site.cluster.tasks()) == 5
    site.clock.pass_by(24 * 3600)
    site.converge()
    site.clock.pass_by(10)
    assert len(site.cluster.tasks()) == 4


def test_older_revision_does_not_downgrade(running: Site) -> None:
    running.declare(service("web", version='"2"'), service("api"))
    running.converge()
    running.tree.go_back(1)
    held = hold(running)
    assert held.reason is Reason.NEWER_APPLIED
    assert started(running) == 1
    assert reasons(running.converge(Orders(allow_older=True)).report)["web"] == "Converged"
    assert started(running) == 2


def test_run_of_a_cron_job_goes_on_when_its_template_changes(site: Site) -> None:
    site.declare(cron("nightly"), service("api"))
    site.converge()
    key = JobKey(role="shop", environment="prod", name="nightly")
    site.cluster.by_hand("startCronJob", job=key)
    site.clock.pass_by(5)
    (before,) = site.cluster.tasks("nightly")
    site.declare(cron("nightly", version='"2"'), service("api"))
    assert site.converge().converged
    (after,) = site.cluster.tasks("nightly")
    assert before.assignedTask == after.assignedTask
