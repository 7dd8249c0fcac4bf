"""The machine's clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime

# Bound at import: a user who shadows `time` in a notebook must not stop ours.
_monotonic = time.monotonic
_boottime = getattr(time, "CLOCK_BOOTTIME", None)
_gettime = getattr(time, "clock_gettime", None)


class SystemClock:
    """`CLOCK_MONOTONIC`, the same in every process of this machine since boot."""

    def monotonic_s(self) -> float:
        return _monotonic()

    def boottime_s(self) -> float:
        if _boottime is None or _gettime is None:
            return _monotonic()
        boottime_s: float = _gettime(_boottime)
        return boottime_s

    def now(self) -> datetime:
        return datetime.now(UTC)
