"""What the platform, or the project in its stead, decides for an environment."""

import re

from reconciler.model.policy import EnvironmentDefaults, Platform, Project


def defaults_of(
    platform: Platform, project: Project, environment: str
) -> EnvironmentDefaults | None:
    """Return tier and priority; the first pattern that matches the whole name counts."""
    for pattern, defaults in platform.environments:
        if re.fullmatch(pattern, environment):
            tier = project.tiers.get(environment, defaults.tier)
            return EnvironmentDefaults(tier, defaults.priority)
    return None
