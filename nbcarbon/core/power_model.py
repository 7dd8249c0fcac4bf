"""What a CPU draws where nothing measures it: a straight line from idle to full load, per thread.

Servers are close to linear in load, and a line is the one model whose energy over a window needs
nothing but the window's length and its busy time: both are counted by the system, so nothing is
sampled. Pure arithmetic: which figures suit a machine is `nbcarbon.hardware`'s to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TDP_IDLE_FRACTION: Final = 0.12
TDP_FULL_FRACTION: Final = 1.02
"""Idle and full load as parts of the rated power: Teads' stress tests, as Cloud Carbon Footprint uses them."""

TDP_ERROR_FRACTION: Final = 0.5
"""Published comparisons of such models with meters find 30 to 50 %; the wider one is claimed."""


@dataclass(frozen=True, slots=True)
class CpuPower:
    """Watts of each hardware thread of a CPU, idle and at full load, and where they come from.

    `thread_count` is the machine's own, all packages together. `error_fraction` is half of the 95 %
    interval. `whole_server` says that the figures hold memory, fans, disks and power supply as well,
    so nothing of those may be added. `method` is two words for a table, `source` says whose figures
    these are.
    """

    model: str
    thread_idle_w: float
    thread_full_w: float
    thread_count: int
    error_fraction: float
    whole_server: bool
    source: str
    method: str

    def power_w(self, utilisation: float) -> float:
        """Watts of the whole machine at a utilisation from 0 to 1."""
        return self.thread_count * (
            self.thread_idle_w + (self.thread_full_w - self.thread_idle_w) * utilisation
        )

    def energy_j(self, thread_count: float, elapsed_s: float, busy_s: float) -> float:
        """Joules of `thread_count` threads in `elapsed_s`, busy for `busy_s` thread-seconds of it.

        Threads may be a fraction: a container's share of a machine.
        """
        idle_j = thread_count * self.thread_idle_w * elapsed_s
        return idle_j + (self.thread_full_w - self.thread_idle_w) * busy_s


def from_tdp(
    model: str, tdp_w: float, *, thread_count: int, package_count: int = 1, source: str
) -> CpuPower:
    """The model of a CPU of which only the rated power of one package is known, in watts."""
    thread_tdp_w = tdp_w * package_count / thread_count
    return CpuPower(
        model=model,
        thread_idle_w=TDP_IDLE_FRACTION * thread_tdp_w,
        thread_full_w=TDP_FULL_FRACTION * thread_tdp_w,
        thread_count=thread_count,
        error_fraction=TDP_ERROR_FRACTION,
        whole_server=False,
        source=source,
        method="TDP model",
    )
