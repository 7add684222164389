"""What a schema refuses, told to people: place, what is wrong, what to do."""

from typing import Any

import pytest

from reconciler.desired.schemas import Schemas
from reconciler.desired.tree import load
from reconciler.desired.wording import Place
from reconciler.model.problem import Problem
from tests.desired.trees import (
    CLUSTER,
    CONTENTS,
    CRON,
    FRAMEWORK,
    OPERATORS,
    PLATFORM,
    PROJECT,
    SERVICE,
    WEB,
    changed,
    files,
    job,
    read,
    told,
    web,
)

SIZES = "write binary units, as in 512MiB or 4GiB"
PLATFORM_AT, CLUSTER_AT = "platform/platform.yaml", "platform/clusters/eu1.yaml"

# What of the service is changed, to what, and the one problem there is then.
WRONG = {
    "a field misspelt": (
        "  run: web",
        "  instnaces: 2\n  run: web",
        "shop/web.yaml:7:3: unknown field 'instnaces' in spec; did you mean 'instances'?",
    ),
    "a field of another kind": (
        "  run: web",
        "  schedule: 0 3 * * *\n  run: web",
        "shop/web.yaml:7:3: unknown field 'schedule' in spec; write one of aurora, env,",
    ),
    "a field at the top": (
        "kind: Service",
        "kind: Service\nsepc: {}",
        "shop/web.yaml:3:1: unknown field 'sepc'; did you mean 'spec'?",
    ),
    "a field within a field": (
        "cpu: 1,",
        "cpu: 1, rma: 1GiB,",
        "shop/web.yaml:8:23: unknown field 'rma' in spec.resources; did you mean 'ram'?",
    ),
    "a role, which is not an author's": (
        "  run: web",
        "  role: root\n  run: web",
        "shop/web.yaml:7:3: unknown field 'role' in spec; write one of aurora, env,",
    ),
    "a kind misspelt": (
        "kind: Service",
        "kind: Servise",
        "shop/web.yaml:2:7: unknown kind 'Servise'; did you mean 'Service'?",
    ),
    "no kind": (
        "kind: Service\n",
        "",
        "shop/web.yaml:1:1: `kind` is missing; add one of Platform, Cluster, Project, Service,",
    ),
    "another version of the format": (
        "reconciler/v1",
        "reconciler/v2",
        "shop/web.yaml:1:13: apiVersion: 'reconciler/v2' is none of reconciler/v1; did you mean",
    ),
    "a field that is missing": (
        '  version: "1.0"\n',
        "",
        "shop/web.yaml:5:3: spec: `version` is missing; add `version:`",
    ),
    "neither package nor image": (
        "  package: shop-web\n",
        "",
        "shop/web.yaml:5:3: spec: exactly one of `package` and `image` is needed,"
        " and there is none; add `package:` or `image:`",
    ),
    "package and image": (
        "  run: web",
        "  image: shop/web\n  run: web",
        "shop/web.yaml:7:3: spec: exactly one of `package` and `image` is needed,"
        " not `package` and `image`; keep the one that",
    ),
    "a size in powers of ten": (
        "ram: 1GiB",
        "ram: 4GB",
        f"shop/web.yaml:8:28: spec.resources.ram: '4GB' has not the right form; {SIZES}",
    ),
    "a size without its B": (
        "ram: 1GiB",
        "ram: 4G",
        f"shop/web.yaml:8:28: spec.resources.ram: '4G' has not the right form; {SIZES}",
    ),
    "a size without a unit": (
        "ram: 1GiB",
        "ram: 4096",
        f"shop/web.yaml:8:28: spec.resources.ram: 4096 has not the right form; {SIZES}",
    ),
    "a broken size": (
        "ram: 1GiB",
        "ram: 1.5GiB",
        f"shop/web.yaml:8:28: spec.resources.ram: '1.5GiB' has not the right form; {SIZES}",
    ),
    "no memory": (
        "ram: 1GiB",
        "ram: 0GiB",
        f"shop/web.yaml:8:28: spec.resources.ram: '0GiB' has not the right form; {SIZES}",
    ),
    "a size with a line end": (
        "ram: 1GiB",
        'ram: "1GiB\\n"',
        f"shop/web.yaml:8:28: spec.resources.ram: '1GiB\\n' has not the right form; {SIZES}",
    ),
    "no cores": (
        "cpu: 1,",
        "cpu: 0,",
        "shop/web.yaml:8:20: spec.resources.cpu: 0 is not more than 0; write more than 0",
    ),
    "cores in words": (
        "cpu: 1,",
        "cpu: two,",
        "shop/web.yaml:8:20: spec.resources.cpu: 'two' is not a number; write it as in 0.5",
    ),
    "a number in hexadecimal": (
        "  run: web",
        "  instances: 0x10\n  run: web",
        "shop/web.yaml:7:14: spec.instances: '0x10' is not a whole number; write digits only",
    ),
    "a number in octal": (
        "  run: web",
        "  instances: 010\n  run: web",
        "shop/web.yaml:7:14: spec.instances: '010' is not a whole number; write digits only",
    ),
    "a whole number in powers of ten": (
        "  run: web",
        "  instances: 1e1\n  run: web",
        "shop/web.yaml:7:14: spec.instances: 10.0 is not a whole number; write digits only",
    ),
    "a whole number with a point": (
        "  run: web",
        "  instances: 4.0\n  run: web",
        "shop/web.yaml:7:14: spec.instances: 4.0 is not a whole number; write digits only",
    ),
    "fewer instances than none": (
        "  run: web",
        "  instances: -1\n  run: web",
        "shop/web.yaml:7:14: spec.instances: -1 is less than 0; write 0 or more",
    ),
    "nothing where a number is wanted": (
        "  run: web",
        "  instances:\n  run: web",
        "shop/web.yaml:7:13: spec.instances: null is not a whole number; write digits only",
    ),
    "a version that is nothing": (
        'version: "1.0"',
        "version: null",
        "shop/web.yaml:6:12: spec.version: null is not text; write letters, digits and . + ! _ -",
    ),
    "text where a list is wanted": (
        "  run: web",
        "  ports: http\n  run: web",
        "shop/web.yaml:7:10: spec.ports: 'http' is not a list; write it as in [a, b]",
    ),
    "a port twice": (
        "  run: web",
        "  ports: [http, http]\n  run: web",
        "shop/web.yaml:7:10: spec.ports: it has an entry twice; keep one of them",
    ),
    "a port in capitals": (
        "  run: web",
        "  ports: [http, Admin]\n  run: web",
        "shop/web.yaml:7:17: spec.ports[1]: 'Admin' has not the right form;"
        " write lower-case letters, digits and dashes",
    ),
    "a name with a line end": (
        "name: web}",
        'name: "web\\n"}',
        "shop/web.yaml:3:33: metadata.name: 'web\\n' has not the right form;"
        " write lower-case letters, digits and dashes",
    ),
    "a name in capitals": (
        "name: web}",
        "name: Web}",
        "shop/web.yaml:3:33: metadata.name: 'Web' has not the right form;"
        " write lower-case letters, digits and dashes",
    ),
    "a variable with a dash": (
        "  run: web",
        "  env: {LOG-LEVEL: info}\n  run: web",
        "shop/web.yaml:7:9: spec.env: 'LOG-LEVEL' cannot be a name here; use",
    ),
    "a value where a variable should be": (
        "  run: web",
        "  env: {'PASSWORD=hunter2': info}\n  run: web",
        "shop/web.yaml:7:9: spec.env: this cannot be a name here; use letters, digits",
    ),
    "a field that only resembles one that is there": (
        "name: web}",
        "name: web, namespace: x}",
        "shop/web.yaml:3:38: unknown field 'namespace' in metadata; remove it",
    ),
    "an image with a tag": (
        "package: shop-web",
        "image: shop/web:1.2",
        "shop/web.yaml:5:10: spec.image: 'shop/web:1.2' has not the right form;"
        " write the name of an image without",
    ),
    "an empty command": (
        "run: web serve",
        'run: ""',
        "shop/web.yaml:7:8: spec.run: it is shorter than 1 characters; write something",
    ),
    "no environment": (
        "environments: {prod: {}}",
        "environments: {}",
        "shop/web.yaml:9:17: spec.environments: it has less than 1 entries; add one",
    ),
    "an environment that is a word": (
        "environments: {prod: {}}",
        "environments: {prod: yes}",
        "shop/web.yaml:9:24: spec.environments.prod: 'yes' is not a mapping; write its fields",
    ),
    "a suspension for ever and a day": (
        "  run: web",
        "  suspend: {by: ada, why: fire, until: tomorrow}\n  run: web",
        "shop/web.yaml:7:40: spec.suspend.until: 'tomorrow' has not the right form; write a time",
    ),
    "a day that its month has not": (
        "  run: web",
        '  suspend: {by: ada, why: fire, until: "2027-02-30T12:00:00Z"}\n  run: web',
        "shop/web.yaml:7:40: suspend.until: there is no time '2027-02-30T12:00:00Z'; look at the",
    ),
    "a zone that is none": (
        "  run: web",
        '  suspend: {by: ada, why: fire, until: "2027-01-01T12:00:00+99:00"}\n  run: web',
        "shop/web.yaml:7:40: suspend.until: there is no time '2027-01-01T12:00:00+99:00'; look",
    ),
}


def test_what_could_be_written_is_said_once() -> None:
    (far,) = told({WEB: changed(CRON, "  run:", "  collision: forbid\n  run:")})
    choices = "cancel-new, kill-existing"
    assert far.endswith(f": spec.collision: 'forbid' is no choice here; write one of {choices}")
    (near,) = told({WEB: changed(CRON, "  run:", "  collision: cancel\n  run:")})
    assert near.endswith(f": 'cancel' is none of {choices}; did you mean 'cancel-new'?")


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_at_its_place_with_a_remedy(case: str) -> None:
    old, new, wanted = WRONG[case]
    (line,) = told(web(old, new))
    assert line.startswith(wanted)


PROJECT_AT = "platform/projects/shop.yaml"
OPERATORS_WRONG = {
    "a rollout of 30%, misspelt": (
        {PLATFORM_AT: changed(PLATFORM, "{batch: 25%}", "{batch: 0.25}")},
        f"{PLATFORM_AT}:11:23: spec.rollouts.standard.batch: 0.25 has not the right form;"
        " write a percentage, or a list",
    ),
    "an SLA with a typo": (
        {PLATFORM_AT: changed(PLATFORM, "percentage: 90,", "percent: 90,")},
        f"{PLATFORM_AT}:15:30: spec.slas.available: an SLA has `percentage` and `duration`, or",
    ),
    "an SLA out of range": (
        {PLATFORM_AT: changed(PLATFORM, "percentage: 90,", "percentage: 900,")},
        f"{PLATFORM_AT}:15:29: spec.slas.available.percentage: 900 is more than 100; write 100",
    ),
    "a recipe of an unknown kind": (
        {PLATFORM_AT: changed(PLATFORM, "wheel: {}", "whele: {}")},
        f"{PLATFORM_AT}:9:5: unknown field 'whele' in spec.recipes; did you mean 'wheel'?",
    ),
    "a scheduler and a world of our own": (
        {CLUSTER_AT: CLUSTER + "  embedded:\n    hosts: []\n"},
        f"{CLUSTER_AT}:6:3: spec: exactly one of `scheduler` and `embedded` is needed,"
        " not `scheduler` and `embedded`; keep the one that",
    ),
    "an address with credentials": (
        {CLUSTER_AT: changed(CLUSTER, "http://aurora", "http://me:pw@aurora")},
        f"{CLUSTER_AT}:5:22: spec.scheduler.urls[0]: this has not the right form; write a sc",
    ),
    "an address with a query": (
        {CLUSTER_AT: changed(CLUSTER, "example.org:8081", "example.org:8081?x")},
        f"{CLUSTER_AT}:5:22: spec.scheduler.urls[0]: this has not the right form; write a sc",
    ),
    "a cluster that no document can be named like": (
        # Whether it exists cannot be asked where the Cluster documents are unreadable.
        {
            PROJECT_AT: changed(PROJECT, "prod: {cluster: eu1}", "prod: {cluster: 1e16}"),
            CLUSTER_AT: "null\n",
        },
        f"{PROJECT_AT}:7:21: spec.environments.prod.cluster: 1e+16 has not the right",
    ),
    "an unknown grant": (
        {PROJECT_AT: changed(PROJECT, "instances: 30", "instance: 30")},
        f"{PROJECT_AT}:11:5: unknown field 'instance' in spec.allow; did you mean",
    ),
}


@pytest.mark.parametrize("case", OPERATORS_WRONG)
def test_an_operators_mistake_is_told_like_an_authors(case: str) -> None:
    texts, wanted = OPERATORS_WRONG[case]
    assert any(line.startswith(wanted) for line in told(texts)), told(texts)


def test_text_that_looks_like_a_number_stays_what_was_typed() -> None:
    texts = web('version: "1.0"', "version: 2.10\n  env: {A: yes, B: 1.10, C: 0x10, D: 12:30:45}")
    spec = job(texts).spec
    assert spec.version == "2.10"
    assert spec.env == (("A", "yes"), ("B", "1.10"), ("C", "0x10"), ("D", "12:30:45"))


def test_text_in_an_override_stays_what_was_typed() -> None:
    override = "{prod: {version: 3.10, env: {A: 1e3, B: true, C: 2026-01-01}}}"
    spec = job(web("{prod: {}}", override)).spec
    assert spec.version == "3.10"
    assert spec.env == (("A", "1e3"), ("B", "true"), ("C", "2026-01-01"))


def test_a_switch_is_true_or_false_and_no_other_word() -> None:
    texts = {WEB: changed(CRON, "  run:", "  enabled: off\n  run:")}
    (line,) = told(texts)
    assert line.startswith("shop/web.yaml:8:12: spec.enabled: 'off' is not true or false; write")


def test_a_framework_needs_a_port_for_its_master() -> None:
    texts = {"shop/crunch.yaml": changed(FRAMEWORK, "[scheduler]", "[]")}
    (line,) = told(texts)
    assert line.startswith("shop/crunch.yaml:10:12: spec.master.ports: it has less than 1 entries")


def test_more_problems_than_anybody_reads_are_cut_off() -> None:
    many = "\n".join(f"field{i}: {i}" for i in range(9000))
    tree = read({WEB: f"{SERVICE}{many}\n"})
    assert len(tree.problems) == 101
    assert any("more than 100 problems in this document" in p.message for p in tree.problems)


def test_long_names_and_values_are_cut_off() -> None:
    tree = read(web('version: "1.0"', f"version: '{'!' * 5000}'\n  {'x' * 1000}: 1"))
    assert len(tree.problems) == 2
    assert all(len(str(problem)) < 300 for problem in tree.problems)


class Measured(Schemas):
    """Notes how many environments each value has that is checked."""

    def __init__(self) -> None:
        super().__init__(CONTENTS)
        self.environments: list[int] = []

    def problems(self, kind: str, value: Any, place: Place) -> tuple[Problem, ...]:
        self.environments.append(len(value["spec"].get("environments", {})))
        return super().problems(kind, value, place)


def test_each_environment_is_checked_once_and_alone() -> None:
    """A document of a hundred environments would otherwise take ten thousand checks."""
    names = [f"prod{i}" for i in range(5)]
    texts = {
        **OPERATORS,
        PLATFORM_AT: changed(PLATFORM, "match: prod", "match: prod.*"),
        "platform/projects/shop.yaml": changed(
            PROJECT,
            "    prod: {cluster: eu1}",
            "\n".join(f"    {n}: {{cluster: eu1}}" for n in names),
        ),
        WEB: changed(SERVICE, "{prod: {}}", f"{{{': {}, '.join(names)}: {{}}}}"),
    }
    schemas = Measured()
    tree = load(files(texts), schemas, {})
    assert (len(tree.jobs), tree.problems) == (5, ())
    checked = schemas.environments[-5:]
    assert (checked, len(schemas.environments)) == ([1] * 5, len(OPERATORS) + 5)
