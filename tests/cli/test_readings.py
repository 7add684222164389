"""The commands that ask no cluster: they need none, and they write nothing."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.record.store import Record
from tests.cli.console import Console
from tests.support.builders import NOW


@pytest.mark.parametrize("words", ["validate", "render api", "status"])
def test_nothing_is_written_by_a_command_that_only_reads(
    words: str, console: Console, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert console(*words.split()).code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_render_as_json_tells_value_layer_and_place_of_every_field(console: Console) -> None:
    ended = console("render", "devel/api", "--output", "json")
    (job,) = json.loads(ended.out)["jobs"]
    assert job["key"] == "devcluster/demand-forecast/devel/api"
    told = {field["path"]: field for field in job["fields"]}
    assert told["instances"] == {
        "path": "instances",
        "value": 1,
        "layer": "environment",
        "origin": "demand-forecast/api.yaml:18:46",
    }
    assert {f["layer"] for f in job["fields"]} == {
        "author",
        "environment",
        "project",
        "platform",
        "built-in",
    }


def test_render_fits_the_terminal(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    rows = [r for r in console("render", "devel/api").out.splitlines() if "| " not in r]
    assert max(map(len, rows)) <= 80
    where = "[environment demand-forecast/api.yaml:18:46]"
    assert f"  instances  1  {where}" in rows


def test_a_pattern_renders_every_job_that_it_matches(console: Console) -> None:
    out = console("render", "*/api").out
    assert out.count("devcluster/demand-forecast/prod/api  (") == 1
    assert out.count("devcluster/demand-forecast/devel/api  (") == 1


def test_status_before_the_first_round_says_so(console: Console) -> None:
    assert console("status").out == "no round has been recorded yet\n"


def test_status_of_a_record_outlives_a_tree_that_cannot_be_read(
    console: Console, tmp_path: Path
) -> None:
    with Record(tmp_path / "s", NOW, writing=True) as record:
        record.keep_round("devcluster", NOW, "abc", 3, [])
    ended = console("status", "--state", "s", "--desired", "nowhere")
    assert ended.code == 6
    assert ended.out == (
        "0 jobs: 3 unmanaged; last round 2026-11-24 03:00:00Z at abc\n"
        "! desired state not read: nowhere cannot be read: No such file or directory;"
        " name a directory that this user may read\n"
    )


def test_status_says_first_what_failed_since_the_last_good_round(console: Console) -> None:
    console("--state", "s")
    good = json.loads(console("status", "--state", "s", "--output", "json").out)
    console.clock.wait(600)
    Path("desired-state").rename("elsewhere")
    for _ in range(2):
        assert console("--state", "s").code == 6
    Path("elsewhere").rename("desired-state")
    ended = console("status", "--state", "s")
    assert ended.code == 6
    first, second = ended.out.splitlines()[:2]
    assert first.startswith("! desired state not read in 2 rounds in a row since 2026-11-24 03:1")
    assert first.endswith(
        "desired-state cannot be read: No such file or directory;"
        " name a directory that this user may read"
    )
    assert f"; last good round 2026-11-24 03:0{good['roundAt'][15]}:" in second
    assert second.endswith(good["revision"])
    told = json.loads(console("status", "--state", "s", "--output", "json").out)
    assert [(f["kind"], f["rounds"]) for f in told["failing"]] == [("source", 2)]
    assert (told["roundAt"], told["revision"]) == (good["roundAt"], good["revision"])
    console("--state", "s")
    assert json.loads(console("status", "--state", "s", "--output", "json").out)["failing"] == []


def test_check_notes_a_suspension_that_has_ended_though_no_cluster_is_asked(
    console: Console,
) -> None:
    path = Path("desired-state/price-optimisation/price-feed.yaml")
    suspend = '  suspend: {by: erin, why: crashes, until: "2026-11-24T02:59:00Z"}'
    path.write_text(path.read_text().replace("  run:", f"{suspend}\n  run:"))
    ended = console("validate")
    assert (ended.code, ended.out) == (0, "13 jobs in 3 projects on 1 cluster: no problems\n")
    assert "prod/price-feed: its suspension ended on 2026-11-24 02:59Z" in ended.err


UNJUDGED = {
    "platform/platform.yaml": "Platform",
    "platform/clusters/devcluster.yaml": "Cluster document of its name",
}


@pytest.mark.parametrize("path", UNJUDGED)
def test_status_says_whose_jobs_nobody_judges_since_a_document_is_broken(
    path: str, console: Console
) -> None:
    console("--state", "s")
    assert "not judged" not in console("status", "--state", "s").out
    Path(f"desired-state/{path}").write_text("kind: [")
    ended = console("status", "--state", "s")
    assert ended.code == 3
    first, second = ended.out.splitlines()[:2]
    assert first == (
        "! devcluster: 13 jobs are not judged, since there is no"
        f" {UNJUDGED[path]} that can be used; what is told of it is what the last good round found"
    )
    assert second.startswith("13 jobs: 13 Converged; last good round ")


def test_status_does_not_call_a_record_empty_that_nobody_can_find(console: Console) -> None:
    console()
    Path("desired-state/platform/platform.yaml").write_text("kind: [")
    first = console("status").out.splitlines()[0]
    assert first == "no record was read: which one, a Platform says; name it by --state"


def test_failed_run_makes_no_record_where_there_was_none(console: Console) -> None:
    assert console("--state", "s", "--desired", "nowhere").code == 6
    assert not Path("s").exists()


def test_time_and_revision_of_a_status_are_of_the_same_round(
    console: Console, tmp_path: Path
) -> None:
    with Record(tmp_path / "s", NOW, writing=True) as record:
        record.keep_round("a", NOW - timedelta(hours=1), "older", 1, [])
        record.keep_round("b", NOW, "newer", 2, [])
    told = json.loads(console("status", "--state", "s", "--output", "json").out)
    assert (told["roundAt"], told["revision"]) == ("2026-11-24T03:00:00.000Z", "newer")
    assert [(r["cluster"], r["revision"]) for r in told["rounds"]] == [
        ("a", "older"),
        ("b", "newer"),
    ]
    assert console("status", "--state", "s").out == (
        "0 jobs: 3 unmanaged; last round 2026-11-24 03:00:00Z at newer\n"
        "a: last good round 2026-11-24 02:00:00Z at older\n"
    )


BROKEN = {
    "plan": "a plan",
    "apply": "a run",
    "status": "the status",
    "validate": "a check",
}


@pytest.mark.parametrize("command", BROKEN)
def test_a_broken_platform_is_told_as_what_it_is(command: str, console: Console) -> None:
    """Nobody knows then where the record lies; the mistake in the document must be said."""
    Path("desired-state/platform/platform.yaml").write_text("kind: Platform\n")
    ended = console(command)
    assert ended.code == 3
    assert "platform/platform.yaml:1:1: " in ended.out
    told = json.loads(console(command, "--output", "json").out)
    assert (told["exitCode"], len(told["problems"]) > 0) == (3, True)


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_tree_that_is_not_whole_is_told_by_every_round(command: str, console: Console) -> None:
    Path("desired-state/demand-forecast/more.yaml").symlink_to("api.yaml")
    ended = console(command)
    assert ended.code == 3
    assert "not whole: demand-forecast/more.yaml is a symlink: put there" in ended.out


@pytest.mark.parametrize("command", ["plan", "apply", "status"])
def test_an_empty_directory_is_no_desired_state(command: str, console: Console) -> None:
    Path("empty").mkdir()
    ended = console(command, "--desired", "empty")
    assert ended.code == 6
    assert "no documents below empty" in ended.out + ended.err


def test_control_characters_of_a_document_do_not_reach_the_terminal(console: Console) -> None:
    bad = 'apiVersion: reconciler/v1\nkind: "\\e[2Jx"\n'
    Path("desired-state/demand-forecast/\x1b[2J.yaml").write_text(bad)
    ended = console("validate")
    assert ended.code == 3
    assert "\x1b" not in ended.out + ended.err
    assert "\\x1b[2J" in ended.out


def test_status_tells_ages_by_our_clock_whatever_the_clusters_says(console: Console) -> None:
    console()
    console.clock.wait(600)
    console()
    told = json.loads(console("status", "--output", "json").out)
    assert told["clocks"] == {"devcluster": 20.0}
    since, round_at = (
        datetime.fromisoformat(t) for t in (told["jobs"][0]["since"], told["roundAt"])
    )
    assert timedelta(minutes=10) <= round_at - since < timedelta(minutes=15)
    assert timedelta(0) <= console.clock.now() - round_at < timedelta(minutes=1)


PLAIN: dict[str, dict[str, str]] = {
    "NO_COLOR": {"NO_COLOR": "1", "TERM": "xterm"},
    "a terminal that knows none": {"TERM": "dumb"},
}


@pytest.mark.parametrize("name", PLAIN)
def test_colour_is_for_terminals_that_know_it_and_people_who_want_it(
    name: str, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[32m+\x1b[0m devcluster" in console("--dry-run").out
    for variable, value in PLAIN[name].items():
        monkeypatch.setenv(variable, value)
    assert "\x1b" not in console("--dry-run").out
