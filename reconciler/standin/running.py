"""A stand-in whose time passes: what the server and the embedded cluster have in common.

One lock: requests and the passing of time come one after the other, as writes do in Aurora. What a
call did is in the file before it is answered, so that a killed process loses nothing that anyone
was told.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.standin.aurora import Aurora
from reconciler.standin.auth import Users
from reconciler.standin.door import Door, Elsewhere
from reconciler.standin.journal import Done, Journal, Kept, Moment
from reconciler.standin.web import Answer
from reconciler.thrift.calls import READ_ONLY_METHODS
from reconciler.thrift.structs import Response

HOUR_MS = 60 * 60 * 1000
# A world that nobody looked at for a month need not live through all of it.
IDLE_MAX_MS = 24 * HOUR_MS
# How much may have happened since the world was last written whole: doing it again should take no
# longer than writing the world. A task takes some hundred bytes and lives through some ten events.
WORK_MIN, BYTES_PER_WORK = 20_000, 100
# At the end nobody waits, so less is left to be done again at the next start.
CLOSING_SHARE = 0.1


def resumed(kept: Kept, here_s: float, clock: float) -> Moment:
    """Return the time of a world that goes on now: until now it went at the pace it had."""
    last = kept.last
    passed_ms = max(0, min(last.there(here_s) - last.there_ms, IDLE_MAX_MS))
    return Moment(here_s, last.there_ms + passed_ms, clock)


class Running:
    """One stand-in, its door and its clock; kept in the file of `journal`, if there is one.

    `kept` is what is in that file, if the world is just as it says.
    """

    def __init__(
        self,
        aurora: Aurora,
        now_s: Callable[[], float],
        moment: Moment | None = None,
        journal: Journal | None = None,
        *,
        kept: Kept | None = None,
        users: Users | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.moment = moment or Moment(now_s(), aurora.now_ms)
        self._aurora = aurora
        self._now_s = now_s
        self._journal = journal
        # Whether the file must be written anew, and what has happened since it last was.
        self._is_new = kept is None
        self._begun_work = aurora.work if kept is None else kept.begun_work
        self._added = 0 if kept is None else len(kept.done)
        self._kept_ms = aurora.now_ms
        self._door = Door(self, users, elsewhere)
        self._body = b""
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the answer to a request, once what it did is kept; OSError if it cannot be."""
        with self._lock:
            self._pass_time()
            self._body = body
            return self._door.answer(method, path, headers, body)

    def pass_time(self) -> None:
        """Let everything happen that is due by now."""
        with self._lock:
            self._pass_time()

    def close(self) -> None:
        """Keep what became of the world meanwhile."""
        with self._lock:
            self._pass_time()
            if self._journal is None:
                return
            self._keep(self._journal, Done(self._here()), share=CLOSING_SHARE)
            self._journal.close()

    # --- what the door asks for

    def call(self, method: str, args: Mapping[str, Any], user: str) -> Response:
        response = self._aurora.call(method, args, user)
        # One that is refused may have done something all the same.
        if self._journal is not None and method not in READ_ONLY_METHODS:
            self._keep(self._journal, Done(self._here(), user, self._body))
        return response

    def page(self, path: str, query: Mapping[str, str]) -> Answer | None:
        return self._aurora.page(path, query)

    # --- time, and what is kept

    def _here(self) -> Moment:
        return Moment(self._now_s(), self._aurora.now_ms, self.moment.clock)

    def _pass_time(self) -> None:
        now_ms = self.moment.there(self._now_s())
        # The clock of a machine may be set back; time there does not follow.
        if now_ms > self._aurora.now_ms:
            self._aurora.advance(now_ms)
        if self._aurora.now_ms - self._kept_ms > HOUR_MS:
            self._keep_time()

    def _keep_time(self) -> None:
        """A world that nobody writes to must not go back behind what was seen of it, which it would
        if it then stood still for as long as need not be lived through."""
        self._kept_ms = self._aurora.now_ms
        if self._journal is None or self._is_new:
            return
        try:
            self._journal.add(Done(self._here()), at_once=False)
        except OSError:
            # Nobody waits for this; what is written next is the whole world.
            self._is_new = True

    def _keep(self, journal: Journal, done: Done, *, share: float = 1.0) -> None:
        """Have what was done in the file; the whole world if that much happened since it was."""
        work = self._aurora.work - self._begun_work + self._added
        much = share * max(WORK_MIN, journal.first_length // BYTES_PER_WORK)
        # Should it fail, the file would lack what the next line builds upon.
        is_new, self._is_new = self._is_new, True
        if is_new or work > much:
            journal.begin(self._here(), self._aurora.dump())
            self._begun_work, self._added = self._aurora.work, 0
        else:
            journal.add(done, at_once=True)
            self._added += 1
        self._is_new = False
        self._kept_ms = self._aurora.now_ms
