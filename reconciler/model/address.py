"""Addresses as they may be shown: a login that somebody wrote into one is nobody else's."""

import re

LOGIN = re.compile(r"(?<=://)[^\s/?#]*@")


def redacted(text: str) -> str:
    """Return the text without the logins of addresses in it."""
    return LOGIN.sub("***@", text)
