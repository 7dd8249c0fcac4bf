"""What cards, tables, badges and the panel say of a run: words that every sink shares, not yet escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbcarbon.core import humanize, lifecycle_words, tasks
from nbcarbon.core.attribution import Rule
from nbcarbon.core.budget import card_words
from nbcarbon.core.cell import Outcome
from nbcarbon.core.device import Provenance
from nbcarbon.core.humanize import CO2E, Estimate
from nbcarbon.core.per_unit import per_units

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.figures import DeviceFigure, Figures
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.per_unit import PerUnit
    from nbcarbon.core.repeats import Repeats
    from nbcarbon.core.tags import TagSum

DOT: Final = f"{humanize.SPACE}· "
"""Between the parts of a line: it may break behind the dot, never before."""

_MANY: Final = humanize.count(tasks.QUERY_COUNT)
_PLURALS: Final = {"query": "queries", "token": "tokens"}

_NEARLY_ALL: Final = 0.9999

_OUTCOMES: Final = {
    Outcome.ERROR: "ended in an error",
    Outcome.INTERRUPTED: "interrupted",
    Outcome.KERNEL_DIED: "kernel died",
    Outcome.UNCLOSED: "end not seen",
}
_FLAGS: Final = {
    "unsynced": "unsynced: GPU work may still have been queued when the cell ended",
    "overlap": "overlap: ran beside another cell, their common time is divided",
    "thread": "thread: no sampler process could be started, readings may be late",
}


def energy(f: Figures) -> Estimate:
    return humanize.energy_estimate(
        f.energy_j,
        f.low_j,
        f.high_j,
        coverage_fraction=f.coverage_fraction,
        below_resolution=f.below_resolution,
    )


def emissions(f: Figures, scale: humanize.Scale = CO2E) -> Estimate:
    return humanize.estimate(
        f.emissions_g,
        f.low_g,
        f.high_g,
        scale=scale,
        coverage_fraction=f.coverage_fraction,
        below_resolution=f.below_resolution,
    )


def device_energy(device: DeviceFigure) -> Estimate:
    return humanize.energy_estimate(
        device.energy_j,
        device.low_j,
        device.high_j,
        coverage_fraction=device.coverage_fraction,
        below_resolution=device.below_resolution,
    )


def device_power(device: DeviceFigure) -> str:
    """Mean power, or nothing where the run was too short to have one."""
    if device.mean_power_w is None or device.below_resolution:
        return ""
    return humanize.power(device.mean_power_w)


def known(f: Figures) -> list[str]:
    """How the joules came to be known, in a word or two."""
    known = humanize.known(measured_fraction=f.measured_fraction, reported=f.reported)
    words = [known] if f.coverage_fraction > 0 else []
    return [*words, "below resolution"] if f.below_resolution else words


def place(zone: Zone, intensity: Intensity) -> str:
    return humanize.place(
        None if zone.id is None else zone.name,
        intensity.g_per_kwh,
        year=intensity.year,
        scope=str(intensity.scope),
        basis=str(intensity.basis),
        fallback=intensity.fallback,
    )


def charged(rule: Rule, own_fraction: float | None) -> str:
    """Who is charged, and how much of the machine's work was this notebook's own."""
    if own_fraction is None:
        unknown = "" if rule is Rule.MACHINE else ", this notebook's share is not known"
        return f"whole machine{unknown}"
    share = humanize.percent(own_fraction)
    if rule is Rule.MACHINE:
        return f"whole machine, own share {share}"
    return f"this notebook's share, {share} of the machine"


def calibrated(calibration: Calibration, fraction: float = 1.0) -> str:
    """What the joules were calibrated against, and how many of them where that is not all."""
    part = "" if fraction >= _NEARLY_ALL else f"{humanize.percent(fraction)} "
    return f"{part}calibrated against a wall meter on {calibration.date}"


def quiet(f: Figures) -> list[str]:
    """The line below the bold one, in parts."""
    outcome = [_OUTCOMES[f.outcome]] if f.outcome in _OUTCOMES else []
    at_wall = [] if f.calibration is None else [calibrated(f.calibration)]
    return [*outcome, *known(f), *at_wall, place(f.zone, f.intensity)]


def repeated(each: Repeats) -> str:
    """What one of many runs cost: `each of 200 runs: 1.2 mWh (1.1 – 1.3) · 37 µgCO₂e · 10.5 ms`."""
    energy, emissions = each.energy, each.emissions
    parts = [
        f"each of {humanize.number(each.run_count)} runs: "
        + str(humanize.energy_estimate(energy.energy_j, energy.low_j, energy.high_j)),
        str(
            humanize.estimate(emissions.emissions_g, emissions.low_g, emissions.high_g, scale=CO2E)
        ),
        humanize.duration(each.duration_s),
    ]
    if each.spread_fraction is not None:
        spread = humanize.percent(each.spread_fraction)
        parts.append(f"spread {spread} between {each.batch_count} batches")
    return DOT.join(parts)


def tagged(each: TagSum) -> str:
    """What the cells of one tag used: `tag training: 3 cells · 1.2 Wh (1.1 – 1.3) · 37 mgCO₂e · 58 % of all cells`."""
    energy, emissions = each.energy, each.emissions
    cells = f"{humanize.count(each.cell_count)} cell{'' if each.cell_count == 1 else 's'}"
    parts = [
        f"{f'tag {each.tag}' if each.tag else 'no tag'}: {cells}",
        str(humanize.energy_estimate(energy.energy_j, energy.low_j, energy.high_j)),
        str(
            humanize.estimate(emissions.emissions_g, emissions.low_g, emissions.high_g, scale=CO2E)
        ),
    ]
    if each.cells_fraction is not None:
        parts.append(f"{humanize.percent(each.cells_fraction)} of all cells")
    return DOT.join(parts)


def noted(f: Figures) -> list[list[str]]:
    """What the user said of a run and what follows from it: its score, what a query cost. Lines, in parts."""
    lines = []
    if f.notes.score is not None:
        lines.append([f"score {score(f.notes.score, f.notes.score_unit)}"])
    budget = card_words(f.notes.budget, f.energy_j, f.emissions_g)
    if budget:
        lines.append([budget])
    for each in per_units(f):
        plural = _PLURALS[each.unit]
        one = (
            f"each of {humanize.count(each.count)} {plural}: "
            if each.count > 1
            else f"one {each.unit}: "
        )
        lines.append(_unit_words(f, each, one, 1))
        lines.append(_unit_words(f, each, f"{_MANY} {plural}: ", tasks.QUERY_COUNT))
        if each.unit == "query":
            lines.append(published(each.energy.energy_j * tasks.QUERY_COUNT))
    return lines


def per_thousand(f: Figures) -> list[str]:
    """What 1,000 queries or tokens of a run cost, one line each."""
    return [
        DOT.join(
            _unit_words(f, each, f"{f.name}: {_MANY} {_PLURALS[each.unit]} ", tasks.QUERY_COUNT)
        )
        for each in per_units(f)
    ]


def _unit_words(f: Figures, each: PerUnit, head: str, times: int) -> list[str]:
    energy, emissions = each.energy, each.emissions
    joules = (energy.energy_j, energy.low_j, energy.high_j)
    grams = (emissions.emissions_g, emissions.low_g, emissions.high_g)
    below = f.below_resolution
    return [
        head + str(humanize.energy_estimate(*(times * j for j in joules), below_resolution=below)),
        str(humanize.estimate(*(times * g for g in grams), scale=CO2E, below_resolution=below)),
    ]


def score(value: float, unit: str) -> str:
    """A score as the user gave it, in its unit: `0.912 accuracy`."""
    text = f"{value:.{4 if abs(value) < 1000 else 6}g}".replace("-", "−")
    return f"{text}{humanize.SPACE}{unit}" if unit else text


def score_title(unit: str) -> str:
    """What stands above scores."""
    return unit or "score"


def published(energy_j: float) -> list[str]:
    """The published tasks that cost a little less and a little more per 1,000 queries, in parts."""
    found = [
        f"{each.name} {humanize.energy(each.energy_j)}"
        for each in tasks.beside(energy_j)
        if each is not None
    ]
    return [f"published for {_MANY} queries: {found[0]}", *found[1:], tasks.SOURCE]


def rest(f: Figures) -> list[str]:
    """What else there is to know, in parts; the other rule's figure among it."""
    parts = []
    if f.mean_power_w is not None and not f.below_resolution:
        parts.append(f"mean power {humanize.power(f.mean_power_w)}")
    if f.own_fraction is not None:
        other = "own share" if f.rule is Rule.MACHINE else "whole machine"
        parts.append(f"{other} {humanize.energy(f.other_energy.energy_j)}")
    if f.calibration is not None:
        by_devices_j = sum(each.energy_j for each in f.devices if each.counted)
        parts.append(f"by its devices alone {humanize.energy(by_devices_j)}")
    if f.lifecycle is not None and f.coverage_fraction > 0:
        parts += lifecycle_words.of_cell(f.lifecycle)
    return [
        *parts,
        f"coverage {humanize.percent(f.coverage_fraction)}",
        f"PUE{humanize.SPACE}{humanize.number(f.pue)}",
        f"intensity from {f.intensity.source}",
    ]


def ranges(f: Figures) -> list[str]:
    """The intervals that `about` stands for, as one part."""
    ranges = [each.range for each in (energy(f), emissions(f)) if each.wide]
    return [f"range {', '.join(ranges)}"] if ranges else []


def remarks(flags: Iterable[str]) -> list[str]:
    return [_FLAGS.get(flag, flag) for flag in flags]


def method(device: DeviceFigure, rule: Rule) -> list[str]:
    """How a device's joules came to be known, and what limits them."""
    method = [device.method] if device.method else []
    return [provenance(device), *method, *limits(device, rule)]


def briefly(device: DeviceFigure, rule: Rule) -> str:
    """The same in few words: a model's name says little to who reads a terminal."""
    said = device.method and device.provenance is not Provenance.MODELLED
    known = f"{provenance(device)} ({device.method})" if said else provenance(device)
    return ", ".join([known, *limits(device, rule)])


def provenance(device: DeviceFigure) -> str:
    return str(device.provenance) if device.coverage_fraction > 0 else "no reading"


def limits(device: DeviceFigure, rule: Rule) -> list[str]:
    limits = ["below resolution"] if device.below_resolution else []
    if not device.counted:
        limits.append("part of another row")
    if 0 < device.coverage_fraction < 1:
        limits.append(f"coverage {humanize.percent(device.coverage_fraction)}")
    if rule is Rule.SHARE and device.own_fraction is None:
        limits.append("charged whole")
    return limits
