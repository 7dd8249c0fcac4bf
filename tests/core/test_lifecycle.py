"""What joules were made of: parts that add up, idle that is never invented, BLOOM's account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.attribution import Rule
from nbcarbon.core.baseline import Baseline, IdlePower
from nbcarbon.core.booking import Booking
from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.embodied import Manufactured
from nbcarbon.core.energy import DeviceEnergy, Energy
from nbcarbon.core.events import (
    BaselineLearned,
    BetweenMeasured,
    CalibrationLearned,
    CellClosed,
    DevicesFound,
    HardwareLearned,
    IntensityLearned,
    SettingChanged,
)
from nbcarbon.core.lifecycle import Ground, Idle, Lifecycle, at_rest, beyond_rest, of_bookings
from nbcarbon.core.session import OURS, Session
from nbcarbon.core.units import J_PER_KWH
from tests.core.test_calibration import IDENTITY
from tests.samples import CPU, DRAM, FRANCE, FRENCH, GPU, MEMORY, STARTED, report

DAY = datetime(2026, 11, 25, tzinfo=UTC)
LAPTOP = Manufactured("a laptop", None, 236e3, 62e3, 367e3, 4.0, 1 / 3, 0.2, 0.5, 1.0, "Boavizta")
BOARD = Manufactured("a board", GPU.id, 150e3, 75e3, 225e3, 4.0, 1 / 3, 0.2, 0.5, 1.0, "CCF")


def resting(device: Device, power_w: float) -> IdlePower:
    return IdlePower(
        device.id, device.name, device.kind, device.provenance, power_w, power_w * 0.9,
        power_w * 1.1, 0.0,
    )  # fmt: skip


BASELINE = Baseline(DAY, 60.0, 0.0, (resting(CPU, 10.0), resting(GPU, 20.0)))


def used(
    device: Device, energy_j: float, *, coverage: float = 1.0, own: float | None = None
) -> DeviceEnergy:
    return DeviceEnergy(device.id, energy_j, energy_j * 0.95, energy_j * 1.05, coverage, own_fraction=own)  # fmt: skip


def session(*events: object, devices: tuple[Device, ...] = (CPU, GPU)) -> Session:
    found = Session([STARTED, DevicesFound(devices), IntensityLearned(FRANCE, FRENCH)])
    for each in events:
        found.apply(each)  # type: ignore[arg-type]
    return found


def ran(duration_s: float, *parts: DeviceEnergy, index: int = 1) -> CellClosed:
    return CellClosed(report("cell", duration_s, *parts, index=index))


# One part ------------------------------------------------------------------------------------


def test_a_run_is_idle_power_for_its_time_and_the_rest_is_dynamic() -> None:
    found = session(BaselineLearned(BASELINE), ran(10, used(CPU, 300), used(GPU, 1000)))
    split = found.figures_of(1).lifecycle

    assert split is not None
    assert split.idle is not None
    assert split.dynamic is not None
    assert split.idle.energy_j == pytest.approx(300)  # 10 W and 20 W for ten seconds
    assert split.dynamic.energy_j == pytest.approx(1000)
    assert [each.idle_j for each in found.figures_of(1).devices] == [
        pytest.approx(100),
        pytest.approx(200),
    ]


def test_without_a_baseline_idle_is_not_known() -> None:
    split = session(ran(10, used(CPU, 300))).figures_of(1).lifecycle

    assert split is not None
    assert split.idle is None
    assert split.dynamic is None
    assert split.idle_fraction is None
    assert split.idle_emissions is None
    assert split.operational.emissions_g == pytest.approx(300 / J_PER_KWH * 31)


def test_nor_with_one_that_misses_a_device() -> None:
    only_cpu = replace(BASELINE, devices=BASELINE.devices[:1])
    found = session(
        BaselineLearned(only_cpu),
        ran(10, used(CPU, 300), used(GPU, 1000)),
        ran(10, used(CPU, 300), used(GPU, 0, coverage=0.0), index=2),
    )
    both, alone = found.figures_of(1), found.figures_of(2)

    assert both.lifecycle is not None
    assert both.lifecycle.idle is None
    assert [each.idle_j for each in both.devices] == [pytest.approx(100), None]
    assert alone.lifecycle is not None
    assert alone.lifecycle.idle is not None  # what nobody observed is in neither
    assert alone.lifecycle.idle.energy_j == pytest.approx(100)
    assert found.lifecycle().total.idle is None


def test_a_device_within_another_is_not_idle_twice() -> None:
    baseline = replace(BASELINE, devices=(resting(CPU, 10.0), resting(DRAM, 4.0)))
    found = session(
        BaselineLearned(baseline), ran(10, used(CPU, 300), used(DRAM, 90)), devices=(CPU, DRAM)
    )
    split = found.figures_of(1).lifecycle

    assert split is not None
    assert split.idle is not None
    assert split.idle.energy_j == pytest.approx(100)
    assert found.lifecycle().total.idle == split.idle


def test_a_model_of_the_same_name_with_another_method_has_another_baseline() -> None:
    """Baselines are by device id; a session's sums know a model with its method."""
    baseline = replace(BASELINE, devices=(resting(MEMORY, 3.0),))
    found = session(BaselineLearned(baseline), ran(10, used(MEMORY, 60)), devices=(MEMORY,))
    split = found.lifecycle()

    assert split.total.idle is not None
    assert split.total.idle.energy_j == pytest.approx(30)
    assert split.devices[0].idle_j == pytest.approx(30)


def test_less_than_idle_power_is_all_idle() -> None:
    found = session(BaselineLearned(BASELINE), ran(10, used(CPU, 60), used(GPU, 300)))
    split = found.figures_of(1).lifecycle

    assert split is not None
    assert split.idle is not None
    assert split.dynamic is not None
    assert split.idle.energy_j == pytest.approx(60 + 200)
    assert split.dynamic.energy_j == pytest.approx(100)


def test_time_nobody_observed_is_no_idle_time() -> None:
    found = session(
        BaselineLearned(BASELINE), ran(10, used(CPU, 300, coverage=0.5), used(GPU, 1000))
    )
    split = found.figures_of(1).lifecycle

    assert split is not None
    assert split.idle is not None
    assert split.idle.energy_j == pytest.approx(50 + 200)


def test_at_the_wall_the_constant_part_is_idle() -> None:
    """wall = 5 W + 1.1 x sensors: ten seconds at rest are 50 J + 1.1 x 300 J."""
    at_wall = replace(IDENTITY, offset_w=5.0, slope=1.1, devices=(CPU.id, GPU.id))
    found = session(
        BaselineLearned(BASELINE),
        CalibrationLearned(at_wall),
        ran(10, used(CPU, 300), used(GPU, 1000)),
    )
    for split in (found.figures_of(1).lifecycle, found.lifecycle().total):
        assert split is not None
        assert split.idle is not None
        assert split.dynamic is not None
        assert split.idle.energy_j == pytest.approx(50 + 1.1 * 300)
        assert split.dynamic.energy_j == pytest.approx(1.1 * 1000)
        assert split.idle.low_j <= split.idle.energy_j <= split.idle.high_j


def test_what_sensor_and_baseline_err_by_alike_does_not_make_the_rest_unsure() -> None:
    """95 J of 100 J at rest, both read 5 % wrong: what is left over is 5 % wrong."""
    alike = beyond_rest(Energy(100, 95, 105), Energy(95, 90.25, 99.75), 0.05)
    apart = beyond_rest(Energy(100, 95, 105), Energy(95, 90.25, 99.75), 0.0)

    assert (alike.low_j, alike.high_j) == (pytest.approx(4.75), pytest.approx(5.25))
    assert apart.low_j == 0
    assert apart.high_j == pytest.approx(5 + (5**2 + 4.75**2) ** 0.5)


# Laws ------------------------------------------------------------------------------------------

joules = st.floats(0, 1e7)
seconds = st.floats(0.001, 1e5)
keys = st.sampled_from([("cpu:0",), ("cpu:0", "gpu:0")])
bookings = st.builds(
    lambda energy_j, below, above, time_s: Booking(
        Energy(energy_j, energy_j * below, energy_j * above),
        Energy(energy_j, energy_j * below, energy_j * above),
        time_s,
    ),
    joules, st.floats(0, 1), st.floats(1, 3), seconds,
)  # fmt: skip
powers_w = st.floats(0, 1000)


def ground(cpu_w: float | None, gpu_w: float | None, hardware: bool = True) -> Ground:
    devices = [
        resting(device, power_w)
        for device, power_w in ((CPU, cpu_w), (GPU, gpu_w))
        if power_w is not None
    ]
    return Ground.of(
        (CPU, GPU),
        baseline=Baseline(DAY, 60.0, 0.0, tuple(devices)),
        hardware=(LAPTOP, BOARD) if hardware else None,
    )


def split_of(booked: list[tuple[tuple[str, ...], Booking]], on: Ground, pue: float = 1.3) -> Lifecycle:  # fmt: skip
    return of_bookings(booked, on, calibrations={}, pue=pue, intensity=FRENCH)


@given(st.lists(st.tuples(keys, bookings), max_size=4), powers_w, powers_w, st.floats(1, 3))
def test_the_parts_of_a_part_add_up_exactly(
    booked: list[tuple[tuple[str, ...], Booking]], cpu_w: float, gpu_w: float, pue: float
) -> None:
    found = split_of(booked, ground(cpu_w, gpu_w), pue)

    assert found.idle is not None
    assert found.dynamic is not None
    assert found.dynamic_emissions is not None
    assert found.idle_emissions is not None
    for energy in (found.energy, found.idle, found.dynamic):
        assert 0 <= energy.low_j <= energy.energy_j * (1 + 1e-12)
        assert energy.energy_j <= energy.high_j * (1 + 1e-12)
    assert found.idle.energy_j + found.dynamic.energy_j == pytest.approx(found.energy.energy_j)
    assert found.dynamic_emissions.emissions_g + found.idle_emissions.emissions_g + (
        found.infrastructure.emissions_g
    ) == pytest.approx(found.operational.emissions_g)
    assert found.embodied is not None
    assert found.emissions.emissions_g == pytest.approx(
        found.operational.emissions_g + found.embodied.emissions_g
    )


@given(bookings, powers_w, powers_w, st.floats(1, 5))
def test_more_idle_power_is_more_idle_and_less_dynamic(
    booking: Booking, power_w: float, gpu_w: float, factor: float
) -> None:
    booked = [(("cpu:0", "gpu:0"), booking)]
    less, more = split_of(booked, ground(power_w, gpu_w)), split_of(booked, ground(power_w * factor, gpu_w))  # fmt: skip

    assert less.idle is not None
    assert more.idle is not None
    assert less.idle.energy_j <= more.idle.energy_j <= booking.energy.energy_j
    assert less.energy == more.energy


@given(bookings, bookings, powers_w)
def test_more_time_is_more_embodied_and_no_less_idle(
    booking: Booking, other: Booking, power_w: float
) -> None:
    at = ground(power_w, 0.0)
    one = split_of([(("cpu:0",), booking)], at)
    both = split_of([(("cpu:0",), booking), (("cpu:0", "gpu:0"), other)], at)

    assert one.idle is not None
    assert both.idle is not None
    assert one.embodied is not None
    assert both.embodied is not None
    assert one.idle.energy_j <= both.idle.energy_j
    assert one.embodied.emissions_g <= both.embodied.emissions_g
    assert both.time_s == pytest.approx(booking.time_s + other.time_s)


@given(joules, powers_w, seconds)
def test_rest_is_never_more_than_was_used(energy_j: float, power_w: float, time_s: float) -> None:
    found = at_rest(Energy(energy_j, 0.0, 2 * energy_j), Idle(power_w, 0.5 * power_w, 2 * power_w), time_s)  # fmt: skip

    assert 0 <= found.low_j <= found.energy_j <= found.high_j
    assert found.energy_j == min(energy_j, power_w * time_s)


cells_j = st.tuples(joules, joules, st.floats(0, 1), seconds)


@given(
    st.lists(cells_j, max_size=5), st.lists(cells_j, max_size=3), st.sampled_from(Rule), powers_w
)
def test_a_sessions_parts_add_up_to_its_total(
    cells: list[tuple[float, float, float, float]],
    pauses: list[tuple[float, float, float, float]],
    rule: Rule,
    power_w: float,
) -> None:
    baseline = Baseline(DAY, 60.0, 0.0, (resting(CPU, power_w), resting(GPU, 15.0)))
    found = session(
        SettingChanged("attribution", rule),
        BaselineLearned(baseline),
        HardwareLearned((LAPTOP, BOARD)),
        *(
            ran(time_s, used(CPU, cpu_j, own=own), used(GPU, gpu_j), index=index)
            for index, (cpu_j, gpu_j, own, time_s) in enumerate(cells, 1)
        ),
        *(
            BetweenMeasured(0.0, time_s, (used(CPU, cpu_j, own=own), used(GPU, gpu_j, own=own)))
            for cpu_j, gpu_j, own, time_s in pauses
        ),
    )
    whole, figures = found.lifecycle(), found.figures()
    parts = list(whole.parts.values())

    assert tuple(whole.parts) == OURS
    assert whole.total.energy.energy_j == pytest.approx(figures.energy.energy_j)
    for kind in ("idle", "dynamic"):
        each_j = [getattr(part, kind).energy_j for part in parts]
        assert getattr(whole.total, kind).energy_j == pytest.approx(sum(each_j))
    each_g = [part.embodied.emissions_g for part in parts if part.embodied]
    assert whole.total.embodied is not None
    assert whole.total.embodied.emissions_g == pytest.approx(sum(each_g))
    assert whole.total.operational.emissions_g == pytest.approx(figures.emissions.emissions_g)
    for cell in figures.cells:
        split = cell.lifecycle
        assert split is not None
        assert split.idle is not None
        assert split.dynamic is not None
        assert split.idle.energy_j + split.dynamic.energy_j == pytest.approx(cell.energy_j)
        by_device = [each.idle_j for each in cell.devices if each.idle_j is not None]
        assert split.idle.energy_j == pytest.approx(sum(by_device))


def test_the_devices_of_a_session() -> None:
    found = session(
        BaselineLearned(BASELINE),
        HardwareLearned((LAPTOP, BOARD)),
        ran(10, used(CPU, 300), used(GPU, 1000)),
        BetweenMeasured(110.0, 130.0, (used(CPU, 250, own=0.0), used(GPU, 400, own=0.0))),
    ).lifecycle()
    cpu, gpu = found.devices

    assert (cpu.energy_j, cpu.idle_j, cpu.embodied) == (550, pytest.approx(300), None)
    assert (gpu.energy_j, gpu.idle_j) == (1400, pytest.approx(600))
    assert gpu.embodied == BOARD.emissions(30)
    assert found.total.embodied is not None
    assert found.total.embodied.emissions_g == pytest.approx(
        BOARD.emissions(30).emissions_g + LAPTOP.emissions(30).emissions_g
    )


def test_other_peoples_part_is_not_in_it() -> None:
    found = session(
        SettingChanged("attribution", "share"),
        BaselineLearned(BASELINE),
        ran(10, used(CPU, 400, own=0.25), used(GPU, 800, own=0.25)),
    )
    total = found.lifecycle().total

    assert total.energy.energy_j == pytest.approx(300)
    assert total.time_s == pytest.approx(2.5)
    assert total.idle is not None
    assert total.idle.energy_j == pytest.approx(30 * 2.5)


# Water, and nothing known ------------------------------------------------------------------------


def test_water_where_its_factors_are_set() -> None:
    kwh_used = ran(3600, used(CPU, J_PER_KWH))
    dry = session(kwh_used).lifecycle().total
    wet = session(
        SettingChanged("water_site_l_per_kwh", "0.2"),
        SettingChanged("water_grid_l_per_kwh", "3"),
        SettingChanged("pue", "1.5"),
        kwh_used,
    ).lifecycle().total  # fmt: skip

    assert (dry.site_water_l, dry.grid_water_l) == (None, None)
    assert wet.site_water_l == pytest.approx(0.2)  # WUE is by IT energy
    assert wet.grid_water_l == pytest.approx(4.5)  # what the building uses is made as well


def test_hardware_of_which_nothing_is_known_is_not_zero() -> None:
    silent = session(ran(10, used(CPU, 300))).lifecycle()
    looked = session(HardwareLearned((), ("this machine",)), ran(10, used(CPU, 300))).lifecycle()

    assert (silent.ground.hardware, silent.total.embodied) == (None, None)
    assert (looked.total.embodied, looked.ground.unknown) == (None, ("this machine",))


# BLOOM -----------------------------------------------------------------------------------------


def test_bloom_as_it_was_accounted() -> None:
    """Luccioni, Viguier and Ligozat 2023: 24.69 t dynamic, 14.63 t idle, 11.21 t embodied, 50.5 t.

    1,082,990 GPU hours: 433,196 kWh beyond 256,646 kWh of a cluster at rest, 57 g/kWh, on nodes of eight.
    """
    gpu_s = 1_082_990 * 3600.0
    node_s = gpu_s / 8
    node = Device("node", Kind.PLATFORM, "a node", Provenance.REPORTED, "published", 0.0, inf)
    baseline = Baseline(DAY, 60.0, 0.0, (replace(resting(node, 256_646 * J_PER_KWH / node_s)),))
    server = Manufactured("server", None, 2.5e6, 2.5e6, 2.5e6, 6.0, 0.0, 0.85, 0.0, 1.0, "paper")
    gpus = replace(server, name="8 GPUs", emissions_g=1.2e6, low_g=1.2e6, high_g=1.2e6)
    on = Ground.of((node,), baseline=baseline, hardware=(server, gpus))
    energy_j = (433_196 + 256_646) * J_PER_KWH
    energy = Energy(energy_j, energy_j, energy_j)
    french = replace(FRENCH, g_per_kwh=57.0, low_g_per_kwh=57.0, high_g_per_kwh=57.0)
    found = of_bookings(
        [(("node (published)",), Booking(energy, energy, node_s))],
        on, calibrations={}, pue=1.0, intensity=french,
    )  # fmt: skip

    assert found.dynamic_emissions is not None
    assert found.idle_emissions is not None
    assert found.embodied is not None
    assert found.dynamic_emissions.emissions_g == pytest.approx(24.69e6, rel=5e-4)
    assert found.idle_emissions.emissions_g == pytest.approx(14.63e6, rel=5e-4)
    assert found.embodied.emissions_g == pytest.approx(11.21e6, rel=1e-3)
    assert found.emissions.emissions_g == pytest.approx(50.5e6, rel=1e-3)
