"""Which state a task may go to from which, and what Aurora does about it (TaskStateMachine).

Pure: one table. What is not in it is illegal; Aurora ignores that, and tells nobody.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from reconciler.thrift.structs import ScheduleStatus
from reconciler.thrift.structs import ScheduleStatus as S


class Effect(Enum):
    """What comes with a move. They are carried out in the order in which they stand here."""

    COUNT_FAILURE = auto()
    SAVE = auto()
    RESCHEDULE = auto()
    RESCHEDULE_SERVICE = auto()  # if it is a service
    RESCHEDULE_FAILED = auto()  # if it is a service, or may fail once more
    RESCHEDULE_UNLESS_KILLED = auto()  # if it was never KILLING
    LOSE = auto()  # goes on to LOST at once
    KILL = auto()
    DELETE = auto()


E = Effect

LAUNCHED = (S.ASSIGNED, S.STARTING, S.RUNNING)
LEAVING = (S.RESTARTING, S.DRAINING, S.PREEMPTING)
ENDED = (S.FINISHED, S.FAILED, S.KILLED, S.LOST)

# Not killable: it is being killed already, or it has ended.
KILLABLE = frozenset({S.PENDING, S.THROTTLED, S.PARTITIONED, *LAUNCHED, *LEAVING})
ON_AN_AGENT = frozenset({S.KILLING, S.PARTITIONED, *LAUNCHED, *LEAVING})
TRANSIENT = frozenset({S.ASSIGNED, S.KILLING, *LEAVING})
# An agent that says such a task runs is told to kill it.
UNWANTED = frozenset({S.KILLING, *LEAVING, *ENDED})

_Row = tuple[tuple[S, ...], tuple[S, ...], tuple[Effect, ...]]

_TABLE: tuple[_Row, ...] = (
    ((S.INIT,), (S.PENDING, S.THROTTLED), (E.SAVE,)),
    ((S.THROTTLED,), (S.PENDING,), (E.SAVE,)),
    ((S.THROTTLED, S.PENDING), (S.KILLING,), (E.DELETE,)),
    ((S.PENDING,), (S.ASSIGNED,), (E.SAVE,)),
    ((S.ASSIGNED,), (S.STARTING, S.RUNNING), (E.SAVE,)),
    ((S.STARTING,), (S.RUNNING, S.PARTITIONED), (E.SAVE,)),
    ((S.RUNNING,), (S.PARTITIONED,), (E.SAVE,)),
    (LAUNCHED, (S.FINISHED,), (E.SAVE, E.RESCHEDULE_SERVICE)),
    (LAUNCHED, (S.FAILED,), (E.COUNT_FAILURE, E.SAVE, E.RESCHEDULE_FAILED)),
    (LAUNCHED, (S.KILLED,), (E.SAVE, E.RESCHEDULE)),
    ((S.ASSIGNED,), (S.LOST,), (E.SAVE, E.RESCHEDULE, E.KILL)),
    ((S.STARTING, S.RUNNING), (S.LOST,), (E.SAVE, E.RESCHEDULE)),
    (LAUNCHED, (S.KILLING, *LEAVING), (E.SAVE, E.KILL)),
    (LEAVING, (S.FINISHED, S.FAILED, S.KILLED), (E.SAVE, E.RESCHEDULE)),
    (LEAVING, (S.LOST,), (E.SAVE, E.RESCHEDULE, E.KILL)),
    (LEAVING, (S.KILLING,), (E.SAVE,)),
    (LEAVING, (S.PARTITIONED,), (E.SAVE, E.LOSE)),
    ((S.KILLING,), ENDED, (E.SAVE,)),
    ((S.KILLING,), (S.PARTITIONED,), (E.SAVE, E.LOSE)),
    ((S.PARTITIONED,), LAUNCHED, (E.SAVE,)),
    ((S.PARTITIONED,), (S.FINISHED,), (E.SAVE,)),
    ((S.PARTITIONED,), (S.FAILED,), (E.COUNT_FAILURE, E.SAVE, E.RESCHEDULE_FAILED)),
    ((S.PARTITIONED,), (S.LOST,), (E.SAVE, E.RESCHEDULE_UNLESS_KILLED, E.KILL)),
    ((S.PARTITIONED,), (S.KILLING, *LEAVING), (E.SAVE, E.LOSE)),
)


def _moves() -> Iterator[tuple[tuple[ScheduleStatus, ScheduleStatus], frozenset[Effect]]]:
    for froms, tos, effects in _TABLE:
        for source in froms:
            for target in tos:
                yield (source, target), frozenset(effects)


MOVES: Mapping[tuple[ScheduleStatus, ScheduleStatus], frozenset[Effect]] = dict(_moves())
