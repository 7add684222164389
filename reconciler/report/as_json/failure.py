"""The end of a command that came to no report (schemas/failure.schema.json)."""

from collections.abc import Iterable

from reconciler.model.problem import Problem
from reconciler.report.as_json.values import FORMAT, Value, problem_value


def failure_value(exit_code: int, message: str, problems: Iterable[Problem]) -> Value:
    """Return why a command came to no report, as plain values."""
    return {
        "format": FORMAT,
        "exitCode": exit_code,
        "message": message,
        "problems": [problem_value(p) for p in sorted(set(problems))],
    }
