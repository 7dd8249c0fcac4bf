"""A sampler takes up a ledger that was compacted as it takes up any other."""

from __future__ import annotations

import pytest

from nbcarbon.core.compact import compacted
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    DevicePoint,
    DevicesFound,
    Noticed,
    Sampled,
    SettingChanged,
)
from nbcarbon.core.session import Session
from nbcarbon.testing import FakeClock, cpu_device
from tests.sampler.test_loop import START, Before, Bench, about, ended, opened


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("long", [False, True])
def test_a_successor_takes_over_open_cells_and_joules(compact: bool, long: bool) -> None:
    """The cell has run for days, 100 W since it began and 10 W before: its beginning is still known."""
    duration_s = 5000 if long else 20
    events = [
        START,
        DevicesFound((cpu_device(error_fraction=0.0),)),
        SettingChanged("zone", "SE"),
        Noticed("once", "said before"),
    ]
    for second in range(1000, 1006):
        events.append(Sampled(float(second), (DevicePoint("cpu:0", 10.0 * (second - 1000), second - 1000.0),)))  # fmt: skip
    events += [BetweenMeasured(1000.0, 1005.0, ()), opened(1, 1005.0)]
    for second in range(1, duration_s):
        joules = 50.0 + 100.0 * second
        events.append(Sampled(1005.0 + second, (DevicePoint("cpu:0", joules, 5.0 + second),)))
    now_s = 1005.0 + duration_s
    before = Before(compacted(events) if compact else events, kernel_number=1)  # type: ignore[arg-type]
    bench = Bench(
        [(now_s, START), (now_s + 2.0, ended(1, now_s + 2.0))],
        clock=FakeClock(now_s),
        before=before,
        gone_at_s=now_s + 4.0,
    )
    bench.loop.run()
    session = Session(before.events)
    for event in bench.recorded():
        session.apply(event)

    (closed,) = bench.of(CellClosed)
    # The second in which no sampler was there is not seen.
    assert closed.report.devices[0].energy_j == about(100.0 * (duration_s + 1))  # type: ignore[attr-defined]
    assert session.zone.id == "SE"
    assert "once" in session.notices
    assert session.figures_of(1).coverage_fraction == about((duration_s + 1) / (duration_s + 2))
