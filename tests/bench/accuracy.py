"""How exact energies are, against counters whose true power is known (G9, G13)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.bench.rows import Row
from tests.stand_in.powercap import FakePowercap, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCKS = """
import json, sys, time
import nbcarbon
from nbcarbon import app
duration_s, count = float(sys.argv[1]), int(sys.argv[2])
found = []
with nbcarbon.measure("warm"): time.sleep(0.5)
for _ in range(count):
    with nbcarbon.measure("block") as block:
        end = time.monotonic() + duration_s
        while time.monotonic() < end: time.sleep(0.001)
    report = block.report
    cells = app.current().meter.session.cells
    facts = cells[report.index]
    measured = [each for each in report.devices if each.provenance == "measured"]
    sums = [sum(getattr(each, key) for each in measured) for key in ("energy_j", "low_j", "high_j")]
    found.append([facts.run.start_s, facts.end_s, *sums])
    time.sleep(0.037)
print(json.dumps(found))
"""


def cpu(folder: Path) -> Iterator[Row]:
    tree = FakePowercap.laptop(folder / "powercap")
    profile = Profile(((0.13, 20.0), (0.21, 90.0), (0.08, 45.0)), time.monotonic())
    for duration_s, count, limit in ((0.05, 60, 1.2), (0.2, 30, 0.4), (1.0, 10, 0.06)):
        with tree.start_writer({"intel-rapl:0": profile, "intel-rapl-mmio:0": profile}):
            found = _blocks(folder, tree.root, duration_s, count)
        true_j = [profile.true_energy_j(start, end) for start, end, *_ in found]
        error_j = sum(abs(each[2] - true) for each, true in zip(found, true_j, strict=True))
        what = f"CPU energy of a block of {duration_s:g} s, mean error"
        yield Row("G9", what, limit, 100 * error_j / sum(true_j), "%")
        outside = sum(
            not each[3] <= true <= each[4] for each, true in zip(found, true_j, strict=True)
        )
        yield Row("G12", "   of which outside their interval", 5, 100 * outside / count, "%")


def devices(folder: Path) -> Iterator[Row]:
    """Packages and memory add up, and a counter that wraps in a block costs nothing."""
    tree = FakePowercap.xeon(folder / "powercap")
    start_s = time.monotonic()
    profiles = {
        name: Profile(((1.0, power_w),), start_s)
        for name, power_w in {
            "intel-rapl:0": 60.0,
            "intel-rapl:1": 40.0,
            "intel-rapl:0:0": 8.0,
            "intel-rapl:1:0": 4.0,
        }.items()
    }
    # 60 W from here: it wraps in the middle of the blocks.
    tree.set_uj("intel-rapl:0", 262_143_328_850 - 200_000_000)
    with tree.start_writer(profiles):
        found = _blocks(folder, tree.root, 1.0, 8)
    true_j = sum(112.0 * (end - start) for start, end, *_ in found)
    error_j = abs(sum(each[2] for each in found) - true_j)
    yield Row(
        "G13", "two packages, two memories, one wrap: error", 0.1, 100 * error_j / true_j, "%"
    )


def _blocks(folder: Path, root: Path, duration_s: float, count: int) -> list[list[float]]:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS, str(duration_s), str(count)],
        env={
            "NBCARBON_POWERCAP_ROOT": str(root),
            "NBCARBON_ZONE": "FR",
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            **_paths(),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[float]] = json.loads(done.stdout)
    return found


def _paths() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
