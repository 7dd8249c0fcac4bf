"""The few constants that turn one unit into another; no other module multiplies by 1000."""

from __future__ import annotations

from typing import Final

J_PER_WH: Final = 3600.0
WH_PER_KWH: Final = 1000.0
J_PER_KWH: Final = J_PER_WH * WH_PER_KWH
J_PER_MJ: Final = 1e-3
"""Joules in a millijoule, the unit of the NVML energy counter."""
J_PER_UJ: Final = 1e-6
"""Joules in a microjoule, the unit of Linux powercap files."""
W_PER_MW: Final = 1e-3
"""Watts in a milliwatt, the unit of NVML power."""
W_PER_KW: Final = 1e3
"""Some wall meters write kilowatts."""
PREFIX_STEP: Final = 1000.0
"""From one unit prefix to the next: milli, none, kilo, mega."""
S_PER_MS: Final = 1e-3
S_PER_MIN: Final = 60.0
MIN_PER_H: Final = 60
S_PER_H: Final = S_PER_MIN * MIN_PER_H
S_PER_NS: Final = 1e-9
S_PER_US: Final = 1e-6
S_PER_DAY: Final = 86_400.0
S_PER_YEAR: Final = 365 * S_PER_DAY
"""A year of 8760 hours, as embodied emissions are spread over."""
G_PER_KG: Final = 1000.0
BYTES_PER_GB: Final = 1e9
"""Memory models are fitted per decimal gigabyte."""


def kwh(energy_j: float) -> float:
    """Joules as kilowatt-hours."""
    return energy_j / J_PER_KWH
