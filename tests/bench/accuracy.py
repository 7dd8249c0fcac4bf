"""How exact energies are, against hardware whose true energy is known (G9 to G13).

A lane is one tool on one machine. Lanes take turns at short cells; cells of a second and more run side
by side, begun a little apart, so that no two edges meet and all of it ends in minutes. The truth of a
cell is what the hardware used from the moment at which the tool let the user's code begin to the one at
which it was told that the code is over.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.bench.hardware import (
    LAPTOP,
    MACHINES,
    RAPL,
    SERVER,
    Hardware,
    Machine,
)
from tests.bench.peers import OURS
from tests.bench.peers.tool import Tool, ToolFailed
from tests.bench.plan import Plan
from tests.bench.rows import Row
from tests.bench.tables import LIMIT, LIMITS_TOO, Line, Table, digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

WARM_S = 1.5
LAUNCH_S = 0.004
"""From the beginning of a cell to that of its work on a GPU: the stand-in has to be told in time."""
IDLE_REST_S = 0.3
"""Between two cells that are a GPU's only work: a few of its ticks."""
MOVED_S = 0.3
"""Until GPUs that are told to work on have begun to."""
TOGETHER_FROM_S = 1.0
LONG_FROM_S = 5.0
APART_S = 0.23
ALONE_CELLS = 2
"""Of 30 seconds, for a peer that has to run alone: more would take longer than all the rest."""
WRAP_J = 60.0 * 14
"""Of a package of 60 W: when all tools have warmed up."""
NOTHING = "–"
LATE_S = 1.5
"""carbontracker's last reading takes a second."""
ADDED: dict[Machine, dict[str, str]] = {
    LAPTOP: {"cpu": "a laptop's package, with `psys` beside it: CPU"},
    SERVER: {
        "cpu": "two packages, one of which wraps within the cell: CPU",
        "dram": "their memories",
    },
}


@dataclass(frozen=True)
class Cell:
    """One cell of one tool. `found_j` is words where the tool told no joules."""

    machine: str
    tool: str
    duration_s: float
    true_j: float
    limit_j: float
    found_j: float | str
    low_j: float | None = None
    high_j: float | None = None
    below: bool = False
    own_work: bool = False

    @property
    def inside(self) -> bool:
        return self.low_j is not None and self.low_j <= self.true_j <= (self.high_j or 0.0)


@dataclass
class Lane:
    """One tool on one machine, and what it was asked to measure so far."""

    hardware: Hardware
    tool: Tool
    windows: list[tuple[float, float, float, bool]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""

    def warm_up(self) -> None:
        """Not counted: every tool finds its devices, and a GPU's counter can be learned."""
        try:
            self.tool.ask("load")
        except ToolFailed as error:
            self.failed = str(error)
        self.run(WARM_S)

    def run(self, duration_s: float, *, own_work: bool = False) -> None:
        """One cell. With `own_work` it is the GPUs' only work: they are idle before and after."""
        if self.failed:
            return
        try:
            start_s = self.tool.ask("start")["at_s"]
            works_s = start_s + LAUNCH_S if own_work else start_s
            if own_work and not self.hardware.work(start_s, works_s, duration_s):
                own_work = False
            time.sleep(max(0.0, works_s + duration_s - time.monotonic()))
            end_s = self.tool.ask("stop")["at_s"]
            self.windows.append((duration_s, start_s, end_s, own_work))
            self.told = self.tool.ask("figures")["cells"]
        except ToolFailed as error:
            self.failed = str(error)

    def hear_late(self) -> None:
        """What a tool says once it had time to think about its last cell."""
        if not self.failed:
            try:
                self.told = self.tool.ask("figures")["cells"]
            except ToolFailed as error:
                self.failed = str(error)

    def cells(self, component: str = "") -> Iterator[Cell]:
        """All but the one that warmed up."""
        component = component or self.hardware.machine.component
        for number, (duration_s, start_s, end_s, own_work) in enumerate(self.windows):
            if number == 0:
                continue
            told = self.told[number] if number < len(self.told) else {}
            found = told.get(component, self.failed or "not measured")
            ends = found if isinstance(found, list) else [found, None, None]
            yield Cell(
                self.hardware.machine.key,
                self.tool.peer,
                duration_s,
                self.hardware.true_j(component, start_s, end_s),
                self.hardware.limit_j(start_s, end_s),
                *ends,
                below=told.get("below", False),
                own_work=own_work,
            )


def take_turns(
    lanes: Iterable[Lane], duration_s: float, count: int, *, own_work: bool = False
) -> None:
    draw = random.Random(duration_s)
    lanes = list(lanes)
    rest_s = IDLE_REST_S if own_work else 0.0
    for _ in range(count):
        for lane in lanes:
            lane.run(duration_s, own_work=own_work)
            time.sleep(rest_s + draw.uniform(0.02, 0.08))


def side_by_side(lanes: Iterable[Lane], duration_s: float, count: int) -> None:
    """Each in a thread that mostly waits; the bench's own edges are as far apart as the tools'."""

    def work(lane: Lane, number: int) -> None:
        draw = random.Random(f"{duration_s} {number}")
        time.sleep(number * APART_S)
        for _ in range(count):
            lane.run(duration_s)
            time.sleep(draw.uniform(0.05, 0.15))

    threads = [
        threading.Thread(target=work, args=(lane, number)) for number, lane in enumerate(lanes)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


@dataclass
class Accuracy:
    """Lanes of all machines that live as long as this does. Use it as a context manager."""

    folder: Path
    plan: Plan
    tell: Callable[[str], None]
    machines: tuple[Machine, ...] = MACHINES
    lanes: list[Lane] = field(default_factory=list)
    found: list[Cell] = field(default_factory=list)
    failed: dict[tuple[str, str], str] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Accuracy:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def short_cells(self) -> None:
        """Machine by machine; what has to be alone is left for `alone`."""
        for machine in self.machines:
            self.tell(f"energy, short cells: {machine.words}")
            hardware = self._stack.enter_context(Hardware(machine, self.folder))
            own = [
                self._lane(hardware, each) for each in self.plan.peers if each not in machine.alone
            ]
            _warm(own)
            for duration_s, count in self.plan.cells:
                if duration_s < TOGETHER_FROM_S:
                    take_turns(own, duration_s, count)
                    if machine.gpus:
                        take_turns(own, duration_s, count, own_work=True)
                        hardware.move_gpus(0.05, 0.5)
                        time.sleep(MOVED_S)
                elif duration_s < LONG_FROM_S:
                    if machine.gpus:
                        hardware.move_gpus(0.05, 0.5)
                    side_by_side(own, duration_s, count)
            self.lanes += own

    def long_cells(self, meanwhile: Callable[[], None] | None = None) -> None:
        """All machines at once: what they do in thirty seconds, they can do beside each other.

        `meanwhile` is done beside the longest cells.
        """
        for duration_s, count in self.plan.cells:
            if duration_s >= LONG_FROM_S:
                self.tell(f"energy, cells of {duration_s:g} s: all machines")
                _slow_steps(self.lanes, duration_s)
                beside = meanwhile if duration_s == self.plan.cells[-1][0] else None
                other = threading.Thread(target=beside or (lambda: None))
                other.start()
                side_by_side(self.lanes, duration_s, count)
                other.join()
        self._finish(self.lanes)

    def alone(self) -> None:
        """Those that take a whole core where a GPU has no counter."""
        for machine in self.machines:
            for peer in machine.alone:
                if peer not in self.plan.peers:
                    continue
                self.tell(f"energy, {peer} by itself: {machine.words}")
                folder = self.folder / f"{peer}-alone"
                hardware = self._stack.enter_context(Hardware(machine, folder))
                lane = self._lane(hardware, peer)
                _warm([lane])
                for duration_s, count in self.plan.cells:
                    if duration_s >= LONG_FROM_S:
                        _slow_steps([lane], duration_s)
                    take_turns(
                        [lane], duration_s, min(count, ALONE_CELLS) if duration_s > 5 else count
                    )
                self._finish([lane])

    def _lane(self, hardware: Hardware, peer: str) -> Lane:
        return Lane(hardware, self._stack.enter_context(Tool(peer, hardware.site)))

    def _finish(self, lanes: list[Lane]) -> None:
        time.sleep(LATE_S)
        for lane in lanes:
            lane.hear_late()
            self.found += lane.cells()
            if lane.failed:
                self.failed[lane.hardware.machine.key, lane.tool.peer] = lane.failed
            lane.tool.close()


def _warm(lanes: list[Lane]) -> None:
    """Side by side: nothing of it counts."""
    threads = [threading.Thread(target=lane.warm_up) for lane in lanes]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _slow_steps(lanes: Iterable[Lane], duration_s: float) -> None:
    """Work that changes more slowly, so that what the stand-in remembers lasts for long cells."""
    longest_s = 0.3 if duration_s < 10 else 1.4
    for hardware in {id(each.hardware): each.hardware for each in lanes}.values():
        if hardware.machine.gpus:
            hardware.move_gpus(0.1, longest_s)


# What was found


def error_percent(cells: Iterable[Cell], *, limit: bool = False) -> float | str:
    """Sum of errors over sum of truth; a tool's own words where it told no joules."""
    missed_j = true_j = 0.0
    for cell in cells:
        found_j = cell.limit_j if limit else cell.found_j
        if isinstance(found_j, str):
            return found_j
        missed_j += abs(found_j - cell.true_j)
        true_j += cell.true_j
    return 100 * missed_j / true_j if true_j else NOTHING


def errors(found: list[Cell], failed: Mapping[tuple[str, str], str], plan: Plan) -> Table:
    table = Table("Energy: error", ERRORS, tools=(*plan.peers, LIMIT), subject="error of energy, ")
    for machine in MACHINES:
        for duration_s, count in plan.cells:
            of = [c for c in found if c.machine == machine.key and c.duration_s == duration_s]
            for own_work in sorted({each.own_work for each in of}):
                cells = [each for each in of if each.own_work == own_work]
                values: dict[str, float | str] = {}
                for tool in plan.peers:
                    error = error_percent(each for each in cells if each.tool == tool)
                    values[tool] = (
                        failed.get((machine.key, tool), error) if error == NOTHING else error
                    )
                values[LIMIT] = error_percent(
                    (each for each in cells if each.tool == cells[0].tool), limit=True
                )
                what = (
                    f"a GPU's only work for {duration_s:g} s"
                    if own_work
                    else f"cells of {duration_s:g} s"
                )
                label = f"{machine.words}: {what} ({count})"
                key = f"{machine.key} {duration_s:g}{' own' if own_work else ''}"
                table.lines.append(Line(key, label, "%", values))
    return table


@dataclass(frozen=True)
class Held:
    """What intervals did on one machine at one duration."""

    words: str
    duration_s: float
    count: int
    inside: int
    shorter: bool
    width_percent: float
    below: int


def intervals(found: Iterable[Cell], plan: Plan) -> list[Held]:
    """nbcarbon's, since no peer gives one."""
    ours = [each for each in found if each.tool == OURS and not isinstance(each.found_j, str)]
    held = []
    for machine in MACHINES:
        for duration_s, _ in plan.cells:
            cells = [c for c in ours if c.machine == machine.key and c.duration_s == duration_s]
            if not cells:
                continue
            width_j = sum(((c.high_j or 0.0) - (c.low_j or 0.0)) / 2 for c in cells)
            held.append(
                Held(
                    machine.words,
                    duration_s,
                    len(cells),
                    sum(c.inside for c in cells),
                    duration_s < machine.refresh_s,
                    100 * width_j / sum(c.true_j for c in cells),
                    sum(c.below for c in cells),
                )
            )
    return held


def intervals_markdown(held: Iterable[Held]) -> Iterator[str]:
    yield f"## Energy: intervals\n\n{INTERVALS}\n"
    yield "| | cells | hold the truth | half width | say that they are too short |"
    yield "|---|---:|---:|---:|---:|"
    for each in held:
        yield (
            f"| {each.words}: cells of {each.duration_s:g} s | {each.count} | {each.inside} "
            f"| ± {digits(each.width_percent)} % | {each.below} |"
        )
    yield ""


# Devices that add up


def adding_up(folder: Path, plan: Plan, tell: Callable[[str], None]) -> Table:
    """Packages and memories, a counter that wraps within a cell, and one that holds another."""
    table = Table(
        "Energy: devices that add up", ADDING, tools=plan.peers, subject="error of energy, "
    )
    for machine, parts in ADDED.items():
        tell(f"adding up: {machine.words}")
        lanes = _one_long_cell(folder, machine, plan)
        for component, label in parts.items():
            values = {each.tool.peer: error_percent(each.cells(component)) for each in lanes}
            table.lines.append(Line(f"{machine.key} {component}", label, "%", values, least=0.05))
    return table


def _one_long_cell(folder: Path, machine: Machine, plan: Plan) -> list[Lane]:
    with ExitStack() as stack:
        hardware = Hardware(machine, folder)
        if machine is SERVER:
            hardware.wrap_soon(WRAP_J)
        stack.enter_context(hardware)
        wraps_at_s = time.monotonic() + WRAP_J / 60.0
        lanes = [
            Lane(hardware, stack.enter_context(Tool(each, hardware.site))) for each in plan.peers
        ]
        _warm(lanes)
        if machine is SERVER:
            time.sleep(max(0.0, wraps_at_s - 2.0 - time.monotonic()))
        side_by_side(lanes, 4.0, 1)
        time.sleep(LATE_S)
        for lane in lanes:
            lane.hear_late()
        return lanes


# nbcarbon by itself: `python -m tests.bench cpu devices`

ALONE = Plan(
    quick=False,
    peers=(OURS,),
    runs=1,
    later_cells=0,
    cells=((0.05, 60), (0.2, 30), (1.0, 10)),
    span_s=0.0,
    loop_pairs=0,
    network_runs=0,
)
CPU_LIMITS = {0.05: 1.2, 0.2: 0.4, 1.0: 0.06}


def cpu(folder: Path) -> Iterator[Row]:
    with Accuracy(folder, ALONE, lambda text: None, (RAPL,)) as accuracy:
        accuracy.short_cells()
        accuracy.long_cells()
    for duration_s, limit in CPU_LIMITS.items():
        cells = [each for each in accuracy.found if each.duration_s == duration_s]
        error = error_percent(cells)
        assert not isinstance(error, str), error
        yield Row("G9", f"CPU energy of a block of {duration_s:g} s, error", limit, error, "%")
        outside = sum(not each.inside for each in cells)
        yield Row("G12", "   of which outside their interval", 5, 100 * outside / len(cells), "%")


def devices(folder: Path) -> Iterator[Row]:
    """Packages and memory add up, and a counter that wraps in a block costs nothing."""
    for line in adding_up(folder, ALONE, lambda text: None).lines:
        error = line.number(OURS)
        assert error is not None, line
        yield Row("G13", f"{line.label}: error", 0.1, error, "%")


ERRORS = f"""\
Sum of errors over sum of truth, after a cell of {WARM_S:g} s that is not counted. Power moves in bursts of
0.05 to 0.5 s (in long cells of GPUs up to 1.4 s). A reader that takes the plain difference of two readings
of a counter errs by about a third of its refresh over the duration of the cell. *Best possible* is
{LIMITS_TOO}. Zeus takes a whole
core and more on the GPU without a counter, so there it ran by itself, with {ALONE_CELLS} cells of 30 s."""

INTERVALS = """\
nbcarbon's 95 % intervals on the same cells. No peer gives an interval. They hold the sensor's stated
accuracy (5 %, or 10 % where power is sampled), which the stand-ins do not err by: real sensors do."""

ADDING = """\
One cell of 4 s on constant power. CodeCarbon leaves memory out unless it is told otherwise; carbontracker
counts memory as CPU."""
