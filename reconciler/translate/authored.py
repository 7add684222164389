"""What is live in its author's words: the spec that the mediator would make it from.

A config is read back as far as it has the form that the mediator gives it; what has another form
keeps the desired value. A reading that is wrong does no harm: whoever asks renders it again, and
what is still different then is told field by field.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.model.marks import PACKAGE, VERSION
from reconciler.model.policy import Platform, Sla
from reconciler.model.spec import DesiredJob, JobSpec, Resources
from reconciler.model.task import CanonicalTask
from reconciler.thrift.structs import TaskConfig
from reconciler.translate import raw_live
from reconciler.translate.canonical import canonical
from reconciler.translate.document import ANNOUNCE_ROOT, RUN, command, filled, recipe_of
from reconciler.translate.mediator import links_of, sla_policy

# A value as the mediator quotes it, or a name that the executor fills in.
VALUE = r"(?:'[^']*'|\"[^\"]*\"|[^'\"\s])*"
EXPORT = re.compile(rf"export ([A-Za-z_][A-Za-z0-9_]*)=({VALUE})\n")
SECRET = re.compile(rf'([A-Za-z_][A-Za-z0-9_]*)="\$\(cat ({VALUE})\)" \|\| .*\nexport \1\n')
PORT = re.compile(r"\{\{thermos\.ports\[(.+)\]\}\}")
BOUND = re.compile(rf"\{{\{{.*\}}\}}|{ANNOUNCE_ROOT}/.*")
# What begins with more variables is no command of ours that anybody would read line by line.
VARIABLES_MAX = 500


@dataclass(frozen=True, slots=True)
class Told:
    """A field of a spec that differs (dotted path), live and desired, as its author writes it."""

    path: str
    live: object
    desired: object


def of_live(live: CanonicalTask, desired: DesiredJob, platform: Platform) -> DesiredJob:
    """Return the desired job with everything in it as it is live, where that can be read back."""
    value: Any = live.value()
    found = _released(desired.spec, value, dict(live.marks))
    found = replace(
        found,
        resources=_resources(value, found.resources),
        ports=_ports(value, found.ports),
        health=_health(value, found.health),
        sla=_sla(value, found, platform),
    )
    found = replace(found, aurora=raw_live.fields(value, found.aurora, links_of(found.ports)))
    return _commanded(replace(desired, spec=found), platform, _cmdline(value))


def told(live: JobSpec, desired: JobSpec) -> tuple[Told, ...]:
    """Return what differs between two specs, in the order in which authors write the fields."""
    there, wanted = dict(_fields(live)), dict(_fields(desired))
    names = [*wanted, *(name for name in there if name not in wanted)]
    pairs = ((name, there.get(name), wanted.get(name)) for name in sorted(names, key=_place))
    return tuple(Told(name, a, b) for name, a, b in pairs if a != b)


ORDER = (
    "package",
    "image",
    "version",
    "run",
    "env",
    "secrets",
    "resources",
    "ports",
    "health",
    "sla",
    "aurora",
)


def _place(path: str) -> tuple[int, str]:
    return ORDER.index(path.partition(".")[0]), path


def _fields(spec: JobSpec) -> Iterator[tuple[str, object]]:
    amounts = spec.resources
    yield "package", spec.package
    yield "image", spec.image
    yield "version", spec.version
    yield "run", spec.run
    yield from ((f"env.{name}", value) for name, value in spec.env)
    yield from ((f"secrets.{name}", value) for name, value in spec.secrets)
    yield "resources.cpu", amounts.cpu
    yield "resources.ram", _size(amounts.ram_mb)
    yield "resources.disk", _size(amounts.disk_mb)
    yield "ports", list(spec.ports) or None
    yield "health", spec.health
    yield "sla", spec.sla
    yield from ((f"aurora.{name}", json.loads(text)) for name, text in spec.aurora)


def _size(amount_mb: int) -> str:
    return f"{amount_mb}MiB" if amount_mb % 1024 else f"{amount_mb // 1024}GiB"


def _released(spec: JobSpec, value: Mapping[str, Any], marks: Mapping[str, str]) -> JobSpec:
    """Return the spec with package or image, and version, by the image that runs or our marks."""
    image = _at(value, "container", "mesos", "image")
    if isinstance(image, str) and ":" in image:
        name, _, version = image.rpartition(":")
        return replace(spec, package=None, image=name, version=version)
    kept = replace(spec, version=marks.get(VERSION, spec.version))
    name = marks.get(PACKAGE, "")
    if not name:
        return kept
    if spec.package is not None:
        return replace(kept, package=name)
    # What has no image came from a package; or it never ran in an image of its own.
    return replace(kept, package=name, image=None) if name != spec.image else kept


def _resources(value: Mapping[str, Any], desired: Resources) -> Resources:
    amounts = _at(value, "resources")
    if not isinstance(amounts, dict):
        return desired
    return Resources(
        cpu=amounts.get("cpu", desired.cpu),
        ram_mb=amounts.get("ram_mb", desired.ram_mb),
        disk_mb=amounts.get("disk_mb", desired.disk_mb),
    )


def _ports(value: Mapping[str, Any], desired: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ports in their author's order: that of the command, where it names them all."""
    found = _at(value, "resources", "ports") or []
    if sorted(desired) == found:
        return desired
    exports = (PORT.fullmatch(text) for _, text in EXPORT.findall(_cmdline(value)))
    named = tuple(export[1] for export in exports if export is not None)
    return named if sorted(named) == found else tuple(found)


def _health(value: Mapping[str, Any], desired: str | None) -> str | None:
    http = _at(value, "executor", "data", "health_check_config", "health_checker", "http")
    if not isinstance(http, dict):
        return desired
    # The executor's own default expects "ok"; ours, which an author asked for, a code of 200.
    asked = http.get("expected_response_code") == 200
    endpoint = http.get("endpoint")
    return endpoint if asked and isinstance(endpoint, str) else None


def _sla(value: Mapping[str, Any], spec: JobSpec, platform: Platform) -> str | None:
    """Return the SLA by its name; the desired one where the menu has none that means this."""
    there = _at(value, "sla")
    if "slaPolicy" in dict(spec.aurora):
        return spec.sla
    if there is None:
        return None
    named = [name for name, sla in sorted(platform.slas.items()) if _sla_form(sla) == there]
    return spec.sla if spec.sla in named or not named else named[0]


def _sla_form(sla: Sla) -> object:
    return _at(canonical(TaskConfig(slaPolicy=sla_policy(sla))).value(), "sla")


def _commanded(job: DesiredJob, platform: Platform, cmdline: str) -> DesiredJob:
    """Return the job with run, env and secrets of a command of ours; else with the desired ones.

    Where the environment ends and the recipe begins cannot be seen from the text alone: of the
    readings that make this very command, the one nearest to what is desired is taken.
    """
    recipe = recipe_of(job, platform)
    if recipe is None:
        return job
    read = (_read(job, platform, recipe.run, *split) for split in _splits(cmdline))
    exact = [r for r in read if r is not None and command(r, platform, recipe) == cmdline]
    return min(exact, key=lambda r: len(told(r.spec, job.spec)), default=job)


Pairs = tuple[tuple[str, str], ...]


def _splits(cmdline: str) -> Iterator[tuple[Pairs, Pairs, str]]:
    """Yield each way to cut a command: exports and secrets before, and the rest."""
    env: list[tuple[str, str]] = []
    secrets: list[tuple[str, str]] = []
    rest = cmdline
    for _ in range(VARIABLES_MAX):
        yield tuple(env), tuple(secrets), rest
        if export := EXPORT.match(rest):
            if not BOUND.fullmatch(export[2]):
                env.append((export[1], _unquoted(export[2])))
        elif export := SECRET.match(rest):
            secrets.append((export[1], _unquoted(export[2])))
        else:
            return
        rest = rest[export.end() :]


def _read(
    job: DesiredJob, platform: Platform, recipe: str, env: Pairs, paths: Pairs, rest: str
) -> DesiredJob | None:
    before, found, after = filled(recipe, job, "\0").partition("\0")
    if not found or not (rest.startswith(before) and rest.endswith(after)):
        return None
    run = rest[len(before) : len(rest) - len(after)]
    folder = f"{platform.secrets_dir}/"
    secrets = tuple((name, path.removeprefix(folder)) for name, path in paths)
    return replace(job, spec=replace(job.spec, run=run, env=env, secrets=secrets))


def _unquoted(text: str) -> str:
    try:
        return "".join(shlex.split(text))
    except ValueError:
        return text


def _cmdline(value: Mapping[str, Any]) -> str:
    found = _at(value, "executor", "data", "task", "processes", RUN, "cmdline")
    return found if isinstance(found, str) else ""


def _at(value: Any, *path: str) -> Any:
    """Return what is there; None for what is not, or has another form."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
