"""What a cell's card and a session's table look like: in a terminal, as HTML, as JSON.

Pure functions from figures to text. Templates are constant; every name, zone, source and method
passes the escape of its sink. No script, no outside resource, nothing that moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from unicodedata import combining, east_asian_width

from nbcarbon.core import escape, humanize, lifecycle_words, plain, summary, wording
from nbcarbon.core.attribution import Rule
from nbcarbon.core.cell import Outcome
from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.humanize import CO2E, GRAMS, Estimate
from nbcarbon.core.plain import finite
from nbcarbon.core.tags import by_tag
from nbcarbon.core.wording import DOT

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.figures import CellFigures, DeviceFigure, Figures, SessionFigures
    from nbcarbon.core.live import Live

MIME: Final = "application/vnd.nbcarbon.v1+json"
LONGEST_LINE: Final = 100
MOST_ROWS: Final = 100
"""Of more cells a table shows the newest half as many, and as many of the rest that used most."""

MOST_NOTED: Final = 10
"""Of more cells that answer queries a table tells of the newest."""

WAITING: Final = "waiting for the sampler"

_INDENT: Final = " " * 8
_SHORT: Final = "*"


# Cards ---------------------------------------------------------------------------------------


def card_text(f: Figures, *, notices: Iterable[str] = (), ascii: bool = False) -> str:
    """The card of one run for a terminal, at most 100 columns wide, with `notices` below it.

    With `ascii`, nothing in it goes beyond ASCII.
    """
    inner = LONGEST_LINE - len(_INDENT)
    head = [
        f.name,
        humanize.duration(f.duration_s),
        str(wording.energy(f)),
        str(wording.emissions(f)),
    ]
    devices = [
        [
            each.name,
            wording.device_energy(each).headline,
            wording.device_power(each),
            wording.briefly(each, f.rule),
        ]
        for each in f.devices
    ]
    lines = [
        *columns([_plain(head, ascii=ascii)], width=LONGEST_LINE),
        *_wrapped([*wording.quiet(f), wording.charged(f.rule, f.own_fraction)], width=inner),
        *columns([_plain(row, ascii=ascii) for row in devices], width=inner),
        *_wrapped([*wording.ranges(f), *wording.rest(f)], width=inner),
        *(_cut(escape.terminal(each), inner) for each in wording.remarks(f.flags)),
        *(line for each in wording.noted(f) for line in _wrapped(each, width=inner)),
        *(escape.terminal(each) for each in notices),
    ]
    return humanize.plain(f"\n{_INDENT}".join(lines), ascii=ascii)


def card_html(f: Figures, *, notices: Iterable[str] = ()) -> str:
    """The card of one run as HTML: one bold line, one quiet line, notices, the rest folded."""
    return _html(card_words(f, notices=notices))


def card_json(f: Figures, *, notices: Iterable[str] = ()) -> dict[str, Any]:
    """The card of one run as plain JSON values, for front ends that draw it themselves."""
    return _json(f, card_words(f, notices=notices))


def card_words(f: Figures, *, notices: Iterable[str] = ()) -> dict[str, Any]:
    """Everything the card shows, ready to show and not yet escaped (docs/wire.md)."""
    energy, emissions = wording.energy(f), wording.emissions(f)
    return {
        "name": f.name,
        "duration": humanize.duration(f.duration_s),
        "energy": energy.headline,
        "energy_range": energy.aside,
        "emissions": emissions.headline,
        "emissions_range": emissions.aside,
        "quiet": DOT.join(wording.quiet(f)),
        "devices": [_device_words(each, f.rule) for each in f.devices],
        "rest": _folded(f),
        "notices": [*map(DOT.join, wording.noted(f)), *notices],
    }


def _device_words(device: DeviceFigure, rule: Rule) -> dict[str, str]:
    energy = wording.device_energy(device)
    return {
        "name": device.name,
        "energy": energy.headline,
        "range": energy.range,
        "power": wording.device_power(device),
        "how": ", ".join(wording.method(device, rule)),
    }


def _folded(f: Figures) -> list[str]:
    """The lines below the table of devices."""
    lines = [
        DOT.join([wording.charged(f.rule, f.own_fraction), *wording.rest(f)]),
        DOT.join(wording.ranges(f)),
        *wording.remarks(f.flags),
    ]
    return [each for each in lines if each]


def _html(words: dict[str, Any]) -> str:
    rows = "".join(
        _DEVICE.format_map({name: escape.html(text) for name, text in each.items()})
        for each in words["devices"]
    )
    return _FRAME.format(
        width=640,
        head=_HEAD.format(
            name=escape.html(words["name"]),
            duration=escape.html(words["duration"]),
            energy=_value_html(words["energy"], words["energy_range"]),
            emissions=_value_html(words["emissions"], words["emissions_range"]),
        ),
        body=_DETAILS.format(
            quiet=escape.html(words["quiet"]),
            table=_DEVICES.format(rows=rows) if rows else "",
            rest=_lines_html(words["rest"]),
        )
        + _lines_html(words["notices"]),
    )


def _json(f: Figures, words: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "nbcarbon.card",
        "schema_version": 1,
        **summary.cell(f),
        "mean_power_w": finite(f.mean_power_w),
        "own_fraction": finite(f.own_fraction),
        "attribution": str(f.rule),
        "other_energy": plain.energy(f.other_energy),
        "zone": summary.zone(f.zone),
        "intensity": summary.intensity(f.intensity),
        "pue": finite(f.pue),
        "text": words,
    }


def bundle(f: Figures, *, notices: Sequence[str] = (), ascii: bool = False) -> dict[str, Any]:
    """One output with all three: each front end takes the richest it knows."""
    words = card_words(f, notices=notices)
    return {
        "text/plain": card_text(f, notices=notices, ascii=ascii),
        "text/html": _html(words),
        MIME: _json(f, words),
    }


def brief(f: Figures) -> str:
    """One run in a few words, for a line of progress."""
    parts = [
        humanize.duration(f.duration_s),
        wording.energy(f).headline,
        wording.emissions(f).headline,
    ]
    return "   ".join([*parts, *([str(f.outcome)] if f.outcome is not Outcome.OK else [])])


def waiting_text(name: str, duration_s: float, *, ascii: bool = False) -> str:
    """What stands in a card's place until the sampler has answered."""
    parts = [name, humanize.duration(duration_s), WAITING]
    return columns([_plain(parts, ascii=ascii)], width=LONGEST_LINE)[0]


def waiting_html(name: str, duration_s: float) -> str:
    """What stands in a card's place until the sampler has answered, as HTML."""
    return _FRAME.format(
        width=640,
        head=_WAITING_HEAD.format(
            name=escape.html(name), duration=escape.html(humanize.duration(duration_s))
        ),
        body=_LINE.format(text=WAITING),
    )


def waiting_bundle(name: str, duration_s: float) -> dict[str, Any]:
    return {
        "text/plain": waiting_text(name, duration_s),
        "text/html": waiting_html(name, duration_s),
    }


def progress_text(name: str, run_s: float, now: Live, *, ascii: bool = False) -> str:
    """A cell that still runs, in one line for a terminal."""
    return columns([_plain([name, *_so_far(run_s, now)], ascii=ascii)], width=LONGEST_LINE)[0]


def progress_bundle(name: str, run_s: float, now: Live) -> dict[str, Any]:
    """The same for a front end."""
    parts = [escape.html(each) for each in _so_far(run_s, now)]
    head = _WAITING_HEAD.format(name=escape.html(name), duration=DOT.join(parts))
    return {
        "text/plain": progress_text(name, run_s, now),
        "text/html": _FRAME.format(width=640, head=head, body=""),
    }


def said_text(text: str, *, ascii: bool = False) -> str:
    """A sentence of ours below a cell that runs, for a terminal."""
    return f"nbcarbon: {_plain([text], ascii=ascii)[0]}"


def said_bundle(text: str) -> dict[str, Any]:
    """The same for a front end."""
    return {
        "text/plain": said_text(text),
        "text/html": _FRAME.format(width=640, head="", body=_LINE.format(text=escape.html(text))),
    }


def _so_far(run_s: float, now: Live) -> list[str]:
    used = now.running_energy
    energy = humanize.energy_estimate(used.energy_j, used.low_j, used.high_j)
    emissions = now.running_emissions
    grams = humanize.estimate(emissions.emissions_g, emissions.low_g, emissions.high_g, scale=CO2E)
    return [
        humanize.duration(float(round(run_s))),
        *([humanize.power(now.power_w)] if now.power_w is not None else []),
        f"{energy.headline} so far",
        grams.headline,
    ]


# The session's table -----------------------------------------------------------------------------


def report_text(f: SessionFigures, *, ascii: bool = False, width: int = LONGEST_LINE) -> str:
    """The table of a session for a terminal, no line wider than `width` (60 or more).

    Where it would be wider, names give way first, then what is said in the last column.
    """
    cells = f.cells.notable(MOST_ROWS)
    rows = _rows(f, cells)
    written = (
        ["cell", *(f"  {row.name}" if row.nested else row.name for row in rows)],
        ["duration", *(row.duration for row in rows)],
        _aligned([("energy", "range"), *(_pair(row.energy) for row in rows)]),
        _aligned([("CO₂e", "range"), *(_pair(row.emissions) for row in rows)]),
        ["how", *(row.how for row in rows)],
    )
    head, *body, total = columns(
        [_plain(row, ascii=ascii) for row in zip(*written, strict=True)],
        right={1},
        gap="  ",
        width=width,
    )
    rule = "-" * max(map(_width, (head, *body, total)))
    below = [
        *_wrapped(_terms(f), width=width),
        *(line for each in _made_of(f) for line in _folded_text(each, width=width)),
        *(
            _cut(each, width)
            for each in [*map(escape.terminal, _notes(f, cells)), *_legend(f, cells)]
        ),
    ]
    return humanize.plain("\n".join([head, rule, *body, rule, total, *below]), ascii=ascii)


def report_html(f: SessionFigures) -> str:
    """The table of a session as HTML."""
    cells = f.cells.notable(MOST_ROWS)
    rows = "".join(
        _ROW.format(
            name=escape.html(row.name),
            indent=16 if row.nested else 0,
            weight=600 if row.total else 400,
            line="1px solid var(--jp-border-color2, #8888)" if row.total else "0",
            duration=escape.html(row.duration),
            energy=escape.html(row.energy.headline),
            energy_range=escape.html(row.energy.interval),
            emissions=escape.html(row.emissions.headline),
            emissions_range=escape.html(row.emissions.interval),
            how=escape.html(", ".join([row.how, *([f"#{row.tag}"] if row.tag else [])])),
        )
        for row in _rows(f, cells)
    )
    titles = "".join(
        _TITLE.format(text=escape.html(title), align="right" if 0 < position < 6 else "left")
        for position, title in enumerate(_TITLES)
    )
    lines = [DOT.join(_terms(f)), *_made_of(f), *_notes(f, cells), *_legend(f, cells)]
    return _FRAME.format(
        width=860,
        head="",
        body=_TABLE.format(
            titles=titles,
            rows=rows,
            lines=_lines_html(lines),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table, written but not yet escaped."""

    name: str
    duration: str
    energy: Estimate
    emissions: Estimate
    how: str
    nested: bool = False
    total: bool = False
    tag: str = ""


_TITLES: Final = ("cell", "duration", "energy", "range", "CO₂e", "range", "how")


def _rows(f: SessionFigures, cells: CellFigures) -> list[_Row]:
    """Cells, then what is no cell's, then the total of all but other people's."""
    rows = [_cell_row(each) for each in cells if not each.is_batch]
    if len(cells) < len(f.cells):
        rows.append(_more_row(f, cells))
    parts = {
        "front end": f.front_end,
        "background": f.background,
        "between cells": f.between_cells,
        "others, not added": f.others,
    }
    rows += [_part_row(f, name, part) for name, part in parts.items() if part.high_j > 0]
    known = humanize.known(measured_fraction=f.measured_fraction) if f.coverage_fraction else ""
    energy = humanize.energy_estimate(f.energy.energy_j, f.energy.low_j, f.energy.high_j)
    return [
        *rows,
        _Row(
            "total", humanize.duration(f.duration_s), energy, _grams(f.emissions), known, total=True
        ),
    ]


def _cell_row(f: Figures) -> _Row:
    outcome = [] if f.outcome is Outcome.OK else [str(f.outcome).replace("_", " ")]
    known = [each + _SHORT * f.below_resolution for each in wording.known(f)[:1]]
    return _Row(
        f.name if f.run_count == 1 else f"{f.name} × {f.run_count}",
        humanize.duration(f.duration_s),
        wording.energy(f),
        wording.emissions(f, GRAMS),
        ", ".join([*outcome, *known, *f.flags]),
        nested=f.parent_index is not None,
        tag=f.notes.tag,
    )


def _more_row(f: SessionFigures, cells: CellFigures) -> _Row:
    """What the cells used that the table has no room for, as unsure as all of them are together."""
    whole = f.cells_energy
    energy_j = max(0.0, whole.energy_j - sum(each.energy_j for each in cells))
    part = energy_j / whole.energy_j if whole.energy_j > 0 else 0.0
    count = len(f.cells) - len(cells)
    name = f"{humanize.count(count)} more"
    return _part_row(f, name, Energy(energy_j, part * whole.low_j, part * whole.high_j))


def _part_row(f: SessionFigures, name: str, part: Energy) -> _Row:
    energy = humanize.energy_estimate(part.energy_j, part.low_j, part.high_j)
    return _Row(
        name, "", energy, _grams(operational(part, pue=f.pue, intensity=f.intensity)), how=""
    )


def _grams(emissions: Emissions) -> Estimate:
    return humanize.estimate(emissions.emissions_g, emissions.low_g, emissions.high_g, scale=GRAMS)


def _terms(f: SessionFigures) -> list[str]:
    """What all rows have in common."""
    seen = f.coverage_fraction
    return [
        wording.place(f.zone, f.intensity),
        "whole machine" if f.rule is Rule.MACHINE else "this notebook's share",
        *([wording.calibrated(f.calibration, f.calibrated_fraction)] if f.calibration else []),
        *([f"coverage {humanize.percent(seen)}"] if f.cells and seen < 1 else []),
        f"PUE{humanize.SPACE}{humanize.number(f.pue)}",
        f"intensity from {f.intensity.source}",
    ]


def _notes(f: SessionFigures, cells: CellFigures) -> list[str]:
    """What follows from what the user said of cells: sums by tag, what 1,000 queries cost."""
    counted = [each for each in cells if each.notes.query_count or each.notes.token_count]
    lines = [line for each in counted[-MOST_NOTED:] for line in wording.per_thousand(each)]
    return [*map(wording.tagged, by_tag(f)), *lines]


def _made_of(f: SessionFigures) -> list[str]:
    """The split into dynamic, idle and embodied."""
    return [] if f.lifecycle is None else lifecycle_words.lines(f.lifecycle)


def _legend(f: SessionFigures, cells: CellFigures) -> list[str]:
    """A line for each mark in the table that needs one."""
    flags = dict.fromkeys(flag for each in cells for flag in each.flags)
    nested = any(each.parent_index is not None and not each.is_batch for each in cells)
    lines = ["An indented row is part of the row above it."] if nested else []
    if len(cells) < len(f.cells):
        newest = humanize.count(MOST_ROWS // 2)
        lines.append(
            f"shown: the newest {newest} cells, and the {newest} that used most of the others"
        )
    if any(each.below_resolution for each in cells):
        lines.append(f"{_SHORT} too short for its sensors to resolve: only the range is known")
    return lines + wording.remarks(flags)


# Laying out a terminal -----------------------------------------------------------------------


def _plain(row: Iterable[str], *, ascii: bool) -> list[str]:
    """One row of cells as a terminal may show them."""
    return [humanize.plain(escape.terminal(text), ascii=ascii) for text in row]


def _pair(shown: Estimate) -> tuple[str, str]:
    """What a table has room for: the value and always its range, even where it is `about`."""
    return shown.headline, shown.interval


def _aligned(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Values to the right of their column, ranges behind them; a lone text may use both columns."""
    widest = max(_width(value) for value, aside in pairs if aside)
    return [
        _padded(value, widest, right=True) + (f" ({aside})" if aside else "")
        for value, aside in pairs
    ]


def columns(
    rows: Sequence[Sequence[str]], *, width: int, right: Container[int] = (), gap: str = "   "
) -> list[str]:
    """Rows as aligned lines, none wider than `width`: the first and last columns give way."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for place, least in ((0, 14), (-1, 14), (0, 8)):
        if widths:
            excess = sum(widths) + len(gap) * (len(widths) - 1) - width
            widths[place] -= max(0, min(excess, widths[place] - least))
    lines = []
    for row in rows:
        cells = [
            _padded(_cut(text, size), size, right=place in right)
            for place, (text, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_cut(gap.join(cells).rstrip(), width))
    return lines


def _wrapped(parts: Iterable[str], *, width: int) -> list[str]:
    """Parts joined by dots, on as many lines as they need."""
    lines: list[str] = []
    for part in map(escape.terminal, parts):
        if lines and _width(lines[-1] + DOT + part) <= width:
            lines[-1] += DOT + part
        else:
            lines.append(_cut(part, width))
    return lines


def _folded_text(text: str, *, width: int) -> list[str]:
    """A sentence on as many lines as it needs, all but the first one indented."""
    lines: list[str] = []
    for word in escape.terminal(text).split(" "):
        if lines and _width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(_cut(f"  {word}" if lines else word, width))
    return lines


_NARROW: Final = dict.fromkeys(map(ord, "–·−µ₂…" + humanize.SPACE + humanize.THIN_SPACE), "x")
"""What our own figures hold beyond ASCII: one column each."""


def _width(text: str) -> int:
    """Columns a text takes: two for a wide character, none for an accent on the one before."""
    if text.isascii() or text.translate(_NARROW).isascii():
        return len(text)
    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _cut(text: str, width: int) -> str:
    """The text, or its beginning and an ellipsis where it is wider than `width`."""
    if _width(text) <= width:
        return text
    kept = text[: 10 * width]  # nobody's name is that long, but a loop over a million letters is
    while _width(kept) >= width:
        kept = kept[:-1]
    return kept.rstrip() + escape.ELLIPSIS


# Templates: constant. Names of JupyterLab's own variables, with what to use where it is not there.

_INK = "color:var(--jp-ui-font-color1,inherit)"
_SOFT = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,inherit));font-weight:400"
_LINE_COLOUR = "var(--jp-border-color2,#8886)"
_NUMBER = "padding:2px 10px 2px 0;text-align:right;vertical-align:top;white-space:nowrap"
_WORDS = "padding:2px 10px 2px 0;text-align:left;vertical-align:top;overflow-wrap:break-word"
_PLAIN_ROW = "background:none"

# MathJax, which Jupyter runs over HTML output, must leave names with a dollar in them alone.
_FRAME: Final = (
    '<div class="nbcarbon mathjax_ignore tex2jax_ignore" style="box-sizing:border-box;'
    "max-width:{width}px;margin:4px 0;padding:8px 12px;border:1px solid " + _LINE_COLOUR + ";"
    "border-left:3px solid #0072b2;border-radius:3px;background:var(--jp-layout-color1,transparent);"
    + _INK
    + ";font:13px/1.45 var(--jp-ui-font-family,system-ui,sans-serif);"
    'font-variant-numeric:tabular-nums;overflow-wrap:break-word">{head}{body}</div>'
)
_NAME: Final = (
    '<bdi style="display:inline-block;max-width:calc(100% - 1.5em);overflow:hidden;text-overflow:ellipsis;'
    'white-space:nowrap;vertical-align:bottom" title="{name}">{name}</bdi>'
)
_HEAD: Final = (
    '<div style="font-weight:600">'
    + _NAME
    + DOT
    + "{duration}"
    + DOT
    + "{energy}"
    + DOT
    + "{emissions}</div>"
)
_WAITING_HEAD: Final = '<div style="font-weight:600">' + _NAME + DOT + "{duration}</div>"
_VALUE: Final = '<span style="white-space:nowrap">{value}</span>'
_VALUE_ASIDE: Final = (
    '<span style="white-space:nowrap">{value} <span style="font-size:12px;' + _SOFT + '">{aside}'
    "</span></span>"
)
_DETAILS: Final = (
    '<details><summary style="cursor:pointer;font-size:12px;' + _SOFT + '">{quiet}</summary>'
    "{table}{rest}</details>"
)
_DEVICES: Final = (
    '<table style="margin:6px 0 2px;width:100%;border:0;border-collapse:collapse;table-layout:auto;font-size:12px;'
    + _INK + '"><thead style="border:0"><tr style="' + _PLAIN_ROW + '">'
    '<th scope="col" style="' + _WORDS + ";" + _SOFT + '">device</th>'
    '<th scope="col" style="' + _NUMBER + ";" + _SOFT + '">energy</th>'
    '<th scope="col" style="' + _NUMBER + ";" + _SOFT + ';white-space:normal">mean power</th>'
    '<th scope="col" style="' + _WORDS + ";" + _SOFT + '">how</th>'
    "</tr></thead><tbody>{rows}</tbody></table>"
)  # fmt: skip
_DEVICE: Final = (
    '<tr style="' + _PLAIN_ROW + '"><td style="' + _WORDS + '"><bdi>{name}</bdi></td>'
    '<td style="' + _NUMBER + '" title="{range}">{energy}</td>'
    '<td style="' + _NUMBER + '">{power}</td><td style="' + _WORDS + '">{how}</td></tr>'
)
_LINE: Final = '<div style="font-size:12px;' + _SOFT + '">{text}</div>'
_TABLE: Final = (
    '<div style="overflow-x:auto"><table style="margin:0 0 6px;width:100%;border:0;'
    "border-collapse:collapse;table-layout:auto;font-size:12px;" + _INK + '">'
    '<thead style="border:0"><tr style="' + _PLAIN_ROW + '">{titles}</tr></thead>'
    "<tbody>{rows}</tbody></table></div>{lines}"
)
_TITLE: Final = (
    '<th scope="col" style="padding:2px 10px 2px 0;text-align:{align};' + _SOFT + '">{text}</th>'
)
_ROW: Final = (
    '<tr style="' + _PLAIN_ROW + ';font-weight:{weight};border-top:{line}">'
    '<td style="' + _WORDS + ';min-width:6em;padding-left:{indent}px"><bdi>{name}</bdi></td>'
    '<td style="' + _NUMBER + '">{duration}</td>'
    '<td style="' + _NUMBER + '">{energy}</td>'
    '<td style="' + _NUMBER + ";" + _SOFT + '">{energy_range}</td>'
    '<td style="' + _NUMBER + '">{emissions}</td>'
    '<td style="' + _NUMBER + ";" + _SOFT + '">{emissions_range}</td>'
    '<td style="' + _WORDS + ";" + _SOFT + '">{how}</td></tr>'
)


def frame(body: str, *, width: int) -> str:
    """Markup of ours in the frame of a card."""
    return _FRAME.format(width=width, head="", body=body)


def _value_html(value: str, aside: str) -> str:
    template = _VALUE_ASIDE if aside else _VALUE
    return template.format(value=escape.html(value), aside=escape.html(aside))


def _lines_html(lines: Iterable[str]) -> str:
    return "".join(_LINE.format(text=escape.html(each)) for each in lines)
