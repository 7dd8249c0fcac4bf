"""`nbcarbon calibrate` on recorded sessions, and what the doctor says of it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon import doctor, machine
from nbcarbon.__main__ import main
from nbcarbon.calibrating import calibrate_lines
from nbcarbon.core.device import Kind
from nbcarbon.errors import CalibrationError
from nbcarbon.settings import Settings
from nbcarbon.testing import cpu_device
from tests.core.test_baseline import FOUND
from tests.recorded_load import BEGAN, OFFSET_W, SLOPE, meter_lines, record

if TYPE_CHECKING:
    from pathlib import Path

    from nbcarbon.core.device import Device

CPU = cpu_device()
GPU = cpu_device(id="gpu:0", kind=Kind.GPU, name="GPU 0")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("NBCARBON_STATE_DIR", str(folder))
    return folder


def kept(state: Path) -> machine.Kept:
    return machine.kept(Settings(state_dir=str(state)), {})


def meter(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "meter.csv"
    path.write_text("\n".join(meter_lines(**changes)) + "\n")
    return path


def said(path: Path, *, meter_percent: float | None = None) -> str:
    return "\n".join(calibrate_lines(os.environ, path, meter_percent=meter_percent))


def test_a_meter_two_seconds_ahead_and_a_machine_with_two_devices(
    tmp_path: Path, state: Path
) -> None:
    record(state / "sessions", (CPU, GPU))
    text = said(meter(tmp_path))
    (found,) = kept(state).calibrations()

    assert found.devices == ("cpu:0", "gpu:0")
    assert found.lag_s == pytest.approx(2.0, abs=0.3)
    assert found.slope == pytest.approx(SLOPE, abs=found.slope_error_fraction)
    assert found.offset_w == pytest.approx(OFFSET_W, abs=1.5)
    assert found.meter_fraction == 0.01
    assert "The meter's clock is 2.0 s ahead" in text
    assert "15 minutes in common" in text
    assert f"calibrated against a wall meter on {found.date}" in text
    assert "time zone" not in text


def test_times_without_a_zone_are_this_machines_and_that_is_said(
    tmp_path: Path, state: Path
) -> None:
    record(state / "sessions", (CPU,))
    path = meter(tmp_path, zone=False, lag_s=0.0)
    path.write_text(path.read_text() + "2025-11-20T23:00:00,\n")
    text = said(path, meter_percent=0.5)
    assert "taken as local time of this machine" in text
    assert "1 rows without a power" in text
    assert "The meter's clock agrees" in text
    assert kept(state).calibrations()[0].meter_fraction == 0.005
    assert "1.5 s behind this machine's" in said(meter(tmp_path, lag_s=-1.5))


def test_the_devices_that_were_recorded_longest_are_taken(tmp_path: Path, state: Path) -> None:
    folder = state / "sessions"
    record(folder, (CPU,), duration_s=700)
    record(folder, (CPU, GPU), duration_s=200, began=BEGAN + timedelta(seconds=700))
    record(folder, (CPU,), began=BEGAN - timedelta(days=30))
    old = record(folder, (CPU,), began=BEGAN - timedelta(days=3))
    os.utime(old, (BEGAN.timestamp() - 86_400,) * 2)
    record(folder, (CPU,), began=BEGAN + timedelta(days=3))
    (folder / "20251120T100000Z-00.ledger").write_text("nothing")
    text = said(meter(tmp_path))
    assert "more minutes were recorded with other devices: left out" in text
    assert kept(state).calibrations()[0].devices == ("cpu:0",)


def test_what_cannot_be_done_is_a_sentence_and_keeps_nothing(tmp_path: Path, state: Path) -> None:
    with pytest.raises(CalibrationError, match="No session was recorded while the meter was"):
        said(meter(tmp_path))
    record(state / "sessions", (CPU,))
    with pytest.raises(CalibrationError, match="No session was recorded"):
        said(meter(tmp_path, began=BEGAN + timedelta(hours=1)))
    with pytest.raises(CalibrationError, match="Only 1"):
        said(meter(tmp_path, duration_s=120))
    with pytest.raises(CalibrationError, match="accuracy cannot be 50 %"):
        said(meter(tmp_path), meter_percent=50.0)
    with pytest.raises(CalibrationError, match="more than 10 s apart"):
        said(meter(tmp_path, lag_s=-12.0))
    with pytest.raises(CalibrationError, match="less sure"):
        said(meter(tmp_path), meter_percent=20.0)
    assert kept(state).calibrations() == []


def test_a_machine_whose_load_changed_too_seldom_to_compare_clocks(
    tmp_path: Path, state: Path
) -> None:
    def slow(second: float) -> float:
        return 40 + second / 9

    record(state / "sessions", (CPU,), power_w=slow)
    text = said(meter(tmp_path, power_w=slow, lag_s=0.0))
    assert "Power changed too little to compare the clocks" in text


def test_a_steady_machine_cannot_be_calibrated(tmp_path: Path, state: Path) -> None:
    record(state / "sessions", (CPU,), power_w=lambda s: 50.0)
    with pytest.raises(CalibrationError, match="hardly varied"):
        said(meter(tmp_path, power_w=lambda s: 50.0))


def test_on_the_command_line(
    tmp_path: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(state / "sessions", (CPU,))
    path = meter(tmp_path)
    assert main(["calibrate", "--meter", str(path), "--accuracy", "2"]) == 0
    assert "Kept in" in capsys.readouterr().out
    assert main(["calibrate", "--delete"]) == 0
    assert "Deleted: 1 calibration of this machine." in capsys.readouterr().out
    assert main(["calibrate", "--meter", str(tmp_path / "none.csv")]) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert main(["baseline", "--duration", "1"]) == 2


def checks(state: Path, *devices: Device) -> dict[str, doctor.Check]:
    found = doctor._learnt(Settings(state_dir=str(state)), {}, devices)
    return {each.topic: each for each in found}


def test_the_doctor_says_what_was_learnt(tmp_path: Path, state: Path) -> None:
    found = checks(state, CPU)
    assert {each.status for each in found.values()} == {"absent"}
    assert "nbcarbon calibrate" in found["calibration"].hint

    record(state / "sessions", (CPU,))
    said(meter(tmp_path))
    kept(state).keep_baseline(FOUND)
    inner = cpu_device(id="core:0", within="cpu:0")
    found = checks(state, CPU, inner)
    assert {each.status for each in found.values()} == {"ok"}
    assert "calibrated against a wall meter on 2025-11-20: wall = " in found["calibration"].text
    assert "idle on 2026-11-25: CPU 12.1 W (11.5 – 12.7)" in found["baseline"].text

    other = checks(state, CPU, GPU)["calibration"]
    assert other.status == "problem"
    assert "made with other devices (gpu:0): not used" in other.text
    for name in (machine.CALIBRATIONS, machine.BASELINES):
        (state / name).write_text("{")
    assert {each.status for each in checks(state, CPU).values()} == {"problem"}


def test_a_recorded_trace_calibrates_nothing_else(tmp_path: Path, state: Path) -> None:
    replayed = replace(CPU, provenance=type(CPU.provenance).REPORTED, method="replayed from a.csv")
    record(state / "sessions", (replayed,))
    said(meter(tmp_path))
    assert kept(state).calibrations()[0].devices == ("cpu:0 (replayed from a.csv)",)
    assert checks(state, CPU)["calibration"].status == "problem"
