"""A recorded session under a changing load, and what a wall meter would have shown of it."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nbcarbon.core.events import DevicePoint, DevicesFound, Event, Sampled, SessionStarted
from nbcarbon.ledger.store import session_path
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from nbcarbon.core.device import Device

BEGAN = datetime(2025, 11, 20, 10, tzinfo=UTC)
OFFSET_W, SLOPE = 21.0, 1.18


def load_w(second: float) -> float:
    """Watts of all devices together: another load every half minute."""
    return random.Random(int(second) // 30).uniform(40, 160)


def record(
    folder: Path,
    devices: Sequence[Device],
    *,
    duration_s: int = 900,
    power_w: Callable[[float], float] = load_w,
    began: datetime = BEGAN,
) -> Path:
    """Write the ledger of a session whose devices share a power equally, a point a second."""
    session_id = os.urandom(8).hex()
    events: list[Event] = [
        SessionStarted(session_id, began, 5000.0, "host", "3.11", "0", "nb.ipynb", "boot", ()),
        DevicesFound(tuple(devices)),
    ]
    energy_j = 0.0
    for second in range(duration_s + 1):
        each_j = energy_j / len(devices)
        points = [DevicePoint(device.id, each_j, float(second)) for device in devices]
        events.append(Sampled(5000.0 + second, tuple(points)))
        energy_j += power_w(second)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.parent.chmod(0o700)
    path = session_path(folder, began, session_id)
    writer = LedgerWriter(path, FakeClock())
    for event in events:
        writer.append(event)
    writer.close()
    return path


def meter_lines(
    *,
    duration_s: int = 900,
    power_w: Callable[[float], float] = load_w,
    noise_w: float = 1.0,
    lag_s: float = 2.0,
    began: datetime = BEGAN,
    zone: bool = True,
) -> Iterator[str]:
    """A meter's file: once a second, `lag_s` ahead, a little late each time."""
    chance = random.Random(1)
    yield "timestamp,power_w"
    for second in range(duration_s):
        at_s = second + 0.5
        wall_w = OFFSET_W + SLOPE * power_w(at_s) + chance.gauss(0, noise_w)
        moment = began + timedelta(seconds=at_s + lag_s)
        text = moment.isoformat() if zone else moment.astimezone().replace(tzinfo=None).isoformat()
        yield f"{text},{wall_w:.2f}"
