"""`%carbon where`, `whatif` and `estimate` in a real kernel, and an estimate from its ledger in a shell."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.kernels import kernel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120)]

BUSY = """%%carbon train
total = sum(number * number for number in range(2_000_000))
"""
LESS = "times less"


def test_a_cell_elsewhere_otherwise_and_again(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run("%carbon zone IN")
        running.run(BUSY)
        first, again = (running.run("%carbon where train --provider aws") for _ in range(2))
        table = first.displays[-1]["data"]
        moved = running.run("%carbon whatif train --zone SE --pue 1.2")
        many = running.run("%carbon estimate --like train --times 1000 --json")
        wrong = running.run("%carbon estimate --gpu banana --hours 1")
        report = running.run("%carbon report")

        assert "Mainland India (IN) · here" in table["text/plain"]
        assert "<script" not in table["text/html"]
        assert LESS in first.text
        assert LESS not in again.text + report.text
        assert "the same energy, × 0.0" in moved.text
        assert json.loads(many.text)["zone"]["id"] == "IN"
        assert "--gpu 300W" in wrong.evalue
        ledger = running.ledger

    done = subprocess.run(
        [sys.executable, "-m", "nbcarbon", "estimate", "--like", "train", "--times", "1000", "--json",
         "--ledger", str(ledger)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    recorded, live = json.loads(done.stdout), json.loads(many.text)
    assert recorded["energy_kwh"] == pytest.approx(live["energy_kwh"])


def test_who_wants_no_nudge_hears_none(tmp_path: Path) -> None:
    with kernel(tmp_path, environ={"NBCARBON_NUDGE": "off", "NBCARBON_ZONE": "IN"}) as running:
        running.run(BUSY)
        found = running.run("%carbon where")

        assert found.status == "ok"
        assert LESS not in found.text
