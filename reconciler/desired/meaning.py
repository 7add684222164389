"""What a job means that no schema can judge: secrets in plain sight, grants, reserved names."""

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from reconciler.desired.provenance import Merged
from reconciler.desired.specs import instant
from reconciler.model.policy import Policies, Project
from reconciler.model.problem import Problem, suggestion
from reconciler.model.spec import DesiredJob
from reconciler.translate.document import port_variable
from reconciler.translate.mediator import render

# Variables that the mediator sets itself.
RESERVED = re.compile(r"PORT_[A-Z0-9_]+|INSTANCE|HOST|TASK_ID|MASTER_PATH")
READ_PORT = re.compile(r"\$\{?(PORT_[A-Z0-9_]+)")
# A URL with a password, a private key in PEM, the id of a key of AWS.
SECRET_VALUE = re.compile(
    r"(?<![a-z0-9+.-])(?i:[a-z][a-z0-9+.-]*)://[^/\s:@]*:[^/\s@]+@"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b"
)
# A word so short is one only by itself: DB_PASS is a secret, BYPASS is none.
WORD_SHORT = 4


def meaning_problems(
    job: DesiredJob, spec: Mapping[str, Any], place: Merged, policies: Policies
) -> tuple[Problem, ...]:
    """Return what is wrong with a job whose document has passed its schema.

    When something is, what the mediator would complain about is told in the same breath.
    """
    project = policies.projects[job.project]
    found = [
        *_variable_problems(job, policies.platform.secret_keys),
        *_resource_problems(job, project),
        *_count_problems(job, project),
        *_suspension_problems(spec, place),
    ]
    if found and job.key.cluster in policies.clusters:
        rendered = render(job, policies)
        found += rendered if isinstance(rendered, tuple) else ()
    return tuple(sorted(set(found)))


def _variable_problems(job: DesiredJob, secret_words: tuple[str, ...]) -> Iterator[Problem]:
    spec = job.spec
    for kind, variables in (("env", spec.env), ("secrets", spec.secrets)):
        for name, _ in variables:
            if RESERVED.fullmatch(name):
                yield _problem(job, f"{kind}.{name}", "the reconciler sets it itself", "rename it")
    for name, value in spec.env:
        if _looks_secret(name, secret_words) or SECRET_VALUE.search(value):
            message = "looks like a secret, which must not stand in a repository"
            hint = "name it under `secrets:`, and change the secret"
            yield _problem(job, f"env.{name}", message, hint)
    for name in sorted(dict(spec.env).keys() & dict(spec.secrets).keys()):
        yield _problem(job, f"env.{name}", "stands under `secrets:`, too", "keep one of them")


def unknown_ports(job: DesiredJob) -> Iterator[Problem]:
    """Yield variables of ports that a command reads and the job does not have.

    No mistake by itself: whatever starts the command may set them.
    """
    for name, hint in _unknown_ports(job.spec.run, job.spec.ports):
        yield _problem(job, "run", f"{name} is of no port of this job", hint)


@lru_cache(maxsize=1 << 16)
def _unknown_ports(run: str, ports: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the variables, with what to do; asked in every round about every job."""
    known = {port_variable(port) for port in ports}
    hints = {
        name: suggestion(name, known) if known else "name the port under `ports:`"
        for name in set(READ_PORT.findall(run)) - known
        if f"{name}=" not in run
    }
    return tuple(sorted(hints.items()))


def _looks_secret(name: str, words: tuple[str, ...]) -> bool:
    parts = [part.rstrip("0123456789") for part in name.upper().split("_")]
    pairs = [a + b for a, b in itertools.pairwise(parts)]
    short = tuple(word for word in words if len(word) <= WORD_SHORT)
    long = tuple(word for word in words if len(word) > WORD_SHORT)
    return any(part in short or part.endswith(long) for part in (*parts, *pairs))


def _resource_problems(job: DesiredJob, project: Project) -> Iterator[Problem]:
    wanted, most = job.spec.resources, project.grants.resources_max
    for field, asked, granted, unit in (
        ("cpu", wanted.cpu, most.cpu, "cores"),
        ("ram", wanted.ram_mb, most.ram_mb, "MiB"),
        ("disk", wanted.disk_mb, most.disk_mb, "MiB"),
    ):
        if asked > granted:
            message = f"{asked:.15g} {unit} is over the project's {granted:.15g}"
            yield _problem(job, f"resources.{field}", message, _ask(project))


def _count_problems(job: DesiredJob, project: Project) -> Iterator[Problem]:
    spec, most = job.spec, project.grants.instances_max
    if spec.instances > most:
        message = f"{spec.instances} is over the project's {most}"
        yield _problem(job, "instances", message, _ask(project))
    if spec.schedule is not None and spec.instances == 0:
        yield _problem(job, "instances", "a cron job has at least one", "use `enabled: false`")


def _suspension_problems(spec: Mapping[str, Any], place: Merged) -> Iterator[Problem]:
    until = spec.get("suspend", {}).get("until")
    if until is not None and instant(until) is None:
        where = place.of(("spec", "suspend", "until"))
        yield Problem(where, f"suspend.until: there is no time {until!r}", "look at the calendar")


def _ask(project: Project) -> str:
    return f"ask for less, or have `allow` raised in {project.origin.path}"


def _problem(job: DesiredJob, field: str, message: str, hint: str) -> Problem:
    found = job.authored.get(field)
    return Problem(found.origin if found is not None else job.origin, f"{field}: {message}", hint)
