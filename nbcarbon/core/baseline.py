"""What a machine uses while it does nothing: each device's idle power with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import hypot, isfinite, sqrt
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import humanize
from nbcarbon.core.calibration import student
from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.energy import energy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcarbon.core.trace import Trace, Window

BUSY_FRACTION: Final = 0.05
"""More CPU time than this part of all there is, and the machine was not idle."""

SWING_FRACTION: Final = 0.25
LEAST_SWING_W: Final = 5.0
"""A measured device whose power moves by more than both of these is at work."""

BLOCK_COUNT: Final = 12
"""How many means a device's swing, and the error of its mean, are told from."""


@dataclass(frozen=True, slots=True)
class IdlePower:
    """One device at rest: its mean power, the ends of the 95 % interval, and how far it moved."""

    device_id: str
    name: str
    kind: Kind
    provenance: Provenance
    power_w: float
    low_w: float
    high_w: float
    swing_w: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """A machine at rest. `busy_fraction` is the CPU time meanwhile, None where nobody could tell."""

    measured_at: datetime
    duration_s: float
    busy_fraction: float | None
    devices: tuple[IdlePower, ...]

    @property
    def date(self) -> str:
        return self.measured_at.date().isoformat()


def idle_power(trace: Trace, window: Window) -> IdlePower | None:
    """A device's mean power over a window, None where it was not observed or its counter stood still.

    The interval holds the sensor's accuracy and what the mean would move by in another such window.
    """
    used = energy(trace, window)
    if used.coverage_fraction <= 0 or used.energy_j <= 0:
        return None
    device, seen_s = trace.device, window.duration_s * used.coverage_fraction
    power_w = used.energy_j / seen_s
    step_s = window.duration_s / BLOCK_COUNT
    means_w = []
    for number in range(BLOCK_COUNT):
        start_s = window.start_s + number * step_s
        before, after = trace.at(start_s), trace.at(start_s + step_s)
        if after.seen_s > before.seen_s:
            means_w.append((after.energy_j - before.energy_j) / (after.seen_s - before.seen_s))
    moved_w = 0.0
    if len(means_w) > 2:
        mean_w = sum(means_w) / len(means_w)
        variance_w2 = sum((each - mean_w) ** 2 for each in means_w) / (len(means_w) - 1)
        moved_w = student(len(means_w) - 1) * sqrt(variance_w2 / len(means_w))
    below_w = (used.energy_j - used.low_j) / window.duration_s
    above_w = (used.high_j - used.energy_j) / window.duration_s
    return IdlePower(
        device.id,
        device.name,
        device.kind,
        device.provenance,
        power_w,
        max(0.0, power_w - hypot(below_w, moved_w)),
        power_w + hypot(above_w, moved_w),
        max(means_w) - min(means_w) if means_w else 0.0,
    )


def why_not_idle(baseline: Baseline) -> list[str]:
    """What shows that the machine was at work meanwhile; nothing where it was idle."""
    reasons = []
    if baseline.busy_fraction is not None and baseline.busy_fraction > BUSY_FRACTION:
        reasons.append(
            f"its CPUs worked {humanize.percent(baseline.busy_fraction)} of the time, "
            f"more than {humanize.percent(BUSY_FRACTION)}"
        )
    reasons += [
        f"{each.name} moved by {humanize.power(each.swing_w)}"
        for each in baseline.devices
        if each.provenance is Provenance.MEASURED
        and each.swing_w > max(LEAST_SWING_W, SWING_FRACTION * each.power_w)
    ]
    return reasons


def described(baseline: Baseline) -> list[str]:
    """Each device's idle power: `CPU package 0  12.1 W (11.5 – 12.7)  measured`."""
    return [f"{each.name}  {shown(each)}  {each.provenance}" for each in baseline.devices]


def shown(device: IdlePower) -> str:
    """`12.1 W (11.5 – 12.7)`."""
    estimate = humanize.estimate(device.power_w, device.low_w, device.high_w, scale=humanize.POWER)
    return str(estimate)


def as_json(baseline: Baseline) -> dict[str, Any]:
    return {
        "measured_at": baseline.measured_at.isoformat(),
        "duration_s": baseline.duration_s,
        "busy_fraction": baseline.busy_fraction,
        "devices": [
            {name: getattr(each, name) for name in IdlePower.__dataclass_fields__}
            for each in baseline.devices
        ],
    }


def from_json(value: Mapping[str, Any]) -> Baseline:
    """The baseline in a JSON object. Raises ValueError where it holds none."""
    try:
        busy_fraction = value["busy_fraction"]
        found = Baseline(
            datetime.fromisoformat(value["measured_at"]),
            float(value["duration_s"]),
            None if busy_fraction is None else float(busy_fraction),
            tuple(_device(each) for each in value["devices"]),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not a baseline: {error!r}") from error
    if not _finite([found.duration_s, found.busy_fraction or 0.0]):
        raise ValueError("not a baseline")
    return found


def _device(value: Mapping[str, Any]) -> IdlePower:
    numbers_w = [float(value[each]) for each in ("power_w", "low_w", "high_w", "swing_w")]
    if not _finite(numbers_w):
        raise ValueError("not a baseline")
    return IdlePower(
        str(value["device_id"]),
        str(value["name"]),
        Kind(value["kind"]),
        Provenance(value["provenance"]),
        *numbers_w,
    )


def _finite(values: Sequence[float]) -> bool:
    return all(isfinite(each) and each >= 0 for each in values)
