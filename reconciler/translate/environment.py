"""What the platform, or the project in its stead, decides for an environment."""

import re

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
    patterns = (pattern for pattern, _ in platform.environments)
    return next((i for i, p in enumerate(patterns) if re.fullmatch(p, environment)), None)
