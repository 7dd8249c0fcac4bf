"""How often a page hears of a running cell: once a second, less often in a long one.

A server keeps every message for a tab that is closed, without a bound: eight hours of a cell must
stay a few megabytes.
"""

from __future__ import annotations

from typing import Final

TICK_S: Final = 1.0
SLOW_TICK_S: Final = 5.0
SLOW_FROM_S: Final = 600.0
_EARLY_S: Final = 0.2
"""Points come a little more than a second apart; one that comes early is taken all the same."""


def next_s(run_s: float) -> float:
    """Seconds to the next message about a cell that has run for `run_s`."""
    return TICK_S if run_s < SLOW_FROM_S else SLOW_TICK_S


def is_due(since_s: float, run_s: float) -> bool:
    """Whether it is time for one, `since_s` after the last."""
    return since_s >= next_s(run_s) - _EARLY_S
