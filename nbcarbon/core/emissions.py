"""Operational emissions: energy times PUE times intensity. Always derived, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

from nbcarbon.core.units import kwh

if TYPE_CHECKING:
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.intensity import Intensity


@dataclass(frozen=True, slots=True)
class Emissions:
    """Grams of CO2e with the ends of their 95 % interval."""

    emissions_g: float = 0.0
    low_g: float = 0.0
    high_g: float = 0.0


def operational(energy: Energy, *, pue: float, intensity: Intensity) -> Emissions:
    """Price joules. What is unsure of the energy and of the grid is independent: in quadrature."""
    emissions_g = kwh(energy.energy_j) * pue * intensity.g_per_kwh
    if energy.energy_j <= 0 or intensity.g_per_kwh <= 0:
        return Emissions(0.0, 0.0, kwh(energy.high_j) * pue * intensity.high_g_per_kwh)
    below = hypot(
        1 - energy.low_j / energy.energy_j, 1 - intensity.low_g_per_kwh / intensity.g_per_kwh
    )
    above = hypot(
        energy.high_j / energy.energy_j - 1, intensity.high_g_per_kwh / intensity.g_per_kwh - 1
    )
    return Emissions(emissions_g, max(0.0, emissions_g * (1 - below)), emissions_g * (1 + above))
