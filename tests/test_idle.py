"""`nbcarbon baseline` with scripted sensors and clocks: nothing sleeps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from nbcarbon import idle
from nbcarbon.core.device import Kind
from nbcarbon.errors import CalibrationError, SensorLost, SensorReadError
from nbcarbon.idle import baseline_lines, judged, measure
from nbcarbon.testing import FakeClock, ScriptedSensor, cpu_device

if TYPE_CHECKING:
    from pathlib import Path

    from nbcarbon.core.baseline import Baseline
    from nbcarbon.ports import Sensor

GPU = cpu_device(id="gpu:0", kind=Kind.GPU, name="GPU 0")


@dataclass
class Resting:
    busy: float = 0.01
    clock: FakeClock = field(default_factory=FakeClock)

    def measured(self, *sensors: Sensor) -> Baseline:
        return measure(
            sensors,
            self.clock,
            duration_s=60.0,
            sleep=self.clock.advance,
            busy_s=lambda: self.clock.monotonic_s() * self.busy * 4,
            cpu_count=4,
        )


def test_each_device_at_rest() -> None:
    rest = Resting()
    steady = ScriptedSensor(rest.clock, power_w=lambda s: 12.0)
    failing = ScriptedSensor(rest.clock, GPU, fail=[SensorReadError("no"), SensorReadError("no")])
    gone = ScriptedSensor(rest.clock, cpu_device(id="x"), fail=[SensorLost("gone")] * 100)
    found = rest.measured(steady, failing, gone)

    assert [each.device_id for each in found.devices] == ["cpu:0", "gpu:0"]
    assert found.devices[0].power_w == pytest.approx(12, rel=0.01)
    assert found.duration_s == pytest.approx(60)
    assert found.busy_fraction == pytest.approx(0.01)
    assert found.measured_at.tzinfo is not None
    lines = list(judged(found, force=False))
    assert len(lines) == 2
    assert "12 W" in lines[0]
    assert "measured" in lines[0]


def test_a_busy_machine_is_refused_and_kept_when_forced() -> None:
    rest = Resting(busy=0.5)
    gpu = ScriptedSensor(rest.clock, GPU, power_w=lambda s: 300.0 if s % 20 < 10 else 20.0)
    found = rest.measured(gpu)
    with pytest.raises(CalibrationError, match=r"CPUs worked 50 % .* and GPU 0 moved by"):
        list(judged(found, force=False))
    *_, last = judged(found, force=True)
    assert last.startswith("! The machine was not idle")


def test_no_device_and_no_cpu_time() -> None:
    rest = Resting()
    found = measure(
        [], rest.clock, duration_s=1.0, sleep=rest.clock.advance, busy_s=lambda: None, cpu_count=1
    )
    assert found.busy_fraction is None
    with pytest.raises(CalibrationError, match="No device could be read"):
        list(judged(found, force=True))


@pytest.mark.parametrize("duration_s", [0.0, -5.0, 1e9, float("nan")])
def test_a_duration_that_will_not_do(duration_s: float) -> None:
    with pytest.raises(CalibrationError, match="no time to measure"):
        list(baseline_lines({}, duration_s=duration_s, force=False, sleep=lambda s: None))


def test_it_is_measured_kept_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real thing on a recorded trace, which plays by the real clock: hence as short as it may be."""
    trace = tmp_path / "trace.csv"
    trace.write_text("seconds,device,kind,power_w\n0,cpu:0,cpu,30\n600,cpu:0,cpu,30\n")
    environ = {"NBCARBON_REPLAY": str(trace), "NBCARBON_STATE_DIR": str(tmp_path / "state")}
    monkeypatch.setattr(idle, "SHORTEST_S", 0.01)
    lines = list(baseline_lines(environ, duration_s=0.05, force=True, sleep=time.sleep))
    assert "Reading idle power" in lines[0]
    assert "30 W" in lines[1]
    assert lines[-1] == f"Kept in {tmp_path / 'state' / 'baseline.json'}"
