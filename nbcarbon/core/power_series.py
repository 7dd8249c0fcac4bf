"""A session's power over time as plain JSON values, thin enough to draw: what a report's chart is made of."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from nbcarbon.core.live import counted

if TYPE_CHECKING:
    from nbcarbon.core.session import Session


def power_series(session: Session) -> dict[str, Any] | None:
    """Mean power by counted device, in at most 400 intervals; None where there is not one yet.

    `t_s` are the n + 1 ends of n intervals, in seconds since the session began. A device that was not
    observed in an interval has None there.
    """
    points = session.history.points
    if session.started is None or len(points) < 2:
        return None
    devices = counted(session)
    intervals = session.history.intervals([each.id for each in devices])
    start_s = session.started.start_s
    return {
        "t_s": [round(each.instant_s - start_s, 3) for each in points],
        "devices": [
            {"id": each.id, "power_w": [_shown(one.powers_w[place]) for one in intervals]}
            for place, each in enumerate(devices)
        ],
    }


def _shown(power_w: float | None) -> float | None:
    """Four digits: no chart is finer."""
    return None if power_w is None or not isfinite(power_w) else float(f"{power_w:.4g}")
