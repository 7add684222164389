"""One desired job as the mediator made it: WHAT became HOW; and who decided each field."""

from dataclasses import dataclass

from reconciler.model.problem import Origin
from reconciler.model.spec import DesiredJob, Layer
from reconciler.model.task import Config
from reconciler.model.update import UpdateSettings


@dataclass(frozen=True, slots=True)
class FieldLayer:
    """One field of the Aurora config (dotted path): its value as JSON text, and whence it comes."""

    path: str
    value: str
    layer: Layer
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class RenderedJob:
    """What Aurora would be told. `config` never depends on the number of instances.

    `creation` and `change` are the settings for a first and for a later update; None for cron.
    `start_s` is how long one instance may take until RUNNING, an estimate in seconds.
    """

    desired: DesiredJob
    config: Config
    creation: UpdateSettings | None
    change: UpdateSettings | None
    start_s: int
    production: bool
