"""The page of figures, whose sections are written by several programs."""

from pathlib import Path

from tests.bench.page import put

BEFORE = "# Figures\n\nof today.\n\n## One\n\nfirst\n\n### within\n\n## Two\n\nsecond\n"


def after(folder: Path, section: str) -> str:
    page = folder / "page.md"
    page.write_text(BEFORE, encoding="utf-8")
    put(page, section)
    return page.read_text(encoding="utf-8")


def test_a_section_replaces_the_one_of_its_heading_where_that_stands(tmp_path: Path) -> None:
    told = "# Figures\n\nof today.\n\n## One\n\nanew\n\n## Two\n\nsecond\n"
    assert after(tmp_path, "## One\n\nanew\n\n") == told


def test_a_section_without_a_place_comes_last(tmp_path: Path) -> None:
    assert after(tmp_path, "## Three\n\nthird") == f"{BEFORE}\n## Three\n\nthird\n"


def test_a_page_that_is_not_there_begins_with_its_section(tmp_path: Path) -> None:
    put(tmp_path / "page.md", "## One\n\nfirst\n")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == "## One\n\nfirst\n"


def test_what_has_no_heading_is_the_top(tmp_path: Path) -> None:
    top = BEFORE.partition("## One")
    assert after(tmp_path, "# Numbers\n") == f"# Numbers\n\n{top[1]}{top[2]}"
    put(tmp_path / "new.md", "## One\n")
    put(tmp_path / "new.md", "# Numbers\n")
    assert (tmp_path / "new.md").read_text(encoding="utf-8") == "# Numbers\n\n## One\n"
