"""Pricing: who is charged, where the electricity came from, what is counted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import attribution
from nbcarbon.core.attribution import Rule
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.summary import SCHEMA, SCHEMA_VERSION, summary
from tests.samples import (
    CPU,
    DEVICES,
    DRAM,
    GPU,
    MEMORY,
    STARTED,
    blind,
    part,
    priced,
    report,
    session,
    short,
    train,
    wide,
)

fractions = st.none() | st.floats(0, 1)
parts = st.builds(
    DeviceEnergy, st.just("cpu:0"), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6),
    st.floats(0, 1), st.booleans(), fractions,
)  # fmt: skip


@given(parts, st.sampled_from(Rule))
def test_what_is_ours_and_what_is_not_is_everything(whole: DeviceEnergy, rule: Rule) -> None:
    ours, rest = attribution.own(whole, rule), attribution.rest(whole, rule)
    assert ours.energy_j + rest.energy_j == pytest.approx(whole.energy_j)
    divided = attribution.between(whole, rule)
    assert sum(each.energy_j for each in divided) == pytest.approx(whole.energy_j)
    if rule is Rule.MACHINE:
        assert ours == whole
        assert divided[2].energy_j == 0


def test_a_shares_other_figure_is_the_machines() -> None:
    machine, share = train(), train(rule=Rule.SHARE)
    assert share.energy_j == pytest.approx(machine.other_energy.energy_j)
    assert share.other_energy.energy_j == pytest.approx(machine.energy_j)
    assert machine.own_fraction == pytest.approx(0.91)
    assert attribution.own_fraction([part(CPU, 1, 1, 1)]) is None


def test_a_part_of_another_device_is_shown_and_not_counted() -> None:
    found = priced(report("a", 10, part(CPU, 1, 0.9, 1.1), part(DRAM, 0.2, 0.1, 0.3)))
    assert found.energy_j == pytest.approx(3600)
    assert [each.counted for each in found.devices] == [True, False]
    assert found.measured_fraction == 1
    assert not found.reported


def test_what_measured_how_much() -> None:
    found = train()
    assert 0 < found.measured_fraction < 1
    assert found.mean_power_w == pytest.approx((0.1093 + 0.2187 + 0.081) * 3600 / 12.3)
    assert found.low_j < found.energy_j < found.high_j
    assert found.low_g < found.emissions_g < found.high_g
    assert short().below_resolution
    assert blind().coverage_fraction == 0
    assert blind().mean_power_w is None


def test_a_nested_run_weighs_nothing_in_the_sessions_quality() -> None:
    outer = train()
    nested = priced(report("inner", 3, part(MEMORY, 1, 0.5, 1.5), parent=1, index=2))
    assert session(outer, nested).measured_fraction == outer.measured_fraction
    assert session(outer, nested).coverage_fraction == outer.coverage_fraction
    assert session().measured_fraction == 0


def test_a_summary_keeps_its_contract() -> None:
    found = summary(
        session(train(), short(), blind(), wide(), notices=("Said once.",)),
        session=STARTED,
        ended_at=None,
        devices=DEVICES.values(),
        interval_s=0.1,
    )
    assert (found["schema"], found["schema_version"]) == (SCHEMA, SCHEMA_VERSION)
    assert set(found) == {
        "schema", "schema_version", "session", "zone", "intensity", "settings", "devices", "cells",
        "front_end", "background", "between_cells", "others", "machine_j", "totals", "notices",
        "calibration", "lifecycle", "tags", "power",
    }  # fmt: skip
    assert set(found["session"]) == {
        "id", "started_at", "ended_at", "notebook", "host", "python", "nbcarbon",
    }  # fmt: skip
    assert set(found["zone"]) == {"id", "name", "how", "confidence"}
    assert set(found["intensity"]) == {
        "g_per_kwh", "low", "high", "basis", "scope", "accounting", "source", "year", "fallback",
    }  # fmt: skip
    assert set(found["settings"]) == {"pue", "attribution", "interval_s"}
    assert {
        "key", "index", "name", "started_at", "duration_s", "outcome", "energy_j", "low_j", "high_j",
        "emissions_g", "low_g", "high_g", "coverage_fraction", "devices",
    } <= set(found["cells"][0])  # fmt: skip
    assert set(found["totals"]) == {
        "energy_j", "energy_kwh", "low_j", "high_j", "emissions_g", "low_g", "high_g", "duration_s",
    }  # fmt: skip
    for name in ("front_end", "background", "between_cells", "others"):
        assert set(found[name]) == {"energy_j", "low_j", "high_j"}
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(("with_host", "host"), [(True, "machine"), (False, None)])
def test_who_and_where_only_when_asked(with_host: bool, host: str | None) -> None:
    found = summary(
        session(train()), session=STARTED, ended_at=STARTED.started_at, devices=(GPU,),
        interval_s=0.1, with_host=with_host,
    )  # fmt: skip
    assert found["session"]["host"] == host
    assert ("somebody" in json.dumps(found)) == with_host
