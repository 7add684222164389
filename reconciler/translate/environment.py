"""What the platform, or the project in its stead, decides for an environment."""

from functools import lru_cache
from typing import Any

from reconciler.model.policy import EnvironmentDefaults, Platform, Project


def defaults_of(
    platform: Platform, project: Project, environment: str
) -> EnvironmentDefaults | None:
    """Return tier and priority of an environment that the platform knows."""
    at = pattern_of(platform, environment)
    if at is None:
        return None
    _, defaults = platform.environments[at]
    tier = project.tiers.get(environment, defaults.tier)
    return EnvironmentDefaults(tier, defaults.priority)


def pattern_of(platform: Platform, environment: str) -> int | None:
    """Return which of the platform's patterns is the first to match the whole name."""
    for at, (pattern, _) in enumerate(platform.environments):
        if _compiled(pattern).fullmatch(environment):
            return at
    return None


def fault_of(pattern: str) -> str | None:
    """Return what keeps a text from being a regular expression of ours; None when nothing does."""
    import re2

    try:
        _compiled(pattern)
    except re2.error as fault:
        return str(fault.args[0], errors="replace")
    return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    """Return the pattern compiled by RE2, which takes linear time whatever it and a name are: who
    opens a pull request must not be able to hang its preview."""
    # Imported here: what matches no environment does not wait for it.
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
