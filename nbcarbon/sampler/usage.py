"""CPU time of the kernel's process tree, of its threads and of the machine, read beside it.

Children are found through /proc, a millisecond at most, and only at edges: walking every process of
the machine costs four. The sampler is a child of the kernel too and is left out: its cost is real
and stays in the machine's total, but it is nobody's work.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbcarbon.core.units import S_PER_NS
from nbcarbon.sampler.account import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

LARGEST: Final = 65_536
"""More than any of these files holds that is read to its end: of /proc/stat the first line counts."""


class LinuxUsage:
    """Reads /proc. Anything that vanishes between two reads is just not there."""

    def __init__(
        self,
        kernel_pid: int,
        *,
        container_s: Callable[[], float | None] = lambda: None,
        proc: Path = Path("/proc"),
        leave_out: Collection[int] = (),
    ) -> None:
        self._pid = kernel_pid
        self._proc = proc
        self._container_s = container_s
        self._leave_out = frozenset((os.getpid(), *leave_out))
        self._tick_s = 1 / os.sysconf("SC_CLK_TCK")

    def pids(self) -> list[int]:
        """The kernel and every living descendant of it, without the sampler."""
        return [self._pid, *self._descendants(self._pid)]

    def read(self, kernel_cpu_s: float | None, *, threads: Collection[int] = ()) -> Usage:
        """CPU time now. `kernel_cpu_s` is what the kernel said of itself at this edge."""
        return Usage(
            own_s=self._own_s(kernel_cpu_s),
            machine_s=self._machine_s(),
            container_s=self._container_s(),
            threads={
                each: spent for each in threads if (spent := self._thread_s(each)) is not None
            },
        )

    def _own_s(self, kernel_cpu_s: float | None) -> float | None:
        if kernel_cpu_s is None:
            kernel_cpu_s = self._clock_s(self._pid)
            if kernel_cpu_s is None:
                return None
        reaped = self._ticks(self._pid)
        own_s = kernel_cpu_s + (reaped[1] if reaped else 0.0)
        for pid in self._descendants(self._pid):
            spent = self._ticks(pid)
            if spent is not None:
                own_s += sum(spent)
        return own_s

    @staticmethod
    def _clock_s(pid: int) -> float | None:
        """CPU time of another process to the nanosecond: clock_getcpuclockid(3), by arithmetic."""
        try:
            return time.clock_gettime((~pid << 3) | 2)
        except OSError:
            return None

    def _ticks(self, pid: int) -> tuple[float, float] | None:
        """(own, reaped children's) CPU seconds of one process, to a clock tick."""
        text = self._text(f"{pid}/stat")
        if not text:
            return None
        numbers = text.rpartition(")")[2].split()[11:15]
        user, system, child_user, child_system = (int(each) * self._tick_s for each in numbers)
        return user + system, child_user + child_system

    def _thread_s(self, thread: int) -> float | None:
        text = self._text(f"{self._pid}/task/{thread}/schedstat")
        return int(text.split()[0]) * S_PER_NS if text else None

    def _machine_s(self) -> float | None:
        text = self._text("stat")
        if not text.startswith("cpu "):
            return None
        fields = [int(each) for each in text.partition("\n")[0].split()[1:]]
        # user nice system idle iowait irq softirq; guest time is in user already, and what follows
        # (steal) is the work of other guests
        return (sum(fields[:7]) - fields[3] - fields[4]) * self._tick_s

    def _descendants(self, pid: int) -> Iterator[int]:
        try:
            threads = os.listdir(self._proc / str(pid) / "task")
        except OSError:
            return
        for thread in threads:
            for child in self._text(f"{pid}/task/{thread}/children").split():
                if int(child) not in self._leave_out:
                    yield int(child)
                    yield from self._descendants(int(child))

    def _text(self, name: str) -> str:
        # Plain descriptors: a file object costs three times as much, at each edge of each cell.
        try:
            fd = os.open(f"{self._proc}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            return os.read(fd, LARGEST).decode("ascii", "replace")
        except OSError:
            return ""
        finally:
            os.close(fd)


class PortableUsage:
    """The same through psutil, for systems without /proc. No threads, no container."""

    def __init__(self, kernel_pid: int) -> None:
        import psutil

        self._process = psutil.Process(kernel_pid)
        self._errors = psutil.Error
        self._cpu_times = psutil.cpu_times

    def pids(self) -> list[int]:
        try:
            children = self._process.children(recursive=True)
        except self._errors:
            children = []
        return [self._process.pid, *(each.pid for each in children if each.pid != os.getpid())]

    def read(self, kernel_cpu_s: float | None, *, threads: Collection[int] = ()) -> Usage:
        own_s = 0.0
        try:
            everyone = [self._process, *self._process.children(recursive=True)]
        except self._errors:
            return Usage()
        for each in everyone:
            if each.pid == os.getpid():
                continue
            try:
                spent = each.cpu_times()
            except self._errors:
                continue
            own_s += spent.user + spent.system
        everything = self._cpu_times()
        return Usage(own_s=own_s, machine_s=sum(everything) - everything.idle)


def usage_reader(
    kernel_pid: int, *, container_s: Callable[[], float | None] = lambda: None
) -> LinuxUsage | PortableUsage:
    """The reader that this system supports."""
    if Path("/proc/self/stat").exists():
        return LinuxUsage(kernel_pid, container_s=container_s)
    return PortableUsage(kernel_pid)
