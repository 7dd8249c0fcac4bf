"""The stand-in for the NVIDIA driver's library: built once, told what to answer by a file."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
SONAME = "libnvidia-ml.so.1"
CONTROL_VARIABLE = "NBCARBON_STAND_IN_NVML"


def build(folder: Path) -> Path:
    """Compile the library into a folder. Raises RuntimeError where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("The stand-in for NVML needs a C compiler: apt install gcc libc6-dev")
    library = folder / SONAME
    subprocess.run(
        [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
         f"-Wl,-soname,{SONAME}", "-o", str(library), str(SOURCE), "-lm"],
        check=True,
    )  # fmt: skip
    return library


@dataclass
class Gpu:
    """One GPU: watts from so many seconds on, and what goes wrong with it."""

    uuid: str = "GPU-aaaa0000-0000-0000-0000-000000000000"
    name: str = "NVIDIA Test"
    power: tuple[tuple[float, float], ...] = ((0.0, 80.0),)
    options: dict[str, float] = field(default_factory=dict)
    procs: tuple[tuple[int, int], ...] = ()

    def line(self) -> str:
        words = ["gpu", self.uuid, self.name.replace(" ", "_")]
        words.append("power=" + ",".join(f"{at!r}:{watt!r}" for at, watt in self.power))
        if self.procs:
            words.append("procs=" + ",".join(f"{pid}:{percent}" for pid, percent in self.procs))
        return " ".join([*words, *(f"{key}={value!r}" for key, value in self.options.items())])

    def true_energy_j(self, start_s: float, end_s: float) -> float:
        """Joules between two times after the stand-in's start."""
        ends = [at for at, _ in self.power[1:]] + [float("inf")]
        return sum(
            watt * max(0.0, min(end_s, end) - max(start_s, at))
            for (at, watt), end in zip(self.power, ends, strict=True)
        )


@dataclass
class StandIn:
    """The library in a folder, and the file that tells it what to answer."""

    folder: Path
    start_s: float = field(default_factory=time.monotonic)

    @property
    def control(self) -> Path:
        return self.folder / "nvml.control"

    def write(self, *gpus: Gpu, init: int = 0) -> None:
        lines = [f"init {init}", f"start {self.start_s!r}", *(gpu.line() for gpu in gpus)]
        beside = self.control.with_suffix(".new")
        beside.write_text("\n".join(lines) + "\n")
        beside.replace(self.control)

    def environment(self) -> dict[str, str]:
        """What a process needs to find it in place of a driver."""
        return {"LD_LIBRARY_PATH": str(self.folder), CONTROL_VARIABLE: str(self.control)}

    def load_here(self) -> None:
        """Have this process find it: a library that is loaded already answers to its name."""
        ctypes.CDLL(str(self.folder / SONAME), mode=ctypes.RTLD_GLOBAL)
        os.environ[CONTROL_VARIABLE] = str(self.control)
