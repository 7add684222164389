"""With `--output json` every ending of every command is exactly one document."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.console import Console
from tests.support.schemas import valid

JSON = ("--output", "json")

FAILED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such command": (("aply",), 64, "No such command 'aply'"),
    "no such option": (("--dryrun",), 64, "No such option '--dryrun'"),
    "an option without its value": (("plan", "--state"), 64, "requires an argument"),
    "a pattern that is none": (("--only", "a//b"), 64, "a pattern has one to four segments"),
    "a pattern that matches nothing": (("--only", "zzzzzz"), 64, "--only zzzzzz: no job matches"),
    "an unknown job to render": (
        ("render", "zzzzzz"),
        64,
        "no job that is declared matches zzzzzz",
    ),
    "a cluster that is none": (("plan", "--cluster", "x"), 64, "there is no cluster 'x'"),
    "the same, checked": (("validate", "--cluster", "x"), 64, "there is no cluster 'x'"),
    "a duration that is none": (("--timeout", "soon"), 64, "'soon' is no duration"),
    "a config that is not there": (("plan", "--config", "no.toml"), 64, "no.toml cannot be read"),
    "status of a record that is none": (("status", "--state", "spoilt"), 9, "cannot be used"),
    "rendering of a tree that is not there": (
        ("render", "api", "--desired", "nowhere"),
        6,
        "nowhere cannot be read",
    ),
    "rendering of a document that is broken": (("render", "devel/broken"), 3, "broken.yaml:"),
}


def documents(out: str) -> list[Any]:
    """Return every JSON document of a text that holds nothing else."""
    found, decoder = [], json.JSONDecoder()
    while out := out.strip():
        value, end = decoder.raw_decode(out)
        found.append(value)
        out = out[end:]
    return found


@pytest.mark.parametrize("how", ["option", "environment"])
@pytest.mark.parametrize("name", FAILED)
def test_failed_command_writes_one_document_that_says_why(
    name: str, how: str, console: Console
) -> None:
    words, code, message = FAILED[name]
    Path("spoilt").mkdir()
    Path("spoilt/record.sqlite").write_bytes(b"none of ours" * 100)
    if "broken" in str(words):
        Path("desired-state/demand-forecast/broken.yaml").write_text("kind: [")
    if how == "option":
        ended = console(*words, *JSON) if words[-1] != "--state" else console(*JSON, *words)
    else:
        ended = console(*words, RECONCILE_OUTPUT="json")
    (told,) = documents(ended.out)
    assert valid("failure", told) == []
    assert (ended.code, told["exitCode"]) == (code, code)
    assert message in told["message"]
    assert message in ended.err
    assert bool(told["problems"]) == (code == 3)


def test_text_is_not_joined_by_a_document(console: Console) -> None:
    assert console("--only", "zzzzzz", RECONCILE_OUTPUT="json").out != ""
    assert console("--only", "zzzzzz", "--output=text", RECONCILE_OUTPUT="json").out == ""
    assert console("--dryrun", "--output=text", RECONCILE_OUTPUT="json").out == ""


def test_watch_that_cannot_begin_ends_its_stream_with_one_line(console: Console) -> None:
    Path("s").write_text("no directory")
    ended = console("watch", "--state", "s", *JSON)
    (line,) = ended.out.splitlines()
    assert valid("plan", json.loads(line)) == []
    assert (ended.code, json.loads(line)["exitCode"]) == (9, 9)


def test_error_of_ours_is_told_as_one_and_not_swallowed(console: Console) -> None:
    class Broken:
        def now(self) -> None:
            raise ZeroDivisionError("no time")

        def monotonic(self) -> float:
            return 0.0

    console.clock = Broken()  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        console("--dry-run", *JSON)
    (told,) = documents(console.capture.readouterr().out)
    assert valid("failure", told) == []
    assert (told["exitCode"], "no time" in told["message"]) == (1, True)
