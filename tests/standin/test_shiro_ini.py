import pytest

from reconciler.standin.shiro_ini import UsersError, users_in
from tests.standin.users import EXAMPLE_USERS

EXAMPLE = """
# Of Aurora's own example.
[users]
root = secret, admin
wfarner = password, eng
ksweeney = 12345

[roles]
admin = *
eng = thrift.AuroraSchedulerManager:*
"""


def test_the_example_has_the_example_s_users() -> None:
    found = users_in(EXAMPLE)
    assert found.passwords == EXAMPLE_USERS.passwords
    assert found.permissions == EXAMPLE_USERS.permissions
    for user in found.passwords:
        assert found.roles[user] == EXAMPLE_USERS.roles.get(user, ())


READ = {
    "another separator": ("a: x , r", ("x", ("r",))),
    "white space is a separator": ("a x, r", ("x", ("r",))),
    "a line that goes on": ("a = x, \\\n  r, s", ("x", ("r", "s"))),
    "a line that goes on at the end": ("a = x, r\\", ("x", ("r",))),
    "a comment in between": ("; b = y\na = x", ("x", ())),
    "an equals sign in a password": ("a = x=y", ("x=y", ())),
}


@pytest.mark.parametrize("name", READ)
def test_a_user_is_read(name: str) -> None:
    text, (password, roles) = READ[name]
    found = users_in(f"[users]\n{text}\n")
    assert (found.passwords, found.roles) == ({"a": password}, {"a": roles})


def test_a_permission_in_quotes_may_have_commas() -> None:
    found = users_in('[users]\na = x, r\n[roles]\nr = "m:b,c:www", d\n')
    assert found.permissions == {"r": ("m:b,c:www", "d")}
    assert found.may("a", "m:b:www")
    assert found.may("a", "m:c:www:prod:web")
    assert not found.may("a", "m:e:www")


REFUSED = {
    "no user": ("[roles]\na = b\n", "1: no user"),
    "another section": ("[users]\na = b\n[main]\n", r"3: only \[users\] and \[roles\] are taken"),
    "before any section": ("a = b\n", "1: a line before"),
    "no value": ("[users]\n\na =\n", "3: a name, `=` and a value"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_file_of_users_is_refused(name: str) -> None:
    text, words = REFUSED[name]
    with pytest.raises(UsersError, match=words):
        users_in(text)
