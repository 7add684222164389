"""Wake-ups from a real file system. Who waits does so on an event, never for a fixed time."""

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event
from threading import enumerate as threads
from time import monotonic, sleep

import pytest

from reconciler.sources.directory import Directory
from reconciler.sources.git import GitRef
from reconciler.sources.port import Source
from reconciler.sources.watch import Watcher
from tests.sources.repositories import a_repository, commit, git, write

SOON_S = 10.0
QUIET_S = 0.7


class Bell:
    """Counts wake-ups, and waits for one."""

    def __init__(self) -> None:
        self.rung = 0
        self._event = Event()

    def __call__(self) -> None:
        self.rung += 1
        self._event.set()

    def rings(self, within_s: float = SOON_S) -> bool:
        found = self._event.wait(within_s)
        self._event.clear()
        return found

    def is_quiet(self) -> bool:
        return not self.rings(QUIET_S)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "tree", {"shop/web.yaml": "1", "shop/api.yaml": "1"})
    return tmp_path / "tree"


def rewrite(root: Path) -> None:
    write(root, {"shop/web.yaml": "2"})


def create(root: Path) -> None:
    write(root, {"shop/new.yaml": ""})


def delete(root: Path) -> None:
    (root / "shop/web.yaml").unlink()


def rename(root: Path) -> None:
    (root / "shop/web.yaml").rename(root / "shop/other.yaml")


def replace(root: Path) -> None:
    write(root.parent, {"fresh": "3"})
    (root.parent / "fresh").replace(root / "shop/web.yaml")


def move_in_a_folder(root: Path) -> None:
    write(root.parent, {"team/x.yaml": ""})
    (root.parent / "team").rename(root / "team")


CHANGES = [rewrite, create, delete, rename, replace, move_in_a_folder]


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_a_change_wakes(root: Path, bell: Bell, change: Callable[[Path], None]) -> None:
    with Watcher((root,), bell):
        change(root)
        assert bell.rings()


def test_a_burst_wakes_after_it_is_over_and_not_for_every_change(root: Path, bell: Bell) -> None:
    with Watcher((root,), bell):
        begun = monotonic()
        for i in range(300):
            write(root, {f"shop/{i}.yaml": str(i)})
        assert bell.rings()
        assert monotonic() - begun >= 0.2
        assert bell.is_quiet()
    assert bell.rung <= 3, "one, unless this machine stood still in between"


def test_changes_that_do_not_end_wake_all_the_same(root: Path, bell: Bell) -> None:
    with Watcher((root,), bell):
        until = monotonic() + SOON_S
        while not bell.rung and monotonic() < until:
            write(root, {"shop/web.yaml": "again"})
            bell.rings(0.02)
    assert bell.rung


def test_each_burst_wakes_and_new_folders_are_watched(root: Path, bell: Bell) -> None:
    with Watcher((root,), bell):
        for name in ("a/1.yaml", "a/2.yaml", "a/b/3.yaml"):
            write(root, {name: ""})
            assert bell.rings(), name


@pytest.mark.parametrize("ref", ["", "main"])
def test_reading_does_not_wake_its_reader(tmp_path: Path, bell: Bell, ref: str) -> None:
    top = a_repository(tmp_path / "repository")
    first = commit(top, {"shop/web.yaml": ""})
    source: Source = GitRef(top, ref) if ref else Directory(top)
    with Watcher(source.watched(), bell):
        for _ in range(3):
            source.ancestry(source.read().revision, frozenset({first}))
        assert bell.is_quiet()


def test_commit_and_push_wake_whoever_watches_the_ref(tmp_path: Path, bell: Bell) -> None:
    bare = a_repository(tmp_path / "bare.git", "--bare")
    top = a_repository(tmp_path / "work")
    git(top, "remote", "add", "origin", str(bare))
    with Watcher(GitRef(bare, "main").watched(), bell):
        for i in range(2):
            commit(top, {"a.yaml": str(i)})
            git(top, "push", "-q", "origin", "main")
            assert bell.rings()


def test_packing_and_switching_wake_too(tmp_path: Path, bell: Bell) -> None:
    top = a_repository(tmp_path / "work")
    commit(top, {"a.yaml": ""})
    git(top, "branch", "other")
    with Watcher(GitRef(top, "HEAD").watched(), bell):
        git(top, "symbolic-ref", "HEAD", "refs/heads/other")
        assert bell.rings()
        git(top, "pack-refs", "--all")
        assert bell.rings()


def test_git_that_ends_its_work_wakes_whoever_watches_a_folder(tmp_path: Path, bell: Bell) -> None:
    top = a_repository(tmp_path / "work")
    commit(top, {"deploy/a.yaml": ""})
    lock = top / ".git/index.lock"
    lock.touch()
    with Watcher(Directory(top / "deploy").watched(), bell):
        lock.unlink()
        assert bell.rings()


def test_neighbours_of_what_is_watched_do_not_wake(root: Path, bell: Bell) -> None:
    with Watcher((root,), bell):
        write(root.parent, {"neighbour.yaml": "", "treehouse/x.yaml": ""})
        assert bell.is_quiet()


def test_folder_that_vanishes_and_comes_back_is_watched_again(root: Path, bell: Bell) -> None:
    with Watcher((root,), bell):
        shutil.rmtree(root)
        assert bell.rings()
        write(root, {"shop/web.yaml": "back"})
        assert bell.rings()
        write(root, {"shop/web.yaml": "changed"})
        assert bell.rings()


def test_symlink_that_is_swapped_is_followed(root: Path, bell: Bell) -> None:
    now, fresh = root.parent / "now", root.parent / "fresh"
    now.symlink_to(root)
    write(root.parent / "next", {"shop/web.yaml": "2"})
    with Watcher((now,), bell):
        write(root, {"shop/web.yaml": "changed"})
        assert bell.rings()
        fresh.symlink_to(root.parent / "next")
        fresh.replace(now)
        assert bell.rings()
        write(root.parent / "next", {"shop/web.yaml": "3"})
        assert bell.rings()


def test_path_that_does_not_exist_yet_is_no_fault_and_wakes_later(root: Path, bell: Bell) -> None:
    with Watcher((root / "later", root / "no/such/parent"), bell):
        write(root, {"later/a.yaml": ""})
        assert bell.rings()


def test_nothing_to_watch_does_nothing(tmp_path: Path, bell: Bell) -> None:
    with Watcher((), bell), Watcher((tmp_path / "a/b/c",), bell):
        assert bell.is_quiet()


def test_leaving_ends_all_threads_at_once_and_wakes_no_more(root: Path, bell: Bell) -> None:
    before = set(threads())
    with Watcher((root,), bell):
        write(root, {"shop/web.yaml": "2"})
        begun = monotonic()
    assert monotonic() - begun < 5
    rung = bell.rung
    write(root, {"shop/web.yaml": "3"})
    sleep(QUIET_S)
    assert bell.rung == rung
    assert set(threads()) - before == set()


def test_machine_that_has_no_notifications_left_is_no_fault(root: Path, bell: Bell) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with Watcher((root,), bell):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert bell.rung == 0
