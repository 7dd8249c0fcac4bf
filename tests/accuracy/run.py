"""Drives the real tick, trace and energy code over a simulated device, as a sampler does in real time."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from nbcarbon.core.ends import Turn, is_settled, pin
from nbcarbon.core.energy import energy
from nbcarbon.core.ticks import Ticks
from nbcarbon.core.trace import CounterReading, PowerReading, Trace, Window
from nbcarbon.sampler.rate import interval_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import DeviceEnergy
    from tests.accuracy.machine import Cell

SHORTEST_S = 0.1
"""Between two readings at the start of a cell: the sampler's default."""

LONGEST_WAIT_S = 0.25
"""How long a cell's end waits for the ticks after it: the sampler's own limit."""


@dataclass
class Follower:
    """Reads one device at samples, at edges and for its ticks; says what each cell used.

    `shown` is what the device shows at an instant, joules or watts. `ticking` devices are read by the
    driver's thread, which learns their ticks; `hooked` ones by the kernel's own hook, at the edge
    itself. An edge is read `delay_s` late on average, and a call takes up to `call_s`.
    """

    device: Device
    shown: Callable[[float], float]
    random: Random
    counts: bool = True
    ticking: bool = False
    hooked: bool = False
    delay_s: float = 0.0008
    call_s: float = 0.0002
    now_s: float = 0.0
    opened_s: float | None = None
    sample_s: float = 0.0
    ticks: Ticks = field(init=False)
    trace: Trace = field(init=False)

    def __post_init__(self) -> None:
        self.trace = Trace(self.device)
        self.ticks = Ticks(self.now_s)
        self.sample_s = self.now_s

    def follow(self, cells: Sequence[Cell]) -> list[DeviceEnergy]:
        """All cells, one after the other, as the account books them."""
        said = []
        for cell in cells:
            self._edge(cell.start_s, Turn.OPENS, until_s=cell.end_s)
            self.opened_s = cell.start_s
            self.sample_s = self.now_s + SHORTEST_S
            self._edge(cell.end_s, Turn.CLOSES, until_s=inf)
            self.opened_s = None
            pin(self.trace, cell.start_s, Turn.OPENS)
            pin(self.trace, cell.end_s, Turn.CLOSES)
            said.append(energy(self.trace, Window(cell.start_s, cell.end_s)))
            self.trace.forget(self.now_s - 3.0)
        return said

    def _edge(self, edge_s: float, turn: Turn, *, until_s: float) -> None:
        """Read at an edge, and after the ticks that tell its joules."""
        self._pass(edge_s)
        if self.hooked:
            self.trace.add(CounterReading(edge_s, self.shown(edge_s + 5e-6)))
        self._read(edge_s + self.random.expovariate(1 / self.delay_s))
        for ticks in (1, 2):
            if not self.ticking or is_settled(self.trace, edge_s):
                return
            settled_s = self.ticks.settled_s(edge_s, ticks)
            if settled_s is None or settled_s > min(until_s, edge_s + LONGEST_WAIT_S):
                return
            self._pass(settled_s)
            self._read(settled_s)

    def _pass(self, until_s: float) -> None:
        """Time passes, with what the sampler reads by itself."""
        while True:
            due_s = min(self.sample_s, self.ticks.due_s if self.ticking else inf)
            if due_s >= until_s:
                return
            late_s = self.random.expovariate(1 / 0.0001)
            if due_s == self.sample_s:
                self._read(due_s + late_s)
                age_s = None if self.opened_s is None else self.now_s - self.opened_s
                self.sample_s = self.now_s + interval_s(SHORTEST_S, age_s)
            else:
                begun_s, reading = self._call(due_s + late_s)
                self.ticks.observe(begun_s, reading)

    def _call(self, at_s: float) -> tuple[float, CounterReading]:
        begun_s = max(self.now_s, at_s)
        took_s = self.random.uniform(0.1, 1.0) * self.call_s
        shown = self.shown(begun_s + self.random.random() * took_s)
        self.now_s = begun_s + took_s
        return begun_s, CounterReading(self.now_s, shown)

    def _read(self, at_s: float) -> None:
        """One reading for the trace, at a moment that is clear of ticks where they are known."""
        for _ in range(4):
            clear_s = self.ticks.clear_s(max(self.now_s, at_s)) if self.ticking else at_s
            begun_s, reading = self._call(clear_s)
            if not self.counts:
                self.trace.add(PowerReading(reading.instant_s, reading.energy_j))
                return
            if self.ticking:
                reading = self.ticks.observe(begun_s, reading)
            if reading.as_of_s is not None or self.ticks.beat is None:
                break
        self.trace.add(reading)
