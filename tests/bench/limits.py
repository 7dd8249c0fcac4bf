"""What no program on this machine could go below: the calls that measuring cannot do without."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TRIES = 2000
STARTS = 20


@dataclass(frozen=True)
class Limits:
    """CPU seconds of one reading of a counter's file, and of starting one process."""

    read_s: float
    start_s: float


def measure(folder: Path) -> Limits:
    path = folder / "counter"
    path.write_text("00000000000123456789\n")
    fd = os.open(path, os.O_RDONLY)
    began_s = time.process_time()
    for _ in range(TRIES):
        os.pread(fd, 32, 0)
    read_s = (time.process_time() - began_s) / TRIES
    os.close(fd)
    began_s = _own_cpu_s()
    for _ in range(STARTS):
        subprocess.run(["true"], check=True)
    return Limits(read_s, (_own_cpu_s() - began_s) / STARTS)


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
