"""A stand-in for Linux powercap: trees as real machines have them, and a writer that moves counters.

The writer (powercap.c) is a process of its own that updates every counter a thousand times a second,
by a power that is a known function of CLOCK_MONOTONIC. So the true energy between any two instants is
known exactly, and whatever reads the tree can be judged against it. Each write is one pwrite of text
of fixed width, worked out for the instant at which it is written.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.stand_in.build import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SOURCE = Path(__file__).with_suffix(".c")
UJ_PER_J = 1_000_000
RANGE_UJ = 262_143_328_850
"""What most Intel and AMD packages have: 262 kJ."""
DRAM_RANGE_UJ = 65_712_999_613
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
        return Writer([line for name in profiles for line in self._lines(name, profiles[name])])

    def _lines(self, name: str, profile: Profile) -> Iterator[str]:
        """One zone in the words of powercap.c."""
        path = self.paths[name]
        range_file = path / "max_energy_range_uj"
        yield f"zone {path / 'energy_uj'}"
        yield f"start_uj {int((path / 'energy_uj').read_text())}"
        yield f"range_uj {int(range_file.read_text()) if range_file.exists() else 0}"
        yield f"start_s {profile.start_s!r}"
        for seconds, power_w in profile.steps:
            yield f"step {seconds!r} {power_w!r}"


class Writer:
    """The running writer process. The counters have been written once when this returns."""

    def __init__(self, lines: list[str]) -> None:
        self._process = subprocess.Popen(
            [program(SOURCE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.writelines(f"{line}\n" for line in [*lines, "go"])
        self._process.stdin.flush()
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
