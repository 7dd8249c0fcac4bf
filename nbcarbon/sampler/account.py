"""Which joules belong to which run: a state machine fed with readings and edges, free of I/O.

Time is cut into segments at every edge of an outermost run. A segment with one open run is that
run's, one with none is time between cells, one with several (subshells, threads) is divided among
them. So every joule the traces hold is booked exactly once, and the parts add up by construction.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbcarbon.core.cell import CellReport
from nbcarbon.core.device import Kind, Reach
from nbcarbon.core.ends import Turn, is_settled, pin
from nbcarbon.core.energy import OF_A_RUN, DeviceEnergy, energy
from nbcarbon.core.events import BetweenMeasured, CellClosed, DevicePoint, Sampled
from nbcarbon.core.trace import CounterReading, Point, Trace, Window
from nbcarbon.core.uncertainty import added

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbcarbon.core.cell import CellRun
    from nbcarbon.core.device import Device
    from nbcarbon.core.events import CellEnded, CellOpened, CellRestarted, Edge
    from nbcarbon.core.trace import Reading

POINT_SPACING_S = 1.0
"""Recorded points are this far apart or more: finer ones would be a side channel."""

IDLE_POINT_SPACING_S = 10.0
RECENT_S = 3.0
LONGEST_BETWEEN_S = 60.0

LONGEST_UNSETTLED_S = 1.0
"""How long a segment waits for the ticks after its end; a device may be lost meanwhile."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far, at an edge. None: not readable here.

    `own_s` is the kernel's process tree, `machine_s` everything busy on the machine, `container_s`
    this container's. `threads` are seconds per native thread id of the kernel, `gpus` each GPU's
    part that is ours since the edge before.
    """

    own_s: float | None = None
    machine_s: float | None = None
    container_s: float | None = None
    threads: Mapping[int, float] = field(default_factory=dict)
    gpus: Mapping[str, float] = field(default_factory=dict)


@dataclass
class _Open:
    run: CellRun
    edge: Edge
    usage: Usage
    pieces: list[tuple[DeviceEnergy, ...]] = field(default_factory=list)
    overlapped: bool = False


@dataclass(frozen=True)
class _Segment:
    """Time between two edges, with the outermost runs that were open in it."""

    window: Window
    turns: tuple[Turn, Turn]
    before: Usage
    after: Usage
    runs: tuple[_Open, ...]


class Account:
    """Books readings to runs. Give it readings first, then the edge that they bracket."""

    def __init__(self) -> None:
        self.traces: dict[str, Trace] = {}
        self.open: dict[int, _Open] = {}
        self._outermost: dict[int, _Open] = {}
        self._segment_s: float | None = None
        self._segment_turn = Turn.UNKNOWN
        self._segment_usage = Usage()
        self._pending: list[_Segment] = []
        self._point_s = float("-inf")

    def add_devices(self, devices: Iterable[Device]) -> None:
        """Start a trace for each new device; one already known keeps its joules."""
        for device in devices:
            if device.id in self.traces:
                self.traces[device.id].device = device
            else:
                self.traces[device.id] = Trace(device)

    def drop_device(self, device_id: str) -> None:
        """A device that turned out not to count: nothing of it is booked from now on."""
        self.traces.pop(device_id, None)

    def read(self, device_id: str, reading: Reading) -> None:
        self.traces[device_id].add(reading)

    def miss(self, device_id: str) -> None:
        self.traces[device_id].miss()

    def interrupt(self) -> None:
        """Suspend, or a pause: what comes now does not continue what was."""
        for trace in self.traces.values():
            trace.interrupt()

    def resume(self, recorded: Iterable[Sampled], start_s: float) -> None:
        """Take over from another process: joules go on from the points it recorded."""
        points: defaultdict[str, list[Point]] = defaultdict(list)
        for sampled in recorded:
            for device_id, energy_j, seen_s in sampled.points:
                points[device_id].append(Point(sampled.instant_s, energy_j, seen_s))
        for device_id, trace in self.traces.items():
            if trace.last is None:
                trace.resume(points[device_id])
        self._segment_s = start_s

    def begin(self, instant_s: float, usage: Usage) -> None:
        """The session's time starts here, or goes on here after a pause."""
        if self._segment_s is None:
            self._segment_s = instant_s
        self._segment_usage = usage

    def opened(self, event: CellOpened, usage: Usage) -> list[BetweenMeasured]:
        """A run begins. Returns the time between cells that it ends."""
        if event.run.index in self.open:
            return []
        self._read_edge(event.edge)
        opened = _Open(event.run, event.edge, usage)
        measured: list[BetweenMeasured] = []
        if event.run.parent_index is None:
            self._cut(event.edge.instant_s, usage, Turn.OPENS)
            measured = self.settle(event.edge.instant_s)
            self._outermost[event.run.index] = opened
            if len(self._outermost) > 1:
                for each in self._outermost.values():
                    each.overlapped = True
        self.open[event.run.index] = opened
        return measured

    def restarted(self, event: CellRestarted, usage: Usage) -> list[BetweenMeasured]:
        """A run begins only now. What it held so far is time between cells, and returned as such."""
        opened = self.open.get(event.cell_index)
        if opened is None:
            return []
        self._read_edge(event.edge)
        instant_s = event.edge.instant_s
        booked: list[BetweenMeasured] = []
        if event.cell_index in self._outermost:
            beside = any(opened in each.runs for each in self._pending)
            if len(self._outermost) > 1 or opened.pieces or beside or self._segment_s is None:
                return []  # others ran beside it meanwhile: theirs cannot be told from it
            self._cut(instant_s, usage, Turn.OPENS, runs=())
            booked = self.settle(instant_s)
        opened.run = replace(opened.run, start_s=instant_s)
        opened.edge, opened.usage = event.edge, usage
        return booked

    def ended(self, event: CellEnded, usage: Usage) -> list[BetweenMeasured | CellClosed]:
        """A run is over. Returns its report, after what was still to book before it.

        Nothing where no such run is open.
        """
        opened = self.open.pop(event.cell_index, None)
        if opened is None:
            return []
        self._read_edge(event.edge)
        end_s = event.edge.instant_s
        if event.cell_index in self._outermost:
            self._cut(end_s, usage, Turn.CLOSES)
            booked: list[BetweenMeasured | CellClosed] = [*self.settle(end_s, force=True)]
            del self._outermost[event.cell_index]
            devices = _sum_pieces(opened.pieces)
        else:
            # Nested: its joules are its parent's too, so it is measured and never booked.
            window = Window(opened.run.start_s, end_s)
            booked = []
            devices = self._energies(window, OF_A_RUN, opened.usage, usage)
        flags = (*event.flags, *(("overlap",) if opened.overlapped else ()))
        run = replace(opened.run, name=event.name) if event.name else opened.run
        return [*booked, CellClosed(CellReport(run, end_s, event.outcome, devices, flags))]

    def unsettled(self, instant_s: float) -> list[str]:
        """Devices whose next ticks will say more of the joules by an instant."""
        return [each for each, trace in self.traces.items() if not is_settled(trace, instant_s)]

    def settle(self, now_s: float, *, force: bool = False) -> list[BetweenMeasured]:
        """Book the segments of which no more will be known; with `force` all, as they are.

        They are booked in order, and each end once: what is booked adds up whatever comes later.
        """
        measured: list[BetweenMeasured] = []
        while self._pending:
            segment = self._pending[0]
            end_s = segment.window.end_s
            if not force and now_s - end_s < LONGEST_UNSETTLED_S and self.unsettled(end_s):
                break
            del self._pending[0]
            measured += self._book(segment)
        return measured

    def point(self, now_s: float) -> Sampled | None:
        """The next point for the ledger, where it is time for one."""
        spacing_s = POINT_SPACING_S if self.open else IDLE_POINT_SPACING_S
        if now_s - self._point_s < spacing_s:
            return None
        self._point_s = now_s
        return self._sampled(now_s)

    def checkpoint(self, now_s: float, usage: Usage) -> list[BetweenMeasured]:
        """Book a long time between cells so far, so that a crash loses little of it."""
        if self._outermost or self._segment_s is None:
            return []
        if now_s - self._segment_s < LONGEST_BETWEEN_S:
            return []
        self._cut(now_s, usage, Turn.UNKNOWN)
        return self.settle(now_s)

    def finish(self, now_s: float, usage: Usage) -> list[BetweenMeasured | Sampled]:
        """The session ends or pauses: book whatever time between cells is still unbooked."""
        if not self._outermost:
            self._cut(now_s, usage, Turn.UNKNOWN)
        measured = self.settle(now_s, force=True)
        self._segment_s = None
        return [*measured, self._sampled(now_s)]

    def forget(self, now_s: float) -> None:
        """Let go of points that no open window needs."""
        keep = [each.run.start_s for each in self.open.values()]
        if self._segment_s is not None:
            keep.append(self._segment_s)
        for segment in self._pending:
            keep += [segment.window.start_s, segment.window.end_s]
        for trace in self.traces.values():
            trace.forget(now_s - RECENT_S, keep=keep)

    def _sampled(self, now_s: float) -> Sampled:
        points = [
            DevicePoint(device_id, round(trace.last.energy_j, 6), round(trace.last.seen_s, 6))
            for device_id, trace in self.traces.items()
            if trace.last
        ]
        return Sampled(now_s, tuple(points))

    def _read_edge(self, edge: Edge) -> None:
        for device_id, energy_j in edge.counters_j:
            if device_id in self.traces:
                self.traces[device_id].add(CounterReading(edge.instant_s, energy_j))

    def _cut(
        self,
        instant_s: float,
        usage: Usage,
        turn: Turn,
        *,
        runs: tuple[_Open, ...] | None = None,
    ) -> None:
        """End the current segment here. It was that of these runs: of the outermost ones."""
        start_s, before = self._segment_s, self._segment_usage
        turns = (self._segment_turn, turn)
        self._segment_s, self._segment_usage, self._segment_turn = instant_s, usage, turn
        if start_s is None or instant_s <= start_s:
            return
        of = tuple(self._outermost.values()) if runs is None else runs
        self._pending.append(_Segment(Window(start_s, instant_s), turns, before, usage, of))

    def _book(self, segment: _Segment) -> list[BetweenMeasured]:
        window, turns = segment.window, segment.turns
        for trace in self.traces.values():
            pin(trace, window.start_s, turns[0])
            pin(trace, window.end_s, turns[1])
        devices = self._energies(window, turns, segment.before, segment.after)
        if not segment.runs:
            return [BetweenMeasured(window.start_s, window.end_s, devices)]
        self._divide(segment, devices)
        return []

    def _divide(self, segment: _Segment, devices: tuple[DeviceEnergy, ...]) -> None:
        """One segment among the runs that were open in it.

        CPU by the time each run's own thread was busy; what no thread explains (pools, children)
        and every other device in equal shares.
        """
        runs, before, after = segment.runs, segment.before, segment.after
        equal = 1 / len(runs)
        busy_s = [
            max(
                0.0,
                after.threads.get(each.edge.thread_number, 0.0)
                - before.threads.get(each.edge.thread_number, 0.0),
            )
            for each in runs
        ]
        own_s = _difference(before.own_s, after.own_s)
        explained = 0.0
        if own_s and sum(busy_s) > 0:
            explained = min(1.0, sum(busy_s) / own_s)
        for each, thread_s in zip(runs, busy_s, strict=True):
            by_thread = explained * thread_s / sum(busy_s) if explained else 0.0
            share = by_thread + (1 - explained) * equal
            each.pieces.append(
                tuple(
                    part.part(share if self._is_cpu(part.device_id) else equal) for part in devices
                )
            )

    def _is_cpu(self, device_id: str) -> bool:
        return self.traces[device_id].device.kind is Kind.CPU

    def _energies(
        self, window: Window, turns: tuple[Turn, Turn], before: Usage, after: Usage
    ) -> tuple[DeviceEnergy, ...]:
        return tuple(
            energy(
                trace,
                window,
                own_fraction=_own_fraction(trace.device, before, after),
                turns=turns,
            )
            for trace in self.traces.values()
        )


def _own_fraction(device: Device, before: Usage, after: Usage) -> float | None:
    """The part of a device's work that the kernel's processes did between two edges."""
    if device.kind is Kind.GPU:
        return after.gpus.get(device.id)
    whole = (
        (before.container_s, after.container_s)
        if device.reach is Reach.CONTAINER
        else (before.machine_s, after.machine_s)
    )
    own_s, whole_s = _difference(before.own_s, after.own_s), _difference(*whole)
    if own_s is None or whole_s is None or max(own_s, whole_s) <= 0:
        return None
    return own_s / max(own_s, whole_s)


def _difference(before_s: float | None, after_s: float | None) -> float | None:
    return None if before_s is None or after_s is None else max(0.0, after_s - before_s)


def _sum_pieces(pieces: list[tuple[DeviceEnergy, ...]]) -> tuple[DeviceEnergy, ...]:
    """The segments of one run, one after the other: just one, but where runs overlapped."""
    if len(pieces) == 1:
        return pieces[0]
    by_device: defaultdict[str, list[DeviceEnergy]] = defaultdict(list)
    for piece in pieces:
        for part in piece:
            by_device[part.device_id].append(part)
    summed = []
    for device_id, parts in by_device.items():
        energy_j = sum(part.energy_j for part in parts)
        known_j = sum(part.energy_j for part in parts if part.own_fraction is not None)
        own_j = sum(part.energy_j * (part.own_fraction or 0.0) for part in parts)
        summed.append(
            DeviceEnergy(
                device_id,
                energy_j,
                sum(part.low_j for part in parts),
                sum(part.high_j for part in parts),
                sum(part.coverage_fraction for part in parts) / len(parts),
                below_resolution=all(part.below_resolution for part in parts),
                own_fraction=own_j / known_j if known_j > 0 else None,
                parts=added(part.parts for part in parts),
            )
        )
    return tuple(summed)
