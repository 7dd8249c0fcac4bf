"""Every error a person may see, with what they can do about it.

    NbcarbonError
    ├── SettingError          a setting, option or magic line that cannot be used
    │   └── UnknownZoneError  a zone or region this package has no figure for
    ├── SensorError           a device that cannot be read
    │   ├── SensorUnsupported   it has no such counter: never will
    │   ├── SensorDenied        it has one, and we may not read it
    │   ├── SensorLost          it was there and is gone: tried again later
    │   └── SensorReadError     this one reading failed: a gap
    ├── LedgerError           a session's file that cannot be read or written
    ├── ExportError           a file that cannot be written or loaded
    ├── RunError              a notebook or kernel that cannot be run
    ├── CalibrationError      a meter's file or a baseline that cannot be used
    ├── PanelError            the live panel cannot be shown
    └── NotMeasuring          there is no session to ask

Each carries a `hint`: the one thing to do. `str(error)` is both, as one line.
"""

from __future__ import annotations


class NbcarbonError(Exception):
    """What happened, and in `hint` one thing to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SettingError(NbcarbonError):
    """A setting, option or magic line that cannot be used."""


class UnknownZoneError(SettingError):
    """A zone or region this package has no figure for."""


class SensorError(NbcarbonError):
    """A device that cannot be read. Never an excuse for a zero."""


class SensorUnsupported(SensorError):
    """The device has no such counter and never will."""


class SensorDenied(SensorError):
    """The device has a counter that this user may not read."""


class SensorLost(SensorError):
    """The device was there and is gone; it is tried again later."""


class SensorReadError(SensorError):
    """This one reading failed: a gap in the trace."""


class LedgerError(NbcarbonError):
    """A session's file that cannot be read or written."""


class ExportError(NbcarbonError):
    """An exported file that cannot be written or loaded."""


class RunError(NbcarbonError):
    """A notebook or kernel that cannot be run."""


class CalibrationError(NbcarbonError):
    """A meter's file or a baseline that cannot be used."""


class PanelError(NbcarbonError):
    """The live panel cannot be shown."""


class NotMeasuring(NbcarbonError):
    """There is no session to ask."""
