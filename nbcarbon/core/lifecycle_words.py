"""What is said of a split into dynamic, idle, infrastructure and embodied: words for every sink, not escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbcarbon.core import humanize
from nbcarbon.core.humanize import CO2E, SPACE

if TYPE_CHECKING:
    from nbcarbon.core.embodied import Manufactured
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.lifecycle import Ground, Lifecycle, SessionLifecycle

IDLE_UNKNOWN: Final = "idle part not known"
MEASURE_IT: Final = "`nbcarbon baseline` measures idle power"
SAY_IT: Final = "%carbon hardware NAME says what it is"


def lines(split: SessionLifecycle) -> list[str]:
    """A session's split, and what it starts from: one line for each."""
    total, ground = split.total, split.ground
    if total.energy.high_j <= 0:
        return []
    if not ground.hardware and ground.unknown and ground.baseline_date is None:
        return [f"idle and embodied part not known: {MEASURE_IT}; {SAY_IT}", *_water_line(total)]
    shown = [f"life cycle: {'; '.join(_sum(total))}", *_idle_line(split)]
    shown += [f"embodied: {each}" for each in hardware_lines(ground)]
    return [*shown, *_water_line(total)]


def briefly(life: Lifecycle) -> list[str]:
    """The same in a few words: `62 % dynamic`, `38 % idle`, `embodied about 1.2 gCO₂e`."""
    if life.energy.high_j <= 0:
        return []
    fraction = life.idle_fraction
    idle = (
        [IDLE_UNKNOWN]
        if life.idle is None
        else []
        if fraction is None
        else [
            f"{humanize.percent(1 - fraction)} dynamic",
            f"{humanize.percent(fraction)} idle",
        ]
    )
    if life.embodied is None:
        return idle
    return [*idle, f"embodied {_embodied(life, life.embodied)}"]


def of_cell(life: Lifecycle) -> list[str]:
    """What a cell's details say of it."""
    found = [IDLE_UNKNOWN]
    if life.idle is not None:
        idle = life.idle
        shown = humanize.energy_estimate(idle.energy_j, idle.low_j, idle.high_j)
        found = [f"idle {shown.headline} of it"] if life.energy.energy_j > 0 else []
    if life.embodied is not None:
        found.append(f"embodied {_embodied(life, life.embodied)} more")
    return found


def _embodied(life: Lifecycle, embodied: Emissions) -> str:
    """Where some hardware is not known, it is more."""
    shown = _grams(embodied)
    return shown.headline if life.embodied_whole else f"at least {shown.value}"


def _sum(total: Lifecycle) -> list[str]:
    """`12.1 gCO₂e = dynamic 4 g + idle 2 g + embodied 6.1 g (1 – 12)`."""
    parts = []
    if total.dynamic_emissions is None or total.idle_emissions is None:
        parts.append(f"operational {humanize.mass(total.operational.emissions_g)}")
    else:
        parts.append(f"dynamic {humanize.mass(total.dynamic_emissions.emissions_g)}")
        parts.append(f"idle {humanize.mass(total.idle_emissions.emissions_g)}")
        if total.pue > 1:
            more = humanize.mass(total.infrastructure.emissions_g)
            parts.append(f"infrastructure {more} (PUE{SPACE}{humanize.number(total.pue)})")
    if total.embodied is None:
        return [" + ".join(parts), "embodied not known"]
    made = _grams(total.embodied)
    ends = f" ({made.interval})" if made.interval else ""
    parts.append(f"embodied {_embodied(total, total.embodied)}{ends}")
    whole = _grams(total.emissions)
    least = whole.headline if total.embodied_whole else f"at least {whole.value}"
    return [f"{least} = {' + '.join(parts)}"]


def _idle_line(split: SessionLifecycle) -> list[str]:
    total, ground = split.total, split.ground
    fraction = total.idle_fraction
    if fraction is not None:
        return [
            f"idle: {humanize.percent(fraction)} of the energy, by the baseline of {ground.baseline_date}"
        ]
    if total.idle is not None:
        return []
    if ground.baseline_date is None:
        return [f"idle: not known, {MEASURE_IT}"]
    missing = [name for key, name in ground.names.items() if key not in ground.idle]
    found = f" of {', '.join(missing)}" if missing else ""
    return [
        f"idle: not known, the baseline of {ground.baseline_date} has none{found}; {MEASURE_IT}"
    ]


def hardware_lines(ground: Ground) -> list[str]:
    """What the embodied part is of, and what of it is not known."""
    if ground.hardware is None:
        return []
    unknown = [f"{each} is not in it: {SAY_IT}" for each in ground.unknown]
    if not ground.hardware:
        return (
            [f"not known, no figure for {' and '.join(ground.unknown)}: {SAY_IT}"]
            if ground.unknown
            else []
        )
    return [*(_piece(each) for each in ground.hardware), *unknown]


def _piece(each: Manufactured) -> str:
    """`a laptop (median of 226), 236 kg (62 – 367) over 4 years, in use 20 % of them; Boavizta`."""
    made = humanize.estimate(each.emissions_g, each.low_g, each.high_g, scale=humanize.GRAMS)
    ends = f" ({made.interval})" if each.low_g < each.high_g else ""
    part = "" if each.share_fraction == 1 else f"{humanize.percent(each.share_fraction)} of "
    return (
        f"{part}{each.name}, {made.value}{ends} over {humanize.number(each.lifetime_years)} years, "
        f"in use {humanize.percent(each.utilisation)} of them; {each.source}"
    )


def _water_line(total: Lifecycle) -> list[str]:
    found = []
    if total.site_water_l is not None:
        found.append(f"{humanize.quantity(total.site_water_l, humanize.WATER)} on site")
    if total.grid_water_l is not None:
        found.append(f"{humanize.quantity(total.grid_water_l, humanize.WATER)} in power plants")
    return [f"water: {', '.join(found)}"] if found else []


def _grams(emissions: Emissions) -> humanize.Estimate:
    return humanize.estimate(emissions.emissions_g, emissions.low_g, emissions.high_g, scale=CO2E)
