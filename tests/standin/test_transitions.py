"""The table of moves, against the rules that it has to obey whatever its rows say."""

from itertools import product

import pytest

from reconciler.standin.transitions import ENDED, KILLABLE, LEAVING, MOVES, ON_AN_AGENT, Effect
from reconciler.thrift.structs import ACTIVE_STATES, ScheduleStatus

S = ScheduleStatus
E = Effect

COMES_BACK = {E.RESCHEDULE, E.RESCHEDULE_SERVICE, E.RESCHEDULE_FAILED, E.RESCHEDULE_UNLESS_KILLED}

# What is said of single moves: from, to, and exactly what comes with it; None where it is illegal.
CASES = {
    "a pending task that is killed vanishes": (S.PENDING, S.KILLING, {E.DELETE}),
    "a throttled task that is killed vanishes": (S.THROTTLED, S.KILLING, {E.DELETE}),
    "a pending task cannot restart": (S.PENDING, S.RESTARTING, None),
    "a dying task cannot restart": (S.KILLING, S.RESTARTING, None),
    "a crash counts": (S.RUNNING, S.FAILED, {E.COUNT_FAILURE, E.SAVE, E.RESCHEDULE_FAILED}),
    "a crash on the way out does not": (S.RESTARTING, S.FAILED, {E.SAVE, E.RESCHEDULE}),
    "an end that nobody ordered is undone": (S.RUNNING, S.KILLED, {E.SAVE, E.RESCHEDULE}),
    "an end that was ordered is not": (S.KILLING, S.KILLED, {E.SAVE}),
    "a loss while dying is an end": (S.KILLING, S.LOST, {E.SAVE}),
    "lost before it started, it is killed": (S.ASSIGNED, S.LOST, {E.SAVE, E.RESCHEDULE, E.KILL}),
    "lost while it ran, it is not": (S.RUNNING, S.LOST, {E.SAVE, E.RESCHEDULE}),
    "a service that ends out of sight stays away": (S.PARTITIONED, S.FINISHED, {E.SAVE}),
    "killed out of sight, it is lost": (S.PARTITIONED, S.KILLING, {E.SAVE, E.LOSE}),
    "out of sight it does not end as killed": (S.PARTITIONED, S.KILLED, None),
    "draining, then killed: one order is enough": (S.DRAINING, S.KILLING, {E.SAVE}),
    "assigned, it cannot go out of sight": (S.ASSIGNED, S.PARTITIONED, None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_move_does_what_aurora_does(case: str) -> None:
    source, target, effects = CASES[case]
    found = MOVES.get((source, target))
    assert (None if found is None else set(found)) == effects


def test_what_has_ended_moves_no_more() -> None:
    assert not [pair for pair in product(ENDED, S) if pair in MOVES]


def test_every_move_is_remembered_or_forgets_the_task() -> None:
    assert all((E.SAVE in e) != (E.DELETE in e) for e in MOVES.values())


def test_nothing_comes_back_from_an_ordered_end() -> None:
    assert not [e for (source, _), e in MOVES.items() if source is S.KILLING and e & COMES_BACK]


def test_whatever_ends_a_task_on_its_way_out_it_comes_back() -> None:
    assert all(E.RESCHEDULE in MOVES[source, target] for source in LEAVING for target in ENDED)


def test_only_what_was_on_its_way_or_ran_may_be_ordered_to_end() -> None:
    ordered = {source for (source, target), e in MOVES.items() if target is S.KILLING}
    assert ordered == set(KILLABLE)
    assert set(KILLABLE) == ACTIVE_STATES - {S.KILLING}
    assert set(ON_AN_AGENT) == ACTIVE_STATES - {S.PENDING, S.THROTTLED}
