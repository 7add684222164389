"""`reconcile standin`: the embedded cluster as a server, for this and for other tools."""

import errno
import signal
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.app import embedded
from reconciler.app.packaged import sample, schemas
from reconciler.desired.clusters import cluster_of, cluster_problems
from reconciler.desired.documents import parsed
from reconciler.loop.clock import SystemClock
from reconciler.model.policy import Cluster, Embedded
from reconciler.model.problem import Origin, Problem
from reconciler.model.tree import FileAt
from reconciler.standin.auth import Users
from reconciler.standin.door import Elsewhere
from reconciler.standin.follower import Follower
from reconciler.standin.journal import Journal, StateError
from reconciler.standin.running import Running
from reconciler.standin.server import Server
from reconciler.standin.shiro_ini import UsersError, users_in

SAMPLE = "platform/clusters/devcluster.yaml"
USAGE, UNUSABLE = 64, 9
NOBODY = "none"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says."""

    port: int
    address: str
    clock: float
    state: str | None
    hosts: str | None
    users: str | None
    leader: str | None


def serve(wishes: Wishes) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
    cluster = cluster_in(Path(wishes.hosts) if wishes.hosts else sample() / SAMPLE)
    if not isinstance(cluster, Cluster):
        return _refused(USAGE, *map(str, cluster))
    try:
        running = made(cluster, wishes)
        server = Server(running, wishes.address, wishes.port)
    except StateError as fault:
        return _refused(UNUSABLE, str(fault))
    except UsersError as fault:
        return _refused(USAGE, f"{wishes.users}:{fault}")
    except OSError as fault:
        place = fault.filename or f"{wishes.address}:{wishes.port}"
        # That somebody else listens there is no mistake in what was asked for.
        code = UNUSABLE if fault.errno == errno.EADDRINUSE else USAGE
        return _refused(code, f"{place} cannot be used: {fault.strerror}")
    _close_on_signals(server)
    print(greeting(cluster, server.url, wishes.clock), flush=True)
    server.serve_forever()
    return 0


def greeting(cluster: Cluster, url: str, clock: float) -> str:
    """Return what is said at the start, with what can be pasted into a Cluster document."""
    pace = "" if clock == 1 else f", its time {clock:g} times as fast as ours"
    pasted = f'    scheduler: {{urls: ["{url}"]}}'
    return f"{cluster.server_name} at {url}{pace}. In a Cluster document:\n{pasted}"


def made(cluster: Cluster, wishes: Wishes) -> Running:
    """Return that cluster, as it is in the file or new; or a scheduler that does not lead it.

    StateError, UsersError and OSError when a file cannot be used.
    """
    users = users_of(Path(wishes.users)) if wishes.users else None
    clock = SystemClock()

    def now_s() -> float:
        return clock.now().timestamp()

    if wishes.leader is not None:
        leader = None if wishes.leader == NOBODY else wishes.leader
        rules = embedded.rules_of(cluster)
        follower = Follower(cluster.server_name, (), int(now_s() * 1000), rules=rules)
        return Running(follower, now_s, users=users, elsewhere=Elsewhere(leader))
    assert isinstance(cluster.scheduler, Embedded), "checked when it was read"
    told = replace(cluster.scheduler, clock=wishes.clock)
    journal = Journal(Path(wishes.state)) if wishes.state else None
    found = embedded.opened(cluster, told, now_s(), journal)
    return Running(found.aurora, now_s, found.moment, journal, kept=found.kept, users=users)


def users_of(path: Path) -> Users:
    """Return the users in a file."""
    try:
        return users_in(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as fault:
        raise UsersError(f"1: {fault}") from None


def cluster_in(path: Path) -> Cluster | tuple[Problem, ...]:
    """Return the embedded cluster that a document declares, or what is wrong with the file."""
    try:
        found = parsed(FileAt(path.as_posix(), "", path.read_bytes()))
    except OSError as fault:
        message = f"cannot be read: {fault.strerror}"
        return (Problem(Origin(path.as_posix()), message, "name a file that this user may read"),)
    clusters = [d for d in found.documents if isinstance(d.value, dict)]
    clusters = [d for d in clusters if d.value.get("kind") == "Cluster"]
    if found.problems or len(clusters) != 1:
        message = f"one document of kind Cluster is needed, not {len(clusters)}"
        wanted = Problem(Origin(path.as_posix()), message, "keep one, or write one")
        return found.problems or (wanted,)
    known, value = schemas(), clusters[0].value
    document = replace(clusters[0], value=known.as_typed("Cluster", value, clusters[0].mark))
    problems = known.problems("Cluster", document.value, document)
    problems = problems or tuple(cluster_problems(document))
    if problems:
        return problems
    cluster = cluster_of(document)
    if not isinstance(cluster.scheduler, Embedded):
        message = "a cluster with `embedded` is needed"
        hint = "name a file whose Cluster has its hosts below `embedded:`"
        return (Problem(document.of(("spec",)), message, hint),)
    return cluster


def _close_on_signals(server: Server) -> None:
    def close(number: int, frame: object) -> None:
        del number, frame
        # Closing waits for the loop that this handler has interrupted.
        threading.Thread(target=server.close).start()

    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, close)


def _refused(code: int, *why: str) -> int:
    for line in why:
        print(f"reconcile: {line}", file=sys.stderr)
    return code
