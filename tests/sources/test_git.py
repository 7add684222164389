"""A ref of a real repository: what is read, what makes it incomplete, what cannot be read."""

import os
import shutil
from pathlib import Path

import pytest

from reconciler.model.tree import Files
from reconciler.sources import git as source
from reconciler.sources.git import GitRef
from reconciler.sources.port import SourceError
from tests.sources.repositories import NOBODY, a_repository, commit, git, write

WEB = {"shop/web.yaml": "kind: Service\n"}


def read(top: Path, ref: str = "main", below: str = "") -> Files:
    return GitRef(top, ref, below).read()


def contents(files: Files) -> dict[str, bytes]:
    return {f.path: f.data for f in files.files}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "repository")


def test_documents_are_read_sorted_with_the_ids_that_git_gives(top: Path) -> None:
    write(
        top, {"b.yml": "two", "a/z.yaml": "", "a.yaml": "one\n", "README.md": "no", "x.yaml~": ""}
    )
    at = commit(top)
    found = read(top)
    assert contents(found) == {"a.yaml": b"one\n", "a/z.yaml": b"", "b.yml": b"two"}
    assert [f.path for f in found.files] == ["a.yaml", "a/z.yaml", "b.yml"]
    assert found.files[0].blob == git(top, "rev-parse", "main:a.yaml")
    assert (found.revision.id, found.incomplete) == (at, None)


def test_what_is_not_committed_is_not_seen(top: Path) -> None:
    commit(top, WEB)
    write(top, {"shop/web.yaml": "changed", "shop/new.yaml": "new"})
    assert contents(read(top)) == {"shop/web.yaml": b"kind: Service\n"}


def test_bare_repository_is_read(top: Path, tmp_path: Path) -> None:
    at = commit(top, WEB)
    bare = tmp_path / "bare.git"
    git(top, "clone", "-q", "--bare", str(top), str(bare))
    assert (read(bare).revision.id, contents(read(bare))) == (at, contents(read(top)))


def test_linked_work_tree_is_read_and_watched_where_its_refs_are(top: Path, tmp_path: Path) -> None:
    commit(top, WEB)
    linked = tmp_path / "linked"
    git(top, "worktree", "add", "-q", str(linked))
    at = commit(linked, {"shop/api.yaml": "kind: Service\n"})
    found = GitRef(linked, "HEAD")
    assert found.read().revision.id == at
    watched = {p.resolve() for p in found.watched()}
    assert watched == {
        top / ".git/worktrees/linked/HEAD",
        top / ".git/packed-refs",
        top / ".git/refs",
    }


def test_only_the_sub_folder_is_read_with_paths_below_it(top: Path) -> None:
    commit(top, {"deploy/aurora/shop/web.yaml": "a", "deploy/other.yaml": "b", "top.yaml": "c"})
    assert contents(read(top, below="/deploy/aurora/")) == {"shop/web.yaml": b"a"}


@pytest.mark.parametrize("ref", ["main", "refs/heads/main", "HEAD", "v1", "annotated", "HEAD^{}"])
def test_a_commit_can_be_named_in_many_ways(top: Path, ref: str) -> None:
    at = commit(top, WEB)
    git(top, "tag", "v1")
    git(top, "tag", "-a", "-m", "release", "annotated")
    assert read(top, ref).revision.id == at
    assert read(top, at[:12]).revision.id == at


ODD_NAMES = [
    "with space.yaml",
    'quo"te.yaml',
    "new\nline.yaml",
    "tab\there.yaml",
    "back\\slash.yaml",
    "straße/日本.yaml",
    "-dash.yaml",
    ":(glob)*.yaml",
    "a;b$(c).yaml",
]


def test_odd_names_are_read_as_they_are(top: Path) -> None:
    commit(top, {name: name for name in ODD_NAMES})
    assert contents(read(top)) == {name: name.encode() for name in sorted(ODD_NAMES)}


def test_odd_folder_is_read_as_it_is(top: Path) -> None:
    commit(top, {"ü [x] *:y/web.yaml": "a"})
    assert contents(read(top, below="ü [x] *:y")) == {"web.yaml": b"a"}


def test_contents_that_look_like_the_protocol_are_taken_whole(top: Path) -> None:
    tricky = {"a.yaml": f"{'0' * 40} missing\n", "b.yaml": "\n\n", "c.yaml": "no end of line"}
    commit(top, tricky)
    assert contents(read(top)) == {name: text.encode() for name, text in tricky.items()}


def a_symlink(top: Path) -> None:
    (top / "linked.yaml").symlink_to("shop/web.yaml")


def a_symlinked_folder(top: Path) -> None:
    (top / "linked").symlink_to("shop")


def a_submodule(top: Path) -> None:
    other = a_repository(top.parent / "other")
    commit(other, WEB)
    git(top, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "module")


def a_large_file(top: Path) -> None:
    (top / "large.yaml").write_bytes(b"#" * ((1 << 20) + 1))


def a_name_in_latin_1(top: Path) -> None:
    Path(os.fsdecode(os.fsencode(top) + b"/stra\xdfe.yaml")).write_text("")


INCOMPLETE = {
    "symlink": (a_symlink, "linked.yaml is a symlink: put there what it leads to"),
    "symlinked folder": (a_symlinked_folder, "linked is a symlink: put there what it leads to"),
    "submodule": (a_submodule, "module is a submodule: put its documents here"),
    "large file": (a_large_file, "large.yaml is larger than 1 MiB: split it"),
    "name that is not UTF-8": (
        a_name_in_latin_1,
        r"stra\xdfe.yaml: the name is not UTF-8: rename it",
    ),
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_what_cannot_be_read_makes_the_tree_incomplete_and_is_named(top: Path, case: str) -> None:
    spoil, why = INCOMPLETE[case]
    commit(top, WEB)
    spoil(top)
    commit(top)
    found = read(top)
    assert found.incomplete == why
    assert contents(found) == {"shop/web.yaml": b"kind: Service\n"}


LINKS = {
    "a file of the tree": ("README.md", None),
    "a file of another folder": ("../README.md", "linked.txt is a symlink"),
    "a path that leads back": ("shop/../README.md", None),
    "nothing": ("gone.md", "linked.txt is a symlink"),
    "a folder": ("shop", "linked.txt is a symlink"),
    "a file of the machine": ("/etc/hostname", "linked.txt is a symlink"),
}


@pytest.mark.parametrize("case", LINKS)
def test_symlink_is_of_no_matter_if_it_leads_to_a_file_of_the_tree(top: Path, case: str) -> None:
    target, why = LINKS[case]
    write(top, {**WEB, "README.md": "# Shop"})
    (top / "linked.txt").symlink_to(target)
    commit(top)
    found = read(top)
    assert found.incomplete == (f"{why}: put there what it leads to" if why else None)
    assert list(contents(found)) == ["shop/web.yaml"]


def test_files_that_look_like_documents_and_are_none_are_named(top: Path) -> None:
    commit(top, {**WEB, "a.JSON": "", "shop/b.yaml.txt": "", ".x/c.json": "", "d.txt": ""})
    given = GitRef(top, "main")
    assert given.read().passed_over == ("a.JSON", "shop/b.yaml.txt")
    assert given.read().passed_over == ("a.JSON", "shop/b.yaml.txt")


def test_file_of_exactly_the_limit_is_read(top: Path) -> None:
    commit(top, {"full.yaml": "#" * (1 << 20)})
    assert read(top).incomplete is None


def test_tree_without_documents_is_incomplete(top: Path) -> None:
    commit(top, {"README.md": "nothing here"})
    assert read(top).incomplete == ("no documents below / of main: name the folder that holds them")


def test_too_many_documents_are_not_read(top: Path) -> None:
    blob = git(top, "hash-object", "-w", "--stdin", given="")
    lines = "".join(f"100644 {blob}\t{i}.yaml\n" for i in range(20_001))
    git(top, "update-index", "--index-info", given=lines)
    git(top, "commit", "-q", "-m", "many")
    found = read(top)
    why = "more than 20,000 documents below / of main: name a folder with fewer"
    assert (found.files, found.incomplete) == ((), why)


def test_hidden_files_and_folders_are_skipped_whatever_they_are(top: Path) -> None:
    write(top, {".hidden.yaml": "", ".github/workflows/ci.yaml": "", "a/.x/b.yaml": "", **WEB})
    (top / ".link").symlink_to("shop")
    commit(top)
    found = read(top)
    assert (list(contents(found)), found.incomplete) == (["shop/web.yaml"], None)


def test_blob_that_the_object_database_lacks_is_named(top: Path) -> None:
    commit(top, {**WEB, "lost.yaml": "lost"})
    blob = git(top, "rev-parse", "main:lost.yaml")
    (top / ".git/objects" / blob[:2] / blob[2:]).unlink()
    found = read(top)
    assert (
        found.incomplete
        == "lost.yaml: git does not hold its content: fetch it, or clone anew without --filter"
    )
    assert list(contents(found)) == ["shop/web.yaml"]


def test_unchanged_blobs_are_not_read_again(top: Path) -> None:
    commit(top, {"a.yaml": "same", "b.yaml": "old"})
    given = GitRef(top, "main")
    first = given.read()
    commit(top, {"b.yaml": "new", "moved/a.yaml": "same"})
    second = given.read()
    assert contents(second) == {"a.yaml": b"same", "b.yaml": b"new", "moved/a.yaml": b"same"}
    # The very bytes of the first reading, so git was not asked for them.
    assert second.files[0].data is first.files[0].data
    assert second.files[2].data is first.files[0].data


def test_the_same_commit_is_not_listed_again(top: Path) -> None:
    commit(top, WEB)
    given = GitRef(top, "main")
    first = given.read()
    assert given.read().files is first.files


def test_incomplete_reading_is_read_again(top: Path) -> None:
    commit(top, {"README.md": ""})
    given = GitRef(top, "main")
    assert given.read().incomplete
    assert given.read().incomplete, "the second look must not forget what was amiss"


def test_ref_that_moves_is_followed_and_one_that_vanishes_is_an_error(top: Path) -> None:
    commit(top, WEB)
    git(top, "branch", "release")
    given = GitRef(top, "release")
    given.read()
    at = commit(top, {"shop/api.yaml": ""})
    git(top, "branch", "-f", "release")
    assert given.read().revision.id == at
    git(top, "branch", "-D", "release")
    with pytest.raises(SourceError, match=r"no commit 'release'.*fetch it"):
        given.read()


def test_ref_that_names_a_branch_and_a_tag_is_refused(top: Path) -> None:
    commit(top, WEB)
    git(top, "tag", "main")
    with pytest.raises(SourceError, match="write refs/heads/main or refs/tags/main"):
        read(top)
    assert read(top, "refs/heads/main").incomplete is None


def test_folder_that_the_commit_lacks_is_an_error(top: Path) -> None:
    commit(top, WEB)
    with pytest.raises(SourceError, match=r"there is no folder 'gone' in commit [0-9a-f]{12} of "):
        read(top, below="gone")
    with pytest.raises(SourceError, match=r"there is no folder 'shop/web\.yaml' in commit "):
        read(top, below="shop/web.yaml")


def test_empty_repository_is_an_error(top: Path) -> None:
    with pytest.raises(SourceError, match="no commit 'main'"):
        read(top)


def test_missing_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no such directory: .*; name the clone of a repository"):
        read(tmp_path / "nowhere")


def test_folder_inside_a_repository_does_not_stand_for_it(top: Path) -> None:
    commit(top, WEB)
    with pytest.raises(SourceError, match="not a git repository"):
        read(top / "shop")


def test_environment_of_the_caller_cannot_point_elsewhere(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = commit(top, WEB)
    other = a_repository(tmp_path / "other")
    commit(other, {"other.yaml": ""})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    assert read(top).revision.id == at


def test_replaced_objects_are_not_believed(top: Path) -> None:
    commit(top, WEB)
    forged = git(top, "hash-object", "-w", "--stdin", given="forged")
    git(top, "replace", git(top, "rev-parse", "main:shop/web.yaml"), forged)
    assert contents(read(top)) == {"shop/web.yaml": b"kind: Service\n"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_repository_of_another_user_is_refused_with_the_remedy(top: Path) -> None:
    commit(top, WEB)
    for path in (top, top / ".git"):
        os.chown(path, NOBODY, NOBODY)
    with pytest.raises(SourceError, match=r"git config --global --add safe\.directory"):
        read(top)


def test_machine_without_git_is_told_to_install_it(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(top, WEB)
    monkeypatch.setenv("PATH", str(top))
    with pytest.raises(SourceError, match="install git"):
        read(top)


def test_repository_that_goes_away_is_an_error(top: Path) -> None:
    commit(top, WEB)
    given = GitRef(top, "main")
    given.read()
    shutil.rmtree(top / ".git")
    with pytest.raises(SourceError, match="not a git repository"):
        given.read()
    assert given.watched() == (top,)


@pytest.mark.parametrize(
    "ref", ["", "-main", "--upload-pack=x", "a b", "a\nb", "main:shop", "a\0b"]
)
def test_what_cannot_be_a_ref_is_refused_at_once(ref: str) -> None:
    with pytest.raises(ValueError, match="cannot be a ref"):
        GitRef(Path("/srv/x"), ref)


@pytest.mark.parametrize("below", ["../x", "a//b", "a/./b", "a\0"])
def test_what_cannot_be_a_folder_is_refused_at_once(below: str) -> None:
    with pytest.raises(ValueError, match="cannot be a folder"):
        source.GitRef(Path("/srv/x"), "main", below)


def test_git_that_takes_too_long_is_given_up_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 9\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = "git rev-parse took more than 0.1 s in .*; give the run more time with --timeout"
    with pytest.raises(SourceError, match=words):
        GitRef(tmp_path, "main", left=lambda: 0.1).read()


def test_git_is_not_run_when_the_time_of_the_run_is_over(tmp_path: Path) -> None:
    top = a_repository(tmp_path / "repo")
    commit(top, {"web.yaml": "kind: Service"})
    with pytest.raises(SourceError, match="the time of this run is over; give it more with"):
        GitRef(top, "main", left=lambda: 0.0).read()
    assert GitRef(top, "main", left=lambda: 20.0).read().files


def test_damaged_repository_is_told_in_gits_words_with_what_to_do(tmp_path: Path) -> None:
    top = a_repository(tmp_path / "repo")
    commit(top, {"web.yaml": "kind: Service"})
    tree = git(top, "rev-parse", "HEAD^{tree}").strip()
    (top / ".git/objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(SourceError) as raised:
        GitRef(top, "main").read()
    assert "git ls-tree` said 'not a tree object" in str(raised.value)
    assert f"see what `git -C {top} fsck` says" in str(raised.value)
