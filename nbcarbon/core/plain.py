"""Values as JSON can hold them: numbers that are no NaN, joules and grams with the ends of their interval."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.energy import Energy


def finite(value: float | None) -> float | None:
    """The value, or None where it is not a number that JSON can hold."""
    return value if value is not None and isfinite(value) else None


def energy(part: Energy) -> dict[str, float | None]:
    """Joules with the ends of their interval."""
    return {
        "energy_j": finite(part.energy_j),
        "low_j": finite(part.low_j),
        "high_j": finite(part.high_j),
    }


def emissions(part: Emissions) -> dict[str, float | None]:
    """Grams with the ends of their interval."""
    return {
        "emissions_g": finite(part.emissions_g),
        "low_g": finite(part.low_g),
        "high_g": finite(part.high_g),
    }
