"""What hardware would use that nobody has measured yet: rated power, how much of it is drawn, hours.

The calculators' job (ML CO2 Impact, Green Algorithms), with a range. Rated power (TDP) is what a part can
draw for long, not what it draws: most work draws less, so every figure says which part of it was assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.emissions import Emissions, operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.power_model import TDP_ERROR_FRACTION, TDP_FULL_FRACTION, TDP_IDLE_FRACTION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcarbon.core.intensity import Intensity, Zone


class Load(NamedTuple):
    """Mean power as a part of rated power, with the ends of a 95 % interval, and where that comes from."""

    mean_fraction: float
    low_fraction: float
    high_fraction: float
    source: str


USUAL_GPU: Final = Load(
    0.53,
    TDP_IDLE_FRACTION,
    TDP_FULL_FRACTION,
    "mean of eleven measured jobs (Dodge et al. 2022, Table 2); the range is from idle to full load",
)
"""Their standard deviation is 0.23: a twelfth job may lie anywhere between idle and full load."""

USUAL_CPU: Final = Load(
    0.57,
    TDP_IDLE_FRACTION,
    TDP_FULL_FRACTION,
    "half busy, as Cloud Carbon Footprint assumes; the range is from idle to full load",
)

MEMORY_W_PER_GB: Final = 0.3725
MEMORY_LOAD: Final = Load(
    1.0, 0.3, 1.7, "installed memory draws power whether it is used or not; ± 70 %"
)
MEMORY_SOURCE: Final = "Green Algorithms (Lannelongue et al. 2021)"


def load_of(utilisation: float | None, usual: Load) -> Load:
    """The load that somebody names, 1 being all of the rated power; the usual one where nobody does."""
    if utilisation is None:
        return usual
    most = max(TDP_FULL_FRACTION, utilisation)
    return Load(
        utilisation,
        utilisation * (1 - TDP_ERROR_FRACTION),
        min(most, max(TDP_IDLE_FRACTION, utilisation * (1 + TDP_ERROR_FRACTION))),
        "set by you; ± 50 %, never above full load",
    )


@dataclass(frozen=True, slots=True)
class Part:
    """So many pieces of one kind of hardware at one load.

    `rated_w` is of one piece; `low_w` and `high_w` are those of the variants that its name may mean.
    `source` says whose rated power it is, and what else there is to know of it.
    """

    kind: str
    name: str
    count: float
    rated_w: float
    low_w: float
    high_w: float
    load: Load
    source: str

    @property
    def power_w(self) -> float:
        """Mean power of all pieces."""
        return self.count * self.rated_w * self.load.mean_fraction

    def energy(self, duration_s: float) -> Energy:
        """Joules in some time. Variant and load are independent: in quadrature."""
        energy_j = self.power_w * duration_s
        load, most_j = self.load, self.count * self.rated_w * duration_s
        if energy_j <= 0:
            return Energy(0.0, 0.0, most_j * load.high_fraction)
        below = hypot(1 - self.low_w / self.rated_w, 1 - load.low_fraction / load.mean_fraction)
        above = hypot(self.high_w / self.rated_w - 1, load.high_fraction / load.mean_fraction - 1)
        return Energy(energy_j, energy_j * max(0.0, 1 - below), energy_j * (1 + above))


def memory(size_gb: float) -> Part:
    """Installed memory."""
    watts = (MEMORY_W_PER_GB,) * 3
    return Part("memory", "GB of memory", size_gb, *watts, MEMORY_LOAD, MEMORY_SOURCE)


def energy(parts: Iterable[Part], duration_s: float) -> Energy:
    """Joules of all parts. What is busier than assumed is so in all of them: ends add."""
    return sum((each.energy(duration_s) for each in parts), Energy())


def times(energy: Energy, count: float) -> Energy:
    """The same again and again: what a sensor or a model has wrong once it has wrong always."""
    return Energy(energy.energy_j * count, energy.low_j * count, energy.high_j * count)


class Assumption(NamedTuple):
    """One thing a figure rests on that was not measured here, and who says so."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Calculation:
    """What something would use and emit. `embodied` is None where it was not asked for.

    `zone` is None where a carbon intensity was set instead of one.
    """

    title: str
    duration_s: float
    energy: Energy
    zone: Zone | None
    intensity: Intensity
    pue: float
    assumptions: tuple[Assumption, ...]
    embodied: Emissions | None = None

    @property
    def emissions(self) -> Emissions:
        """Operational emissions."""
        return operational(self.energy, pue=self.pue, intensity=self.intensity)

    def __str__(self) -> str:
        """Its figures, and what each of them rests on."""
        from nbcarbon.core import humanize
        from nbcarbon.core.scenario_words import lines

        return humanize.plain("\n".join(lines(self)))

    @property
    def total(self) -> Emissions:
        """With the embodied ones where there are any: independent of one another."""
        one, other = self.emissions, self.embodied
        if other is None:
            return one
        whole_g = one.emissions_g + other.emissions_g
        below_g = hypot(one.emissions_g - one.low_g, other.emissions_g - other.low_g)
        above_g = hypot(one.high_g - one.emissions_g, other.high_g - other.emissions_g)
        return Emissions(whole_g, max(0.0, whole_g - below_g), whole_g + above_g)
