"""When a counter moves: its period and phase, learnt from its own readings.

Energy counters of GPUs stand still between two updates, 20 to 100 ms apart, so the difference of two
readings is wrong by up to a period at either end. Where updates come at a steady beat the instant of
each is known, and with it *as of when* a reading is.

A change seen between two readings brackets one tick. `Ticks` says when a reading would teach it
something: a short burst at first, then a few readings around a predicted tick, ever more rarely. What
is read for that is looked at here and forgotten; nothing of it is kept or told (D13).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt
from typing import TYPE_CHECKING, Final

from nbcarbon.core.beat import SURE, Beat, Bracket, fit

if TYPE_CHECKING:
    from nbcarbon.core.trace import CounterReading

BURST_STEP_S: Final = 0.002
"""Between two readings of the first burst."""

BURST_S: Final = 0.8
"""The longest burst: some ticks of the slowest counter known (100 ms)."""

BURST_TICKS: Final = 6

STEADY_FRACTION: Final = 0.8
"""A counter that moves at so many of a burst's readings is finer than a burst can see."""

FINEST_STEP_S: Final = 0.00025
"""Between two readings around a predicted tick, at the finest."""

CHECK_READS: Final = 6
FIRST_CHECK_S: Final = 0.25
LONGEST_CHECK_S: Final = 300.0
"""A check comes when as much time has passed since the last as that one reached back: what is known that
far back is known half as well that far ahead. This is the longest."""

MOST_BRACKETS: Final = 24

REGULAR_FRACTION: Final = 0.08
"""Ticks that lie further off their beat (one standard deviation, in periods) are irregular."""

LOST_FRACTION: Final = 0.2
"""Where a tick cannot be told within this part of a period, the beat is of no use."""

MOST_DOUBTS: Final = 2
"""Readings that the beat cannot explain before it is learnt anew: suspend, or a new clock."""

RETRY_S: Final = (1.0, 10.0, 60.0, 600.0)
"""Pauses after bursts that found no beat."""

FAILED_S: Final = 1.0
"""Pause after a reading that failed."""


@dataclass(slots=True)
class _Burst:
    until_s: float
    reads_count: int = 0


@dataclass(slots=True)
class _Check:
    """Looks for the tick predicted at `tick_s`, in steps, until `until_s`."""

    tick_s: float
    until_s: float
    step_s: float


@dataclass(frozen=True, slots=True)
class _Call:
    """One reading: its call began and ended, and this is what it showed."""

    begun_s: float
    ended_s: float
    energy_j: float


class Ticks:
    """What is known of one counter's ticks, and when to look again.

    `beat` is None while nothing is known or nothing is regular; `longest_gap_s` is then the longest
    pause seen between two ticks. `finest_s` is set for a counter that moves at every reading: it never
    stands still for longer than that, and its readings need no ticks.
    """

    def __init__(self, now_s: float) -> None:
        self.beat: Beat | None = None
        self.finest_s: float | None = None
        self.longest_gap_s: float | None = None
        self.due_s = now_s
        """When a reading would next teach something."""
        self._brackets: deque[Bracket] = deque(maxlen=MOST_BRACKETS)
        self._task: _Burst | _Check | None = None
        self._last: _Call | None = None
        self._failures = 0
        self._doubts = 0

    @property
    def learning(self) -> bool:
        """Whether a burst or a check is going on, which `due_s` paces."""
        return self._task is not None

    def clear_s(self, instant_s: float) -> float:
        """The first instant from here on at which a reading cannot be mistaken for another tick's."""
        return instant_s if self.beat is None else self.beat.clear_s(instant_s)

    def settled_s(self, edge_s: float, ticks: int = 1) -> float | None:
        """From when on this many ticks after an edge have surely passed.

        None where nothing is known of them.
        """
        if self.beat is None:
            return None if self.longest_gap_s is None else edge_s + ticks * self.longest_gap_s
        margin_s = SURE * self.beat.error_s(edge_s)
        return self.beat.before(edge_s + margin_s) + ticks * self.beat.period_s + margin_s

    def miss(self, now_s: float) -> None:
        """A reading failed: whatever was going on begins anew a little later."""
        self._last = None
        self._task = None
        self.due_s = now_s + FAILED_S

    def observe(
        self, begun_s: float, reading: CounterReading, *, may_begin: bool = True
    ) -> CounterReading:
        """Learn from a reading whose call began at `begun_s`; the same, with as of when it is.

        A burst or a check that is due begins only where it `may_begin`.
        """
        now_s = reading.instant_s
        last, self._last = self._last, _Call(begun_s, now_s, reading.energy_j)
        if last is not None:
            changed = reading.energy_j != last.energy_j
            if isinstance(self._task, _Burst):
                self._in_burst(self._task, last.begun_s, now_s, changed)
            elif isinstance(self._task, _Check):
                self._in_check(self._task, last.begun_s, now_s, changed)
            self._doubt(last, changed)
        if may_begin and self._task is None and now_s >= self.due_s:
            self._begin(now_s)
        return self._stamped(begun_s, reading, last)

    def _stamped(
        self, begun_s: float, reading: CounterReading, last: _Call | None
    ) -> CounterReading:
        now_s = reading.instant_s
        if self.finest_s is not None:
            return reading._replace(period_s=self.finest_s)
        if self.beat is not None:
            return reading._replace(
                as_of_s=self.beat.only_tick_s(begun_s, now_s),
                as_of_error_s=self.beat.error_s(now_s),
                period_s=self.beat.period_s,
            )
        if self.longest_gap_s is None or last is None:
            return reading
        # Irregular: as of some time since the reading before, or since the longest gap seen.
        age_s = min(self.longest_gap_s, now_s - last.begun_s)
        return reading._replace(
            as_of_s=now_s - age_s / 2,
            as_of_error_s=age_s / sqrt(12),
            period_s=self.longest_gap_s,
        )

    def _doubt(self, last: _Call, changed: bool) -> None:
        """Note what the beat cannot explain: a change between ticks, none across one."""
        if self.beat is None or self._last is None:
            return
        before_s = self.beat.only_tick_s(last.begun_s, last.ended_s)
        after_s = self.beat.only_tick_s(self._last.begun_s, self._last.ended_s)
        if before_s is None or after_s is None:
            return
        if changed != (after_s - before_s > self.beat.period_s / 2):
            self._doubts += 1
        if self._doubts >= MOST_DOUBTS:
            self._forget(self._last.ended_s)

    def _begin(self, now_s: float) -> None:
        """Read around the next tick, or begin anew where too little is known of it."""
        if self.beat is None or self.beat.error_s(now_s) > LOST_FRACTION * self.beat.period_s:
            self._begin_burst(now_s)
            return
        margin_s = SURE * self.beat.error_s(now_s) + FINEST_STEP_S
        tick_s = self.beat.before(now_s + 2 * margin_s) + self.beat.period_s
        step_s = max(FINEST_STEP_S, 2 * margin_s / CHECK_READS)
        self._task = _Check(tick_s, tick_s + margin_s + step_s, step_s)
        self.due_s = tick_s - margin_s
        self._last = None

    def _forget(self, now_s: float) -> None:
        """What was known is wrong: all is to be learnt anew, as soon as may be."""
        self.beat = self.finest_s = self._task = None
        self._doubts = 0
        self._brackets.clear()
        self.due_s = now_s

    def _begin_burst(self, now_s: float) -> None:
        self._forget(now_s)
        self._task = _Burst(now_s + BURST_S)
        self._last = None

    def _in_burst(self, burst: _Burst, early_s: float, late_s: float, changed: bool) -> None:
        burst.reads_count += 1
        if changed:
            self._brackets.append(Bracket(len(self._brackets), early_s, late_s))
        self.due_s = late_s + BURST_STEP_S
        seen = len(self._brackets)
        if seen < BURST_TICKS and late_s < burst.until_s:
            return
        self._task = None
        if seen >= BURST_TICKS and seen >= STEADY_FRACTION * burst.reads_count:
            self.finest_s = max(BURST_STEP_S, late_s - early_s)
            self.due_s = late_s + LONGEST_CHECK_S
            return
        gaps_s = [after.late_s - before.early_s for before, after in pairwise(self._brackets)]
        self.longest_gap_s = max([self.longest_gap_s or 0.0, *gaps_s]) or None
        self._number()
        self._conclude(late_s, FIRST_CHECK_S)

    def _number(self) -> None:
        """Number the ticks of a burst by time: a thread that came late may have passed over one.

        A bracket of more than half the usual pause may hold two, and says little of either.
        """
        found = list(self._brackets)
        gaps_s = sorted(b.middle_s - a.middle_s for a, b in pairwise(found))
        if not gaps_s:
            return
        usual_s = gaps_s[len(gaps_s) // 2]
        sharp = [each for each in found if each.late_s - each.early_s < usual_s / 2]
        self._brackets.clear()
        number = 0
        for position, each in enumerate(sharp):
            if position:
                number += max(1, round((each.middle_s - sharp[position - 1].middle_s) / usual_s))
            self._brackets.append(each._replace(tick_number=number))

    def _in_check(self, check: _Check, early_s: float, late_s: float, changed: bool) -> None:
        self.due_s = late_s + check.step_s
        if not changed:
            if late_s > check.until_s:
                self._begin_burst(late_s)
            return
        self._task = None
        first, last = self._brackets[0], self._brackets[-1]
        period_s = inf if self.beat is None else self.beat.period_s
        if late_s - early_s < period_s / 2:
            number = last.tick_number + round((check.tick_s - last.middle_s) / period_s)
            self._brackets.append(Bracket(number, early_s, late_s))
            self._doubts = self._failures = 0
        self._conclude(late_s, min(LONGEST_CHECK_S, max(FIRST_CHECK_S, late_s - first.early_s)))

    def _conclude(self, now_s: float, pause_s: float) -> None:
        """Draw the line through what is known; look again soon, or later where it is none."""
        beat = fit(self._brackets)
        if beat is not None and beat.jitter_s <= REGULAR_FRACTION * beat.period_s:
            self.beat = beat
            self.due_s = now_s + pause_s
            return
        self.beat = None
        self.due_s = now_s + RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
