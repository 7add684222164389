"""What a terminal shows of text that others wrote.

Names, values and messages come from files and from the network. An escape sequence in one of them
could move the cursor and hide a kill, and a bidi control could reverse what a reader sees.
"""

import unicodedata

# Control, format (bidi and zero width), surrogate, private, unassigned, line and paragraph ends.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escaped(text: str) -> str:
    """Return the text with everything that is not plainly visible written out, as in `\\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


def _shown(char: str) -> str:
    if unicodedata.category(char) not in HIDDEN:
        return char
    if char in SHORT:
        return SHORT[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else _far(code)


def _far(code: int) -> str:
    return f"\\U{code:08x}"
