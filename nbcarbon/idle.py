"""Measures what this machine uses while it does nothing, and keeps it: `nbcarbon baseline`.

It reads the devices itself, so it runs in a process of its own, never in a user's kernel.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nbcarbon import app, machine, settings
from nbcarbon.core import baseline, humanize
from nbcarbon.core.baseline import Baseline
from nbcarbon.core.trace import Trace, Window
from nbcarbon.errors import CalibrationError, SensorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nbcarbon.ports import Clock, Sensor

READING_S: Final = 1.0
"""Between two readings: often enough for every counter, too seldom to be work."""

SHORTEST_S: Final = 10.0
LONGEST_S: Final = 3600.0


def baseline_lines(
    environ: Mapping[str, str],
    *,
    duration_s: float,
    force: bool,
    sleep: Callable[[float], None],
) -> Iterator[str]:
    """Measure, keep, and say so, line by line.

    Raises CalibrationError, and keeps nothing, where the machine was at work meanwhile (unless `force`)
    or no device could be read.
    """
    from nbcarbon.meter.clock import SystemClock
    from nbcarbon.sampler.usage import usage_reader

    if not SHORTEST_S <= duration_s <= LONGEST_S:
        raise CalibrationError(
            f"{duration_s:g} s is no time to measure idle power for.",
            hint=f"Use {SHORTEST_S:g} to {LONGEST_S:g}.",
        )
    chosen = settings.load(environ).settings
    yield f"Reading idle power for {humanize.duration(duration_s)}: leave the machine alone."
    sensors = [
        sensor
        for discovery in app.discover_everything(chosen, environ)
        for sensor in discovery.sensors
    ]
    usage = usage_reader(os.getpid())
    try:
        found = measure(
            sensors,
            SystemClock(),
            duration_s=duration_s,
            sleep=sleep,
            busy_s=lambda: usage.read(None).machine_s,
            cpu_count=os.cpu_count() or 1,
        )
    finally:
        for sensor in sensors:
            sensor.close()
    yield from judged(found, force=force)
    path = machine.kept(chosen, environ).keep_baseline(found)
    yield f"Kept in {path}"


def measure(
    sensors: Sequence[Sensor],
    clock: Clock,
    *,
    duration_s: float,
    sleep: Callable[[float], None],
    busy_s: Callable[[], float | None],
    cpu_count: int,
) -> Baseline:
    """Read all sensors for a while. `busy_s` are CPU seconds of the whole machine so far."""
    traces = [Trace(sensor.device) for sensor in sensors]
    _read(sensors, traces)
    start_s, before_s = clock.monotonic_s(), busy_s()
    while (left_s := start_s + duration_s - clock.monotonic_s()) > 0:
        sleep(min(READING_S, left_s))
        _read(sensors, traces)
    end_s, after_s = clock.monotonic_s(), busy_s()
    window = Window(start_s, end_s)
    idle = [baseline.idle_power(trace, window) for trace in traces]
    busy_fraction = None
    if before_s is not None and after_s is not None:
        busy_fraction = max(0.0, after_s - before_s) / (window.duration_s * cpu_count)
    return Baseline(
        clock.now().astimezone(),
        window.duration_s,
        busy_fraction,
        tuple(each for each in idle if each is not None),
    )


def judged(found: Baseline, *, force: bool) -> Iterator[str]:
    """Each device's idle power, and whether it can be kept. Raises CalibrationError where not."""
    if not found.devices:
        raise CalibrationError(
            "No device could be read.", hint="`nbcarbon doctor` says what is missing."
        )
    yield from (f"  {humanize.plain(each)}" for each in baseline.described(found))
    reasons = baseline.why_not_idle(found)
    if not reasons:
        return
    why = " and ".join(map(humanize.plain, reasons))
    if not force:
        raise CalibrationError(
            f"The machine was not idle: {why}. Nothing was kept.",
            hint="End what runs and try again, or keep it all the same with --force.",
        )
    yield f"! The machine was not idle: {why}."


def _read(sensors: Sequence[Sensor], traces: Sequence[Trace]) -> None:
    for sensor, trace in zip(sensors, traces, strict=True):
        try:
            trace.add(sensor.read())
        except SensorError:
            trace.miss()
