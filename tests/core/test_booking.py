"""Bookings keep apart what a calibration replaces and what it cannot make better."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.booking import Booking, Books, Charged, booking, charged, divided, seen_devices
from nbcarbon.core.device import Provenance
from nbcarbon.core.energy import DeviceEnergy, Energy
from nbcarbon.testing import cpu_device
from tests.core.test_calibration import IDENTITY
from tests.samples import report

CPU = cpu_device()
CORE = cpu_device(id="core:0", within="cpu:0")
MODEL = cpu_device(id="mem", provenance=Provenance.MODELLED, method="model", error_fraction=0.5)
DEVICES = {each.id: each for each in (CPU, CORE, MODEL)}


def used(energy_j: float, side_j: float, device_id: str = "cpu:0") -> DeviceEnergy:
    return DeviceEnergy(device_id, energy_j, max(0.0, energy_j - side_j), energy_j + side_j, 1.0)


def test_the_sensors_accuracy_is_taken_out_and_the_ends_stay() -> None:
    found = booking([used(100, (5**2 + 3**2) ** 0.5)], DEVICES)
    assert found.energy.high_j == pytest.approx(100 + 34**0.5)
    assert found.ends.low_j == pytest.approx(97)
    assert found.ends.high_j == pytest.approx(103)

    both = booking([used(100, 5), used(50, 5, "core:0"), used(20, 10, "mem")], DEVICES)
    assert both.ends == Energy(pytest.approx(120), pytest.approx(120), pytest.approx(120))


def test_below_resolution_nothing_is_surer_for_being_calibrated() -> None:
    part = DeviceEnergy("cpu:0", 1.0, 0.0, 6.0, 1.0, below_resolution=True)
    assert booking([part], DEVICES).ends.low_j < 0.01


@given(st.floats(0, 1e4), st.floats(0, 1), st.floats(0, 100))
def test_a_divided_windows_seconds_are_all_charged(
    energy_j: float, fraction: float, time_s: float
) -> None:
    whole = used(energy_j, 0.05 * energy_j)
    shares = {"own": [whole.scaled(fraction)], "rest": [whole.scaled(1 - fraction)]}
    found = divided(shares, DEVICES, time_s, rest="rest")
    assert sum(each.time_s for each in found.values()) == pytest.approx(time_s)
    if energy_j == 0:
        assert found["own"].time_s == 0


def test_what_a_calibration_is_found_by() -> None:
    parts = [used(1, 1), used(1, 1, "core:0"), used(1, 1, "mem")]
    assert seen_devices(parts, DEVICES) == ("cpu:0", "mem (model)")
    blind = [parts[0], replace(parts[2], coverage_fraction=0.0)]
    assert seen_devices(blind, DEVICES) == ("cpu:0",)


def test_books_are_calibrated_by_their_devices() -> None:
    books = Books()
    assert books.energy(["cells"], {}) == Energy()
    assert books.calibrated(["cells"], {}) == (None, 0.0)
    one = Booking(Energy(100, 90, 110), Energy(100, 99, 101), 10.0)
    books.add(("a",), {"cells": one, "others": Booking()})
    books.add(("b",), {"cells": one})
    books.add(("a",), {"between": one})
    calibration = replace(IDENTITY, offset_w=2.0, slope=1.5, devices=("a",))
    known = {("a",): calibration}

    assert books.energy(["cells", "between"], {}) == Energy(300, 270, 330)
    wall = books.energy(["cells", "between"], known)
    assert wall.energy_j == pytest.approx(2 * (20 + 150) + 100)
    assert books.calibrated(["cells", "between"], known) == (calibration, pytest.approx(2 / 3))
    assert books.calibrated(["others"], known) == (None, 0.0)
    assert [part for part, _, _ in books.sums()] == ["cells", "cells", "others", "between"]


def test_runs_side_by_side_divide_their_time() -> None:
    first = charged(report("a", 10, index=1), [105.0], [])
    assert first == Charged(1, 100.0, 110.0, 5 + 2.5)
    late = report("b", 15, index=2)
    late = replace(late, run=replace(late.run, start_s=105.0))
    second = charged(late, [], [first, Charged(0, 90.0, 100.0, 10.0), Charged(9, 0.0, 200.0, 1.0)])
    assert second.time_s == pytest.approx(2.5 + 5)
    assert charged(report("c", 10, index=3), [200.0], [Charged(0, 1.0, 100.0, 1.0)]).time_s == 10
