"""The borders of the package, as Protocols: what a sensor, a grid source and a clock must do.

Everything on our side of a border is tested through it with the fakes in `nbcarbon.testing`, and
every real one passes the contract suites there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from nbcarbon.core.device import Device
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.trace import Reading


class Clock(Protocol):
    """Three clocks, because they disagree when it matters: suspend, NTP steps, daylight saving."""

    def monotonic_s(self) -> float:
        """Seconds that never step; every instant in a trace is one of these."""

    def boottime_s(self) -> float:
        """Like monotonic, but it goes on through suspend. Equal to it where there is no such clock."""

    def now(self) -> datetime:
        """The wall, as an aware UTC datetime: for people, never for arithmetic."""


class Sensor(Protocol):
    """One device that can be read."""

    @property
    def device(self) -> Device: ...

    def read(self) -> Reading:
        """One reading, stamped as near to the hardware as possible.

        Raises a SensorError: Lost and Denied are tried again later, Unsupported never, ReadError is
        one gap. It never returns a zero, an old value or a guess in place of a reading.
        """

    def own_fraction(self, pids: Collection[int]) -> float | None:
        """These processes' part of the device's work since the last call, None if it cannot tell."""

    def close(self) -> None:
        """Let go of descriptors and driver sessions. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for the doctor: what a back end found, or why it found nothing and what to do.

    `status`: ok, absent (nothing of this kind here: not worth a word), denied, unsupported, lost,
    broken. `notify` says it is worth one notice in the notebook as well.
    """

    backend: str
    status: str
    text: str
    hint: str = ""
    notify: bool = False


@dataclass(frozen=True, slots=True)
class Discovery:
    sensors: tuple[Sensor, ...] = ()
    findings: tuple[Finding, ...] = ()


class SensorBackend(Protocol):
    """One source of readings. It is asked once, and asked again only for devices it lost."""

    @property
    def name(self) -> str: ...

    def discover(self) -> Discovery:
        """Every device of this kind. Raises nothing: what is missing is a Finding with a remedy."""


class IntensityProvider(Protocol):
    """One source of carbon intensity."""

    @property
    def name(self) -> str: ...

    def intensity(self, zone: Zone) -> Intensity | None:
        """The intensity of a zone, or None where this source has no figure for it."""
