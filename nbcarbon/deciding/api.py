"""`nbcarbon.estimate`: the calculator from Python."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from nbcarbon.deciding.sessions import estimate_apart

if TYPE_CHECKING:
    from nbcarbon.core.scenario import Calculation


def estimate(
    *,
    gpu: str | None = None,
    count: float | None = None,
    cpu: str | None = None,
    cpu_count: float | None = None,
    memory_gb: float | None = None,
    hours: float | None = None,
    utilisation: float | None = None,
    times: float = 1,
    like: str | None = None,
    zone: str | None = None,
    cloud: str | None = None,
    g_per_kwh: float | None = None,
    pue: float | None = None,
    embodied: bool = False,
    ledger: str | None = None,
) -> Calculation:
    """What hardware will use and emit before it runs, or `times` a measured cell: `nbcarbon estimate`.

    `utilisation` is mean power as a part of the rated power, 1 being all of it. `like` is a cell of the
    latest recorded session, or of `ledger`. Raises SettingError, LedgerError.
    """

    def text(value: float | None) -> str | None:
        return None if value is None else repr(float(value))

    given = Namespace(
        gpu=gpu,
        count=text(count),
        cpu=cpu,
        cpu_count=text(cpu_count),
        memory=text(memory_gb),
        hours=text(hours),
        utilisation=text(utilisation),
        times=text(times),
        like=like,
        zone=zone,
        cloud=cloud,
        intensity=text(g_per_kwh),
        pue=text(pue),
        embodied=embodied,
        ledger=ledger,
    )
    return estimate_apart(given, os.environ)
