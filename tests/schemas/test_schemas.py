"""The schemas themselves: valid, described, with examples that hold, and as strict as the loader.

Everything here uses the plain jsonschema library, as an editor would.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.desired.schemas import KINDS, Schemas
from tests.desired.trees import CONTENTS, CRON, FRAMEWORK, OPERATORS, SERVICE, WEB, parse, read
from tests.support.schemas import REGISTRY

TEXTS = {
    "Platform": OPERATORS["platform/platform.yaml"],
    "Cluster": OPERATORS["platform/clusters/eu1.yaml"],
    "Project": OPERATORS["platform/projects/shop.yaml"],
    "Service": SERVICE,
    "CronJob": CRON,
    "BatchFramework": FRAMEWORK,
}
UNITS = re.compile(
    r"in whole MiB|s, m, h or d|percent|[Cc]ores|seconds|[Nn]umber|[Hh]ow (many|often)"
)


def resolved(schema: Any, file: str) -> tuple[dict[str, Any], str]:
    """Return a schema with what it refers to laid beneath what it says itself."""
    told: dict[str, Any] = dict(schema)
    while "$ref" in schema:
        name, _, pointer = schema["$ref"].partition("#")
        file = name.removesuffix(".schema.json") or file
        schema = CONTENTS[file]
        for part in filter(None, pointer.split("/")):
            schema = schema[part]
        told = {**schema, **told}
    return told, file


def schemas_in(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every schema within a schema, with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in ("properties", "$defs"):
        for name, member in schema.get(keyword, {}).items():
            yield from schemas_in(member, f"{path}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties", "propertyNames"):
        yield from schemas_in(schema.get(keyword), f"{path}/{keyword}")
    for keyword in ("oneOf", "anyOf", "allOf"):
        for i, member in enumerate(schema.get(keyword, ())):
            yield from schemas_in(member, f"{path}/{keyword}/{i}")


FIELDS = [
    (file, f"{file}{path}/{name}", field)
    for file, content in CONTENTS.items()
    for path, schema in schemas_in(content, "")
    for name, field in schema.get("properties", {}).items()
]


def validator(schema: Any, file: str) -> Draft202012Validator:
    """Return a plain validator of a part of a file, which may refer to other parts and files."""
    if schema is CONTENTS[file]:
        return Draft202012Validator(schema, registry=REGISTRY)
    part = {**schema, "$id": f"{file}.schema.json", "$defs": CONTENTS[file].get("$defs", {})}
    part["properties"] = {**CONTENTS[file].get("properties", {}), **schema.get("properties", {})}
    return Draft202012Validator(part, registry=REGISTRY)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_schema_is_one_of_draft_2020_12(name: str) -> None:
    assert CONTENTS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(CONTENTS[name])


@pytest.mark.parametrize("name", CONTENTS)
def test_a_schema_is_named_by_its_file_and_by_no_host(name: str) -> None:
    assert CONTENTS[name]["$id"] == f"{name}.schema.json"


@pytest.mark.parametrize("name", CONTENTS)
def test_a_schema_refers_to_what_is_there_and_to_no_host(name: str) -> None:
    for path, schema in schemas_in(CONTENTS[name], ""):
        if "$ref" in schema:
            assert "//" not in schema["$ref"], path
            assert resolved(schema, name)


@pytest.mark.parametrize("where", [where for _, where, _ in FIELDS])
def test_every_field_has_title_description_and_example(where: str) -> None:
    file, field = next((file, field) for file, at, field in FIELDS if at == where)
    told, _ = resolved(field, file)
    assert told.get("title")
    assert len(told.get("description", "")) > 4
    assert told.get("examples")


@pytest.mark.parametrize("name", CONTENTS)
def test_every_hint_says_what_to_do(name: str) -> None:
    hints = [found["x-hint"] for _, found in schemas_in(CONTENTS[name], "") if "x-hint" in found]
    assert [hint for hint in hints if not hint.startswith(("write ", "use "))] == []


def test_there_are_fields_to_look_at() -> None:
    assert len(FIELDS) > 200


@pytest.mark.parametrize("where", [where for _, where, _ in FIELDS])
def test_every_amount_names_its_unit(where: str) -> None:
    file, field = next((file, field) for file, at, field in FIELDS if at == where)
    told, _ = resolved(field, file)
    pattern = str(told.get("pattern", ""))
    amount = "MiB" in pattern or "(s|m|h|d)" in pattern or pattern.endswith("%$")
    if amount or told.get("title") == "CPU":
        assert UNITS.search(told["description"]), told["description"]


@pytest.mark.parametrize("name", CONTENTS)
def test_every_example_and_default_holds(name: str) -> None:
    for path, schema in schemas_in(CONTENTS[name], ""):
        told, file = resolved(schema, name)
        values = [
            *schema.get("examples", ()),
            *([schema["default"]] if "default" in schema else ()),
        ]
        wanted = {k: v for k, v in told.items() if k not in ("examples", "default", "$ref")}
        for value in values:
            faults = [f.message for f in validator(wanted, file).iter_errors(value)]
            if file == name or "$ref" in schema:
                assert faults == [], f"{name}{path}: {value!r}"


def test_a_pattern_ends_where_the_text_ends() -> None:
    """`$` is also before a last line end in Python: the loader mends that, at the very end only."""
    for name, content in CONTENTS.items():
        for path, schema in schemas_in(content, ""):
            pattern = schema.get("pattern", "")
            re.compile(pattern)
            assert "$" not in pattern.removesuffix("$"), f"{name}{path}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_document_satisfies_the_plain_library(kind: str) -> None:
    value = parse(TEXTS[kind]).documents[0].value
    Draft202012Validator(CONTENTS[KINDS[kind]], registry=REGISTRY).validate(value)


def mappings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        yield path
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from mappings(member, (*path, key))


def with_field(value: Any, path: tuple[Any, ...]) -> Any:
    """Return a value with a field `zzz` in the mapping at a path."""
    if not path:
        return {**value, "zzz": "zzz"}
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_field(value[path[0]], path[1:])
    return copy


# Mappings whose keys are the author's own.
OPEN = {"env", "secrets", "environments", "rollouts", "slas"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_field_is_refused_by_the_plain_library_and_by_the_loader(kind: str) -> None:
    value = parse(TEXTS[kind]).documents[0].value
    if kind in ("Service", "CronJob"):
        value["spec"]["environments"] = {"prod": {"resources": {"cpu": 2}}}
    plain = Draft202012Validator(CONTENTS[KINDS[kind]], registry=REGISTRY)
    plain.validate(value)
    tried = 0
    for path in mappings(value):
        if path and path[-1] in OPEN:
            continue
        tried += 1
        wrong = with_field(value, path)
        assert not plain.is_valid(wrong), path
        texts = {**{p: "" for p, t in OPERATORS.items() if t == TEXTS[kind]}}
        place = WEB if kind not in ("Platform", "Cluster", "Project") else "platform/wrong.yaml"
        problems = read({**texts, place: json.dumps(wrong)}).problems
        assert any("'zzz'" in problem.message for problem in problems), path
    assert tried >= 4


@pytest.mark.parametrize("kind", ["Service", "CronJob", "BatchFramework"])
def test_an_editor_offers_in_an_override_what_the_spec_has(kind: str) -> None:
    content = CONTENTS[KINDS[kind]]

    def same(spec: Any, override: Any, file: str) -> None:
        spec, file = resolved(spec, file)
        for name, field in spec.get("properties", {}).items():
            if name == "environments":
                continue
            told, _ = resolved(field, file)
            offered = override["properties"][name]
            assert offered["description"] == told["description"], name
            same(field, offered, file)
        known = spec.get("properties", {}).keys() - {"environments"}
        assert known == override.get("properties", {}).keys()

    same(content["properties"]["spec"], content["$defs"]["override"], KINDS[kind])


OVERRIDES = {
    "nothing": ({}, True),
    "another version": ({"version": "2"}, True),
    "a field removed": ({"health": None}, True),
    "a field within": ({"resources": {"cpu": 2}}, True),
    "a field misspelt": ({"verison": "2"}, False),
    "a field within misspelt": ({"resources": {"rma": "1GiB"}}, False),
    "a value of the wrong form": ({"resources": {"ram": "4GB"}}, False),
    "no mapping": ("yes", False),
}


@pytest.mark.parametrize("case", OVERRIDES)
def test_an_editor_judges_an_override_as_the_loader_does(case: str) -> None:
    override, sound = OVERRIDES[case]
    value = parse(SERVICE).documents[0].value
    value["spec"]["environments"]["prod"] = override
    plain = Draft202012Validator(CONTENTS["service"], registry=REGISTRY)
    assert plain.is_valid(value) == sound
    assert (read({WEB: json.dumps(value)}).problems == ()) == sound


def test_the_loader_needs_no_other_schemas_than_these() -> None:
    assert (
        Schemas(CONTENTS).problems(
            "Service", parse(SERVICE).documents[0].value, parse(SERVICE).documents[0]
        )
        == ()
    )
