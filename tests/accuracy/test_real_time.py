"""The driver's thread in real time, over a stand-in for the driver's library.

Each cell is compared with the true energy between the very instants it was given, so a busy machine makes
intervals wider and cells longer, and the test does not fail. With four endless loops on two cores 3 of 100
intervals missed the truth; on a quiet machine none of several hundred.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stand_in.nvml import FakeGpu, StandIn

ROOT = Path(__file__).resolve().parents[2]
CELLS = 10


def steps(seed: int) -> tuple[tuple[float, float], ...]:
    """Levels of 0.2 to 1.5 s that know nothing of the cells."""
    chosen = random.Random(seed)
    found, at_s = [(0.0, 60.0)], 0.0
    while at_s < 80.0:
        at_s += chosen.uniform(0.2, 1.5)
        found.append((at_s, chosen.choice((60.0, 120.0, 200.0, 280.0))))
    return tuple(found)


@pytest.mark.process
def test_short_cells_of_gpus_whose_counters_tick(tmp_path: Path) -> None:
    driver = StandIn(tmp_path / "driver")
    gpus = [
        FakeGpu(
            uuid=f"GPU-{number}",
            power=steps(number),
            start_s=time.monotonic() - 0.013 * number,
            refresh_ms=refresh_ms,
            limit_w=400.0,
        )
        for number, refresh_ms in enumerate((20.0, 100.0))
    ]
    driver.write(*gpus)
    done = subprocess.run(
        [sys.executable, "-m", "tests.accuracy.real_cells", "0.25", str(CELLS)],
        env={**os.environ, **driver.environment()},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    judged = held = error_j = whole_j = 0.0
    for start_s, end_s, said in rows:
        for gpu in gpus:
            energy_j, low_j, high_j, coverage_fraction = said[f"gpu:{gpu.uuid}"]
            if coverage_fraction < 1:
                continue  # the thread did not get to run in time, and says so
            true_j = gpu.energy_j(end_s) - gpu.energy_j(start_s)
            judged += 1
            held += low_j <= true_j <= high_j
            error_j += abs(energy_j - true_j)
            whole_j += true_j

    assert judged >= len(rows)
    assert held >= judged - 2
    # A plain difference would be wrong by 15 % here; how far below, a busy machine may decide.
    assert error_j < 0.08 * whole_j
