"""Local configuration: what goes before what, and what is refused, all of it at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.scheduler.http import Credentials, Deadlines
from reconciler.settings import Settings, SettingsError, seconds, settings

FILE = """
desired = "git:/srv/platform.git@main"
state = "/var/lib/reconcile"
platform_dir = "ops"
output = "json"
timeout = "1h"
interval = "5m"

[clusters.eu1]
user = "reconcile"
password = "pw"
hosts = ["https://aurora1.example:8081"]

[deadlines]
connect_s = 1
"""


def a_file(folder: Path, text: str) -> Path:
    path = folder / "reconcile.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_word_there_are_defaults() -> None:
    assert settings({}, {}, None) == Settings()


def test_a_file_may_say_everything(tmp_path: Path) -> None:
    assert settings({}, {}, a_file(tmp_path, FILE)) == Settings(
        desired="git:/srv/platform.git@main",
        state=Path("/var/lib/reconcile"),
        platform_dir="ops",
        output="json",
        timeout_s=3600,
        interval_s=300,
        credentials={"eu1": Credentials("reconcile", "pw", ("https://aurora1.example:8081",))},
        deadlines=Deadlines(connect_s=1.0),
    )


NAMES: dict[str, tuple[str, str, str, Callable[[str], Any]]] = {
    "desired": ("flag", "env", "file", str),
    "state": ("/flag", "/env", "/file", Path),
    "output": ("text", "json", "text", str),
    "timeout": ("1s", "2s", "3s", seconds),
    "interval": ("1s", "2s", "3s", seconds),
    "platform_dir": ("flag", "env", "file", str),
}
FIELDS = {"timeout": "timeout_s", "interval": "interval_s"}


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_goes_before_environment_before_file(name: str, tmp_path: Path) -> None:
    flag, env, file, meant = NAMES[name]
    config = a_file(tmp_path, f'{name} = "{file}"')
    environment = {f"RECONCILE_{name.upper()}": env}

    def found(flags: dict[str, Any], environment: dict[str, str], config: Path | None) -> Any:
        return getattr(settings(flags, environment, config), FIELDS.get(name, name))

    assert found({name: flag}, environment, config) == meant(flag)
    assert found({name: None}, environment, config) == meant(env)
    assert found({}, {f"RECONCILE_{name.upper()}": ""}, config) == meant(file)


STATES: dict[str, tuple[dict[str, str], str, str | None]] = {
    "what systemd made goes before the file": ({"STATE_DIRECTORY": "/run/a"}, "/file", "/run/a"),
    "of several directories the first": ({"STATE_DIRECTORY": "/run/a:/run/b"}, "", "/run/a"),
    "our own variable goes before systemd's": (
        {"RECONCILE_STATE": "/env", "STATE_DIRECTORY": "/run/a"},
        "",
        "/env",
    ),
    "an empty one says nothing": ({"STATE_DIRECTORY": ""}, "", None),
}


@pytest.mark.parametrize("name", STATES)
def test_the_place_of_the_record(name: str, tmp_path: Path) -> None:
    environment, file, expected = STATES[name]
    config = a_file(tmp_path, f'state = "{file}"' if file else "")
    state = settings({}, environment, config).state
    assert state == (Path(expected) if expected else None)


BAD = """
desird = "x"
timeout = "soon"
platform_dir = "../elsewhere"
output = "xml"

[clusters.eu1]
user = "reconcile"
hosts = ["aurora1:8081"]
realm = "x"

[clusters]
eu2 = "x"

[deadlines]
read_s = -1
connect = 5
"""


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    bad = a_file(tmp_path, BAD)
    with pytest.raises(SettingsError) as caught:
        settings({"interval": "1 minute"}, {"RECONCILE_STATE": " "}, bad)
    assert [problem.replace(str(bad), "FILE") for problem in caught.value.problems] == [
        "FILE: unknown key 'desird'; write one of clusters, deadlines, desired, interval, output,"
        " platform_dir, state, timeout",
        "RECONCILE_STATE: ' ' is no text: write a word or a path",
        "FILE: platform_dir: '../elsewhere' is no folder below the desired state:"
        " write one like platform",
        "FILE: output: 'xml' is no output: write text or json",
        "FILE: timeout: 'soon' is no duration: write 90s, 30m or 1h",
        "--interval: '1 minute' is no duration: write 90s, 30m or 1h",
        "FILE: [clusters.eu1]: unknown key 'realm'; write one of hosts, password, password_file,"
        " user",
        "FILE: [clusters.eu1]: 'aurora1:8081' in `hosts` is no address:"
        " write https://aurora.example.org:8081",
        "FILE: [clusters.eu1]: exactly one of `password` and `password_file` is needed, as text",
        "FILE: [clusters.eu2] is not a table: write its keys below that line",
        "FILE: [deadlines]: unknown key 'connect'; write one of connect_s, read_s, write_s",
        "FILE: [deadlines]: read_s is a positive number of seconds, not -1",
    ]


UNREADABLE = {
    "no such file": (
        None,
        "FILE cannot be read: No such file or directory; name a file that this user may read",
    ),
    "not TOML": (
        "desired =",
        "FILE is not TOML: Invalid value (at end of document); mend the syntax",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_is_an_error(name: str, tmp_path: Path) -> None:
    text, message = UNREADABLE[name]
    path = tmp_path / "reconcile.toml" if text is None else a_file(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        settings({}, {}, path)
    assert str(caught.value).replace(str(path), "FILE") == message


def of_cluster(folder: Path, *lines: str) -> Settings:
    known = ["[clusters.eu1]", 'user = "u"', 'hosts = ["https://a.example"]']
    return settings({}, {}, a_file(folder, "\n".join([*known, *lines])))


def test_a_password_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("pw with space \n")
    found = of_cluster(tmp_path, f'password_file = "{secret}"')
    assert found.credentials["eu1"].password == "pw with space "


PASSWORDS = {
    "a file that is not there": (
        'password_file = "/no/such"',
        "/no/such cannot be read: No such file or directory; name a file that this user may read",
    ),
    "a file relative to who knows what": ('password_file = "pw"', "must be a whole path"),
    "none": ("", "exactly one of"),
    "two": ('password = "a"\npassword_file = "/b"', "exactly one of"),
    "no text": ("password = 1", "exactly one of"),
}


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_password_that_cannot_be_meant_is_refused(name: str, tmp_path: Path) -> None:
    line, words = PASSWORDS[name]
    with pytest.raises(SettingsError, match=words):
        of_cluster(tmp_path, line)


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    found = of_cluster(tmp_path, 'password = "hunter2"')
    assert "hunter2" not in repr(found)


HOSTS = {
    "none": "[]",
    "a name without a scheme": '["aurora.example"]',
    "no list": '"https://a.example"',
    "no text": "[1]",
    "another scheme": '["ftp://a.example"]',
    "a port that is none": '["https://a.example:x"]',
}


@pytest.mark.parametrize("name", HOSTS)
def test_credentials_without_hosts_are_refused(name: str, tmp_path: Path) -> None:
    text = f'[clusters.eu1]\nuser = "u"\npassword = "p"\nhosts = {HOSTS[name]}'
    with pytest.raises(SettingsError, match="hosts"):
        settings({}, {}, a_file(tmp_path, text))


DURATIONS: dict[str, float | None] = {
    "250ms": 0.25,
    "90s": 90,
    "1.5m": 90,
    "1h": 3600,
    "": None,
    "90": None,
    "0s": None,
    "-1s": None,
    "1e3s": None,
    "1h30m": None,
    "9" * 400 + "h": None,
}


@pytest.mark.parametrize("text", DURATIONS, ids=lambda t: t[:9] or "nothing")
def test_a_duration_is_a_number_with_a_unit(text: str) -> None:
    expected = DURATIONS[text]
    if expected is None:
        with pytest.raises(ValueError, match="is no duration"):
            seconds(text)
    else:
        assert seconds(text) == expected


def test_nothing_is_read_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconcile.toml").write_text('desired = "evil"')
    (tmp_path / "pyproject.toml").write_text('[tool.reconcile]\ndesired = "evil"')
    (tmp_path / ".env").write_text("RECONCILE_DESIRED=evil")
    monkeypatch.chdir(tmp_path)
    assert settings({}, {}, None).desired == "./desired-state"
