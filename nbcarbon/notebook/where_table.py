"""`%carbon where` as a table with bars: in a terminal and as HTML. Pure: a ranking in, text and HTML out.

Bars are text or plain elements: no map, no script, no outside resource. Names pass the escape of their sink.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from nbcarbon.core import escape, humanize
from nbcarbon.core.humanize import GRAMS
from nbcarbon.core.where import Kind, Place, excerpt
from nbcarbon.core.wording import DOT
from nbcarbon.notebook.card import LONGEST_LINE, columns, frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcarbon.core.where import Ranking

MOST_ROWS: Final = 40
"""What a terminal shows without --all: enough for every region of most clouds."""

MOST_NAMED: Final = 15
"""Of the places that are not ranked."""

NOT_HERE: Final = (
    "Where this is is not known, so there is no ratio to here. Set it with %carbon zone FR."
)

_BAR_COLUMNS: Final = 14
_EIGHTHS: Final = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_TITLES: Final = ("place", "g/kWh", "CO₂e (range)", "to here")


def text(what: str, ranking: Ranking, *, everything: bool = False, ascii: bool = False) -> str:
    """The table for a terminal, at most 100 columns wide."""
    shown = list(ranking.ranked) if everything else excerpt(ranking, MOST_ROWS)
    most_g = max((each.emissions.emissions_g for each in ranking.ranked), default=0.0)
    rows = [[*_TITLES, ""]]
    for each in shown:
        if isinstance(each, Place):
            fraction = each.emissions.emissions_g / most_g if most_g > 0 else 0.0
            rows.append([*_words(each), _bar(fraction, ascii=ascii)])
        else:
            rows.append([f"… {humanize.count(each)} more: --all", "", "", "", ""])
    plain = [[humanize.plain(escape.terminal(word), ascii=ascii) for word in row] for row in rows]
    table = columns(plain, width=LONGEST_LINE, right={1, 3}, gap="  ")
    below = [
        line
        for part in _below(ranking, sys.maxsize if everything else MOST_NAMED)
        for line in _wrap(part)
    ]
    return humanize.plain("\n".join([_head(what, ranking), "", *table, *below]), ascii=ascii)


def html(what: str, ranking: Ranking) -> str:
    """The whole table as HTML, which scrolls where it is long."""
    most_g = max((each.emissions.emissions_g for each in ranking.ranked), default=0.0)
    titles = "".join(
        _TITLE.format(text=escape.html(title), align="right" if place in (1, 2, 3) else "left")
        for place, title in enumerate((*_TITLES, ""))
    )
    rows = "".join(
        _ROW.format(
            *map(escape.html, _words(each)),
            weight=600 if each.is_here else 400,
            percent=f"{100 * each.emissions.emissions_g / most_g if most_g > 0 else 0:.1f}",
            colour="currentColor" if each.is_here else "#0072b2",
        )
        for each in ranking.ranked
    )
    below = "".join(_LINE.format(text=escape.html(each)) for each in _below(ranking, sys.maxsize))
    head = f'<div style="font-weight:600">{escape.html(_head(what, ranking))}</div>'
    return frame(head + _TABLE.format(titles=titles, rows=rows) + below, width=860)


def _head(what: str, ranking: Ranking) -> str:
    used = ranking.energy
    energy = humanize.energy_estimate(used.energy_j, used.low_j, used.high_j)
    return f"What {what} would have emitted elsewhere: {energy}, PUE{humanize.SPACE}{humanize.number(ranking.pue)} everywhere"


def _words(each: Place) -> list[str]:
    found = each.emissions
    grams = humanize.estimate(found.emissions_g, found.low_g, found.high_g, scale=GRAMS)
    interval = f" ({grams.interval})" if grams.interval else ""
    name = f"{each.id}  {each.name}" if ":" in each.id else f"{each.name} ({each.id})"
    ratio = (
        ""
        if each.ratio_fraction is None
        else f"×{humanize.SPACE}{humanize.number(each.ratio_fraction)}"
    )
    return [
        f"{name} · here" if each.is_here else name,
        humanize.number(each.intensity.g_per_kwh),
        f"{grams.headline}{interval}",
        ratio,
    ]


def _bar(fraction: float, *, ascii: bool) -> str:
    """A bar in characters, never none at all."""
    if ascii:
        return "#" * max(1, round(_BAR_COLUMNS * fraction))
    whole, eighths = divmod(max(1, round(8 * _BAR_COLUMNS * fraction)), 8)
    return "█" * whole + _EIGHTHS[eighths]


def _below(ranking: Ranking, most_count: int) -> list[str]:
    """What the table is of, and what is not in it."""
    years = sorted({each.intensity.year for each in ranking.ranked})
    span = f"{years[0]} to {years[-1]}" if len(years) > 1 else f"{years[0]}"
    sources = sorted({each.intensity.source for each in ranking.ranked})
    lines = [f"Ranked: {ranking.kind} figures of {span}{DOT}{', '.join(sources)}"]
    if ranking.here is None:
        lines.append(NOT_HERE)
    kinds: dict[Kind, list[Place]] = {}
    for each in ranking.unranked:
        kinds.setdefault(Kind.of(each.intensity), []).append(each)
    for kind, places in kinds.items():
        named = ", ".join(
            f"{each.name} {humanize.number(each.intensity.g_per_kwh)}"
            for each in places[:most_count]
        )
        more = len(places) - most_count
        named += f" and {humanize.count(more)} more" if more > 0 else ""
        lines.append(
            f"Not ranked, for their figures are of another kind ({kind}), in g/kWh: {named}"
        )
    return lines


def _wrap(line: str) -> Iterable[str]:
    from textwrap import wrap

    return wrap(escape.terminal(line), LONGEST_LINE, break_on_hyphens=False)


_SOFT: Final = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,inherit))"
_CELL: Final = "padding:1px 10px 1px 0;vertical-align:top;white-space:nowrap;text-align:"
_LINE: Final = '<div style="font-size:12px;' + _SOFT + '">{text}</div>'
_TITLE: Final = (
    '<th scope="col" style="position:sticky;top:0;background:var(--jp-layout-color1,Canvas);'
    + _CELL
    + "{align};"
    + _SOFT
    + ';font-weight:400">{text}</th>'
)
_ROW: Final = (
    '<tr style="background:none;font-weight:{weight}"><td style="'
    + _CELL
    + 'left"><bdi>{0}</bdi></td><td style="'
    + _CELL
    + 'right">{1}</td><td style="'
    + _CELL
    + 'right">{2}</td><td style="'
    + _CELL
    + 'right">{3}</td><td style="width:30%;padding:1px 0;vertical-align:middle">'
    '<div style="height:9px;min-width:1px;width:{percent}%;background:{colour}"></div></td></tr>'
)
_TABLE: Final = (
    '<div style="overflow:auto;max-height:420px;margin:4px 0" tabindex="0" role="region" '
    'aria-label="places, from least to most">'
    '<table style="margin:0;width:100%;border:0;border-collapse:collapse;font-size:12px">'
    '<thead style="border:0"><tr style="background:none">{titles}</tr></thead>'
    "<tbody>{rows}</tbody></table></div>"
)
