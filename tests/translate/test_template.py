"""References of the executor: four forms can be bound on an agent, and nothing else may stay."""

from typing import Any

import pytest

from reconciler.translate.template import TemplateError, check_authored, check_document

BOUND: dict[str, Any] = {
    "the instance": "x {{mesos.instance}} y",
    "the host": "{{mesos.hostname}}",
    "the task": {"a": ["{{thermos.task_id}}"]},
    "a port that is asked for": "{{thermos.ports[http]}}{{thermos.ports[admin-ui]}}",
    "braces of a shell": "${X} {a,b} $((1+2)) awk '{print $1}' { {x} }",
    "a reference within braces": "{ {{thermos.task_id}} }",
    "numbers and nothing": {"a": 1, "b": None, "c": [True, 2.5]},
}


@pytest.mark.parametrize("name", BOUND)
def test_a_reference_that_the_agent_binds_may_stay(name: str) -> None:
    check_document(BOUND[name], ("http", "admin-ui"))


UNBOUND: dict[str, Any] = {
    "a name": "{{foo}}",
    "the role, which only the official client binds": "{{mesos.role}}",
    "the cluster": "{{mesos.cluster}}",
    "the user": "{{thermos.user}}",
    "blanks within": "{{ mesos.instance }}",
    "a template of Go": "{{.Names}}",
    "an escape": "{{&foo}}",
    "a reference that never ends": "{{mesos.instance",
    "one brace too few": "{{mesos.instance}",
    "three braces, which are read in more than one way": "{{{thermos.task_id}}}",
    "a port by name and dot": "{{thermos.ports.http}}",
    "a port of another job": "{{thermos.ports[web]}}",
    "a port by number": "{{thermos.ports[{{mesos.instance}}]}}",
    "no port": "{{thermos.ports[]}}",
    "deep within": {"task": {"processes": [{"cmdline": "a {{foo}}"}]}},
    "the second of two": "{{mesos.instance}} {{foo}}",
}


@pytest.mark.parametrize("name", UNBOUND)
def test_a_reference_that_nothing_binds_may_not_stay(name: str) -> None:
    with pytest.raises(TemplateError):
        check_document(UNBOUND[name], ("http", "admin-ui"))


def test_the_message_shows_the_place() -> None:
    with pytest.raises(TemplateError, match=r"nothing on the agent binds '\{\{foo\}\} and more'"):
        check_document(["x {{foo}} and more"], ())
    with pytest.raises(TemplateError, match=r"ports\[web\].* does not ask for"):
        check_document(["{{thermos.ports[web]}}"], ("http",))


AUTHORED: dict[str, tuple[str, int]] = {
    "plain text": ("serve --port $PORT_HTTP", 0),
    "quotes and newlines": ("a 'b' \"c\"\n$(d)\t`e`", 0),
    "single braces": ("${A} {b} { {c} }", 0),
    "two braces": ("{{mesos.instance}}", 1),
    "a letter that is not ASCII": ("caf\u00e9", 1),
    "a NUL": ("a\0b", 1),
    "all of them": ("{{\u00e9\0", 3),
}


@pytest.mark.parametrize("name", AUTHORED)
def test_a_text_of_an_author_is_checked(name: str) -> None:
    text, count = AUTHORED[name]
    found = list(check_authored(text))
    assert len(found) == count
    assert all(message and hint for message, hint in found)
