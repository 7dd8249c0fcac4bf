"""One codec for the channel, the ledger and the session: out and in again is the same event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import cell, device, energy, events, intensity
from nbcarbon.core.attribution import Rule
from nbcarbon.core.baseline import Baseline, IdlePower
from nbcarbon.core.booking import Charged
from nbcarbon.core.calibration import Calibration
from nbcarbon.core.embodied import Manufactured
from nbcarbon.core.events import Event, Unknown, from_json, to_json
from nbcarbon.core.figures import Seen
from nbcarbon.core.reports import Shape

numbers = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=20)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

parts = st.builds(
    energy.DeviceEnergy,
    text, numbers, numbers, numbers, numbers, st.booleans(), st.none() | numbers,
)  # fmt: skip
runs = st.builds(
    cell.CellRun,
    text, st.integers(), text, st.sampled_from(cell.Role), times, numbers, st.none() | st.integers(),
)  # fmt: skip
edges = st.builds(
    events.Edge, numbers, numbers, st.integers(), st.lists(st.tuples(text, numbers)).map(tuple)
)
labels = st.lists(text, max_size=3).map(tuple)
outcomes = st.sampled_from(cell.Outcome)
devices = st.builds(
    device.Device,
    text, st.sampled_from(device.Kind), text, st.sampled_from(device.Provenance), text, numbers,
    numbers, numbers, st.none() | text, st.none() | numbers, st.sampled_from(device.Reach),
    st.none() | st.builds(device.CounterFile, text, numbers),
)  # fmt: skip
energies = st.lists(parts, max_size=3).map(tuple)
samples = st.builds(
    events.Sampled, numbers, st.lists(st.builds(events.DevicePoint, text, numbers, numbers)).map(tuple)
)  # fmt: skip
rules = st.sampled_from(Rule)
sums = st.builds(energy.Energy, numbers, numbers, numbers)
STRATEGIES: dict[type, st.SearchStrategy[Any]] = {
    events.CellOpened: st.builds(events.CellOpened, runs, edges),
    events.CellRestarted: st.builds(events.CellRestarted, st.integers(), edges),
    events.CellEnded: st.builds(events.CellEnded, st.integers(), edges, outcomes, labels, text),
    events.CellsNoted: st.builds(
        events.CellsNoted, text, text, st.integers(), st.none() | st.integers()
    ),
    events.SettingChanged: st.builds(events.SettingChanged, text, text),
    events.SessionStarted: st.builds(
        events.SessionStarted,
        text, times, numbers, text, text, text, text, text,
        st.lists(st.tuples(text, text)).map(tuple),
    ),
    events.SamplerStarted: st.builds(events.SamplerStarted, st.integers(), text),
    events.DevicesFound: st.builds(events.DevicesFound, st.lists(devices, max_size=3).map(tuple)),
    events.Sampled: samples,
    events.CellClosed: st.builds(
        events.CellClosed, st.builds(cell.CellReport, runs, numbers, outcomes, energies, labels)
    ),
    events.CellsKept: st.builds(
        events.CellsKept,
        st.lists(st.builds(Shape, text, st.integers(), labels), max_size=3).map(tuple),
        st.binary(),
    ),
    events.Folded: st.builds(
        events.Folded,
        st.none() | numbers, numbers, st.integers(), st.integers(), labels,
        st.lists(
            st.builds(events.PartSum, rules, text, labels, sums, sums, numbers), max_size=3
        ).map(tuple),
        st.lists(
            st.builds(events.DeviceSum, text, numbers, numbers, numbers, numbers), max_size=3
        ).map(tuple),
        st.lists(
            st.tuples(rules, st.builds(Seen, st.integers(), *[numbers] * 6)), max_size=2
        ).map(tuple),
        st.lists(samples, max_size=2).map(tuple),
        st.lists(st.builds(Charged, st.integers(), numbers, numbers, numbers), max_size=2).map(tuple),
    ),
    events.BetweenMeasured: st.builds(events.BetweenMeasured, numbers, numbers, energies),
    events.IntensityLearned: st.builds(
        events.IntensityLearned,
        st.builds(
            intensity.Zone, st.none() | text, text, text, st.sampled_from(intensity.Confidence), labels
        ),
        st.builds(
            intensity.Intensity,
            numbers, numbers, numbers, st.sampled_from(intensity.Basis),
            st.sampled_from(intensity.Scope), st.sampled_from(intensity.Accounting), text,
            st.integers(), st.booleans(),
        ),
    ),
    events.CalibrationLearned: st.builds(
        events.CalibrationLearned,
        st.builds(
            Calibration,
            times, numbers, st.floats(0.1, 9), *[st.floats(0, 1e3)] * 5, *[st.floats(0.1, 1e3)] * 3,
            *[st.floats(0, 1e3)] * 4, st.integers(), st.floats(0, 1e6), numbers, labels,
        ),
    ),
    events.BaselineLearned: st.builds(
        events.BaselineLearned,
        st.builds(
            Baseline,
            times, numbers, st.none() | numbers,
            st.lists(
                st.builds(
                    IdlePower,
                    text, text, st.sampled_from(device.Kind), st.sampled_from(device.Provenance),
                    *[numbers] * 4,
                ),
                max_size=3,
            ).map(tuple),
        ),
    ),
    events.HardwareLearned: st.builds(
        events.HardwareLearned,
        st.lists(
            st.builds(
                Manufactured,
                text, st.none() | text, st.just(10.0), st.floats(0, 10), st.floats(10, 1e9),
                st.floats(0.1, 9), st.floats(0, 0.9), st.floats(0.1, 1), st.floats(0, 0.9),
                st.floats(0, 1), text,
            ),
            max_size=3,
        ).map(tuple),
        labels,
    ),
    events.Noticed: st.builds(events.Noticed, text, text),
    events.SessionEnded: st.builds(events.SessionEnded, numbers, text),
}  # fmt: skip


def test_every_kind_of_event_is_tried() -> None:
    assert set(STRATEGIES) == set(get_args(Event)) - {Unknown}


@given(st.one_of(*STRATEGIES.values()))
def test_out_and_in_again_is_the_same(event: Event) -> None:
    written = json.dumps(to_json(event), allow_nan=False)

    assert from_json(json.loads(written)) == event


def test_an_event_of_a_later_version_is_kept() -> None:
    later = {"type": "MoonPhase", "phase": "full"}

    assert from_json(later) == Unknown("MoonPhase", {"phase": "full"})
    assert to_json(from_json(later)) == later


def test_a_field_of_a_later_version_is_left_out() -> None:
    assert from_json({"type": "Noticed", "key": "k", "text": "t", "mood": 3}) == events.Noticed(
        "k", "t"
    )


def test_a_whole_number_may_stand_for_a_float() -> None:
    assert from_json({"type": "SessionEnded", "end_s": 3}) == events.SessionEnded(3.0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": 3},
        {"type": "Noticed"},
        {"type": "Noticed", "key": 1, "text": "t"},
        {"type": "SamplerStarted", "pid_number": True},
        {"type": "SessionEnded", "end_s": "soon"},
        {"type": "Sampled", "instant_s": 1.0, "points": [["a", 1.0]]},
        {"type": "CellClosed", "report": None},
        {"type": "CellEnded", "index": 1, "edge": {}, "outcome": "ok"},
        {"type": "BetweenMeasured", "start_s": 1.0, "end_s": 1.0, "devices": 3},
    ],
)
def test_what_is_no_event_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"event|not a"):
        from_json(body)
