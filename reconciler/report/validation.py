"""`reconcile validate`: everything that is wrong with the desired state, and what there is."""

from collections.abc import Sequence

from reconciler.model.problem import Problem
from reconciler.model.tree import DesiredTree
from reconciler.report.as_json.values import FORMAT, Value, problem_value
from reconciler.report.counts import counted
from reconciler.report.escape import escaped


def validation_text(tree: DesiredTree, problems: Sequence[Problem]) -> str:
    """Return one line per problem, `file:line:col: what; what to do`, and a line that counts."""
    lines = [escaped(str(problem)) for problem in problems]
    if tree.incomplete is not None:
        lines.append(f"the desired state is not whole: {escaped(tree.incomplete)}")
    verdict = "not whole" if tree.incomplete is not None else "no problems"
    verdict = counted(len(problems), "problem") if problems else verdict
    policies = tree.policies
    there = [counted(len(tree.jobs), "job")]
    if policies is not None:
        there.append(f"in {counted(len(policies.projects), 'project')}")
        there.append(f"on {counted(len(policies.clusters), 'cluster')}")
    return "\n".join([*lines, f"{' '.join(there)}: {verdict}"]) + "\n"


def validation_value(
    tree: DesiredTree, problems: Sequence[Problem], notes: Sequence[Problem], exit_code: int
) -> Value:
    """Return the same as plain values (schemas/validation.schema.json)."""
    policies = tree.policies
    return {
        "format": FORMAT,
        "revision": tree.revision.id or None,
        "exitCode": exit_code,
        "incomplete": tree.incomplete,
        "platform": policies.platform.name if policies is not None else None,
        "clusters": sorted(policies.clusters) if policies is not None else [],
        "projects": sorted(policies.projects) if policies is not None else [],
        "jobs": [str(key) for key in sorted(tree.jobs)],
        "problems": [problem_value(p) for p in problems],
        "notes": [problem_value(n) for n in notes],
    }
