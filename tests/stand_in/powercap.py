"""A stand-in for Linux powercap: trees as real machines have them, and a writer that moves counters.

The writer is a process of its own that updates every counter about a thousand times a second, by a
power that is a known function of CLOCK_MONOTONIC. So the true energy between any two instants is
known exactly, and whatever reads the tree can be judged against it. Each write is one pwrite of text
of fixed width, worked out for the instant at which it is written.

This file runs on its own (only the standard library), because the writer is started from it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

UJ_PER_J = 1_000_000
RANGE_UJ = 262_143_328_850
"""What most Intel and AMD packages have: 262 kJ."""
DRAM_RANGE_UJ = 65_712_999_613
WIDTH = 20
PERIOD_S = 1e-3


@dataclass(frozen=True)
class Profile:
    """Power over time: steps of (seconds, watts) from `start_s` on, over and over, 0 W before it."""

    steps: tuple[tuple[float, float], ...] = ((1.0, 50.0),)
    start_s: float = 0.0

    @property
    def cycle_s(self) -> float:
        return sum(seconds for seconds, _ in self.steps)

    @property
    def cycle_j(self) -> float:
        return sum(seconds * power_w for seconds, power_w in self.steps)

    def energy_j(self, instant_s: float) -> float:
        """Joules from `start_s` up to an instant."""
        cycles, rest_s = divmod(max(0.0, instant_s - self.start_s), self.cycle_s)
        energy_j = cycles * self.cycle_j
        for seconds, power_w in self.steps:
            energy_j += power_w * min(rest_s, seconds)
            rest_s -= seconds
            if rest_s <= 0:
                break
        return energy_j

    def true_energy_j(self, start_s: float, end_s: float) -> float:
        """Joules between two instants of CLOCK_MONOTONIC."""
        return self.energy_j(end_s) - self.energy_j(start_s)


@dataclass(frozen=True)
class WriterReport:
    """How the writer did: a gap much longer than its period was no counter's fault."""

    writes: int
    longest_gap_s: float
    cpu_s: float


@dataclass
class FakePowercap:
    """A powercap tree under `root`. Zones are named by their folder, such as `intel-rapl:0:2`."""

    root: Path
    paths: dict[str, Path] = field(default_factory=dict)

    def add(
        self,
        name: str,
        label: str,
        *,
        energy_uj: int = 1_000_000,
        range_uj: int | None = RANGE_UJ,
        nested: bool = True,
    ) -> Path:
        """Add a zone; `nested` as the kernel has it, else beside all others as links show it."""
        control, *numbers = name.split(":")
        folder = self.root
        if nested:
            folder = folder / control
            for depth in range(1, len(numbers)):
                folder = folder / ":".join([control, *numbers[:depth]])
        folder = folder / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "name").write_text(f"{label}\n")
        if range_uj is not None:
            (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
        self.paths[name] = folder
        self.set_uj(name, energy_uj)
        return folder

    def set_uj(self, name: str, energy_uj: int) -> None:
        self.set_text(name, f"{energy_uj}\n")

    def set_text(self, name: str, text: str) -> None:
        (self.paths[name] / "energy_uj").write_text(text)

    def link_flat(self) -> FakePowercap:
        """Add the links of /sys/class/powercap: every zone at the top as well."""
        for name, path in self.paths.items():
            link = self.root / name
            if not link.exists():
                link.symlink_to(path)
        return self

    # Trees of real machines

    @classmethod
    def laptop(cls, root: Path) -> FakePowercap:
        """An Intel laptop: one package with its parts, the whole platform, and a twin over MMIO."""
        tree = cls(root)
        tree.add("intel-rapl:0", "package-0", energy_uj=11_000_000)
        tree.add("intel-rapl:0:0", "core", energy_uj=5_000_000)
        tree.add("intel-rapl:0:1", "uncore", energy_uj=1_000_000)
        tree.add("intel-rapl:1", "psys", energy_uj=31_000_000)
        tree.add("intel-rapl-mmio:0", "package-0", energy_uj=11_000_000)
        return tree.link_flat()

    @classmethod
    def xeon(cls, root: Path) -> FakePowercap:
        """A server with two Intel packages, each with its memory."""
        tree = cls(root)
        for package in (0, 1):
            tree.add(f"intel-rapl:{package}", f"package-{package}", energy_uj=21_000_000 + package)
            tree.add(f"intel-rapl:{package}:0", "dram", energy_uj=3_000_000, range_uj=DRAM_RANGE_UJ)
        return tree

    @classmethod
    def epyc(cls, root: Path) -> FakePowercap:
        """An AMD server: Intel's names, no memory."""
        tree = cls(root)
        tree.add("intel-rapl:0", "package-0", range_uj=65_532_610_987)
        tree.add("intel-rapl:0:0", "core", range_uj=65_532_610_987)
        return tree.link_flat()

    @classmethod
    def mirrored_dies(cls, root: Path, dies: int = 4) -> FakePowercap:
        """An AMD part on a kernel that shows the counter of its package once for each die."""
        tree = cls(root)
        for die in range(dies):
            tree.add(f"intel-rapl:{die}", f"package-0-die-{die}", energy_uj=900_000_000 + die)
        return tree

    @classmethod
    def two_dies(cls, root: Path) -> FakePowercap:
        """An Intel package of two dies that count apart."""
        tree = cls(root)
        tree.add("intel-rapl:0", "package-0-die-0", energy_uj=900_000_000)
        tree.add("intel-rapl:1", "package-0-die-1", energy_uj=700_000_000)
        return tree

    @classmethod
    def virtual_machine(cls, root: Path) -> FakePowercap:
        """A guest: the driver's folder is there and holds nothing."""
        (root / "intel-rapl").mkdir(parents=True)
        return cls(root)

    # Counters that move

    def start_writer(self, profiles: dict[str, Profile]) -> Writer:
        """Start moving these zones. Use it as a context manager, or call `stop`."""
        zones = []
        for name, profile in profiles.items():
            path = self.paths[name] / "energy_uj"
            range_file = self.paths[name] / "max_energy_range_uj"
            zones.append(
                {
                    "path": str(path),
                    "start_uj": int(path.read_text()),
                    "range_uj": int(range_file.read_text()) if range_file.exists() else 0,
                    "profile": asdict(profile),
                }
            )
        return Writer(zones)


class Writer:
    """The running writer process. The counters have been written once when this returns."""

    def __init__(self, zones: list[dict[str, object]]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, json.dumps(zones)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "writing":
            self._process.kill()
            raise RuntimeError(f"the writer did not start: {self._process.wait()}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> WriterReport:
        """End the writer and wait for it."""
        output, _ = self._process.communicate(timeout=10)
        return WriterReport(**json.loads(output))

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self.stop()


@dataclass
class _Moving:
    """One counter in the writer: joules of its profile on top of where it stood."""

    fd: int
    profile: Profile
    start_uj: int
    range_uj: int

    def write(self, instant_s: float) -> None:
        energy_uj = self.start_uj + round(self.profile.energy_j(instant_s) * UJ_PER_J)
        if self.range_uj:
            energy_uj %= self.range_uj
        os.pwrite(self.fd, b"%0*d\n" % (WIDTH, energy_uj), 0)


def _write_until_told(zones: list[dict[str, object]]) -> None:
    """The writer's own main loop: until its parent closes the pipe, or dies."""
    import select

    moving = []
    for zone in zones:
        raw = zone["profile"]
        profile = Profile(tuple((s, w) for s, w in raw["steps"]), raw["start_s"])  # type: ignore[index]
        fd = os.open(str(zone["path"]), os.O_WRONLY | os.O_CLOEXEC)
        moving.append(_Moving(fd, profile, int(str(zone["start_uj"])), int(str(zone["range_uj"]))))
    with contextlib.suppress(OSError, AttributeError):
        # Hardware waits for nobody: the writer's own lateness would be taken for the reader's error.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    now_s = time.monotonic()
    for each in moving:
        each.write(now_s)
    print("writing", flush=True)
    writes, longest_gap_s, last_s = 0, 0.0, time.monotonic()
    due_s = last_s
    while True:
        due_s = max(due_s + PERIOD_S, last_s)
        if writes % 20 == 0 and select.select([sys.stdin], [], [], 0)[0]:
            break
        time.sleep(max(0.0, due_s - time.monotonic()))
        for each in moving:
            now_s = time.monotonic()
            each.write(now_s)
        longest_gap_s = max(longest_gap_s, now_s - last_s)
        last_s = now_s
        writes += 1
    cpu_s = time.process_time()
    print(json.dumps({"writes": writes, "longest_gap_s": longest_gap_s, "cpu_s": cpu_s}))


if __name__ == "__main__":
    _write_until_told(json.loads(sys.argv[1]))
