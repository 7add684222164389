"""Who may call what: HTTP Basic, and the permissions of Shiro's ini file."""

import base64
import binascii
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
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise BadCredentials from None
        if self.passwords.get(name) != password:
            raise BadCredentials
        return name

    def may(self, user: str, permission: str) -> bool:
        """Tell whether a user has a permission such as `thrift.AuroraAdmin:setQuota`."""
        held = (p for role in self.roles.get(user, ()) for p in self.permissions.get(role, ()))
        return any(implies(wildcard, permission) for wildcard in held)


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


# Of the example that Aurora's own tests and its local mode use.
EXAMPLE_USERS = Users(
    passwords={"root": "secret", "wfarner": "password", "ksweeney": "12345"},
    roles={"root": ("admin",), "wfarner": ("eng",)},
    permissions={"admin": ("*",), "eng": (f"{JOBS}:*",)},
)
