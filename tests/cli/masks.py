"""What is of this day and this machine in what the program says, told as of any."""

import re

MASKS = (
    (re.compile(r"process \d+ on \S+"), "process <pid> on <host>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\bfiles:[0-9a-f]+"), "<revision>"),
    (re.compile(r"(?<=Plan )[0-9a-f]{16}"), "<digest>"),
    (re.compile(r"2026-11-2\d [0-9:]{8}Z|2026-11-2\dT[0-9:.+]+"), "<time>"),
    (re.compile(r"^(devcluster/\S+ +\S+ +)\d+ (?:s|min) +", re.MULTILINE), r"\1<age>  "),
    (re.compile(r"\d+ of (?=\d+ tasks running, )"), "<n> of "),
    (re.compile(r"(?<=SINCE) +(?=WHY)"), "  "),
    # How often was looked, and what was seen of it, is the stand-in's pace.
    (re.compile(r"(?:^(?:waiting|round|held) .*\n)+", re.MULTILINE), "(progress)\n"),
)


def masked(text: str) -> str:
    for mask, instead in MASKS:
        text = mask.sub(instead, text)
    return text
