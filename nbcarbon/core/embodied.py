"""What making hardware emitted, and the part of it that some time of using it stands for.

    share = manufacturing figure * time / (lifetime * utilisation)

as BLOOM's training was accounted (Luccioni, Viguier and Ligozat 2023). All but the time is an assumption,
so the interval is wide, and says so: the figure's own, the lifetime's and the utilisation's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, isfinite
from typing import TYPE_CHECKING

from nbcarbon.core.emissions import Emissions
from nbcarbon.core.units import S_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Manufactured:
    """One piece of hardware: grams of CO2e that making it emitted, and how they are spread.

    `device_id` is the measured device that it is, None for what stands around them. `lifetime_years`
    and `utilisation` (the part of them in which it does anybody's work) each have half of a 95 %
    interval, 0 where somebody set them. `share_fraction` is the part of it that is this machine's.

    Raises ValueError where the numbers cannot be such: it comes out of files.
    """

    name: str
    device_id: str | None
    emissions_g: float
    low_g: float
    high_g: float
    lifetime_years: float
    lifetime_error_fraction: float
    utilisation: float
    utilisation_error_fraction: float
    share_fraction: float
    source: str

    def __post_init__(self) -> None:
        errors = (self.lifetime_error_fraction, self.utilisation_error_fraction)
        if not (
            0 <= self.low_g <= self.emissions_g <= self.high_g
            and all(isfinite(each) for each in (self.high_g, self.lifetime_years))
            and self.lifetime_years > 0
            and 0 < self.utilisation <= 1
            and 0 <= self.share_fraction <= 1
            and all(0 <= each < 1 for each in errors)
        ):
            raise ValueError("not a piece of hardware's embodied emissions")

    def emissions(self, duration_s: float) -> Emissions:
        """The part that so many seconds of using it stand for."""
        used_s = self.lifetime_years * S_PER_YEAR * self.utilisation
        emissions_g = self.emissions_g * self.share_fraction * duration_s / used_s
        if emissions_g <= 0:
            return Emissions()
        errors = (self.lifetime_error_fraction, self.utilisation_error_fraction)
        below = hypot(1 - self.low_g / self.emissions_g, *(1 - 1 / (1 + error) for error in errors))
        above = hypot(
            self.high_g / self.emissions_g - 1, *(1 / (1 - error) - 1 for error in errors)
        )
        return Emissions(emissions_g, emissions_g * max(0.0, 1 - below), emissions_g * (1 + above))


def embodied(hardware: Iterable[Manufactured], duration_s: float) -> Emissions:
    """The same of several pieces together. The same assumptions err alike: ends add."""
    found = [each.emissions(duration_s) for each in hardware]
    return Emissions(
        sum(each.emissions_g for each in found),
        sum(each.low_g for each in found),
        sum(each.high_g for each in found),
    )
