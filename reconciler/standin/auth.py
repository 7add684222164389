"""Who may call what: HTTP Basic, and the permissions of Shiro's ini file."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

ADMIN, JOBS = "thrift.AuroraAdmin", "thrift.AuroraSchedulerManager"


class BadCredentials(Exception):  # noqa: N818 - it is Aurora's word for a caller
    """A caller said who he is, and it is not true."""


@dataclass(frozen=True, slots=True)
class Users:
    """Passwords by user, the roles of users, and the permissions of roles."""

    passwords: Mapping[str, str]
    roles: Mapping[str, tuple[str, ...]]
    permissions: Mapping[str, tuple[str, ...]]

    def user(self, authorization: str | None) -> str | None:
        """Return who calls; None if he does not say so in a way that counts here.

        Raises BadCredentials for a wrong password, an unknown user or what cannot be read.
        """
        told = (authorization or "").strip()
        if not told.lower().startswith("basic"):
            return None
        _, *tokens = told.split(" ")
        name, password = _credentials(tokens[0] if tokens else "")
        if self.passwords.get(name) != password:
            raise BadCredentials
        return name

    def may(self, user: str, permission: str) -> bool:
        """Tell whether a user has a permission such as `thrift.AuroraAdmin:setQuota`."""
        held = (p for role in self.roles.get(user, ()) for p in self.permissions.get(role, ()))
        return any(implies(wildcard, permission) for wildcard in held)


def _credentials(token: str) -> tuple[str, str]:
    """Return name and password; what is not Base64 in a token is passed over, as Shiro does."""
    kept = re.sub(r"[^A-Za-z0-9+/]", "", token)
    try:
        told = base64.b64decode(kept + "=" * (-len(kept) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise BadCredentials from None
    name, _, password = told.partition(":")
    return name, password


def implies(held: str, asked: str) -> bool:
    """Tell whether one permission covers another: parts by `:`, choices by `,`, `*` is any.

    A held one that is shorter covers whatever follows; case does not matter.
    """
    have = [part.split(",") for part in held.lower().split(":")]
    want = [part.split(",") for part in asked.lower().split(":")]
    for index, choices in enumerate(have):
        if "*" in choices:
            continue
        if index >= len(want) or not set(want[index]) <= set(choices):
            return False
    return True
