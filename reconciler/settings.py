"""Local configuration: flags, then environment, then a TOML file, then defaults.

Nothing is loaded from the working directory but `./desired-state`. Credentials live here only,
bound to a cluster's name and to a list of hosts: what a pull request can change must not decide
where a password goes.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.model.address import redacted
from reconciler.scheduler.http import Credentials, Deadlines

DESIRED = "./desired-state"
OUTPUTS = ("text", "json")

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)")

OF_CLUSTER = frozenset({"user", "password", "password_file", "hosts"})
OF_DEADLINES = frozenset({"connect_s", "read_s", "write_s"})


class SettingsError(Exception):
    """Local configuration that cannot be meant: everything that is wrong, and what to do."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """What a machine decides, as opposed to a repository. `state` is None for the default."""

    desired: str = DESIRED
    state: Path | None = None
    platform_dir: str = "platform"
    output: str = "text"
    timeout_s: float = 1800.0
    interval_s: float = 60.0
    credentials: Mapping[str, Credentials] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=Deadlines)


def settings(
    flags: Mapping[str, Any], environment: Mapping[str, str], config: Path | None
) -> Settings:
    """Return what holds; SettingsError with all that is wrong."""
    problems: list[str] = []
    file = _read(config, problems) if config is not None else {}
    told: dict[str, Any] = {}
    for name, (field_name, meant) in CHOICES.items():
        where, value = _chosen(name, flags, environment, file, config)
        try:
            told |= {field_name: meant(value)} if value is not None else {}
        except ValueError as fault:
            problems.append(f"{where}: {fault}")
    wrong: list[str] = []
    credentials = _credentials(file.get("clusters", {}), wrong)
    deadlines = _deadlines(file.get("deadlines", {}), wrong)
    problems += [f"{config}: {line}" for line in wrong]
    if problems:
        raise SettingsError(*problems)
    return Settings(**told, credentials=credentials, deadlines=deadlines)


def seconds(value: object) -> float:
    """Return a length of time in seconds, written as 90s, 30m or 1h; ValueError otherwise."""
    found = DURATION.fullmatch(str(value))
    if found is None or not float(found[1]):
        raise ValueError(f"{value!r} is no duration: write 90s, 30m or 1h")
    return float(found[1]) * SECONDS[found[2]]


def _chosen(
    name: str,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Mapping[str, Any],
    config: Path | None,
) -> tuple[str, Any]:
    """Return where the first word on a setting was said, and the word; None for no word at all."""
    # systemd names the directories that it made for a unit, separated by colons.
    made = environment.get("STATE_DIRECTORY", "").split(":")[0] if name == "state" else ""
    said = (
        (f"--{name}", flags.get(name)),
        (f"RECONCILE_{name.upper()}", environment.get(f"RECONCILE_{name.upper()}") or None),
        ("STATE_DIRECTORY", made or None),
        (f"{config}: {name}", file.get(name)),
    )
    return next(((where, value) for where, value in said if value is not None), ("", None))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{value!r} is no text: write a word or a path")
    return value


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


def _folder(value: object) -> str:
    text = _text(value).rstrip("/")
    if text.startswith("/") or not all(part.strip(".") for part in text.split("/")):
        raise ValueError(f"{value!r} is no folder below the desired state: write one like platform")
    return text


def _output(value: object) -> str:
    if value not in OUTPUTS:
        raise ValueError(f"{value!r} is no output: write {' or '.join(OUTPUTS)}")
    return str(value)


# What flags, environment and file may choose: field of Settings, and what makes a value of a word.
CHOICES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "desired": ("desired", _text),
    "state": ("state", _path),
    "platform_dir": ("platform_dir", _folder),
    "output": ("output", _output),
    "timeout": ("timeout_s", seconds),
    "interval": ("interval_s", seconds),
}


def _read(path: Path, problems: list[str]) -> dict[str, Any]:
    if "\0" in str(path):
        raise SettingsError(f"--config: {str(path)!r} is no path: write one like reconcile.toml")
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        remedy = "name a file that this user may read"
        raise SettingsError(f"{path} cannot be read: {fault.strerror}; {remedy}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{path} is not TOML: {fault}; mend the syntax") from None
    problems += _unknown(str(path), told, {*CHOICES, "clusters", "deadlines"})
    return told


def _unknown(where: str, told: Mapping[str, Any], known: Iterable[str]) -> Iterator[str]:
    listed = ", ".join(sorted(known))
    for name in sorted(told.keys() - set(known)):
        yield f"{where}: unknown key {name!r}; write one of {listed}"


def _credentials(told: Any, problems: list[str]) -> dict[str, Credentials]:
    found: dict[str, Credentials] = {}
    for name, table in _tables("clusters", told, problems):
        where = f"[clusters.{name}]"
        wrong = [
            *_unknown(where, table, OF_CLUSTER),
            *(f"{where}: {fault}" for fault in _faults(table)),
        ]
        password = _password(table, where, wrong)
        if wrong:
            problems += wrong
        else:
            found[name] = Credentials(table["user"], password, tuple(table["hosts"]))
    return found


def _tables(name: str, told: Any, problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    tables = told if isinstance(told, dict) else {}
    if tables is not told:
        problems.append(f"[{name}] is not a table of tables: write [{name}.NAME] for each")
    for inner, table in tables.items():
        if isinstance(table, dict):
            yield inner, table
        else:
            problems.append(f"[{name}.{inner}] is not a table: write its keys below that line")


def _faults(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with user and hosts of a cluster's credentials."""
    if not isinstance(table.get("user"), str) or not table["user"]:
        yield "`user` is missing: add it"
    hosts = table.get("hosts")
    if not isinstance(hosts, list) or not hosts:
        yield "`hosts` must list the URLs that may get the credentials"
        return
    for host in hosts:
        if not isinstance(host, str) or not _is_address(host):
            yield f"{redacted(str(host))!r} in `hosts` is no address: write https://aurora.example.org:8081"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _password(table: Mapping[str, Any], where: str, wrong: list[str]) -> str:
    """Return the password of a cluster, written there or read from a file of its own."""
    given = [name for name in ("password", "password_file") if name in table]
    if len(given) != 1 or not isinstance(table[given[0]], str):
        wrong.append(f"{where}: exactly one of `password` and `password_file` is needed, as text")
        return ""
    if given == ["password"]:
        return str(table["password"])
    path = Path(table["password_file"]).expanduser()
    if not path.is_absolute():
        wrong.append(f"{where}: `password_file` must be a whole path, not {str(path)!r}")
        return ""
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except OSError as fault:
        remedy = "name a file that this user may read"
        wrong.append(f"{where}: {path} cannot be read: {fault.strerror}; {remedy}")
    except UnicodeDecodeError:
        wrong.append(f"{where}: {path} is not UTF-8: save it as UTF-8")
    return ""


def _deadlines(told: Any, problems: list[str]) -> Deadlines:
    if not isinstance(told, dict):
        problems.append("[deadlines] is not a table: write its keys below that line")
        return Deadlines()
    problems += _unknown("[deadlines]", told, OF_DEADLINES)
    good = {name: value for name, value in told.items() if name in OF_DEADLINES}
    for name, value in sorted(good.items()):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 86_400:
            problems.append(f"[deadlines]: {name} is a positive number of seconds, not {value!r}")
            del good[name]
    return Deadlines(**{name: float(value) for name, value in good.items()})
