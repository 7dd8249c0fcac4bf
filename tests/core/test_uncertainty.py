"""The error model: parts in quadrature, what errs alike added, and what is too small left out."""

from __future__ import annotations

import pytest

from nbcarbon.core.device import Provenance
from nbcarbon.core.energy import DeviceEnergy, energy, total
from nbcarbon.core.events import BetweenMeasured, from_json, to_json
from nbcarbon.core.trace import CounterReading, Trace, Window
from nbcarbon.core.uncertainty import (
    MODEL,
    REFRESH,
    SENSOR,
    STEPS,
    UNSEEN,
    ErrorPart,
    added,
    notable,
    quadrature_j,
)
from nbcarbon.testing import cpu_device


def test_independent_parts_add_as_squares_and_unseen_time_stands_apart() -> None:
    parts = [ErrorPart(SENSOR, 3.0), ErrorPart(STEPS, 4.0), ErrorPart(UNSEEN, 100.0)]
    assert quadrature_j(parts) == pytest.approx(5.0)


def test_what_matters_biggest_first_in_three_digits() -> None:
    parts = [ErrorPart(STEPS, 0.01), ErrorPart(SENSOR, 1.23456), ErrorPart(REFRESH, 2.0)]
    assert notable(parts) == (ErrorPart(REFRESH, 2.0), ErrorPart(SENSOR, 1.23))
    assert notable([]) == ()
    assert notable([ErrorPart(SENSOR, 0.0)]) == ()


def test_parts_of_windows_one_after_the_other_add() -> None:
    one = (ErrorPart(SENSOR, 1.0), ErrorPart(STEPS, 0.5))
    assert added([one, one]) == (ErrorPart(SENSOR, 2.0), ErrorPart(STEPS, 1.0))


def test_a_part_of_joules_has_the_same_part_of_the_reasons_where_they_are_wanted() -> None:
    whole = DeviceEnergy("a", 10.0, 8.0, 12.0, 1.0, parts=(ErrorPart(SENSOR, 2.0),))
    assert whole.part(0.5).parts == (ErrorPart(SENSOR, 1.0),)
    assert whole.part(0.5).energy_j == 5.0
    assert whole.scaled(0.5).parts == ()


def test_an_energy_says_what_makes_it_unsure() -> None:
    trace = Trace(cpu_device(resolution_s=0.1))
    for tenth in range(21):
        trace.add(CounterReading(tenth / 10, 10.0 * tenth))
    found = energy(trace, Window(0.5, 1.5))
    assert {part.name for part in found.parts} == {SENSOR, REFRESH}
    assert quadrature_j(found.parts) == pytest.approx(found.high_j - found.energy_j, rel=0.01)
    unseen = energy(trace, Window(1.5, 4.0))
    assert unseen.parts[0] == ErrorPart(UNSEEN, 200.0)


def test_a_modelled_device_errs_as_its_model() -> None:
    trace = Trace(cpu_device(provenance=Provenance.MODELLED, error_fraction=0.5))
    for second in range(3):
        trace.add(CounterReading(float(second), 10.0 * second))
    assert energy(trace, Window(0.0, 2.0)).parts == (ErrorPart(MODEL, 10.0),)


def test_sensors_of_a_kind_err_alike_and_their_timing_does_not() -> None:
    devices = {each: cpu_device(id=each, method="NVML", error_fraction=0.05) for each in "ab"}
    alike = [DeviceEnergy(each, 100.0, 95.0, 105.0, 1.0) for each in "ab"]
    apart = [DeviceEnergy(each, 100.0, 87.0, 113.0, 1.0) for each in "ab"]
    assert total(alike, devices).high_j == pytest.approx(210.0)
    assert total(apart, devices).high_j == pytest.approx(200.0 + (10.0**2 + 2 * 12.0**2) ** 0.5)


def test_what_is_too_short_for_one_is_too_short_for_its_like() -> None:
    devices = {each: cpu_device(id=each, method="NVML", error_fraction=0.0) for each in "ab"}
    short = [DeviceEnergy(each, 5.0, 0.0, 9.0, 1.0, below_resolution=True) for each in "ab"]
    assert (total(short, devices).low_j, total(short, devices).high_j) == (0.0, 18.0)


def test_reasons_survive_the_ledger_and_old_ledgers_have_none() -> None:
    event = BetweenMeasured(
        0.0, 1.0, (DeviceEnergy("a", 1.0, 0.5, 1.5, 1.0, parts=(ErrorPart(SENSOR, 0.5),)),)
    )
    body = to_json(event)
    assert body["devices"][0]["parts"] == [[SENSOR, 0.5]]
    assert from_json(body) == event
    del body["devices"][0]["parts"]
    old = from_json(body)
    assert isinstance(old, BetweenMeasured)
    assert old.devices[0].parts == ()
