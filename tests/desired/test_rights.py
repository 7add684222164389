"""Who may declare what and where, and what no repository may hold."""

import pytest

from reconciler.model.problem import Problem
from tests.desired.trees import (
    CRON,
    FRAMEWORK,
    OPERATORS,
    PLATFORM,
    PROJECT,
    SERVICE,
    WEB,
    a_key,
    changed,
    everything_wrong,
    read,
    recorded,
    told,
    web,
)

SHOP = "platform/projects/shop.yaml"


def test_a_document_outside_its_projects_sources_is_refused() -> None:
    tree = read({"pricing/web.yaml": SERVICE})
    assert [str(problem) for problem in tree.problems] == [
        "pricing/web.yaml:3:21: project shop has no documents here; move it to where its sources"
        " are: shop/**"
    ]
    assert tree.jobs == {}


SOURCES = {
    "shop/**": (["shop/a.yaml", "shop/a/b.yaml"], ["shop.yaml", "shops/a.yaml", "a/shop/b.yaml"]),
    "shop/*.yaml": (["shop/a.yaml"], ["shop/a/b.yaml", "shop/a.yml"]),
    "**/shop.yaml": (["shop.yaml", "a/shop.yaml", "a/b/shop.yaml"], ["a/nshop.yaml"]),
    "shop/?.yaml": (["shop/a.yaml"], ["shop/ab.yaml", "shop//.yaml"]),
    "shop/**/a.yaml": (["shop/a.yaml", "shop/b/a.yaml"], ["shop/b.yaml"]),
    "shop/[a].yaml": (["shop/[a].yaml"], ["shop/a.yaml"]),
    "**/" * 100 + "a.yaml": (["shop/a.yaml"], ["shop/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p.yaml"]),
}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source[:20])
def test_sources_are_patterns_of_paths(source: str) -> None:
    inside, outside = SOURCES[source]
    project = changed(PROJECT, "shop/**", source)
    for path in (*inside, *outside):
        assert bool(read({SHOP: project, path: SERVICE}).jobs) == (path in inside), path


NEVER = {
    "a folder": ("shop", "it names a folder"),
    "a folder by its slash": ("shop/", "it names a folder"),
    "a path of the machine": ("/shop/**", "paths begin below the root of the desired state"),
    "a path by the way": ("./shop/**", "paths begin below the root of the desired state"),
    "a way out": ("shop/../**", "paths begin below the root of the desired state"),
    "two slashes": ("shop//*.yaml", "no path has such a part"),
    "a hidden folder": (".shop/*.yaml", "no path has such a part"),
    "another ending": ("shop/*.json", "a document ends with .yaml or .yml"),
    "another ending of a file": ("shop/web.txt", "it names a folder"),
}


@pytest.mark.parametrize("case", NEVER)
def test_a_pattern_that_no_document_can_match_is_refused(case: str) -> None:
    source, why = NEVER[case]
    assert told({SHOP: changed(PROJECT, "shop/**", source)}) == [
        f"{SHOP}:5:13: sources: {source!r} matches no document: {why}; write it like shop/** or"
        " shop/*.yaml"
    ]


MATCHABLE = [
    "**",
    "*",
    "shop/*",
    "shop/w*.yml",
    "shop/*.y?ml",
    "shop/web.y*",
    "**/*l",
    "*/w?b.yaml",
]


@pytest.mark.parametrize("source", MATCHABLE)
def test_a_pattern_that_some_document_can_match_stands(source: str) -> None:
    assert told({SHOP: changed(PROJECT, "shop/**", source)}) == []


def test_a_project_that_nobody_knows_and_none_resembles_can_be_declared() -> None:
    assert told(web("project: shop", "project: zzz")) == [
        "shop/web.yaml:3:21: there is no project 'zzz'; write shop, or declare it by a Project"
        " document"
    ]


def test_a_project_that_nobody_knows_is_told_with_the_nearest_one() -> None:
    assert told(web("project: shop", "project: shpo")) == [
        "shop/web.yaml:3:21: there is no project 'shpo'; did you mean 'shop'?"
    ]


def test_an_environment_that_the_project_has_not_is_told_at_its_key() -> None:
    assert told(web("{prod: {}}", "{prod: {}, prd: {}}")) == [
        "shop/web.yaml:9:28: project shop has no environment 'prd'; did you mean 'prod'?"
    ]


@pytest.mark.parametrize("kind", ["Platform", "Cluster", "Project"])
def test_operators_kinds_stand_below_platform_only(kind: str) -> None:
    texts = {OPERATORS_OF[kind]: "", "shop/mine.yaml": OPERATORS[OPERATORS_OF[kind]]}
    assert f"shop/mine.yaml:2:7: a {kind} stands below platform/ only; move it there, where" in (
        "\n".join(told(texts))
    )
    tree = read({**texts, WEB: SERVICE}, recorded("web"))
    assert tree.jobs == {}
    assert a_key() in tree.broken, "what it would have meant is held"


OPERATORS_OF = {
    "Platform": "platform/platform.yaml",
    "Cluster": "platform/clusters/eu1.yaml",
    "Project": SHOP,
}

SECRETS = {
    "a password": "DB_PASSWORD: hunter2",
    "in small letters": "db_password: hunter2",
    "in one word": "DBPASSWORD: hunter2",
    "in humps": "dbPassword: hunter2",
    "with a number": "PASSWORD_1: hunter2",
    "with a number in the word": "PASSWORD2: hunter2",
    "a pass": "DB_PASS: hunter2",
    "a personal access token": "GH_PAT: hunter2",
    "a private key": '"KEY": "-----BEGIN RSA PRIVATE KEY----- hunter2"',
    "a key of a cloud": "WHO: AKIAIOSFODNN7EXAMPLE",
    "a key of an interface": "API_KEY: hunter2",
    "a key of the cloud": "AWS_SECRET_ACCESS_KEY: hunter2",
    "a token": "GITHUB_TOKEN: hunter2",
    "a path that names one": "PASSWORD_FILE: hunter2",
    "a URL with a password": "DATABASE_URL: postgresql://me:hunter2@db.example.org/shop",
    "a URL within": "DATABASE: jdbc:postgresql://me:hunter2@db.example.org/shop",
    "a URL without a user": "REDIS: redis://:hunter2@cache.example.org",
    "as a list": "DB_PASSWORD: [hunter2]",
    "as a mapping": "DB_PASSWORD: {value: hunter2}",
    "as a name": "DB_PASSWORD=hunter2",
    "far too long": f"DB_PASSWORD: {'hunter2' * 5000}",
}


@pytest.mark.parametrize("case", SECRETS)
def test_what_looks_like_a_secret_is_refused_and_never_told(case: str) -> None:
    problems = everything_wrong(read(web("  run:", f"  env: {{{SECRETS[case]}}}\n  run:")))
    assert problems
    assert {problem.origin.line for problem in problems} == {7}
    assert "hunter2" not in "".join(map(str, problems))


@pytest.mark.parametrize("value", ["Hunter2!", "[hunter2]", "{value: hunter2}", "hunter2/x"])
def test_a_secret_written_in_place_of_its_name_is_never_told(value: str) -> None:
    problems = told(web("  run:", f"  secrets: {{DB_PASSWORD: {value}}}\n  run:"))
    assert len(problems) == 1
    assert "hunter2" not in problems[0].lower()


@pytest.mark.parametrize(
    "harmless",
    [
        "TOKENIZER: bert",
        "KEYBOARD: de",
        "MONKEY: see",
        "URL: http://example.org:8080/a@b",
        "MAIL: ada@example.org",
        "PASSES: '3'",
        "PRIMARY_KEY_COLUMN: id",
    ],
)
def test_what_only_resembles_a_secret_is_taken(harmless: str) -> None:
    assert told(web("  run:", f"  env: {{{harmless}}}\n  run:")) == []


def test_the_platform_may_say_which_words_name_secrets() -> None:
    platform = PLATFORM + "  secretKeys: [GEHEIM]\n"
    texts = web("  run:", "  env: {DB_GEHEIM: x, DB_PASSWORD: x}\n  run:")
    problems = told({**texts, "platform/platform.yaml": platform})
    assert [line.split(": ")[1] for line in problems] == ["env.DB_GEHEIM"]


@pytest.mark.parametrize("name", ["PORT_HTTP", "INSTANCE", "HOST", "TASK_ID", "MASTER_PATH"])
@pytest.mark.parametrize("where", ["env", "secrets"])
def test_variables_that_the_reconciler_sets_are_not_the_authors(name: str, where: str) -> None:
    (line,) = told(web("  run:", f"  {where}: {{{name}: x}}\n  run:"))
    assert f"{where}.{name}: the reconciler sets it itself; rename it" in line


def test_one_variable_has_one_meaning() -> None:
    (line,) = told(web("  run:", "  env: {A: x}\n  secrets: {A: a}\n  run:"))
    assert line == "shop/web.yaml:7:12: env.A: stands under `secrets:`, too; keep one of them"


GRANTS = {
    "cores": ("cpu: 1,", "cpu: 4.5,", "resources.cpu: 4.5 cores is over the project's 4;"),
    "memory": ("ram: 1GiB", "ram: 9GiB", "resources.ram: 9216 MiB is over the project's 8192;"),
    "disk": ("disk: 1GiB", "disk: 2TiB", "resources.disk: 2097152 MiB is over the project's 8192;"),
    "instances": ("  run:", "  instances: 31\n  run:", "instances: 31 is over the project's 30;"),
    "a raw field": (
        "  run:",
        "  aurora: {tier: x}\n  run:",
        "aurora.tier: project shop does not grant it; an operator adds it to `allow.aurora` in",
    ),
    "a raw field that is never granted": (
        "  run:",
        "  aurora: {owner: {user: root}}\n  run:",
        "unknown field 'owner' in spec.aurora; write one of constraints, contactEmail,",
    ),
}


@pytest.mark.parametrize("case", GRANTS)
def test_an_author_gets_what_the_project_grants_and_no_more(case: str) -> None:
    old, new, wanted = GRANTS[case]
    (line,) = told(web(old, new))
    assert wanted in line


def test_what_is_granted_up_to_its_limit_is_taken() -> None:
    more = "cpu: 4, ram: 8GiB, disk: 8GiB"
    texts = web("cpu: 1, ram: 1GiB, disk: 1GiB", more)
    texts[WEB] = changed(texts[WEB], "  run:", "  instances: 30\n  aurora: {priority: 7}\n  run:")
    assert told(texts) == []


SCHEDULES = {
    "@daily": "Aurora has no @daily",
    "0 3 * *": "five fields are needed",
    "0 0 3 * * *": "five fields are needed",
    "0 3 1 * 1": "may not both be restricted",
    "0 3 30 2 *": "it would never fire",
    "60 3 * * *": "60 is not within 0 to 59",
    "0 3 * * 7": "7 is not within 0 to 6; write 0 for Sunday",
    "0 3 L * *": "'L' is no value",
    "5/10 * * * *": "needs a range before its step",
    "nightly": "five fields are needed",
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_that_aurora_would_not_take_or_never_fire_is_told(schedule: str) -> None:
    (line,) = told({WEB: changed(CRON, '"0 3 * * *"', f'"{schedule}"')})
    assert line.startswith("shop/web.yaml:7:13: schedule: ")
    assert SCHEDULES[schedule] in line


def test_a_cron_job_of_no_instance_is_told_how_to_stop() -> None:
    (line,) = told({WEB: changed(CRON, "  run:", "  instances: 0\n  run:")})
    assert (
        line == "shop/web.yaml:8:14: instances: a cron job has at least one; use `enabled: false`"
    )


MENU = {
    "an unknown rollout": (
        "  run:",
        "  rollout: careless\n  run:",
        "shop/web.yaml:7:12: rollout: there is no 'careless'; did you mean 'careful'?",
    ),
    "an unknown SLA": (
        "  run:",
        "  sla: avalable\n  instances: 25\n  run:",
        "shop/web.yaml:7:8: sla: there is no 'avalable'; did you mean 'available'?",
    ),
    "an SLA for too few instances": (
        "  run:",
        "  sla: available\n  instances: 19\n  run:",
        "shop/web.yaml:7:8: sla: eu1 keeps one for 20 instances or more,"
        " not for the 19 of eu1/shop/prod/web",
    ),
    "a recipe that the platform has not": (
        "package: shop-web",
        "image: shop/web",
        "shop/web.yaml:5:10: the platform has no recipe for a job with `image:`; an operator adds",
    ),
}


@pytest.mark.parametrize("case", MENU)
def test_what_is_chosen_must_be_on_the_platforms_menu(case: str) -> None:
    old, new, wanted = MENU[case]
    (line,) = told(web(old, new))
    assert line.startswith(wanted)


def test_an_sla_is_for_production_only() -> None:
    texts = web("  run:", "  sla: available\n  instances: 20\n  run:")
    assert told(texts) == []
    texts[WEB] = changed(texts[WEB], "{prod: {}}", "{devel: {}}")
    (line,) = told(texts)
    assert "sla: tier 'preemptible' of environment 'devel' can have none" in line


def test_all_that_is_wrong_with_a_job_is_told_at_once() -> None:
    new = "  env: {TOKEN: x}\n  instances: 99\n  rollout: none\n  run:"
    said = told(web("  run:", new))
    assert [line.split(": ")[1] for line in said] == ["env.TOKEN", "instances", "rollout"]


def test_all_that_is_wrong_anywhere_is_told_at_once_and_in_order() -> None:
    problems: tuple[Problem, ...] = everything_wrong(
        read(
            {
                "shop/z.yaml": changed(SERVICE, "1.0", "?"),
                "shop/a.yaml": "a: [",
                "shop/m.yaml": f"{SERVICE}---\nkind: Nothing\n---\n{CRON}",
                "shop/crunch.yaml": changed(FRAMEWORK, "cpu: 2", "cpu: many"),
                "platform/clusters/two.yaml": "kind: Cluster\n",
            }
        )
    )
    assert list(problems) == sorted(problems)
    assert {problem.origin.path for problem in problems} == {
        "shop/z.yaml",
        "shop/a.yaml",
        "shop/m.yaml",
        "shop/crunch.yaml",
        "platform/clusters/two.yaml",
    }
    assert all(problem.origin.line and problem.origin.column for problem in problems)
    assert all(problem.message and problem.hint for problem in problems)
