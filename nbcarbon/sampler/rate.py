"""How often to read: fast at the start of a cell, slower in a long one, slow when nothing runs."""

from __future__ import annotations

IDLE_INTERVAL_S = 5.0
"""Between cells: counters bridge it, and the time between cells needs no finer picture."""

HEARTBEAT_S = 1.0
"""The longest the kernel waits for a sign of life while a cell runs."""

_STEPS = ((10.0, 1.0), (60.0, 2.5), (600.0, 5.0))
"""Up to this age of a cell in seconds, this multiple of the shortest interval; then ten times it."""


def interval_s(shortest_s: float, cell_age_s: float | None) -> float:
    """Seconds to the next reading. `cell_age_s` is None while no cell runs."""
    if cell_age_s is None:
        return max(shortest_s, IDLE_INTERVAL_S)
    for age_s, multiple in _STEPS:
        if cell_age_s < age_s:
            return min(shortest_s * multiple, max(shortest_s, HEARTBEAT_S))
    return max(shortest_s, HEARTBEAT_S)
