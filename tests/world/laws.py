"""What must hold of every world, whatever happens in it.

The laws look from outside: at the calls that arrived, at what the stand-in held just then, at what
the tree said by the world's own knowledge. They never ask the product whether it was right.

Each law takes a `Case`, one call that would change something, and yields what is wrong with it.
"""

from collections.abc import Iterator

from tests.world import laws_of_deeds, laws_of_guard, laws_of_once, laws_of_right
from tests.world.cases import Case, Known, Law, learn
from tests.world.wire import Asked
from tests.world.world import World

CALL_LAWS: tuple[Law, ...] = (
    laws_of_right.never_act_on_unknown,
    laws_of_right.never_prune_on_an_incomplete_tree,
    laws_of_right.never_prune_at_first_sight,
    laws_of_right.never_touch_what_cannot_be_read,
    laws_of_right.never_touch_a_job_that_is_not_ours,
    laws_of_right.never_overwrite_an_update_that_is_not_ours,
    laws_of_right.never_go_against_a_person,
    laws_of_right.leave_suspended_jobs_alone,
    laws_of_deeds.say_only_what_is_meant,
    laws_of_deeds.start_what_is_declared,
    laws_of_deeds.kill_only_what_shall_not_be,
    laws_of_deeds.restart_only_what_changed,
    laws_of_deeds.put_nothing_that_varies_into_a_config,
    laws_of_deeds.never_downgrade_unasked,
    laws_of_deeds.let_workers_wait_for_their_master,
    laws_of_deeds.let_a_master_outlive_its_workers,
    laws_of_deeds.never_start_over_dying_tasks,
    laws_of_deeds.give_updates_their_time,
    laws_of_once.look_before_asking_again,
    laws_of_once.act_only_on_what_was_planned,
    laws_of_once.never_try_again_what_failed,
    laws_of_guard.kill_no_more_than_the_guard_allows,
    laws_of_guard.restart_no_more_than_the_guard_allows,
    laws_of_guard.keep_half_of_a_job,
    laws_of_guard.never_refill_a_cluster_that_looks_emptied,
)


def judged(world: World, known: Known, asked: Asked) -> Iterator[str]:
    """Yield what is wrong with a call that was just made, and remember it."""
    reading = world.repository.readings[asked.reading - 1]
    case = Case(world, known, asked, world.processes[asked.process], reading)
    for law in CALL_LAWS:
        for wrong in law(case):
            yield f"{law.__name__}: {case.method} of {'/'.join(case.name)}: {wrong}"
    learn(case)
