"""What became of one act."""

from dataclasses import dataclass

from reconciler.model.plan import Act


@dataclass(frozen=True, slots=True)
class Applied:
    """The scheduler took it. `update_id` names the job update that it started, if any."""

    act: Act
    update_id: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The scheduler said no, and will say no again: quarantined until the spec changes."""

    act: Act
    message: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not sent, or sent and found stale: the next round looks again."""

    act: Act
    why: str


@dataclass(frozen=True, slots=True)
class Indeterminate:
    """Sent, and the reply was lost: it may have happened. Observe before acting again."""

    act: Act
    why: str


Outcome = Applied | Refused | Deferred | Indeterminate
