"""From a team's document to jobs: defaults, overrides, frameworks, and where each field stands."""

from datetime import UTC, datetime

import pytest

from reconciler.model.spec import Collision, JobKind, Layer, Resources, Schedule, Suspension
from tests.desired.trees import (
    CRON,
    FRAMEWORK,
    SERVICE,
    WEB,
    a_key,
    changed,
    job,
    read,
    told,
    web,
)

CRUNCH = "shop/crunch.yaml"


def overridden(patch: str) -> dict[str, str]:
    """Return the service with a patch for `devel`, given as lines of the override."""
    lines = "".join(f"      {line}\n" for line in patch.splitlines())
    head = changed(SERVICE, "  environments: {prod: {}}\n", "")
    fields = "  ports: [http]\n  health: /up\n  env: {A: a, B: b}\n"
    return {WEB: f"{head}{fields}  environments:\n    prod: {{}}\n    devel:\n{lines}"}


def test_a_service_is_what_its_author_wrote() -> None:
    found = job()
    assert str(found.key) == "eu1/shop/prod/web"
    assert found.project == "shop"
    assert str(found.origin) == "shop/web.yaml:2:7"
    assert found.suspended is None
    spec = found.spec
    assert (spec.kind, spec.package, spec.image, spec.version) == (
        JobKind.SERVICE,
        "shop-web",
        None,
        "1.0",
    )
    assert (spec.run, spec.instances, spec.schedule) == ("web serve", 1, None)
    assert spec.resources == Resources(cpu=1.0, ram_mb=1024, disk_mb=1024)


def test_a_cron_job_cancels_a_new_run_unless_told_otherwise() -> None:
    spec = job({WEB: CRON}).spec
    assert spec.kind is JobKind.CRON
    assert spec.schedule == Schedule("0 3 * * *", Collision.CANCEL_NEW, enabled=True)
    more = changed(CRON, "  run:", "  collision: kill-existing\n  enabled: false\n  run:")
    assert job({WEB: more}).spec.schedule == Schedule(
        "0 3 * * *", Collision.KILL_EXISTING, enabled=False
    )


def test_a_suspension_says_by_whom_why_and_until_when() -> None:
    texts = web("  run", "  suspend: {by: ada, why: fire, until: 2027-01-31T12:00:00Z}\n  run")
    until = datetime(2027, 1, 31, 12, tzinfo=UTC)
    assert job(texts).suspended == Suspension("ada", "fire", until)
    texts = web("  run", "  suspend: {by: ada, why: fire}\n  run")
    assert job(texts).suspended == Suspension("ada", "fire", None)


def test_one_environment_can_be_suspended_alone() -> None:
    texts = web("{prod: {}}", "{prod: {suspend: {by: ada, why: fire}}, devel: {}}")
    jobs = read(texts).jobs
    assert jobs[a_key()].suspended is not None
    assert jobs[a_key(environment="devel")].suspended is None


def test_an_override_replaces_merges_and_removes() -> None:
    patch = 'version: "2.0"\nhealth: null\nenv: {A: x, B: null, C: c}\nresources: {cpu: 2}'
    texts = overridden(patch)
    prod, devel = job(texts).spec, job(texts, environment="devel").spec
    assert (prod.version, prod.health, prod.env) == ("1.0", "/up", (("A", "a"), ("B", "b")))
    assert (devel.version, devel.health, devel.env) == ("2.0", None, (("A", "x"), ("C", "c")))
    assert devel.resources == Resources(2.0, 1024, 1024)


def test_a_list_in_an_override_replaces_the_whole_list() -> None:
    assert job(overridden("ports: [admin]\nhealth: /"), environment="devel").spec.ports == (
        "admin",
    )


# The override's lines → the one problem, which stands in the override (line 15 is its first).
OVERRIDES_WRONG = {
    "a value of the wrong form": (
        "resources: {ram: 4GB}",
        "shop/web.yaml:15:24: spec.resources.ram: '4GB' has not the right form;",
    ),
    "an unknown field": (
        "verison: '2'",
        "shop/web.yaml:15:7: unknown field 'verison' in spec; did you mean 'version'?",
    ),
    "an unknown field that is removed": (
        "helth: null",
        "shop/web.yaml:15:7: unknown field 'helth' in spec; did you mean 'health'?",
    ),
    "an unknown field within, that is removed": (
        "resources: {rma: null}",
        "shop/web.yaml:15:19: unknown field 'rma' in spec.resources; did you mean 'ram'?",
    ),
    "a field removed that is needed": (
        "env: {A: x}\nversion: null",
        "shop/web.yaml:16:7: spec: `version` is missing; add `version:`",
    ),
    "a field within removed that is needed": (
        "resources: {ram: null}",
        "shop/web.yaml:15:19: spec.resources: `ram` is missing; add `ram:`",
    ),
    "an image beside the package": (
        "image: shop/web",
        "shop/web.yaml:15:7: spec: exactly one of `package` and `image` is needed,"
        " not `package` and `image`;",
    ),
    "the package removed": (
        "package: null",
        "shop/web.yaml:15:7: spec: exactly one of `package` and `image` is needed,"
        " and there is none;",
    ),
    "a word where a mapping was": (
        "env: none",
        "shop/web.yaml:15:12: spec.env: this is not a mapping; write its fields below it,",
    ),
    "an environment within": (
        "environments: {prod: {}}",
        "shop/web.yaml:15:7: an environment within an environment; remove it",
    ),
    "resources over the cap": (
        "resources: {cpu: 5}",
        "shop/web.yaml:15:24: resources.cpu: 5 cores is over the project's 4; ask for less, or",
    ),
    "a secret": (
        "env: {API_TOKEN: x}",
        "shop/web.yaml:15:24: env.API_TOKEN: looks like a secret, which must not stand in a",
    ),
    "a rollout that nobody knows": (
        "rollout: carefull",
        "shop/web.yaml:15:16: rollout: there is no 'carefull'; did you mean 'careful'?",
    ),
}


@pytest.mark.parametrize("case", OVERRIDES_WRONG)
def test_a_mistake_in_an_override_is_told_at_its_own_line(case: str) -> None:
    patch, wanted = OVERRIDES_WRONG[case]
    (line,) = told(overridden(patch))
    assert line.startswith(wanted)


def test_a_mistake_in_an_override_spoils_its_environment_only() -> None:
    tree = read(overridden("version: null"))
    assert set(tree.jobs) == {a_key()}
    assert set(tree.broken) == {a_key(environment="devel")}


def test_a_mistake_in_the_base_is_told_once_for_all_environments() -> None:
    texts = overridden("version: '2.0'")
    texts[WEB] = changed(texts[WEB], "ram: 1GiB", "ram: 1GB")
    assert len(told(texts)) == 1
    assert set(read(texts).broken) == {a_key(), a_key(environment="devel")}


def test_a_framework_becomes_a_master_and_its_workers() -> None:
    texts = {CRUNCH: FRAMEWORK}
    master, workers = job(texts, "crunch-master"), job(texts, "crunch-workers")
    assert set(read(texts).jobs) == {master.key, workers.key}
    assert (master.spec.kind, workers.spec.kind) == (JobKind.SERVICE, JobKind.SERVICE)
    assert (master.spec.instances, workers.spec.instances) == (1, 8)
    assert (master.spec.master, workers.spec.master) == (None, master.key)
    assert (master.spec.run, workers.spec.run) == ("crunch master", "crunch worker")
    assert {master.spec.version, workers.spec.version} == {"1.0"}


def test_parts_of_a_framework_share_variables_and_may_differ() -> None:
    texts = {CRUNCH: FRAMEWORK}
    assert job(texts, "crunch-master").spec.env == (("LEVEL", "info"), ("SEED", "42"))
    assert job(texts, "crunch-workers").spec.env == (("LEVEL", "debug"), ("SEED", "42"))


def test_a_framework_is_suspended_as_a_whole() -> None:
    suspended = changed(FRAMEWORK, "  master:", "  suspend: {by: ada, why: fire}\n  master:")
    jobs = read({CRUNCH: suspended}).jobs.values()
    assert [j.suspended is not None for j in jobs] == [True, True]


def test_a_framework_that_is_broken_holds_both_of_its_jobs() -> None:
    tree = read({CRUNCH: changed(FRAMEWORK, "instances: 8", "instances: 99")})
    assert {key.name for key in tree.broken} == {"crunch-workers", "crunch-master"}
    assert [str(p) for p in tree.problems] == [
        "shop/crunch.yaml:16:16: instances: 99 is over the project's 30; ask for less, or have"
        " `allow` raised in platform/projects/shop.yaml"
    ]


def test_a_service_by_the_name_of_a_frameworks_part_is_told_at_both_places() -> None:
    texts = {CRUNCH: FRAMEWORK, WEB: changed(SERVICE, "name: web", "name: crunch-workers")}
    assert told(texts) == [
        "shop/crunch.yaml:2:7: eu1/shop/prod/crunch-workers is declared at shop/web.yaml:2:7, too;"
        " one job has one document: rename or remove one",
        "shop/web.yaml:2:7: eu1/shop/prod/crunch-workers is declared at shop/crunch.yaml:2:7, too;"
        " one job has one document: rename or remove one",
    ]
    tree = read(texts)
    assert {key.name for key in tree.broken} == {"crunch-workers"}
    assert {key.name for key in tree.jobs} == {"crunch-master"}


def test_two_documents_for_one_job_are_told_once_whatever_the_environments() -> None:
    both = changed(SERVICE, "{prod: {}}", "{prod: {}, devel: {}}")
    tree = read({WEB: both, "shop/web2.yaml": both})
    hint = "one job has one document: rename or remove one"
    assert list(map(str, tree.problems)) == [
        "shop/web.yaml:2:7: eu1/shop/prod/web and 1 more of its name are declared at"
        f" shop/web2.yaml:2:7, too; {hint}",
        "shop/web2.yaml:2:7: eu1/shop/prod/web and 1 more of its name are declared at"
        f" shop/web.yaml:2:7, too; {hint}",
    ]
    assert set(tree.broken) == {a_key(), a_key(environment="devel")}


def test_a_second_document_for_a_job_is_refused_in_the_same_file_too() -> None:
    tree = read({WEB: f"{SERVICE}---\n{SERVICE}"})
    assert [str(p.origin) for p in tree.problems] == ["shop/web.yaml:2:7", "shop/web.yaml:12:7"]
    assert tree.jobs == {}
    assert set(tree.broken) == {a_key()}


def test_a_job_of_the_same_name_in_another_environment_is_another_job() -> None:
    other = changed(SERVICE, "{prod: {}}", "{devel: {}}")
    assert told({WEB: SERVICE, "shop/other.yaml": other}) == []


AUTHORED = {
    "version": (Layer.ENVIRONMENT, "shop/web.yaml:15:16"),
    "env.A": (Layer.ENVIRONMENT, "shop/web.yaml:16:16"),
    "env.B": (Layer.AUTHOR, "shop/web.yaml:11:18"),
    "resources.ram": (Layer.AUTHOR, "shop/web.yaml:8:28"),
    "ports": (Layer.AUTHOR, "shop/web.yaml:9:10"),
}


def test_every_field_knows_where_it_was_written_and_by_whom() -> None:
    authored = job(overridden('version: "2.0"\nenv: {A: x}'), environment="devel").authored
    for field, (layer, origin) in AUTHORED.items():
        assert (authored[field].layer, str(authored[field].origin)) == (layer, origin)
    assert "instances" not in authored
    assert set(authored) == {"env", "health", "package", "ports", "resources", "run", "version"}
    assert len(authored) == 7


def test_a_frameworks_part_knows_what_it_shares() -> None:
    authored = job({CRUNCH: FRAMEWORK}, "crunch-workers").authored
    assert str(authored["env.LEVEL"].origin) == "shop/crunch.yaml:14:18"
    assert str(authored["env.SEED"].origin) == "shop/crunch.yaml:7:15"
    assert str(authored["run"].origin) == "shop/crunch.yaml:13:10"
    assert "master" not in set(authored)
