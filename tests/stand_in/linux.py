"""A stand-in for the parts of /proc and /sys/fs/cgroup that say what a container may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TICKS_PER_S = 100


@dataclass
class FakeLinux:
    """`root/proc` and `root/cgroup`; the kernel's own files are written as it writes them."""

    root: Path

    def __post_init__(self) -> None:
        self.proc = self.root / "proc"
        (self.proc / "self").mkdir(parents=True)
        self.set_busy(0.0)
        self.write(self.proc / "meminfo", "MemTotal:       67108864 kB\nMemFree:         1024 kB\n")

    def set_busy(self, busy_s: float, *, idle_s: float = 1e4, steal_s: float = 0.0) -> None:
        """The machine's CPU time, half of it in user mode and the rest spread over all of work."""
        ticks = round(busy_s * TICKS_PER_S)
        user, rest = ticks // 2, ticks - ticks // 2
        nice, system, irq = rest // 4, rest // 4, rest // 4
        softirq = rest - nice - system - irq
        idle, steal = round(idle_s * TICKS_PER_S), round(steal_s * TICKS_PER_S)
        # user nice system idle iowait irq softirq steal guest guest_nice
        line = f"cpu  {user} {nice} {system} {idle} 777 {irq} {softirq} {steal} {user} {nice}\n"
        self.write(self.proc / "stat", f"{line}cpu0 1 2 3 4 5 6 7 8 9 10\nbtime 1\n")

    def version_2(self, path: str = "/", *, machine: bool = False, root: str = "/") -> Path:
        """Mount version 2 and live in `path`; returns the top folder. `machine`: it is the real root."""
        top = self.root / "cgroup"
        own = top / path.removeprefix(root).lstrip("/")
        own.mkdir(parents=True, exist_ok=True)
        if not machine:
            self.write(top / "cgroup.type", "domain\n")
        self._add("cgroup", f"0::{path}\n")
        self._add(
            "mountinfo", f"30 23 0:26 {root} {top} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
        )
        return top

    def version_1(self, controllers: str, path: str = "/", *, root: str = "/") -> Path:
        """Mount one hierarchy of version 1 and live in `path`; returns its top folder."""
        top = self.root / "cgroup" / controllers
        (top / path.removeprefix(root).lstrip("/")).mkdir(parents=True, exist_ok=True)
        self._add("cgroup", f"7:{controllers}:{path}\n")
        self._add("mountinfo", f"31 23 0:27 {root} {top} rw - cgroup cgroup rw,{controllers}\n")
        return top

    def _add(self, name: str, line: str) -> None:
        path = self.proc / "self" / name
        path.write_text((path.read_text() if path.exists() else "") + line)

    @staticmethod
    def write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @staticmethod
    def set_usage(folder: Path, busy_s: float) -> None:
        """CPU time of a group, in the files of both versions."""
        (folder / "cpu.stat").write_text(f"usage_usec {round(busy_s * 1e6)}\nuser_usec 5\n")
        (folder / "cpuacct.usage").write_text(f"{round(busy_s * 1e9)}\n")
