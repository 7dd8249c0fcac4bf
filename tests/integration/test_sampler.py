"""The sampler elsewhere: over pipes, as a thread, and what it may know of its environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbcarbon.meter.spawn import sampler_environment, start_sampler

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

WORK = """
import time
import nbcarbon
from nbcarbon import app
with nbcarbon.measure("work") as m:
    time.sleep(0.3)
print(m.report.coverage_fraction > 0.5, m.report.energy_j > 0, m.report.flags,
      type(app.current().meter.link.handle).__name__)
app.stop()
"""


def run(before: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", before + WORK],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_over_pipes_as_on_systems_without_packets(tmp_path: Path) -> None:
    """macOS and Windows: two pipes with lengths, a model, psutil. Here with Linux below it."""
    before = "import sys; sys.platform = 'darwin'\n"
    assert run(before, tmp_path) == "True True () Sampler"


def test_as_a_thread_where_no_process_can_be_started(tmp_path: Path) -> None:
    before = (
        "import subprocess\n"
        "def refuse(*a, **k): raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "subprocess.Popen = refuse\n"
    )
    assert run(before, tmp_path) == "True True ('thread',) SamplerThread"


def test_a_failing_start_is_told_and_the_code_runs(tmp_path: Path) -> None:
    code = (
        "import nbcarbon\nfrom nbcarbon import app\n"
        "def refuse(ledger): raise OSError(24, 'Too many open files')\n"
        "app._start_sampler = refuse\n"
        "with nbcarbon.measure('a') as m: x = 1\n"
        "print(x, app.current().status())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.stderr == ""
    assert done.stdout.startswith("1 paused: no sampler can be started")


def test_an_environment_without_secrets() -> None:
    kept = sampler_environment(
        {
            "PATH": "/bin",
            "HOME": "/home/a",
            "LC_ALL": "C",
            "NBCARBON_ZONE": "FR",
            "NBCARBON_EM_TOKEN": "secret",
            "CUDA_VISIBLE_DEVICES": "0",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "JUPYTERHUB_API_URL": "https://user:secret@hub",
            "JUPYTERHUB_API_TOKEN": "secret",
            "PYTHONPATH": "/evil",
            "PYTHONSTARTUP": "/evil.py",
            "OPENAI_API_KEY": "secret",
            "https_proxy": "http://proxy",
            "LD_PRELOAD": "/evil.so",
        }
    )
    assert kept == {
        "PATH": "/bin",
        "HOME": "/home/a",
        "LC_ALL": "C",
        "NBCARBON_ZONE": "FR",
        "CUDA_VISIBLE_DEVICES": "0",
        "JUPYTERHUB_API_URL": "1",
        "https_proxy": "http://proxy",
    }


def test_a_process_of_its_own_session_and_folder() -> None:
    sampler = start_sampler({"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    try:
        assert os.getsid(sampler.pid) == sampler.pid
        assert Path(f"/proc/{sampler.pid}/cwd").readlink() == Path("/")
        for number in (0, 1, 2):
            assert Path(f"/proc/{sampler.pid}/fd/{number}").readlink() == Path("/dev/null")
    finally:
        sampler.end.close()
        assert sampler.wait(5.0)
