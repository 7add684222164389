"""Which revisions a commit descends from, and when nobody can tell."""

from pathlib import Path

import pytest

from reconciler.model.tree import Revision
from reconciler.sources.git import GitRef
from tests.sources.repositories import a_repository, commit, git

NOBODYS = "1" * 40


def revision(top: Path, *asked: str, ref: str = "main") -> Revision:
    source = GitRef(top, ref)
    return source.ancestry(source.read().revision, frozenset(asked))


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "repository")


def test_what_came_before_is_an_ancestor_and_what_came_after_is_not(top: Path) -> None:
    ids = [commit(top, {"a.yaml": str(i)}) for i in range(4)]
    found = revision(top, *ids, ref=ids[2])
    assert found == Revision(ids[2], frozenset(ids[:3]), frozenset(ids))
    assert [found.descends_from(i) for i in ids] == [True, True, True, False]


def test_side_that_was_merged_is_an_ancestor_and_one_that_was_not_is_not(top: Path) -> None:
    commit(top, {"a.yaml": ""})
    git(top, "branch", "other")
    git(top, "switch", "-q", "-c", "side")
    side = commit(top, {"side.yaml": ""})
    git(top, "switch", "-q", "other")
    other = commit(top, {"other.yaml": ""})
    git(top, "switch", "-q", "main")
    before = commit(top, {"b.yaml": ""})
    git(top, "merge", "-q", "-m", "merge", "side")
    found = revision(top, side, other, before)
    assert found.ancestors == {side, before}
    assert found.descends_from(other) is False


def test_commit_with_an_earlier_date_than_its_parent_is_no_obstacle(top: Path) -> None:
    commit(top, {"a.yaml": ""})
    old = commit(top, {"a.yaml": "1"})
    tree = git(top, "rev-parse", "HEAD^{tree}")
    body = f"tree {tree}\nparent {old}\n"
    for who in ("author", "committer"):
        body += f"{who} A <a@example.org> 1000000000 +0000\n"
    early = git(top, "hash-object", "-t", "commit", "-w", "--stdin", given=f"{body}\nearly\n")
    git(top, "reset", "-q", "--hard", early)
    assert revision(top, old).descends_from(old) is True


def test_nobody_can_tell_about_what_git_does_not_know(top: Path) -> None:
    at = commit(top, {"a.yaml": ""})
    blob = git(top, "rev-parse", "main:a.yaml")
    git(top, "tag", "-a", "-m", "release", "v1")
    tag = git(top, "rev-parse", "v1")
    unknown = (NOBODYS, "files:" + "0" * 40, "main", at[:12], at.upper(), f"{at}\n{at}", blob, tag)
    found = revision(top, *unknown)
    assert found == Revision(at)
    assert found.descends_from(NOBODYS) is None


def test_unknown_ids_do_not_spoil_the_answer_about_known_ones(top: Path) -> None:
    first = commit(top, {"a.yaml": ""})
    at = commit(top, {"a.yaml": "1"})
    assert revision(top, NOBODYS, first) == Revision(at, frozenset({first}), frozenset({first}))


def test_the_commit_itself_can_be_asked_about(top: Path) -> None:
    at = commit(top, {"a.yaml": ""})
    assert revision(top, at) == Revision(at, frozenset({at}), frozenset({at}))


def test_nothing_asked_is_nothing_answered(top: Path) -> None:
    assert revision(top, ref=commit(top, {"a.yaml": ""})).asked == frozenset()


def test_answer_does_not_stick_to_a_commit_that_is_read_again(top: Path) -> None:
    first = commit(top, {"a.yaml": ""})
    commit(top, {"a.yaml": "1"})
    given = GitRef(top, "main")
    read = given.read().revision
    assert given.ancestry(read, frozenset()).descends_from(first) is None
    assert given.ancestry(read, frozenset({first})).descends_from(first) is True
    assert given.read().revision.descends_from(first) is None


def test_commit_is_asked_about_that_was_read_though_the_ref_moved_on(top: Path) -> None:
    given = GitRef(top, "main")
    at = commit(top, {"a.yaml": ""})
    read = given.read().revision
    later = commit(top, {"a.yaml": "1"})
    assert given.read().revision.id == later
    found = given.ancestry(read, frozenset({at, later}))
    assert found == Revision(at, frozenset({at}), frozenset({at, later}))


def a_shallow_clone(top: Path, to: Path, depth: int = 1) -> Path:
    git(top, "clone", "-q", f"--depth={depth}", f"file://{top}", str(to))
    return to


def test_history_that_was_cut_off_is_not_taken_for_a_no(top: Path, tmp_path: Path) -> None:
    old = commit(top, {"a.yaml": ""})
    shallow = a_shallow_clone(top, tmp_path / "shallow")
    new = commit(top, {"a.yaml": "1"})
    git(shallow, "fetch", "-q", "--depth=1", "origin", "main")
    # The clone holds both commits, and nothing that joins them.
    found = revision(shallow, old, ref="origin/main")
    assert found.id == new
    assert found.descends_from(old) is None


def test_old_checkout_is_recognised_in_a_shallow_clone_too(top: Path, tmp_path: Path) -> None:
    ids = [commit(top, {"a.yaml": str(i)}) for i in range(4)]
    shallow = a_shallow_clone(top, tmp_path / "shallow", depth=3)
    found = revision(shallow, *ids, ref=ids[2])
    assert found.asked == {ids[1], ids[2], ids[3]}
    assert found.descends_from(ids[3]) is False
    assert found.descends_from(ids[1]) is True
    assert found.descends_from(ids[0]) is None


def test_history_with_a_hole_is_not_taken_for_a_no(top: Path) -> None:
    lost = commit(top, {"a.yaml": ""})
    commit(top, {"a.yaml": "1"})
    git(top, "switch", "-q", "--orphan", "other")
    other = commit(top, {"b.yaml": ""})
    (top / ".git/objects" / lost[:2] / lost[2:]).unlink()
    assert revision(top, other).descends_from(other) is None


def test_many_are_answered_at_once(top: Path) -> None:
    lines = ""
    for i in range(600):
        lines += f"commit refs/heads/main\ncommitter A <a@example.org> {1700000000 + i} +0000\n"
        lines += f"data 1\nx\nM 644 inline a.yaml\ndata <<E\n{i}\nE\n\n"
    git(top, "fast-import", "--quiet", given=lines)
    ids = git(top, "rev-list", "main").split()
    found = revision(top, *ids, ref="main~100")
    assert (len(found.asked), len(found.ancestors)) == (600, 500)


def test_start_of_a_longer_id_is_not_that_commit(tmp_path: Path) -> None:
    top = a_repository(tmp_path / "sha256", "--object-format=sha256")
    first = commit(top, {"a.yaml": ""})
    at = commit(top, {"a.yaml": "1"})
    assert revision(top, first, first[:40]) == Revision(at, frozenset({first}), frozenset({first}))
