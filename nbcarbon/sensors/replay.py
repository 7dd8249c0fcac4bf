"""Devices that play a recorded trace of power: for demonstrations, lessons and other people's data.

The file is CSV with the header `seconds,device,kind,power_w`. Each row sets one device's power from
that second on, until the next row of the same device; `kind` is one of cpu, dram, gpu, memory, soc,
module, platform. Rows are in order of time, and the last one ends the trace. Lines that start with
`#` are remarks. Playing starts when the sensors are first discovered::

    seconds,device,kind,power_w
    0,cpu:0,cpu,20
    2.5,cpu:0,cpu,80
    4,cpu:0,cpu,20
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from math import isfinite
from typing import TYPE_CHECKING, Final

from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.trace import CounterReading
from nbcarbon.errors import SensorLost
from nbcarbon.ports import Discovery, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from nbcarbon.ports import Clock

NAME = "replay"
HEADER: Final = "seconds,device,kind,power_w"
HIGHEST_POWER_W: Final = 1e6
LONGEST_ID: Final = 64
MOST_ROWS: Final = 1_000_000

ERROR_FRACTION: Final = 0.05
"""A trace says nothing of the meter behind it: that of a package's own counter is claimed."""

ENDED = "The recorded trace is over."


class _Track:
    """One device's recorded power, and its joules up to each row."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.seconds = array("d")
        self.power_w = array("d")
        self.energy_j = array("d")

    def add(self, second_s: float, power_w: float) -> None:
        so_far_j = 0.0
        if self.seconds:
            so_far_j = self.energy_j[-1] + self.power_w[-1] * (second_s - self.seconds[-1])
        self.seconds.append(second_s)
        self.power_w.append(power_w)
        self.energy_j.append(so_far_j)

    def energy_at(self, second_s: float) -> float:
        """Joules from the start of the trace; a device draws nothing before its first row."""
        row = bisect_right(self.seconds, second_s) - 1
        if row < 0:
            return 0.0
        return self.energy_j[row] + self.power_w[row] * (second_s - self.seconds[row])


class ReplaySensor:
    """A counter of one device of the trace, exact at any instant of it."""

    def __init__(
        self, device: Device, track: _Track, start_s: float, end_s: float, clock: Clock
    ) -> None:
        self.device = device
        self._track = track
        self._start_s = start_s
        self._end_s = end_s
        self._clock = clock

    def read(self) -> CounterReading:
        """Joules so far. Raises SensorLost once the trace is over."""
        now_s = self._clock.monotonic_s()
        second_s = now_s - self._start_s
        if second_s > self._end_s:
            raise SensorLost(f"{self.device.name}: {ENDED}", hint="Start a new session to replay.")
        return CounterReading(now_s, self._track.energy_at(second_s))

    def own_fraction(self, pids: Collection[int]) -> float | None:
        """None: a trace does not say whose work it was."""
        return None

    def close(self) -> None:
        """Nothing is kept open."""


class ReplayBackend:
    """All devices of a recorded trace."""

    name = NAME

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._start_s: float | None = None

    def discover(self) -> Discovery:
        """The trace's devices, or a finding with the line that cannot be used. Raises nothing."""
        now_s = self._clock.monotonic_s()
        if self._start_s is None:
            self._start_s = now_s
        try:
            with open(self._path, encoding="utf-8") as lines:
                tracks, end_s = _parse(lines)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            text = f"The trace {self._path.name} cannot be played: {reason}."
            hint = f"It is a CSV file with the header {HEADER}."
            return Discovery((), (Finding(NAME, "broken", text, hint, notify=True),))
        if now_s - self._start_s > end_s:
            return Discovery((), (Finding(NAME, "lost", ENDED),))
        sensors = tuple(
            ReplaySensor(self._device(device_id, track), track, self._start_s, end_s, self._clock)
            for device_id, track in tracks.items()
        )
        return Discovery(sensors)

    def _device(self, device_id: str, track: _Track) -> Device:
        return Device(
            id=device_id,
            kind=track.kind,
            name=f"{device_id} (recorded)",
            provenance=Provenance.REPORTED,
            method=f"replayed from {self._path.name}",
            error_fraction=ERROR_FRACTION,
            max_power_w=2 * max(1.0, *track.power_w),
        )


def _parse(lines: Iterable[str]) -> tuple[dict[str, _Track], float]:
    """Tracks by device, and the second at which the trace ends. Raises ValueError with the line."""
    tracks: dict[str, _Track] = {}
    end_s = 0.0
    header = False
    for number, raw in enumerate(lines, start=1):
        line = raw.strip().removeprefix("\ufeff")
        if not line or line.startswith("#"):
            continue
        if not header:
            if line != HEADER:
                raise ValueError(f"line {number} is not the header {HEADER}")
            header = True
            continue
        second_s, device_id, kind, power_w = _row(number, line)
        if second_s < end_s:
            raise ValueError(f"line {number} is earlier than the one before")
        if number > MOST_ROWS:
            raise ValueError(f"it has more than {MOST_ROWS} lines")
        track = tracks.setdefault(device_id, _Track(kind))
        if track.kind is not kind:
            raise ValueError(f"line {number} gives {device_id} another kind than before")
        track.add(second_s, power_w)
        end_s = second_s
    if not tracks or end_s <= 0:
        raise ValueError("it holds no span of time")
    return tracks, end_s


def _row(number: int, line: str) -> tuple[float, str, Kind, float]:
    fields = [each.strip() for each in line.split(",")]
    if len(fields) != 4:
        raise ValueError(f"line {number} has {len(fields)} fields instead of 4")
    second, device_id, kind, power = fields
    try:
        second_s, power_w = float(second), float(power)
    except ValueError:
        second_s = power_w = float("nan")
    if not (isfinite(second_s) and second_s >= 0 and 0 <= power_w <= HIGHEST_POWER_W):
        raise ValueError(f"line {number} needs seconds and watts that are numbers from 0 up")
    if not device_id or len(device_id) > LONGEST_ID or not device_id.isprintable():
        raise ValueError(f"line {number} has no usable device name")
    try:
        return second_s, device_id, Kind(kind), power_w
    except ValueError:
        known = ", ".join(Kind)
        raise ValueError(f"line {number} has an unknown kind: use one of {known}") from None
