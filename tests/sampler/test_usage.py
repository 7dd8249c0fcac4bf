"""CPU time of a process tree, its threads and the machine: on a made-up /proc and on the real one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from nbcarbon.hardware.sharing import why_shared
from nbcarbon.sampler.usage import LinuxUsage, PortableUsage, usage_reader

if TYPE_CHECKING:
    from pathlib import Path

BURN = (
    "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\ninput()"
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def stat(own: tuple[int, int], reaped: tuple[int, int]) -> str:
    # The name may hold brackets and spaces: fields are counted from the last bracket on.
    numbers = ["S", *["0"] * 10, *map(str, (*own, *reaped)), *["0"] * 20]
    return f"7 (a) name) {' '.join(numbers)}"


def test_a_made_up_machine(tmp_path: Path) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    write(tmp_path / "stat", "cpu  100 20 30 4000 500 6 7 800 90 0\ncpu0 1 2 3\n")
    write(tmp_path / "7/stat", stat((0, 0), (10, 5)))
    write(tmp_path / "7/task/7/children", "8 9 ")
    write(tmp_path / "7/task/71/children", "")
    write(tmp_path / "7/task/71/schedstat", "1500000000 3 4\n")
    write(tmp_path / "8/stat", stat((20, 10), (4, 0)))
    write(tmp_path / "8/task/8/children", "10 ")
    write(tmp_path / "10/stat", stat((2, 0), (0, 0)))
    usage = LinuxUsage(7, proc=tmp_path, leave_out=(9,), container_s=lambda: 3.5)

    assert usage.pids() == [7, 8, 10]
    found = usage.read(1.0, threads=(71, 72))
    # The kernel's own word, its reaped children, and every living one with what it reaped.
    assert found.own_s == pytest.approx(1.0 + (15 + 34 + 2) / tick)
    # user nice system irq softirq: not idle, not waiting, not stolen by other guests.
    assert found.machine_s == pytest.approx((100 + 20 + 30 + 6 + 7) / tick)
    assert found.container_s == 3.5
    assert found.threads == {71: 1.5}


def test_what_vanishes_is_just_not_there(tmp_path: Path) -> None:
    usage = LinuxUsage(4_000_001, proc=tmp_path)
    found = usage.read(None)
    assert (found.own_s, found.machine_s, found.threads) == (None, None, {})
    assert usage.pids() == [4_000_001]


@pytest.mark.parametrize("kind", [LinuxUsage, PortableUsage])
def test_a_real_child_is_seen_while_it_lives(kind: type[LinuxUsage | PortableUsage]) -> None:
    usage = kind(os.getpid())
    before = usage.read(time.process_time())
    child = subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE)
    try:
        deadline_s = time.monotonic() + 10
        while True:
            after = usage.read(time.process_time())
            assert after.own_s is not None
            assert before.own_s is not None
            if after.own_s - before.own_s > 0.25 or time.monotonic() > deadline_s:
                break
            time.sleep(0.02)
        assert child.pid in usage.pids()
        assert after.own_s - before.own_s > 0.25
        assert after.machine_s is not None
        assert before.machine_s is not None
        assert after.machine_s - before.machine_s > 0.2
    finally:
        child.communicate(b"\n")


def test_a_threads_own_time() -> None:
    found: list[float] = []

    def work() -> None:
        usage = LinuxUsage(os.getpid())
        thread = threading.get_native_id()
        before = usage.read(None, threads=(thread,)).threads[thread]
        end = time.thread_time() + 0.1
        while time.thread_time() < end:
            pass
        found.append(usage.read(None, threads=(thread,)).threads[thread] - before)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert found == [pytest.approx(0.1, abs=0.05)]


def test_the_reader_of_this_system() -> None:
    assert isinstance(usage_reader(os.getpid()), LinuxUsage)


def test_a_process_that_is_gone_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    usage = PortableUsage(child.pid)
    child.communicate(b"\n")
    assert usage.read(None).own_s is None
    assert usage.pids() == [child.pid]


@pytest.mark.parametrize(
    ("environ", "limited", "why"),
    [
        ({}, False, ""),
        ({"JUPYTERHUB_API_URL": "1"}, False, "JupyterHub"),
        ({"SLURM_JOB_ID": "7"}, False, "Slurm"),
        ({}, True, "a container with a part of the CPUs"),
    ],
)
def test_what_is_plainly_shared(environ: dict[str, str], limited: bool, why: str) -> None:
    assert why_shared(environ, limited=limited) == why
