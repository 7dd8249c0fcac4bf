"""`%carbon queries`: what 1,000 queries of each cell cost, among published tasks. Pure: figures in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core import escape, humanize, tasks
from nbcarbon.core.emissions import Emissions
from nbcarbon.core.energy import Energy
from nbcarbon.core.humanize import CO2E
from nbcarbon.core.per_unit import per_units
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.figures import Figures

_MANY: Final = humanize.count(tasks.QUERY_COUNT)
TITLES: Final = ("cell or task", f"{_MANY} queries", "CO₂e", "counted")
PUBLISHED: Final = (
    f"Published: {tasks.SOURCE}.",
    "Means over models, on A100 GPUs: other models and machines may be far from them.",
)


class Row(NamedTuple):
    """One line of the table. `own` where it is a cell of this session."""

    energy_j: float
    words: tuple[str, ...]
    own: bool


def rows(cells: Iterable[Figures]) -> list[Row]:
    """The session's cells and the published tasks from the least to the most; those of tokens before.

    Raises SettingError where no cell has queries or tokens.
    """
    found = {"query": [], "token": []}  # type: dict[str, list[Row]]
    for f in cells:
        for each in per_units(f):
            energy, emissions = each.energy, each.emissions
            joules = (energy.energy_j, energy.low_j, energy.high_j)
            grams = (emissions.emissions_g, emissions.low_g, emissions.high_g)
            many = Energy(*(tasks.QUERY_COUNT * value for value in joules))
            priced = Emissions(*(tasks.QUERY_COUNT * value for value in grams))
            below = f.below_resolution
            words = (
                f.name if each.unit == "query" else f"{f.name}, {_MANY} tokens",
                str(
                    humanize.energy_estimate(
                        many.energy_j, many.low_j, many.high_j, below_resolution=below
                    )
                ),
                humanize.estimate(
                    priced.emissions_g,
                    priced.low_g,
                    priced.high_g,
                    scale=CO2E,
                    below_resolution=below,
                ).headline,
                humanize.count(each.count),
            )
            found[each.unit].append(Row(many.energy_j, words, own=True))
    if not any(found.values()):
        raise SettingError(
            "No measured cell has queries or tokens.",
            hint="Write %%carbon answer --queries 1000, or call nbcarbon.note(queries=...) in the cell.",
        )
    published = [
        Row(each.energy_j, (each.name, humanize.energy(each.energy_j), "", "published"), own=False)
        for each in tasks.TASKS
    ]
    among = sorted([*found["query"], *published], key=lambda row: row.energy_j)
    return [*found["token"], *among]


def text(cells: Sequence[Figures], *, ascii: bool = False) -> str:
    """The table for a terminal, at most 100 columns wide. Raises SettingError as `rows` does."""
    from nbcarbon.notebook.card import LONGEST_LINE, columns

    found = [
        (f"* {row.words[0]}" if row.own else f"  {row.words[0]}", *row.words[1:])
        for row in rows(cells)
    ]
    table = [(f"  {TITLES[0]}", *TITLES[1:]), *found]
    plain = [[humanize.plain(escape.terminal(each), ascii=ascii) for each in row] for row in table]
    lines = columns(plain, width=LONGEST_LINE, right={3}, gap="  ")
    return humanize.plain("\n".join([*lines, "* a cell of this session", *PUBLISHED]), ascii=ascii)


def html(cells: Sequence[Figures]) -> str:
    """The table as HTML. Raises SettingError as `rows` does."""
    from nbcarbon.notebook.card import frame

    head = "".join(_TITLE.format(text=escape.html(each)) for each in TITLES)
    body = "".join(
        _ROW.format(*map(escape.html, row.words), weight=600 if row.own else 400)
        for row in rows(cells)
    )
    return frame(
        _TABLE.format(head=head, rows=body) + _LINE.format(text=escape.html(" ".join(PUBLISHED))),
        width=640,
    )


_SOFT: Final = "color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,inherit))"
_CELL: Final = "padding:2px 10px 2px 0;vertical-align:top;text-align:left"
_TITLE: Final = '<th scope="col" style="' + _CELL + ";" + _SOFT + ';font-weight:400">{text}</th>'
_ROW: Final = (
    '<tr style="background:none;font-weight:{weight}"><td style="' + _CELL + '"><bdi>{0}</bdi></td>'
    '<td style="'
    + _CELL
    + '">{1}</td><td style="'
    + _CELL
    + '">{2}</td><td style="'
    + _CELL
    + '">{3}</td></tr>'
)
_TABLE: Final = (
    '<div style="overflow-x:auto"><table style="margin:0 0 4px;width:100%;border:0;border-collapse:collapse;'
    'font-size:12px"><thead style="border:0"><tr style="background:none">{head}</tr></thead>'
    "<tbody>{rows}</tbody></table></div>"
)
_LINE: Final = '<div style="font-size:12px;' + _SOFT + '">{text}</div>'
