"""Every joule is booked once: cells, time between them, nesting, overlap, shares."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.cell import CellRun, Outcome, Role
from nbcarbon.core.device import Device, Kind, Reach
from nbcarbon.core.energy import energy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellEnded,
    CellOpened,
    CellRestarted,
    Edge,
    Sampled,
)
from nbcarbon.core.trace import CounterReading, Window
from nbcarbon.sampler.account import Account, Usage
from nbcarbon.testing import cpu_device

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def opened(
    index: int, instant_s: float, *, parent: int | None = None, thread: int = 1
) -> CellOpened:
    run = CellRun(f"key-{index}", index, "", Role.CELL, DAY, instant_s, parent)
    return CellOpened(run, Edge(instant_s, 0.0, thread))


def ended(index: int, instant_s: float, *, thread: int = 1) -> CellEnded:
    return CellEnded(index, Edge(instant_s, 0.0, thread), Outcome.OK)


class Machine:
    """An account fed by a machine whose power is 100 W, read before each edge."""

    def __init__(self, *devices: Device) -> None:
        self.account = Account()
        self.account.add_devices(devices or (cpu_device(error_fraction=0.0),))
        self.booked: list[object] = []

    def read(self, instant_s: float) -> None:
        for device_id in self.account.traces:
            self.account.read(device_id, CounterReading(instant_s, 100.0 * instant_s))

    def begin(self, instant_s: float = 0.0) -> None:
        self.read(instant_s)
        self.account.begin(instant_s, Usage(0.0, 0.0, 0.0))

    def open(self, event: CellOpened, usage: Usage = Usage()) -> None:  # noqa: B008
        self.read(event.edge.instant_s)
        self.booked += self.account.opened(event, usage)

    def end(self, event: CellEnded, usage: Usage = Usage()) -> None:  # noqa: B008
        self.read(event.edge.instant_s)
        self.booked += self.account.ended(event, usage)

    def finish(self, instant_s: float) -> None:
        self.read(instant_s)
        self.booked += self.account.finish(instant_s, Usage())

    def cells(self) -> dict[int, CellClosed]:
        return {each.report.run.index: each for each in self.booked if isinstance(each, CellClosed)}

    def between_j(self) -> float:
        return sum(
            part.energy_j
            for each in self.booked
            if isinstance(each, BetweenMeasured)
            for part in each.devices
        )


def cell_j(closed: CellClosed) -> float:
    return sum(part.energy_j for part in closed.report.devices)


def test_cells_and_the_time_between_them() -> None:
    machine = Machine()
    machine.begin(0.0)
    machine.open(opened(1, 1.0))
    machine.end(ended(1, 3.0))
    machine.open(opened(2, 4.0))
    machine.end(ended(2, 4.5))
    machine.finish(6.0)

    assert {index: cell_j(each) for index, each in machine.cells().items()} == {
        1: pytest.approx(200.0),
        2: pytest.approx(50.0),
    }
    assert machine.between_j() == pytest.approx(350.0)


def test_a_nested_run_is_measured_and_not_booked() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 1.0))
    machine.open(opened(2, 2.0, parent=1))
    machine.end(ended(2, 3.0))
    machine.end(ended(1, 5.0))

    assert cell_j(machine.cells()[2]) == pytest.approx(100.0)
    assert cell_j(machine.cells()[1]) == pytest.approx(400.0)
    assert machine.between_j() == pytest.approx(100.0)


def test_overlapping_runs_share_their_common_time_by_thread() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 0.0, thread=1), Usage(0.0, 0.0, threads={1: 0.0}))
    machine.open(opened(2, 2.0, thread=2), Usage(2.0, 2.0, threads={1: 2.0, 2: 0.0}))
    machine.end(ended(1, 4.0, thread=1), Usage(4.0, 4.0, threads={1: 3.5, 2: 0.5}))
    machine.end(ended(2, 6.0, thread=2), Usage(6.0, 6.0, threads={1: 3.5, 2: 2.5}))

    first, second = machine.cells()[1], machine.cells()[2]
    assert cell_j(first) == pytest.approx(200.0 + 150.0)
    assert cell_j(second) == pytest.approx(50.0 + 200.0)
    assert "overlap" in first.report.flags
    assert "overlap" in second.report.flags


def test_overlapping_gpu_energy_is_shared_equally() -> None:
    machine = Machine(cpu_device(id="gpu", kind=Kind.GPU))
    machine.begin()
    machine.open(opened(1, 0.0, thread=1), Usage(0.0, threads={1: 0.0}))
    machine.open(opened(2, 0.0, thread=2), Usage(0.0, threads={1: 0.0, 2: 0.0}))
    machine.end(ended(1, 4.0, thread=1), Usage(4.0, threads={1: 4.0, 2: 0.0}))

    assert cell_j(machine.cells()[1]) == pytest.approx(200.0)


@given(st.lists(st.tuples(st.sampled_from("oce"), st.floats(0.01, 3.0)), max_size=30))
def test_the_parts_sum_to_the_whole(steps: list[tuple[str, float]]) -> None:
    """Whatever opens and ends in whatever order, on one thread or several."""
    machine = Machine()
    machine.begin(0.0)
    instant_s, count, running = 0.0, 0, []
    for action, pause_s in steps:
        instant_s += pause_s
        if action in "oc":
            count += 1
            running.append(count)
            machine.open(opened(count, instant_s, thread=count))
        elif running:
            index = running.pop(0)
            machine.end(ended(index, instant_s, thread=index))
    for index in running:
        instant_s += 0.5
        machine.end(ended(index, instant_s, thread=index))
    machine.finish(instant_s + 1.0)

    whole = energy(machine.account.traces["cpu:0"], Window(0.0, instant_s + 1.0)).energy_j
    booked = machine.between_j() + sum(cell_j(each) for each in machine.cells().values())
    assert booked == pytest.approx(whole, rel=1e-9)


def fraction_of(machine: Machine) -> float | None:
    return machine.cells()[1].report.devices[0].own_fraction


def test_own_fraction_is_the_part_of_busy_time() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 1.0), Usage(10.0, 100.0, None))
    machine.end(ended(1, 2.0), Usage(11.0, 104.0, None))

    assert fraction_of(machine) == pytest.approx(0.25)


def test_a_container_is_measured_against_itself() -> None:
    machine = Machine(cpu_device(reach=Reach.CONTAINER))
    machine.begin()
    machine.open(opened(1, 1.0), Usage(10.0, 100.0, 10.0))
    machine.end(ended(1, 2.0), Usage(11.0, 200.0, 12.0))

    assert fraction_of(machine) == pytest.approx(0.5)


def test_a_gpus_fraction_comes_from_its_driver_or_not_at_all() -> None:
    for gpus, wanted in (({"gpu": 0.7}, 0.7), ({}, None)):
        machine = Machine(cpu_device(id="gpu", kind=Kind.GPU))
        machine.begin()
        machine.open(opened(1, 1.0), Usage(1.0, 1.0))
        machine.end(ended(1, 2.0), Usage(2.0, 2.0, gpus=gpus))
        assert fraction_of(machine) == wanted


def test_no_fraction_where_nobody_can_tell() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 1.0), Usage(None, 5.0))
    machine.end(ended(1, 2.0), Usage(None, 6.0))

    assert fraction_of(machine) is None


def test_the_hooks_own_reading_makes_both_ends_exact() -> None:
    machine = Machine()
    account = machine.account
    account.read("cpu:0", CounterReading(0.0, 0.0))
    account.begin(0.0, Usage())
    account.read("cpu:0", CounterReading(1.1, 50.0))
    account.opened(
        CellOpened(opened(1, 1.0).run, Edge(1.0, 0.0, 1, (("cpu:0", 10.0), ("gone", 1.0)))), Usage()
    )
    account.read("cpu:0", CounterReading(2.1, 200.0))
    closed = account.ended(
        CellEnded(1, Edge(2.0, 0.0, 1, (("cpu:0", 190.0),)), Outcome.OK), Usage()
    )

    assert cell_j(closed[0]) == pytest.approx(180.0)


def test_an_unknown_end_and_a_second_opening_change_nothing() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 1.0))
    machine.open(opened(1, 2.0))
    machine.end(ended(7, 3.0))
    machine.end(ended(1, 4.0))

    assert cell_j(machine.cells()[1]) == pytest.approx(300.0)


def test_points_are_a_second_apart_in_cells_and_ten_between_them() -> None:
    machine = Machine()
    machine.begin()
    recorded = [machine.account.point(tenth / 10) for tenth in range(100)]
    assert sum(point is not None for point in recorded) == 1
    machine.open(opened(1, 10.0))
    recorded = [machine.account.point(10 + tenth / 10) for tenth in range(100)]
    assert sum(point is not None for point in recorded) == 10


def test_a_long_time_between_cells_is_booked_on_the_way() -> None:
    machine = Machine()
    machine.begin()
    machine.read(59.0)
    assert machine.account.checkpoint(59.0, Usage()) == []
    machine.read(61.0)
    (booked,) = machine.account.checkpoint(61.0, Usage())
    assert booked.devices[0].energy_j == pytest.approx(6100.0)
    assert machine.account.checkpoint(62.0, Usage()) == []


def test_memory_is_bounded_in_a_cell_of_any_length() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 1.0))
    for tenth in range(20, 5000):
        machine.read(tenth / 10)
        machine.account.forget(tenth / 10)
    machine.end(ended(1, 500.0))

    assert len(machine.account.traces["cpu:0"].points) < 60
    assert cell_j(machine.cells()[1]) == pytest.approx(49_900.0)


def test_a_successor_goes_on_from_the_last_point() -> None:
    account = Account()
    account.add_devices([cpu_device()])
    recorded = [
        Sampled(9.0, (("cpu:0", 900.0, 9.0),)),
        Sampled(10.0, (("cpu:0", 1000.0, 10.0), ("gone", 1.0, 1.0))),
    ]
    account.resume(recorded, 8.0)
    account.opened(opened(1, 9.0), Usage())
    account.read("cpu:0", CounterReading(12.0, 5.0))
    account.read("cpu:0", CounterReading(14.0, 205.0))
    (closed,) = account.ended(ended(1, 14.0), Usage())

    assert cell_j(closed) == pytest.approx(300.0)
    assert closed.report.devices[0].coverage_fraction == pytest.approx(3 / 5)


def test_a_dropped_device_is_booked_no_more() -> None:
    machine = Machine()
    machine.begin()
    machine.account.drop_device("cpu:0")
    machine.open(opened(1, 1.0))
    machine.end(ended(1, 2.0))

    assert machine.cells()[1].report.devices == ()


def test_a_pause_is_in_nobodys_account() -> None:
    machine = Machine()
    machine.begin(0.0)
    machine.finish(2.0)
    machine.account.interrupt()
    machine.read(10.0)
    machine.account.begin(10.0, Usage())
    machine.finish(11.0)

    assert machine.between_j() == pytest.approx(300.0)


def test_a_run_that_first_waited_for_others_begins_when_it_begins() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 2.0))
    machine.read(5.0)
    machine.booked += machine.account.restarted(CellRestarted(1, Edge(5.0, 0.0, 1)), Usage())
    machine.end(ended(1, 6.0))
    machine.finish(7.0)

    reports = [each.report for each in machine.booked if isinstance(each, CellClosed)]
    between = [each for each in machine.booked if isinstance(each, BetweenMeasured)]
    assert [(each.run.start_s, each.end_s) for each in reports] == [(5.0, 6.0)]
    assert reports[0].devices[0].energy_j == pytest.approx(100.0)
    assert [(each.start_s, each.end_s) for each in between] == [(0.0, 2.0), (2.0, 5.0), (6.0, 7.0)]
    assert sum(each.devices[0].energy_j for each in between) == pytest.approx(600.0)


def test_a_restart_beside_another_run_changes_nothing() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 0.0, thread=1))
    machine.open(opened(2, 1.0, thread=2))
    machine.read(2.0)
    assert machine.account.restarted(CellRestarted(1, Edge(2.0, 0.0, 1)), Usage()) == []
    assert machine.account.restarted(CellRestarted(9, Edge(2.0, 0.0, 1)), Usage()) == []
    machine.end(ended(2, 3.0, thread=2))
    machine.end(ended(1, 4.0))
    machine.finish(4.0)
    reports = [each.report for each in machine.booked if isinstance(each, CellClosed)]
    assert sum(each.devices[0].energy_j for each in reports) == pytest.approx(400.0)


def test_a_name_given_while_it_ran_is_the_runs_name() -> None:
    machine = Machine()
    machine.begin()
    machine.open(opened(1, 0.0))
    machine.end(CellEnded(1, Edge(1.0, 0.0, 1), Outcome.OK, name="training"))
    (closed,) = [each for each in machine.booked if isinstance(each, CellClosed)]
    assert closed.report.run.name == "training"


class TickingMachine(Machine):
    """A GPU whose counter moves every 100 ms: idle at 50 W, at 250 W while a cell works."""

    def __init__(self) -> None:
        super().__init__(cpu_device(id="gpu", kind=Kind.GPU, error_fraction=0.0, resolution_s=0.1))
        self.work: list[tuple[float, float]] = []

    def true_j(self, instant_s: float) -> float:
        worked_s = sum(max(0.0, min(instant_s, end) - start) for start, end in self.work)
        return 50.0 * instant_s + 200.0 * worked_s

    def read(self, instant_s: float) -> None:
        tick_s = math.floor(instant_s * 10 + 1e-9) / 10
        reading = CounterReading(instant_s, self.true_j(tick_s), tick_s, 1e-4, 0.1)
        self.account.read("gpu", reading)

    def until(self, start_s: float, end_s: float) -> None:
        """Readings every 100 ms."""
        for step in range(round((end_s - start_s) * 10)):
            self.read(start_s + step / 10)
            self.booked += self.account.settle(start_s + step / 10)


def test_time_before_a_cell_is_booked_once_its_ticks_are_known() -> None:
    machine = TickingMachine()
    machine.begin(0.05)
    machine.until(0.05, 1.0)
    machine.work.append((1.03, 1.27))
    machine.open(opened(1, 1.03))
    assert machine.booked == []
    assert machine.account.unsettled(1.03) == ["gpu"]
    machine.until(1.15, 1.25)
    machine.read(1.27)
    assert machine.booked == []
    machine.until(1.35, 1.6)
    machine.end(ended(1, 1.27))

    (between, closed) = machine.booked
    assert isinstance(between, BetweenMeasured)
    assert between.devices[0].energy_j == pytest.approx(0.98 * 50.0)
    assert isinstance(closed, CellClosed)
    assert cell_j(closed) == pytest.approx(0.24 * 250.0)


def test_a_segment_whose_ticks_never_come_is_booked_as_it_is() -> None:
    machine = TickingMachine()
    machine.begin(0.05)
    machine.until(0.05, 1.0)
    machine.open(opened(1, 1.03))
    assert machine.account.settle(1.5) == []
    (between,) = machine.account.settle(2.1)
    assert between.end_s == 1.03


def test_what_is_booked_adds_up_although_ticks_come_late() -> None:
    machine = TickingMachine()
    machine.begin(0.05)
    machine.until(0.05, 1.0)
    for index in range(1, 6):
        start_s = 1.0 + 0.13 * index
        machine.work.append((start_s, start_s + 0.1))
        machine.open(opened(index, start_s))
        machine.end(ended(index, start_s + 0.1))
    machine.until(1.85, 2.5)
    machine.finish(2.45)

    booked_j = machine.between_j() + sum(cell_j(each) for each in machine.cells().values())
    last = machine.account.traces["gpu"]
    assert booked_j == pytest.approx(energy(last, Window(0.05, 2.45)).energy_j)
    assert booked_j == pytest.approx(machine.true_j(2.45) - machine.true_j(0.05), rel=0.05)


def test_a_run_that_begins_only_now_leaves_the_time_before_between_cells() -> None:
    machine = TickingMachine()
    machine.begin(0.05)
    machine.until(0.05, 1.0)
    machine.open(opened(1, 1.03))
    machine.read(1.55)
    edge = Edge(1.55, 0.0, 1)
    machine.booked += machine.account.restarted(CellRestarted(1, edge), Usage())
    machine.until(1.65, 2.0)
    machine.end(ended(1, 1.95))

    assert machine.between_j() == pytest.approx(1.5 * 50.0)
    assert cell_j(machine.cells()[1]) == pytest.approx(0.4 * 50.0)
    assert machine.account.restarted(CellRestarted(9, edge), Usage()) == []


def test_nothing_is_booked_before_somebody_looked_at_its_end() -> None:
    """A driver answers an edge late: until then the last reading says little of it."""
    machine = Machine()
    machine.begin(0.0)
    machine.read(1.0)
    machine.booked += machine.account.opened(opened(1, 5.0), Usage())
    assert machine.booked == []
    machine.read(5.1)
    machine.end(ended(1, 6.0))

    assert machine.between_j() == pytest.approx(500.0)
    assert cell_j(machine.cells()[1]) == pytest.approx(100.0)
