"""What is kept of a directory between two readings: what saves work, and nothing that changed."""

import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model.tree import Files
from reconciler.sources.contents import TICK_S
from reconciler.sources.directory import Directory
from reconciler.sources.scan import scan
from tests.sources.repositories import a_repository, commit, write
from tests.support.heard import documents_opened, listening

TREE = {"a.yaml": "one", "b.yaml": "two", "shop/c.yaml": "three"}
NAMES = ["a.yaml", "b.yaml", "c.yaml"]


class Time:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "tree", TREE)
    return tmp_path / "tree"


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def source(root: Path, time: Time) -> Directory:
    return Directory(root, time)


def settle(source: Directory, time: Time) -> Files:
    """Read as often as it takes until everything is kept."""
    source.read()
    time.now += TICK_S + 1
    return source.read()


def fresh(root: Path) -> Files:
    """Return what one finds who has kept nothing."""
    return Directory(root).read()


def test_file_is_read_until_its_stamp_has_stood_for_a_tick(source: Directory, time: Time) -> None:
    first = source.read()
    opened = []
    for step_s in (0.0, TICK_S, 0.1, 0.0, 1000.0):
        time.now += step_s
        with documents_opened() as names:
            assert source.read() == first
        opened.append(names)
    assert opened == [NAMES, NAMES, NAMES, [], []]


def test_who_has_no_clock_reads_everything_each_time(root: Path) -> None:
    source = Directory(root)
    for _ in range(3):
        with documents_opened() as names:
            source.read()
        assert names == NAMES


def test_change_within_a_tick_is_seen_although_the_stamp_tells_nothing(tmp_path: Path) -> None:
    """A page that is written to through a mapping, and again before it is on the disk, has the
    times of the first change: as a file has whose clock did not tick in between."""
    unseen = 0
    # It may come to the disk in between, but not each time.
    for name in "abc":
        root, time = tmp_path / name, Time()
        write(root, TREE)
        source = Directory(root, time)
        with (root / "a.yaml").open("r+b") as file, mmap.mmap(file.fileno(), 0) as page:
            page[:3] = b"ONE"
            before = scan(root)
            assert source.read().files[0].data == b"ONE"
            page[:3] = b"TWO"
            unseen += scan(root) == before
            time.now += TICK_S + 1
            assert source.read().files[0].data == b"TWO"
    assert unseen


def again(path: Path) -> None:
    path.write_text("eno")


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("#")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text("eno")
    other.replace(path)


def replace_by_an_older_one(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text("eno")
    seen = path.stat()
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.replace(path)


def swap(path: Path) -> None:
    other, away = path.with_name("b.yaml"), path.with_name("away")
    path.rename(away)
    other.rename(path)
    away.rename(other)


def vanish(path: Path) -> None:
    path.unlink()


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def be_closed(path: Path) -> None:
    path.chmod(0)


def be_swapped_with_its_folder(path: Path) -> None:
    root = path.parent
    root.rename(root.with_name("before"))
    write(root, {**TREE, "a.yaml": "eno"})


CHANGES = [
    again,
    append,
    replace,
    replace_by_an_older_one,
    swap,
    vanish,
    become_a_folder,
    be_closed,
    be_swapped_with_its_folder,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_kept_is_not_believed_of_a_file_that_has_changed(
    root: Path, source: Directory, time: Time, change: Callable[[Path], None]
) -> None:
    before = settle(source, time)
    change(root / "a.yaml")
    found = source.read()
    assert found == fresh(root)
    # Who may read anything has nothing closed to him.
    assert found != before or (change is be_closed and os.geteuid() == 0)


def test_only_what_has_changed_is_read_again(root: Path, source: Directory, time: Time) -> None:
    settle(source, time)
    write(root, {"b.yaml": "owt", "d.yaml": "new"})
    with documents_opened() as names:
        source.read()
    assert names == ["b.yaml", "d.yaml"]


def test_tree_that_is_as_it_was_is_looked_at_once(
    root: Path, source: Directory, time: Time
) -> None:
    """Otherwise a look before and one after it must agree, each into both folders."""

    def looks() -> int:
        with listening("os.scandir") as heard:
            source.read()
        return len(heard)

    settle(source, time)
    assert looks() == 2
    (root / "b.yaml").unlink()
    assert [looks(), looks()] == [4, 2]
    write(root, {"b.yaml": "back"})
    assert [looks(), looks()] == [4, 4]
    time.now += TICK_S + 1
    assert [looks(), looks()] == [4, 2]


def test_what_a_commit_holds_is_listed_once(tmp_path: Path, time: Time) -> None:
    top = a_repository(tmp_path / "tree")
    commit(top, TREE)
    source = Directory(top, time)

    def listed() -> int:
        with listening("subprocess.Popen") as heard:
            source.read()
        return sum("ls-tree" in facts[1] for facts in heard)

    assert [listed(), listed()] == [1, 0]
    at = commit(top, {"a.yaml": "other"})
    assert source.read().revision.id == at
    write(top, {"a.yaml": "changed"})
    assert source.read().revision.id == fresh(top).revision.id
