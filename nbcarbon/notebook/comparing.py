"""`%carbon compare`: scores against energy, as a table and a chart. Pure: comparisons in, text and HTML out.

The chart is an SVG of constant templates: no script, no outside resource, readable in both themes. Names
pass the escape of their sink. What is on the front is told by shape and word, not by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Final

from nbcarbon.core import escape, humanize, wording
from nbcarbon.core.humanize import CO2E
from nbcarbon.core.units import J_PER_WH
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcarbon.core.pareto import Comparison, Scored

HOW: Final = "Write %%carbon small --score 0.91 --unit accuracy, or call nbcarbon.note(score=...) in the cell."
ON_FRONT: Final = "on the front"

_WIDTH, _HEIGHT = 560, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 44
_TEXT_COLUMNS, _TEXT_ROWS = 60, 12
_MARGIN: Final = 0.06
_SPREAD: Final = 20.0
"""Energies further apart than this are drawn on a logarithmic axis."""
_SMALLEST: Final = 1e-9
"""Watt-hours, and differences of scores as a part of them, below which nothing can be told apart."""
_MOST_LABELS: Final = 12
_LONGEST_LABEL: Final = 18


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values to fractions of a length, from 0 to 1."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        if self.logarithmic:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def chosen(comparisons: Sequence[Comparison], unit: str) -> Sequence[Comparison]:
    """Those of a unit, all where it is empty. Raises SettingError where there are none."""
    if not comparisons:
        raise SettingError("No measured cell has a score.", hint=HOW)
    found = [each for each in comparisons if unit in ("", each.unit)]
    if not found:
        units = ", ".join(each.unit or "(none)" for each in comparisons)
        raise SettingError(f"No cell has a score in {unit[:40]!r}.", hint=f"There are: {units}.")
    return found


def text(comparisons: Sequence[Comparison], *, ascii: bool = False) -> str:
    """Tables and charts for a terminal, at most 100 columns wide."""
    from nbcarbon.notebook.card import LONGEST_LINE, columns

    blocks = []
    for each in comparisons:
        rows = [["  cell", wording.score_title(each.unit), "energy", "CO₂e", "duration", ""]]
        for place, (cell, on_front) in enumerate(zip(each.cells, each.on_front, strict=True)):
            name, *rest = _words(cell)
            rows.append([f"{_mark(place)} {name}", *rest, ON_FRONT if on_front else ""])
        plain = [[humanize.plain(escape.terminal(t), ascii=ascii) for t in row] for row in rows]
        lines = columns(plain, width=LONGEST_LINE, right={1, 4}, gap="  ")
        blocks.append("\n".join([*lines, "", *_text_chart(each), _legend(each)]))
    return humanize.plain("\n\n".join(blocks), ascii=ascii)


def html(comparisons: Sequence[Comparison]) -> str:
    """Tables and charts as HTML."""
    from nbcarbon.notebook.card import frame

    return "".join(
        frame(_svg(each) + _table(each) + _line(_legend(each)), width=640) for each in comparisons
    )


def _words(cell: Scored) -> list[str]:
    energy = humanize.energy_estimate(
        cell.energy.energy_j,
        cell.energy.low_j,
        cell.energy.high_j,
        below_resolution=cell.below_resolution,
    )
    emissions = humanize.estimate(
        cell.emissions.emissions_g,
        cell.emissions.low_g,
        cell.emissions.high_g,
        scale=CO2E,
        below_resolution=cell.below_resolution,
    )
    return [
        cell.name,
        wording.score(cell.score, ""),
        str(energy),
        emissions.headline,
        humanize.duration(cell.duration_s),
    ]


def _legend(each: Comparison) -> str:
    best = "higher" if each.higher_is_better else "lower"
    return f"{best.capitalize()} is better. On the front: no other cell is at least as good with less energy."


# Where points lie ----------------------------------------------------------------------------


def _axes(each: Comparison) -> tuple[_Axis, _Axis]:
    """Watt-hours from left to right, the score upwards."""
    found_wh = [cell.energy.energy_j / J_PER_WH for cell in each.cells]
    scores = [cell.score for cell in each.cells]
    low_wh, high_wh = min(found_wh), max(found_wh)
    if low_wh > _SMALLEST and high_wh / low_wh > _SPREAD:
        margin = 10 ** (_MARGIN * log10(high_wh / low_wh))
        energy = _Axis(low_wh / margin, high_wh * margin, logarithmic=True)
    else:
        energy = _Axis(0.0, max(high_wh, _SMALLEST) * (1 + _MARGIN))
    widest = max(map(abs, scores))
    span = max(scores) - min(scores) or widest or 1.0
    span = max(span, _SMALLEST * widest, _SMALLEST)
    return energy, _Axis(min(scores) - _MARGIN * span, max(scores) + _MARGIN * span)


def _ticks(axis: _Axis) -> list[float]:
    """Round values on an axis, from three to six of them where it is linear."""
    if axis.logarithmic:
        powers = range(floor(log10(axis.low)), floor(log10(axis.high)) + 1)
        digits = (1, 2, 5) if len(powers) <= 3 else (1,)
        found = [digit * 10.0**power for power in powers for digit in digits]
        return [each for each in found if axis.low <= each <= axis.high]
    span = axis.high - axis.low
    step = 10 ** floor(log10(span / 4))
    step *= next(each for each in (1, 2, 5, 10) if span / (step * each) <= 5)
    return [step * n for n in range(ceil(axis.low / step), floor(axis.high / step) + 1)]


def _mark(place: int) -> str:
    """What a cell is called in a chart of letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return letters[place] if place < len(letters) else "+"


# In a terminal -------------------------------------------------------------------------------


def _text_chart(each: Comparison) -> list[str]:
    energy, score = _axes(each)
    grid = [[" "] * _TEXT_COLUMNS for _ in range(_TEXT_ROWS)]
    for place, cell in reversed(list(enumerate(each.cells))):
        column = round(energy.place(cell.energy.energy_j / J_PER_WH) * (_TEXT_COLUMNS - 1))
        row = round((1 - score.place(cell.score)) * (_TEXT_ROWS - 1))
        letter = _mark(place)
        grid[row][column] = letter.upper() if each.on_front[place] else letter
    labels = {
        round((1 - score.place(tick)) * (_TEXT_ROWS - 1)): wording.score(tick, "")
        for tick in _ticks(score)
    }
    widest = max(map(len, labels.values()))
    lines = [
        f"{labels.get(row, ''):>{widest}} |{''.join(cells).rstrip()}"
        for row, cells in enumerate(grid)
    ]
    return [*lines, f"{'':>{widest}} +{'-' * _TEXT_COLUMNS}", _text_ticks(energy, widest + 2)]


def _text_ticks(axis: _Axis, indent: int) -> str:
    line = ""
    for tick in _ticks(axis):
        words = humanize.energy(tick * J_PER_WH).replace(humanize.SPACE, " ")
        column = indent + round(axis.place(tick) * (_TEXT_COLUMNS - 1))
        if column >= len(line) + bool(line):
            line = f"{line:<{column}}{words}"
    return line


# As HTML -------------------------------------------------------------------------------------


def _svg(each: Comparison) -> str:
    energy, score = _axes(each)
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def at(cell: Scored) -> tuple[float, float]:
        x = _LEFT + energy.place(cell.energy.energy_j / J_PER_WH) * width
        return x, _TOP + (1 - score.place(cell.score)) * height

    parts = [
        _X_TICK.format(
            x=_LEFT + energy.place(tick) * width, text=escape.html(humanize.energy(tick * J_PER_WH))
        )
        for tick in _ticks(energy)
    ]
    parts += [
        _Y_TICK.format(
            y=_TOP + (1 - score.place(tick)) * height, text=escape.html(wording.score(tick, ""))
        )
        for tick in _ticks(score)
    ]
    best = [cell for cell, on_front in zip(each.cells, each.on_front, strict=True) if on_front]
    parts.append(_front_line([at(cell) for cell in best], _LEFT + width))
    for place, (cell, on_front) in enumerate(zip(each.cells, each.on_front, strict=True)):
        x, y = at(cell)
        low, high = (
            _LEFT + min(1.0, max(0.0, energy.place(max(joules / J_PER_WH, energy.low)))) * width
            for joules in (cell.energy.low_j, cell.energy.high_j)
        )
        title = ", ".join([cell.name, wording.score(cell.score, each.unit), _words(cell)[2]])
        template = _BEST if on_front else _POINT
        parts.append(template.format(x=x, y=y, low=low, high=high, title=escape.html(title)))
        if place < _MOST_LABELS:
            left = x < _LEFT + 0.7 * width
            name = cell.name
            if len(name) > _LONGEST_LABEL:
                name = name[: _LONGEST_LABEL - 1] + escape.ELLIPSIS
            parts.append(
                _LABEL.format(
                    x=x + (8 if left else -8),
                    y=y - 7 if on_front else y + 16,
                    anchor="start" if left else "end",
                    text=escape.html(name),
                )
            )
    title = wording.score_title(each.unit)
    return _SVG.format(
        label=escape.html(f"{title} against energy, {len(each.cells)} cells"),
        title=escape.html(title),
        parts="".join(parts),
    )


def _front_line(points: Sequence[tuple[float, float]], right: float) -> str:
    """Steps: what can be reached with so much energy."""
    if not points:
        return ""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in rest) + f"H{right:.1f}"
    return f'<path d="{path}" style="fill:none;stroke:#0072b2;stroke-width:1.5;opacity:.6"/>'


def _table(each: Comparison) -> str:
    titles = ("cell", wording.score_title(each.unit), "energy", "CO₂e", "duration", "")
    head = "".join(
        _TITLE.format(text=escape.html(title), align="left" if place in (0, 5) else "right")
        for place, title in enumerate(titles)
    )
    rows = []
    for cell, on_front in zip(each.cells, each.on_front, strict=True):
        words = [escape.html(word) for word in _words(cell)]
        rows.append(
            _ROW.format(*words, mark=ON_FRONT if on_front else "", weight=600 if on_front else 400)
        )
    return _TABLE.format(head=head, rows="".join(rows))


def _line(words: str) -> str:
    return f'<div style="font-size:12px;{_SOFT}">{escape.html(words)}</div>'


_SOFT: Final = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,inherit))"
_SVG: Final = (
    f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{{label}}" '
    f'style="width:100%;max-width:{_WIDTH}px;display:block;font-size:11px;fill:currentColor">'
    f'<path d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}" '
    'style="fill:none;stroke:currentColor;opacity:.5"/>'
    f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">energy</text>'
    f'<text x="4" y="11">{{title}}</text>{{parts}}</svg>'
)
_X_TICK: Final = (
    f'<path d="M{{x:.1f}} {_HEIGHT - _BOTTOM}v4" style="stroke:currentColor;opacity:.5"/>'
    f'<text x="{{x:.1f}}" y="{_HEIGHT - _BOTTOM + 17}" text-anchor="middle">{{text}}</text>'
)
_Y_TICK: Final = (
    f'<path d="M{_LEFT} {{y:.1f}}h-4" style="stroke:currentColor;opacity:.5"/>'
    f'<text x="{_LEFT - 8}" y="{{y:.1f}}" dy="4" text-anchor="end">{{text}}</text>'
)
_RANGE: Final = '<path d="M{low:.1f} {y:.1f}H{high:.1f}" style="stroke:currentColor;opacity:.35"/>'
_BEST: Final = (
    _RANGE + '<circle cx="{x:.1f}" cy="{y:.1f}" r="5" style="fill:#0072b2"><title>{title}</title>'
    "</circle>"
)
_POINT: Final = (
    _RANGE + '<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" style="fill:none;stroke:currentColor;'
    'stroke-width:1.5"><title>{title}</title></circle>'
)
_LABEL: Final = '<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
_CELL: Final = "padding:2px 10px 2px 0;vertical-align:top;text-align:"
_TITLE: Final = (
    '<th scope="col" style="' + _CELL + "{align};" + _SOFT + ';font-weight:400">{text}</th>'
)
_ROW: Final = (
    '<tr style="background:none;font-weight:{weight}">'
    '<td style="' + _CELL + 'left"><bdi>{0}</bdi></td>'
    '<td style="'
    + _CELL
    + 'right">{1}</td><td style="'
    + _CELL
    + 'right;white-space:nowrap">{2}</td>'
    '<td style="' + _CELL + 'right;white-space:nowrap">{3}</td>'
    '<td style="'
    + _CELL
    + 'right;white-space:nowrap">{4}</td><td style="'
    + _CELL
    + 'left;white-space:nowrap">{mark}</td></tr>'
)
_TABLE: Final = (
    '<div style="overflow-x:auto"><table style="margin:4px 0;width:100%;border:0;border-collapse:collapse;'
    'font-size:12px"><thead style="border:0"><tr style="background:none">{head}</tr></thead>'
    "<tbody>{rows}</tbody></table></div>"
)
