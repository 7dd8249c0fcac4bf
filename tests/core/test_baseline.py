"""Idle power: a mean with its interval, and whether the machine was idle at all."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from math import nan
from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon.core.baseline import (
    Baseline,
    IdlePower,
    as_json,
    described,
    from_json,
    idle_power,
    why_not_idle,
)
from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.trace import CounterReading, PowerReading, Trace, Window
from nbcarbon.testing import cpu_device

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = datetime(2026, 11, 25, tzinfo=UTC)
CPU = IdlePower("cpu:0", "CPU", Kind.CPU, Provenance.MEASURED, 12.1, 11.5, 12.7, 0.3)
FOUND = Baseline(DAY, 60.0, 0.01, (CPU,))


def counted(power_w: Callable[[float], float], *, error_fraction: float = 0.0) -> Trace:
    trace, energy_j = Trace(cpu_device(error_fraction=error_fraction)), 0.0
    for second in range(61):
        trace.add(CounterReading(float(second), energy_j))
        energy_j += power_w(second)
    return trace


def test_a_steady_device() -> None:
    found = idle_power(counted(lambda s: 12.0, error_fraction=0.05), Window(0.0, 60.0))
    assert found is not None
    assert found.power_w == pytest.approx(12)
    assert found.low_w == pytest.approx(11.4, abs=0.05)
    assert found.high_w == pytest.approx(12.6, abs=0.05)
    assert found.swing_w == pytest.approx(0, abs=1e-6)


def test_the_interval_holds_what_the_mean_would_move_by() -> None:
    held = 0
    for seed in range(200):
        chance = random.Random(seed)
        trace = counted(lambda s, chance=chance: max(0.0, chance.gauss(12, 4)))  # type: ignore[misc]
        found = idle_power(trace, Window(0.0, 60.0))
        assert found is not None
        held += found.low_w <= 12 <= found.high_w
    assert held >= 186


def test_what_was_not_observed_has_no_idle_power() -> None:
    assert idle_power(Trace(cpu_device()), Window(0.0, 60.0)) is None
    assert idle_power(counted(lambda s: 0.0), Window(0.0, 60.0)) is None
    sensor = Trace(cpu_device())
    for second in (0.0, 1.0, 2.0):
        sensor.add(PowerReading(second, 5.0))
    found = idle_power(sensor, Window(0.0, 60.0))
    assert found is not None
    assert found.power_w == pytest.approx(5)


def test_a_machine_at_work_is_told() -> None:
    assert why_not_idle(FOUND) == []
    assert why_not_idle(replace(FOUND, busy_fraction=None)) == []
    assert "CPUs worked 40" in why_not_idle(replace(FOUND, busy_fraction=0.4))[0]
    gpu = replace(CPU, name="GPU 0", power_w=60.0, swing_w=40.0)
    model = replace(gpu, provenance=Provenance.MODELLED)
    assert [each.replace("\u00a0", " ") for each in why_not_idle(replace(FOUND, devices=(gpu, model)))] == [
        "GPU 0 moved by 40 W"
    ]  # fmt: skip
    assert why_not_idle(replace(FOUND, devices=(replace(gpu, swing_w=10.0),))) == []


def test_in_words_and_back() -> None:
    assert [each.replace("\u00a0", " ") for each in described(FOUND)] == [
        "CPU  12.1 W (11.5 – 12.7)  measured"
    ]
    assert FOUND.date == "2026-11-25"
    for each in (FOUND, replace(FOUND, busy_fraction=None)):
        assert from_json(json.loads(json.dumps(as_json(each)))) == each


@pytest.mark.parametrize(
    "changes",
    [
        {"devices": 3}, {"devices": [{}]}, {"devices": None}, {"measured_at": "soon"},
        {"duration_s": nan}, {"busy_fraction": -1}, {"duration_s": "x"},
        {"devices": [{**as_json(FOUND)["devices"][0], "power_w": nan}]},
        {"devices": [{**as_json(FOUND)["devices"][0], "kind": "moon"}]},
    ],
)  # fmt: skip
def test_nonsense_is_no_baseline(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        from_json({**as_json(FOUND), **changes})
