"""`reconcile render`: the Aurora config of a job, and for every field the layer that decided it."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.rendered import FieldLayer, RenderedJob
from reconciler.report.escape import escaped
from reconciler.report.wrap import columns, wrapped

PATH_MAX = 56
HANGING = " " * 6


def fields_text(job: RenderedJob, fields: Sequence[FieldLayer], width: int | None = None) -> str:
    """Return one line per field: path, value, layer and place; long texts line by line below."""
    longest = min(PATH_MAX, max((len(f.path) for f in fields), default=0))
    lines = [f"{job.desired.key}  ({escaped(str(job.desired.origin))})"]
    for field in fields:
        where = f" {escaped(str(field.origin))}" if field.origin is not None else ""
        value: Any = json.loads(field.value)
        several = isinstance(value, str) and "\n" in value
        shown = "" if several else escaped(field.value)
        path, told = escaped(field.path), f"{shown}  [{field.layer.value}{where}]"
        lines += _row(path, told, longest, width)
        if several:
            lines += [f"      | {escaped(line)}" for line in value.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _row(path: str, told: str, longest: int, width: int | None) -> list[str]:
    """Return a row; on a terminal that is too narrow for it, the path above the rest."""
    row, close = f"  {path:<{longest}}  {told}", f"  {path}  {told.strip()}"
    if width is None or columns(row) <= width:
        return [row]
    if columns(close) <= width:
        return [close]
    return [f"  {path}", *wrapped(f"{HANGING}{told.strip()}", width, HANGING)]


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
