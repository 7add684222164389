"""Carry out a plan: one act, one RPC, one outcome, in the plan's order.

Nothing is chosen here. An act whose basis has moved is deferred, not adapted; what to do instead
is the next round's business. Every act is written down before it is sent, so that a crash or a lost
reply can neither repeat nor forget it.
"""

from collections.abc import Callable
from typing import Protocol

from reconciler.model.live import Unknown
from reconciler.model.outcome import Deferred, Indeterminate, Outcome
from reconciler.model.plan import Act, Plan
from reconciler.plan.updates import OUR_WORDS
from reconciler.scheduler.port import SchedulerPort, Silent

# A scheduler that is silent so often in a row is not asked about the rest of the plan: every
# question would wait for its whole deadline.
SILENCES_MAX = 2

# How much of a revision is shown: enough to find a commit.
REVISION_SHOWN = 19


class Journal(Protocol):
    """What survives a crash: what was about to be sent, and what became of it."""

    def intend(self, act: Act, token: str) -> None:
        """Write down that the act is about to be sent."""
        ...

    def settle(self, outcome: Outcome) -> None:
        """Write down, in one transaction, what became of an act."""
        ...


def carry_out_plan(
    plan: Plan,
    port: SchedulerPort,
    journal: Journal,
    mint: Callable[[], str],
    stopping: Callable[[], bool],
) -> tuple[Outcome, ...]:
    """Return what became of every act. `mint` makes a new token; `stopping` ends between acts.

    An act that is not even tried leaves no trace in the journal: a plan may hold thousands.
    """
    outcomes: list[Outcome] = []
    silences = 0
    for act in plan.acts():
        if stopping():
            outcomes.append(Deferred(act, "the run ended before its turn came"))
        elif silences >= SILENCES_MAX:
            outcomes.append(Deferred(act, "the scheduler stopped answering"))
        else:
            outcome, silent = _carry_out(act, port, journal, mint, message(act, plan))
            silences = silences + 1 if silent else 0
            journal.settle(outcome)
            outcomes.append(outcome)
    return tuple(outcomes)


def message(act: Act, plan: Plan) -> str:
    """Return what people read in Aurora beside the act: why, and from which revision."""
    revision = plan.revision.id[:REVISION_SHOWN]
    detail = f" ({act.detail})" if act.detail else ""
    return f"{OUR_WORDS} {act.reason.label} at revision {revision}{detail}"


def _carry_out(
    act: Act, port: SchedulerPort, journal: Journal, mint: Callable[[], str], words: str
) -> tuple[Outcome, bool]:
    """Return the outcome, and whether the scheduler was silent.

    An answer that is no use is not silence: one job about which Aurora cannot speak must not keep
    the others waiting.
    """
    basis = port.basis(act)
    if isinstance(basis, Unknown):
        why = f"live could not be read again: {basis.why}"
        return Deferred(act, why), isinstance(basis, Silent)
    if basis != act.basis:
        return Deferred(act, "live moved since it was read"), False
    token = mint()
    journal.intend(act, token)
    outcome = port.carry_out(act, token, words)
    return outcome, isinstance(outcome, Indeterminate)
