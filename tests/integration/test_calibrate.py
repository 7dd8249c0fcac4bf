"""From a wall meter's file to the figures of the next session, and idle power: real processes throughout."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from nbcarbon import app, recorded
from nbcarbon.core.booking import devices_key
from nbcarbon.core.energy import contained
from nbcarbon.core.events import CalibrationLearned
from nbcarbon.ledger.reader import read_all
from nbcarbon.ledger.store import sessions
from nbcarbon.meter.clock import SystemClock
from nbcarbon.settings import Settings
from tests.integration.test_run import check_sums, nbcarbon, notebook, summary
from tests.recorded_load import OFFSET_W, SLOPE, meter_lines, record
from tests.stand_in.powercap import FakePowercap, Profile

if TYPE_CHECKING:
    from nbcarbon.core.device import Device

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

WATTS = {
    "intel-rapl:0": 60.0, "intel-rapl:1": 40.0, "intel-rapl:0:0": 8.0, "intel-rapl:1:0": 4.0,
}  # fmt: skip


def counted(tree: FakePowercap) -> list[Device]:
    """The devices of this tree that make up the machine's total."""
    found = app.discover_in_place(Settings(powercap_root=str(tree.root)), SystemClock())
    devices = {sensor.device.id: sensor.device for sensor in found.sensors}
    for sensor in found.sensors:
        sensor.close()
    return [each for each in devices.values() if not contained(each, set(devices), devices)]


def test_after_a_calibration_figures_hold_what_the_wall_meter_would_show(tmp_path: Path) -> None:
    tree = FakePowercap.xeon(tmp_path / "powercap")
    environ = {"NBCARBON_POWERCAP_ROOT": str(tree.root)}
    devices = counted(tree)
    folder = recorded.sessions_folder(Settings(), os.environ)
    record(folder, devices)
    meter = tmp_path / "meter.csv"
    meter.write_text("\n".join(meter_lines()) + "\n")

    done = nbcarbon("calibrate", "--meter", meter, environ=environ)
    assert done.returncode == 0, done.stderr
    assert "The meter's clock is 2.0 s ahead of this machine's" in done.stdout
    kept = folder.parent / "calibration.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    said = nbcarbon("doctor", environ=environ).stdout
    assert "calibrated against a wall meter on 2025-11-20: wall = " in said

    path = notebook(
        tmp_path / "nb.ipynb",
        "import time",
        "%%carbon brief\ntime.sleep(0.3)",
        "%%carbon three\ntime.sleep(3)",
        "%carbon report",
        "import nbcarbon; now = nbcarbon.session().figures(); print('live', now.energy.energy_j)",
    )
    start_s = time.monotonic()
    profiles = {name: Profile(((1.0, watt),), start_s) for name, watt in WATTS.items()}
    with tree.start_writer(profiles):
        done = nbcarbon("run", path, "--zone", "FR", environ=environ)
    assert done.returncode == 0, done.stderr
    found = summary(tmp_path / "nb.carbon.json")
    check_sums(found)
    words = "calibrated against a wall meter on 2025-11-20"
    assert words in done.stdout
    assert words in (tmp_path / "nb.carbon.md").read_text()
    assert found["calibration"]["date"] == "2025-11-20"
    assert found["calibration"]["calibrated_fraction"] == pytest.approx(1.0)
    assert found["calibration"]["devices"] == list(devices_key(devices))
    executed = nbformat.read(tmp_path / "nb.executed.ipynb", as_version=4)
    cards = [each for each in executed.cells if "%%carbon" in each.source]
    assert all(words in each.outputs[0]["data"]["text/plain"] for each in cards)
    assert words in str(executed.cells[3].outputs)

    true_w = OFFSET_W + SLOPE * sum(WATTS.values())
    for cell in found["cells"][1:3]:
        assert cell["calibrated"]
        true_j = true_w * cell["duration_s"]
        assert cell["low_j"] <= true_j <= cell["high_j"]
        sensors_j = sum(each["energy_j"] for each in cell["devices"] if each["counted"])
        assert cell["energy_j"] > 1.3 * sensors_j
    three = found["cells"][2]
    assert three["high_j"] - three["low_j"] < 2 * 0.03 * three["energy_j"]

    # The session that a kernel held is the one its ledger holds.
    events, damaged = read_all(sessions(folder)[-1])
    assert damaged == 0
    assert sum(isinstance(each, CalibrationLearned) for each in events) == 1
    again = recorded.summary_of(recorded.recorded_session("latest", os.environ))
    assert again["totals"] == pytest.approx(found["totals"])

    assert "Deleted: 1" in nbcarbon("calibrate", "--delete").stdout


def test_idle_power_is_measured_kept_and_shown(tmp_path: Path) -> None:
    tree = FakePowercap.xeon(tmp_path / "powercap")
    environ = {"NBCARBON_POWERCAP_ROOT": str(tree.root)}
    start_s = time.monotonic()
    profiles = {name: Profile(((1.0, watt),), start_s) for name, watt in WATTS.items()}
    with tree.start_writer(profiles):
        # The writer itself is work, and so is whatever else runs the tests here: hence the force.
        done = nbcarbon("baseline", "--duration", "10", "--force", environ=environ)
    assert done.returncode == 0, done.stderr
    assert "CPU package 0" in done.stdout
    (path,) = [
        Path(line.removeprefix("Kept in ")) for line in done.stdout.splitlines() if "Kept" in line
    ]
    (entry,) = json.loads(path.read_text())["entries"]
    for device, watt in zip(entry["baseline"]["devices"], (60.0, 8.0, 40.0, 4.0), strict=True):
        assert device["power_w"] == pytest.approx(watt, rel=0.02)
        assert device["low_w"] <= watt <= device["high_w"]
    said = nbcarbon("doctor", environ=environ).stdout
    assert "idle on " in said
    assert "CPU package 0 60 W" in said
