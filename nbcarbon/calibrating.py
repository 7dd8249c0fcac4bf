"""Compares recorded sessions with a wall meter's file, and keeps what came out: `nbcarbon calibrate`."""

from __future__ import annotations

from datetime import UTC, datetime
from math import fsum
from typing import TYPE_CHECKING, Final

from nbcarbon import machine, settings
from nbcarbon.core import humanize
from nbcarbon.core.calibration import METER_FRACTION, fit
from nbcarbon.core.comparison import MeterTrace, compare, watched
from nbcarbon.core.units import S_PER_MIN
from nbcarbon.errors import CalibrationError, LedgerError
from nbcarbon.recorded import sessions_folder
from nbcarbon.wall_meter import read_meter_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nbcarbon.core.calibration import Calibration, Pair
    from nbcarbon.core.comparison import Lag, Watched
    from nbcarbon.core.events import Event
    from nbcarbon.settings import Settings

LOWEST_METER_PERCENT: Final = 0.05
LARGEST_METER_PERCENT: Final = 20.0
AROUND_S: Final = 60.0
"""Sessions that ended this long before the meter's first reading are looked at all the same."""


def calibrate_lines(
    environ: Mapping[str, str], path: Path, *, meter_percent: float | None
) -> Iterator[str]:
    """Fit, keep, and say so, line by line. Raises NbcarbonError where it cannot be done."""
    meter_fraction = METER_FRACTION if meter_percent is None else meter_percent / 100
    if meter_percent is not None and not (
        LOWEST_METER_PERCENT <= meter_percent <= LARGEST_METER_PERCENT
    ):
        raise CalibrationError(
            f"A meter's accuracy cannot be {meter_percent:g} %.",
            hint=f"Use {LOWEST_METER_PERCENT:g} to {LARGEST_METER_PERCENT:g}.",
        )
    chosen = settings.load(environ).settings
    file = read_meter_file(path)
    meter = MeterTrace(file.readings)
    yield f"{path.name}: {len(file.readings)} readings, {_when(meter.start_s)} to {_when(meter.end_s)}."
    if file.skipped_count:
        yield f"{file.skipped_count} rows without a power were left out."
    if file.local_time:
        yield "Its times name no time zone: taken as local time of this machine."
    seen = watched(_sessions(chosen, environ, meter), from_s=meter.start_s, to_s=meter.end_s)
    if not seen:
        raise CalibrationError(
            "No session was recorded while the meter was.",
            hint="Is the file from this machine, and are its time zone and clock right? "
            "`nbcarbon history` lists the sessions there are.",
        )
    most, *others = seen
    pairs, lag = compare(most.stretches, meter)
    found = fit(
        pairs,
        measured_at=datetime.fromtimestamp(pairs[-1].end_s, UTC).astimezone() if pairs else _EPOCH,
        devices=most.devices,
        sensors_fraction=most.sensors_fraction,
        meter_fraction=meter_fraction,
        lag_s=lag.lag_s,
    )
    yield from _described(found, pairs, lag, others)
    written = machine.kept(chosen, environ).keep_calibration(found)
    yield f"Kept in {written}"
    yield f"Sessions that begin from now on are calibrated against a wall meter on {found.date}."


def forget_line(environ: Mapping[str, str]) -> str:
    """Drop this machine's calibrations. Raises NbcarbonError."""
    count = machine.kept(settings.load(environ).settings, environ).forget_calibrations()
    return f"Deleted: {count} calibration{'' if count == 1 else 's'} of this machine."


_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def _sessions(
    chosen: Settings, environ: Mapping[str, str], meter: MeterTrace
) -> Iterator[Sequence[Event]]:
    """The events of each session that may have been recorded beside the meter."""
    from nbcarbon.ledger.reader import read_all
    from nbcarbon.ledger.store import began_at, sessions

    for path in sessions(sessions_folder(chosen, environ)):
        try:
            if began_at(path).timestamp() > meter.end_s + AROUND_S:
                continue
            if path.stat().st_mtime < meter.start_s - AROUND_S:
                continue
            yield read_all(path)[0]
        except (LedgerError, OSError, ValueError):
            continue  # one that cannot be read tells nothing, and the history says so


def _described(
    found: Calibration, pairs: Sequence[Pair], lag: Lag, others: Sequence[Watched]
) -> Iterator[str]:
    meter_w = [each.meter_w for each in pairs]
    minutes = found.duration_s / S_PER_MIN
    yield (
        f"{minutes:.0f} minutes in common: {_watts(found.low_power_w)} to {_watts(found.high_power_w)} "
        f"by the sensors, {_watts(min(meter_w))} to {_watts(max(meter_w))} by the meter."
    )
    if others:
        left_s = fsum(one.duration_s for each in others for one in each.stretches)
        yield f"{left_s / S_PER_MIN:.0f} more minutes were recorded with other devices: left out."
    yield _clock(lag)
    yield (
        f"Wall = {_watts(found.offset_w)} + {found.slope:.3f} × sensors, "
        f"residual {_watts(found.residual_w)} ({found.block_s:.0f} s means)."
    )
    yield (
        f"A minute at {_watts(found.centre_w)} by the sensors is then known to "
        f"±{100 * found.error_fraction(found.centre_w, S_PER_MIN):.1f} %. Without, the sensors' own total "
        f"is known to ±{100 * found.sensors_fraction:.1f} %, and what they do not see is missing."
    )


def _clock(lag: Lag) -> str:
    if not lag.told:
        return "Power changed too little to compare the clocks: they are taken to agree."
    if lag.lag_s == 0:
        return "The meter's clock agrees with this machine's."
    side = "ahead of" if lag.lag_s > 0 else "behind"
    return f"The meter's clock is {abs(lag.lag_s):.1f} s {side} this machine's: allowed for."


def _watts(power_w: float) -> str:
    return humanize.plain(f"{humanize.number(power_w)}{humanize.SPACE}W")


def _when(instant_s: float) -> str:
    return datetime.fromtimestamp(instant_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
