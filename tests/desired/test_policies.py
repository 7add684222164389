"""The operators' documents: what they say, what is assumed where they are silent."""

import pytest

from reconciler.model.policy import (
    CoordinatorSla,
    CountSla,
    Embedded,
    EmbeddedHost,
    EnvironmentDefaults,
    Guard,
    OnRemove,
    PercentageSla,
    Policies,
    Prune,
    RecipeStep,
    Scheduler,
    Strategy,
)
from reconciler.model.spec import Resources
from tests.desired.trees import CLUSTER, PLATFORM, PROJECT, changed, read, told

AT = "platform/platform.yaml"
EMBEDDED = """\
apiVersion: reconciler/v1
kind: Cluster
metadata: {name: eu1}
spec:
  serverName: europe
  timeZone: Europe/Berlin
  tasksPerJob: 100
  slaInstances: 2
  slaDuration: 1h
  updateFailures: 7
  embedded:
    clock: 20
    hosts:
      - {name: a, cpu: 4, ram: 8GiB, disk: 1TiB, attributes: {rack: r1}}
    quotas:
      shop: {cpu: 2, ram: 4GiB, disk: 8GiB}
"""
SAID = """\
  contact: ops@example.org
  guard:
    prunes: {jobs: 1, share: 10%}
    scaleDown: 25%
  start: 20s
  secretsDir: /run/secrets/
"""


def policies(texts: dict[str, str] | None = None) -> Policies:
    tree = read(texts)
    assert tree.problems == ()
    assert tree.policies is not None
    return tree.policies


def test_a_silent_platform_has_defaults_for_all_that_it_may_leave_out() -> None:
    platform = policies().platform
    assert platform.environments == (
        ("prod", EnvironmentDefaults("preferred", 0)),
        ("devel", EnvironmentDefaults("preemptible", 0)),
    )
    assert sorted(platform.tiers) == ["preemptible", "preferred", "revocable"]
    assert platform.tiers["preferred"].production
    assert not platform.tiers["preemptible"].production
    assert platform.guard == Guard()
    assert "PASSWORD" in platform.secret_keys
    assert (platform.announce, platform.task_failures_max, platform.start_s) == (True, 1, 30)


def test_a_rollout_watches_without_a_health_check_and_rolls_back_unless_told_otherwise() -> None:
    rollouts = policies().platform.rollouts
    standard = rollouts["standard"]
    assert (standard.shares, standard.strategy) == ((0.25,), Strategy.BATCH)
    assert (standard.watch_s, standard.watch_with_health_s, standard.rollback) == (45, 0, True)
    assert rollouts["careful"].shares == (0.1, 0.5)


def test_what_a_platform_says_counts() -> None:
    platform = policies({AT: PLATFORM + SAID}).platform
    assert platform.contact == "ops@example.org"
    assert platform.guard == Guard(prunes_max=1, prunes_share=0.1, scale_down_share=0.25)
    assert (platform.start_s, platform.secrets_dir) == (20, "/run/secrets")


RECIPES_WRONG = {
    "the command in a step": (
        'wheel: {steps: [{name: a, command: "x {run}"}]}',
        "9:40: {run} means nothing in a step: the author's command comes after all of them;"
        " put what belongs around that command into `run` of the recipe",
    ),
    "an image in a step for packages": (
        'wheel: {steps: [{name: a, command: "x {image}"}]}',
        "9:40: {image} means nothing in the recipe 'wheel'; write {package}, or remove it",
    ),
    "an image around the command of a package": (
        'wheel: {run: "{image} {run}"}',
        "9:18: {image} means nothing in the recipe 'wheel'; write {package}, or remove it",
    ),
    "a package where there is an image": (
        'image: {run: "{package} {run}"}',
        "9:18: {package} means nothing in the recipe 'image'; write {image}, or remove it",
    ),
    "a container for packages": (
        'wheel: {container: "{image}:{version}"}',
        "9:24: `container` means nothing in the recipe 'wheel': it is for packages;"
        " move it to 'image'",
    ),
}


@pytest.mark.parametrize("name", RECIPES_WRONG)
def test_what_a_recipe_has_nothing_to_fill_in_for_is_told(name: str) -> None:
    recipe, line = RECIPES_WRONG[name]
    found = told({AT: changed(PLATFORM, "wheel: {}", recipe)})
    assert f"{AT}:{line}" in found


def test_a_recipe_with_all_that_it_may_fill_in_is_taken() -> None:
    steps = '[{name: a, command: "get {image} {version}"}]'
    image = (
        f'image: {{steps: {steps}, run: "a {{image}} {{run}}", container: "{{image}}:{{version}}"}}'
    )
    recipe = policies({AT: changed(PLATFORM, "wheel: {}", f"wheel: {{}}\n    {image}")})
    wheel, found = (recipe.platform.recipes[name] for name in ("wheel", "image"))
    assert (wheel.run, wheel.in_image) == ("{run}", False)
    assert (found.run, found.in_image) == ("a {image} {run}", True)
    assert found.steps == (RecipeStep("a", "get {image} {version}"),)


def test_slas_come_in_three_kinds() -> None:
    more = "    some: {count: 3, duration: 1h}\n    asked: {coordinator: http://sla.example.org}\n"
    assert policies({AT: PLATFORM + more}).platform.slas == {
        "available": PercentageSla(90.0, 600),
        "some": CountSla(3, 3600),
        "asked": CoordinatorSla("http://sla.example.org", "drain"),
    }


def test_a_real_cluster_has_the_limits_that_aurora_ships_with() -> None:
    cluster = policies().clusters["eu1"]
    assert cluster.scheduler == Scheduler(("http://aurora.example.org:8081",))
    assert (cluster.server_name, cluster.time_zone) == ("eu1", "GMT")
    assert (cluster.tasks_per_job_max, cluster.sla_instances_min) == (4000, 20)
    assert (cluster.update_failures_max, cluster.sla_duration_max_s) == (20_000, 7200)


def test_a_cluster_of_our_own_has_hosts_and_quotas() -> None:
    cluster = policies({"platform/clusters/eu1.yaml": EMBEDDED}).clusters["eu1"]
    host = EmbeddedHost("a", 4.0, 8192, 1024 * 1024, (("rack", "r1"),))
    assert cluster.scheduler == Embedded((host,), (("shop", Resources(2.0, 4096, 8192)),), 20.0)
    assert (cluster.server_name, cluster.time_zone) == ("europe", "Europe/Berlin")
    assert (cluster.tasks_per_job_max, cluster.sla_instances_min) == (100, 2)
    assert (cluster.update_failures_max, cluster.sla_duration_max_s) == (7, 3600)


def test_two_hosts_of_one_name_are_told() -> None:
    twice = changed(
        EMBEDDED, "    quotas:", "      - {name: a, cpu: 1, ram: 1GiB, disk: 1GiB}\n    quotas:"
    )
    (problem,) = read({"platform/clusters/eu1.yaml": twice}).problems
    assert str(problem).startswith("platform/clusters/eu1.yaml:15:16: a second host 'a'")


def test_a_silent_project_prunes_and_lets_runs_finish() -> None:
    silent = PROJECT[: PROJECT.index("  allow")]
    project = policies({"platform/projects/shop.yaml": silent}).projects["shop"]
    assert (project.role, project.sources) == ("shop", ("shop/**",))
    assert project.environments == {"prod": "eu1", "devel": "eu1"}
    assert (project.prune, project.on_remove) == (Prune.ON, OnRemove.FINISH)
    assert project.grants.aurora == ()
    assert project.grants.instances_max == 100
    assert (project.guard, project.tiers, project.rollout) == (Guard(), {}, None)


def test_a_projects_guard_changes_what_it_names_and_keeps_the_platforms_rest() -> None:
    project = PROJECT + "  guard: {scaleDown: 10%}\n"
    texts = {AT: PLATFORM + SAID, "platform/projects/shop.yaml": project}
    assert policies(texts).projects["shop"].guard == Guard(
        prunes_max=1, prunes_share=0.1, scale_down_share=0.1
    )


def test_a_projects_own_choices_count() -> None:
    more = "  role: www\n  rollout: careful\n  prune: false\n  onRemove: kill\n"
    more += "  contact: a@b.example\n"
    text = changed(PROJECT, "devel: {cluster: eu1}", "devel: {cluster: eu1, tier: preferred}")
    project = policies({"platform/projects/shop.yaml": text + more}).projects["shop"]
    assert (project.role, project.rollout, project.contact) == ("www", "careful", "a@b.example")
    assert (project.prune, project.on_remove) == (Prune.OFF, OnRemove.KILL)
    assert project.tiers == {"devel": "preferred"}


def test_the_digest_names_what_operators_declare_and_nothing_else() -> None:
    assert policies().digest == policies({"shop/other.yaml": ""}).digest
    assert policies().digest != policies({"platform/clusters/eu1.yaml": CLUSTER + "# x\n"}).digest


def test_a_name_that_is_none_is_not_suggested() -> None:
    spoilt = changed(CLUSTER, "{name: eu1}", '{name: "south\\nern"}')
    lines = told({"platform/clusters/eu1.yaml": spoilt})
    assert any("there is no cluster 'eu1'" in line for line in lines)
    assert not [line for line in lines if "\n" in line]
