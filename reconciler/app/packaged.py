"""What is packaged beside the code: schemas, and the sample of a desired state.

In a checkout there is one copy of each, at its top; a wheel carries them within the package.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.desired.schemas import KINDS, Schemas

PACKAGE = Path(__file__).parent.parent


def schemas() -> Schemas:
    """Return the schemas of all kinds of documents."""
    return Schemas({name: schema(name) for name in (*KINDS.values(), "common", "job")})


def schema(name: str) -> Mapping[str, Any]:
    """Return one schema by its name."""
    path = _folder("_schemas", "schemas") / f"{name}.schema.json"
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def sample() -> Path:
    """Return the folder with the sample."""
    return _folder("_sample", "desired-state")


def _folder(packaged: str, checked_out: str) -> Path:
    within = PACKAGE / packaged
    return within if within.is_dir() else PACKAGE.parent / checked_out
