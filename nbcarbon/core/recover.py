"""What a session without an end still tells: its open cells up to the last sample, and the time after.

A sampler that dies with its kernel leaves points a second apart or more. They are joules already
measured, so a reader books them as the sampler would have; what came after the last one is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from nbcarbon.core.cell import CellReport, Outcome
from nbcarbon.core.energy import energy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellEnded,
    CellOpened,
    CellRestarted,
    DevicesFound,
    Folded,
    Sampled,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
)
from nbcarbon.core.trace import Point, Trace, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import DeviceEnergy
    from nbcarbon.core.events import Event


def close_dead(events: Sequence[Event]) -> list[Event]:
    """The events of a session nobody writes any more, with the end it never got.

    Open cells are closed as `kernel_died` at the last sample, or with the outcome the kernel still
    told; time since the last booking is booked as between cells. A session that ended, or
    has no beginning, comes back as it is.
    """
    if _ended(events):
        return list(events)
    devices: dict[str, Device] = {}
    opened: dict[int, CellOpened] = {}
    told: dict[int, CellEnded] = {}
    booked_s: float | None = None
    until_s = float("-inf")
    for event in events:
        if isinstance(event, SessionStarted):
            booked_s = event.start_s
            until_s = max(until_s, event.start_s)
        elif isinstance(event, DevicesFound):
            devices.update((each.id, each) for each in event.devices)
        elif isinstance(event, Sampled):
            until_s = max(until_s, event.instant_s)
        elif isinstance(event, Folded):
            booked_s = event.booked_s
            until_s = max(until_s, event.until_s)
        elif isinstance(event, CellOpened):
            opened[event.run.index] = event
            until_s = max(until_s, event.edge.instant_s)
        elif isinstance(event, CellRestarted) and event.cell_index in opened:
            opened[event.cell_index] = restarted(opened[event.cell_index], event)
        elif isinstance(event, CellEnded):
            told[event.cell_index] = event
        elif isinstance(event, CellClosed):
            opened.pop(event.report.run.index, None)
            if event.report.run.parent_index is None:
                booked_s = max(booked_s or event.report.end_s, event.report.end_s)
            until_s = max(until_s, event.report.end_s)
        elif isinstance(event, BetweenMeasured):
            booked_s = event.end_s
            until_s = max(until_s, event.end_s)
        elif isinstance(event, SessionEnded):  # and taken up again
            until_s = max(until_s, event.end_s)
    if booked_s is None:
        return list(events)
    points: defaultdict[str, list[Point]] = defaultdict(list)
    for sampled in recorded_points(events):
        for device_id, energy_j, seen_s in sampled.points:
            points[device_id].append(Point(sampled.instant_s, energy_j, seen_s))
    traces = {each.id: _trace(each, points[each.id]) for each in devices.values()}
    added: list[Event] = []
    outer = [each for each in opened.values() if each.run.parent_index is None]
    if outer:
        first_s = min(each.run.start_s for each in outer)
        if first_s > booked_s:
            added.append(_between(traces, booked_s, first_s))
    elif until_s > booked_s:
        added.append(_between(traces, booked_s, until_s))
    for index, event in sorted(opened.items(), reverse=True):
        word = told.get(index)
        end_s = max(event.run.start_s, min(word.edge.instant_s, until_s) if word else until_s)
        window = Window(event.run.start_s, end_s)
        nested = event.run.parent_index is not None
        # Cells that were open side by side share what was used: it is booked once.
        share = 1.0 if nested else 1 / len(outer)
        parts = tuple(part.scaled(share) for part in _energies(traces.values(), window))
        outcome = word.outcome if word else Outcome.KERNEL_DIED
        run = replace(event.run, name=word.name) if word and word.name else event.run
        flags = ("overlap",) if share < 1 else ()
        added.append(CellClosed(CellReport(run, end_s, outcome, parts, flags)))
    return [*events, *added, SessionEnded(until_s, "kernel_gone")]


def recorded_points(events: Iterable[Event]) -> list[Sampled]:
    """Every point of a session that was kept, in order of time, each instant once: the fuller, the later."""
    found: dict[float, Sampled] = {}
    for event in events:
        for point in event.anchors if isinstance(event, Folded) else (event,):
            if isinstance(point, Sampled):
                there = found.get(point.instant_s)
                if there is None or len(there.points) <= len(point.points):
                    found[point.instant_s] = point
    return [found[instant_s] for instant_s in sorted(found)]


def restarted(opened: CellOpened, event: CellRestarted) -> CellOpened:
    """The same run, begun later."""
    run = replace(opened.run, start_s=event.edge.instant_s)
    return opened._replace(run=run, edge=event.edge)


def _ended(events: Sequence[Event]) -> bool:
    """Whether the last word of a session is its end: a sampler may have taken it up again."""
    for event in reversed(events):
        if isinstance(event, SessionEnded):
            return True
        if isinstance(event, SamplerStarted):
            return False
    return False


def _trace(device: Device, points: Iterable[Point]) -> Trace:
    trace = Trace(device)
    trace.resume(points)
    return trace


def _between(traces: dict[str, Trace], start_s: float, end_s: float) -> BetweenMeasured:
    return BetweenMeasured(start_s, end_s, _energies(traces.values(), Window(start_s, end_s)))


def _energies(traces: Iterable[Trace], window: Window) -> tuple[DeviceEnergy, ...]:
    return tuple(energy(trace, window) for trace in traces)
