"""The same jobs for those who know no documents of ours: configs as Aurora tells them."""

import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import yaml

from reconciler.thrift import structs as aurora
from reconciler.thrift.calls import Reply, args_struct

PROVIDER = 'provider["terraform.io/builtin/terraform"]'


def files(folder: Path, jobs: Iterable[aurora.JobConfiguration]) -> None:
    """Write one file a job, in YAML, and the structs in `aurora.json`."""
    folder.mkdir()
    for job in jobs:
        told = {**_head(job), "config": plain(job.taskConfig)}
        # Lines are not broken: the executor's data is one long text.
        text = yaml.dump(told, Dumper=yaml.CSafeDumper, sort_keys=False, width=1 << 30)
        (folder / f"{told['name']}.yaml").write_text(text, encoding="utf-8")
    told_structs = json.dumps(specs(Reply, args_struct("getConfigSummary")))
    (folder / "aurora.json").write_text(told_structs, encoding="utf-8")


def _head(job: aurora.JobConfiguration) -> dict[str, Any]:
    assert job.key is not None
    return {**plain(job.key), "instances": job.instanceCount}


def plain(value: Any) -> Any:
    """Return what is set of a struct."""
    if isinstance(value, msgspec.Struct):
        told = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: plain(item) for name, item in told if item is not None}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


# --- Thrift's structs


def specs(*roots: Any) -> dict[str, list[list[Any]]]:
    """Return number, name and type of every field of these structs and of all that they hold."""
    found: dict[str, list[list[Any]]] = {}
    left = list(roots)
    while left:
        cls = left.pop()
        if cls.__name__ not in found:
            hints = get_type_hints(cls, include_extras=True)
            fields = [(name, *get_args(hints[name])) for name in cls.__struct_fields__]
            found[cls.__name__] = [
                [number, name, _kind(get_args(hint)[0], left)] for name, hint, number in fields
            ]
    return found


def _kind(hint: Any, seen: list[Any]) -> Any:
    """Return a type as JSON; a struct that it holds is put among those that were seen."""
    names = {str: "string", bool: "bool", float: "double"}
    if hint in names:
        return names[hint]
    if get_origin(hint) is None:
        if not issubclass(hint, msgspec.Struct):
            return "i32"
        seen.append(hint)
        return ["struct", hint.__name__]
    inner, mark = get_args(hint)
    if mark in ("i32", "i64"):
        return mark
    items = [item for item in get_args(inner) if item is not Ellipsis]
    return ["list" if mark == "lst" else mark, *(_kind(item, seen) for item in items)]


# --- Terraform


def terraform(folder: Path, jobs: Iterable[aurora.JobConfiguration]) -> None:
    """Write one resource a job, one file each, and the state in which all of them are there."""
    folder.mkdir()
    resources = []
    for job in jobs:
        assert job.taskConfig is not None
        assert job.taskConfig.executorConfig is not None
        told = {**_head(job), "data": job.taskConfig.executorConfig.data}
        lines = "\n".join(f"    {name} = {quoted(value)}" for name, value in told.items())
        text = f'resource "terraform_data" "{told["name"]}" {{\n  input = {{\n{lines}\n  }}\n}}\n'
        (folder / f"{told['name']}.tf").write_text(text, encoding="utf-8")
        resources.append(_resource(told))
    state = {
        "version": 4,
        "serial": 1,
        "lineage": str(uuid.UUID(int=1)),
        "outputs": {},
        "resources": resources,
    }
    (folder / "terraform.tfstate").write_text(json.dumps(state), encoding="utf-8")


def quoted(value: str | int) -> str:
    """Return a value in Terraform's language, in which two more signs begin something."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def _resource(told: dict[str, Any]) -> dict[str, Any]:
    kinds = {name: "number" if isinstance(v, int) else "string" for name, v in told.items()}
    value = {"value": told, "type": ["object", kinds]}
    attributes = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, told["name"])),
        "input": value,
        "output": value,
        "triggers_replace": None,
    }
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": told["name"],
        "provider": PROVIDER,
        "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
    }
