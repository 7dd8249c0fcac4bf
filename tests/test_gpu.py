"""A real NVIDIA card, where there is one: `pytest -m gpu`. The stand-in says nothing about real drivers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.trace import CounterReading
from nbcarbon.meter.clock import SystemClock
from nbcarbon.sensors.nvml import NvmlBackend
from tests.bench.gpu import ONE_CARD, absent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(120)]

REFRESH_S = 0.1
"""No card known so far updates its counter more slowly."""

WINDOW = """
import json, time
import pynvml
import nbcarbon
from nbcarbon import app
pynvml.nvmlInit()
card = pynvml.nvmlDeviceGetHandleByIndex(0)
def counted_mj(): return pynvml.nvmlDeviceGetTotalEnergyConsumption(card)
with nbcarbon.measure("warm"): time.sleep(1.5)
with nbcarbon.measure("window") as window:
    start_mj = counted_mj()
    time.sleep(5.0)
    end_mj = counted_mj()
(gpu,) = [each for each in window.report.devices if each.kind == "gpu"]
limit_w = pynvml.nvmlDeviceGetEnforcedPowerLimit(card) / 1000
print(json.dumps({"counted_j": (end_mj - start_mj) / 1000, "limit_w": limit_w, "low_j": gpu.low_j,
                  "high_j": gpu.high_j, "provenance": gpu.provenance}))
app.stop()
"""


@pytest.fixture(autouse=True)
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """One card with a counter, the same one for everybody; skips with the reason where there is none."""
    for name, value in ONE_CARD.items():
        monkeypatch.setenv(name, value)
    why = absent()
    if why:
        # Nothing but a card of NVIDIA's can be asked what its own counter says: `-rs` tells why it was not.
        pytest.skip(f"needs an NVIDIA card with an energy counter: {why}")


def test_the_card_is_found_and_its_counter_counts() -> None:
    discovery = NvmlBackend(SystemClock(), os.environ).discover()
    try:
        (sensor,) = discovery.sensors
        first, second = sensor.read(), sensor.read()
    finally:
        for each in discovery.sensors:
            each.close()

    assert sensor.device.kind is Kind.GPU
    assert sensor.device.provenance is Provenance.MEASURED
    assert isinstance(first, CounterReading)
    assert isinstance(second, CounterReading)
    assert second.energy_j >= first.energy_j > 0


@pytest.mark.process
def test_a_window_is_what_the_cards_own_counter_says(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WINDOW], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)

    # Each end of the counter's own difference may be one update old.
    slack_j = 2 * REFRESH_S * found["limit_w"]
    assert found["provenance"] == "measured"
    assert found["low_j"] - slack_j <= found["counted_j"] <= found["high_j"] + slack_j
