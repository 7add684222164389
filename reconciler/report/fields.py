"""`reconcile render`: the Aurora config of a job, and for every field the layer that decided it."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.rendered import FieldLayer, RenderedJob
from reconciler.report.escape import escaped

PATH_MAX = 56


def fields_text(job: RenderedJob, fields: Sequence[FieldLayer]) -> str:
    """Return one line per field: path, value, layer and place; long texts line by line below."""
    width = min(PATH_MAX, max((len(f.path) for f in fields), default=0))
    lines = [f"{job.desired.key}  ({escaped(str(job.desired.origin))})"]
    for field in fields:
        where = f" {escaped(str(field.origin))}" if field.origin is not None else ""
        value: Any = json.loads(field.value)
        several = isinstance(value, str) and "\n" in value
        shown = "" if several else escaped(field.value)
        lines.append(f"  {escaped(field.path):<{width}}  {shown}  [{field.layer.value}{where}]")
        if several:
            lines += [f"      | {escaped(line)}" for line in value.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def fields_value(job: RenderedJob, fields: Sequence[FieldLayer]) -> dict[str, object]:
    """Return the same as plain values."""
    return {
        "key": str(job.desired.key),
        "digest": job.config.task.digest,
        "fields": [
            {
                "path": f.path,
                "value": json.loads(f.value),
                "layer": f.layer.value,
                "origin": str(f.origin) if f.origin is not None else None,
            }
            for f in fields
        ],
    }
