"""What `executorConfig.data` means to the Thermos executor, whoever wrote it.

The executor reads `task`, `role`, `environment`, `health_check_config`, `announce` and `lifecycle`
of the document; defaults are its schema's (Aurora 0.23, the last executor that was released). The
official client writes every default out, ours leaves them out, and both mean the same.
"""

import json
from collections.abc import Mapping
from typing import Any

EXECUTOR = "AuroraExecutor"

# No Thermos document is deeper; what is, stays text, whatever the stack would bear.
DEPTH_MAX = 40

# Keys of the official MesosJob document that repeat Thrift fields: the executor never reads them.
REPEATED = frozenset(
    {
        "cluster",
        "constraints",
        "contact",
        "container",
        "cron_collision_policy",
        "cron_schedule",
        "enable_hooks",
        "executor_config",
        "instances",
        "max_task_failures",
        "metadata",
        "name",
        "partition_policy",
        "priority",
        "production",
        "service",
        "sla_policy",
        "task_links",
        "tier",
        "update_config",
    }
)
# Declared in the schema, and read by nobody.
UNREAD = {"task": frozenset({"user"}), "process": frozenset({"resources"})}
PROCESS = {
    "daemon": False,
    "ephemeral": False,
    "final": False,
    "max_failures": 1,
    "min_duration": 5,
}
TASK = {"finalization_wait": 30, "max_concurrency": 0, "max_failures": 1}
LOGGER = {"destination": "file", "mode": "standard"}
ROTATE = {"backups": 5, "log_size": 104_857_600}
HEALTH = {
    "initial_interval_secs": 15,
    "interval_secs": 10,
    "max_consecutive_failures": 0,
    "min_consecutive_successes": 1,
    "timeout_secs": 1,
}
HTTP_CHECK = {"endpoint": "/health", "expected_response": "ok", "expected_response_code": 0}
HTTP_LIFECYCLE = {
    "graceful_shutdown_endpoint": "/quitquitquit",
    "graceful_shutdown_wait_secs": 5,
    "port": "health",
    "shutdown_endpoint": "/abortabortabort",
    "shutdown_wait_secs": 5,
}


def meaning(data: str | None, job: Mapping[str, str], ports: frozenset[str]) -> object:
    """Return the document with its defaults filled in; text that is no such document stays text.

    `job` holds role and environment of the key, `ports` the names of the ports that are asked for.
    """
    try:
        document = _plain(json.loads(data)) if data else None
    except (ValueError, RecursionError):
        return data
    if not isinstance(document, dict) or not isinstance(document.get("task"), dict):
        return data
    told: dict[str, Any] = {k: v for k, v in document.items() if k not in REPEATED}
    told = {**job, **told, "task": _task(told["task"])}
    told["health_check_config"] = _health(told.get("health_check_config"))
    if isinstance(told.get("announce"), dict):
        told["announce"] = _announce(told["announce"])
    told["lifecycle"] = _lifecycle(told.get("lifecycle"), ports | _aliases(told.get("announce")))
    return told


def _plain(value: Any, depth: int = DEPTH_MAX) -> Any:
    """Return the value with whole floats as integers and without nulls in objects."""
    if depth == 0:
        raise ValueError("deeper than any document")
    if isinstance(value, dict):
        return {k: _plain(v, depth - 1) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_plain(v, depth - 1) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _filled(value: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value over its defaults; what is text is read as the executor reads it."""
    told = {**defaults, **value}
    return {k: _coerced(v, defaults.get(k)) for k, v in told.items()}


def _coerced(value: Any, default: Any) -> Any:
    if not isinstance(value, str) or isinstance(default, str | None):
        return value
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(value.lower(), value)
    try:
        return _plain(float(value))
    except ValueError:
        return value


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    processes = task.get("processes")
    told = _filled(_read(task, "task"), TASK)
    if isinstance(processes, list) and all(isinstance(p, dict) for p in processes):
        told["processes"] = _by_name([_process(p) for p in processes])
        if processes and "name" not in task:
            told["name"] = processes[0].get("name")
    if isinstance(task.get("resources"), dict):
        amounts: dict[str, Any] = {"gpu": 0, "cpu": 0, "ram": 0, "disk": 0}
        told["resources"] = _filled(task["resources"], amounts)
    constraints = task.get("constraints", [])
    if isinstance(constraints, list):
        constraints = sorted(constraints, key=lambda c: json.dumps(c, sort_keys=True))
    return {**told, "constraints": constraints}


def _read(value: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {k: v for k, v in value.items() if k not in UNREAD[kind]}


def _process(process: Mapping[str, Any]) -> dict[str, Any]:
    told = _filled(_read(process, "process"), PROCESS)
    logger = process.get("logger")
    if isinstance(logger, dict):
        told["logger"] = _filled(logger, LOGGER)
        if told["logger"]["mode"] == "rotate":
            rotate = logger.get("rotate")
            told["logger"]["rotate"] = _filled(rotate if isinstance(rotate, dict) else {}, ROTATE)
        else:
            told["logger"].pop("rotate", None)
    return told


def _by_name(processes: list[dict[str, Any]]) -> Any:
    """Return processes by name, so that a difference speaks by name; order is in constraints."""
    names = [p.get("name") for p in processes]
    if len(set(map(str, names))) < len(names) or not all(isinstance(n, str) for n in names):
        return processes
    return {p["name"]: {k: v for k, v in p.items() if k != "name"} for p in processes}


def _health(config: Any) -> Any:
    if config is not None and not isinstance(config, dict):
        return config
    told = _filled(config or {}, HEALTH)
    checker = told.get("health_checker", {})
    if not isinstance(checker, dict):
        return told
    # Of two checks, the executor makes the one by shell.
    http = checker.get("http", {})
    if "shell" in checker:
        told["health_checker"] = {"shell": checker["shell"]}
    elif isinstance(http, dict):
        told["health_checker"] = {"http": _filled(http, HTTP_CHECK)}
    return told


def _lifecycle(config: Any, ports: frozenset[str]) -> Any:
    """The default is on, so `{}` and absence are two things where the port is one of the job's;
    where it is not, nobody is called, and the official client writes the default all the same."""
    told = {"http": {}} if config is None else config
    if not isinstance(told, dict) or not isinstance(told.get("http"), dict):
        return told
    http = _filled(told["http"], HTTP_LIFECYCLE)
    return {**told, "http": http} if str(http["port"]) in ports else {}


def _aliases(announce: Any) -> frozenset[str]:
    """Return the names that an announcement gives to ports."""
    portmap = announce.get("portmap") if isinstance(announce, dict) else None
    return frozenset(portmap) if isinstance(portmap, dict) else frozenset()


def _announce(config: Mapping[str, Any]) -> dict[str, Any]:
    primary = config.get("primary_port", "http")
    return {"portmap": {"aurora": primary}, "primary_port": primary, **config}
