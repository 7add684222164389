"""What cannot be read is held, and never looks like a deletion."""

import pytest

from reconciler.desired.tree import load
from reconciler.model.tree import DesiredTree
from tests.desired.trees import (
    CLUSTER,
    FRAMEWORK,
    OPERATORS,
    PLATFORM,
    PROJECT,
    SCHEMAS,
    SERVICE,
    WEB,
    a_key,
    changed,
    files,
    read,
    recorded,
    told,
    web,
)

SHOP = "platform/projects/shop.yaml"
OTHER = changed(PROJECT.replace("shop/**", "bank/**"), "name: shop", "name: bank")
BANK = {"platform/projects/bank.yaml": OTHER}


def may_be_pruned(tree: DesiredTree, name: str, project: str = "shop") -> bool:
    """Return whether the planner could take this job for one that was removed."""
    key = a_key(name, role=project)
    declared = key in tree.jobs or key in tree.broken
    return not (declared or tree.incomplete or project in (tree.unpruned or {}))


def test_a_job_that_is_gone_from_a_sound_tree_may_be_pruned() -> None:
    tree = read({WEB: SERVICE}, recorded("web", "old", path="shop/old.yaml"))
    assert may_be_pruned(tree, "old")
    assert not may_be_pruned(tree, "web")


# What the file holds now that once declared `web`: none of this may look like its removal.
SPOILED: dict[str, str | bytes] = {
    "no YAML": "a: [",
    "cut off within a word": SERVICE[:60],
    "cut off after a line": SERVICE[: SERVICE.index("  run")],
    "emptied": "\n",
    "invalid UTF-8": b"\xff",
    "no mapping": "- web\n",
    "no kind": changed(SERVICE, "kind: Service\n", ""),
    "a kind misspelt": changed(SERVICE, "kind: Service", "kind: Servise"),
    "a kind that is an operator's": changed(SERVICE, "kind: Service", "kind: Cluster"),
    "no metadata": changed(SERVICE, "metadata: {project: shop, name: web}\n", ""),
    "no name": changed(SERVICE, ", name: web", ""),
    "a name that cannot be": changed(SERVICE, "name: web", "name: web!"),
    "no project": changed(SERVICE, "project: shop, ", ""),
    "a project misspelt": changed(SERVICE, "project: shop,", "project: shpo,"),
    "no spec": SERVICE[: SERVICE.index("spec")],
    "no environments": changed(SERVICE, "  environments: {prod: {}}\n", ""),
    "environments that are a word": changed(SERVICE, "{prod: {}}", "prod"),
    "an environment misspelt": changed(SERVICE, "{prod: {}}", "{prd: {}}"),
    "another environment, and a mistake": changed(
        changed(SERVICE, "{prod: {}}", "{devel: {}}"), "1GiB, disk", "1GB, disk"
    ),
    "a field misspelt": changed(SERVICE, "  run:", "  rnu:"),
    "a key twice": changed(SERVICE, "  run:", "  run: x\n  run:"),
    "a name that is a list": changed(SERVICE, "name: web", "name: [web]"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_file_that_cannot_be_used_holds_what_it_declared(case: str) -> None:
    tree = read({WEB: SPOILED[case]}, recorded("web"))
    assert tree.problems
    assert a_key() not in tree.jobs
    assert a_key() in tree.broken, "held as last recorded"
    assert tree.broken[a_key()].problems, "with the reasons"


@pytest.mark.parametrize("case", SPOILED)
def test_a_file_that_was_never_usable_stops_prunes_of_whoever_may_write_there(case: str) -> None:
    keys_are_known = case in ("a field misspelt", "another environment, and a mistake")
    owned = recorded("moved", path="shop/from.yaml") | recorded(
        "loan", path="bank/loan.yaml", project="bank"
    )
    tree = read({WEB: SPOILED[case], **BANK}, owned)
    assert may_be_pruned(tree, "moved") == keys_are_known
    assert may_be_pruned(tree, "loan", "bank"), "another project's prunes go on"


def test_a_file_that_no_project_may_write_stops_every_prune() -> None:
    tree = read({"elsewhere.yaml": "a: [", WEB: SERVICE, **BANK}, recorded("old"))
    assert tree.incomplete == "elsewhere.yaml cannot be used"
    assert set(tree.jobs) == {a_key()}, "what is declared goes on"


def test_a_document_in_the_wrong_place_stops_the_prunes_of_the_project_that_it_names() -> None:
    astray = changed(SERVICE, "{prod: {}}", "{prd: {}}")
    tree = read({"elsewhere/web.yaml": astray, **BANK}, recorded("old"))
    assert set(tree.unpruned or {}) == {"shop"}
    assert tree.incomplete is None


def test_other_jobs_of_a_sound_tree_go_on_beside_a_broken_file() -> None:
    tree = read({WEB: SERVICE, "shop/api.yaml": "a: ["}, recorded("api", path="shop/api.yaml"))
    assert set(tree.jobs) == {a_key()}
    assert set(tree.broken) == {a_key("api")}


def test_other_documents_of_a_file_go_on_beside_one_that_is_broken() -> None:
    api = changed(SERVICE, "name: web", "name: api")
    tree = read({WEB: f"{changed(SERVICE, 'run:', 'rnu:')}---\n{api}"}, recorded("web", "api"))
    assert set(tree.jobs) == {a_key("api")}
    assert set(tree.broken) == {a_key()}


def test_a_job_that_moved_to_another_file_goes_on() -> None:
    tree = read({"shop/new.yaml": SERVICE}, recorded("web"))
    assert set(tree.jobs) == {a_key()}
    assert tree.broken == {}


def test_a_job_that_moved_while_its_old_file_is_unreadable_is_held() -> None:
    tree = read({"shop/new.yaml": SERVICE, WEB: "a: ["}, recorded("web"))
    assert tree.jobs == {}
    assert set(tree.broken) == {a_key()}, "it may stand in both files"


def test_a_job_that_moved_while_its_old_file_is_merely_wrong_goes_on() -> None:
    api = changed(changed(SERVICE, "name: web", "name: api"), "run:", "rnu:")
    tree = read({"shop/new.yaml": SERVICE, WEB: api}, recorded("web", "api"))
    assert set(tree.jobs) == {a_key()}
    assert set(tree.broken) == {a_key("api")}


# A broken Project holds its jobs, whatever of it is broken.
BROKEN_PROJECTS = {
    "a field misspelt": changed(PROJECT, "  sources:", "  souces:"),
    "a role that nobody may have": changed(PROJECT, "  sources", "  role: root\n  sources"),
    "an environment that the platform has not": changed(PROJECT, "devel:", "dev:"),
    "a cluster that nobody has": changed(PROJECT, "devel: {cluster: eu1}", "devel: {cluster: us}"),
    "a tier that nobody has": changed(
        PROJECT, "devel: {cluster: eu1}", "devel: {cluster: eu1, tier: gold}"
    ),
    "a rollout that nobody has": changed(PROJECT, "  sources", "  rollout: slow\n  sources"),
}


@pytest.mark.parametrize("case", BROKEN_PROJECTS)
def test_a_broken_project_holds_its_own(case: str) -> None:
    loan = changed(
        changed(SERVICE, "project: shop, name: web", "project: bank, name: loan"), "1.0", "2.0"
    )
    owned = recorded("web", "gone") | recorded("loan", path="bank/loan.yaml", project="bank")
    texts = {SHOP: BROKEN_PROJECTS[case], WEB: SERVICE, "bank/loan.yaml": loan, **BANK}
    tree = read(texts, {a_key(k.name, role=o.project): o for k, o in owned.items()})
    assert {problem.origin.path for problem in tree.problems} == {SHOP}, "nobody else is blamed"
    assert set(tree.broken) == {a_key(), a_key("gone")}
    assert set(tree.jobs) == {a_key("loan", role="bank")}
    assert set(tree.unpruned or {}) == {"shop"}
    assert tree.incomplete is None


@pytest.mark.parametrize("content", ["a: [", "", "\n"], ids=["unreadable", "missing", "empty"])
def test_a_project_that_is_not_there_is_an_error_and_no_prune(content: str) -> None:
    tree = read({SHOP: content, WEB: SERVICE, **BANK}, recorded("web", "gone"))
    assert len(tree.problems) == 1
    assert tree.jobs == {}
    assert set(tree.broken) == {a_key(), a_key("gone")}
    assert "shop" in (tree.unpruned or {})


def test_what_is_wrong_in_a_jobs_own_file_is_told_of_it_first() -> None:
    """A person who mends one file after the other must be sent to each of them."""
    other = changed(SERVICE, "name: web", "name: api")
    owned = recorded("web", path=WEB) | recorded("api", path="shop/a.yaml")
    tree = read({SHOP: "", WEB: SERVICE, "shop/a.yaml": other, **BANK}, owned)
    first = {key.name: broken.problems[0].origin.path for key, broken in tree.broken.items()}
    assert first == {"web": WEB, "api": "shop/a.yaml"}


def test_a_project_that_is_gone_with_its_documents_is_a_removal() -> None:
    tree = read({SHOP: "", **BANK}, recorded("web"))
    assert tree.problems == ()
    assert may_be_pruned(tree, "web")


CLUSTERS = {
    "a field misspelt": changed(CLUSTER, "name: eu1", "name: us1").replace("urls", "ulrs"),
    "a zone that is nowhere": changed(CLUSTER, "name: eu1", "name: us1") + "  timeZone: Mars/X\n",
    "a zone that is a folder": changed(CLUSTER, "name: eu1", "name: us1") + "  timeZone: Europe\n",
    "a zone that is a path": changed(CLUSTER, "name: eu1", "name: us1") + "  timeZone: ../../x\n",
    "no YAML": "a: [",
}


@pytest.mark.parametrize("case", CLUSTERS)
def test_a_broken_cluster_holds_the_jobs_on_it_and_no_others(case: str) -> None:
    texts = {
        SHOP: changed(PROJECT, "devel: {cluster: eu1}", "devel: {cluster: us1}"),
        "platform/clusters/us1.yaml": CLUSTERS[case],
        WEB: changed(SERVICE, "{prod: {}}", "{prod: {}, devel: {}}"),
    }
    there = a_key(environment="devel")
    there = type(there)("us1", there.role, there.environment, there.name)
    old = type(there)("us1", "shop", "devel", "old")
    owned = recorded("web") | {there: recorded("web")[a_key()], old: recorded("web")[a_key()]}
    tree = read(texts, owned)
    assert {p.origin.path for p in tree.problems} == {"platform/clusters/us1.yaml"}
    assert set(tree.jobs) == {a_key()}
    assert set(tree.broken) == {there, old}
    assert all(held.problems for held in tree.broken.values())


PLATFORMS = {
    "unreadable": "a: [",
    "a field misspelt": changed(PLATFORM, "slas:", "sals:"),
    "a pattern that is none": changed(PLATFORM, "match: prod", "match: '['"),
    "a tier that is none": changed(PLATFORM, "tier: preferred", "tier: gold"),
    "a usual rollout that is none": changed(PLATFORM, "rollout: standard", "rollout: slow"),
    "a queue with shares": changed(PLATFORM, "[10%, 50%]}", "[10%, 50%], strategy: queue}"),
    "a watch of a month": changed(PLATFORM, "{batch: 25%}", "{batch: 25%, watch: 30d}"),
    "missing": "",
}


@pytest.mark.parametrize("case", PLATFORMS)
def test_without_a_sound_platform_everything_is_held(case: str) -> None:
    tree = read({"platform/platform.yaml": PLATFORMS[case], WEB: SERVICE}, recorded("web", "old"))
    assert len(tree.problems) == 1
    assert tree.problems[0].origin.path == "platform/platform.yaml"
    assert tree.problems[0].hint
    assert tree.policies is None
    assert tree.jobs == {}
    assert tree.incomplete is not None
    assert set(tree.broken) == {a_key(), a_key("old")}


def test_of_two_platforms_each_is_told_and_everything_is_held() -> None:
    tree = read(
        {"platform/a.yaml": PLATFORM, "platform/platform.yaml": PLATFORM, WEB: SERVICE},
        recorded("web", "old"),
    )
    assert [str(problem) for problem in tree.problems] == [
        "platform/a.yaml:2:7: one of 2 Platforms; there is one at platform/platform.yaml:2:7, too;"
        " keep one",
        "platform/platform.yaml:2:7: one of 2 Platforms; there is one at platform/a.yaml:2:7, too;"
        " keep one",
    ]
    assert (tree.policies, tree.jobs) == (None, {})
    assert tree.incomplete is not None
    assert set(tree.broken) == {a_key(), a_key("old")}


def test_without_a_platform_the_teams_mistakes_are_told_all_the_same() -> None:
    texts = {"platform/platform.yaml": "", **web("  run:", "  rnu:")}
    assert [line.split(":")[0] for line in told(texts)] == [
        "platform/platform.yaml",
        "shop/web.yaml",
        "shop/web.yaml",
    ]


def test_a_reading_that_is_not_whole_says_so_and_blames_nobody() -> None:
    tree = load(files({}, "git is at work here"), SCHEMAS, recorded("web"))
    assert tree.incomplete == "git is at work here"
    assert tree.problems == ()


def test_the_operators_folder_has_the_name_that_it_is_given() -> None:
    moved = {path.replace("platform/", "ops/", 1): text for path, text in OPERATORS.items()}
    tree = load(files({**moved, WEB: SERVICE}), SCHEMAS, {}, "ops")
    assert tree.problems == ()
    assert set(tree.jobs) == {a_key()}


def test_a_framework_that_becomes_wrong_holds_what_the_file_declared_before() -> None:
    broken = changed(FRAMEWORK, "instances: 8", "instances: many")
    tree = read({WEB: broken}, recorded("web"))
    assert {key.name for key in tree.broken} == {"web", "crunch-master", "crunch-workers"}


ROLES = {
    "the recorded owner goes on": (["shop"], ["bank"]),
    "the recorded owner goes on, whoever it is": (["bank"], ["shop"]),
    "nobody goes on when nobody is on record": ([], ["bank", "shop"]),
    "nobody goes on when both are on record": (["bank", "shop"], ["bank", "shop"]),
}


@pytest.mark.parametrize("case", ROLES)
def test_a_role_belongs_to_one_project(case: str) -> None:
    owners, refused = ROLES[case]
    greedy = changed(OTHER, "  sources", "  role: shop\n  sources")
    owned = {
        key: told
        for name in owners
        for key, told in recorded(f"of-{name}", path=f"{name}/x.yaml", project=name).items()
    }
    tree = read({"platform/projects/bank.yaml": greedy}, owned)
    assert tree.policies is not None
    assert set(tree.policies.projects) == {"bank", "shop"} - set(refused)
    assert sorted(p.origin.path for p in tree.problems) == [
        f"platform/projects/{name}.yaml" for name in refused
    ]
    assert all("is claimed by" in p.message for p in tree.problems)
    assert set(tree.unpruned or {}) == set(refused)


def test_a_newcomer_does_not_get_the_role_of_a_broken_owner() -> None:
    greedy = changed(OTHER, "  sources", "  role: shop\n  sources")
    texts = {"platform/projects/bank.yaml": greedy, SHOP: changed(PROJECT, "  sources", "  souces")}
    tree = read(texts, recorded("web"))
    assert tree.policies is not None
    assert tree.policies.projects == {}
    assert "role 'shop' is claimed by shop, too" in "\n".join(map(str, tree.problems))


def test_a_project_may_take_over_the_role_of_one_that_is_gone() -> None:
    heir = changed(PROJECT, "name: shop", "name: store").replace(
        "  sources", "  role: shop\n  sources"
    )
    tree = read({SHOP: "", "platform/projects/store.yaml": heir}, recorded("web"))
    assert tree.problems == ()


def test_root_is_no_role() -> None:
    assert told({SHOP: changed(PROJECT, "  sources", "  role: root\n  sources")}) == [
        f"{SHOP}:5:9: role: root runs nothing of ours; choose an account of its own"
    ]
    named = changed(PROJECT, "name: shop", "name: root")
    assert len(told({SHOP: named})) == 1


@pytest.mark.parametrize(
    ("path", "text"), [(SHOP, PROJECT), ("platform/clusters/eu1.yaml", CLUSTER)]
)
def test_of_two_documents_of_one_name_neither_can_be_meant(path: str, text: str) -> None:
    tree = read({"platform/again.yaml": text, WEB: SERVICE}, recorded("web"))
    first, second = tree.problems
    assert (first.origin.path, second.origin.path) == ("platform/again.yaml", path)
    for problem, other in ((first, second), (second, first)):
        assert problem.message.endswith(f" is declared at {other.origin}, too")
    assert tree.jobs == {}
    assert set(tree.broken) == {a_key()}


def below(*folders: str) -> dict[str, str]:
    """Return the same documents, without those of the operators at the top."""
    texts = {**OPERATORS, WEB: SERVICE}
    return {
        **dict.fromkeys(OPERATORS, ""),
        **{f"{f}/{p}": t for f in folders for p, t in texts.items()},
    }


def test_who_names_the_folder_above_the_tree_is_told_of_the_one_below() -> None:
    tree = read(below("deploy/state"), recorded("web"))
    assert list(map(str, tree.problems)) == [
        "platform/: there is no such folder here, and there is one in deploy/state/;"
        " did you mean --desired ./deploy/state, or --desired git:REPO@REF:deploy/state?"
    ]
    assert tree.incomplete is not None
    assert set(tree.broken) == {a_key()}


def test_of_several_folders_below_none_is_guessed_at() -> None:
    said = "\n".join(map(str, read(below("a", "b")).problems))
    assert "did you mean" not in said
    assert "there is no Platform document" in said


ENVIRONMENTS = {
    "devel": True,
    "prod": True,
    "production": False,
    "test": False,
    "Devel": False,
    '"prod\\n"': False,
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_is_one_of_the_platforms(name: str) -> None:
    project = changed(changed(PROJECT, "    prod: {cluster: eu1}\n", ""), "devel:", f"{name}:")
    assert (told({SHOP: project}) == []) == ENVIRONMENTS[name]


def test_no_pattern_of_an_environment_takes_long_whatever_the_name() -> None:
    texts = {
        "platform/platform.yaml": changed(PLATFORM, "match: devel", "match: '(a|a)*b'"),
        SHOP: changed(PROJECT, "devel:", f"{'a' * 60}:"),
    }
    assert told(texts) == [
        f"{SHOP}:8:5: the platform knows no environment {'a' * 60!r}; write one that its patterns"
        " match: prod, (a|a)*b"
    ]


PATTERNS = {
    "not closed": ("(", "missing ): ("),
    "a back-reference": (r"(a)\1", r"invalid escape sequence: \1"),
    "a look-ahead": ("(?=a)a", "invalid perl operator: (?="),
}


@pytest.mark.parametrize("case", PATTERNS)
def test_a_pattern_that_is_none_is_told_with_what_is_wrong(case: str) -> None:
    pattern, why = PATTERNS[case]
    text = changed(PLATFORM, "match: devel", f"match: '{pattern}'")
    assert told({"platform/platform.yaml": text}) == [
        f"platform/platform.yaml:7:15: not a regular expression: {why}; mend the pattern (it is"
        " RE2's: no look-around, no back-references)"
    ]


def test_an_environment_that_aurora_cannot_name_is_refused_whatever_the_pattern() -> None:
    texts = {
        "platform/platform.yaml": changed(PLATFORM, "match: devel", "match: '.*'"),
        SHOP: changed(PROJECT, "devel:", "my devel:"),
        WEB: changed(SERVICE, "{prod: {}}", "{my devel: {}}"),
    }
    assert told(texts) == [
        f"{SHOP}:8:5: 'my devel' cannot be the name of an environment; use letters, digits, dots,"
        " dashes and underscores"
    ]
