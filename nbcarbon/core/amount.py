"""Amounts as people write them: `0.5kWh`, `3.7 J`, `200 g`, `1.2 mgCO2e`."""

from __future__ import annotations

import re
from math import isfinite
from typing import Final, NamedTuple

from nbcarbon.core.units import J_PER_WH, PREFIX_STEP
from nbcarbon.errors import SettingError

_PATTERN: Final = re.compile(
    r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([µumkM]?)(Wh|J|g|t)(?:CO2e|CO₂e)?\s*"
)
_PREFIXES: Final = {"µ": -2, "u": -2, "m": -1, "": 0, "k": 1, "M": 2}


class Amount(NamedTuple):
    """Joules, or grams of CO2e: one of them is None."""

    energy_j: float | None = None
    emissions_g: float | None = None


def amount(text: str) -> Amount:
    """The amount in a text. Raises SettingError where it is none, or nothing."""
    found = _PATTERN.fullmatch(text)
    value = float("nan")
    if found:
        try:
            value = float(found[1]) * PREFIX_STEP ** _PREFIXES[found[2]]
        except (ValueError, OverflowError):
            value = float("nan")
    if found is None or not isfinite(value) or value <= 0:
        raise SettingError(
            f"{text[:40]!r} is not an amount.", hint="Write it with its unit: 0.5kWh, 3.7J or 200g."
        )
    if found[3] == "g":
        return Amount(emissions_g=value)
    if found[3] == "t":
        return Amount(emissions_g=value * PREFIX_STEP**2)
    return Amount(energy_j=value * (J_PER_WH if found[3] == "Wh" else 1.0))
