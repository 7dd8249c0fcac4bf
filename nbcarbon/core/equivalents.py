"""What an amount of energy compares to in everyday life. Energy is compared with energy, never with CO2e."""

from __future__ import annotations

from typing import Final

from nbcarbon.core import humanize
from nbcarbon.core.units import J_PER_WH

PHONE_CHARGE_J: Final = 19.0 * J_PER_WH
"""Filling a smartphone once: US EPA, Greenhouse Gas Equivalencies Calculator, 2024 edition, in energy."""

LAMP_W: Final = 10.0
"""A lamp that says its own power: no source needed."""

_LEAST_CHARGES: Final = 0.05
_FRACTIONS: Final = (
    (0.07, "a twentieth"), (0.12, "a tenth"), (0.22, "a fifth"), (0.29, "a quarter"),
    (0.41, "a third"), (0.58, "half"), (0.71, "two thirds"), (0.87, "three quarters"),
)  # fmt: skip


def equivalent(energy_j: float) -> str:
    """Joules in words: `about two thirds of a phone charge`, `about 12 s of a 10 W lamp`.

    Empty where there is nothing to compare.
    """
    if energy_j <= 0:
        return ""
    charges = energy_j / PHONE_CHARGE_J
    if charges < _LEAST_CHARGES:
        return (
            f"about {_rounded_duration(energy_j / LAMP_W)} of a {LAMP_W:.0f}{humanize.SPACE}W lamp"
        )
    for limit, words in _FRACTIONS:
        if charges < limit:
            return f"about {words} of a phone charge"
    if charges < 1.5:
        return "about one phone charge"
    return f"about {humanize.number(float(f'{charges:.2g}'))} phone charges"


def source(energy_j: float) -> str:
    """What the words of `equivalent` stand for, and who says so. Empty where there are none."""
    if energy_j <= 0:
        return ""
    if energy_j / PHONE_CHARGE_J < _LEAST_CHARGES:
        return f"a lamp of {LAMP_W:.0f}{humanize.SPACE}W uses what it says"
    return (
        f"a phone charge is {humanize.energy(PHONE_CHARGE_J)} "
        "(US EPA, Greenhouse Gas Equivalencies Calculator, 2024 edition)"
    )


def _rounded_duration(duration_s: float) -> str:
    return humanize.duration(float(f"{duration_s:.2g}"))
