"""What cannot be rendered, and why: all of it at once, and where it was written."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.policy import (
    CountSla,
    HealthCheck,
    PercentageSla,
    Platform,
    Policies,
    Recipe,
    RecipeStep,
    Rollout,
)
from reconciler.model.spec import Collision, DesiredJob, Layer, Schedule
from tests.translate.samples import (
    a_cron,
    a_job,
    a_platform,
    a_project,
    policies,
    problems,
    rendered,
    written,
)


def with_(**platform: Any) -> Policies:
    return policies(a_platform(**platform))


def recipe(*steps: str) -> dict[str, Recipe]:
    return {"wheel": Recipe("wheel", tuple(RecipeStep(s, "true") for s in steps), "{run}")}


SLA = {"available": PercentageSla(96.0, 600), "counted": CountSla(20, 600)}

PROBLEMS: dict[str, tuple[DesiredJob, Policies, str]] = {
    "no recipe for a package": (
        a_job(),
        with_(recipes={}),
        "the platform has no recipe for a job with `package:`",
    ),
    "no recipe for an image": (
        a_job(image="a"),
        with_(recipes=recipe()),
        "the platform has no recipe for a job with `image:`",
    ),
    "a step that is called as the command": (
        a_job(),
        with_(recipes=recipe("install", "run")),
        "recipes.wheel: there are two processes 'run'",
    ),
    "two steps of a name": (
        a_job(),
        with_(recipes=recipe("install", "install")),
        "recipes.wheel: there are two processes 'install'",
    ),
    "no port to check": (
        a_job(ports=()),
        policies(),
        "health: there is no port 'http' to check",
    ),
    "several ports, none of them the usual one": (
        a_job(ports=("a", "b")),
        policies(),
        "health: there is no port 'http' to check",
    ),
    "a port that the executor would check unasked": (
        a_job(ports=("health",), health=None),
        policies(),
        "ports: the executor checks a port named 'health', asked or not",
    ),
    "checks without a pause": (
        a_job(),
        with_(health=HealthCheck("http", 1, 0, 1, 0, 1)),
        "health.interval: must be positive",
    ),
    "a reference in the command": (
        a_job(run="serve {{mesos.instance}}"),
        policies(),
        "run: `{{` starts a template of the executor",
    ),
    "a template of another tool": (
        a_job(run="docker ps --format '{{.Names}}'"),
        policies(),
        "run: `{{` starts a template of the executor",
    ),
    "a reference in a variable": (
        a_job(env=(("A", "{{x}}"),)),
        policies(),
        "env.A: `{{` starts a template of the executor",
    ),
    "a reference in the path": (
        a_job(health="/{{x}}"),
        policies(),
        "health: `{{` starts a template of the executor",
    ),
    "a letter that is not ASCII": (
        a_job(run="echo gr\u00fc\u00df"),
        policies(),
        "run: '\u00fc' is not ASCII, and the executor may not start it",
    ),
    "a NUL": (a_job(env=(("A", "\0"),)), policies(), "env.A: a NUL character cannot be passed"),
    "an environment that the platform has not": (
        a_job(environment="nightly"),
        policies(),
        "the platform knows no environment 'nightly'",
    ),
    "a tier that the platform has not": (
        a_job(),
        policies(project=a_project(tiers={"prod": "gold"})),
        "environments: there is no tier 'gold'",
    ),
    "a schedule that Aurora refuses": (
        a_job(a_cron(schedule=Schedule("@daily", Collision.CANCEL_NEW))),
        policies(),
        "schedule: Aurora has no @daily",
    ),
    "a schedule of too many digits": (
        a_job(a_cron(schedule=Schedule("9" * 5000 + " * * * *", Collision.CANCEL_NEW))),
        policies(),
        "schedule: minute: '999",
    ),
    "more instances than the cluster takes": (
        a_job(instances=11),
        policies(tasks_per_job_max=10),
        "instances: dev takes at most 10 of one job, not the 11 of dev/fc/prod/api",
    ),
    "a rollout that is not on the menu": (
        a_job(rollout="reckless"),
        policies(),
        "rollout: there is no 'reckless'",
    ),
    "more failures than the cluster forgives": (
        a_job(instances=11),
        policies(
            a_platform(
                rollouts={"standard": Rollout("standard", (1.0,), failures_per_instance_max=10)}
            ),
            update_failures_max=100,
        ),
        "rollout standard allows dev/fc/prod/api 110 failures in all, dev at most 100",
    ),
    "a watch that is no i32": (
        a_job(),
        with_(rollouts={"standard": Rollout("standard", (1.0,), watch_s=2_147_484)}),
        "rollouts.standard: Aurora watches for 2147483 s at most",
    ),
    "an sla that is not on the menu": (
        a_job(sla="perfect"),
        policies(),
        "sla: there is no 'perfect'",
    ),
    "an sla where there is none": (
        a_job(sla="asked", environment="staging1"),
        policies(),
        "sla: tier 'preemptible' of environment 'staging1' can have none",
    ),
    "an sla for too few": (
        a_job(sla="available", instances=19),
        policies(),
        "sla: dev keeps one for 20 instances or more, not for the 19 of dev/fc/prod/api",
    ),
    "an sla over too long a time": (
        a_job(sla="available", instances=20),
        policies(sla_duration_max_s=599),
        "sla: 600 s is over the 599 s that dev takes",
    ),
    "a percentage that lets nothing be replaced": (
        a_job(sla="available", instances=20),
        with_(slas=SLA),
        "sla: available would let none of the 20 of dev/fc/prod/api be replaced",
    ),
    "a count that lets nothing be replaced": (
        a_job(sla="counted", instances=20),
        with_(slas=SLA),
        "sla: counted would let none of the 20 of dev/fc/prod/api be replaced",
    ),
}

REFERENCE = "use $PORT_..., $INSTANCE, $HOST or $TASK_ID; a literal `{{` is written '{''{'"
# What to do about each of them.
REMEDIES = {
    "no recipe for a package": "an operator adds the recipe `wheel` to platform/platform.yaml",
    "no recipe for an image": "an operator adds the recipe `image` to platform/platform.yaml",
    "a step that is called as the command": (
        "give each a name of its own ('run' is the author's command)"
    ),
    "two steps of a name": "give each a name of its own ('run' is the author's command)",
    "no port to check": "add `ports: [http]`",
    "several ports, none of them the usual one": "add `ports: [http]`",
    "a port that the executor would check unasked": (
        "say what it answers under `health:`, or give the port another name"
    ),
    "checks without a pause": "write 1s or more",
    "a reference in the command": REFERENCE,
    "a template of another tool": REFERENCE,
    "a reference in a variable": REFERENCE,
    "a reference in the path": REFERENCE,
    "a letter that is not ASCII": "move the text to a file of the package",
    "a NUL": "remove it",
    "an environment that the platform has not": (
        "write one that its patterns match: prod, staging[0-9]*|test"
    ),
    "a tier that the platform has not": "write one of preemptible, preferred, revocable",
    "a schedule that Aurora refuses": "write five fields, as in 0 3 * * *",
    "a schedule of too many digits": "write numbers within 0 to 59, or *",
    "more instances than the cluster takes": (
        "ask for 10 or fewer, or have `tasksPerJob` raised in platform/clusters/dev.yaml"
    ),
    "a rollout that is not on the menu": "write one of careful, fast, standard",
    "more failures than the cluster forgives": (
        "ask for fewer instances or another rollout, or have `updateFailures` raised in "
        "platform/clusters/dev.yaml"
    ),
    "a watch that is no i32": "write 24d or less",
    "an sla that is not on the menu": "write one of asked, available, counted",
    "an sla where there is none": "remove it there: `environments: {staging1: {sla: null}}`",
    "an sla for too few": "ask for 20 or more, or remove `sla`",
    "an sla over too long a time": (
        "choose another, or have `slas.available.duration` lowered in platform/platform.yaml"
    ),
    "a percentage that lets nothing be replaced": "ask for more instances, or choose another `sla`",
    "a count that lets nothing be replaced": "ask for more instances, or choose another `sla`",
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_rendered_is_told_with_a_remedy(name: str) -> None:
    job, given, message = PROBLEMS[name]
    [problem] = problems(job, given)
    assert problem.message.startswith(message)
    assert problem.hint == REMEDIES[name]


RENDERED: dict[str, tuple[DesiredJob, Policies]] = {
    "as many as the cluster takes": (a_job(instances=10), policies(tasks_per_job_max=10)),
    "one port, of any name": (a_job(ports=("web",)), policies()),
    "a port called health, checked": (a_job(ports=("a", "health")), policies()),
    "braces that are no reference": (
        a_job(run="awk '{print $1}' ${X} a{b,c} $((1+2)) { {x} }"),
        policies(),
    ),
    "a percentage that lets one be replaced": (
        a_job(sla="available", instances=25),
        with_(slas=SLA),
    ),
    "a count that lets one be replaced": (a_job(sla="counted", instances=21), with_(slas=SLA)),
    "a coordinator for a few": (a_job(sla="asked", instances=1), policies()),
    "the longest watch": (
        a_job(),
        with_(rollouts={"standard": Rollout("standard", (1.0,), watch_s=2_147_483)}),
    ),
    "a cron job, whose rollout nobody asks": (
        a_job(a_cron()),
        with_(rollouts={"standard": Rollout("standard", (1.0,), watch_s=2_147_484)}),
    ),
}


@pytest.mark.parametrize("name", RENDERED)
def test_what_is_just_within_the_limits_is_rendered(name: str) -> None:
    job, given = RENDERED[name]
    assert rendered(job, given).desired == job


def test_all_problems_are_told_at_once_each_where_it_was_written() -> None:
    job = a_job(
        run="{{a}}",
        env=(("A", "\u00e9"),),
        rollout="reckless",
        aurora=(("prioritee", "1"),),
        authored={
            "run": written(5),
            "env.A": written(7, Layer.ENVIRONMENT),
            "aurora": written(9),
        },
    )
    told = {(p.origin.line, p.message.partition(":")[0]) for p in problems(job)}
    assert told == {(5, "run"), (7, "env.A"), (9, "aurora.prioritee"), (2, "rollout")}


def test_problems_come_in_order_and_once() -> None:
    found = problems(a_job(run="{{a}} {{b}} {{c}}", health="/{{x}}"))
    assert list(found) == sorted(set(found))
    assert len(found) == 2


def test_what_a_recipe_cannot_bind_is_found_at_review_time() -> None:
    platform: Platform = a_platform(
        recipes={"wheel": Recipe("wheel", (RecipeStep("x", "echo {{foo}}"),), "{run}")}
    )
    [problem] = problems(a_job(), policies(platform))
    assert problem.message == "nothing on the agent binds '{{foo}}'"


def test_braces_that_meet_across_the_recipe_are_found_too() -> None:
    recipes = {"wheel": Recipe("wheel", (), "{{run}")}
    [problem] = problems(a_job(run="{x}}"), policies(a_platform(recipes=recipes)))
    assert "nothing on the agent binds" in problem.message


def test_a_job_of_a_project_without_environments_of_its_own_uses_the_first_pattern() -> None:
    platform = a_platform()
    overlapping = replace(
        platform, environments=((".*", platform.environments[1][1]), *platform.environments)
    )
    assert not rendered(a_job(), policies(overlapping)).production
