"""A pattern or a name that matches nothing is a mistake, told before anything is done."""

import logging
from pathlib import Path

import pytest

from reconciler.cli.call import made
from reconciler.cli.machine import Machine
from reconciler.cli.patterns import Check
from reconciler.model.keys import JobPattern
from reconciler.model.round import Event, RoundPlanned
from tests.cli.console import Console

API = "devcluster/demand-forecast/{}/api"
NEAR = f"; near to it are {API.format('devel')}, {API.format('prod')}"

MISTYPED: dict[str, tuple[str, str]] = {
    "only": ("--only apo", f"--only apo: no job matches{NEAR}"),
    "only, of a preview": ("--dry-run --only apo", f"--only apo: no job matches{NEAR}"),
    "only, with a wrong environment": (
        "--only prodd/api",
        f"--only prodd/api: no job matches; near to it is {API.format('prod')}",
    ),
    "retry": ("--retry apo", f"--retry apo: no job matches{NEAR}"),
    "adopt": ("--adopt 'eu1/*/*/api'", f"--adopt eu1/*/*/api: no job matches{NEAR}"),
    "one of two": ("--only prod/api --only zzzzzz", "--only zzzzzz: no job of"),
    "nothing is near": (
        "--only zzzzzz",
        "--only zzzzzz: no job matches; write NAME, ENVIRONMENT/NAME, ROLE/ENVIRONMENT/NAME or"
        " CLUSTER/ROLE/ENVIRONMENT/NAME\n",
    ),
    "an environment": ("--only prod", "--only prod: no job matches; did you mean 'prod/*'?\n"),
    "a role": ("--only pricing", "--only pricing: no job matches; did you mean 'pricing/*/*'?\n"),
    "a role and its environment": (
        "--only pricing/prod",
        "--only pricing/prod: no job matches; did you mean 'pricing/prod/*'?\n",
    ),
    "a cluster": (
        "--only devcluster",
        "--only devcluster: no job matches; did you mean 'devcluster/*/*/*'?\n",
    ),
    "the name first": ("--only api/prod", "--only api/prod: no job matches; did you mean prod/api"),
    "a project that has a role of another name": (
        "--only price-optimisation/prod/optimiser",
        "--only price-optimisation/prod/optimiser: no job matches; the role of project"
        " price-optimisation is pricing; near to it is devcluster/pricing/prod/optimiser\n",
    ),
    "such a project alone": (
        "--only price-optimisation",
        "--only price-optimisation: no job matches; the role of project price-optimisation is",
    ),
    "another than was selected": (
        "--only prod/api --retry devel/api",
        "--retry devel/api: no job of those that --only selects matches; near",
    ),
    "cluster, of a check": (
        "validate --cluster nope",
        "--cluster: there is no cluster 'nope'; write devcluster",
    ),
    "cluster, of a rendering": (
        "render api --cluster nope",
        "--cluster: there is no cluster 'nope'; write devcluster",
    ),
    "job to render": ("render prod/apo", "no job that is declared matches prod/apo; near to it is"),
}


@pytest.mark.parametrize("name", MISTYPED)
def test_mistake_is_told_with_what_was_meant_and_nothing_is_done(
    name: str, console: Console
) -> None:
    words, told = MISTYPED[name]
    ended = console("--state", "s", *words.replace("'", "").split())
    assert (ended.code, ended.out) == (64, "")
    assert f"reconcile: {told}" in ended.err


def test_status_of_a_job_that_nobody_knows_is_a_mistake(console: Console) -> None:
    console("--state", "s")
    ended = console("status", "--state", "s", "--only", "apo")
    assert (ended.code, ended.err) == (64, f"reconcile: --only apo: no job matches{NEAR}\n")
    assert console("status", "--state", "s", "--only", "api").code == 0


def test_pattern_that_may_stand_in_a_broken_file_is_no_mistake_yet(console: Console) -> None:
    Path("desired-state/demand-forecast/new.yaml").write_text("kind: [")
    ended = console("--dry-run", "--only", "apo")
    assert ended.code == 3
    assert "no job matches --only apo" in ended.err


def test_word_that_changes_nothing_is_answered(console: Console) -> None:
    console("--state", "s")
    ended = console("--state", "s", "--retry", "prod/api", "--adopt", "api")
    assert (ended.code, ended.err.splitlines()) == (
        0,
        [
            "reconcile: --adopt api: there is nothing to take over (2 jobs kept)",
            "reconcile: --retry prod/api: there is nothing to try again (1 job kept)",
        ],
    )
    path = Path("desired-state/demand-forecast/api.yaml")
    path.write_text(path.read_text().replace("2.14.1", "2.15.0"))
    assert console("--state", "s", "--dry-run", "--retry", "prod/api").err == ""


def test_watch_warns_once_of_a_pattern_that_matches_nothing(
    console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"only": (JobPattern.parse("apo"),)}
    call = made(told, Machine(console.clock, console.environment))
    with call.wired(writing=False) as wired:
        report = wired.rounds.preview(console.clock.now())
    heard: list[Event] = []
    listen = Check(call).warning(heard.append)
    events = [RoundPlanned(report.at, report)] * 3
    with caplog.at_level(logging.WARNING):
        for event in events:
            listen(event)
    assert heard == events
    warned = [r.getMessage() for r in caplog.records if "matches" in r.getMessage()]
    assert warned == [f"--only apo: no job matches{NEAR}"]
