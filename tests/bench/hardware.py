"""Fake machines whose true energy is known in closed form, and what a reader could know of them at best.

A machine is a powercap tree that a small C program moves once a millisecond, and GPUs of a stand-in
for NVIDIA's library. Whatever reads them is judged by the power that was written into them.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from tests.bench.peers import FOLDER
from tests.bench.peers.tool import Site
from tests.stand_in import nvml
from tests.stand_in.build import compile_c
from tests.stand_in.nvml import FakeGpu, StandIn
from tests.stand_in.powercap import PERIOD_S, FakePowercap, Profile, Writer, WriterReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

NOT_SUPPORTED = 3
NOISY = ("DeviceGetPowerUsage", "DeviceGetFieldValues")
"""What nvml_more.c stands in front of."""
GRID_S = 0.1
"""A multiple of every refresh here."""
MOST_STEPS = 220
"""Fewer than the 256 that the stand-in NVML remembers: some of the past have to be among them."""
REMEMBERED_S = 1.0
"""How much of the past a sensor of power looks back on, at most."""
IDLE_W = 70.0
"""Of a GPU without work."""
BUSY = ((0.13, 20.0), (0.21, 90.0), (0.08, 45.0))
"""Seconds and watts of a CPU package that works in bursts."""


@dataclass(frozen=True)
class Machine:
    """What there is to measure. `gpu` is the model of all `gpus`; the trees are those of real machines."""

    key: str
    words: str
    tree: Callable[[Path], FakePowercap] | None = None
    power_w: tuple[tuple[str, float], ...] = ()
    gpus: int = 0
    gpu: FakeGpu = field(default_factory=FakeGpu)
    alone: tuple[str, ...] = ()
    """Peers that take so much CPU here that they would disturb others beside them."""

    @property
    def component(self) -> str:
        """What its error is about."""
        return "gpu" if self.gpus else "cpu"

    @property
    def refresh_s(self) -> float:
        """How long its counter stands still."""
        return self.gpu.refresh_ms / 1e3 if self.gpus else PERIOD_S


PASCAL, VOLTA, AMPERE = (6, 1), (7, 0), (8, 0)
"""CUDA's number of a generation, by which readers know what its sensors do."""


def _gpu(capability: tuple[int, int], **properties: float) -> FakeGpu:
    return FakeGpu(capability=capability, **properties)  # type: ignore[arg-type]


RAPL = Machine("rapl", "one CPU package (RAPL, 1 ms)", FakePowercap.epyc)
GPU_20 = Machine(
    "gpu20",
    "one GPU, counter every 20 ms",
    gpus=1,
    gpu=_gpu(VOLTA, refresh_ms=20.0, power_refresh_ms=20.0, power_window_ms=10.0),
)
GPU_100 = Machine(
    "gpu100",
    "one GPU, counter every 100 ms, power of 25 ms of each",
    gpus=1,
    gpu=_gpu(AMPERE, refresh_ms=100.0, power_refresh_ms=100.0, power_window_ms=25.0),
)
NO_COUNTER = Machine(
    "no-counter",
    "one GPU without a counter, power every 20 ms",
    gpus=1,
    gpu=_gpu(PASCAL, energy_error=NOT_SUPPORTED, power_refresh_ms=20.0, instant_error=0),
    alone=("zeus",),
)
EIGHT = Machine("gpu8", "eight GPUs, counters every 20 ms", gpus=8, gpu=GPU_20.gpu)
MACHINES = (RAPL, GPU_20, GPU_100, NO_COUNTER, EIGHT)

USUAL = Machine(
    "usual",
    "one CPU package and one GPU",
    FakePowercap.epyc,
    gpus=1,
    gpu=_gpu(AMPERE, refresh_ms=20.0, power_refresh_ms=20.0, instant_error=0),
)
"""What costs are measured on."""

SERVER = Machine(
    "server",
    "two packages and their memories, one counter wraps",
    FakePowercap.xeon,
    (
        ("intel-rapl:0", 60.0),
        ("intel-rapl:1", 40.0),
        ("intel-rapl:0:0", 8.0),
        ("intel-rapl:1:0", 4.0),
    ),
)
LAPTOP = Machine(
    "laptop",
    "a package, its parts, its twin over MMIO, and psys around it",
    FakePowercap.laptop,
    (
        ("intel-rapl:0", 40.0), ("intel-rapl-mmio:0", 40.0), ("intel-rapl:0:0", 25.0),
        ("intel-rapl:0:1", 5.0), ("intel-rapl:1", 70.0),
    ),
)  # fmt: skip


class Hardware:
    """One machine that runs. Use it as a context manager; `reports` says how exact all of them were."""

    reports: ClassVar[list[WriterReport]] = []

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self._stack = ExitStack()
        self._writer: Writer | None = None
        self._profiles: dict[str, Profile] = {}
        self._gpus: list[tuple[float, tuple[FakeGpu, ...]]] = []
        self.tree: FakePowercap | None = None
        self.driver: StandIn | None = None
        folder = folder / machine.key
        folder.mkdir(parents=True)
        if machine.tree is not None:
            self.tree = _as_linked(machine.tree(folder / "powercap"))
            self._profiles = self._wanted(self.tree)
        if machine.gpus:
            self.driver = _driver(folder / "nvml")
            self.move_gpus(0.05, 0.5)
        environ = self.driver.environment() if self.driver else {}
        if self.driver is not None:
            environ["NBCARBON_STAND_IN_POWER_MS"] = f"{machine.gpu.power_refresh_ms:g}"
            environ["PATH"] = f"{_smi(folder / 'bin')}:{os.environ['PATH']}"
        self.site = Site(folder, self.tree.root if self.tree else None, environ)

    def _wanted(self, tree: FakePowercap) -> dict[str, Profile]:
        start_s = time.monotonic()
        if not self.machine.power_w:
            return {"intel-rapl:0": Profile(BUSY, start_s)}
        return {name: Profile(((1.0, w),), start_s) for name, w in self.machine.power_w}

    def move_gpus(self, shortest_s: float, longest_s: float) -> None:
        """In a moment each GPU begins to step to another power after a random time between these.

        Energy goes on where it is. Counters and sensors move at multiples of their refresh on
        CLOCK_MONOTONIC, so that goes on as well. It lasts for about 220 such steps.
        """
        assert self.driver is not None
        now_s = time.monotonic()
        start_s = (now_s - REMEMBERED_S) // GRID_S * GRID_S
        change_s = now_s // GRID_S * GRID_S + 2 * GRID_S
        before = self._gpus[-1][1] if self._gpus else ()
        after = []
        for number in range(self.machine.gpus):
            draw = random.Random(f"{self.machine.key} {number} {len(self._gpus)}")
            steps = _steps(draw, shortest_s, longest_s)
            gpu = replace(
                self.machine.gpu,
                uuid=f"GPU-{number:08d}-0000-0000-0000-000000000000",
                power=steps,
                start_s=start_s,
                base_j=1000.0,
            )
            after.append(_continued(before[number], gpu, change_s) if before else gpu)
        self._gpus.append((now_s, tuple(after)))
        self.driver.write(*after)

    def work(self, now_s: float, start_s: float, duration_s: float) -> bool:
        """Let every GPU be busy for so long from an instant soon after now on, and idle after that.

        False if that instant had passed before all could be told.
        """
        assert self.driver is not None
        draw = random.Random(start_s)
        past_s = (now_s - REMEMBERED_S) // GRID_S * GRID_S
        after = []
        for old in self._gpus[-1][1]:
            steps = ((0.0, draw.uniform(150.0, 300.0)), (duration_s, IDLE_W))
            after.append(_continued(old, replace(old, power=steps, start_s=past_s), start_s))
        self._gpus.append((now_s, tuple(after)))
        self.driver.write(*after)
        return time.monotonic() < start_s

    def wrap_soon(self, after_j: float) -> None:
        """Let the first package's counter begin again once it has used this much."""
        assert self.tree is not None
        folder = self.tree.paths["intel-rapl:0"]
        range_uj = int((folder / "max_energy_range_uj").read_text())
        self.tree.set_uj("intel-rapl:0", range_uj - round(after_j * 1e6))

    def __enter__(self) -> Hardware:
        if self.tree is not None:
            self._writer = self._stack.enter_context(self.tree.start_writer(self._profiles))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self.reports.append(self._writer.stop())
            self._writer = None
        self._stack.close()

    # The truth

    def true_j(self, component: str, start_s: float, end_s: float) -> float:
        """Joules of all packages (`cpu`), all memories (`dram`) or all GPUs between two instants."""
        if component == "gpu":
            return sum(
                each.energy_j(end_s) - each.energy_j(start_s) for each in self._gpus_at(start_s)
            )
        label = {"cpu": "package", "dram": "dram"}[component]
        return sum(
            profile.true_energy_j(start_s, end_s)
            for name, profile in self._profiles.items()
            if not name.startswith("intel-rapl-mmio") and self._label(name).startswith(label)
        )

    def limit_j(self, start_s: float, end_s: float) -> float:
        """What a perfect reader makes of a window: see `perfect`."""
        if self.machine.component == "cpu":
            profile = self._profiles["intel-rapl:0"]
            return perfect(profile.energy_j, self.machine.refresh_s, 0.0, start_s, end_s)
        return sum(
            perfect(gpu.energy_j, self.machine.refresh_s, gpu.start_s, start_s, end_s)
            for gpu in self._gpus_at(start_s)
        )

    def _label(self, name: str) -> str:
        assert self.tree is not None
        return (self.tree.paths[name] / "name").read_text().strip()

    def _gpus_at(self, instant_s: float) -> tuple[FakeGpu, ...]:
        return next(gpus for since_s, gpus in reversed(self._gpus) if since_s <= instant_s)


def perfect(
    energy_j: Callable[[float], float],
    refresh_s: float,
    grid_s: float,
    start_s: float,
    end_s: float,
) -> float:
    """A window as the best reader of a counter can know it: it knows when the counter moves.

    It reads the counter before and after each end of the window at the very instants at which it
    moves, and draws a straight line between them. What is left is how power moved within one refresh,
    which no reader of the counter can see. A counter that is always up to date leaves nothing.
    """
    if refresh_s <= 0:
        return energy_j(end_s) - energy_j(start_s)

    def line(instant_s: float) -> float:
        before_s = grid_s + (instant_s - grid_s) // refresh_s * refresh_s
        before_j, after_j = energy_j(before_s), energy_j(before_s + refresh_s)
        return before_j + (after_j - before_j) * (instant_s - before_s) / refresh_s

    return line(end_s) - line(start_s)


def _steps(
    draw: random.Random, shortest_s: float, longest_s: float
) -> tuple[tuple[float, float], ...]:
    """Seconds and watts of work that comes in batches: 70 to 300 W."""

    def walk() -> Iterator[tuple[float, float]]:
        at_s = 0.0
        for _ in range(MOST_STEPS):
            yield at_s, draw.uniform(70.0, 300.0)
            at_s += draw.uniform(shortest_s, longest_s)

    return tuple(walk())


def _continued(old: FakeGpu, new: FakeGpu, change_s: float) -> FakeGpu:
    """The new one's steps from an instant to come, and the old one's up to then: no reader sees a jump."""
    start_s = max(old.start_s, new.start_s)
    past = [(old.start_s + at_s, power_w) for at_s, power_w in old.power]
    begun_w = next(power_w for at_s, power_w in reversed(past) if at_s <= start_s)
    kept = [(at_s - start_s, power_w) for at_s, power_w in past if start_s < at_s < change_s]
    later = [(change_s - start_s + at_s, power_w) for at_s, power_w in new.power]
    return replace(
        new,
        start_s=start_s,
        base_j=old.base_j + old.energy_j(start_s),
        power=((0.0, begun_w), *kept, *later),
    )


def _as_linked(tree: FakePowercap) -> FakePowercap:
    """As /sys/class/powercap has it, and `subsystem`, by which CodeCarbon knows a RAPL."""
    tree.link_flat()
    subsystem = tree.root / "intel-rapl" / "subsystem"
    if not subsystem.exists():
        subsystem.symlink_to("..")
    return tree


def _smi(folder: Path) -> Path:
    """A folder with an nvidia-smi that can be started: CodeCarbon looks for a GPU only where it can."""
    folder.mkdir()
    script = folder / "nvidia-smi"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return folder


def _driver(folder: Path) -> StandIn:
    """The stand-in for the driver, which answers what the peers ask as well."""
    folder.mkdir()
    compile_c(
        nvml.SOURCE,
        folder / nvml.LIBRARY,
        str(FOLDER / "nvml_more.c"),
        *(f"-Dnvml{each}=standIn{each.removeprefix('Device')}" for each in NOISY),
        "-shared",
        "-fPIC",
        f"-Wl,-soname,{nvml.LIBRARY}",
    )
    return StandIn(folder)
