"""The plot of peers.json: time over number of jobs, both by powers of ten, a line each.

Readable on light and on dark paper: the picture asks which it is on.
"""

import math
from collections.abc import Iterator
from html import escape

from tests.bench.peers.compare import DRY_RUN, WARM, Figure

WIDTH, HEIGHT = 880, 480
LEFT, RIGHT, TOP, BOTTOM = 76, 280, 48, 64
LABEL_GAP = 19
HUES_LIGHT = ("#0b6bcb", "#0b6bcb", "#b3541e", "#2e7d32", "#6a8f1f", "#7b3fa0")
HUES_DARK = ("#6cb6ff", "#6cb6ff", "#f0883e", "#6bc46d", "#c2d94c", "#cfa0f0")

STYLE = """\
  text {{ font: 13px system-ui, sans-serif; fill: #24292f; }}
  .paper {{ fill: #ffffff; }} .grid {{ stroke: #d8dee4; }} .axis {{ stroke: #57606a; }}
  .line {{ fill: none; stroke-width: 2.2; }} .title {{ font-weight: 600; font-size: 15px; }}
  .own {{ stroke-width: 3.4; }} .bold {{ font-weight: 600; }} .round {{ stroke-dasharray: 7 4; }}
{light}
  @media (prefers-color-scheme: dark) {{
    text {{ fill: #e6edf3; }} .paper {{ fill: #0d1117; }}
    .grid {{ stroke: #30363d; }} .axis {{ stroke: #8b949e; }}
{dark}
  }}"""


def svg(figures: list[Figure]) -> str:
    """Return the picture."""
    names = list(dict.fromkeys(one.name for one in figures))
    lines = {
        name: sorted((one.jobs, min(one.runs_ms)) for one in figures if one.name == name)
        for name in names
    }
    scale = Scale(
        [jobs for told in lines.values() for jobs, _ in told],
        [ms for told in lines.values() for _, ms in told],
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' aria-labelledby="what">',
        '<title id="what">Time of a run in which nothing differs, over the number of jobs</title>',
        f"<style>\n{_style()}\n</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        f'<text class="title" x="{LEFT}" y="28">A run in which nothing differs</text>',
        *_grid(scale),
        *_lines(lines, scale),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class Scale:
    """Where a number of jobs and a time lie; both axes end at powers of ten."""

    def __init__(self, jobs: list[int], times_ms: list[float]) -> None:
        self.jobs = _powers(jobs)
        self.times_ms = _powers(times_ms)

    def x(self, jobs: float) -> float:
        return LEFT + _share(jobs, self.jobs) * (WIDTH - LEFT - RIGHT)

    def y(self, ms: float) -> float:
        return HEIGHT - BOTTOM - _share(ms, self.times_ms) * (HEIGHT - TOP - BOTTOM)


def _powers(values: list[float] | list[int]) -> list[int]:
    """Return the powers of ten from the one below the least to the one above the greatest."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return list(range(low, max(high, low + 1) + 1))


def _share(value: float, powers: list[int]) -> float:
    return (math.log10(value) - powers[0]) / (powers[-1] - powers[0])


def _style() -> str:
    rules = [
        "\n".join(
            f"  .hue{n} {{ stroke: {hue}; }} .dot{n} {{ fill: {hue}; }}"
            for n, hue in enumerate(hues)
        )
        for hues in (HUES_LIGHT, HUES_DARK)
    ]
    return STYLE.format(light=rules[0], dark=rules[1])


def _grid(scale: Scale) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for power in scale.jobs:
        x = scale.x(10**power)
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{10**power:,}</text>'
    for power in scale.times_ms:
        y = scale.y(10**power)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_time(power)}</text>'
    yield f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
    yield f'<line class="axis" x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{bottom}"/>'
    middle = (LEFT + right) / 2
    yield f'<text x="{middle:.0f}" y="{HEIGHT - 16}" text-anchor="middle">jobs</text>'


def _time(power: int) -> str:
    return f"{10**power:g} ms" if power < 3 else f"{10 ** (power - 3):,} s"


def _lines(lines: dict[str, list[tuple[int, float]]], scale: Scale) -> Iterator[str]:
    ends = {name: scale.y(told[-1][1]) + 4 for name, told in lines.items()}
    places = apart(ends)
    for n, (name, told) in enumerate(lines.items()):
        points = [(scale.x(jobs), scale.y(ms)) for jobs, ms in told]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        ours = name in (DRY_RUN, WARM)
        kind = " own" * ours + " round" * (name == WARM)
        yield f'<polyline class="line hue{n}{kind}" points="{path}"/>'
        for x, y in points:
            yield f'<circle class="dot{n}" cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>'
        x, bold = points[-1][0] + 10, ' class="bold"' * ours
        words = f"{escape(name)}: {_seconds(told[-1][1])}"
        yield f'<text{bold} x="{x:.1f}" y="{places[name]:.1f}">{words}</text>'


def _seconds(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def apart(places: dict[str, float]) -> dict[str, float]:
    """Return places at which no label lies on another, from the top, each as near as can be."""
    told: dict[str, float] = {}
    least = 0.0
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        told[name] = max(place, least)
        least = told[name] + LABEL_GAP
    return told
