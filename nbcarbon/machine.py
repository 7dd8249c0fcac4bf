"""What was learnt of this machine and outlives a session: calibrations and idle power.

One file each in the state folder, readable by its user alone. A home folder may be shared by many
machines, and a machine's devices come and go, so a file holds an entry for each machine and set of
devices. A machine is known by a hash of its id: the id itself stays where it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from nbcarbon.errors import CalibrationError
from nbcarbon.files import private_folder, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbcarbon.core.baseline import Baseline
    from nbcarbon.core.calibration import Calibration
    from nbcarbon.settings import Settings

CALIBRATIONS: Final = "calibration.json"
BASELINES: Final = "baseline.json"
SCHEMA_VERSION: Final = 1
LARGEST_BYTES: Final = 1_000_000
MOST_COUNT: Final = 64
"""Entries kept in a file, the newest."""

_ID_FILES: Final = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def machine_key(files: Iterable[str] = _ID_FILES) -> str:
    """This machine, as a hash that tells nothing of it."""
    for each in files:
        try:
            found = Path(each).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        if found:
            return _hash("machine", found)
    import platform  # rarely needed, and dear

    return _hash("machine", platform.node())


def _hash(*parts: str) -> str:
    import hashlib  # a sampler without anything kept needs none

    return hashlib.sha256("\0".join(("nbcarbon", *parts)).encode("utf-8", "replace")).hexdigest()[
        :32
    ]


def entry_key(machine: str, devices: Iterable[str]) -> str:
    """A machine with a set of devices."""
    return _hash(machine, *sorted(devices))


class Kept:
    """The files in one state folder, as far as they are this machine's."""

    def __init__(self, folder: Path, machine: str | None = None) -> None:
        self.folder = folder
        self.machine = machine_key() if machine is None else machine

    # Calibrations

    def calibrations(self) -> list[Calibration]:
        """This machine's, one for each set of devices, newest first. Raises CalibrationError."""
        from nbcarbon.core.events import CalibrationLearned, from_json

        found = []
        for entry in self._entries(CALIBRATIONS):
            if entry.get("machine") == self.machine:
                body = {
                    "type": CalibrationLearned.__name__,
                    "calibration": entry.get("calibration"),
                }
                try:
                    found.append(from_json(body))
                except ValueError as error:
                    raise self._damaged(CALIBRATIONS) from error
        return [each.calibration for each in found if isinstance(each, CalibrationLearned)]

    def keep_calibration(self, calibration: Calibration) -> Path:
        """Keep it in place of an earlier one of the same devices. Raises NbcarbonError."""
        from nbcarbon.core.events import CalibrationLearned, to_json

        value = to_json(CalibrationLearned(calibration))["calibration"]
        return self._keep(CALIBRATIONS, calibration.devices, {"calibration": value})

    def forget_calibrations(self) -> int:
        """Drop all of this machine's. Returns how many there were. Raises NbcarbonError."""
        entries = self._entries(CALIBRATIONS)
        others = [each for each in entries if each.get("machine") != self.machine]
        if len(others) < len(entries):
            self._write(CALIBRATIONS, others)
        return len(entries) - len(others)

    # Idle power

    def baseline(self) -> Baseline | None:
        """This machine's newest. Raises CalibrationError."""
        from nbcarbon.core.baseline import from_json

        for entry in self._entries(BASELINES):
            if entry.get("machine") == self.machine:
                try:
                    return from_json(entry["baseline"])
                except (ValueError, KeyError) as error:
                    raise self._damaged(BASELINES) from error
        return None

    def keep_baseline(self, baseline: Baseline) -> Path:
        """Keep it in place of an earlier one of the same devices. Raises NbcarbonError."""
        from nbcarbon.core.baseline import as_json

        devices = [each.device_id for each in baseline.devices]
        return self._keep(BASELINES, devices, {"baseline": as_json(baseline)})

    # Files

    def _keep(self, name: str, devices: Iterable[str], value: Mapping[str, Any]) -> Path:
        key = entry_key(self.machine, devices)
        try:
            entries = [each for each in self._entries(name) if each.get("key") != key]
        except CalibrationError:
            entries = []  # what cannot be read is of no use to anybody
        return self._write(name, [{"machine": self.machine, "key": key, **value}, *entries])

    def _write(self, name: str, entries: list[dict[str, Any]]) -> Path:
        body = {
            "schema": f"nbcarbon.{Path(name).stem}",
            "schema_version": SCHEMA_VERSION,
            "entries": entries[:MOST_COUNT],
        }
        text = json.dumps(body, indent=1, allow_nan=False)
        path = private_folder(self.folder) / name
        write_atomic(path, text.encode("ascii"), force=True, private=True)
        return path

    def _entries(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CalibrationError(
                f"{path} cannot be read ({error.strerror or error}).",
                hint="Make it readable, or delete it.",
            ) from error
        try:
            body = json.loads(data, parse_constant=_refuse)
            version, entries = body["schema_version"], body["entries"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._damaged(name) from error
        if version != SCHEMA_VERSION:
            raise CalibrationError(
                f"{path} was written by another version of nbcarbon.",
                hint="Use that version, or delete it.",
            )
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise self._damaged(name)
        return entries

    def _damaged(self, name: str) -> CalibrationError:
        return CalibrationError(
            f"{self.folder / name} is damaged: not used.", hint="Delete it, and measure again."
        )


def kept(chosen: Settings, environ: Mapping[str, str]) -> Kept:
    """What is kept for this machine in the folder of these settings."""
    return Kept(_folder(chosen, environ))


def calibrations(chosen: Settings, environ: Mapping[str, str]) -> list[Calibration]:
    """This machine's calibrations; none where they cannot be read, which the doctor says. Raises nothing."""
    folder = _folder(chosen, environ)
    try:
        if chosen.replay or not (folder / CALIBRATIONS).exists():
            return []
        return Kept(folder).calibrations()
    except (CalibrationError, OSError):
        return []


def baseline(chosen: Settings, environ: Mapping[str, str]) -> Baseline | None:
    """This machine's idle power; None where it was not measured or cannot be read, which the doctor says.
    Raises nothing."""
    folder = _folder(chosen, environ)
    try:
        if chosen.replay or not (folder / BASELINES).exists():
            return None
        return Kept(folder).baseline()
    except (CalibrationError, OSError):
        return None


def _folder(chosen: Settings, environ: Mapping[str, str]) -> Path:
    from nbcarbon.ledger.store import state_folder

    return state_folder(environ, chosen.state_dir)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
