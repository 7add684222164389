"""What is declared, read and rendered for one round.

Only what changed is parsed and rendered anew; what is kept of earlier rounds may save work, and
cannot change an answer: it is looked up by the content that it was made from.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.desired.meaning import unknown_ports
from reconciler.desired.schemas import Schemas
from reconciler.desired.tree import Memo, load
from reconciler.model.keys import JobKey
from reconciler.model.memory import Owned
from reconciler.model.policy import Policies
from reconciler.model.problem import Origin, Problem
from reconciler.model.rendered import RenderedJob
from reconciler.model.spec import DesiredJob
from reconciler.model.tree import DesiredTree, Revision
from reconciler.sources.port import Source
from reconciler.translate.mediator import render

Rendered = RenderedJob | tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """One reading of the desired state. A job of the tree is in exactly one of the two maps."""

    tree: DesiredTree
    rendered: Mapping[JobKey, RenderedJob]
    unrendered: Mapping[JobKey, tuple[Problem, ...]]

    def keys(self) -> Set[JobKey]:
        """Return every job that some document declares, sound or not."""
        return self.rendered.keys() | self.unrendered.keys() | self.tree.broken.keys()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong with the desired state."""
        found = (p for problems in self.unrendered.values() for p in problems)
        return tuple(sorted({*self.tree.problems, *found}))

    @property
    def told(self) -> tuple[Problem, ...]:
        """Return the same, and that the tree is not whole: a round must not keep that to itself."""
        if self.tree.incomplete is None:
            return self.problems
        why = f"the desired state is not whole: {self.tree.incomplete}"
        problem = Problem(Origin("."), why, "mend that; until then nothing is pruned")
        return (problem, *self.problems)

    def at(self, revision: Revision) -> "Declared":
        """Return the same, with more known about where its revision comes from."""
        return replace(self, tree=replace(self.tree, revision=revision))


def notes(tree: DesiredTree, there: Mapping[str, datetime]) -> tuple[Problem, ...]:
    """Return what is no mistake and may surprise: suspensions that have ended, by the clocks of the
    clusters as it is there now, variables of ports that a job does not have, and files that look
    like documents and are not read."""
    passed_over = (
        Problem(Origin(path), "it is not read", "name a document *.yaml or *.yml")
        for path in tree.passed_over
    )
    ports = (note for job in tree.jobs.values() for note in unknown_ports(job))
    return tuple(sorted({*_ended(tree, there), *ports, *passed_over}))


def _ended(tree: DesiredTree, there: Mapping[str, datetime]) -> Iterator[Problem]:
    for job in tree.jobs.values():
        told, now = job.suspended, there.get(job.key.cluster)
        if told is not None and told.until is not None and now is not None and told.until <= now:
            words = f"{job.key}: its suspension ended on {told.until:%Y-%m-%d %H:%MZ}"
            where = job.authored.get("suspend")
            origin = where.origin if where is not None else job.origin
            yield Problem(origin, words, "remove `suspend`, or set another `until`")


class Reader:
    """Reads one source again and again. `parses` and `renders` count work, for the benchmark."""

    def __init__(self, source: Source, schemas: Schemas, platform_dir: str = "platform") -> None:
        self._source = source
        self.schemas = schemas
        self._platform_dir = platform_dir
        self._memo = Memo()
        self._rendered: dict[JobKey, tuple[str, str, DesiredJob, Rendered]] = {}
        self._known: Revision | None = None
        self.renders = 0

    @property
    def parses(self) -> int:
        return self._memo.parses

    def read(self, owned: Mapping[JobKey, Owned]) -> Declared:
        """Return what is declared; SourceError when the source cannot be read at all."""
        files = self._source.read()
        tree = load(files, self.schemas, owned, self._platform_dir, self._memo)
        rendered: dict[JobKey, RenderedJob] = {}
        unrendered: dict[JobKey, tuple[Problem, ...]] = {}
        if tree.policies is not None:
            for key, job in tree.jobs.items():
                found = self._render(job, tree.policies)
                if isinstance(found, RenderedJob):
                    rendered[key] = found
                else:
                    unrendered[key] = found
        self._rendered = {k: self._rendered[k] for k in tree.jobs if k in self._rendered}
        return Declared(tree, rendered, unrendered)

    def ancestry(self, declared: Declared, asked: frozenset[str]) -> Declared:
        """Return the same reading, knowing of revisions whether it descends from them.

        Of commits only: of anything else no history tells.
        """
        revision = declared.tree.revision
        commits = frozenset(filter(Revision.is_commit, asked)) - {revision.id}
        if not commits:
            return declared
        known = self._known
        # Where a commit comes from does not change, once it is known.
        if known is None or known.id != revision.id or not commits <= known.asked:
            known = self._source.ancestry(revision, commits)
        self._known = known if Revision.is_commit(known.id) else None
        return declared.at(known)

    def _render(self, job: DesiredJob, policies: Policies) -> Rendered:
        known = self._rendered.get(job.key)
        if known is not None and known[:2] == (job.digest, policies.digest) and known[2] is job:
            return known[3]
        self.renders += 1
        found = render(job, policies)
        self._rendered[job.key] = (job.digest, policies.digest, job, found)
        return found
