"""The published schemas are what the loader goes by: an editor that knows them and the loader
judge a document alike, and what they say of silence is what silence comes to."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from reconciler.desired.projects import GRANTED
from reconciler.desired.schemas import KINDS
from reconciler.model.policy import Guard
from reconciler.translate.raw import FIELDS
from tests.desired.trees import (
    CLUSTER,
    CONTENTS,
    CRON,
    FRAMEWORK,
    OPERATORS,
    PLATFORM,
    PROJECT,
    SCHEMAS,
    SERVICE,
    WEB,
    parse,
    read,
)

RESOURCES = [(f"{name}.schema.json", Resource.from_contents(c)) for name, c in CONTENTS.items()]
REGISTRY: Registry[Any] = Registry().with_resources(RESOURCES)
Path = tuple[str | int, ...]
DOCUMENTS = {
    "Platform": PLATFORM,
    "Cluster": CLUSTER,
    "Project": PROJECT,
    "Service": SERVICE,
    "CronJob": CRON,
    "BatchFramework": FRAMEWORK,
}
WORDS = ("title", "description", "examples")
# Of two of them a document has one.
RIVALS = {"image": "package", "embedded": "scheduler"}
# Stands for a key that an author chooses.
ANY = "any"


def resolved(schema: Any, file: str) -> tuple[Any, str]:
    while isinstance(schema, dict) and "$ref" in schema:
        name, _, pointer = schema["$ref"].partition("#")
        file = name.removesuffix(".schema.json") or file
        beside = {k: schema[k] for k in (*WORDS, "default") if k in schema}
        found: Any = CONTENTS[file]
        for part in filter(None, pointer.split("/")):
            found = found[part]
        schema = {**found, **beside}
    return schema, file


def fields(schema: Any, file: str, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every field below a schema, with the path of a value for it."""
    schema, file = resolved(schema, file)
    if not isinstance(schema, dict):
        return
    yield path, schema
    for name, member in schema.get("properties", {}).items():
        yield from fields(member, file, (*path, name))
    yield from fields(schema.get("additionalProperties"), file, (*path, ANY))
    yield from fields(schema.get("items"), file, (*path, 0))


EVERY = {(kind, path): s for kind, n in KINDS.items() for path, s in fields(CONTENTS[n], n)}
TEXTS = [key for key, s in EVERY.items() if "string" in s.get("type", ())]


def with_value(kind: str, path: Path, value: Any) -> Any:
    """Return a document that has this value; what must be around it is as in the examples."""
    document = yaml.safe_load(DOCUMENTS[kind])
    place: Any = document
    for depth, part in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(place, dict):
            place.pop(RIVALS.get(str(part)), None)
            part = next(iter(place), "x") if part == ANY else part
            if last or part not in place:
                example = EVERY[kind, path[: depth + 1]]["examples"][0] if not last else value
                place[part] = copy.deepcopy(example)
        elif last:
            place[part] = value
        place = place[part]
    return document


def by_editor(kind: str, text: str) -> bool:
    """Return whether an editor that knows the schema has nothing to underline."""
    schema = CONTENTS[KINDS[kind]]
    validator: Any = Draft202012Validator(schema, registry=REGISTRY)
    return bool(validator.is_valid(yaml.safe_load(text)))


def by_loader(kind: str, text: str) -> bool:
    (document,) = parse(text).documents
    value = SCHEMAS.as_typed(kind, document.value, document.mark)
    return SCHEMAS.problems(kind, value, document) == ()


# All that both YAML 1.1, which is read here in an editor's place, and JSON call by one name.
TYPED = ["7", "1.10", "-3", "true", "false", "null", '"7"', '"1.10"', '"true"', "a", "/a/b", "10%"]


@pytest.mark.parametrize(("kind", "path"), TEXTS, ids=str)
def test_editor_and_loader_judge_a_scalar_alike(kind: str, path: Path) -> None:
    document = json.dumps(with_value(kind, path, "@@"))
    for typed in TYPED:
        text = document.replace('"@@"', typed)
        assert by_editor(kind, text) == by_loader(kind, text), text


OVERRIDDEN = [
    (kind, path)
    for kind, path in TEXTS
    if kind in ("Service", "CronJob", "BatchFramework") and path[0] == "spec"
]


def overriding(kind: str, path: Path, value: Any) -> Any:
    """Return a document that has this value in one environment only."""
    field, document = str(path[1]), yaml.safe_load(DOCUMENTS[kind])
    patch = {field: with_value(kind, path, value)["spec"][field]}
    if field in RIVALS:
        patch[RIVALS[field]] = None
    document["spec"]["environments"] = {"prod": patch}
    return document


@pytest.mark.parametrize(("kind", "path"), OVERRIDDEN, ids=str)
def test_editor_and_loader_judge_a_scalar_of_an_override_alike(kind: str, path: Path) -> None:
    """But for null: whether what it removes may be missing is seen when all is merged."""
    document = json.dumps(overriding(kind, path, "@@"))
    for typed in TYPED:
        text = document.replace('"@@"', typed)
        if typed != "null":
            assert by_editor(kind, text) == (read({WEB: text}).problems == ()), text


NAMES = {"env": "1A", "secrets": "1A", "aurora": "taskLink"}


@pytest.mark.parametrize("field", NAMES)
def test_a_name_that_cannot_be_is_underlined_in_an_override_too(field: str) -> None:
    for name, right in ((NAMES[field], False), ({"aurora": "priority"}.get(field, "A1"), True)):
        value = 1 if field == "aurora" else "a"
        text = json.dumps(overriding("Service", ("spec", field), {name: value}))
        assert by_editor("Service", text) == (read({WEB: text}).problems == ()) == right


@pytest.mark.parametrize(("kind", "path"), TEXTS, ids=str)
def test_examples_are_right_where_they_stand(kind: str, path: Path) -> None:
    """So the documents above are right but for the scalar, and that is what is judged."""
    for example in EVERY[kind, path]["examples"]:
        assert by_loader(kind, json.dumps(with_value(kind, path, example)))


STATED = [key for key, s in EVERY.items() if "default" in s]


def meaning(kind: str, document: Any) -> Any:
    """Return what a document comes to, without where it stands."""
    path = {"Platform": "platform/platform.yaml", "Cluster": "platform/clusters/eu1.yaml"}.get(
        kind, "platform/projects/shop.yaml" if kind == "Project" else WEB
    )
    texts = {WEB: SERVICE, path: json.dumps(document)}
    tree = read({**OPERATORS, **texts})
    assert tree.problems == ()
    assert tree.policies is not None
    jobs = {key: job.spec for key, job in tree.jobs.items()}
    policies = tree.policies
    return repr((policies.platform, policies.clusters, policies.projects, jobs))


@pytest.mark.parametrize(("kind", "path"), STATED, ids=str)
def test_default_that_is_stated_is_what_silence_comes_to(kind: str, path: Path) -> None:
    stated = with_value(kind, path, EVERY[kind, path]["default"])
    silent = copy.deepcopy(stated)
    place = silent
    for part in path[:-1]:
        place = place[next(iter(place)) if part == ANY else part]
    del place[path[-1]]
    assert meaning(kind, stated) == meaning(kind, silent)


def test_fields_of_aurora_are_those_that_can_be_set() -> None:
    grants, raw = (
        EVERY["Project", ("spec", "allow", "aurora", 0)],
        EVERY["Service", ("spec", "aurora")],
    )
    assert set(grants["enum"]) == set(raw["propertyNames"]["enum"]) == FIELDS


def members(schema: Any, file: str) -> dict[str, tuple[Any, str]]:
    schema, file = resolved(schema, file)
    found = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return {name: (member, file) for name, member in found.items()}


def untold(override: Any, schema: Any, file: str, path: str) -> Iterator[str]:
    """Yield the fields of a spec of which its override says something else, or nothing."""
    known = members(schema, file)
    for name in known.keys() - {"environments"} if not path else known.keys():
        member, (original, where) = override.get("properties", {}).get(name), known[name]
        told, _ = resolved(original, where)
        if member is None:
            yield f"{path}.{name} is missing"
        elif any(member.get(word) != told.get(word) for word in WORDS):
            yield f"{path}.{name} says something else"
        elif "properties" in told:
            yield from untold(member, original, where, f"{path}.{name}")


@pytest.mark.parametrize("kind", ["Service", "CronJob", "BatchFramework"])
def test_override_says_of_each_field_what_the_field_says(kind: str) -> None:
    content = CONTENTS[KINDS[kind]]
    override, spec = content["$defs"]["override"], content["properties"]["spec"]
    assert list(untold(override, spec, KINDS[kind], "")) == []


GUARD = Guard()
LIMITS = {
    "prunes": f"{GUARD.prunes_max} jobs or {GUARD.prunes_share:.0%}",
    "restarts": f"{GUARD.restarts_max} jobs or {GUARD.restarts_share:.0%}",
    "vanished": f"{GUARD.vanished_max} jobs or {GUARD.vanished_share:.0%}",
    "scaleDown": f"{GUARD.scale_down_share:.0%}",
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_of_the_guard_say_what_they_are_by_default(name: str) -> None:
    """Not as a `default`: a project that says nothing has what the platform says."""
    told = CONTENTS["common"]["$defs"]["guard"]["properties"][name]["description"]
    assert told.endswith(f"; by default {LIMITS[name]}.")


def test_grants_say_what_they_are_by_default() -> None:
    """Not as a `default`, which would be one of three fields that belong together."""
    told = EVERY["Project", ("spec", "allow", "resources")]["description"]
    ram, disk = (f"{mb // 1024}GiB" for mb in (GRANTED.ram_mb, GRANTED.disk_mb))
    assert told.endswith(f"; by default {GRANTED.cpu} cores, {ram} of memory and {disk} of disk.")
