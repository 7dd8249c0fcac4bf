"""What the sampler pays: CPU, memory, and how soon it is gone (G6, G8)."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import psutil

from tests.bench.rows import Row
from tests.integration.kernels import kernel, wait_for
from tests.scale.measure import growth_of_traces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPAN_S = 20.0


def sampler_of(pid: int) -> psutil.Process:
    return next(
        each
        for each in psutil.Process(pid).children()
        if any("_sampler" in p for p in each.cmdline())
    )


def _cpu_s(process: psutil.Process) -> float:
    """To the nanosecond, where psutil has hundredths of a second."""
    return time.clock_gettime((~process.pid << 3) | 2)


def cost(folder: Path) -> Iterator[Row]:
    with kernel(folder) as running:
        running.run("import time")
        running.run("%%carbon warm\n1")
        sampler = sampler_of(running.pid)
        time.sleep(12)  # its start and its first points are over
        before_s = _cpu_s(sampler)
        time.sleep(SPAN_S)
        idle_s = _cpu_s(sampler) - before_s
        before_s = _cpu_s(sampler)
        # As long as a cell may be before the rate falls.
        for _ in range(int(SPAN_S / 10)):
            running.run("time.sleep(10)")
        busy_s = _cpu_s(sampler) - before_s
        resident = sampler.memory_info().rss / 1e6
    per_minute = 60 / SPAN_S
    yield Row("G6", "sampler at 10 Hz, CPU seconds a minute", 0.15, busy_s * per_minute, "s")
    yield Row("G6", "sampler idle, CPU seconds a minute", 0.02, idle_s * per_minute, "s")
    yield Row("G6", "sampler, resident", 25, resident, "MB")


def memory(folder: Path) -> Iterator[Row]:
    """An hour at 10 Hz in one cell, in simulated time."""
    grown_mb = growth_of_traces(1.0, devices=3, after_s=3600.0) / 1e6
    yield Row("G8", "growth in an hour at 10 Hz", 0.4, grown_mb, "MB", "memory.growth", "0")


def killed(folder: Path) -> Iterator[Row]:
    slowest_s = 0.0
    for number in range(3):
        below = folder / str(number)
        below.mkdir()
        with kernel(below) as running:
            running.run("x = 1")
            sampler = sampler_of(running.pid)
            running.send("while True: pass")
            time.sleep(0.3)
            os.kill(running.pid, signal.SIGKILL)
            began_s = time.monotonic()
            assert wait_for(
                lambda each=sampler: not each.is_running() or each.status() == "zombie",  # type: ignore[misc]
                timeout_s=10,
            )
            slowest_s = max(slowest_s, time.monotonic() - began_s)
    yield Row("G8", "sampler gone after its kernel's SIGKILL", 1.0, slowest_s, "s")
