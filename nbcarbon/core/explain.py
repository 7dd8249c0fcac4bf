"""Why a figure is as unsure as it is: the parts of one run's intervals as lines, biggest first.

Pure words over facts. What is not in the figures at all is said last, because no interval holds it; with
a calibration that is nothing of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core import calibration as calibrations
from nbcarbon.core import humanize, uncertainty, wording
from nbcarbon.core.attribution import Rule
from nbcarbon.core.energy import contained
from nbcarbon.core.intensity import Confidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.cell import CellReport
    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import DeviceEnergy
    from nbcarbon.core.figures import Figures

_REASONS: Final = {
    uncertainty.REFRESH: "when its counter was last updated, at both ends",
    uncertainty.STEPS: "power that changed between two readings",
    uncertainty.UNSEEN: "time that nobody observed (upwards only)",
}

_BY_SENSORS: Final = (uncertainty.SENSOR, uncertainty.MODEL)

_CALIBRATED: Final = {
    calibrations.LEVEL: "its level, by the means that it was compared with",
    calibrations.LINE: "its slope, away from the power at which it was measured",
    calibrations.RESIDUAL: "what comes and goes at the wall and no sensor sees",
    calibrations.MISFIT: "the line is not quite straight",
    calibrations.BEYOND: "power outside the range that was measured",
    calibrations.METER: "accuracy of the wall meter",
}

_ZONES: Final = {
    Confidence.SET: "set by you",
    Confidence.HIGH: "almost sure",
    Confidence.MEDIUM: "likely",
    Confidence.LOW: "a guess",
    Confidence.NONE: "not known",
}


class Reason(NamedTuple):
    """One reason why the joules of a run are unsure: half of a 95 % interval if there were no other."""

    half_width_j: float
    device: str
    text: str


def reasons(
    report: CellReport,
    devices: Mapping[str, Device],
    *,
    rule: Rule = Rule.MACHINE,
    calibration: Calibration | None = None,
) -> tuple[Reason, ...]:
    """All that makes a run's joules unsure, biggest first; nothing of devices that are not counted.

    A calibration's reasons stand in place of the sensors' accuracy and of models.
    """
    ids = {part.device_id for part in report.devices}
    found = []
    own_j = whole_j = 0.0
    slope = 1.0 if calibration is None else calibration.slope
    for part in report.devices:
        device = devices[part.device_id]
        if contained(device, ids, devices):
            continue
        fraction = 1.0 if rule is Rule.MACHINE or part.own_fraction is None else part.own_fraction
        own_j += fraction * part.energy_j
        whole_j += part.energy_j
        found += [
            Reason(fraction * slope * half_width_j, device.name, _text(name, device))
            for name, half_width_j in part.parts
            if calibration is None or name not in _BY_SENSORS
        ]
    if calibration is not None:
        time_s = report.duration_s * (own_j / whole_j if whole_j > 0 else 1.0)
        found += [
            Reason(half_width_j, "calibration", _CALIBRATED[name])
            for name, half_width_j in calibration.parts(own_j, time_s)
            if half_width_j > 0
        ]
    return tuple(sorted(found, key=lambda reason: -reason.half_width_j))


def explain(f: Figures, report: CellReport, devices: Mapping[str, Device]) -> tuple[str, ...]:
    """One run's intervals in words: of its energy, of its emissions, and what is in neither."""
    found = reasons(report, devices, rule=f.rule, calibration=f.calibration)
    lines = [_headline("energy", f.energy_j, f.low_j, f.high_j, humanize.energy)]
    lines += [
        f"  ± {humanize.energy(each.half_width_j)}  {each.device}: {each.text}" for each in found
    ]
    if not found and f.energy_j > 0:
        lines.append("  where it comes from was not recorded")
    lines += [f"  {line}" for line in _remarks(report.devices, devices)]
    lines += _emissions(f)
    if f.calibration is None:
        lines.append(f"in none of this: {uncertainty.UNSEEN_PARTS}")
    else:
        lines.append(f"all of the machine is in this: {wording.calibrated(f.calibration)}")
    return tuple(lines)


def _headline(
    what: str, value: float, low: float, high: float, words: Callable[[float], str]
) -> str:
    return f"{what} {words(value)}, 95 % within {words(low)} to {words(high)}"


def _text(name: str, device: Device) -> str:
    accuracy = humanize.percent(device.error_fraction)
    if name == uncertainty.SENSOR:
        return f"accuracy of its sensor ({device.method}, ± {accuracy})"
    if name == uncertainty.MODEL:
        return f"it is modelled ({device.method}, ± {accuracy})"
    if name == uncertainty.AVERAGING:
        window = humanize.duration(device.power_window_s)
        return f"its sensor shows the mean of the last {window}"
    return _REASONS.get(name, name)


def _remarks(parts: Iterable[DeviceEnergy], devices: Mapping[str, Device]) -> Iterable[str]:
    """What a plus-minus cannot say of a device."""
    for part in parts:
        name = devices[part.device_id].name
        if part.coverage_fraction <= 0:
            yield f"{name}: nothing was read, so nothing of it is counted"
        elif part.below_resolution:
            yield f"{name}: the run is shorter than its sensor can tell, so its low end is 0"


def _emissions(f: Figures) -> list[str]:
    """The interval of the emissions, as relative parts: they multiply."""
    intensity = f.intensity
    lines = [_headline("CO₂e", f.emissions_g, f.low_g, f.high_g, humanize.mass)]
    low_g, high_g = intensity.low_g_per_kwh, intensity.high_g_per_kwh
    span = f"{humanize.number(low_g)} to {humanize.intensity(high_g)}"
    year = f"{intensity.source}, {intensity.year}"
    grid = (high_g - low_g) / 2 / intensity.g_per_kwh if intensity.g_per_kwh > 0 else 0.0
    rows = [(grid, f"grid: {span} ({year})")]
    if f.energy_j > 0:
        rows.append(((f.high_j - f.low_j) / 2 / f.energy_j, "energy: as above"))
    rows.sort(key=lambda row: -row[0])
    lines += [f"  ± {humanize.percent(fraction)}  {text}" for fraction, text in rows]
    how = "" if f.zone.confidence is Confidence.SET else f" ({f.zone.how})"
    lines.append(f"  zone: {f.zone.name}, {_ZONES[f.zone.confidence]}{how}")
    return lines
