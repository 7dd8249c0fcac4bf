"""The joules by an instant between two readings, and how sure that is.

Between two ticks of a counter only the sum of the energy is known. The power before the first and after
the second says how it divides: if power goes once from the one level to the other, the line of energy
is two straight ones that meet at the step. Where it goes up and down again between two ticks, work is
taken to have begun where a run opened, and to have ended where one closed. The straight line between
the ticks themselves is the alternative: how far apart the lines are is how sure the end is.

Readings whose ticks are not known are joined by straight lines, and their age widens the interval.
"""

from __future__ import annotations

from enum import Enum
from math import hypot, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.uncertainty import REFRESH_SPREAD

if TYPE_CHECKING:
    from nbcarbon.core.trace import Point, Trace

LONGEST_SPAN: Final = 1.5
"""Ticks further apart than so many periods have others between them that nobody read: the far one says
little about an end near the other."""

FLAT_FRACTION: Final = 0.02
"""Power that differs by less from one stretch to the next is steady."""

STEPS_FACTOR: Final = 1.15
"""Of the distance between the lines: calibrated."""

WITHIN: Final = 1.96
"""95 % of what is normally distributed lies within so many standard deviations."""


class Turn(Enum):
    """What an end of a window is: where a run opened, where one closed, or neither."""

    UNKNOWN = "unknown"
    OPENS = "opens"
    CLOSES = "closes"


class End(NamedTuple):
    """Joules by an instant, and half of the 95 % interval of each thing that is unsure of them.

    `late_j` is what a counter that is read between two updates lacks on average: where both ends of a
    window lack the same, nothing is lost. `rough_j2` is the trace's own.
    """

    instant_s: float
    energy_j: float
    seen_s: float
    steps_j: float = 0.0
    refresh_j: float = 0.0
    late_j: float = 0.0
    rough_j2: float = 0.0


def end_of(trace: Trace, instant_s: float, turn: Turn = Turn.UNKNOWN) -> End:
    """The joules of a trace by an instant; the same as before where that was booked already.

    Raises LookupError if there is no reading yet.
    """
    pinned = trace.pins.get(instant_s)
    if pinned is not None:
        return pinned
    before, after = trace.near(instant_s)
    if not before:
        first = trace.at(instant_s)
        return End(instant_s, first.energy_j, first.seen_s)
    if not after:
        return _beyond(trace, before, instant_s)
    start, end = before[-1], after[0]
    if start.error_s > 0 and end.error_s > 0 and end.seen_s > start.seen_s:
        return _between_ticks(trace, before, after, instant_s, turn)
    return _between_readings(trace, before, after, instant_s)


def pin(trace: Trace, instant_s: float, turn: Turn) -> None:
    """Book the joules by an instant: later readings change them no more, so what is booked adds up.

    Instants are pinned in order of time, and joules never fall from one to the next.
    """
    if trace.last is None or instant_s in trace.pins:
        return
    end = end_of(trace, instant_s, turn)
    least_j = max((each.energy_j for each in trace.pins.values()), default=end.energy_j)
    trace.pins[instant_s] = end._replace(energy_j=max(end.energy_j, least_j))


def is_settled(trace: Trace, instant_s: float) -> bool:
    """Whether later readings would say no more of the joules by an instant."""
    if trace.last is None:
        return True
    if max(trace.read_s, trace.last.instant_s) < instant_s:
        return False
    before, after = trace.near(instant_s)
    if not trace.ticking or not before or before[-1].error_s <= 0:
        return True
    if not after:
        return False
    left_w, right_w = level_w(trace, before[::-1]), level_w(trace, after)
    mean_w = _mean_w(before[-1], after[0])
    flat = left_w is not None and abs(left_w - mean_w) <= FLAT_FRACTION * mean_w
    return flat or right_w is not None


def level_w(trace: Trace, outward: list[Point]) -> float | None:
    """Mean power beyond the nearest of these points, over a stretch long enough to tell."""
    nearest = last = outward[0]
    shortest_s = 8 * nearest.error_s or 2 * max(trace.period_s, trace.device.resolution_s)
    for other in outward[1:]:
        if other.seen_s == last.seen_s:
            return None
        if abs(other.instant_s - nearest.instant_s) >= shortest_s:
            return _mean_w(nearest, other)
        last = other
    return None


def _mean_w(one: Point, other: Point) -> float:
    return (other.energy_j - one.energy_j) / (other.instant_s - one.instant_s)


def _beyond(trace: Trace, before: list[Point], instant_s: float) -> End:
    """After the last tick, or the last sample of power: as it was, for as long as somebody looked."""
    last = before[-1]
    seen_s = max(0.0, min(instant_s, trace.read_s) - last.instant_s)
    since_s = seen_s
    power_w = trace.power_w
    if power_w is None:
        power_w = level_w(trace, before[::-1]) or 0.0
        # A counter that has not moved for longer has nothing to count.
        since_s = min(since_s, trace.period_s)
    return End(
        instant_s,
        last.energy_j + power_w * since_s,
        last.seen_s + seen_s,
        steps_j=power_w * since_s,
        refresh_j=WITHIN * power_w * last.error_s,
        late_j=0.0,
        rough_j2=last.rough_j2,
    )


def _between_readings(
    trace: Trace, before: list[Point], after: list[Point], instant_s: float
) -> End:
    """On the straight line between two readings, each of them up to one refresh old."""
    start, end = before[-1], after[0]
    span_s = end.instant_s - start.instant_s
    part = (instant_s - start.instant_s) / span_s
    mean_w = _mean_w(start, end)
    levels_w = [level_w(trace, before[::-1]), mean_w, level_w(trace, after)]
    known_w = [each for each in levels_w if each is not None]
    local_w = levels_w[0] if levels_w[0] is not None else mean_w
    refresh_s = 0.0 if trace.power_w is not None else trace.period_s or trace.device.resolution_s
    swing_w = STEPS_FACTOR * (max(known_w) - min(known_w))
    seen = end.seen_s > start.seen_s
    return End(
        instant_s,
        start.energy_j + mean_w * part * span_s,
        start.seen_s + (end.seen_s - start.seen_s) * part,
        steps_j=swing_w * part * (1 - part) * span_s if seen else 0.0,
        refresh_j=REFRESH_SPREAD * refresh_s * max(known_w) if seen else 0.0,
        late_j=refresh_s / 2 * local_w if seen else 0.0,
        rough_j2=start.rough_j2 + (end.rough_j2 - start.rough_j2) * part,
    )


def _between_ticks(
    trace: Trace, before: list[Point], after: list[Point], instant_s: float, turn: Turn
) -> End:
    """Where the lines of the power before and after two ticks meet."""
    start, end = before[-1], after[0]
    since_s, until_s = instant_s - start.instant_s, end.instant_s - instant_s
    span_s = since_s + until_s
    mean_w = _mean_w(start, end)
    right_known_w = level_w(trace, after)
    left_w = level_w(trace, before[::-1])
    if left_w is None:
        left_w = mean_w if right_known_w is None else right_known_w
    right_w = left_w if right_known_w is None else right_known_w
    chord_j = start.energy_j + mean_w * since_s
    left_j, right_j = start.energy_j + left_w * since_s, end.energy_j - right_w * until_s
    if span_s > LONGEST_SPAN * trace.period_s:
        near_s, energy_j = (since_s, left_j) if since_s < until_s else (until_s, right_j)
        steps_j = (max(left_w, right_w, mean_w) - min(left_w, right_w, mean_w)) * near_s
    else:
        if left_w <= mean_w <= right_w:
            energy_j = max(left_j, right_j)
        elif left_w >= mean_w >= right_w:
            energy_j = min(left_j, right_j)
        elif turn is Turn.UNKNOWN:
            energy_j = chord_j
        else:
            energy_j = left_j if (turn is Turn.OPENS) == (mean_w > left_w) else right_j
        steps_j = STEPS_FACTOR * max(abs(left_j - chord_j), abs(right_j - chord_j))
    # No more than the device can draw, on either side.
    most_w = trace.device.max_power_w
    least_j = max(start.energy_j, end.energy_j - most_w * until_s)
    most_j = min(end.energy_j, start.energy_j + most_w * since_s)
    return End(
        instant_s,
        max(least_j, min(most_j, energy_j)),
        start.seen_s + since_s,
        steps_j=steps_j,
        refresh_j=WITHIN
        * max(left_w, mean_w, right_w)
        * hypot(start.error_s, end.error_s)
        / sqrt(2),
        rough_j2=start.rough_j2,
    )
