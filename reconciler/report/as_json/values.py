"""What every document consists of."""

import json
from datetime import UTC, datetime

from reconciler.model.problem import Origin, Problem
from reconciler.model.round import Fault

FORMAT = 1

Value = dict[str, object]


def dumped(value: Value) -> str:
    """Return the text of a value, indented, ASCII only, ending with a line feed."""
    # ASCII: what a terminal would act on must not reach it through `--output json` either.
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def line(value: Value) -> str:
    """Return a value as one line of a stream."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True) + "\n"


def instant(at: datetime | None) -> str | None:
    """Return an instant in UTC, RFC 3339."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fault_value(fault: Fault) -> Value:
    """Return what kept a round from something."""
    return {"kind": fault.kind.value, "scope": fault.scope, "message": fault.message}


def problem_value(problem: Problem) -> Value:
    """Return what is wrong, where, and what to do."""
    return {
        "origin": origin_value(problem.origin),
        "message": problem.message,
        "hint": problem.hint,
    }


def origin_value(origin: Origin | None) -> Value | None:
    """Return a place in a file; None where there is none."""
    if origin is None:
        return None
    return {"path": origin.path, "line": origin.line or None, "column": origin.column or None}
