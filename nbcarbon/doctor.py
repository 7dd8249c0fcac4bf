"""What works here, what does not, and the one thing to do about each.

Everything a figure depends on: sensors, zone, settings, where sessions are kept. It reads the
devices itself, so it runs in a process of its own, never in a user's kernel.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcarbon import app, machine, recorded, settings
from nbcarbon.core.baseline import shown as idle_text
from nbcarbon.core.booking import devices_key
from nbcarbon.core.energy import contained
from nbcarbon.core.humanize import grams, percent, plain
from nbcarbon.core.units import S_PER_MIN
from nbcarbon.core.wording import calibrated
from nbcarbon.errors import CalibrationError, NbcarbonError, SensorError
from nbcarbon.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.device import Device
    from nbcarbon.ports import Discovery

APART_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it stands, what was found, what to do."""

    topic: str
    status: str
    text: str
    hint: str = ""


def examine(environ: Mapping[str, str]) -> list[Check]:
    """Look at everything, in this process."""
    loaded = settings.load(environ)
    checks = [Check("nbcarbon", "ok", f"{__version__}, Python {platform.python_version()}")]
    checks += [Check("settings", "problem", each) for each in loaded.problems]
    devices: list[Device] = []
    for discovery in app.discover_everything(loaded.settings, environ):
        devices += [sensor.device for sensor in discovery.sensors]
        checks += _sensors(discovery)
    zone, intensity, notices = app.locate(loaded.settings.zone, environ)
    remedy = " ".join(text for _, text in notices)
    checks.append(
        Check("zone", "ok" if zone.id else "unknown", app.describe_zone(zone, intensity), remedy)
    )
    checks.append(_ledger(loaded.settings, environ))
    return [
        *checks,
        *_learnt(loaded.settings, environ, devices),
        _hardware(loaded.settings, devices),
    ]


def examine_apart(environ: Mapping[str, str]) -> list[Check]:
    """The same from a process of its own, with the environment a sampler would have."""
    from nbcarbon.meter.spawn import sampler_environment

    folder = Path(__file__).resolve().parents[1]
    program = (
        "import sys, typing; folder = sys.argv.pop(1); sys.path.insert(0, folder); import nbcarbon; "
        "del sys.path[0]; sys.path.append(folder); "
        "from nbcarbon.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run(  # noqa: S603 (our own interpreter, our own code)
        [sys.executable, "-P", "-c", program, str(folder), "doctor", "--json"],
        env=sampler_environment(environ),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=APART_TIMEOUT_S,
        check=False,
    )
    try:
        return [Check(**each) for each in json.loads(done.stdout)["checks"]]
    except (ValueError, KeyError, TypeError):
        text = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return [Check("doctor", "broken", f"The examination failed: {text or done.returncode}")]


def _sensors(discovery: Discovery) -> list[Check]:
    checks = []
    for sensor in discovery.sensors:
        device = sensor.device
        error = plain(percent(device.error_fraction))
        text = f"{device.name}: {device.provenance} ({device.method}, ±{error})"
        try:
            sensor.read()
        except SensorError as error:
            checks.append(
                Check(device.kind, "broken", f"{device.name}: {error.message}", error.hint)
            )
        else:
            checks.append(Check(device.kind, "ok", text))
        finally:
            sensor.close()
    checks += [
        Check(each.backend, each.status, each.text, each.hint) for each in discovery.findings
    ]
    return checks


def _ledger(chosen: settings.Settings, environ: Mapping[str, str]) -> Check:
    try:
        folder, count = recorded.ledger_folder(chosen, environ)
    except NbcarbonError as error:
        return Check("sessions", "problem", error.message, error.hint)
    return Check("sessions", "ok", f"{count} kept in {folder}")


def _learnt(
    chosen: settings.Settings, environ: Mapping[str, str], devices: Sequence[Device]
) -> list[Check]:
    """What was measured of this machine before: against a wall meter, and at rest."""
    kept = machine.kept(chosen, environ)
    try:
        calibrations = kept.calibrations()
    except CalibrationError as error:
        checks = [Check("calibration", "problem", error.message, error.hint)]
    else:
        checks = [_calibration(calibrations, devices)]
    try:
        baseline = kept.baseline()
    except CalibrationError as error:
        return [*checks, Check("baseline", "problem", error.message, error.hint)]
    if baseline is None:
        text, hint = (
            "idle power not measured",
            "`nbcarbon baseline` does that, in a minute of rest.",
        )
        return [*checks, Check("baseline", "absent", text, hint)]
    shown = ", ".join(plain(f"{each.name} {idle_text(each)}") for each in baseline.devices)
    return [*checks, Check("baseline", "ok", f"idle on {baseline.date}: {shown}")]


def _hardware(chosen: settings.Settings, devices: Sequence[Device]) -> Check:
    """What the embodied part of emissions is of."""
    try:
        app.checked_hardware(chosen.hardware)
    except NbcarbonError as error:
        return Check("embodied", "problem", error.message, error.hint)
    found = app.hardware_of(devices, dict(app.as_text(chosen)))
    names = [f"{each.name}, {plain(grams(each.emissions_g))}" for each in found.made]
    if not found.unknown:
        return Check("embodied", "ok", "; ".join(names) or "not counted")
    text = "; ".join([*names, f"no figure for {' and '.join(found.unknown)}"])
    return Check("embodied", "absent", text, "Set hardware: NBCARBON_HARDWARE=laptop, say.")


def _calibration(calibrations: Sequence[Calibration], devices: Sequence[Device]) -> Check:
    if not calibrations:
        hint = "`nbcarbon calibrate --meter FILE.csv` does that."
        return Check("calibration", "absent", "not calibrated against a wall meter", hint)
    by_id = {each.id: each for each in devices}
    here = devices_key(each for each in devices if not contained(each, set(by_id), by_id))
    for each in calibrations:
        if each.devices == here:
            error = each.error_fraction(each.centre_w, S_PER_MIN)
            text = (
                f"{calibrated(each)}: wall = {each.offset_w:.1f} W + {each.slope:.3f} × sensors, "
                f"±{100 * error:.1f} % of a minute at {each.centre_w:.0f} W"
            )
            return Check("calibration", "ok", text)
    newest = calibrations[0]
    changed = sorted(set(newest.devices) ^ set(here))
    return Check(
        "calibration",
        "problem",
        f"that of {newest.date} was made with other devices ({', '.join(changed)}): not used",
        "Calibrate again: `nbcarbon calibrate --meter FILE.csv`.",
    )


def lines(checks: list[Check]) -> list[str]:
    """The examination as text: one line per check, its remedy below it."""
    width = max(len(each.topic) for each in checks)
    marks = {"ok": " ", "absent": " "}
    found = []
    for each in checks:
        found.append(f"{marks.get(each.status, '!')} {each.topic:<{width}}  {each.text}")
        if each.hint:
            found.append(f"  {'':<{width}}  {each.hint}")
    return found


def as_json(checks: list[Check]) -> dict[str, Any]:
    return {"schema": "nbcarbon.doctor", "schema_version": 1, "checks": [asdict(c) for c in checks]}
