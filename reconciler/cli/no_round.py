"""Why a command came to no round, as the values that every report is made from."""

from typing import assert_never

from reconciler.app.wiring import NoPlatformError
from reconciler.model.problem import Problem
from reconciler.model.round import Fault, FaultKind
from reconciler.record.fault import RecordError
from reconciler.sources.port import SourceError

NoRound = NoPlatformError | SourceError | RecordError


def why(fault: NoRound) -> tuple[tuple[Problem, ...], tuple[Fault, ...]]:
    """Return what is wrong with the desired state, or else what failed outside."""
    match fault:
        case NoPlatformError(declared=declared):
            why = declared.tree.incomplete or str(fault)
            problems = declared.problems
            return problems, () if problems else (Fault(FaultKind.SOURCE, "", why),)
        case SourceError():
            return (), (Fault(FaultKind.SOURCE, "", str(fault)),)
        case RecordError():
            return (), (Fault(FaultKind.RECORD, "", str(fault)),)
        case _:
            assert_never(fault)
