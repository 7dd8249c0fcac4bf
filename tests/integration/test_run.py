"""`nbcarbon run` and its relatives on the command line, with real notebooks and real kernels."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from nbcarbon import recorded
from tests.stand_in.nvml import FakeGpu, StandIn
from tests.stand_in.powercap import FakePowercap, Profile

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]


def notebook(
    path: Path, *cells: str, tags: dict[int, list[str]] | None = None, kernel: str = "python3"
) -> Path:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(each) for each in cells],
        metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
    )
    for index, names in (tags or {}).items():
        made.cells[index].metadata["tags"] = names
    nbformat.write(made, path)
    return path


def nbcarbon(
    *arguments: object, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbcarbon", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(environ or {})},
    )


def summary(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def check_sums(found: dict[str, Any]) -> None:
    outer = [each for each in found["cells"] if each["parent_index"] is None]
    parts = [
        found[name]["energy_j"] for name in ("front_end", "background", "between_cells", "others")
    ]
    cells_j = sum(each["energy_j"] for each in outer)
    assert cells_j + sum(parts) == pytest.approx(found["machine_j"], rel=1e-3)
    assert cells_j + sum(parts[:3]) == pytest.approx(found["totals"]["energy_j"], rel=1e-3)
    assert found["totals"]["energy_kwh"] == pytest.approx(found["totals"]["energy_j"] / 3.6e6)


def test_a_failing_an_awaiting_a_short_and_a_long_cell(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "nb.ipynb",
        "%%carbon expected\n1/0",
        "%%carbon awaiting\nimport asyncio\nawait asyncio.sleep(0.5)",
        "%%carbon short\nimport time; time.sleep(0.02)",
        "%%carbon long\nimport time\nend = time.monotonic() + 10\nwhile time.monotonic() < end: sum(range(1000))",
        "1/0",
        "never = 'run'",
        tags={0: ["raises-exception"]},
    )
    done = nbcarbon("run", path, "--zone", "France")
    found = summary(tmp_path / "nb.carbon.json")

    assert done.returncode == 1, done.stderr
    assert "Stopped: ZeroDivisionError" in done.stdout
    assert [(each["name"], each["outcome"]) for each in found["cells"]] == [
        ("expected", "error"), ("awaiting", "ok"), ("short", "ok"), ("long", "ok"), ("cell 5", "error"),
    ]  # fmt: skip
    durations = [each["duration_s"] for each in found["cells"]]
    assert durations[1] == pytest.approx(0.5, abs=0.1)
    assert durations[2] == pytest.approx(0.02, abs=0.015)
    assert durations[3] == pytest.approx(10.0, abs=0.2)
    assert found["cells"][3]["coverage_fraction"] > 0.99
    assert found["zone"] == {
        "id": "FR", "name": "France", "how": "set by you", "confidence": "set",
    }  # fmt: skip
    assert found["session"]["host"] is None
    assert found["session"]["notebook"] is None
    check_sums(found)
    assert "# Energy and CO₂e" in (tmp_path / "nb.carbon.md").read_text()
    executed = nbformat.read(tmp_path / "nb.executed.ipynb", as_version=4)
    cards = [
        output["data"]["text/plain"]
        for cell in executed.cells
        for output in cell.outputs
        if "application/vnd.nbcarbon.v1+json" in output.get("data", {})
    ]
    assert [card.split()[0] for card in cards] == ["expected", "awaiting", "short", "long"]
    assert executed.cells[5].outputs == []
    for line in ("expected", "awaiting", "short", "long", "total", "Written:"):
        assert line in done.stdout


def test_allow_errors_goes_on_and_says_nothing_failed(tmp_path: Path) -> None:
    path = notebook(tmp_path / "nb.ipynb", "1/0", "x = 1")
    out, report = tmp_path / "out.ipynb", tmp_path / "report.json"
    done = nbcarbon(
        "run", path, "--allow-errors", "--output", out, "--summary", report, "--with-host"
    )
    found = summary(report)

    assert done.returncode == 0, done.stderr
    assert [each["outcome"] for each in found["cells"]] == ["error", "ok"]
    assert out.exists()
    assert found["session"]["host"]


def test_a_kernel_killed_in_the_middle_of_a_cell_is_reported(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "nb.ipynb",
        "x = 1",
        "%%carbon doomed\nimport os, signal, time\ntime.sleep(1.2)\nos.kill(os.getpid(), signal.SIGKILL)",
    )
    done = nbcarbon("run", path)
    assert done.returncode == 1
    assert "Stopped: the kernel died" in done.stdout
    found = summary(tmp_path / "nb.carbon.json")
    assert [(each["name"], each["outcome"]) for each in found["cells"]] == [
        ("cell 1", "ok"), ("doomed", "kernel_died"),
    ]  # fmt: skip
    assert found["cells"][1]["duration_s"] == pytest.approx(1.2, abs=0.3)
    assert found["cells"][1]["energy_j"] > 0
    check_sums(found)

    again = nbcarbon("report", "latest")
    assert again.returncode == 0
    assert "doomed" in again.stdout
    assert "kernel died" in again.stdout
    written = tmp_path / "again.json"
    assert nbcarbon("report", "--output", written).returncode == 0
    assert summary(written)["totals"] == found["totals"]


def test_what_cannot_be_run_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.ipynb").write_text("{")
    good = notebook(tmp_path / "good.ipynb", "1")
    for arguments, expected in {
        (tmp_path / "missing.ipynb",): "There is no notebook",
        (tmp_path / "broken.ipynb",): "is not a notebook",
        (notebook(tmp_path / "other.ipynb", "1", kernel="nosuch"),): "asks for the kernel 'nosuch'",
        (good, "--zone", "Atlantis"): "There is no zone 'Atlantis'",
        (good, "--summary", tmp_path / "a.xyz"): "Let it end in",
    }.items():
        done = nbcarbon("run", *arguments)
        assert done.returncode == 2
        assert expected in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_kernel_without_nbcarbon_is_a_sentence(tmp_path: Path) -> None:
    spec = tmp_path / "kernels" / "bare"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-S", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": [str(bare), *argv[2:]], "display_name": "bare", "language": "python"})
    )
    path = notebook(tmp_path / "nb.ipynb", "1", kernel="bare")
    done = nbcarbon("run", path, environ={"JUPYTER_PATH": str(tmp_path)})
    assert done.returncode == 2
    assert "has no nbcarbon" in done.stderr
    assert "pip install nbcarbon" in done.stderr


def test_history_lists_and_deletes(tmp_path: Path) -> None:
    assert "No session has been recorded" in nbcarbon("history").stdout
    assert nbcarbon("report").returncode == 2
    path = notebook(tmp_path / "nb.ipynb", "1")
    for _ in range(2):
        assert nbcarbon("run", path).returncode == 0
    *lines, total = nbcarbon("history").stdout.splitlines()
    assert len(lines) == 2
    assert total.startswith("total  ")
    first = lines[0].split()[0]
    assert "1 cell " in lines[0]
    assert "Deleted: 1 session." in nbcarbon("history", "--delete", first).stdout
    assert "is not a date" in nbcarbon("history", "--before", "yesterday").stderr
    assert "Deleted: 0 sessions." in nbcarbon("history", "--before", "2020-01-01").stdout
    assert "Deleted: 1 session." in nbcarbon("history", "--all").stdout


def test_the_doctor_speaks_to_people_and_to_programs() -> None:
    said = nbcarbon("doctor").stdout
    for topic in ("nbcarbon", "cpu", "zone", "sessions"):
        assert topic in said
    found = json.loads(nbcarbon("doctor", "--json").stdout)
    assert found["schema"] == "nbcarbon.doctor"
    assert {"topic", "status", "text", "hint"} == set(found["checks"][0])


def test_two_gpus_and_a_package_whose_true_energy_is_known(tmp_path: Path) -> None:
    """The whole path: driver's library, powercap files, sampler, ledger, summary."""
    driver = StandIn(tmp_path)
    start_s = time.monotonic()
    gpus = (
        FakeGpu("GPU-aaaa0000-0000-0000-0000-000000000001", "NVIDIA One", ((0.0, 210.0),), start_s),
        FakeGpu("GPU-bbbb0000-0000-0000-0000-000000000002", "NVIDIA Two", ((0.0, 95.0),), start_s),
    )
    driver.write(*gpus)
    tree = FakePowercap.xeon(tmp_path / "powercap")
    watts = {
        "intel-rapl:0": 60.0,
        "intel-rapl:1": 40.0,
        "intel-rapl:0:0": 8.0,
        "intel-rapl:1:0": 4.0,
    }
    profiles = {name: Profile(((1.0, watt),), start_s) for name, watt in watts.items()}
    path = notebook(
        tmp_path / "nb.ipynb",
        "import time",
        "%%carbon second\ntime.sleep(1)",
        "%%carbon three\ntime.sleep(3)",
    )
    with tree.start_writer(profiles):
        done = nbcarbon(
            "run", path, "--zone", "FR",
            environ={**driver.environment(), "NBCARBON_POWERCAP_ROOT": str(tree.root)},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = summary(tmp_path / "nb.carbon.json")
    check_sums(found)

    assert {each["name"] for each in found["devices"]} == {
        "CPU package 0", "CPU package 1", "CPU package 0 DRAM", "CPU package 1 DRAM",
        "GPU 0 NVIDIA One", "GPU 1 NVIDIA Two",
    } or len(found["devices"]) == 6  # fmt: skip
    assert {each["provenance"] for each in found["devices"]} == {"measured"}
    true_w = sum(watts.values()) + 210.0 + 95.0
    for cell in found["cells"][1:]:
        true_j = true_w * cell["duration_s"]
        # The goal for cells of a second or more is 0.06 % of CPU energy; GPUs of known, steady power
        # are as exact as the edges are.
        assert cell["energy_j"] == pytest.approx(true_j, rel=2e-3)
        assert cell["low_j"] <= true_j <= cell["high_j"]
        assert cell["coverage_fraction"] == pytest.approx(1.0)
        for device in cell["devices"]:
            assert device["counted"]
    cpu = {
        name: [d for d in found["cells"][2]["devices"] if d["kind"] == name]
        for name in ("cpu", "dram")
    }
    duration_s = found["cells"][2]["duration_s"]
    assert sum(d["energy_j"] for d in cpu["cpu"]) == pytest.approx(100.0 * duration_s, rel=6e-4)
    assert sum(d["energy_j"] for d in cpu["dram"]) == pytest.approx(12.0 * duration_s, rel=6e-4)
    session = recorded.recorded_session("latest", os.environ)
    assert session.figures().machine_j == pytest.approx(found["machine_j"])


FAKE_TORCH = """
import sys, time, types
torch = types.ModuleType("torch")
waited = []
def synchronize(index):
    waited.append(index); time.sleep(0.3)
torch.cuda = types.SimpleNamespace(
    is_initialized=lambda: True, device_count=lambda: 1, synchronize=synchronize)
sys.modules["torch"] = torch
"""


def test_a_card_waits_for_queued_gpu_work_and_a_silent_cell_says_it_did_not(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "nb.ipynb",
        FAKE_TORCH,
        "x = 1",
        "%%carbon synced\nlen(waited)",
        "%%carbon free --no-sync\nlen(waited)",
    )
    done = nbcarbon("run", path)
    assert done.returncode == 0, done.stderr
    found = {each["name"]: each for each in summary(tmp_path / "nb.carbon.json")["cells"]}

    assert found["cell 2"]["flags"] == ["unsynced"]
    assert found["synced"]["flags"] == []
    # What others had queued was waited for before it began, what it queued itself is its own.
    assert found["synced"]["duration_s"] == pytest.approx(0.3, abs=0.1)
    assert found["free"]["flags"] == ["unsynced"]
    assert found["free"]["duration_s"] < 0.1
    executed = nbformat.read(tmp_path / "nb.executed.ipynb", as_version=4)
    results = [
        output["data"]["text/plain"]
        for cell in executed.cells
        for output in cell.outputs
        if output["output_type"] == "execute_result"
    ]
    assert results == ["1", "2"]


def test_ctrl_c_writes_what_was_run(tmp_path: Path) -> None:
    path = notebook(tmp_path / "nb.ipynb", "x = 1", "import time; time.sleep(60)")
    process = subprocess.Popen(
        [sys.executable, "-m", "nbcarbon", "run", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "[1/2]" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    shown, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Stopped: interrupted" in shown
    assert summary(tmp_path / "nb.carbon.json")["cells"][0]["outcome"] == "ok"
    assert (tmp_path / "nb.executed.ipynb").exists()


def test_a_notebook_moves_no_cursor(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "nb.ipynb",
        "# \x1b[2J\x1b]0;title\x07 \u202e\nraise ValueError('\x1b[31m\\n\\r')",
    )
    done = nbcarbon("run", path)
    assert done.returncode == 1
    assert "Stopped: ValueError" in done.stdout
    assert not any(each in done.stdout for each in ("\x1b", "\x07", "\u202e", "\r"))


def test_a_recorded_trace_is_played(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("seconds,device,kind,power_w\n0,cpu:0,cpu,30\n600,cpu:0,cpu,30\n")
    path = notebook(tmp_path / "nb.ipynb", "%%carbon played\nimport time; time.sleep(0.5)")
    done = nbcarbon("run", path, environ={"NBCARBON_REPLAY": str(trace)})
    assert done.returncode == 0, done.stderr
    (cell,) = summary(tmp_path / "nb.carbon.json")["cells"]
    assert cell["energy_j"] == pytest.approx(30.0 * cell["duration_s"], rel=1e-3)


def test_on_a_shared_machine_the_share_is_charged_and_said(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "nb.ipynb",
        "%%carbon busy\nimport time\nend = time.process_time() + 1\nwhile time.process_time() < end: pass",
    )
    done = nbcarbon("run", path, environ={"SLURM_JOB_ID": "1"})
    assert done.returncode == 0, done.stderr
    found = summary(tmp_path / "nb.carbon.json")
    assert found["settings"]["attribution"] == "share"
    check_sums(found)
    executed = nbformat.read(tmp_path / "nb.executed.ipynb", as_version=4)
    text = executed.cells[0].outputs[0]["data"]["text/plain"]
    assert "this notebook's share" in text
    assert "whole machine" in text
