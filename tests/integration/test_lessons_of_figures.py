"""The notebooks about published figures and places: each runs to its end with no GPU and no network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"

NO_NETWORK = """
import socket

connect = socket.socket.connect


def checked(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"a lesson reached for {address}")
    return connect(self, address)


socket.socket.connect = checked
"""


def run(name: str, folder: Path) -> dict[str, str]:
    """Each code cell's text by its first line."""
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    output = folder / "out.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "nbcarbon", "run", str(FOLDER / f"{name}.ipynb"),
         "--zone", "FR", "--output", str(output), "--summary", str(folder / "out.json")],
        capture_output=True, text=True, timeout=160, cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    executed = nbformat.read(output, as_version=4)
    return {
        each.source.splitlines()[0]: "\n".join(map(text_of, each.outputs)).replace("\u00a0", " ")
        for each in executed.cells
        if each.cell_type == "code"
    }


def text_of(output: Any) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def test_the_guard_against_the_network_guards(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    done = subprocess.run(
        [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 1)"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip

    assert "a lesson reached for" in done.stderr


def test_bloom_comes_out_as_published(tmp_path: Path) -> None:
    shown = run("bloom", tmp_path)
    everything = "\n".join(shown.values())

    assert re.search(r"433 MWh \(.*\) +24\.7 tCO₂e", shown["GPU_HOURS = 1_082_990"])
    assert "14.63 t" in everything
    assert "3.64 t for the GPUs" in everything
    assert "7.58 t for the servers" in everything
    assert re.search(r"together +50\.5 t", shown["parts = {"])
    assert "idle: 82% of the energy" in shown["import random"]


def test_where_and_when(tmp_path: Path) -> None:
    shown = run("where-and-when", tmp_path)
    table = shown["%carbon where job --provider gcp"]
    ratios = [float(each) for each in re.findall(r"× ([0-9.]+)", table)]
    times = re.search(r"([0-9.]+) times less", table)
    saved = re.findall(r"(\d+)% less", shown["def mean_of(start, length):"])

    assert ratios == sorted(ratios)
    assert ratios[-1] / ratios[0] > 25
    assert times is not None
    assert float(times[1]) == pytest.approx(1 / ratios[0], rel=0.05)
    assert "Germany (DE) · here" in table
    assert "PUE          1.1" in shown["%carbon whatif job --cloud gcp:europe-west9"]
    assert "100 000 × job" in shown["%carbon estimate --like job --times 100000"].replace(
        "\u202f", " "
    )
    assert [int(each) for each in saved] == sorted(map(int, saved), reverse=True)
    assert saved[-1] == "0"
