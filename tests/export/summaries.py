"""Summaries that every format's test looks at."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbcarbon.core.summary import summary
from tests.samples import DEVICES, FRANCE, STARTED, UNKNOWN, blind, session, short, train, wide

if TYPE_CHECKING:
    from nbcarbon.core.figures import Figures

SUMS_J = {"cpu:0": 14400.0, "gpu:0": 25920.0, "mem": 4320.0, "dram:0": 1800.0}
"""12.4 Wh in all: DRAM 0 lies within the package."""

POWER = {
    "t_s": [0.0, 600.0, 900.0, 2400.0, 2520.0],
    "devices": [
        {"id": "cpu:0", "power_w": [5.0, 9.5, 4.1, 22.0]},
        {"id": "gpu:0", "power_w": [8.0, None, 12.2, 10.0]},
        {"id": "mem", "power_w": [1.7, 1.7, 1.7, 1.7]},
    ],
}


def made(
    name: str = "train",
    *,
    with_host: bool = False,
    zone: str = "FR",
    cells: tuple[Figures, ...] | None = None,
) -> dict[str, Any]:
    """A session of 42 minutes with four cells: mixed, below resolution, blind, modelled."""
    shown = (train(name), short(), blind(), wide()) if cells is None else cells
    return summary(
        session(*shown, zone=FRANCE if zone else UNKNOWN, notices=(name,)),
        session=STARTED,
        ended_at=STARTED.started_at + timedelta(seconds=2520),
        devices=DEVICES.values(),
        interval_s=0.1,
        with_host=with_host,
        sums_j=SUMS_J,
        power=POWER,
    )
