"""Which source a word means."""

from pathlib import Path

import pytest

from reconciler.sources.directory import Directory
from reconciler.sources.git import GitRef
from reconciler.sources.open import open_source
from reconciler.sources.port import SourceError
from tests.sources.repositories import a_repository, commit


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with a repository `repo` whose branch main holds one document."""
    monkeypatch.chdir(tmp_path)
    top = a_repository(tmp_path / "repo")
    commit(top, {"deploy/web.yaml": "committed"})
    (top / "deploy/web.yaml").write_text("in the work tree")


@pytest.mark.parametrize("where", ["repo", "./repo", "repo/", "repo/deploy"])
def test_a_plain_word_is_a_directory(where: str) -> None:
    found = open_source(where)
    assert isinstance(found, Directory)
    assert [f.data for f in found.read().files] == [b"in the work tree"]


@pytest.mark.parametrize(
    ("where", "path"),
    {
        "repo@main": "deploy/web.yaml",
        "git:repo@main": "deploy/web.yaml",
        "git:./repo@refs/heads/main": "deploy/web.yaml",
        "repo@HEAD:": "deploy/web.yaml",
        "repo@main:deploy": "web.yaml",
        "git:repo@main:/deploy/": "web.yaml",
    }.items(),
)
def test_a_word_with_a_ref_is_a_commit(where: str, path: str) -> None:
    found = open_source(where)
    assert isinstance(found, GitRef)
    assert [(f.path, f.data) for f in found.read().files] == [(path, b"committed")]


def test_directory_with_an_at_sign_is_meant_when_it_exists() -> None:
    Path("repo@main").mkdir()
    assert isinstance(open_source("repo@main"), Directory)
    assert isinstance(open_source("git:repo@main"), GitRef)


def test_repository_with_an_at_sign_in_its_path_is_found() -> None:
    Path("repo").rename("me@work")
    assert open_source("me@work@main").read().incomplete is None


REFUSED = {
    "": "no place",
    "  ": "no place",
    "a\0b": "no place",
    "git:repo": "names no repository and ref",
    "@main": "names no repository and ref",
    "git:@main": "names no repository and ref",
    "repo@": "cannot be a ref",
    "repo@:deploy": "cannot be a ref",
    "repo@-x": "cannot be a ref",
    "repo@main:../other": "cannot be a folder",
    "https://example.org/x.git": "clone it",
    "https://me:secret@example.org/x.git": r"'https://\*\*\*@example.org/x.git' is remote",
    "https://example.org/x.git@main": "clone it",
    "git:ssh://git@example.org/x@main": "clone it",
    "git@example.org:team/x.git": "clone it",
}


@pytest.mark.parametrize("where", REFUSED)
def test_what_cannot_be_meant_is_refused_with_an_example(where: str) -> None:
    with pytest.raises(ValueError, match=REFUSED[where]) as error:
        open_source(where)
    assert "git:/srv/platform.git@main:deploy" in str(error.value)


@pytest.mark.parametrize("where", ["x" * 5000, "x/" * 2500, "x" * 5000 + "@main"])
def test_path_that_is_too_long_for_a_file_cannot_be_read(where: str) -> None:
    found = open_source(where)
    assert found.watched()
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        found.read()
