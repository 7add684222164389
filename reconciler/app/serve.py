"""`reconcile standin`: the embedded cluster as a server, for this and for other tools."""

import signal
import sys
import threading
from pathlib import Path

from reconciler.app import embedded
from reconciler.app.packaged import sample, schemas
from reconciler.desired.clusters import cluster_of, cluster_problems
from reconciler.desired.documents import parsed
from reconciler.loop.clock import SystemClock
from reconciler.model.policy import Cluster, Embedded
from reconciler.model.problem import Origin, Problem
from reconciler.model.tree import FileAt
from reconciler.standin.door import Door
from reconciler.standin.server import Saved, Server, StateError

SAMPLE = "platform/clusters/devcluster.yaml"
USAGE, UNUSABLE = 64, 9


def serve(port: int, address: str, clock: float, state: str | None, hosts: str | None) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
    cluster = cluster_in(Path(hosts) if hosts else sample() / SAMPLE)
    if not isinstance(cluster, Cluster):
        return _refused(USAGE, *map(str, cluster))
    try:
        server = made(cluster, address, port, clock, Path(state) if state else None)
    except StateError as fault:
        return _refused(UNUSABLE, str(fault))
    except OSError as fault:
        return _refused(USAGE, f"{address}:{port} cannot be used: {fault.strerror}")
    _close_on_signals(server)
    print(f"{cluster.server_name} at {server.url}/api, {clock:g} times as fast", flush=True)
    server.serve_forever()
    return 0


def made(cluster: Cluster, address: str, port: int, clock: float, state: Path | None) -> Server:
    """Return a server of that cluster, as it is in the file or new."""
    now_s = SystemClock().now().timestamp()
    saved = Saved.load(state) if state is not None else None
    assert isinstance(cluster.scheduler, Embedded), "checked when it was read"
    aurora = embedded.made(cluster, cluster.scheduler, saved, int(now_s * 1000))
    idle_s = embedded.IDLE_MAX.total_seconds() / clock
    since_s = max(saved.here_s, now_s - idle_s) if saved is not None else now_s
    door = Door(aurora, None)
    return Server(aurora, door, address, port, clock, state, since_s=min(since_s, now_s))


def cluster_in(path: Path) -> Cluster | tuple[Problem, ...]:
    """Return the embedded cluster that a document declares, or what is wrong with the file."""
    try:
        found = parsed(FileAt(path.as_posix(), "", path.read_bytes()))
    except OSError as fault:
        return (Problem(Origin(path.as_posix()), f"cannot be read: {fault.strerror}"),)
    clusters = [d for d in found.documents if isinstance(d.value, dict)]
    clusters = [d for d in clusters if d.value.get("kind") == "Cluster"]
    if found.problems or len(clusters) != 1:
        wanted = Problem(Origin(path.as_posix()), "one document of kind Cluster is needed")
        return found.problems or (wanted,)
    (document,) = clusters
    problems = schemas().problems("Cluster", document.value, document)
    problems = problems or tuple(cluster_problems(document))
    if problems:
        return problems
    cluster = cluster_of(document)
    if not isinstance(cluster.scheduler, Embedded):
        return (Problem(document.of(("spec",)), "a cluster with `embedded` is needed"),)
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
