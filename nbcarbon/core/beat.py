"""The beat of a counter: a straight line through the instants at which it moved."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST: Final = 3
"""Brackets that make a line with something left to judge it by."""

SURE: Final = 3.0
"""Standard deviations of a tick that a reading is kept clear of."""

SURE_ENOUGH: Final = 2.5
"""And those within which one is in doubt: fewer, so that what was kept clear stays so."""


class Bracket(NamedTuple):
    """One tick, by its number: not before `early_s`, not after `late_s`."""

    tick_number: int
    early_s: float
    late_s: float

    @property
    def middle_s(self) -> float:
        return (self.early_s + self.late_s) / 2

    @property
    def variance_s2(self) -> float:
        """Of an instant that lies anywhere in it."""
        return (self.late_s - self.early_s) ** 2 / 12


class Beat(NamedTuple):
    """Ticks at `tick_s` plus or minus any number of periods.

    `centre_s` is where the line is known best; its error grows with the distance from there, by
    `drift_fraction` of it. `jitter_s` is how far single ticks lie off. All errors are one standard
    deviation.
    """

    tick_s: float
    period_s: float
    centre_s: float
    centre_error_s: float
    drift_fraction: float
    jitter_s: float

    def before(self, instant_s: float) -> float:
        """The last tick not after an instant."""
        return self.tick_s + self.period_s * ((instant_s - self.tick_s) // self.period_s)

    def error_s(self, instant_s: float) -> float:
        """How far off the ticks around an instant may be."""
        far_s = self.drift_fraction * (instant_s - self.centre_s)
        return sqrt(self.centre_error_s**2 + far_s**2 + self.jitter_s**2)

    def clear_s(self, instant_s: float) -> float:
        """The first instant from here on that is clear of every tick."""
        margin_s = SURE * self.error_s(instant_s)
        nearest_s = self.before(instant_s + margin_s)
        return max(instant_s, nearest_s + margin_s)

    def only_tick_s(self, begun_s: float, ended_s: float) -> float | None:
        """The last tick before a call, None where one may lie within it."""
        margin_s = SURE_ENOUGH * self.error_s(ended_s)
        tick_s = self.before(begun_s + margin_s)
        if tick_s + margin_s > begun_s or ended_s + margin_s > tick_s + self.period_s:
            return None
        return tick_s


def fit(brackets: Sequence[Bracket], *, jitter_s: float | None = None) -> Beat | None:
    """The line through ticks by weighted least squares. None for too few, or where time runs back.

    Jitter that is not given is what the widths of the brackets do not explain.
    """
    if len(brackets) < FEWEST:
        return None
    last = brackets[-1]
    known_s = 0.0 if jitter_s is None else jitter_s
    weights = [1 / (each.variance_s2 + known_s**2 + 1e-12) for each in brackets]
    numbers = [each.tick_number - last.tick_number for each in brackets]
    instants_s = [each.middle_s - last.middle_s for each in brackets]
    weight = sum(weights)
    mean_number = sum(w * k for w, k in zip(weights, numbers, strict=True)) / weight
    mean_s = sum(w * s for w, s in zip(weights, instants_s, strict=True)) / weight
    spread = sum(w * (k - mean_number) ** 2 for w, k in zip(weights, numbers, strict=True))
    rows = zip(weights, numbers, instants_s, strict=True)
    period_s = sum(w * (k - mean_number) * (s - mean_s) for w, k, s in rows) / spread
    if period_s <= 0:
        return None
    off_s = mean_s - period_s * mean_number
    if jitter_s is None:
        left_s = [s - off_s - period_s * k for k, s in zip(numbers, instants_s, strict=True)]
        surplus_s2 = _surplus_s2(left_s, brackets)
        if surplus_s2 > 0:
            return fit(brackets, jitter_s=sqrt(surplus_s2))
    return Beat(
        tick_s=last.middle_s + off_s,
        period_s=period_s,
        centre_s=last.middle_s + mean_s,
        centre_error_s=1 / sqrt(weight),
        drift_fraction=1 / sqrt(spread) / period_s,
        jitter_s=known_s,
    )


def _surplus_s2(left_s: Sequence[float], brackets: Sequence[Bracket]) -> float:
    """The variance around the line of ticks that lie outside their brackets: the rest is explained."""
    outside_s = (
        max(0.0, abs(left) - (each.late_s - each.early_s) / 2)
        for left, each in zip(left_s, brackets, strict=True)
    )
    return sum(each**2 for each in outside_s) / (len(brackets) - 2)
