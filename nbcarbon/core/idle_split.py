"""How much of a service's energy answers nobody: a line through energy and requests of many intervals.

Where it meets no requests is what the service uses while it waits. Luccioni, Viguier and Ligozat split the
log of BLOOM's API so: 0.29 kWh in ten minutes without a request, four fifths of all it used.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from nbcarbon.core.calibration import student

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_COUNT = 3
"""Two points are a line whatever they are."""


class Interval(NamedTuple):
    """Joules that were used while so many requests were answered, in intervals of one length."""

    request_count: float
    energy_j: float


class IdleSplit(NamedTuple):
    """Joules of an interval without a request and of one more request, each with half of a 95 % interval.

    `idle_fraction` is the waiting's part of all joules.
    """

    idle_j: float
    idle_half_width_j: float
    request_j: float
    request_half_width_j: float
    idle_fraction: float


def split(log: Sequence[Interval]) -> IdleSplit:
    """The line of least squares. Raises ValueError where the log does not tell one."""
    count = len(log)
    if count < LEAST_COUNT:
        raise ValueError("a line needs three intervals or more")
    mean_count = sum(each.request_count for each in log) / count
    mean_j = sum(each.energy_j for each in log) / count
    spread = sum((each.request_count - mean_count) ** 2 for each in log)
    if spread <= 0 or mean_j <= 0:
        raise ValueError("every interval had as many requests, or none used any energy")
    request_j = (
        sum((each.request_count - mean_count) * (each.energy_j - mean_j) for each in log) / spread
    )
    idle_j = mean_j - request_j * mean_count
    left_j2 = sum((each.energy_j - idle_j - request_j * each.request_count) ** 2 for each in log)
    variance_j2 = left_j2 / (count - 2)
    wide = student(count - 2)
    return IdleSplit(
        idle_j,
        wide * sqrt(variance_j2 * (1 / count + mean_count**2 / spread)),
        request_j,
        wide * sqrt(variance_j2 / spread),
        idle_j / mean_j,
    )
