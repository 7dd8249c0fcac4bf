"""The one error model: what makes a figure unsure, by how much, and how that adds up.

Every interval is a 95 % one. Its parts, each half of such an interval in joules:

* **sensor**: the sensor's accuracy, proportional to the energy. RAPL and NVML: 5 % (NVIDIA's own figure;
  Yang, Adamek and Armour 2024 find it proportional on more than 70 GPUs, not the same watts everywhere).
* **model**: the same of a part that is modelled: 50 % for a CPU, 70 % for memory.
* **refresh**: when a counter was last updated before a reading, at both ends of the window.
* **steps**: power that changes between two updates or samples, at both ends and between samples.
* **averaging**: a power sensor shows the mean of a time that began before the window.
* **unseen**: time of the window that nobody observed. It widens upwards only.

Parts of one device are independent of one another: in quadrature. Devices that are read in one way err
alike: their intervals add; those read in different ways do not. What one sensor reads in windows one
after the other errs alike too. Power supply, fans, board and disks are in no figure, and so in no
interval: that is stated (`UNSEEN_PARTS`), never added.

`tests/accuracy` holds this to the truth: random cells of simulated machines, whose sensors' gains are
drawn from their accuracy. The constants here and in `ends` are calibrated there, not derived.
"""

from __future__ import annotations

from collections import defaultdict
from math import hypot
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

SENSOR: Final = "sensor"
MODEL: Final = "model"
REFRESH: Final = "refresh"
STEPS: Final = "steps"
AVERAGING: Final = "averaging"
UNSEEN: Final = "unseen"

UNSEEN_PARTS: Final = "power supply, fans, board and disks"

NEGLIGIBLE_FRACTION: Final = 0.03
"""Of the largest part: what is smaller moves a sum in quadrature by less than a thousandth of it."""

REFRESH_SPREAD: Final = 0.55
"""95 % of delays that are uniform over one refresh lie within 0.475 of it around their mean. Two of
them in quadrature would come out at 0.67 where it is 0.78: hence a seventh more."""


class ErrorPart(NamedTuple):
    """One reason why joules are unsure: half of a 95 % interval if there were no other."""

    name: str
    half_width_j: float


def quadrature_j(parts: Iterable[ErrorPart]) -> float:
    """Half of the interval of independent parts together, but for what is unseen."""
    return hypot(*(part.half_width_j for part in parts if part.name != UNSEEN))


def notable(parts: Iterable[ErrorPart]) -> tuple[ErrorPart, ...]:
    """The parts that matter, biggest first, in three digits: they are kept for every cell."""
    ordered = sorted(parts, key=lambda part: -part.half_width_j)
    least_j = NEGLIGIBLE_FRACTION * ordered[0].half_width_j if ordered else 0.0
    return tuple(
        ErrorPart(part.name, float(f"{part.half_width_j:.3g}"))
        for part in ordered
        if part.half_width_j > least_j
    )


def scaled(parts: Iterable[ErrorPart], fraction: float) -> tuple[ErrorPart, ...]:
    """The parts of a fraction of the same joules."""
    return tuple(ErrorPart(part.name, part.half_width_j * fraction) for part in parts)


def added(pieces: Iterable[Iterable[ErrorPart]]) -> tuple[ErrorPart, ...]:
    """The parts of windows one after the other, of one device: what errs alike adds."""
    sums_j: defaultdict[str, float] = defaultdict(float)
    for piece in pieces:
        for name, half_width_j in piece:
            sums_j[name] += half_width_j
    return notable(ErrorPart(name, half_width_j) for name, half_width_j in sums_j.items())
