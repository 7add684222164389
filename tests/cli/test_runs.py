"""Runs and previews from outside: what they end with, and that their JSON keeps to its schema."""

import json
from pathlib import Path

import pytest

from reconciler.cli.call import ORDERS, PLACE, command
from tests.cli.console import Console
from tests.support.schemas import valid

CLUSTER = Path("desired-state/platform/clusters/devcluster.yaml")
NOBODY = """\
apiVersion: reconciler/v1
kind: Cluster
metadata: {name: devcluster}
spec: {scheduler: {urls: ["http://127.0.0.1:1"]}}
"""


@pytest.mark.parametrize("words", ["plan", "--dry-run", "apply --dry-run", "--dry-run plan"])
def test_a_preview_changes_nothing_by_whatever_name(
    words: str, console: Console, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    ended = console(*words.split())
    assert ended.code == 0
    assert ended.out.startswith("13 to create, 0 to update, 0 to prune, 0 kept\n")
    assert sorted(tmp_path.rglob("*")) == before


def test_preview_run_and_status_as_json_keep_to_their_schemas(console: Console) -> None:
    preview = json.loads(console("--dry-run", RECONCILE_OUTPUT="json").out)
    assert valid("plan", preview) == []
    assert preview["preview"] is True
    done = json.loads(console(RECONCILE_OUTPUT="json").out)
    assert valid("plan", done) == []
    assert (done["preview"], done["counts"]["kept"], done["exitCode"]) == (False, 13, 0)
    told = json.loads(console("status", "--output", "json").out)
    assert valid("status", told) == []
    assert {job["condition"] for job in told["jobs"]} == {"Converged"}
    checked = json.loads(console("validate", "--output", "json").out)
    assert valid("validation", checked) == []
    assert len(checked["jobs"]) == 13


def test_two_previews_are_equal_bytes(console: Console) -> None:
    first, second = (console("--dry-run", "--output", "json").out for _ in range(2))
    assert first == second
    assert console("--dry-run").out == console("--dry-run").out


def test_a_scheduler_that_is_not_there_ends_with_6_after_some_patience(console: Console) -> None:
    CLUSTER.write_text(NOBODY)
    assert console("--dry-run").code == 6
    assert console.clock.waits == []
    ended = console()
    assert ended.code == 6
    assert "127.0.0.1:1 cannot be reached" in ended.out
    assert 0 < sum(console.clock.waits) < 60
    assert valid("plan", json.loads(console("--output", "json").out)) == []


def test_what_is_invalid_goes_before_a_scheduler_that_is_not_there(console: Console) -> None:
    CLUSTER.write_text(NOBODY)
    Path("desired-state/demand-forecast/api.yaml").write_text("kind: [")
    assert console("--dry-run").code == 3


def test_a_tree_that_is_not_there_ends_with_6(console: Console) -> None:
    for words in ("plan", "apply"):
        ended = console(words, "--desired", "nowhere")
        assert (ended.code, ended.out) == (6, "")
        assert ended.err == (
            "reconcile: nowhere cannot be read: No such file or directory;"
            " name a directory that this user may read\n"
        )
        told = json.loads(console(words, "--desired", "nowhere", "--output", "json").out)
        assert valid("plan", told) == []
        assert told["faults"][0]["kind"] == "source"


def test_a_record_that_cannot_be_kept_ends_with_9_and_nothing_was_done(console: Console) -> None:
    Path("state").write_text("in the way")
    ended = console("--state", "state")
    assert ended.code == 9
    assert "applied" not in ended.out
    told = json.loads(console("--state", "state", "--output", "json").out)
    assert (told["faults"][0]["kind"], told["exitCode"]) == ("record", 9)


def test_what_may_be_repeated_is_taken_from_before_and_after_the_command(
    console: Console,
) -> None:
    ended = console("--only", "prod/orders", "plan", "--only", "prod/api")
    assert ended.out.startswith("2 to create, ")


def test_a_configuration_may_be_named_by_the_environment(console: Console) -> None:
    Path("reconcile.toml").write_text('output = "json"\n')
    ended = console("validate", RECONCILE_CONFIG="reconcile.toml")
    assert json.loads(ended.out)["exitCode"] == 0
    Path("reconcile.toml").write_text('outptu = "json"\n')
    assert console("validate", RECONCILE_CONFIG="reconcile.toml").code == 64
    assert console("validate").code == 0, "it is not looked for"


COMMANDS: dict[str, tuple[dict[str, object], str]] = {
    "nothing said": ({}, "reconcile"),
    "a place with a space in it": ({"desired": "a b"}, "reconcile --desired 'a b'"),
    "several patterns": ({"only": ("api", "prod/*")}, "reconcile --only api --only 'prod/*'"),
    "flags": ({"allow_older": True, "prune_now": False}, "reconcile --allow-older"),
    "what is of no use in another call": ({"output": "json", "verbose": True}, "reconcile"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_call_is_told_so_that_it_can_be_copied(name: str) -> None:
    told, text = COMMANDS[name]
    assert command(told, (*PLACE, *ORDERS)) == text
