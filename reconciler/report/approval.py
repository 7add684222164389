"""What to say about an approval that named another plan: it released nothing."""

from collections.abc import Set

from reconciler.model.round import RoundReport
from reconciler.report.verdict import approved_another


def unapproved(report: RoundReport, approve: Set[str], look: str) -> str:
    """Return what is wrong with the approval and what to do; empty when nothing is.

    `look` is the command that shows the plan as it is now.
    """
    if not approved_another(report, approve):
        return ""
    told = ", ".join(f"--approve {digest}" for digest in sorted(approve))
    now = ", ".join(f"{r.plan.digest} of {r.plan.cluster}" for r in report.rounds if r.plan.digest)
    return (
        f"{told} is not the digest of this plan, which changed since or was narrowed otherwise:"
        f" it is {now} now. Nothing that is held was done. Look again: {look}"
    )
