"""The page of the stand-in is held to its word: options, pages, metadata, and its example."""

import re
from pathlib import Path

import pytest

from reconciler.standin.agents import DEFAULTS
from reconciler.standin.aurora import Aurora
from reconciler.standin.door import Door
from tests.cli.console import Console

PAGE = (Path(__file__).parents[2] / "docs/standin.md").read_text(encoding="utf-8")
GRANT = "platform/projects/demand-forecast.yaml"


def test_every_option_is_told_and_there(console: Console) -> None:
    said = console("standin", "--help").out
    there = set(re.findall(r"(--[a-z]+)", said)) - {"--help"}
    table = PAGE.partition("| option | means |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(--[a-z]+)", table)) == there


def test_everything_that_a_task_can_be_told_is_told() -> None:
    rows = re.findall(r"^\| `(sim\.\w+)` \|.*\| (-?\d+) \|$", PAGE, re.M)
    assert {name: int(value) for name, value in rows} == DEFAULTS


def test_every_page_answers() -> None:
    told = PAGE.partition("## Beside the API")[2].partition("\n## ")[0]
    pages = [page for page in re.findall(r"`(/[a-z.]+)`", told) if page != "/api"]
    assert len(pages) == 10
    door = Door(Aurora("devcluster", (), 0), None)
    assert {page: door.answer("GET", page, {}, b"").status for page in pages} == dict.fromkeys(
        pages, 200
    )


def test_its_release_never_comes_up(console: Console) -> None:
    released()
    ended = console("--only", "api")
    assert ended.code == 5
    assert "held: Quarantined" in ended.out
    assert "ended FAILED" in ended.out


def test_its_release_goes_back_where_the_sample_runs(console: Console) -> None:
    assert console("--only", "api").code == 0
    released()
    assert console("--dry-run", "--only", "api").out.startswith("0 to create, 2 to update (5 rest")
    ended = console("--only", "api")
    assert ended.code == 5
    assert "ended ROLLED_BACK" in ended.out
    assert "exited, its task FAILED: no such model" in ended.out
    assert "run the former config" in ended.out


def released() -> None:
    """Write what the page shows, and grant it."""
    (document,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    project = Path("desired-state") / GRANT
    text = project.read_text(encoding="utf-8")
    assert "  allow:\n" in text
    granted = text.replace("  allow:\n", "  allow:\n    aurora: [metadata]\n")
    project.write_text(granted, encoding="utf-8")
    Path("desired-state/demand-forecast/api.yaml").write_text(document, encoding="utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / "docs" / link).exists()
