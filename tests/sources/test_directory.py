"""A real directory: what is read, what makes it incomplete, and which revision it is."""

import dataclasses
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic

import pytest

from reconciler.model.tree import Files, Revision
from reconciler.sources.directory import Directory
from reconciler.sources.git import GitRef
from reconciler.sources.port import SourceError
from tests.sources.repositories import NOBODY, a_repository, commit, git, write
from tests.support.heard import opening

WEB = {"shop/web.yaml": "kind: Service\n"}


def read(root: Path, *asked: str) -> Files:
    source = Directory(root)
    found = source.read()
    return dataclasses.replace(found, revision=source.ancestry(found.revision, frozenset(asked)))


def contents(files: Files) -> dict[str, bytes]:
    return {f.path: f.data for f in files.files}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    write(folder, WEB)
    return folder


def test_documents_are_read_sorted_with_the_ids_that_git_would_give(root: Path) -> None:
    write(root, {"b.yml": "two", "a.yaml": "one\n", "README.md": "no", "a-b/c.yaml": ""})
    found = read(root)
    assert [f.path for f in found.files] == ["a-b/c.yaml", "a.yaml", "b.yml", "shop/web.yaml"]
    assert found.files[1].data == b"one\n"
    assert found.files[1].blob == "5626abf0f72e58d7a153368ba57db4c673c0e171"
    assert found.incomplete is None


def test_hidden_files_and_folders_are_skipped_whatever_they_are(root: Path) -> None:
    write(root, {".hidden.yaml": "", ".github/ci.yaml": "", "a/.x/b.yaml": ""})
    (root / ".link").symlink_to("shop")
    found = read(root)
    assert (list(contents(found)), found.incomplete) == (["shop/web.yaml"], None)


def test_folder_that_is_named_like_a_document_is_a_folder(root: Path) -> None:
    write(root, {"folder.yaml/x.yaml": "x"})
    assert list(contents(read(root))) == ["folder.yaml/x.yaml", "shop/web.yaml"]


ODD_NAMES = ["with space.yaml", 'quo"te.yaml', "new\nline.yaml", "back\\slash.yaml", "ß/日本.yaml"]


def test_odd_names_are_read_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, {name: name for name in ODD_NAMES})
    assert contents(read(tmp_path)) == {name: name.encode() for name in sorted(ODD_NAMES)}


def a_symlink(root: Path) -> None:
    (root / "linked.yaml").symlink_to("shop/web.yaml")


def a_symlinked_folder(root: Path) -> None:
    (root / "linked").symlink_to("shop")


def a_dangling_symlink(root: Path) -> None:
    (root / "shop/gone.yaml").symlink_to("nowhere")


def a_large_file(root: Path) -> None:
    (root / "large.yaml").write_bytes(b"#" * ((1 << 20) + 1))


def a_pipe(root: Path) -> None:
    os.mkfifo(root / "pipe.yaml")


def a_socket(root: Path) -> None:
    # The path of a socket is limited to some 100 bytes, so it must be a short one.
    with socket.socket(socket.AF_UNIX) as server, chdir(root):
        server.bind("socket.yaml")


def a_name_in_latin_1(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/stra\xdfe.yaml")).write_text("")


INCOMPLETE = {
    "symlink": (a_symlink, "linked.yaml is a symlink: put there what it leads to"),
    "symlinked folder": (a_symlinked_folder, "linked is a symlink: put there what it leads to"),
    "dangling symlink": (
        a_dangling_symlink,
        "shop/gone.yaml is a symlink: put there what it leads to",
    ),
    "large file": (a_large_file, "large.yaml is larger than 1 MiB: split it"),
    "pipe": (a_pipe, "pipe.yaml is not a plain file: remove it"),
    "socket": (a_socket, "socket.yaml is not a plain file: remove it"),
    "name that is not UTF-8": (
        a_name_in_latin_1,
        r"stra\xdfe.yaml: the name is not UTF-8: rename it",
    ),
}


@pytest.mark.parametrize("case", INCOMPLETE)
def test_what_cannot_be_read_makes_the_tree_incomplete_and_is_named(root: Path, case: str) -> None:
    spoil, why = INCOMPLETE[case]
    spoil(root)
    found = read(root)
    assert found.incomplete == why
    assert contents(found) == {"shop/web.yaml": b"kind: Service\n"}


def test_symlink_that_leads_back_is_not_followed(root: Path) -> None:
    (root / "loop").symlink_to(root)
    assert read(root).incomplete == "loop is a symlink: put there what it leads to"


def test_several_reasons_are_told_together_and_the_rest_is_counted(root: Path) -> None:
    for name in "abcde":
        (root / name).symlink_to("shop")
    said = [f"{name} is a symlink: put there what it leads to" for name in "abc"]
    assert read(root).incomplete == "; ".join([*said, "and 2 more"])


def a_link_to_a_readme(root: Path) -> None:
    (root / "README.md").write_text("# Shop")
    (root / "shop/README.md").symlink_to("../README.md")


def test_symlink_that_hides_no_document_is_of_no_matter(root: Path) -> None:
    a_link_to_a_readme(root)
    found = read(root)
    assert (list(contents(found)), found.incomplete) == (["shop/web.yaml"], None)


def test_symlink_out_of_the_tree_may_hide_anything(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").touch()
    (root / "linked.txt").symlink_to("../outside.txt")
    assert read(root).incomplete == "linked.txt is a symlink: put there what it leads to"


ALIKE = {
    "shop/a.YAML": True,
    "shop/b.Yml": True,
    "c.json": True,
    "d.yaml.txt": True,
    "README.md": False,
    "notes.txt": False,
    "yaml": False,
    ".hidden.json": False,
    "package.json.bak": False,
}


def test_files_that_look_like_documents_and_are_none_are_named(root: Path) -> None:
    write(root, dict.fromkeys(ALIKE, ""))
    found = read(root)
    assert found.passed_over == tuple(sorted(name for name, alike in ALIKE.items() if alike))
    assert (list(contents(found)), found.incomplete) == (["shop/web.yaml"], None)


@contextmanager
def an_ordinary_user(folder: Path) -> Iterator[None]:
    """Be somebody who may not read everything: of root, a nobody who owns the folder."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", ["shop/web.yaml", "shop"])
def test_what_may_not_be_read_is_named(name: str) -> None:
    # Not below tmp_path: what is root's there, a nobody cannot even reach.
    with TemporaryDirectory() as top:
        root = Path(top)
        write(root, {**WEB, "a.yaml": ""})
        with an_ordinary_user(root):
            (root / name).chmod(0)
            found = read(root)
            (root / name).chmod(0o700)
    assert found.incomplete == (
        f"{name} cannot be read: Permission denied (let this user read it, or remove it)"
    )
    assert list(contents(found)) == ["a.yaml"]


def test_file_of_exactly_the_limit_is_read(root: Path) -> None:
    write(root, {"full.yaml": "#" * (1 << 20)})
    assert read(root).incomplete is None


def test_too_many_documents_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "0.yaml").touch()
    for i in range(1, 20_001):
        os.link(tmp_path / "0.yaml", tmp_path / f"{i}.yaml")
    found = read(tmp_path)
    assert found.files == ()
    why = f"more than 20,000 documents below {tmp_path}: name a folder with fewer"
    assert why in (found.incomplete or "")


@pytest.mark.parametrize("other", ["README.md", ".hidden.yaml", "web.json"])
def test_tree_without_documents_is_incomplete(tmp_path: Path, other: str) -> None:
    write(tmp_path, {other: ""})
    found = read(tmp_path)
    assert found.incomplete == f"no documents below {tmp_path}: name the folder that holds them"


def test_missing_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file or directory"):
        read(tmp_path / "nowhere")


def test_file_in_place_of_the_root_is_an_error(root: Path) -> None:
    with pytest.raises(SourceError, match="Not a directory"):
        read(root / "shop/web.yaml")


def test_root_may_be_a_symlink_that_is_swapped_as_a_whole(root: Path, tmp_path: Path) -> None:
    (tmp_path / "now").symlink_to(root)
    found = read(tmp_path / "now")
    assert (contents(found), found.incomplete) == (contents(read(root)), None)


def rename(path: Path) -> None:
    names = [path.with_name(n) for n in ("web.yaml", "x.yaml")]
    there = next(n for n in names if n.exists())
    there.rename(next(n for n in names if n != there))


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("#\n")


def replace(path: Path) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(path.read_bytes())
    fresh.replace(path)


def rewrite(path: Path) -> None:
    before = path.stat()
    path.write_bytes(path.read_bytes())
    # Times are coarse, and all this took less than a tick.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def appear(path: Path) -> None:
    (path.parent / f"{len(list(path.parent.iterdir()))}.yaml").touch()


@pytest.mark.parametrize("change", [rename, append, replace, rewrite, appear])
def test_tree_that_does_not_hold_still_is_incomplete(
    root: Path, change: Callable[[Path], None]
) -> None:
    """The file that changes was scanned already, and is not the one that is being read."""
    write(root, {"a.yaml": ""})
    with opening(root / "a.yaml", lambda: change(root / "shop/web.yaml")):
        found = read(root)
    assert found.incomplete == f"files below {root} change while they are read: let them settle"
    assert read(root).incomplete is None


@pytest.mark.parametrize(("times", "whole"), [(1, True), (2, True), (3, False)])
def test_tree_that_comes_to_rest_in_time_is_read_again(root: Path, times: int, whole: bool) -> None:
    left = [append] * times
    path = root / "shop/web.yaml"
    with opening(path, lambda: left.pop()(path) if left else None):
        found = read(root)
    assert (found.incomplete is None) is whole
    assert found.files[0].data == path.read_bytes()


def test_file_that_vanishes_before_it_is_read_was_not_there(root: Path) -> None:
    write(root, {"a.yaml": ""})
    with opening(root / "a.yaml", (root / "a.yaml").unlink):
        found = read(root)
    assert (list(contents(found)), found.incomplete) == (["shop/web.yaml"], None)


def into_a_symlink(path: Path) -> None:
    path.symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    ("become", "why"),
    [
        (into_a_symlink, "is a symlink: put there what it leads to"),
        (os.mkfifo, "is not a plain file: remove it"),
    ],
)
def test_file_that_turns_into_something_else_is_neither_followed_nor_waited_for(
    root: Path, become: Callable[[Path], None], why: str
) -> None:
    write(root, {"a.yaml": ""})

    def turn() -> None:
        (root / "a.yaml").unlink()
        become(root / "a.yaml")

    with opening(root / "a.yaml", turn):
        found = read(root)
    assert (list(contents(found)), found.incomplete) == (["shop/web.yaml"], f"a.yaml {why}")


def test_root_that_is_swapped_while_it_is_read_is_read_anew(root: Path, tmp_path: Path) -> None:
    now, fresh = tmp_path / "now", tmp_path / "fresh"
    now.symlink_to(root)
    write(tmp_path / "next", {"new.yaml": ""})

    def swap() -> None:
        fresh.symlink_to(tmp_path / "next")
        fresh.replace(now)

    with opening(root / "shop/web.yaml", swap):
        found = read(now)
    assert (list(contents(found)), found.incomplete) == (["new.yaml"], None)


def test_root_that_vanishes_while_it_is_read_is_an_error(root: Path) -> None:
    with (
        opening(root / "shop/web.yaml", lambda: shutil.rmtree(root)),
        pytest.raises(SourceError, match="No such file or directory"),
    ):
        read(root)


def test_checkout_that_goes_on_is_never_taken_for_a_whole_tree(tmp_path: Path) -> None:
    """Two commits share no file; while git moves between them, a reading is one or the other."""
    top = a_repository(tmp_path / "tree")
    trees = []
    for side in ("a", "b"):
        git(top, "rm", "-rfq", "--ignore-unmatch", ".")
        commit(top, {f"{side}/{i}.yaml": f"{side}{i}" for i in range(150)})
        git(top, "branch", f"side-{side}")
        trees.append({f"{side}/{i}.yaml" for i in range(150)})
    over = Event()

    def switching() -> None:
        while not over.is_set():
            for side in ("a", "b"):
                git(top, "switch", "-q", f"side-{side}")

    thread = Thread(target=switching)
    thread.start()
    found: list[Files] = []
    until = monotonic() + 20
    while monotonic() < until and not (len(found) >= 20 and any(f.incomplete for f in found)):
        found.append(Directory(top).read())
    over.set()
    thread.join()
    assert any(f.incomplete for f in found), "nothing was caught: the test shows nothing"
    for files in found:
        assert files.incomplete or set(contents(files)) in trees


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "repository")


def test_clean_work_tree_is_its_commit_and_knows_its_ancestors(top: Path) -> None:
    first = commit(top, WEB)
    at = commit(top, {"shop/api.yaml": ""})
    assert read(top, first).revision == Revision(at, frozenset({first}), frozenset({first}))


def test_clean_work_tree_reads_the_same_as_its_commit(top: Path) -> None:
    write(top, {".hidden/a.yaml": "", **{f"x/{n}": n for n in ODD_NAMES}, "x/y.json": ""})
    commit(top, WEB)
    a_link_to_a_readme(top)
    commit(top)
    for below in ("", "shop", "x"):
        assert read(top / below) == GitRef(top, "HEAD", below).read()


def changed(top: Path) -> None:
    write(top, {"deploy/web.yaml": "changed"})


def staged(top: Path) -> None:
    write(top, {"deploy/web.yaml": "changed"})
    git(top, "add", "-A")


def untracked(top: Path) -> None:
    write(top, {"deploy/new.yaml": ""})


def ignored(top: Path) -> None:
    write(top, {".git/info/exclude": "new.yaml\n", "deploy/new.yaml": ""})


def deleted(top: Path) -> None:
    (top / "deploy/other.yaml").unlink()


def assumed_unchanged(top: Path) -> None:
    git(top, "update-index", "--assume-unchanged", "deploy/web.yaml")
    write(top, {"deploy/web.yaml": "changed"})


def sparse(top: Path) -> None:
    git(top, "sparse-checkout", "set", "--no-cone", "/deploy/web.yaml")


@pytest.mark.parametrize(
    "make", [changed, staged, untracked, ignored, deleted, assumed_unchanged, sparse]
)
def test_work_tree_that_differs_from_its_commit_is_not_that_commit(
    top: Path, make: Callable[[Path], None]
) -> None:
    first = commit(top, {"deploy/web.yaml": "a", "deploy/other.yaml": "b"})
    assert read(top / "deploy").revision.id == first
    make(top)
    found = read(top / "deploy", first)
    assert found.revision.id.startswith("files:")
    assert found.revision.descends_from(first) is True
    assert found.incomplete is None


def test_changes_elsewhere_in_the_work_tree_do_not_matter(top: Path) -> None:
    at = commit(top, {"deploy/web.yaml": "a", "src/x.yaml": "b"})
    write(top, {"src/x.yaml": "changed", "deploy/notes.txt": "untracked"})
    assert read(top / "deploy").revision.id == at


def test_folder_that_its_commit_lacks_is_a_plain_directory(top: Path) -> None:
    commit(top, WEB)
    write(top, {"new/a.yaml": ""})
    assert read(top / "new").revision.id.startswith("files:")


def test_revision_of_a_plain_directory_follows_names_and_contents(root: Path) -> None:
    def now() -> str:
        return read(root).revision.id

    first = now()
    assert len(first) == len("files:") + 40
    assert now() == first
    (root / "shop/web.yaml").rename(root / "shop/api.yaml")
    renamed = now()
    write(root, {"shop/api.yaml": "kind: CronJob\n"})
    assert len({first, renamed, now()}) == 3
    shutil.rmtree(root)
    write(root, WEB)
    assert now() == first


def test_plain_directory_descends_from_nothing_but_itself(root: Path) -> None:
    itself = read(root).revision.id
    found = read(root, itself, "1" * 40).revision
    assert (found.descends_from(itself), found.descends_from("1" * 40)) == (True, None)


def test_nobody_can_tell_about_what_was_read_before_the_last_reading(top: Path) -> None:
    first = commit(top, WEB)
    at = commit(top, {"a.yaml": ""})
    source = Directory(top)
    earlier = source.read().revision
    write(top, {"a.yaml": "changed"})
    later = source.read().revision
    assert source.ancestry(earlier, frozenset({first})) == earlier
    assert source.ancestry(later, frozenset({first, at})).ancestors == {first, at}


def test_no_document_is_read_to_tell_where_a_revision_comes_from(top: Path) -> None:
    first = commit(top, WEB)
    source = Directory(top)
    found = source.read()
    with opening(top / "shop/web.yaml", lambda: pytest.fail("it was opened")):
        assert source.ancestry(found.revision, frozenset({first})).ancestors == {first}


def test_work_tree_without_git_on_the_machine_is_a_plain_directory(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(top, WEB)
    monkeypatch.setenv("PATH", str(top))
    found = read(top)
    assert found.revision.id.startswith("files:")
    assert found.incomplete is None


def test_work_tree_without_a_commit_is_a_plain_directory(top: Path) -> None:
    write(top, WEB)
    assert read(top).revision.id.startswith("files:")


def test_git_at_work_makes_the_tree_incomplete(top: Path) -> None:
    commit(top, WEB)
    lock = top / ".git/index.lock"
    lock.touch()
    found = read(top / "shop")
    assert found.incomplete == f"git is at work here: {lock} (remove it if no git is running)"
    lock.unlink()
    assert read(top / "shop").incomplete is None


def test_git_at_work_in_a_linked_work_tree_is_seen_there(top: Path, tmp_path: Path) -> None:
    commit(top, WEB)
    linked = tmp_path / "linked"
    git(top, "worktree", "add", "-q", str(linked))
    (top / ".git/worktrees/linked/index.lock").touch()
    assert "git is at work" in (read(linked).incomplete or "")
    assert read(top).incomplete is None


def test_watched_is_the_folder_and_what_git_writes_last(top: Path) -> None:
    commit(top, WEB)
    own = {top / ".git" / name for name in ("HEAD", "packed-refs", "refs", "index", "index.lock")}
    assert set(Directory(top / "shop").watched()) == {top / "shop", *own}


def test_watched_of_a_plain_directory_is_itself(root: Path) -> None:
    assert Directory(root).watched() == (root,)
