"""One Aurora behind the port: reads in bulk, reads in depth, and the one RPC of each act."""

from reconciler.live.slices import Slices
from reconciler.live.survey import snapshot
from reconciler.model.live import LiveSnapshot, Unknown
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Act, Basis
from reconciler.model.questions import Questions
from reconciler.scheduler.bases import basis_of
from reconciler.scheduler.bulk import bulk
from reconciler.scheduler.client import Client
from reconciler.scheduler.depth import examined
from reconciler.scheduler.sending import send
from reconciler.thrift.tjson import ProtocolError


class Aurora:
    """Implements `SchedulerPort` over a client."""

    def __init__(self, cluster: str, client: Client) -> None:
        self._cluster = cluster
        self._client = client
        self._slices = Slices(cluster)

    def survey(self, ended_since_ms: int) -> LiveSnapshot:
        """Read everything in bulk; one reply that fails leaves all of it unknown."""
        try:
            found = bulk(self._client, ended_since_ms)
            if isinstance(found, Unknown):
                return self._unread(found.why)
            return snapshot(self._cluster, found, self._slices)
        except ProtocolError as fault:
            return self._unread(str(fault))

    def _unread(self, why: str) -> LiveSnapshot:
        return LiveSnapshot(self._cluster, {}, unread=why)

    def examine(self, snapshot: LiveSnapshot, questions: Questions) -> LiveSnapshot:
        """Answer the questions side by side; what fails makes its job unclear, and no other."""
        return examined(self._client, snapshot, questions)

    def basis(self, act: Act) -> Basis | Unknown:
        """Read again what the act rests on."""
        try:
            return basis_of(self._client, act)
        except ProtocolError as fault:
            return Unknown(str(fault))

    def carry_out(self, act: Act, token: str, message: str) -> Outcome:
        """Send the one RPC of this act."""
        return send(self._client, act, token, message)
