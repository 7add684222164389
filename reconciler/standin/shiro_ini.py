"""Users from a file such as Aurora takes with -shiro_ini_path: the sections [users] and [roles].

    [users]
    deployer = secret, deploy
    [roles]
    deploy = thrift.AuroraSchedulerManager:*:www, "thrift.AuroraAdmin:setQuota,pruneTasks"

A user has a password and roles; a role has permissions, in quotes where one has a comma in it.
"""

import re
from collections.abc import Iterator

from reconciler.standin.auth import Users

USERS, ROLES = "users", "roles"

_PAIR = re.compile(r"([^\s:=]+)[\s:=]+([^\s:=].*)")
_ITEM = re.compile(r'(?:"[^"]*"|[^",])*')


class UsersError(ValueError):
    """A file of users cannot be used; the text begins with the number of the line."""


def users_in(text: str) -> Users:
    """Return the users that a file names."""
    sections: dict[str, dict[str, list[str]]] = {USERS: {}, ROLES: {}}
    found = None
    for number, line in _lines(text):
        if line.startswith("[") and line.endswith("]"):
            found = sections.get(line[1:-1].strip())
            if found is None:
                raise UsersError(f"{number}: only [users] and [roles] are taken, not {line}")
            continue
        pair = _PAIR.fullmatch(line)
        if pair is None:
            raise UsersError(f"{number}: a name, `=` and a value are needed")
        if found is None:
            raise UsersError(f"{number}: a line before [users] or [roles]")
        found[pair[1]] = _items(pair[2])
    if not sections[USERS]:
        raise UsersError("1: no user in [users]")
    users = sections[USERS].items()
    return Users(
        passwords={name: items[0] for name, items in users},
        roles={name: tuple(items[1:]) for name, items in users},
        permissions={name: tuple(items) for name, items in sections[ROLES].items()},
    )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Return what is said with the number of its line; a backslash at the end goes on."""
    held, start = "", 0
    for number, told in enumerate(text.splitlines(), start=1):
        line = told.strip()
        if not held and (not line or line[0] in "#;"):
            continue
        start = start if held else number
        held += line
        if held.endswith("\\"):
            held = held[:-1].rstrip() + " "
            continue
        yield start, held
        held = ""
    if held.strip():
        yield start, held.strip()


def _items(value: str) -> list[str]:
    found = (item.strip().replace('"', "") for item in _ITEM.findall(value))
    return [item for item in found if item]
