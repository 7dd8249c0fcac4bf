"""What common tasks of machine learning cost per 1,000 queries, as published.

Luccioni, Jernite and Strubell, Power Hungry Processing: Watts Driving the Cost of AI Deployment?, FAccT
2024 (arXiv 2311.16863), Table 2: mean and standard deviation over models, on NVIDIA A100 in a node of
eight. Another machine, and another model of the same task, may be far from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.units import J_PER_KWH

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE: Final = "Luccioni et al., FAccT 2024, Table 2"
QUERY_COUNT: Final = 1000
"""The figures are of so many queries."""


class Task(NamedTuple):
    """A task, and kWh per 1,000 queries."""

    name: str
    energy_kwh: float
    deviation_kwh: float

    @property
    def energy_j(self) -> float:
        """Joules per 1,000 queries."""
        return self.energy_kwh * J_PER_KWH


TASKS: Final = (
    Task("text classification", 0.002, 0.001),
    Task("extractive question answering", 0.003, 0.001),
    Task("masked language modelling", 0.003, 0.001),
    Task("token classification", 0.004, 0.002),
    Task("image classification", 0.007, 0.001),
    Task("object detection", 0.038, 0.02),
    Task("text generation", 0.047, 0.03),
    Task("summarisation", 0.049, 0.01),
    Task("image captioning", 0.063, 0.02),
    Task("image generation", 2.907, 3.31),
)
"""From the least to the most."""


def beside(energy_j: float, tasks: Sequence[Task] = TASKS) -> tuple[Task | None, Task | None]:
    """The tasks between which joules per 1,000 queries lie: the last below or at them, the first above."""
    below = [each for each in tasks if each.energy_j <= energy_j]
    above = [each for each in tasks if each.energy_j > energy_j]
    return (below[-1] if below else None, above[0] if above else None)
