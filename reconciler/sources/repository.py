"""A git repository on this machine, asked through the git CLI.

Reads only: no lock is taken, no hook runs, nothing is fetched on purpose. git's own check of who
owns a repository stays on; its refusal is passed on with the remedy. The environment is fixed, so
that GIT_DIR and the like of whoever started us cannot point us elsewhere.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from reconciler.model.left import Left, forever
from reconciler.model.tree import Revision
from reconciler.sources.port import SourceError
from reconciler.sources.selection import shown

_TIMEOUT_S = 30.0
_PASSED_ON = ("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR")
_FIXED = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    # A partial clone would fetch what it lacks, by whatever command its configuration names.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}


@dataclass(frozen=True, slots=True)
class GitFolders:
    """Where git keeps its files: `own` of one work tree, `common` to all work trees of it."""

    own: Path
    common: Path

    def of_refs(self) -> tuple[Path, ...]:
        """Return the files and folders that change when a ref moves."""
        return (self.own / "HEAD", self.common / "packed-refs", self.common / "refs")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a commit's tree. The path is as git stores it; size is None when git has none."""

    mode: str
    blob: str
    size: int | None
    path: bytes

    @property
    def shown(self) -> str:
        return shown(self.path)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository: the top of a work tree, a `.git` folder, or a bare repository.

    git is given up when it takes longer than `left`, too.
    """

    top: Path
    left: Left = forever

    def commit(self, ref: str) -> str:
        """Return the id of the commit that the ref names now."""
        done = self._finished(("rev-parse", "--verify", f"{ref}^{{commit}}"))
        if b"is ambiguous" in done.stderr:
            raise SourceError(
                f"{ref!r} names several things in {self.top}: write refs/heads/{ref} or "
                f"refs/tags/{ref}"
            )
        if done.returncode:
            self._refuse_owner(done.stderr)
            raise SourceError(
                f"there is no commit {ref!r} in {self.top} ({_said(done.stderr)}): fetch it, or "
                "name another ref"
            )
        return done.stdout.decode().strip()

    def entries(self, commit: str, below: str = "") -> list[Entry]:
        """Return all that the commit holds below a folder, paths relative to it."""
        tree = f"{commit}:{below}" if below else commit
        if below and self._finished(("cat-file", "-t", tree)).stdout.strip() != b"tree":
            raise SourceError(
                f"there is no folder {below!r} in commit {commit[:12]} of {self.top}: name one "
                "that is there, or none for all of it"
            )
        listed = self._output("ls-tree", "-r", "-z", "-l", "--full-tree", tree)
        return [_entry(line) for line in listed.split(b"\0") if line]

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """Return the content of the blobs, read by one process; one that is missing is left out."""
        given = "".join(f"{blob}\n" for blob in ids)
        if not given:
            return {}
        return dict(_contents(self._output("cat-file", "--batch", "--buffer", given=given)))

    def revision(self, commit: str, asked: frozenset[str]) -> Revision:
        """Return the revision of a commit. What git cannot tell stays out of its `asked`."""
        known = self._commits(asked)
        if not known:
            return Revision(commit)
        found, whole = self._reached(commit, known)
        if not whole:
            known = found
        elif known > found and self._is_shallow():
            # History is cut off here. Only what descends from this commit surely is no ancestor.
            known = found | self._descendants(commit, known - found)
        return Revision(commit, ancestors=found, asked=known)

    def _commits(self, asked: frozenset[str]) -> frozenset[str]:
        """Return those of the ids that are commits which this repository holds."""
        ids = sorted(i for i in asked if Revision.is_commit(i))
        if not ids:
            return frozenset()
        given = "".join(f"{i}\n" for i in ids)
        lines = self._output("cat-file", "--batch-check", given=given).decode().splitlines()
        answers = [line.split() for line in lines]
        # An id of 40 digits may abbreviate one of 64, so the answer must be the very id.
        return frozenset(a[0] for a in answers if a[1] == "commit") & frozenset(ids)

    def _reached(self, commit: str, wanted: frozenset[str]) -> tuple[frozenset[str], bool]:
        """Return which commits are this one or came before, and whether all history was seen."""
        left = set(wanted)
        with self._lines("rev-list", commit) as (process, lines):
            while left and (line := next(lines, None)):
                left.discard(line.decode().strip())
            whole = not left or process.wait() == 0
        return wanted - left, whole

    def _descendants(self, commit: str, others: frozenset[str]) -> frozenset[str]:
        """Return those of the others that descend from the commit."""
        given = "".join(f"{i}\n" for i in (f"^{commit}", *sorted(others)))
        listed = self._output("rev-list", "--ancestry-path", "--stdin", given=given)
        return others.intersection(listed.decode().split())

    def _is_shallow(self) -> bool:
        return self._output("rev-parse", "--is-shallow-repository").strip() == b"true"

    def _output(self, *words: str, given: str = "") -> bytes:
        done = self._finished(words, given)
        if done.returncode:
            self._refuse_owner(done.stderr)
            raise SourceError(
                f"git cannot read {self.top}: `git {words[0]}` said {_said(done.stderr)!r}; see "
                f"what `git -C {self.top} fsck` says, and clone it anew if it is damaged"
            )
        return done.stdout

    def _refuse_owner(self, stderr: bytes) -> None:
        if b"dubious ownership" in stderr:
            raise SourceError(
                f"git refuses {self.top}, since it belongs to another user: run "
                f"`git config --global --add safe.directory {self.top}` if you trust that user"
            )

    def _finished(
        self, words: tuple[str, ...], given: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        limit = self._limit(words[0])
        try:
            return subprocess.run(
                self._command(words),
                input=given.encode(),
                capture_output=True,
                env=self._environment(),
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            short = limit < _TIMEOUT_S
            remedy = (
                "give the run more time with --timeout" if short else f"run `git -C {self.top} gc`"
            )
            raise SourceError(
                f"git {words[0]} took more than {limit:.3g} s in {self.top}; {remedy}"
            ) from None
        except OSError as fault:
            raise SourceError(_no_git(fault)) from None

    @contextmanager
    def _lines(self, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[bytes]]]:
        """Read a long answer line by line. The process ends with the block, or when time is up."""
        limit = self._limit(words[0])
        try:
            with subprocess.Popen(
                self._command(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment(),
            ) as process:
                timer = Timer(limit, process.kill)
                timer.start()
                try:
                    yield process, iter(process.stdout or ())
                finally:
                    timer.cancel()
                    process.kill()
        except OSError as fault:
            raise SourceError(_no_git(fault)) from None

    def _limit(self, word: str) -> float:
        found = min(_TIMEOUT_S, self.left())
        if found <= 0:
            raise SourceError(
                f"git {word} was not run in {self.top}: the time of this run is over; give it more "
                "with --timeout"
            )
        return found

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return ["git", "-C", str(self.top), *words]

    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        # A folder that is no repository must not stand for the one that happens to be around it.
        around = str(self.top.resolve().parent)
        return {**passed, **_FIXED, "GIT_CEILING_DIRECTORIES": around}


def git_folders(top: Path) -> GitFolders | None:
    """Return where git keeps the files of a repository; None when there is none at `top`."""
    dot = top / ".git"
    own = dot
    if dot.is_file():
        # A linked work tree or a submodule: the file holds `gitdir: <path>`.
        own = top / _content(dot).removeprefix("gitdir:").strip()
    elif not dot.is_dir():
        own = top
    if not (own / "HEAD").is_file():
        return None
    return GitFolders(own, own / _content(own / "commondir"))


def around(folder: Path) -> Path | None:
    """Return the top of the work tree that a folder lies in; None when it lies in none."""
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            return top if git_folders(top) else None
    return None


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return ""


def _entry(line: bytes) -> Entry:
    facts, _, path = line.partition(b"\t")
    mode, _, blob, size = facts.decode().split()
    # "-" for what has no size, "BAD" for a blob that the object database lacks.
    return Entry(mode, blob, int(size) if size.isdigit() else None, path)


def _contents(batch: bytes) -> Iterator[tuple[str, bytes]]:
    """Take apart `<id> blob <size>LF<content>LF ...`; a missing one is `<id> missingLF`."""
    at = 0
    while at < len(batch):
        end = batch.index(b"\n", at)
        blob, kind, *size = batch[at:end].decode().split()
        at = end + 1
        if kind != "missing":
            length = int(size[0])
            yield blob, batch[at : at + length]
            at += length + 1


def _no_git(fault: OSError) -> str:
    return f"git cannot be run: {fault.strerror}; install git, or mend PATH"


def _said(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else "git gave no reason"
