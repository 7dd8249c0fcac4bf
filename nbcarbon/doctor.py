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

from nbcarbon import app, recorded, settings
from nbcarbon.core.humanize import percent, plain
from nbcarbon.errors import NbcarbonError, SensorError
from nbcarbon.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    for discovery in app.discover_everything(loaded.settings, environ):
        checks += _sensors(discovery)
    zone, intensity, notices = app.locate(loaded.settings.zone, environ)
    remedy = " ".join(text for _, text in notices)
    checks.append(
        Check("zone", "ok" if zone.id else "unknown", app.describe_zone(zone, intensity), remedy)
    )
    checks.append(_ledger(loaded.settings, environ))
    return checks


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
