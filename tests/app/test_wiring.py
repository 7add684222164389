"""What commands work with: where the record lies, which clusters there are, who gets a login."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from reconciler.app.packaged import sample, schema, schemas
from reconciler.app.wiring import (
    NoPlatformError,
    OptionError,
    Terms,
    default_state,
    reader,
    state_directory,
    wired,
)
from reconciler.desired.schemas import KINDS
from reconciler.loop.clock import SystemClock
from reconciler.loop.round import always
from reconciler.model.round import Event, FaultKind
from reconciler.plan.inputs import Orders
from reconciler.scheduler.http import Credentials
from reconciler.settings import Settings
from tests.support.heard import documents_opened

CLUSTER = "desired-state/platform/clusters/devcluster.yaml"
REMOTE = """
apiVersion: reconciler/v1
kind: Cluster
metadata: {{name: devcluster}}
spec:
  scheduler: {{urls: ["{url}"]{more}}}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the sample."""
    return shutil.copytree(sample(), tmp_path / "desired-state")


def a_setting(tree: Path, **differs: object) -> Settings:
    told = {"desired": str(tree), "state": tree.parent / "state", **differs}
    return Settings(**told)  # type: ignore[arg-type]


def at(tree: Path, url: str, more: str = "") -> None:
    """Let the sample's cluster be a real one."""
    (tree.parent / CLUSTER).write_text(REMOTE.format(url=url, more=more))


def test_schemas_and_sample_are_found() -> None:
    assert set(KINDS.values()) <= {path.name.partition(".")[0] for path in _schemas()}
    assert schema("plan")["title"] == "Round"
    assert schemas().calls == 0


def _schemas() -> list[Path]:
    return list((Path(__file__).parents[2] / "schemas").glob("*.schema.json"))


def test_the_record_is_the_platforms_own_unless_another_is_named(tree: Path) -> None:
    settings = a_setting(tree, state=None)
    declared = reader(settings)[1].read({})
    found = state_directory(settings, declared, {"XDG_STATE_HOME": "/x"})
    assert found == Path("/x/reconcile/retail")
    named = a_setting(tree, state=Path("/y"))
    assert state_directory(named, declared, {}) == Path("/y")


def test_by_default_each_platform_has_a_record_of_its_own() -> None:
    assert default_state("retail", {}) == Path.home() / ".local/state/reconcile/retail"


def test_without_a_platform_nobody_knows_where_the_record_is(tree: Path) -> None:
    (tree / "platform/platform.yaml").write_text("kind: Platform\n")
    settings = a_setting(tree, state=None)
    declared = reader(settings)[1].read({})
    with pytest.raises(NoPlatformError):
        state_directory(settings, declared, {})
    assert state_directory(a_setting(tree), declared, {}) == tree.parent / "state"


def test_a_record_within_the_tree_is_refused_by_whatever_way(tree: Path) -> None:
    declared = reader(a_setting(tree))[1].read({})
    way = tree.parent / "way"
    way.symlink_to(tree)
    for state in (tree, tree / "state", way / "state", tree / ".." / tree.name / "s"):
        with pytest.raises(OptionError, match="lies within"):
            state_directory(a_setting(tree, state=state), declared, {})


def test_a_place_that_cannot_be_meant_is_a_mistake_of_the_caller(tree: Path) -> None:
    with pytest.raises(OptionError, match="is remote"):
        reader(a_setting(tree, desired="ssh://x/y"))


def test_one_cluster_that_lacks_its_ca_file_delays_no_other(tree: Path) -> None:
    """The other one answers nothing either, but it is asked."""
    at(tree, "http://127.0.0.1:1")
    other = REMOTE.format(url="https://127.0.0.1:1", more=", caFile: /no/such.pem")
    other = other.replace("name: devcluster", "name: eu1")
    (tree / "platform/clusters/eu1.yaml").write_text(other)
    with wired(a_setting(tree), Terms(Orders(), writing=False), SystemClock(), {}) as made:
        report = made.rounds.preview(SystemClock().now())
    (fault,) = report.faults
    assert (fault.kind, fault.scope) == (FaultKind.SCHEDULER, "eu1")
    assert "/no/such.pem cannot be used" in fault.message
    (unread,) = (r.plan.unread for r in report.rounds if r.plan.cluster == "devcluster")
    assert "127.0.0.1:1 cannot be reached" in (unread or "")


def test_a_preview_leaves_nothing_behind(tree: Path) -> None:
    at(tree, "http://127.0.0.1:1")
    before = sorted(tree.parent.rglob("*"))
    with wired(a_setting(tree), Terms(Orders(), writing=False), SystemClock(), {}) as made:
        made.rounds.preview(SystemClock().now())
    assert sorted(tree.parent.rglob("*")) == before


class Later(SystemClock):
    """A clock that can be put forward."""

    later_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.later_s


def test_round_reads_no_document_that_has_not_changed_for_long(tree: Path) -> None:
    at(tree, "http://127.0.0.1:1")
    clock = Later()
    with wired(a_setting(tree), Terms(Orders(), writing=False), clock, {}) as made:
        clock.later_s = 60.0
        made.rounds.preview(clock.now())
        with documents_opened() as names:
            made.rounds.preview(clock.now())
        assert names == []
        (tree / "platform/platform.yaml").touch()
        with documents_opened() as names:
            made.rounds.preview(clock.now())
        assert names == ["platform.yaml"]


@dataclass(slots=True)
class Listening:
    """A server that is no scheduler, and what logins it was sent."""

    url: str
    logins: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Listening]:
    """Yield a server that answers 503 to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            found.logins.append(self.headers["Authorization"])
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Listening(f"http://127.0.0.1:{http.server_port}")
    thread = Thread(target=http.serve_forever)
    thread.start()
    yield found
    http.shutdown()
    thread.join()
    http.server_close()


LOGIN = "Basic cmVjb25jaWxlOnB3"


def a_round(settings: Settings) -> None:
    def deaf(event: Event) -> None:
        del event

    clock = SystemClock()
    with wired(settings, Terms(Orders(), writing=True), clock, {}) as made:
        made.rounds.step(clock.now(), always, deaf, lambda: False)


@pytest.mark.slow
def test_credentials_are_sent_by_a_run_and_by_no_preview(tree: Path, server: Listening) -> None:
    at(tree, server.url)
    known = {"devcluster": Credentials("reconcile", "pw", (server.url,))}
    settings = a_setting(tree, credentials=known)
    with wired(settings, Terms(Orders(), writing=False), SystemClock(), {}) as made:
        made.rounds.preview(SystemClock().now())
    assert set(server.logins) == {None}
    a_round(settings)
    assert LOGIN in server.logins


@pytest.mark.slow
def test_credentials_of_another_cluster_are_not_sent(
    tree: Path, server: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    """A document that takes another cluster's address must not get its login."""
    at(tree, server.url)
    known = {"eu1": Credentials("reconcile", "pw", (server.url,))}
    a_round(a_setting(tree, credentials=known))
    assert set(server.logins) == {None}
    assert "[clusters.eu1] of the configuration is of no cluster here" in caplog.text


@pytest.mark.slow
def test_credentials_go_to_no_host_that_is_not_listed(tree: Path, server: Listening) -> None:
    at(tree, server.url)
    known = {"devcluster": Credentials("reconcile", "pw", ("https://aurora.example",))}
    a_round(a_setting(tree, credentials=known))
    assert set(server.logins) <= {None}
