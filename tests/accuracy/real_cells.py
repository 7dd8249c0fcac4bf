"""Cells in real time over whatever driver this process loads: its own process, started by the test.

Prints one JSON line: for each cell its start, its end, and by device id the joules, their interval
and how much of the cell was observed.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from nbcarbon.core.ends import Turn, pin
from nbcarbon.core.energy import energy
from nbcarbon.core.trace import Window
from nbcarbon.meter.clock import SystemClock
from nbcarbon.sampler.account import Account
from nbcarbon.sampler.loop import BRACKET_WAIT_S, SETTLE_WAIT_S
from nbcarbon.sampler.roster import Driver
from nbcarbon.sensors.nvml import NvmlBackend

LEARN_S = 2.5
SAMPLE_S = 0.1


def main(duration_s: float, count: int) -> None:
    clock = SystemClock()
    found = threading.Event()
    driver = Driver([NvmlBackend(clock, {})], found.set, clock)
    driver.start()
    found.wait(5.0)
    account = Account()
    for discovery in driver.found():
        account.add_devices(sensor.device for sensor in discovery.sensors)

    def read(wait_s: float = 0.0) -> None:
        driver.ask(wait_s=wait_s)
        collect()

    def collect() -> None:
        for result in driver.collect():
            if result.reading is not None:
                account.read(result.device_id, result.reading)

    read(1.0)
    time.sleep(LEARN_S)
    rows = []
    for _ in range(count):
        read()
        time.sleep(SAMPLE_S)
        start_s = clock.monotonic_s()
        read()
        driver.follow(start_s)
        while (left_s := start_s + duration_s - clock.monotonic_s()) > 0:
            time.sleep(min(left_s, SAMPLE_S))
            if left_s > SAMPLE_S:
                read()
        end_s = clock.monotonic_s()
        read(BRACKET_WAIT_S)
        for tick in (1, 2):
            waiting = account.unsettled(end_s)
            driver.follow(end_s, device_ids=waiting, ticks=(tick,), wait_s=SETTLE_WAIT_S / 2)
            collect()
        said = {}
        for device_id, trace in account.traces.items():
            pin(trace, start_s, Turn.OPENS)
            pin(trace, end_s, Turn.CLOSES)
            part = energy(trace, Window(start_s, end_s))
            said[device_id] = (part.energy_j, part.low_j, part.high_j, part.coverage_fraction)
        rows.append((start_s, end_s, said))
    driver.close()
    print(json.dumps(rows))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
