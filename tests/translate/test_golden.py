"""What the mediator makes of every kind and recipe, kept as files: another version of it must not
restart the fleet. `REWRITE=1` records them anew; read the difference before you commit it.
"""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.model.plan import ScheduleCron
from reconciler.model.rendered import RenderedJob
from reconciler.model.update import UpdateSettings
from reconciler.thrift import tjson
from reconciler.thrift.structs import TaskConfig
from reconciler.translate import requests
from tests.translate.samples import SAMPLES, rendered

GOLDEN = Path(__file__).parent / "golden"


def readable(value: Any) -> Any:
    """Return a struct by the names of its fields, without those that are not sent."""
    return _set(msgspec.to_builtins(value))


def _set(told: Any) -> Any:
    if isinstance(told, dict):
        return {k: _set(v) for k, v in told.items() if v is not None}
    return [_set(v) for v in told] if isinstance(told, list | tuple) else told


def whole(job: RenderedJob) -> dict[str, Any]:
    """Return all that Aurora would be told of a job, the Thermos document unfolded."""
    task = readable(tjson.decode(TaskConfig, job.config.wire))
    data = task["executorConfig"]["data"]
    document = json.loads(data)
    assert data == json.dumps(document, sort_keys=True, separators=(",", ":")), "not canonical"
    task["executorConfig"]["data"] = document
    told: dict[str, Any] = {"taskConfig": task, "start_s": job.start_s}
    for name, settings in (("creation", job.creation), ("change", job.change)):
        if settings is not None:
            told[name] = _settings(settings)
    if job.desired.spec.schedule is not None:
        told["cron"] = _cron(job)
    return told


def _settings(settings: UpdateSettings) -> dict[str, Any]:
    return {
        "strategy": readable(requests.strategy(settings)),
        "watch_ms": settings.watch_ms,
        "failed_instances_max": settings.failed_instances_max,
        "failures_per_instance_max": settings.failures_per_instance_max,
        "rollback": settings.rollback,
        "sla_aware": settings.sla_aware,
    }


def _cron(job: RenderedJob) -> Any:
    spec = job.desired.spec
    assert spec.schedule is not None
    template = ScheduleCron(job.config, spec.schedule.cron, spec.schedule.collision, spec.instances)
    told = readable(requests.cron_job(job.desired.key, template))
    told.pop("taskConfig")
    return told


@pytest.mark.parametrize("name", SAMPLES)
def test_a_job_becomes_what_its_golden_file_says(name: str) -> None:
    path = GOLDEN / f"{name}.json"
    text = json.dumps(whole(rendered(SAMPLES[name])), indent=2, sort_keys=True) + "\n"
    if os.environ.get("REWRITE"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_every_golden_file_is_of_a_job() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SAMPLES)
