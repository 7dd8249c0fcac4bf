"""The same work on another GPU: joules and seconds scaled by what is assumed, and by nothing measured.

A GPU of other rated power is taken to draw the same part of it. How much faster it is nobody can tell from
its name, so somebody has to say; all else in the machine draws its power for as long as the work takes.
"""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, NamedTuple

from nbcarbon.core.device import Kind
from nbcarbon.core.energy import Energy
from nbcarbon.core.power_model import TDP_ERROR_FRACTION

if TYPE_CHECKING:
    from collections.abc import Iterable


class Share(NamedTuple):
    """Joules of one device. `rated_w` is a GPU's, None where it is not known."""

    kind: Kind
    name: str
    energy_j: float
    rated_w: float | None = None


class Swap(NamedTuple):
    """Another GPU in place of each, with its rated power and that of the variants its name may mean."""

    name: str
    rated_w: float
    low_w: float
    high_w: float


class Moved(NamedTuple):
    """What the work would take: joules, and seconds. `gpu_ratio_fraction` is of the GPUs' power to now."""

    energy: Energy
    duration_s: float
    gpu_ratio_fraction: float


def moved(
    energy: Energy, duration_s: float, shares: Iterable[Share], swap: Swap | None, *, speed: float
) -> Moved:
    """All of it at `speed` times the speed of here, on other GPUs where there is a swap.

    `energy` is what the devices used together, and keeps its own range; the swap's is added to it, for the
    GPUs' part. Raises ValueError where a GPU of unknown rated power would have to be swapped.
    """
    parts = list(shares)
    whole_j = sum(each.energy_j for each in parts)
    gpus_j = sum(each.energy_j for each in parts if each.kind is Kind.GPU)
    if swap is None or gpus_j <= 0 or whole_j <= 0:
        scaled = Energy(energy.energy_j / speed, energy.low_j / speed, energy.high_j / speed)
        return Moved(scaled, duration_s / speed, 1.0)
    then_j = 0.0
    for each in parts:
        if each.kind is Kind.GPU and each.energy_j > 0:
            if not each.rated_w:
                raise ValueError(f"the rated power of {each.name} is not known")
            then_j += each.energy_j * swap.rated_w / each.rated_w
    factor = (whole_j - gpus_j + then_j) / whole_j / speed
    part = then_j / (whole_j - gpus_j + then_j)
    below = hypot(
        1 - energy.low_j / energy.energy_j,
        part * TDP_ERROR_FRACTION,
        part * (1 - swap.low_w / swap.rated_w),
    )
    above = hypot(
        energy.high_j / energy.energy_j - 1,
        part * TDP_ERROR_FRACTION,
        part * (swap.high_w / swap.rated_w - 1),
    )
    found_j = energy.energy_j * factor
    scaled = Energy(found_j, found_j * max(0.0, 1 - below), found_j * (1 + above))
    return Moved(scaled, duration_s / speed, then_j / gpus_j)
