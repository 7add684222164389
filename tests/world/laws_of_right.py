"""Laws about knowing and owning: never act on what is unknown, nor on what is somebody else's."""

from collections.abc import Iterator
from datetime import timedelta

from tests.world import sight
from tests.world.cases import KILLS, OUR_USER, TO_UPDATES, Case
from tests.world.intent import PLATFORM_NAME

SECOND_LOOK = timedelta(seconds=30)


# --- unknown is not absent


def never_act_on_unknown(case: Case) -> Iterator[str]:
    """No answer is no knowledge: whoever acts on it creates what is there, or kills what is wanted.

    So a call is made only in a round in which every question about the job, and every one about the
    whole cluster, was answered in the end.
    """
    for question in case.asked.missing:
        yield f"no answer to {question[:80]}"


def never_prune_on_an_incomplete_tree(case: Case) -> Iterator[str]:
    """A file that cannot be read, or is not there yet, must not look like a deletion: a half
    finished pull would end production."""
    if case.method not in (*KILLS, "abortJobUpdate") or case.wish is not None:
        return
    if not case.reading.whole:
        yield "the reading of the tree was not whole"
    if case.content.platform_broken:
        yield "the platform's document could not be read"
    for name, job in case.content.jobs.items():
        if name in case.content.broken and job.project == case.name[0]:
            yield f"the file of {name} could not be read"


def never_prune_at_first_sight(case: Case) -> Iterator[str]:
    """A job is gone from the tree only when two looks say so, half a minute apart: a deletion that
    is undone at once never happened. What a preview sees, nobody remembers."""
    if case.method not in KILLS or case.wish is not None:
        return
    at = case.reading.at
    for earlier in reversed(case.world.repository.readings[: case.reading.number]):
        if not earlier.whole or earlier.forgotten:
            continue
        if case.name in earlier.commit.content.wishes():
            break
        if abs(at - earlier.at) >= SECOND_LOOK:
            return
    if not case.process.released.approve:
        yield "it was not missed for 30 s"


def never_touch_what_cannot_be_read(case: Case) -> Iterator[str]:
    """A job whose file is broken is held as it is: nobody knows what it shall be."""
    wish = case.wish
    if wish is None or case.name in case.content.readable():
        return
    yield "its file could not be read"


# --- whose a job is


def never_touch_a_job_that_is_not_ours(case: Case) -> Iterator[str]:
    """Others live on the same cluster. What we neither started nor were told to adopt is theirs.
    Nobody can know what was created since a scheduler that still answers stopped to lead."""
    if case.asked.misled or case.asked.before.empty:
        return
    if case.name in case.known.ours or case.process.released.adopt:
        return
    yield "it is not ours"


def never_overwrite_an_update_that_is_not_ours(case: Case) -> Iterator[str]:
    """Somebody is at work at this job; to end that needs a policy that says so."""
    update = case.asked.before.update
    if update is None or case.method not in TO_UPDATES:
        return
    ours = sight.metadata(update).get(sight.INSTALLATION) == PLATFORM_NAME
    if not ours and not (case.method == "abortJobUpdate" and case.content.policy.supersedes):
        yield "the active update is not ours"


def never_go_against_a_person(case: Case) -> Iterator[str]:
    """Whoever paused an update of ours knows why; only he resumes it. So it is with a rollout that
    waits for a person after each of its batches. Of a word that comes between the last look and
    the call nobody can know."""
    if case.asked.planned is None:
        return
    before = case.asked.before
    update = before.update
    if update is None or update.state is None or update.state.status is None:
        return
    if update.state.status.name.endswith("PAUSED") and before.word not in (None, OUR_USER):
        yield f"{before.word} paused the update"
    paused = update.state.status.name == "ROLL_FORWARD_PAUSED"
    if paused and case.method == "resumeJobUpdate" and case.wish is not None and case.wish.pauses:
        yield "its rollout waits for a person"


def leave_suspended_jobs_alone(case: Case) -> Iterator[str]:
    """`suspend` means: hands off, whatever is live."""
    if case.wish is not None and case.wish.suspended:
        yield "it is suspended"
