"""The published schemas, as any validator would take them."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).parents[2] / "schemas"
CONTENTS: dict[str, Any] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.schema.json"))
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (f"{name}.schema.json", Resource.from_contents(content)) for name, content in CONTENTS.items()
)


def valid(name: str, value: object) -> list[str]:
    """Return what keeps a value, as JSON, from being what a schema describes; nothing if it is."""
    validator = Draft202012Validator(CONTENTS[name], registry=REGISTRY)
    faults = validator.iter_errors(json.loads(json.dumps(value)))
    return [f"{fault.json_path}: {fault.message}" for fault in faults]
