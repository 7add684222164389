"""The wire of a world: what befalls calls, what happens meanwhile, and what is seen of them.

Questions are asked side by side, by threads whose order is nobody's; so what befalls a call depends
on what it asks and how often that was asked before, never on who comes first. Only the process's
own thread makes other things happen.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

import httpx

from reconciler.standin.aurora import Aurora
from reconciler.standin.door import Door
from reconciler.standin.hosts import Host
from reconciler.standin.servlet import job_of
from reconciler.standin.web import Answer
from reconciler.thrift import calls
from reconciler.thrift.calls import READ_ONLY_METHODS, Call
from reconciler.thrift.structs import (
    JobKey,
    JobUpdateQuery,
    Response,
    ResponseCode,
    ResponseDetail,
    ServerInfo,
    TaskQuery,
)
from tests.support.cluster import QUOTA, Cluster, Fault, VirtualClock
from tests.world import sight
from tests.world.sight import Holding

# Of these the answer is missed: the caller knows no more than before.
UNHEARD = frozenset(Fault) - {Fault.TWICE}
NEVER_ARRIVES = (
    Fault.UNREACHABLE,
    Fault.DENIED,
    Fault.LOST_REQUEST,
    Fault.OTHER_CLUSTER,
    Fault.EMPTIED,
)
# Stands for a name where a question is about all templates of a role.
CRONS = "*"
NOT_PERSISTED = "Failed to persist storage changes: it leads no more"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that would change something, and all that was seen of it from outside.

    `missing` are the questions of this round, about this job or about everything, whose last answer
    was missed. `since_look` says that the job was looked at after the last such call about it,
    `undisturbed` that since this round began nothing happened, and no time passed.
    `planned` is what was held of the job when the plan was made, None when nobody can tell: it was
    asked nothing then, or something happened after it was looked at for the last time.
    `misled` says that a scheduler which leads no more answered some of this round's questions.
    """

    number: int
    process: int
    reading: int
    at: datetime
    host_at: datetime
    call: Call
    key: JobKey
    before: Holding
    missing: tuple[str, ...]
    since_look: bool
    undisturbed: bool
    planned: "Holding | None"
    misled: bool
    code: ResponseCode | None = None

    @property
    def taken(self) -> bool:
        """Return whether it arrived and was carried out."""
        return self.code is ResponseCode.OK

    def __str__(self) -> str:
        became = self.code.name if self.code is not None else "never arrived"
        who = f"process {self.process}"
        return f"{self.at:%d %H:%M:%S} {who}: {self.call.method} of {self.key.name}: {became}"


@dataclass(frozen=True, slots=True)
class _Heard:
    """What became of a question: about which job (None: all), was it answered, and by a past."""

    whose: tuple[str, str] | None
    answered: bool
    past: bool


@dataclass(slots=True)
class Weather:
    """What befalls the calls of one process: a share of all, single ones among the writes, those in
    a stretch, and methods of which no answer can be read."""

    seed: int = 0
    share: float = 0.0
    faults: tuple[Fault, ...] = ()
    writes: dict[int, Fault] = field(default_factory=dict)
    stale: tuple[int, int] = (0, 0)
    elsewhere: tuple[int, int] = (0, 0)
    deaf: tuple[str, ...] = ()


class Wire(Cluster):
    """One cluster as a world sees it. `meanwhile` is told before each call that comes alone."""

    def __init__(
        self,
        clock: VirtualClock,
        hosts: Iterable[Host],
        roles: Iterable[str],
        host_now: Callable[[], datetime],
    ) -> None:
        super().__init__("dev", clock, hosts, roles)
        self._true_now, self._host_now = clock.now, host_now
        self.asked: list[Asked] = []
        self.weather = Weather()
        self.meanwhile: Callable[[int], None] = _nothing
        self.readings: Callable[[], int] = int
        self.judge: Callable[[Asked], None] = _unjudged
        self.past: Aurora | None = None
        self.process = 0
        self.befall = self._befall
        self._arrivals: Counter[str] = Counter()
        self._alone = self._written = 0
        self._answers: dict[str, _Heard] = {}
        self._unlooked: set[tuple[str, str]] = set()
        self._delivered: httpx.Request | None = None
        self._round = -1
        self._planned: dict[tuple[str, str], Holding] = {}
        self._looked: dict[tuple[str, str], tuple[datetime, int]] = {}
        self._moment: tuple[datetime, int] | None = None
        self.disturbances: Callable[[], int] = int
        self._seen = threading.Lock()

    def begin(self, process: int) -> None:
        """A process begins: it has asked nothing yet."""
        self.process = process
        self._arrivals.clear()
        self._alone = self._written = 0
        self._answers.clear()

    def replace(self, aurora: Aurora) -> None:
        """Have another scheduler's state from now on, as after a restore."""
        self.aurora, self._door = aurora, Door(aurora)

    def emptied(self, hosts: Iterable[Host], roles: Iterable[str]) -> None:
        """Restore the scheduler from a backup of nothing."""
        aurora = Aurora(self.name, hosts, self._ms())
        for role in roles:
            aurora.set_quota(role, QUOTA)
        self.replace(aurora)

    # --- before a call travels

    def _befall(self, call: Call) -> Fault | None:
        if threading.current_thread() is threading.main_thread():
            self._alone += 1
            self.meanwhile(self._alone)
        with self._seen:
            fault = self._fault(call)
            if call.method in READ_ONLY_METHODS:
                self._question(call, heard=fault not in UNHEARD)
            elif fault in NEVER_ARRIVES:
                self._note(call)
                self.judge(self.asked[-1])
            return fault

    def _fault(self, call: Call) -> Fault | None:
        if self._within(self.weather.elsewhere):
            return Fault.OTHER_CLUSTER
        if call.method in self.weather.deaf:
            return Fault.GARBAGE
        if call.method not in READ_ONLY_METHODS:
            self._written += 1
            if self._written in self.weather.writes:
                return self.weather.writes[self._written]
        if not self.weather.faults:
            return None
        content = repr((call.method, sorted(call.args.items(), key=str)))
        self._arrivals[content] += 1
        chance = Random(f"{self.weather.seed} {content} {self._arrivals[content]}")
        if chance.random() >= self.weather.share:
            return None
        return chance.choice(self.weather.faults)

    # --- when it arrives

    def deliver(self, call: Call, request: httpx.Request) -> Answer:
        # Delivered once more, it is no other call: nobody asked for that.
        again, self._delivered = request is self._delivered, request
        if call.method not in READ_ONLY_METHODS and not again:
            return self._noted(call, request)
        return self._answered(call, request)

    def _answered(self, call: Call, request: httpx.Request) -> Answer:
        if self.past is not None and self._within(self.weather.stale):
            return self._from_the_past(call, request)
        return super().deliver(call, request)

    def _noted(self, call: Call, request: httpx.Request) -> Answer:
        self._note(call)
        told = self._answered(call, request)
        code = calls.decode_reply(told.body, call.method).responseCode
        self.asked[-1] = replace(self.asked[-1], code=code)
        self.judge(self.asked[-1])
        return told

    def _within(self, calls: tuple[int, int]) -> bool:
        return calls[0] <= self._alone <= calls[1] and calls != (0, 0)

    def _from_the_past(self, call: Call, request: httpx.Request) -> Answer:
        """Answer as a scheduler that does not know yet that another one leads."""
        assert self.past is not None, "there is a past"
        if call.method in READ_ONLY_METHODS:
            headers = dict(request.headers)
            return Door(self.past).answer("POST", "/api", headers, request.read())
        told = Response(
            responseCode=ResponseCode.ERROR,
            serverInfo=ServerInfo(clusterName=self.name),
            details=(ResponseDetail(message=NOT_PERSISTED),),
        )
        return Answer(200, {}, calls.encode_reply(call.method, call.seqid, told))

    # --- what is seen

    def _note(self, call: Call) -> None:
        self.aurora.advance(self._ms())
        key = job_of(call.args)
        assert key is not None, call.method
        name = (key.role or "", key.name or "")
        concerned = (None, name, (key.role, CRONS)) if "Cron" in call.method else (None, name)
        about = {q: told for q, told in self._answers.items() if told.whose in concerned}
        self.asked.append(
            Asked(
                number=len(self.asked),
                process=self.process,
                reading=self._round,
                at=self._true_now(),
                host_at=self._host_now(),
                call=call,
                key=key,
                before=sight.holding(self.aurora, key),
                missing=tuple(sorted(q for q, told in about.items() if not told.answered)),
                since_look=name not in self._unlooked,
                undisturbed=self._moment == self._moment_now(),
                planned=self._planned.get(name) if self._is_as_looked_at(name) else None,
                misled=any(told.past for told in about.values()),
            )
        )
        self._unlooked.add(name)

    def _question(self, call: Call, *, heard: bool) -> None:
        """Remember whether a question was answered. The last answer to the same one counts."""
        whose = _about(call)
        if whose is None and self._begins_a_round(call):
            self._answers.clear()
            self._planned.clear()
        # A question about a role's quota is the scheduler's own to answer: it checks the act.
        if call.method != "getQuota":
            past = self.past is not None and self._within(self.weather.stale)
            self._answers[_question_of(call)] = _Heard(whose, heard, past)
        if whose is not None:
            self._look(whose)
        if heard:
            self._unlooked -= {whose} if whose is not None else set(self._unlooked)

    def _look(self, name: tuple[str, str]) -> None:
        """Keep what is held of a job when it is asked about: side by side, for the plan; alone,
        for the last time before an act."""
        if threading.current_thread() is threading.main_thread():
            self._looked[name] = self._moment_now()
        elif name not in self._planned and name[1] != CRONS:
            key = JobKey(role=name[0], environment="prod", name=name[1])
            with self._lock:
                self.aurora.advance(self._ms())
                self._planned[name] = sight.holding(self.aurora, key)

    def _is_as_looked_at(self, name: tuple[str, str]) -> bool:
        looked = (self._looked.get(name), self._looked.get((name[0], CRONS)))
        return self.past is None and self._moment_now() in looked

    def _begins_a_round(self, call: Call) -> bool:
        """The bulk reading follows a reading of the tree; questions about single jobs do not."""
        if call.method != "getJobUpdateSummaries":
            return False
        fresh = self.readings() != self._round
        self._round = self.readings()
        if fresh:
            self._moment = self._moment_now()
        return fresh

    def _moment_now(self) -> tuple[datetime, int]:
        return self._true_now(), self.disturbances()


def _about(call: Call) -> tuple[str, str] | None:
    """Return whose job a question is about; None when it is about all of them."""
    key = job_of(call.args)
    if call.args.get("ownerRole") is not None:
        return call.args["ownerRole"], CRONS
    match call.args.get("query") or call.args.get("jobUpdateQuery"):
        case TaskQuery(jobKeys=keys) if keys:
            key = keys[0]
        case JobUpdateQuery(key=update) if update is not None:
            key = update.job
        case JobUpdateQuery(jobKey=job) if job is not None:
            key = job
    return (key.role or "", key.name or "") if key is not None else None


def _question_of(call: Call) -> str:
    # What one of these cannot answer, the other one may.
    tasks = call.method in ("getTasksWithoutConfigs", "getTasksStatus")
    method = "tasks" if tasks else call.method
    return repr((method, sorted(call.args.items(), key=str)))


def _nothing(number: int) -> None:
    del number


def _unjudged(asked: Asked) -> None:
    del asked
