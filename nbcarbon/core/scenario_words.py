"""A calculation in words and as JSON: its figures, and every assumption they rest on. Pure."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import escape, humanize, summary
from nbcarbon.core.equivalents import driven
from nbcarbon.core.humanize import CO2E
from nbcarbon.core.plain import finite
from nbcarbon.core.units import kwh
from nbcarbon.core.wording import DOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.scenario import Assumption, Calculation

SCHEMA: Final = "nbcarbon.estimate"
SCHEMA_VERSION: Final = 1
WIDTH: Final = 100


def lines(found: Calculation) -> tuple[str, ...]:
    """A calculation in words: its figures, then what each of them rests on."""
    used = found.energy
    head = [
        found.title,
        str(humanize.energy_estimate(used.energy_j, used.low_j, used.high_j)),
        _mass(found.emissions),
    ]
    like = driven(found.emissions.emissions_g)
    rows = [
        *_plain_range(found),
        *([f"  as much CO₂e as {like}"] if like else []),
        *(f"  {line}" for line in listed(found.assumptions)),
    ]
    if found.embodied is not None:
        made, whole = _mass(found.embodied), _mass(found.total)
        rows.insert(0, f"  making the hardware adds {made}, together {whole}")
    return ("   ".join(head), *rows)


def _mass(emissions: Emissions) -> str:
    ends = (emissions.emissions_g, emissions.low_g, emissions.high_g)
    return str(humanize.estimate(*ends, scale=CO2E))


def _plain_range(found: Calculation) -> list[str]:
    """The interval where a headline says `about` and has no room for it."""
    used, emitted = found.energy, found.emissions
    shown = [
        humanize.energy_estimate(used.energy_j, used.low_j, used.high_j),
        humanize.estimate(emitted.emissions_g, emitted.low_g, emitted.high_g, scale=CO2E),
    ]
    ranges = [each.range for each in shown if each.wide and each.range]
    return [f"  range {', '.join(ranges)}"] if ranges else []


def listed(assumptions: Iterable[Assumption]) -> Iterable[str]:
    """Assumptions as an aligned list, none wider than the page."""
    rows = list(assumptions)
    width = max(len(each.name) for each in rows)
    for each in rows:
        text = escape.terminal(f"{each.value}{DOT}{each.source}")
        first, *rest = wrap(text, WIDTH - width - 5, break_on_hyphens=False) or [""]
        yield f"{each.name:<{width}}  {first}"
        yield from (f"{'':<{width}}  {line}" for line in rest)


def as_json(found: Calculation) -> dict[str, Any]:
    """A calculation as plain JSON values. `value`, with `low` and `high` of a 95 % interval."""
    used, intensity = found.energy, summary.intensity(found.intensity)
    if found.zone is None:
        kept = ("g_per_kwh", "low", "high", "source")
        intensity = {name: intensity[name] for name in kept}
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "title": found.title.replace(humanize.SPACE, " "),
        "duration_s": finite(found.duration_s),
        "energy_kwh": _ends(kwh(used.energy_j), kwh(used.low_j), kwh(used.high_j)),
        "emissions_g": _grams(found.emissions),
        "embodied_g": None if found.embodied is None else _grams(found.embodied),
        "total_g": _grams(found.total),
        "zone": None if found.zone is None else summary.zone(found.zone),
        "intensity": intensity,
        "pue": finite(found.pue),
        "assumptions": [
            {name: humanize.plain(text) for name, text in each._asdict().items()}
            for each in found.assumptions
        ],
    }


def _ends(value: float, low: float, high: float) -> dict[str, float | None]:
    return {"value": finite(value), "low": finite(low), "high": finite(high)}


def _grams(emissions: Emissions) -> dict[str, float | None]:
    return _ends(emissions.emissions_g, emissions.low_g, emissions.high_g)
