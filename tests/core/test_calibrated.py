"""Figures with a calibration: derived, added up, the same live and replayed."""

from __future__ import annotations

import json
from dataclasses import replace
from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import summary
from nbcarbon.core.attribution import Rule
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.compact import compacted
from nbcarbon.core.device import Provenance
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CalibrationLearned,
    CellClosed,
    CellOpened,
    DevicePoint,
    DevicesFound,
    Edge,
    Event,
    Sampled,
    SettingChanged,
    from_json,
    to_json,
)
from nbcarbon.core.explain import explain, reasons
from nbcarbon.core.live import live
from nbcarbon.core.session import Session
from nbcarbon.core.uncertainty import REFRESH, SENSOR, ErrorPart
from nbcarbon.export import markdown
from nbcarbon.notebook import card
from nbcarbon.recorded import summary_of
from nbcarbon.testing import cpu_device
from tests.core.test_calibration import IDENTITY
from tests.samples import STARTED

START = STARTED._replace(start_s=0.0)
CPU = cpu_device()
GPU = cpu_device(id="gpu:0", name="GPU 0", method="other")
FOUND = DevicesFound((CPU,))
CALIBRATION = replace(
    IDENTITY, offset_w=20.0, slope=1.2, residual_w=1.0, meter_fraction=0.01, level_error_w=0.2,
    slope_error_fraction=0.005, centre_w=60.0, high_power_w=300.0, sensors_fraction=0.05,
)  # fmt: skip
LEARNT = CalibrationLearned(CALIBRATION)


def used(energy_j: float, own: float | None = None, device_id: str = "cpu:0") -> DeviceEnergy:
    side_j = 0.05 * energy_j
    return DeviceEnergy(
        device_id, energy_j, energy_j - side_j, energy_j + side_j, 1.0, own_fraction=own
    )


def run(
    index: int, start_s: float, *, parent: int | None = None, role: Role = Role.CELL
) -> CellRun:
    return CellRun(f"id{index}", index, f"cell {index}", role, START.started_at, start_s, parent)


def closed(
    index: int, start_s: float, end_s: float, *parts: DeviceEnergy,
    flags: tuple[str, ...] = (), parent: int | None = None, role: Role = Role.CELL,
) -> CellClosed:  # fmt: skip
    described = run(index, start_s, parent=parent, role=role)
    return CellClosed(CellReport(described, end_s, Outcome.OK, parts, flags))


def sampled(instant_s: float, energy_j: float) -> Sampled:
    return Sampled(instant_s, (DevicePoint("cpu:0", energy_j, instant_s),))


def test_a_cell_is_at_the_wall_its_devices_are_not() -> None:
    session = Session([START, FOUND, LEARNT, closed(1, 0.0, 10.0, used(500.0))])
    f = session.figures_of(1)

    assert f.energy_j == pytest.approx(20 * 10 + 1.2 * 500)
    assert f.high_j - f.energy_j < 0.05 * f.energy_j
    assert f.low_j < f.energy_j < f.high_j
    assert f.mean_power_w == pytest.approx(80)
    assert f.devices[0].energy_j == 500
    assert f.calibration == CALIBRATION
    assert f.emissions_g == pytest.approx(f.energy_j / 3.6e6 * session.intensity.g_per_kwh)
    assert Session([START, FOUND, closed(1, 0.0, 10.0, used(500.0))]).figures_of(1).energy_j == 500


def test_it_says_so_everywhere() -> None:
    session = Session([START, FOUND, LEARNT, closed(1, 0.0, 10.0, used(500.0))])
    f, whole = session.figures_of(1), session.figures()
    words = "calibrated against a wall meter on 2026-11-25"

    assert words in card.card_text(f)
    assert words in card.card_words(f)["quiet"]
    assert "by its devices alone 0.14 Wh" in card.card_text(f).replace("\u00a0", " ")
    assert words in card.report_text(whole)
    assert words in card.report_html(whole)
    found = summary_of(session)
    assert found["calibration"] == {
        "date": "2026-11-25", "calibrated_fraction": 1.0, "offset_w": 20.0, "slope": 1.2,
        "residual_w": 1.0, "meter_error_fraction": 0.01, "duration_s": 600.0, "devices": ["cpu:0"],
    }  # fmt: skip
    assert found["cells"][0]["calibrated"]
    json.dumps(found, allow_nan=False)
    assert words in markdown.render(found).decode()
    assert summary.calibration(None, 0.0) is None
    del found["calibration"]
    assert words not in markdown.render(found).decode()


def test_another_set_of_devices_is_not_calibrated() -> None:
    both = DevicesFound((CPU, GPU))
    events: list[Event] = [
        START,
        both,
        LEARNT,
        closed(1, 0.0, 10.0, used(100.0), used(50.0, None, "gpu:0")),
    ]
    f = Session(events).figures_of(1)
    assert (f.energy_j, f.calibration) == (150, None)
    blind = replace(used(0.0), coverage_fraction=0.0)
    lost = Session([START, FOUND, LEARNT, closed(1, 0.0, 10.0, blind)])
    assert (lost.figures_of(1).energy_j, lost.figures_of(1).calibration) == (0, None)
    assert lost.figures().calibration is None


def test_a_session_that_is_calibrated_in_part_says_so() -> None:
    events: list[Event] = [
        START, DevicesFound((CPU, GPU)), LEARNT, closed(1, 0.0, 10.0, used(300.0)),
        closed(2, 10.0, 20.0, used(60.0), used(40.0, None, "gpu:0")),
    ]  # fmt: skip
    whole = Session(events).figures()
    assert whole.energy.energy_j == pytest.approx(20 * 10 + 1.2 * 300 + 100)
    assert whole.calibrated_fraction == pytest.approx(0.75)
    assert "75 % calibrated against a wall meter" in card.report_text(whole)
    page = markdown.render(summary_of(Session(events))).decode().replace("\u00a0", " ")
    assert "75 % calibrated against a wall meter" in page


def test_wherever_it_stands_among_the_events_it_is_the_same() -> None:
    events: list[Event] = [
        START,
        FOUND,
        closed(1, 0.0, 10.0, used(500.0)),
        BetweenMeasured(10.0, 15.0, (used(90.0),)),
    ]
    early, late = Session([*events[:2], LEARNT, *events[2:]]), Session([*events, LEARNT])
    assert early.figures() == late.figures()


spans = st.lists(
    st.tuples(
        st.sampled_from(["cell", "front_end", "between"]), st.floats(0.01, 100), st.floats(0, 300),
        st.none() | st.floats(0, 1),
    ),
    max_size=8,
)  # fmt: skip


def told(story: list[tuple[str, float, float, float | None]]) -> tuple[list[Event], float, float]:
    """Events of a session, its seconds and its joules by the sensors."""
    events: list[Event] = [START, FOUND, LEARNT, sampled(0.0, 0.0)]
    now_s = energy_j = 0.0
    for index, (what, duration_s, power_w, own) in enumerate(story, start=1):
        start_s, joules = now_s, duration_s * power_w
        role = Role.FRONT_END if what == "front_end" else Role.CELL
        if what != "between":
            events.append(CellOpened(run(index, start_s, role=role), Edge(start_s, 0.0, 1)))
        now_s, energy_j = now_s + duration_s, energy_j + joules
        events.append(sampled(now_s, energy_j))
        if what == "between":
            events.append(BetweenMeasured(start_s, now_s, (used(joules, own),)))
        else:
            events.append(closed(index, start_s, now_s, used(joules, own), role=role))
    return events, now_s, energy_j


@given(spans, st.sampled_from(Rule))
def test_the_parts_add_up_to_the_wall(
    story: list[tuple[str, float, float, float | None]], rule: Rule
) -> None:
    events, duration_s, energy_j = told(story)
    figures = Session(events).figures(rule=rule)

    assert figures.machine_j == pytest.approx(20 * duration_s + 1.2 * energy_j, rel=1e-9, abs=1e-6)
    assert figures.energy.energy_j + figures.others.energy_j == pytest.approx(figures.machine_j)
    cells_j = sum(each.energy_j for each in figures.cells)
    parts = (figures.front_end, figures.background, figures.between_cells)
    assert cells_j + sum(each.energy_j for each in parts) == pytest.approx(figures.energy.energy_j)


@given(spans, st.sampled_from(Rule))
def test_the_live_session_is_the_replayed_one(
    story: list[tuple[str, float, float, float | None]], rule: Rule
) -> None:
    events, _, _ = told(story)
    events.append(SettingChanged("attribution", str(rule)))
    heard = Session()
    for event in events:
        heard.apply(event)
    written = [json.loads(json.dumps(to_json(each), allow_nan=False)) for each in events]
    replayed = Session(from_json(each) for each in written)
    assert heard.figures() == replayed.figures()
    assert live(heard) == live(replayed)
    small = Session(from_json(json.loads(json.dumps(to_json(each)))) for each in compacted(events))
    assert small.figures().energy.energy_j == pytest.approx(heard.figures().energy.energy_j)
    assert live(small).energy.energy_j == pytest.approx(live(heard).energy.energy_j)


@given(spans)
def test_live_energy_never_jumps_when_it_is_booked(
    story: list[tuple[str, float, float, float | None]],
) -> None:
    events, _, _ = told(story)
    session = Session()
    for event in events:
        before_j = live(session).energy.energy_j
        session.apply(event)
        if isinstance(event, (BetweenMeasured, CellClosed)):
            assert live(session).energy.energy_j == pytest.approx(before_j, rel=1e-9, abs=1e-6)


def test_a_calibrated_range_is_explained_by_the_calibration_and_adds_up() -> None:
    part = replace(used(500.0), parts=(ErrorPart(SENSOR, 25.0), ErrorPart(REFRESH, 3.0)))
    session = Session([START, FOUND, LEARNT, closed(1, 0.0, 10.0, part)])
    f, report = session.figures_of(1), session.cells[1]

    found = reasons(report, session.devices, calibration=CALIBRATION)
    assert {each.device for each in found} == {"calibration", CPU.name}
    # Of the sensors' own only what no calibration mends is left, at the wall.
    assert [each.half_width_j for each in found if each.device == CPU.name] == [3.0 * 1.2]
    of_calibration = [each.half_width_j for each in found if each.device == "calibration"]
    assert hypot(*of_calibration) == pytest.approx(CALIBRATION.half_width_j(500.0, 10.0))

    lines = explain(f, report, session.devices)
    assert lines[-1] == (
        "all of the machine is in this: calibrated against a wall meter on 2026-11-25"
    )
    assert any("calibration: accuracy of the wall meter" in line for line in lines)
    assert not any("accuracy of its sensor" in line for line in lines)


def test_what_runs_is_at_the_wall() -> None:
    session = Session(
        [START, FOUND, LEARNT, sampled(0.0, 0.0), CellOpened(run(1, 0.0), Edge(0.0, 0.0, 1))]
    )
    session.apply(sampled(10.0, 500.0))
    now = live(session)
    assert now.running_energy.energy_j == pytest.approx(20 * 10 + 1.2 * 500)
    assert now.power_w == pytest.approx(80)
    assert now.powers_w == (50.0,)
    assert now.calibration == CALIBRATION

    session.apply(SettingChanged("attribution", "share"))
    session.apply(closed(1, 0.0, 10.0, used(500.0, 0.25)))
    session.apply(sampled(20.0, 1000.0))
    now = live(session)
    assert session.energy().energy_j == pytest.approx(0.25 * 800)
    assert now.running_energy.energy_j == pytest.approx(0.25 * 800)
    assert now.running_energy.low_j == 0
    assert now.running_energy.high_j >= 800


def test_power_that_is_not_known_whole_stays_the_sensors() -> None:
    session = Session([START, FOUND, LEARNT, sampled(0.0, 0.0)])
    assert live(session).power_w is None
    assert session.unbooked_s() == 0
    assert Session([START]).unbooked_s() == 0


def test_a_pause_is_charged_to_nobody() -> None:
    session = Session([START, FOUND, LEARNT, sampled(0.0, 0.0), closed(1, 0.0, 10.0, used(500.0))])
    # 90 s of pause, in which nothing was observed, then ten seconds of a cell.
    session.apply(Sampled(110.0, (DevicePoint("cpu:0", 1000.0, 20.0),)))
    assert live(session).running_energy.energy_j == pytest.approx(20 * 10 + 1.2 * 500)


def test_runs_side_by_side_are_charged_once_with_what_never_rests() -> None:
    """Two runs of ten seconds, five of them in common: their joules are divided already."""
    events: list[Event] = [
        START, FOUND, LEARNT,
        CellOpened(run(1, 0.0), Edge(0.0, 0.0, 1)), CellOpened(run(2, 5.0), Edge(5.0, 0.0, 2)),
        closed(1, 0.0, 10.0, used(750.0), flags=("overlap",)),
        closed(2, 5.0, 15.0, used(750.0), flags=("overlap",)),
    ]  # fmt: skip
    session = Session(events)
    assert session.figures().machine_j == pytest.approx(20 * 15 + 1.2 * 1500)
    assert session.figures_of(1).energy_j == pytest.approx(20 * 7.5 + 1.2 * 750)
    assert sum(each.energy_j for each in session.figures().cells) == pytest.approx(
        session.figures().energy.energy_j
    )
    small = Session(compacted(events))
    assert small.figures_of(2).energy_j == pytest.approx(session.figures_of(2).energy_j)


def test_a_nested_run_is_at_the_wall_and_adds_nothing() -> None:
    session = Session(
        [
            START,
            FOUND,
            LEARNT,
            closed(2, 2.0, 4.0, used(100.0), parent=1),
            closed(1, 0.0, 10.0, used(500.0)),
        ]
    )
    assert session.figures_of(2).energy_j == pytest.approx(20 * 2 + 1.2 * 100)
    assert session.figures().energy.energy_j == pytest.approx(800)


def test_a_share_is_charged_with_its_part_of_what_never_rests() -> None:
    session = Session([START, FOUND, LEARNT, closed(1, 0.0, 10.0, used(500.0, 0.3))])
    f = session.figures_of(1, rule=Rule.SHARE)
    assert f.energy_j == pytest.approx(0.3 * 800)
    assert f.other_energy.energy_j == pytest.approx(800)
    assert session.figures(rule=Rule.SHARE).others.energy_j == pytest.approx(0.7 * 800)


def test_a_model_of_another_kind_is_another_device() -> None:
    modelled = replace(CPU, provenance=Provenance.MODELLED, method="EPYC")
    session = Session([START, DevicesFound((modelled,)), LEARNT, closed(1, 0.0, 1.0, used(5.0))])
    assert session.figures_of(1).calibration is None
    learnt = CalibrationLearned(replace(CALIBRATION, devices=("cpu:0 (EPYC)",)))
    session.apply(learnt)
    assert session.figures_of(1).calibration == learnt.calibration
