"""What a round may cost, counted: it must not depend on how many jobs have nothing to do."""

from pathlib import Path

import pytest

from reconciler.model.plan import Reason
from reconciler.report.counts import counts
from reconciler.thrift.calls import READ_ONLY_METHODS
from tests.bench.bench import Bench, bench, door_of
from tests.bench.trees import plant, release
from tests.support.site import Site, service

JOBS = 60

# Updates before and after, jobs, tasks that do not run, updates that ended; and a closer look at
# about every sixtieth job, each minute at others.
BULK = 5 + JOBS // 20


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a generated tree."""
    plant(tmp_path / "tree", JOBS, 3)
    return tmp_path / "tree"


def settled(told: Bench) -> None:
    """Do rounds until the record knows every job."""
    told.step()
    report = told.step()
    assert counts(report).line() == f"0 to create, 0 to update, 0 to prune, {JOBS} kept"


def test_a_warm_round_without_changes_parses_checks_and_asks_nothing_per_job(
    tree: Path, tmp_path: Path
) -> None:
    with bench(tree, tmp_path / "state", door_of(tree)) as told:
        settled(told)
        before = told.done
        report = told.step()
        work = told.done - before
    assert (work.parses, work.schema_calls) == (0, 0)
    assert work.rpcs <= BULK
    assert counts(report).kept == JOBS


def test_one_changed_file_is_the_only_one_that_is_looked_at(tree: Path, tmp_path: Path) -> None:
    with bench(tree, tmp_path / "state", door_of(tree)) as told:
        settled(told)
        release(tree, 7, "2.15.0", 3)
        before = told.done
        report = told.preview()
        work = told.done - before
    assert [a.reason for r in report.rounds for a in r.plan.acts()] == [Reason.DRIFTED]
    assert work.parses == 1
    # The document, and its spec as merged for its environment.
    assert 1 <= work.schema_calls <= 2
    # Its groups, its diff, the quota of its role.
    assert work.rpcs <= BULK + 3


def test_a_new_process_with_a_record_asks_nothing_per_job(tree: Path, tmp_path: Path) -> None:
    door = door_of(tree)
    with bench(tree, tmp_path / "state", door) as told:
        settled(told)
    with bench(tree, tmp_path / "state", door, writing=False) as told:
        report = told.preview()
        assert told.done.rpcs <= BULK
    assert counts(report).kept == JOBS


def test_creations_cost_one_write_and_little_more_than_two_questions_each(tmp_path: Path) -> None:
    """What is there is read in bulk; of each job: is it taken, and is there still nothing."""
    site = Site(tmp_path / "state", agents=12)
    site.declare(*(service(f"job-{n}") for n in range(JOBS)))
    ended = site.converge()
    assert ended.converged
    asked = [call.method for call in site.cluster.calls if call.method in READ_ONLY_METHODS]
    assert len(site.cluster.writes) == JOBS
    bulk = asked.count("getJobs") * (BULK + 1)
    assert len(asked) <= 2.2 * JOBS + bulk


def test_status_of_updates_is_one_question_however_many_roll(tmp_path: Path) -> None:
    site = Site(tmp_path / "state", agents=12)
    site.declare(*(service(f"job-{n}", sim={"run_ms": 60_000}) for n in range(JOBS)))
    site.step()
    site.cluster.calls.clear()
    report = site.step()
    assert counts(report).held == JOBS
    asked = [call.method for call in site.cluster.calls]
    assert asked.count("getJobUpdateSummaries") == 3
    assert len(asked) <= BULK
