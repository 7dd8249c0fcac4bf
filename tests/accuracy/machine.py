"""A machine in simulated time: power as steps and ramps, and the sensors that look at it.

Nothing here knows how energies are estimated, and nothing sleeps. Power is a broken line, so the true
joules between any two instants are exact.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


class Power:
    """Watts over time, a straight line between its corners and level outside them."""

    def __init__(self, corners: Sequence[tuple[float, float]]) -> None:
        self.at_s = [at_s for at_s, _ in corners]
        self.power_w = [power_w for _, power_w in corners]
        self._sums_j = [0.0]
        for (start_s, start_w), (end_s, end_w) in pairwise(corners):
            self._sums_j.append(self._sums_j[-1] + (start_w + end_w) / 2 * (end_s - start_s))

    def at(self, instant_s: float) -> float:
        place = bisect_right(self.at_s, instant_s)
        if place == 0:
            return self.power_w[0]
        if place == len(self.at_s):
            return self.power_w[-1]
        span_s = self.at_s[place] - self.at_s[place - 1]
        part = (instant_s - self.at_s[place - 1]) / span_s
        return self.power_w[place - 1] + part * (self.power_w[place] - self.power_w[place - 1])

    def energy_j(self, instant_s: float) -> float:
        """Joules from the first corner on; before it they are negative."""
        place = bisect_right(self.at_s, instant_s)
        if place == 0:
            return (instant_s - self.at_s[0]) * self.power_w[0]
        since_s = instant_s - self.at_s[place - 1]
        mean_w = (self.power_w[place - 1] + self.at(instant_s)) / 2
        return self._sums_j[place - 1] + since_s * mean_w

    def between_j(self, start_s: float, end_s: float) -> float:
        return self.energy_j(end_s) - self.energy_j(start_s)


@dataclass
class TickingCounter:
    """An energy counter that moves at its ticks: every `period_s`, give or take `jitter_s`.

    `drop_fraction` of ticks never come, which makes it irregular. `gain` is what its sensor reads of
    each true joule, `step_j` its last digit.
    """

    power: Power
    random: Random
    period_s: float
    phase_s: float = 0.0
    jitter_s: float = 0.0
    drop_fraction: float = 0.0
    gain: float = 1.0
    step_j: float = 0.001
    start_j: float = 0.0
    wraps_at_j: float | None = None
    _ticks: dict[int, float | None] = field(default_factory=dict)

    def tick_s(self, number: int) -> float | None:
        """When this tick truly came, None if it never did."""
        if number not in self._ticks:
            dropped = self.random.random() < self.drop_fraction
            off_s = self.random.gauss(0.0, self.jitter_s) if self.jitter_s else 0.0
            off_s = max(-self.period_s / 3, min(self.period_s / 3, off_s))
            self._ticks[number] = None if dropped else self.phase_s + number * self.period_s + off_s
        return self._ticks[number]

    def last_tick_s(self, instant_s: float) -> float:
        number = floor((instant_s - self.phase_s) / self.period_s) + 1
        while True:
            tick_s = self.tick_s(number)
            if tick_s is not None and tick_s <= instant_s:
                return tick_s
            number -= 1

    def energy_j(self, instant_s: float) -> float:
        """What a reading shows at an instant."""
        true_j = self.power.energy_j(self.last_tick_s(instant_s))
        shown_j = self.start_j + floor(self.gain * true_j / self.step_j) * self.step_j
        return shown_j % self.wraps_at_j if self.wraps_at_j else shown_j


@dataclass
class PowerSensor:
    """A power sensor: every `update_s` it shows the mean of the `window_s` before.

    NVML: a window of 1 s on consumer cards since Ampere, 25 ms of every 100 ms on A100 and H100.
    """

    power: Power
    update_s: float
    window_s: float = 0.0
    phase_s: float = 0.0
    gain: float = 1.0

    def power_w(self, instant_s: float) -> float:
        """What a reading shows at an instant."""
        updated_s = instant_s
        if self.update_s > 0:
            updated_s = self.phase_s + self.update_s * floor(
                (instant_s - self.phase_s) / self.update_s
            )
        if self.window_s <= 0:
            return self.gain * self.power.at(updated_s)
        return (
            self.gain * self.power.between_j(updated_s - self.window_s, updated_s) / self.window_s
        )


@dataclass(frozen=True)
class Cell:
    """One cell of a simulated notebook, from `start_s` to `end_s`."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


def cells(random: Random, durations_s: Sequence[float], *, first_s: float) -> list[Cell]:
    """Cells of these lengths, give or take a tenth, with pauses as people and `run all` make them."""
    found = []
    now_s = first_s
    for duration_s in durations_s:
        now_s += random.choice((0.003, 0.05, 0.4, 2.0)) * random.uniform(0.5, 1.5)
        end_s = now_s + duration_s * random.uniform(0.9, 1.1)
        found.append(Cell(now_s, end_s))
        now_s = end_s
    return found


def ramp(corners: list[tuple[float, float]], at_s: float, power_w: float, ramp_s: float) -> None:
    """Go to a level from `at_s` on, within `ramp_s`; never before the last corner."""
    last_s, last_w = corners[-1]
    at_s = max(at_s, last_s + 1e-7)
    corners.append((at_s, last_w))
    corners.append((at_s + max(ramp_s, 1e-7), power_w))


def work_of_cells(random: Random, of: Sequence[Cell], *, idle_w: float, most_w: float) -> Power:
    """Power as the cells' own work makes it: idle between them, levels and ramps within.

    Work begins some milliseconds after its cell and a cell that waited for its work ends with it. Half
    of the cells draw one level, the others go through phases of some hundred milliseconds.
    """
    corners = [(-10.0, idle_w)]
    for cell in of:
        ramp_s = random.choice((0.0, 0.002, 0.02))
        at_s = cell.start_s + random.expovariate(1 / 0.001)
        level_w = random.uniform(0.3, 1.0) * most_w
        ramp(corners, at_s, level_w, ramp_s)
        phases = random.random() < 0.5
        at_s += random.uniform(0.1, 1.5)
        while phases and at_s < cell.end_s - 0.05:
            ramp(corners, at_s, random.uniform(0.3, 1.0) * most_w, ramp_s)
            at_s += random.uniform(0.1, 1.5)
        ramp(corners, cell.end_s - random.expovariate(1 / 0.001), idle_w, ramp_s)
    return Power(corners)


def work_of_others(random: Random, until_s: float, *, idle_w: float, most_w: float) -> Power:
    """Power that knows nothing of the cells: levels of 0.2 to 3 s, with steps and ramps between."""
    corners = [(-10.0, idle_w)]
    at_s = random.uniform(-3.0, 0.0)
    while at_s < until_s:
        level_w = idle_w if random.random() < 0.3 else random.uniform(0.3, 1.0) * most_w
        ramp(corners, at_s, level_w, random.choice((0.0, 0.002, 0.02, 0.1)))
        at_s += random.uniform(0.2, 3.0)
    return Power(corners)


NEVER_S = inf
