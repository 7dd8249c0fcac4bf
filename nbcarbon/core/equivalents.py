"""What an amount compares to in everyday life, with the source and its year. One at a time is enough.

Energy is compared with energy and CO2e with CO2e, never across: what charging a phone emits depends on
the grid as much as what a cell emits.
"""

from __future__ import annotations

from typing import Final

from nbcarbon.core import humanize
from nbcarbon.core.units import J_PER_WH, S_PER_DAY

PHONE_CHARGE_J: Final = 19.0 * J_PER_WH
PHONE_SOURCE: Final = "19 Wh, US EPA 2024"
"""Filling a smartphone once: US EPA, Greenhouse Gas Equivalencies Calculator, 2024 edition, in energy."""

CAR_G_PER_KM: Final = 244.2
CAR_SOURCE: Final = "244 g/km, US EPA 2024"
"""An average US passenger vehicle: US EPA, Greenhouse Gas Equivalencies Calculator, 2024 edition."""

LAMP_W: Final = 10.0
LAPTOP_W: Final = 30.0
"""A lamp and a laptop that say their own power: no source needed."""

M_PER_KM: Final = 1000.0

_LEAST_CHARGES: Final = 0.05
_MOST_CHARGES: Final = 20.0
_LEAST_M: Final = 0.1
_LEAST_DAYS: Final = 2.0
_FRACTIONS: Final = (
    (0.07, "a twentieth"), (0.12, "a tenth"), (0.22, "a fifth"), (0.29, "a quarter"),
    (0.41, "a third"), (0.58, "half"), (0.71, "two thirds"), (0.87, "three quarters"),
)  # fmt: skip


def equivalent(energy_j: float) -> str:
    """Joules in words: `about 12 s of a 10 W lamp`, `about two thirds of a phone charge (19 Wh, US EPA 2024)`,
    `about 13 h of a 30 W laptop`.

    Empty where there is nothing to compare.
    """
    if energy_j <= 0:
        return ""
    charges = energy_j / PHONE_CHARGE_J
    if charges < _LEAST_CHARGES:
        return f"about {_time(energy_j / LAMP_W)} of a {LAMP_W:.0f}{humanize.SPACE}W lamp"
    if charges >= _MOST_CHARGES:
        return f"about {_time(energy_j / LAPTOP_W)} of a {LAPTOP_W:.0f}{humanize.SPACE}W laptop"
    return f"about {_charges(charges)} ({PHONE_SOURCE.replace(' ', humanize.SPACE, 1)})"


def driven(emissions_g: float) -> str:
    """Grams of CO2e in words: `about 3.2 km in an average US car (244 g/km, US EPA 2024)`.

    Empty where it is less than a hand's breadth.
    """
    distance_m = emissions_g / CAR_G_PER_KM * M_PER_KM
    if distance_m < _LEAST_M:
        return ""
    rounded_m = float(f"{distance_m:.2g}")
    shown, unit = (rounded_m, "m") if rounded_m < M_PER_KM else (rounded_m / M_PER_KM, "km")
    source = CAR_SOURCE.replace(" ", humanize.SPACE, 1)
    return f"about {humanize.number(shown)}{humanize.SPACE}{unit} in an average US car ({source})"


def _charges(charges: float) -> str:
    for limit, words in _FRACTIONS:
        if charges < limit:
            return f"{words} of a phone charge"
    if charges < 1.5:
        return "one phone charge"
    return f"{_rounded(charges)} phone charges"


def _time(duration_s: float) -> str:
    days = duration_s / S_PER_DAY
    if days >= _LEAST_DAYS:
        return f"{_rounded(days)} days"
    return humanize.duration(float(f"{duration_s:.2g}"))


def _rounded(value: float) -> str:
    return humanize.number(float(f"{value:.2g}"))
