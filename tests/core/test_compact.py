"""A compacted session is the session: not a joule, a cell or a word of it is lost."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import reports
from nbcarbon.core.attribution import Rule
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.compact import Compactor, compacted
from nbcarbon.core.device import Kind
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellEnded,
    CellOpened,
    CellRestarted,
    CellsKept,
    DevicePoint,
    DevicesFound,
    Edge,
    Folded,
    IntensityLearned,
    Noticed,
    Sampled,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
    SettingChanged,
    Unknown,
    from_json,
    to_json,
)
from nbcarbon.core.live import live
from nbcarbon.core.recover import close_dead, recorded_points
from nbcarbon.core.session import Session
from nbcarbon.core.uncertainty import ErrorPart
from nbcarbon.testing import cpu_device
from tests.samples import FRANCE, FRENCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbcarbon.core.events import Event

DAY = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
CPU = cpu_device(error_fraction=0.0)
GPU = cpu_device(id="gpu:0", kind=Kind.GPU, name="GPU 0", method="NVML", resolution_s=0.1)
START: list[Event] = [
    SessionStarted("5e55", DAY, 0.0, "", "3.11", "0", "", "", (("pue", "1.2"),)),
    SamplerStarted(1),
    DevicesFound((CPU,)),
]


class Machine:
    """Says what a sampler would record of a scripted session."""

    def __init__(self) -> None:
        self.events = list(START)
        self.now_s = 0.0
        self.booked_s = 0.0
        self.devices = [CPU]
        self.open: list[CellRun] = []
        self.count = 0

    def step(self, what: str, seconds: float, fraction: float | None) -> None:
        self.now_s += seconds
        getattr(self, what)(fraction)

    def point(self, _: float | None) -> None:
        points = [DevicePoint(each.id, 50.0 * self.now_s, self.now_s) for each in self.devices]
        self.events.append(Sampled(self.now_s, tuple(points)))

    def opens(self, fraction: float | None) -> None:
        self.count += 1
        if not self.open:
            self._between(fraction)
        role = Role.FRONT_END if self.count % 5 == 0 else Role.CELL
        key = f"id-{self.count % 3}" if self.count % 2 else f"{self.count:012x}-1"
        parent = self.open[-1] if self.open else None
        run = CellRun(
            key,
            self.count,
            f"cell {self.count}",
            role,
            DAY,
            self.now_s,
            parent.index if parent else None,
            self.count % 4 if parent else 0,
        )
        self.open.append(run)
        self.events.append(CellOpened(run, Edge(self.now_s, 0.0, 1)))

    def restarts(self, _: float | None) -> None:
        if len(self.open) == 1:
            self.open[0] = replace(self.open[0], start_s=self.now_s)
            self.events.append(CellRestarted(self.open[0].index, Edge(self.now_s, 0.0, 1)))
            self._between(None)

    def closes(self, fraction: float | None) -> None:
        if not self.open:
            return
        run = self.open.pop()
        flags = ("unsynced",) if run.index % 2 else ("unsynced", "overlap")
        parts = self._energies(run.start_s, fraction)
        outcome = list(Outcome)[run.index % 5]
        self.events.append(CellClosed(CellReport(run, self.now_s, outcome, parts, flags)))
        if run.parent_index is None:
            self.booked_s = self.now_s

    def told(self, _: float | None) -> None:
        if self.open:
            ended = CellEnded(self.open[-1].index, Edge(self.now_s, 0.0, 1), Outcome.OK)
            self.events.append(ended)

    def rests(self, fraction: float | None) -> None:
        if not self.open:
            self._between(fraction)

    def more(self, _: float | None) -> None:
        self.devices = [CPU] if len(self.devices) == 2 else [CPU, GPU]
        self.events.append(DevicesFound(tuple(self.devices)))
        self.events.append(SettingChanged("pue", f"1.{len(self.events)}"))

    def says(self, _: float | None) -> None:
        self.events += [
            Noticed("zone", "unknown"),
            IntensityLearned(FRANCE, FRENCH),
            Noticed(f"n{len(self.events)}", "something"),
            Noticed("zone", "still"),
            Unknown("MoonPhase", {"phase": "full"}),
        ]

    def again(self, _: float | None) -> None:
        self.events += [SessionEnded(self.now_s, "terminated"), SamplerStarted(2)]

    def _between(self, fraction: float | None) -> None:
        parts = self._energies(self.booked_s, fraction)
        self.events.append(BetweenMeasured(self.booked_s, self.now_s, parts))
        self.booked_s = self.now_s

    def _energies(self, start_s: float, fraction: float | None) -> tuple[DeviceEnergy, ...]:
        duration_s = self.now_s - start_s
        return tuple(
            DeviceEnergy(
                each.id, 50.0 * duration_s, 45.0 * duration_s, 56.0 * duration_s,
                0.5 if fraction == 0.25 else 1.0, duration_s < each.resolution_s, fraction,
                (ErrorPart("sensor", 5.0 * duration_s), ErrorPart("steps", 0.3 * duration_s)),
            )
            for each in self.devices
        )  # fmt: skip


steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["point", "opens", "closes", "point", "opens", "closes", "rests", "restarts", "more",
             "told", "says", "again"]
        ),
        st.sampled_from([0.0, 0.05, 1.0, 700.0]),
        st.sampled_from([None, 0.0, 0.25, 1.0]),
    ),
    max_size=60,
)  # fmt: skip


def recorded(script: Sequence[tuple[str, float, float | None]]) -> list[Event]:
    machine = Machine()
    for step in script:
        machine.step(*step)
    return machine.events


def through_a_file(events: Sequence[Event]) -> list[Event]:
    return [from_json(to_json(event)) for event in events]


def said_of(session: Session) -> dict[str, object]:
    """Everything somebody may ask of a session."""
    return {
        "started": session.started,
        "ended": session.ended,
        "devices": session.devices,
        "cells": [_rough(session.cells[each]) for each in session.cells],
        "open": session.open,
        "runs_of": session.runs_of,
        "nested": session.nested,
        "notices": session.notices,
        "zone": (session.zone, session.intensity),
        "settings": session.settings,
        "points": list(session.history.points),
        "device_ids": session.history.device_ids,
        "until_s": session.until_s,
        "samplers": session.sampler_count,
        "parts": [session.part(name, rule) for rule in Rule for name in _PARTS],
        "booked": session._booked,
        "seen": session._seen,
        "unbooked": session.unbooked(),
        "live": live(session),
        "figures": [replace(session.figures(rule=rule), cells=()) for rule in Rule],  # type: ignore[arg-type]
    }


_PARTS = ("cells", "front_end", "background", "between_cells", "others")


def _rough(report: CellReport) -> CellReport:
    """A report as it is, but for what packing makes a little rounder."""
    devices = [replace(each, low_j=0.0, high_j=0.0, parts=()) for each in report.devices]
    return replace(report, devices=tuple(devices))


@given(steps, st.data())
def test_a_compacted_session_is_the_session(
    script: list[tuple[str, float, float | None]], data: st.DataObject
) -> None:
    """Compacted once, or twice with more in between, and what comes after makes no difference either."""
    events = recorded(script)
    first = data.draw(st.integers(1, len(events)))
    second = data.draw(st.integers(first, len(events)))
    once = through_a_file([*compacted(events[:first]), *events[first:]])
    again = [*compacted(once[: len(once) - len(events) + second]), *events[second:]]

    expected = said_of(Session(events))
    assert said_of(Session(once)) == expected
    assert said_of(Session(through_a_file(again))) == expected


@given(steps, st.data())
def test_whoever_finds_it_dead_closes_it_alike(
    script: list[tuple[str, float, float | None]], data: st.DataObject
) -> None:
    events = recorded(script)
    cut = data.draw(st.integers(1, len(events)))
    whole = Session(close_dead(events))
    found = Session(close_dead(through_a_file([*compacted(events[:cut]), *events[cut:]])))

    assert list(found.cells) == list(whole.cells)
    for index in whole.cells:
        assert found.figures_of(index).energy_j == pytest.approx(
            whole.figures_of(index).energy_j, rel=1e-9, abs=1e-6
        )
    assert found.figures().machine_j == pytest.approx(whole.figures().machine_j, rel=1e-9, abs=1e-6)
    assert found.ended == whole.ended


def test_a_cell_of_thirty_days_is_closed_from_where_it_began() -> None:
    """Its middle is thinned out, the points around its beginning are not."""

    def events() -> Iterator[Event]:
        yield from START
        for second in range(4000):
            # 10 W, and 1000 W from the moment the cell begins.
            energy_j = 10.0 * min(second, 100) + 1000.0 * max(0, second - 100)
            yield Sampled(float(second), (DevicePoint("cpu:0", energy_j, float(second)),))
            if second == 100:
                yield CellOpened(
                    CellRun("k", 1, "long", Role.CELL, DAY, 100.5), Edge(100.5, 0.0, 1)
                )

    found = compacted(events())
    (cell,) = Session(close_dead(found)).figures().cells

    assert cell.energy_j == pytest.approx(1000.0 * 3898.5)
    assert len(found) < 500


def test_little_is_held_of_many_points() -> None:
    compactor = Compactor()
    for event in START:
        compactor.take(event)
    for second in range(10_000):
        compactor.take(Sampled(float(second), (DevicePoint("cpu:0", 1.0 * second, 1.0),)))
    (folded,) = [each for each in compactor.events() if isinstance(each, Folded)]

    assert len(compactor._points) <= 201
    assert len(folded.anchors) < 20


def test_what_is_passed_on_comes_first_and_sums_come_after() -> None:
    events = compacted([*START, *recorded([("opens", 1.0, None), ("closes", 1.0, None)])[3:]])
    again = compacted(events)

    assert [type(each) for each in again[:2]] == [SessionStarted, CellsKept]
    assert sum(isinstance(each, Folded) for each in again) == 1


# Packed reports


def reported(index: int, *parts: DeviceEnergy, name: str = "cell", key: str = "id") -> CellReport:
    run = CellRun(key, index, name, Role.CELL, DAY + timedelta(microseconds=index), 0.1 * index)
    return CellReport(run, 0.2 * index, Outcome.OK, parts)


def stored(*added: CellReport) -> reports.Reports:
    found = reports.Reports()
    for each in added:
        found.add(each, (1.0, 1.0))
    found.pages()
    return found


numbers = st.floats(0, 1e12)
parts = st.builds(
    lambda energy_j, below_j, above_j, coverage, below, own, reasons: DeviceEnergy(
        "gpu:0", energy_j, max(0.0, energy_j - below_j), energy_j + above_j, coverage, below, own, reasons
    ),
    numbers, numbers, numbers, st.floats(0, 1), st.booleans(), st.none() | st.floats(0, 1),
    st.lists(st.builds(ErrorPart, st.sampled_from(["sensor", "steps", "unseen"]), numbers)).map(tuple),
)  # fmt: skip


@given(
    st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9), st.lists(parts, max_size=3)), min_size=1)
)  # fmt: skip
def test_a_packed_report_is_the_report(
    given_: list[tuple[str, str, list[DeviceEnergy]]],
) -> None:
    added = [
        reported(index, *devices, name=name, key=key)
        for index, (key, name, devices) in enumerate(given_)
    ]
    found = stored(*added)

    for before in added:
        after = found[before.run.index]
        assert after.run == before.run
        assert (after.end_s, after.outcome, after.flags) == (
            before.end_s, before.outcome, before.flags,
        )  # fmt: skip
        for is_, was in zip(after.devices, before.devices, strict=True):
            assert is_.energy_j == was.energy_j
            assert is_.low_j == pytest.approx(was.low_j, rel=1e-6, abs=1e-6 * was.energy_j + 1e-30)
            assert is_.high_j == pytest.approx(was.high_j, rel=1e-6, abs=1e-30)
            assert is_.low_j <= is_.energy_j <= is_.high_j
            assert (is_.own_fraction is None) == (was.own_fraction is None)
            assert (is_.own_fraction or 0.0) == pytest.approx(was.own_fraction or 0.0, rel=1e-6)
            assert is_.coverage_fraction == pytest.approx(
                was.coverage_fraction, rel=1e-6, abs=1e-30
            )
            assert is_.below_resolution == was.below_resolution
            assert [each.name for each in is_.parts] == [each.name for each in was.parts]


def test_every_fact_of_a_report_is_packed() -> None:
    """A new field has to be put into `core/reports.py` too, or ledgers and long sessions lose it."""
    assert [each.name for each in fields(DeviceEnergy)] == [
        "device_id", "energy_j", "low_j", "high_j", "coverage_fraction", "below_resolution",
        "own_fraction", "parts",
    ]  # fmt: skip
    assert [each.name for each in fields(CellReport)] == [
        "run", "end_s", "outcome", "devices", "flags",
    ]  # fmt: skip
    assert [each.name for each in fields(CellRun)] == [
        "key", "index", "name", "role", "started_at", "start_s", "parent_index", "repeat_count",
    ]  # fmt: skip


def test_what_is_too_large_to_be_true_is_packed_all_the_same() -> None:
    part = DeviceEnergy(
        "gpu:0", 1e300, 0.0, 1e305, parts=(ErrorPart("x", 1e308),), coverage_fraction=1
    )
    report = reported(1, part, name="n" * 100_000)
    (device,) = stored(report)[1].devices

    assert device.energy_j == 1e300
    assert len(stored(report)[1].run.name) == 16_000


def test_reports_come_in_the_order_of_their_runs() -> None:
    """A nested run is over before the one around it."""
    found = stored(*(reported(index) for index in (3, 2, 1, 5)))

    assert list(found) == [1, 2, 3, 5]
    assert found.newest(2) == [3, 5]
    assert found.newest(9) == [1, 2, 3, 5]
    assert len(found) == 4
    assert 4 not in found
    assert "1" not in found
    with pytest.raises(KeyError):
        found[4]


def test_many_kinds_of_devices_take_more_than_one_page() -> None:
    many = [
        reported(index, *(DeviceEnergy(f"gpu:{index}:{n}", 1.0, 1.0, 1.0, 1.0) for n in range(100)))
        for index in range(5)
    ]
    found = stored(*many)

    assert len(found.pages()) == 3
    assert [found[index] for index in range(5)] == many


def test_pages_are_taken_once() -> None:
    first = stored(*(reported(index) for index in range(3)))
    second = reports.Reports()
    for page in (*first.pages(), *first.pages()):
        list(second.take(page))
    second.add(reported(7), (1.0, 1.0))

    assert list(second) == [0, 1, 2, 7]
    assert second[7] == reported(7)
    assert second[1] == reported(1)


def test_the_newest_are_as_they_came_and_all_are_there() -> None:
    found = reports.Reports()
    for index in range(1000):
        found.add(reported(index, DeviceEnergy("cpu:0", 1.0, 0.9, 1.1, 1.0)), (1.0, 1.0))
        found.add(reported(index), (1.0, 1.0))
    report, joules = found.cells()

    assert found[999].devices[0].low_j == 0.9
    assert found[0].devices[0].low_j == pytest.approx(0.9)
    assert len(joules) == 1000
    assert [report(position).run.index for position in range(1000)] == list(range(1000))
    assert found[0].run.started_at.utcoffset() == timedelta(hours=1)


def test_front_end_runs_are_not_among_the_newest_cells() -> None:
    found = reports.Reports()
    for index, role in enumerate((Role.CELL, Role.FRONT_END, Role.CELL, Role.FRONT_END)):
        report = reported(index)
        found.add(replace(report, run=replace(report.run, role=role)), (1.0, 1.0))

    assert found.newest(9) == [0, 2]
    assert found.newest(1) == [2]
    assert len(found.cells()[1]) == 2


def test_odds_and_ends_of_a_session_are_kept() -> None:
    """What no rule says comes: an end without a cell, a restart of none, points before any beginning."""
    events: list[Event] = [
        Sampled(1.0, (DevicePoint("cpu:0", 1.0, 1.0),)),
        CellRestarted(7, Edge(1.0, 0.0, 1)),
        CellEnded(8, Edge(1.0, 0.0, 1), Outcome.OK),
        SessionEnded(2.0),
    ]
    found = compacted(events)

    assert [type(each) for each in found] == [Folded, Sampled, CellEnded, SessionEnded]
    assert compacted(found) == found


def test_of_two_points_at_one_instant_the_fuller_one_is_kept() -> None:
    bare = Sampled(1.0, (DevicePoint("cpu:0", 1.0, 1.0),))
    full = Sampled(1.0, (DevicePoint("cpu:0", 1.0, 1.0), DevicePoint("gpu:0", 2.0, 1.0)))

    assert recorded_points([bare, full]) == [full]
    assert recorded_points([full, bare]) == [full]
    assert recorded_points([Noticed("a", "b")]) == []


def test_what_is_said_beside_the_measuring_is_kept_as_it_is() -> None:
    said: list[Event] = [Noticed("a", "b"), SettingChanged("zone", "SE"), Unknown("Moon", {})]
    assert compacted(said)[:3] == said
