"""The page of figures: sections under headings, each written anew by what measures it."""

from pathlib import Path

HEADING = "## "


def put(page: Path, section: str) -> None:
    """Put a section where the one of its heading is, or last; what has no heading, at the top."""
    heading = _heading(section)
    told = section.strip() + "\n"
    before = _sections(page.read_text(encoding="utf-8")) if page.exists() else []
    found = [told if _heading(part) == heading else part for part in before]
    if told not in found:
        found.insert(len(found) if heading else 0, told)
    page.write_text("\n".join(part.strip() + "\n" for part in found), encoding="utf-8")


def _heading(section: str) -> str:
    first = section.lstrip().partition("\n")[0]
    return first if first.startswith(HEADING) else ""


def _sections(text: str) -> list[str]:
    """Return what stands before the first heading, and each heading with what follows it."""
    first, *others = f"\n{text}".split(f"\n{HEADING}")
    return [part for part in (first, *(HEADING + other for other in others)) if part.strip()]
