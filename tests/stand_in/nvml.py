"""A stand-in for the NVIDIA driver's library, which the real pynvml binding loads as the real one.

GPUs draw a power that is a known function of CLOCK_MONOTONIC, so the true energy between any two
instants is known, in this process and in every other. What goes wrong, and when, is told by a file
that a test rewrites while the library is in use.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.stand_in.build import compile_c

SOURCE = Path(__file__).with_suffix(".c")
LIBRARY = "libnvidia-ml.so.1"
VARIABLE = "NBCARBON_STAND_IN_NVML"


def build(folder: Path) -> Path:
    """Compile the library into a folder, once. Raises RuntimeError where there is no compiler."""
    library = folder / LIBRARY
    if library.exists():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{LIBRARY}.{os.getpid()}"
    compile_c(SOURCE, part, "-shared", "-fPIC", "-pthread", f"-Wl,-soname,{LIBRARY}")
    part.replace(library)
    return library


@dataclass(frozen=True)
class Process:
    """A process on a GPU. Without `sm_percent` it is listed and has no sample; 0 µs means now."""

    pid: int
    sm_percent: int | None = None
    stamp_us: int = 0


@dataclass(frozen=True)
class FakeGpu:
    """One GPU. `power` holds steps of (seconds after `start_s`, watts from then on).

    The counter moves every `refresh_ms`, begins with `base_j` and begins again at zero at
    `reset_s`, an instant of CLOCK_MONOTONIC. Errors are NVML's numbers, 0 for none. `energy_mj` and
    `power_mw` are shown in place of what is true. `mig` of None: a GPU that knows no MIG.

    The power sensor is updated every `power_refresh_ms` with the mean of the `power_window_ms` before:
    1000 for consumer cards since Ampere, 25 (of every 100) for A100 and H100. Its instantaneous
    reading is refused with `instant_error`. `capability` is CUDA's number of the generation, (0, 0) where
    it is not told.
    """

    uuid: str = "GPU-11111111-0000-0000-0000-000000000000"
    name: str = "NVIDIA Stand-in 80GB"
    power: tuple[tuple[float, float], ...] = ((0.0, 80.0),)
    start_s: float = 0.0
    base_j: float = 0.0
    reset_s: float = 0.0
    refresh_ms: float = 0.0
    latency_ms: float = 0.0
    power_refresh_ms: float = 0.0
    power_window_ms: float = 0.0
    instant_error: int = 3
    capability: tuple[int, int] = (6, 0)
    limit_w: float = 300.0
    mig: bool | None = None
    slice: str = ""
    processes: tuple[Process, ...] = ()
    handle_error: int = 0
    energy_error: int = 0
    power_error: int = 0
    limit_error: int = 0
    samples_error: int = 0
    processes_error: int = 0
    energy_mj: int | None = None
    power_mw: int | None = None

    def energy_j(self, instant_s: float) -> float:
        """Joules used from `start_s` up to an instant, whatever the counter shows."""
        second_s = instant_s - self.start_s
        ends_s = [*(at_s for at_s, _ in self.power[1:]), float("inf")]
        return sum(
            power_w * (min(end_s, second_s) - at_s)
            for (at_s, power_w), end_s in zip(self.power, ends_s, strict=True)
            if at_s < second_s
        )

    def lines(self) -> list[str]:
        """This GPU in the words of the control file."""
        lines = [f"gpu {self.uuid}", f"name {self.name}"]
        lines += [f"power {at_s!r} {power_w!r}" for at_s, power_w in self.power]
        for each in self.processes:
            percent = -1 if each.sm_percent is None else each.sm_percent
            lines.append(f"process {each.pid} {percent} {each.stamp_us}")
        lines.append(f"mig {-1 if self.mig is None else int(self.mig)}")
        lines.append(f"capability {self.capability[0]} {self.capability[1]}")
        if self.slice:
            lines.append(f"slice {self.slice}")
        for word in (
            "start_s", "base_j", "reset_s", "refresh_ms", "latency_ms", "limit_w", "handle_error",
            "energy_error", "power_error", "limit_error", "samples_error", "processes_error",
            "power_refresh_ms", "power_window_ms", "instant_error",
        ):  # fmt: skip
            lines.append(f"{word} {getattr(self, word)!r}")
        for word in ("energy_mj", "power_mw"):
            if getattr(self, word) is not None:
                lines.append(f"{word} {getattr(self, word)}")
        return lines


@dataclass
class StandIn:
    """The library in `folder` and the file that says how it behaves."""

    folder: Path
    gpus: tuple[FakeGpu, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        build(self.folder)
        self.control = self.folder / "control"
        self.write(FakeGpu())

    def write(self, *gpus: FakeGpu, init_error: int = 0, count_error: int = 0) -> None:
        """From the next call on these GPUs are there, in this order."""
        self.gpus = gpus
        lines = [f"init_error {init_error}", f"count_error {count_error}"]
        lines += [line for gpu in gpus for line in gpu.lines()]
        part = self.control.with_suffix(".part")
        # Bytes that are no UTF-8 pass as they are: a driver may say anything.
        part.write_text("".join(f"{line}\n" for line in lines), "utf-8", "surrogateescape")
        part.replace(self.control)

    def true_energy_j(self, device: int, start_s: float, end_s: float) -> float:
        """Joules of a GPU, by its index, between two instants of CLOCK_MONOTONIC."""
        gpu = self.gpus[device]
        return gpu.energy_j(end_s) - gpu.energy_j(start_s)

    def environment(self) -> dict[str, str]:
        """What a process needs to load this library in place of the driver's."""
        return {"LD_LIBRARY_PATH": str(self.folder), VARIABLE: str(self.control)}
