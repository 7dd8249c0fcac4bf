"""The page of `nbcarbon history --html`: what all sessions used, in one file without a script.

It reads well aloud: one paragraph first, then a bar for each day, then tables. Nothing is fetched from
anywhere, and a strict policy in the page itself sees to that. Every name passes the escape.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from nbcarbon.core import across_words, humanize
from nbcarbon.core.equivalents import equivalent
from nbcarbon.core.escape import html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcarbon.core.across import Row, Sum, Table

MOST_ROWS: Final = 100
"""Of more rows those that used most are shown."""

MOST_DAYS: Final = 62
"""Of more days the newest are drawn."""

_TITLES: Final = {
    "day": "By day",
    "notebook": "By notebook",
    "zone": "By grid zone",
    "tag": "By tag",
}
_HEIGHT: Final = 120
_BAR: Final = 11


def render(tables: Sequence[Table], *, since: str, until: str) -> bytes:
    """The page of these tables, as UTF-8. All of them have the same total."""
    whole = tables[0].whole if tables else None
    if whole is None or whole.session_count == 0:
        body = "<p>No session has been recorded.</p>"
    else:
        chart = next((_days(table) for table in tables if table.by == "day"), "")
        body = _opening(whole, since, until) + chart + "".join(map(_section, tables)) + _METHOD
    return _PAGE.replace("{body}", body).encode("utf-8")


def _opening(whole: Row, since: str, until: str) -> str:
    energy, emissions = _energy(whole.sum), _mass(whole.sum)
    sessions = (
        f"{humanize.count(whole.session_count)} session{'' if whole.session_count == 1 else 's'}"
    )
    times = (
        f"From {html(since)} to {html(until)}" if until and since != until else f"On {html(since)}"
    )
    like = equivalent(whole.sum.energy.energy_j)
    as_much = f" That is as much energy as {html(like)}." if like else ""
    return (
        f"<p class=lead>{times}, {sessions} on this machine used <b>{html(energy.headline)}</b>"
        f"{_ends(energy)}, which stands for <b>{html(emissions.headline)}</b>{_ends(emissions)}.{as_much}</p>"
    )


def _ends(estimate: humanize.Estimate) -> str:
    return f" ({html(estimate.range)})" if estimate.range else ""


def _days(table: Table) -> str:
    """A bar for each day, from 0, where the calendar has it."""
    rows = table.rows()
    last = date.fromisoformat(rows[-1].key).toordinal() if rows else 0
    rows = [row for row in rows if last - date.fromisoformat(row.key).toordinal() < MOST_DAYS]
    most_j = max((row.sum.energy.energy_j for row in rows), default=0.0)
    if most_j <= 0 or len(rows) < 2:
        return ""
    first = date.fromisoformat(rows[0].key).toordinal()
    bars = []
    for row in rows:
        place = date.fromisoformat(row.key).toordinal() - first
        height = _HEIGHT * row.sum.energy.energy_j / most_j
        energy = html(humanize.energy(row.sum.energy.energy_j))
        bars.append(
            f'<rect x="{place * _BAR}" y="{_HEIGHT - height:.1f}" width="{_BAR - 2}" '
            f'height="{height:.1f}"><title>{html(row.key)}: {energy}</title></rect>'
        )
    width = (last - first + 1) * _BAR
    most = html(humanize.energy(most_j))
    return (
        f'<figure><svg viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}" role="img" '
        f'aria-label="Energy by day, at most {most}">{"".join(bars)}</svg>'
        f"<figcaption>Energy by day, {html(rows[0].key)} to {html(rows[-1].key)}; "
        f"the highest bar is {most}. Days without a session have none.</figcaption></figure>"
    )


def _section(table: Table) -> str:
    rows = table.rows()
    if table.by == "tag" and not any(row.key for row in rows):
        return ""
    shown = rows[-MOST_ROWS:] if table.by == "day" else rows[:MOST_ROWS]
    lines = "".join(_line(row, across_words.name_of(row, table.by)) for row in shown)
    left_out = len(rows) - len(shown)
    more = f"<p>{humanize.count(left_out)} more are not shown.</p>" if left_out else ""
    return (
        f"<h2>{_TITLES[table.by]}</h2><table><thead><tr><th>{table.by}</th><th class=n>sessions</th>"
        "<th class=n>cells</th><th class=n>energy</th><th class=n>range</th><th class=n>CO₂e</th>"
        f"<th class=n>range</th></tr></thead><tbody>{lines}{_line(table.whole, 'total', total=True)}"
        f"</tbody></table>{more}"
    )


def _line(row: Row, name: str, *, total: bool = False) -> str:
    energy, emissions = _energy(row.sum), _mass(row.sum)
    numbers = [
        humanize.count(row.session_count),
        humanize.count(row.cell_count),
        energy.headline,
        energy.interval,
        emissions.headline,
        emissions.interval,
    ]
    cells = "".join(f"<td class=n>{html(each)}</td>" for each in numbers)
    return f"<tr{' class=total' if total else ''}><td><bdi>{html(name)}</bdi></td>{cells}</tr>"


def _energy(found: Sum) -> humanize.Estimate:
    energy = found.energy
    return humanize.energy_estimate(energy.energy_j, energy.low_j, energy.high_j)


def _mass(found: Sum) -> humanize.Estimate:
    emissions = found.emissions
    return humanize.estimate(
        emissions.emissions_g, emissions.low_g, emissions.high_g, scale=humanize.CO2E
    )


_METHOD: Final = (
    "<h2>How this was counted</h2><p>Each session’s energy is what its sensors saw, or a model where "
    "there were none; ranges are 95 % intervals. What several sessions measured at the same time is "
    "counted once: it is divided among those that ran a cell while it was used, or among all where none "
    "did. CO₂e is energy × PUE × the carbon intensity of each session’s own grid zone; what making the hardware emitted is "
    "not in it. <code>nbcarbon report SESSION</code> shows a session in full.</p>"
)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Energy and CO₂e of notebooks on this machine</title>
<style>
:root { color-scheme: light dark; --ink: #222; --soft: #555; --line: #ccc; --bar: #0072b2; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eee; --soft: #aaa; --line: #555; --bar: #56a8d8; --page: #1b1b1b; }
}
body { margin: 2rem auto; max-width: 52rem; padding: 0 1rem; color: var(--ink); background: var(--page);
  font: 16px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.lead { font-size: 1.2rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
figure { margin: 1.5rem 0; } svg { max-width: 100%; height: auto; } rect { fill: var(--bar); }
figcaption, td:nth-child(5), td:nth-child(7) { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 400; color: var(--soft); border-bottom: 1px solid var(--line); }
.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.total td { border-top: 1px solid var(--line); font-weight: 600; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } tr { break-inside: avoid; } thead { display: table-header-group; } }
</style>
</head>
<body>
<h1>Energy and CO₂e of notebooks on this machine</h1>
{body}
</body>
</html>
"""
