"""The Thermos document of a job: what the executor on the agent does with one instance.

`executorConfig.data` has no place for environment variables, so they are written into the
command. What the executor's defaults already say is left out, with one exception: its HTTP
lifecycle is on unless it is switched off, and would cost every stop ten seconds.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from reconciler.model.policy import Logs, Platform, Recipe
from reconciler.model.spec import DesiredJob

MIB = 1024 * 1024
RUN = "run"

# The recipes that a platform may have: for a job with a package, and for one with an image.
WHEEL, IMAGE = "wheel", "image"

# What a shell finds in its environment, bound on the agent for each instance.
BOUND = (
    ("INSTANCE", "{{mesos.instance}}"),
    ("HOST", "{{mesos.hostname}}"),
    ("TASK_ID", "{{thermos.task_id}}"),
)
ANNOUNCE_ROOT = "/aurora"

# The executor makes an HTTP check if, and only if, there is a port of this name.
CHECKED = "health"


def document(job: DesiredJob, platform: Platform, recipe: Recipe) -> dict[str, Any]:
    """Return the document as plain values; it never depends on the number of instances."""
    told: dict[str, Any] = {
        "role": job.key.role,
        "environment": job.key.environment,
        "lifecycle": {},
        "task": _task(job, platform, recipe),
    }
    if port := health_port(job, platform):
        told["health_check_config"] = _health(job, platform)
        told["announce"] = _announce(job, port, {CHECKED: port})
    elif job.spec.ports and platform.announce:
        told["announce"] = _announce(job, None, {})
    return told


def recipe_of(job: DesiredJob, platform: Platform) -> Recipe | None:
    """Return the platform's recipe for this kind of release."""
    return platform.recipes.get(WHEEL if job.spec.package is not None else IMAGE)


def health_port(job: DesiredJob, platform: Platform) -> str | None:
    """Return the port that is checked: one named so, the platform's usual one, or the only one."""
    ports = job.spec.ports
    if job.spec.health is None:
        return None
    if CHECKED in ports:
        return CHECKED
    if platform.health.port in ports:
        return platform.health.port
    return ports[0] if len(ports) == 1 else None


def filled(text: str, job: DesiredJob, run: str | None = None) -> str:
    """Return a template of a recipe with the job's values; what they bring is not filled again.

    What there is no value for stays as it is: platforms that ask for it are refused.
    """
    spec = job.spec
    values = {
        "{package}": spec.package,
        "{image}": spec.image,
        "{version}": spec.version,
        "{run}": run,
    }
    given = {name: value for name, value in values.items() if value is not None}
    return re.sub(r"\{(?:package|image|version|run)\}", lambda m: given.get(m[0], m[0]), text)


def port_variable(port: str) -> str:
    """Return the variable that carries a port's number."""
    return "PORT_" + port.upper().replace("-", "_")


def _task(job: DesiredJob, platform: Platform, recipe: Recipe) -> dict[str, Any]:
    logger = _logger(platform.logs)
    processes = [
        {
            "name": step.name,
            "cmdline": filled(step.command, job),
            "max_failures": step.max_failures,
            "logger": logger,
        }
        for step in recipe.steps
    ]
    processes.append({"name": RUN, "cmdline": command(job, platform, recipe), "logger": logger})
    resources = job.spec.resources
    told: dict[str, Any] = {
        "name": job.key.name,
        "processes": processes,
        "resources": {
            "cpu": resources.cpu,
            "ram": resources.ram_mb * MIB,
            "disk": resources.disk_mb * MIB,
        },
        "finalization_wait": platform.finalization_wait_s,
    }
    if len(processes) > 1:
        told["constraints"] = [{"order": [p["name"] for p in processes]}]
    return told


def command(job: DesiredJob, platform: Platform, recipe: Recipe) -> str:
    """Return the author's command in the environment that was promised to it."""
    spec = job.spec
    bound = [(port_variable(port), f"{{{{thermos.ports[{port}]}}}}") for port in spec.ports]
    lines = [f"export {name}={value}" for name, value in (*bound, *BOUND)]
    if spec.master is not None:
        key = spec.master
        lines.append(f"export MASTER_PATH={ANNOUNCE_ROOT}/{key.role}/{key.environment}/{key.name}")
    lines += [f"export {name}={shlex.quote(value)}" for name, value in spec.env]
    for variable, secret in spec.secrets:
        lines += _secret(variable, f"{platform.secrets_dir}/{secret}")
    return "\n".join((*lines, filled(recipe.run, job, spec.run)))


def _secret(variable: str, path: str) -> tuple[str, str]:
    """Read at start on the agent, so that the value is in no document and in no list of tasks."""
    quoted = shlex.quote(path)
    complaint = shlex.quote(f"secret file {path} for {variable} cannot be read")
    return (
        f'{variable}="$(cat {quoted})" || {{ echo {complaint} >&2; exit 78; }}',
        f"export {variable}",
    )


def _logger(logs: Logs) -> dict[str, Any]:
    if logs.destination in ("console", "none"):
        return {"destination": logs.destination}
    rotate = {"log_size": logs.rotate_mb * MIB, "backups": logs.backups}
    return {"destination": logs.destination, "mode": "rotate", "rotate": rotate}


def _health(job: DesiredJob, platform: Platform) -> dict[str, Any]:
    check = platform.health
    return {
        "initial_interval_secs": check.initial_interval_s,
        "interval_secs": check.interval_s,
        "timeout_secs": check.timeout_s,
        "max_consecutive_failures": check.failures_max,
        "min_consecutive_successes": check.successes_min,
        # An expected text of "" and a code of 0 would call an error page healthy.
        "health_checker": {
            "http": {
                "endpoint": job.spec.health,
                "expected_response": "",
                "expected_response_code": 200,
            }
        },
    }


def _announce(job: DesiredJob, health: str | None, aliases: Mapping[str, str]) -> dict[str, Any]:
    ports = job.spec.ports
    primary = "http" if "http" in ports else health or ports[0]
    taken = {alias: port for alias, port in aliases.items() if alias not in ports}
    return {"primary_port": primary, "portmap": {"aurora": primary, **taken}}
