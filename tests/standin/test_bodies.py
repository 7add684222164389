"""How the body of a request is read."""

import io

import pytest

from reconciler.standin.server import BODY_MAX, BadBodyError, read_body

CHUNKED = {"Transfer-Encoding": "chunked"}
NEXT = b"POST /api"

READ: dict[str, tuple[dict[str, str], bytes, bytes]] = {
    "as long as it says": ({"Content-Length": "3"}, b"abc", b"abc"),
    "nothing": ({}, b"", b""),
    "one piece": (CHUNKED, b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
    "two pieces": (CHUNKED, b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", b"abcd"),
    "a piece of lines": (CHUNKED, b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    "a size in capitals": (CHUNKED, b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "a size with more to it": (CHUNKED, b"1 ;x=y\r\na\r\n0\r\n\r\n", b"a"),
    "headers after it": (CHUNKED, b"1\r\na\r\n0\r\nX: y\r\n\r\n", b"a"),
    "pieces before a length": (
        {"Content-Length": "1", "transfer-encoding": "Chunked"},
        b"2\r\nab\r\n0\r\n\r\n",
        b"ab",
    ),
    "no pieces": (CHUNKED, b"0\r\n\r\n", b""),
}


@pytest.mark.parametrize("name", READ)
def test_a_body_is_read_up_to_its_end(name: str) -> None:
    headers, sent, body = READ[name]
    stream = io.BytesIO(sent + NEXT)
    assert read_body(headers, stream) == body
    assert stream.read() == NEXT


TURNED_AWAY: dict[str, tuple[dict[str, str], bytes, int]] = {
    "a length that is none": ({"Content-Length": "x"}, b"", 400),
    "a length of two digits from elsewhere": ({"Content-Length": "\u0661"}, b"a", 400),
    "less than nothing": ({"Content-Length": "-1"}, b"", 400),
    "less than it says": ({"Content-Length": "4"}, b"abc", 400),
    "too long": ({"Content-Length": str(BODY_MAX + 1)}, b"", 413),
    "a piece without a size": (CHUNKED, b"\r\nabc", 400),
    "a piece with a negative size": (CHUNKED, b"-1\r\na\r\n", 400),
    "a size that is none": (CHUNKED, b"xyz\r\n", 400),
    "a piece that is longer than it says": (CHUNKED, b"1\r\nab\r\n0\r\n\r\n", 400),
    "a piece that ends too soon": (CHUNKED, b"5\r\nab", 400),
    "pieces without an end": (CHUNKED, b"1\r\na\r\n", 400),
    "too long a piece": (CHUNKED, b"%x\r\n" % (BODY_MAX + 1), 413),
    "a coding that nobody knows": ({"Transfer-Encoding": "gzip, chunked"}, b"", 501),
}


@pytest.mark.parametrize("name", TURNED_AWAY)
def test_a_body_without_an_end_is_turned_away(name: str) -> None:
    headers, sent, status = TURNED_AWAY[name]
    with pytest.raises(BadBodyError) as caught:
        read_body(headers, io.BytesIO(sent))
    assert caught.value.status == status
