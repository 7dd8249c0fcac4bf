"""From the sensors' total to the socket's: an offset and a slope, fitted against a wall meter.

    watts at the wall = offset + slope * watts of the counted devices

The offset is what no sensor sees and never rests (board, fans, disks, a power supply's own losses), the
slope what grows with the load. What is unsure of a calibrated figure, in quadrature:

* the line itself: its level at the mean power and its slope, both known to a 95 % interval. Residuals
  that come one after the other are alike, so n of them count as n / `inflation`.
* the residual: what the wall did beside the line. Over a window it averages down only as far as such
  residuals are independent, which is by their correlation time (`correlation_s`).
* the misfit: how far the residuals bend with the power (a supply's efficiency does). It never averages
  down, however long the same load goes on.
* power beyond what was seen while calibrating: there the sensors' own accuracy is all there is.
* the meter's own accuracy, a part of the energy. No figure is ever surer than that.
* the two ends of the window (refresh, steps), which no calibration makes better.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import fsum, hypot, isfinite, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.energy import Energy
from nbcarbon.core.uncertainty import ErrorPart
from nbcarbon.core.units import S_PER_MIN
from nbcarbon.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

METER_FRACTION: Final = 0.01
"""Half the 95 % interval of a wall meter nobody knows better of, as a part of what it shows."""

NEEDED_S: Final = 5 * S_PER_MIN
"""How long meter and sensors must have been watching together."""

LEAST_SPREAD_W: Final = 2.0
LEAST_SPREAD_FRACTION: Final = 0.1
"""How far the machine's busy quarter must lie above its quiet one, for a slope to be told."""

LARGEST_SLOPE_ERROR: Final = 0.25
"""A slope less sure than by this part of itself is none."""

LEVEL: Final = "level"
LINE: Final = "slope"
RESIDUAL: Final = "residual"
MISFIT: Final = "misfit"
BEYOND: Final = "beyond"
METER: Final = "meter"
"""The reasons for a calibrated figure's interval, as above."""

NORMAL: Final = 1.959964
"""95 % of a normal distribution lie within so many standard deviations."""

SHORTEST_S: Final = 1.0
"""Below this nobody has looked: residuals are taken not to grow any more."""

JOINED_S: Final = 0.01
"""A pair that begins this near to the end of the one before goes on from it."""

ROUNDING_FRACTION: Final = 1e-9
"""Residuals below this part of the power are arithmetic's, not anybody's."""

_BINS: Final = 5
_BEND_COUNT: Final = 25
"""Fewer pairs than this do not tell whether the line is one."""


class MeterReading(NamedTuple):
    """Watts at the wall, at an aware moment of the meter's clock."""

    instant: datetime
    power_w: float


class Pair(NamedTuple):
    """The same stretch of time as the sensors saw it and as the meter did. `start_s` is since 1970."""

    start_s: float
    duration_s: float
    machine_w: float
    meter_w: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Calibration:
    """A line from the sensors' watts to the wall's, of one set of devices, and how sure it is.

    `measured_at` is when the meter was last read. `centre_w` is the machine's mean power meanwhile:
    `level_error_w` there and `slope_error_fraction` (watts per watt) are independent halves of 95 %
    intervals. `residual_w` is one standard deviation of pairs of `block_s` seconds, `effective_count`
    how many of them count as independent. `lag_s` is how far the meter's clock was ahead.

    Raises ValueError where the numbers cannot be a calibration's: it comes out of files.
    """

    measured_at: datetime
    offset_w: float
    slope: float
    centre_w: float
    level_error_w: float
    slope_error_fraction: float
    residual_w: float
    misfit_w: float
    block_s: float
    correlation_s: float
    effective_count: float
    low_power_w: float
    high_power_w: float
    meter_fraction: float
    sensors_fraction: float
    count: int
    duration_s: float
    lag_s: float
    devices: tuple[str, ...]

    def __post_init__(self) -> None:
        never_negative = (
            self.centre_w, self.level_error_w, self.slope_error_fraction, self.residual_w,
            self.misfit_w, self.low_power_w, self.high_power_w, self.meter_fraction,
            self.sensors_fraction, self.duration_s,
        )  # fmt: skip
        positive = (self.slope, self.block_s, self.correlation_s, self.effective_count)
        if not (
            all(isfinite(each) for each in (*never_negative, *positive, self.offset_w, self.lag_s))
            and min(never_negative) >= 0
            and min(positive) > 0
            and self.measured_at.tzinfo is not None
        ):
            raise ValueError("not a calibration")

    @property
    def date(self) -> str:
        """The day it was measured on: `2026-11-25`."""
        return self.measured_at.date().isoformat()

    def power_w(self, machine_w: float, *, time_fraction: float = 1.0) -> float:
        """Watts at the wall. `time_fraction` is the part of the offset that is charged."""
        return max(0.0, self.offset_w * time_fraction + self.slope * machine_w)

    def apply(self, energy: Energy, duration_s: float) -> Energy:
        """Joules at the wall, of joules of the sensors in a window.

        `energy` has the interval of the window's ends alone: the sensors' own accuracy is what was
        calibrated away (`booking.Booking.ends`).
        """
        energy_j = max(0.0, self.offset_w * duration_s + self.slope * energy.energy_j)
        half_width_j = self.half_width_j(energy.energy_j, duration_s)
        below_j = self.slope * (energy.energy_j - energy.low_j)
        above_j = self.slope * (energy.high_j - energy.energy_j)
        return Energy(
            energy_j,
            max(0.0, energy_j - hypot(half_width_j, below_j)),
            energy_j + hypot(half_width_j, above_j),
        )

    def half_width_j(self, energy_j: float, duration_s: float) -> float:
        """Half of the 95 % interval of a window whose joules by the sensors are known exactly."""
        return hypot(*(part.half_width_j for part in self.parts(energy_j, duration_s)))

    def parts(self, energy_j: float, duration_s: float) -> tuple[ErrorPart, ...]:
        """What makes a calibrated window unsure, but for its ends: independent reasons, in joules."""
        wall_j = max(0.0, self.offset_w * duration_s + self.slope * energy_j)
        outside_j = max(
            0.0, energy_j - self.high_power_w * duration_s, self.low_power_w * duration_s - energy_j
        )
        residual_w = self.residual_w * sqrt(self._averaged(duration_s))
        off_centre_j = abs(energy_j - self.centre_w * duration_s)
        return (
            ErrorPart(LEVEL, self.level_error_w * duration_s),
            ErrorPart(LINE, self.slope_error_fraction * off_centre_j),
            ErrorPart(RESIDUAL, student(self.effective_count - 2) * residual_w * duration_s),
            ErrorPart(MISFIT, NORMAL * self.misfit_w * duration_s),
            ErrorPart(BEYOND, self.sensors_fraction * self.slope * outside_j),
            ErrorPart(METER, self.meter_fraction * wall_j),
        )

    def _averaged(self, duration_s: float) -> float:
        """The variance of a window's mean residual, as a multiple of that of one block's."""
        # Shorter than a block: as white noise grows, down to what anybody looked at. Longer than the
        # correlation: as independent ones shrink. In between they are alike.
        grown = max(1.0, self.block_s / max(duration_s, SHORTEST_S))
        shrunk = self.correlation_s / duration_s if duration_s > 0 else grown
        return min(grown, shrunk)

    def error_fraction(self, machine_w: float, duration_s: float) -> float:
        """Half of the 95 % interval at this power over a window, as a part of the figure."""
        wall_w = self.power_w(machine_w)
        if wall_w <= 0:
            return 1.0
        return self.half_width_j(machine_w * duration_s, duration_s) / (wall_w * duration_s)


def fit(
    pairs: Sequence[Pair],
    *,
    measured_at: datetime,
    devices: tuple[str, ...],
    sensors_fraction: float,
    meter_fraction: float = METER_FRACTION,
    lag_s: float = 0.0,
) -> Calibration:
    """Fit the line, in order of time. `sensors_fraction` is half of the total's interval without it.

    Raises CalibrationError, in a sentence, where these pairs cannot calibrate anything.
    """
    duration_s = fsum(each.duration_s for each in pairs)
    if duration_s < NEEDED_S:
        raise CalibrationError(
            f"Only {duration_s / S_PER_MIN:.1f} minutes of the meter's readings lie within recorded "
            f"sessions, and {NEEDED_S / S_PER_MIN:.0f} are needed.",
            hint="Record both for longer: run a notebook, part of it busy and part of it idle.",
        )
    quiet_w, busy_w = _quarters(pairs)
    if busy_w - quiet_w < max(LEAST_SPREAD_W, LEAST_SPREAD_FRACTION * quiet_w):
        raise CalibrationError(
            f"The machine's power hardly varied ({quiet_w:.1f} to {busy_w:.1f} W), so what grows with "
            "the load cannot be told from what does not.",
            hint="Record again with minutes of heavy work among minutes of none.",
        )
    weights = [each.duration_s * len(pairs) / duration_s for each in pairs]
    centre_w = _mean([each.machine_w for each in pairs], weights)
    level_w = _mean([each.meter_w for each in pairs], weights)
    off_w = [each.machine_w - centre_w for each in pairs]
    spread_w2 = fsum(w * x * x for w, x in zip(weights, off_w, strict=True))
    slope = (
        fsum(
            w * x * (each.meter_w - level_w)
            for w, x, each in zip(weights, off_w, pairs, strict=True)
        )
        / spread_w2
    )
    residuals_w = [each.meter_w - level_w - slope * x for each, x in zip(pairs, off_w, strict=True)]
    inflation = _inflation(pairs, residuals_w)
    count = len(pairs)
    effective_count = count / inflation
    if effective_count < 5:
        raise CalibrationError(
            "What the meter shows drifts too slowly to tell from these readings how sure a fit is.",
            hint=f"Record for longer than {duration_s / S_PER_MIN:.0f} minutes.",
        )
    variance_w2 = _mean([r * r for r in residuals_w], weights) * (
        effective_count / (effective_count - 2)
    )
    sure = student(effective_count - 2)
    slope_error = sure * sqrt(variance_w2 * inflation / spread_w2)
    if slope <= 0 or slope_error > LARGEST_SLOPE_ERROR * slope:
        raise CalibrationError(
            f"The meter does not follow this machine's load (slope {slope:.2f} ± {slope_error:.2f}).",
            hint="Is it this machine's meter, and nothing else behind it? Are its times right?",
        )
    found = Calibration(
        measured_at=measured_at,
        offset_w=level_w - slope * centre_w,
        slope=slope,
        centre_w=centre_w,
        level_error_w=sure * sqrt(variance_w2 / effective_count),
        slope_error_fraction=slope_error,
        residual_w=sqrt(variance_w2),
        # A bend makes residuals alike as well: half of that is taken for the bend's own doing.
        misfit_w=_misfit_w(pairs, residuals_w, variance_w2 * sqrt(inflation)),
        block_s=duration_s / count,
        correlation_s=inflation * duration_s / count,
        effective_count=effective_count,
        low_power_w=min(each.machine_w for each in pairs),
        high_power_w=max(each.machine_w for each in pairs),
        meter_fraction=meter_fraction,
        sensors_fraction=sensors_fraction,
        count=count,
        duration_s=duration_s,
        lag_s=lag_s,
        devices=devices,
    )
    error = found.error_fraction(centre_w, S_PER_MIN)
    if error > sensors_fraction:
        raise CalibrationError(
            f"With it a minute's energy would be less sure (±{100 * error:.1f} %) than without "
            f"(±{100 * sensors_fraction:.1f} %): the meter's residual is {found.residual_w:.1f} W.",
            hint="Is it this machine's meter, and nothing else behind it?",
        )
    return found


def student(freedom_count: float) -> float:
    """Within so many standard errors lie 95 % of Student's distribution (Cornish and Fisher's series)."""
    z, v = NORMAL, max(1.0, freedom_count)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return fsum(v * w for v, w in zip(values, weights, strict=True)) / fsum(weights)


def _quarters(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Mean power of the machine's quietest quarter and of its busiest."""
    powers_w = sorted(each.machine_w for each in pairs)
    size = max(1, len(powers_w) // 4)
    return fsum(powers_w[:size]) / size, fsum(powers_w[-size:]) / size


def _inflation(pairs: Sequence[Pair], residuals_w: Sequence[float]) -> float:
    """How many residuals one after the other count as one: 1 where they are independent.

    The larger of two estimates: a decay by the correlation of neighbours, corrected for short series, and
    the sum of the correlations up to the first that is not positive, which sees a slow drift as well.
    """
    count = len(pairs)
    joined = [abs(b.start_s - a.end_s) <= JOINED_S for a, b in pairwise(pairs)]
    variance_w2 = fsum(r * r for r in residuals_w) / count
    if variance_w2 <= (ROUNDING_FRACTION * max(each.meter_w for each in pairs)) ** 2:
        return 1.0
    run_of = [0]
    for each in joined:
        run_of.append(run_of[-1] + (not each))
    summed, first = 1.0, 0.0
    for lag in range(1, count // 3):
        products = [
            residuals_w[i] * residuals_w[i + lag]
            for i in range(count - lag)
            if run_of[i] == run_of[i + lag]
        ]
        if len(products) < count / 5:
            break
        correlation = fsum(products) / len(products) / variance_w2
        if lag == 1:
            first = min(0.99, (count * correlation + 1) / (count - 4))
        if correlation <= 0:
            break
        summed += 2 * correlation
    return max(1.0, summed, (1 + first) / (1 - first))


def _misfit_w(pairs: Sequence[Pair], residuals_w: Sequence[float], variance_w2: float) -> float:
    """How far residuals depend on the power beyond what noise of this variance explains."""
    count = len(pairs)
    if count < _BEND_COUNT:
        return 0.0
    order = sorted(range(count), key=lambda i: pairs[i].machine_w)
    excess_w2 = []
    for step in range(_BINS):
        members = order[step * count // _BINS : (step + 1) * count // _BINS]
        mean_w = fsum(residuals_w[i] for i in members) / len(members)
        excess_w2.append(mean_w**2 - variance_w2 / len(members))
    return sqrt(max(0.0, fsum(excess_w2) / _BINS))
