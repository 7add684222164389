"""What is declared, read again and again: work that need not be done is not done."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.app.packaged import schemas
from reconciler.loop.desired import Declared, Reader, notes
from reconciler.loop.observe import PASSES_MAX, examined, revisions
from reconciler.model.live import LiveSnapshot
from reconciler.model.memory import Absence
from reconciler.model.questions import Questions
from reconciler.model.tree import Files, Revision
from reconciler.plan.inputs import PlanInput
from reconciler.report.text import text
from reconciler.sources.port import SourceError
from reconciler.thrift.calls import READ_ONLY_METHODS
from tests.support.builders import (
    NOW,
    a_job,
    a_key,
    a_live_job,
    a_round,
    a_snapshot,
    an_owned,
    an_update,
    owning,
)
from tests.support.site import CLUSTER, NAME, PLATFORM, PROJECT, Site, Tree, reasons, service

OTHER, NEXT, LOST = (digit * 40 for digit in "123")


@pytest.fixture
def tree() -> Tree:
    made = Tree()
    made.files = {
        "platform/platform.yaml": PLATFORM,
        "platform/clusters/dev.yaml": CLUSTER.format(name="dev"),
        "platform/projects/shop.yaml": PROJECT.format(name="shop", cluster="dev", more=""),
        "shop/web.yaml": service("web"),
        "shop/api.yaml": service("api"),
    }
    return made


@pytest.fixture
def reader(tree: Tree) -> Reader:
    return Reader(tree, schemas())


def read(reader: Reader) -> Declared:
    return reader.read({})


def test_second_reading_of_the_same_parses_and_renders_nothing(reader: Reader) -> None:
    first = read(reader)
    assert {key.name for key in first.rendered} == {"web", "api"}
    work = reader.parses, reader.renders
    assert read(reader).rendered == first.rendered
    assert (reader.parses, reader.renders) == work


def test_one_changed_file_is_one_parse_and_one_rendering(reader: Reader, tree: Tree) -> None:
    first = read(reader)
    work = reader.parses, reader.renders
    tree.files["shop/web.yaml"] = service("web", version='"2"')
    second = read(reader)
    assert (reader.parses, reader.renders) == (work[0] + 1, work[1] + 1)
    changed = {k.name for k, job in second.rendered.items() if job != first.rendered[k]}
    assert changed == {"web"}


def test_changed_platform_renders_everything_anew(reader: Reader, tree: Tree) -> None:
    read(reader)
    renders = reader.renders
    tree.files["platform/platform.yaml"] = PLATFORM.replace("watch: 2s", "watch: 3s")
    read(reader)
    assert reader.renders == renders + 2


def test_job_that_comes_back_is_rendered_like_a_new_one(reader: Reader, tree: Tree) -> None:
    read(reader)
    text = tree.files.pop("shop/web.yaml")
    assert {key.name for key in read(reader).rendered} == {"api"}
    tree.files["shop/web.yaml"] = text
    assert {key.name for key in read(reader).rendered} == {"web", "api"}


def test_broken_platform_renders_nothing_and_says_why(reader: Reader, tree: Tree) -> None:
    read(reader)
    tree.files["platform/platform.yaml"] = "kind: ["
    found = read(reader)
    assert found.rendered == {}
    assert found.problems


def test_tree_that_is_not_whole_is_told_with_what_it_stops(reader: Reader, tree: Tree) -> None:
    tree.incomplete = "shop/x.yaml is a symlink: put there what it leads to"
    assert list(map(str, read(reader).told)) == [
        ".: the desired state is not whole: shop/x.yaml is a symlink: put there what it leads to;"
        " mend that; until then nothing is pruned"
    ]


def test_ancestry_is_told_of_what_else_is_asked(reader: Reader, tree: Tree) -> None:
    older = read(reader).tree.revision.id
    tree.files["shop/web.yaml"] = service("web", version='"2"')
    declared = read(reader)
    assert declared.tree.revision.descends_from(older) is None
    found = reader.ancestry(declared, frozenset({older, OTHER})).tree.revision
    assert found.descends_from(older) is True
    assert found.descends_from(OTHER) is False
    assert reader.ancestry(declared, frozenset({declared.tree.revision.id})) is declared


def test_source_that_moved_on_meanwhile_tells_of_what_was_read(reader: Reader, tree: Tree) -> None:
    older = read(reader).tree.revision.id
    tree.files["shop/web.yaml"] = service("web", version='"2"')
    declared = read(reader)
    tree.files["shop/web.yaml"] = service("web", version='"3"')
    newer = read(reader).tree.revision.id
    found = reader.ancestry(declared, frozenset({older, newer}))
    assert found.tree.revision.id == declared.tree.revision.id
    told = [found.tree.revision.descends_from(revision) for revision in (older, newer)]
    assert told == [True, False]


class Counting:
    """A source of one revision that counts what it is asked. It has heard of the commits given."""

    def __init__(self, revision: str, *commits: str) -> None:
        self.revision = revision
        self.commits = frozenset(commits)
        self.reads = 0
        self.questions: list[frozenset[str]] = []

    def read(self) -> Files:
        self.reads += 1
        return Files(Revision(self.revision), ())

    def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
        self.questions.append(asked)
        return Revision(revision.id, frozenset(), asked & self.commits)

    def watched(self) -> tuple[Path, ...]:
        return ()


PLAIN, HERE = "files:" + "0" * 40, "a" * 40
ASKED: dict[str, tuple[str, list[set[str]], list[set[str]]]] = {
    "what is no commit": (HERE, [{PLAIN, "an-old-word"}], []),
    "the commit itself": (HERE, [{HERE, PLAIN}], []),
    "a commit": (HERE, [{OTHER, PLAIN}], [{OTHER}]),
    "the same again": (HERE, [{OTHER}, {OTHER}], [{OTHER}]),
    "more than before": (HERE, [{OTHER}, {OTHER, NEXT}], [{OTHER}, {OTHER, NEXT}]),
    # What was not there may have been fetched.
    "what is not known": (HERE, [{LOST}, {LOST}], [{LOST}, {LOST}]),
    # The commit below may be another one, under the same differences.
    "a work tree that was changed": (PLAIN, [{OTHER}, {OTHER}], [{OTHER}, {OTHER}]),
}


@pytest.mark.parametrize("name", ASKED)
def test_source_is_asked_of_commits_it_may_tell_more_of_and_never_read_for_it(name: str) -> None:
    revision, asked, want = ASKED[name]
    source = Counting(revision, OTHER, NEXT)
    reader = Reader(source, schemas())
    for told in asked:
        declared = reader.ancestry(reader.read({}), frozenset(told))
        known = declared.tree.revision
        assert [known.descends_from(c) for c in sorted(told & source.commits)] == [
            False for _ in told & source.commits
        ]
    assert source.questions == want
    assert source.reads == len(asked)


def test_revisions_that_were_applied_or_looked_at_are_asked_about() -> None:
    key = a_key()
    memory = owning(
        owned={key: an_owned(revision="applied")},
        absences={key: Absence(NOW, "absent")},
        ended={key: an_update(revision="ended-before")},
    )
    live = a_live_job(
        update=an_update(revision="rolling"), ended=(an_update(revision="ended-now"),)
    )
    gone = a_snapshot(live, ended={a_key("gone"): (an_update(revision="of-a-gone-job"),)})
    assert revisions(memory) == {"applied", "absent", "ended-before"}
    assert revisions(memory, gone) == {
        *("applied", "absent", "ended-before"),
        *("rolling", "ended-now", "of-a-gone-job"),
    }
    foreign = a_snapshot(a_live_job(update=an_update(ours=False)))
    assert revisions(owning(owned={key: an_owned(revision="")}), foreign) == set()


class Deaf:
    """A port that answers no question."""

    def __init__(self) -> None:
        self.asked: list[Questions] = []

    def examine(self, snapshot: LiveSnapshot, questions: Questions) -> LiveSnapshot:
        self.asked.append(questions)
        return snapshot


def test_questions_that_nobody_answers_are_not_asked_for_ever() -> None:
    given: PlanInput = a_round([a_job()])
    given = replace(given, snapshot=replace(given.snapshot, answers={}))
    port = Deaf()
    examined(given, port)  # type: ignore[arg-type]
    assert len(port.asked) == PASSES_MAX


def test_preview_and_run_ask_reads_only_until_something_is_sent(tmp_path: Path) -> None:
    site = Site(tmp_path / "state")
    site.declare(service("web"))
    site.preview()
    assert {call.method for call in site.cluster.calls} <= READ_ONLY_METHODS


def test_source_that_fails_when_it_is_asked_leaves_what_was_read(tmp_path: Path) -> None:
    """Where revisions come from is then not known: what would change waits for it."""

    class Failing(Tree):
        questions = 0

        def ancestry(self, revision: Revision, asked: frozenset[str]) -> Revision:
            del revision, asked
            self.questions += 1
            raise SourceError("git failed")

    site = Site(tmp_path / "state")
    site.declare(service("web"))
    assert site.converge().converged
    failing = Failing()
    failing.files = site.tree.files
    site.tree = failing
    site.declare(service("web", version='"2"'))
    report = site.step()
    assert failing.questions == 1
    assert report.faults == ()
    assert reasons(report) == {"web": "NewerApplied"}
    assert len(site.cluster.writes) == 1


SUSPENSIONS: dict[str, tuple[str, dict[str, datetime], bool]] = {
    "ended": ("2026-11-24T02:59:59Z", {NAME: NOW}, True),
    "ends now": ("2026-11-24T03:00:00Z", {NAME: NOW}, True),
    "goes on": ("2026-11-24T03:00:01Z", {NAME: NOW}, False),
    "ended here, on a cluster that was not asked": ("2026-11-24T02:00:00Z", {}, False),
    "goes on here, ended there": (
        "2026-11-24T03:00:01Z",
        {NAME: NOW + timedelta(hours=1)},
        True,
    ),
}


@pytest.mark.parametrize("name", SUSPENSIONS)
def test_suspension_that_has_ended_is_noted_by_its_clusters_clock(
    name: str, tmp_path: Path
) -> None:
    until, there, ended = SUSPENSIONS[name]
    site = Site(tmp_path)
    site.declare(service("web", suspend=f'{{by: ada, why: incident, until: "{until}"}}'))
    tree = Reader(site.tree, schemas()).read({}).tree
    told = [note.message for note in notes(tree, there)]
    words = f"dev/shop/prod/web: its suspension ended on {until[:10]} {until[11:16]}Z"
    assert told == ([words] if ended else [])


PORTS: dict[str, tuple[dict[str, Any], str]] = {
    "another than it has": (
        {"ports": "[http]", "run": "serve $PORT_WEB"},
        "run: PORT_WEB is of no port of this job; write PORT_HTTP",
    ),
    "a mistyped one": (
        {"ports": "[http, admin-ui]", "run": '"serve ${PORT_HTP} $PORT_ADMIN_UI"'},
        "run: PORT_HTP is of no port of this job; did you mean 'PORT_HTTP'?",
    ),
    "none at all": (
        {"run": "serve $PORT_HTTP"},
        "run: PORT_HTTP is of no port of this job; name the port under `ports:`",
    ),
    "set by the command itself": ({"run": "PORT_WEB=80; serve $PORT_WEB"}, ""),
    "its own": ({"ports": "[http]", "run": "serve $PORT_HTTP"}, ""),
}


@pytest.mark.parametrize("name", PORTS)
def test_variable_of_a_port_that_a_job_does_not_have_is_noted(name: str, tmp_path: Path) -> None:
    spec, words = PORTS[name]
    site = Site(tmp_path)
    site.declare(service("web", **spec))
    tree = Reader(site.tree, schemas()).read({}).tree
    assert tree.problems == ()
    assert [f"{n.message}; {n.hint}" for n in notes(tree, {})] == ([words] if words else [])


def test_round_notes_a_suspension_that_has_ended(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.declare(service("web", suspend='{by: ada, why: incident, until: "2026-11-24T02:00:00Z"}'))
    report = site.preview()
    assert text(report).count("note: shop/doc-0.yaml:9:12: dev/shop/prod/web: its suspension") == 1
    assert report.problems == ()
