"""Every test has a home of its own, and leaves no process and no thread behind."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.register_profile("suite", deadline=None, print_blob=True)
settings.load_profile("suite")

QUIET_S = 3.0
"""How long something of ours may take to be gone."""


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in a temporary folder: no test reads or writes the person's own sessions."""
    folder = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("NBCARBON_", "XDG_", "JPY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(folder / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
    return folder


def ours(process: psutil.Process) -> bool:
    try:
        return any("_sampler.py" in each for each in process.cmdline())
    except psutil.Error:
        return False


def samplers_below() -> list[int]:
    return [each.pid for each in psutil.Process().children(recursive=True) if ours(each)]


def threads_of_ours() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("nbcarbon")]


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """No sampler process of this test's and no thread of ours is there when it is over."""
    # Of a kernel that several tests share, another test sees to it.
    threads_before, samplers_before = set(threads_of_ours()), set(samplers_below())
    yield
    deadline_s = time.monotonic() + QUIET_S
    while time.monotonic() < deadline_s:
        samplers = set(samplers_below()) - samplers_before
        threads = set(threads_of_ours()) - threads_before
        if not samplers and not threads:
            return
        time.sleep(0.02)
    pytest.fail(f"left running: samplers {sorted(samplers)}, threads {sorted(threads)}")
